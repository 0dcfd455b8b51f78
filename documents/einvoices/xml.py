"""Strangers' XML, read so that it can only be read: no entities, no document type, nothing fetched, bounded in size.

The limits are checked on the text, before a parser builds anything from it. libxml2 keeps its own beside them (256
levels, texts of 10 MB), as no `huge_tree` is asked for.
"""

from __future__ import annotations

import codecs
import re

from lxml import etree

from documents.intake import IntakeRefused, megabytes

MOST_BYTES = 30_000_000
"""Of XML. Attachments inside it are a third longer than they are outside."""
MOST_TAGS = 1_000_000
"""Starts and ends of elements: a line of an invoice has about a hundred."""
LONGEST_TAG = 50_000
DEEPEST = 100
"""Levels of elements; Saxon's parser goes down so far. Real invoices have about ten."""
LONGEST_TEXT = 50_000
"""Letters in one element that is no embedded file; notes are the longest texts that people write into invoices."""
MOST_TEXT = 2_000_000
"""Letters in all of these."""
SHORT_TEXT = 1_000
"""Counted wherever it stands."""
FILES = frozenset({"EmbeddedDocumentBinaryObject", "AttachmentBinaryObject", "BinaryObject"})
"""Elements that hold a file as base64 (UBL; CII)."""
MOST_ATTRIBUTES = 500
"""Of one element; counted in long tags only, as short ones cannot hold many."""

ENCODINGS = {
    "utf-8": "utf-8",
    "ascii": "utf-8",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "iso8859-1": "cp1252",  # what is called Latin 1 usually is this, with the euro sign
    "iso8859-15": "iso8859-15",
    "iso8859-2": "iso8859-2",
    "cp1250": "cp1250",
    "cp1252": "cp1252",
    "euc_kr": "cp949",
    "cp949": "cp949",
}
"""Python's names of what a file may call its encoding, and what it is read as. No UTF-7: tags could hide in it."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\x00?\x00", "utf-16-le"),
    (b"\x00<\x00?", "utf-16-be"),
)
_DECLARATION = re.compile(r"\s*+<\?xml\s[^>]*\?>")
_SAID_ENCODING = re.compile(rb"""^\s*<\?xml\s[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_BEFORE_THE_ROOT = re.compile(r"(?:\s++|<!--.*?-->|<\?.*?\?>)*+", re.DOTALL)
_ROOT = re.compile(r"<[\w:]")
_STYLESHEET = re.compile(r"<\?\s*xml-stylesheet\b")
_XINCLUDE = "http://www.w3.org/2001/XInclude"
_STARTS = (b"<", *(mark for mark, _ in _MARKS))


def looks_like_xml(data: bytes) -> bool:
    """By its first bytes: a tag, or the mark of an encoding of which a tag may follow."""
    return data.lstrip(b" \t\r\n").startswith(_STARTS)


def harmless(data: bytes) -> bytes:
    """The same document in UTF-8 without its declaration, once it is known that a parser cannot be hurt by it.

    Raises IntakeRefused.
    """
    if len(data) > MOST_BYTES:
        raise IntakeRefused("too_large", "The XML is larger than %(limit)s.", limit=megabytes(MOST_BYTES))
    text = _decoded(data)
    if text.count("<") > MOST_TAGS:
        raise _costly()
    if len(text) > LONGEST_TAG and any(
        (len(each) > LONGEST_TAG and each.partition(">")[0].count("=") > MOST_ATTRIBUTES)
        or each.count("=") > LONGEST_TAG
        for each in text.split("<")
    ):
        raise _costly()
    prolog = _BEFORE_THE_ROOT.match(text)
    assert prolog is not None
    if _STYLESHEET.search(prolog[0]):
        raise IntakeRefused("hostile", "The XML names a stylesheet, a program to be run on it. Please send it without.")
    if text.startswith("<!", prolog.end()):
        raise IntakeRefused(
            "hostile",
            "The XML has a document type, by which entities can fetch or hide things. No invoice needs one.",
        )
    if not _ROOT.match(text, prolog.end()):  # what is no white space to us may be some to a parser
        raise IntakeRefused(
            "damaged", "The XML is damaged in line %(line)s.", line=text.count("\n", 0, prolog.end()) + 1
        )
    if _XINCLUDE in text:
        raise IntakeRefused("hostile", "The XML wants other files to be included in it. Please send it whole.")
    return text.encode()


def parsed(text: bytes, *, comments: bool = False) -> etree._Element:
    """The root of what `harmless` returned; comments are kept where a signature may need them.

    Raises IntakeRefused, with the line, for what is no well-formed XML.
    """
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=not comments,
        remove_pis=not comments,
        strip_cdata=True,
    )
    try:
        return etree.fromstring(text, parser)
    except etree.XMLSyntaxError as failure:
        if failure.msg and ("depth" in failure.msg.lower() or "huge" in failure.msg.lower()):
            raise _costly() from None
        raise IntakeRefused("damaged", "The XML is damaged in line %(line)s.", line=failure.lineno or 1) from None


def insist_on_what_people_write(root: etree._Element) -> None:
    """Whoever reads, searches or draws an invoice takes a time that grows with its texts, and goes down its levels.

    Raises IntakeRefused (``too_costly``).
    """
    if _TOO_DEEP(root):
        raise _costly()
    whole = 0
    for element in root.iter(etree.Element):
        text = element.text
        # a name is dear to look up, and no short text is worth it
        lengths = [len(text)] if text and (len(text) < SHORT_TEXT or not _holds_a_file(element)) else []
        lengths += map(len, element.values())
        if lengths:
            whole += sum(lengths)
            if max(lengths) > LONGEST_TEXT or whole > MOST_TEXT:
                raise _costly()


_TOO_DEEP = etree.XPath(f"boolean({'/*' * (DEEPEST + 1)})")


def _holds_a_file(element: etree._Element) -> bool:
    return etree.QName(element).localname in FILES


def _decoded(data: bytes) -> str:
    name = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if name is None:
        said = _SAID_ENCODING.match(data)
        name = said[1].decode().lower() if said else "utf-8"
    try:
        encoding = ENCODINGS[codecs.lookup(name).name]
    except LookupError:
        raise IntakeRefused(
            "damaged", "The XML is written in %(encoding)s, which is not read here.", encoding=name
        ) from None
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise IntakeRefused(
            "damaged", "The XML is not written in %(encoding)s, as it should be.", encoding=name
        ) from None
    text = text.lstrip("\ufeff")
    declaration = _DECLARATION.match(text)
    return text[declaration.end() :] if declaration else text


def _costly() -> IntakeRefused:
    return IntakeRefused("too_costly", "The XML is made so that reading it costs too much. No invoice looks like this.")

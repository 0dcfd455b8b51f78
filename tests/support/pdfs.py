"""Small PDFs of every kind that people hand in, and of the kinds that break other products."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence

import pikepdf
from pikepdf import Dictionary, Name, Pdf


def plain_pdf(
    text: str = "Lease of eight trucks", *, pages: int = 1, change: Callable[[Pdf], None] | None = None
) -> bytes:
    """A4 pages with one line of Latin text each."""
    pdf = pikepdf.new()
    font = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    for number in range(1, pages + 1):
        content = f"BT /F1 18 Tf 72 720 Td ({text}, page {number}) Tj ET".encode("latin-1")
        pdf.add_blank_page(page_size=(595, 842))
        page = pdf.pages[-1].obj
        page.Contents = pdf.make_stream(content)
        page.Resources = Dictionary(Font=Dictionary(F1=font))
    if change is not None:
        change(pdf)
    return saved(pdf)


def saved(pdf: Pdf, **how: object) -> bytes:
    written = io.BytesIO()
    pdf.save(written, static_id=True, **how)  # type: ignore[arg-type]  # pikepdf's own options
    return written.getvalue()


def by_hand(objects: Sequence[bytes], *, root: int = 1) -> bytes:
    """A file of these objects, numbered from 1, with a sound cross-reference table: what no library would write."""
    written, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer\n<</Size %d /Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, table)
    return bytes(written)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<</Length %d %b>>\nstream\n%b\nendstream" % (len(content), entries, content)


def junk_before_the_header() -> bytes:
    return b"From: somebody\r\n\r\n" + plain_pdf()


def junk_after_the_end() -> bytes:
    return plain_pdf() + b"\0" * 3000


def broken_cross_references() -> bytes:
    data = plain_pdf()
    at = data.rindex(b"startxref")
    return data[:at] + b"startxref\n77\n%%EOF\n"


def hybrid_cross_references() -> bytes:
    """A classic table whose trailer also names a cross-reference stream (ISO 32000-2, 7.5.8.4)."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<>>>>",
        stream(b"0 0 m 100 100 l S"),
    ]
    data = bytearray(by_hand(objects))
    table = data.rindex(b"xref\n0")
    packed = len(data)
    entries = zlib.compress(bytes([1]) + packed.to_bytes(4, "big") + bytes([0]))
    body = (
        b"<</Type/XRef/Size 6/W[1 4 1]/Index[5 1]/Root 1 0 R/Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream"
        % (len(entries), entries)
    )
    data += b"5 0 obj\n%b\nendobj\n" % body
    again = len(data)
    data += bytes(data[table : data.index(b"trailer")])
    data += b"trailer\n<</Size 6/Root 1 0 R/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n" % (packed, again)
    return bytes(data)


def direct_annotation() -> bytes:
    """An annotation that is no object of its own: signed as it lies, the signature would be invalid."""
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<>>"
            b"/Annots[<</Type/Annot/Subtype/Text/Rect[10 10 30 30]/Contents(a note)>>]>>",
            stream(b"0 0 m 100 100 l S"),
        ]
    )


def with_owner_password() -> bytes:
    return saved(Pdf.open(io.BytesIO(plain_pdf())), encryption=pikepdf.Encryption(owner="boss", user="", R=6))


def with_user_password(password: str = "open sesame") -> bytes:
    return saved(Pdf.open(io.BytesIO(plain_pdf())), encryption=pikepdf.Encryption(owner="boss", user=password, R=6))


def rotated(degrees: int = 90) -> bytes:
    def turn(pdf: Pdf) -> None:
        pdf.pages[0].obj.Rotate = degrees

    return plain_pdf(change=turn)


def with_javascript() -> bytes:
    def add(pdf: Pdf) -> None:
        pdf.Root.OpenAction = Dictionary(Type=Name.Action, S=Name.JavaScript, JS=pikepdf.String("app.alert(1)"))

    return plain_pdf(change=add)


def with_attachment() -> bytes:
    def add(pdf: Pdf) -> None:
        pdf.attachments["secret.txt"] = b"not for everybody"

    return plain_pdf(change=add)


def decompression_bomb(megabytes: int = 2000) -> bytes:
    """A page whose content unpacks to this many megabytes."""
    packer = zlib.compressobj(9)
    chunk = b"0 0 m 1 1 l S\n" * 75_000
    packed = b"".join(packer.compress(chunk) for _ in range(megabytes)) + packer.flush()
    packed = zlib.compress(packed, 9)  # packed twice: a few kilobytes
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<>>>>",
            stream(packed, b"/Filter[/FlateDecode/FlateDecode]"),
        ]
    )


def deep_page_tree(depth: int = 5000) -> bytes:
    nodes = [
        b"<</Type/Pages/Kids[%d 0 R]/Count 1/Parent %d 0 R>>" % (number + 3, number + 1) for number in range(depth)
    ]
    leaf = b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 595 842]/Resources<<>>>>" % (depth + 1)
    return by_hand([b"<</Type/Catalog/Pages 2 0 R>>", *nodes, leaf])


def deep_direct_objects(depth: int = 20_000) -> bytes:
    nested = b"[" * depth + b"]" * depth
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R/Deep %b>>" % nested,
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>",
        ]
    )


def enormous_page(side: int = 26_500) -> bytes:
    """One page of 702 million square points: a picture of it would fill the memory."""
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents 4 0 R/Resources<<>>>>" % (side, side),
            stream(b"0 0 m 100 100 l S"),
        ]
    )


def with_nul_in_its_text() -> bytes:
    """A font whose ToUnicode table maps the letter A to NUL."""
    table = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        b"1 begincodespacerange <00> <ff> endcodespacerange\n"
        b"2 beginbfchar <41> <0000> <42> <0042> endbfchar endcmap end end"
    )
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
            stream(b"BT /F1 18 Tf 72 720 Td (BAB) Tj ET"),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
            stream(table),
        ]
    )


def without_pages() -> bytes:
    return by_hand([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"])

"""Questions about what people say of a document. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from workflows.discussions.model import Comment, Visibility
from workflows.errors import Refused
from workflows.parties.rules import Actor, normalised_email, shown

LONGEST_TEXT = 4000
LONGEST_FILE_NAME = 200  # letters; stored and shown, never used as a path
MOST_BYTES = 25_000_000
MOST_MENTIONS = 30
SECOND_THOUGHTS = timedelta(minutes=15)


@dataclass(frozen=True)
class Subject:
    """The document that is talked about, and whose it is."""

    process: str
    id: UUID
    organisation_id: UUID
    number: str = ""
    title: str = ""
    version: int = 1
    """The current one."""

    @property
    def inside(self) -> str:
        """Process under which the histories and mails of what is said inside are kept apart: the document's own history
        is read by everybody, and its sealed file carries it."""
        return f"{self.process}-inside"


@dataclass(frozen=True)
class Said:
    """A comment as somebody wrote it, checked. ``visibility``: None where they made no choice."""

    text: str
    visibility: Visibility | None = None
    mentions: tuple[str, ...] = ()
    """Addresses."""


def checked(text: str, *, visibility: str = "", mentions: Sequence[str] = (), has_file: bool = False) -> Said:
    """What these words mean.

    Raises:
        Refused: with the sentence and the field.
    """
    text = tidied(text)
    if not text and not has_file:
        raise Refused("Nothing was written.", field="text")
    if len(text) > LONGEST_TEXT:
        raise Refused("The comment is longer than %(most)s letters.", field="text", most=LONGEST_TEXT)
    if visibility not in ("", *Visibility):
        raise Refused("Say inside or shared.", field="visibility")
    addresses = []
    for each in mentions:
        if each.strip():
            try:
                addresses.append(normalised_email(each))
            except Refused as refused:
                raise Refused(refused.sentence, field="mentions", **refused.values) from None
    if len(set(addresses)) > MOST_MENTIONS:
        raise Refused("A comment is mailed to at most %(most)s people.", field="mentions", most=MOST_MENTIONS)
    return Said(text, Visibility(visibility) if visibility else None, tuple(dict.fromkeys(addresses)))


# Control characters (but line ends and tabs), direction marks and overrides, line separators, surrogates
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")


def tidied(text: str) -> str:
    """Text as it is kept and shown: one kind of line end, without what cannot be seen, at most one empty line."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    lines = (_UNSEEN.sub("", line).rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def is_inside(subject: Subject, organisation_id: UUID | None) -> bool:
    """Whether somebody of this organisation is one of the document's own people."""
    return organisation_id == subject.organisation_id


def visibility_for(actor: Actor, subject: Subject, chosen: Visibility | None) -> Visibility:
    """How far a comment is heard: inside where its author is and did not choose. Others are always heard by both.

    Raises:
        Refused: somebody from outside wants to talk inside.
    """
    inside = is_inside(subject, actor.organisation_id)
    if chosen is Visibility.INSIDE and not inside:
        raise Refused("Only people of the document’s own organisation can write inside.", field="visibility")
    return chosen or (Visibility.INSIDE if inside else Visibility.SHARED)


@dataclass(frozen=True)
class Mentionable:
    """Somebody who may be mentioned by name: they may see the document already."""

    id: UUID
    name: str
    email: str
    inside: bool


def named_in(text: str, people: Sequence[Mentionable]) -> tuple[UUID, ...]:
    """The people whom the text calls by ``@Name`` or ``@address``, in their order.

    The longest name counts. A letter right after it makes it another name, but where a script puts its particles there
    (“@김민준님께”).

    Raises:
        Refused: two people have that name, or nobody who may see the document has that address.
    """
    found: dict[UUID, None] = {}
    spelled = sorted({_folded(each.name) for each in people}, key=len, reverse=True)
    folded = _folded(text)
    for at in re.finditer(r"(?<![\w.@-])@", folded):
        rest = folded[at.end() :]
        if address := _ADDRESS.match(rest):
            of_address = [each for each in people if each.email == address[0].rstrip(".")]
            if not of_address:
                raise Refused(
                    "Nobody who may see this document has the address %(address)s.",
                    field="text",
                    address=shown(address[0])[:80],
                )
            found[of_address[0].id] = None
            continue
        name = next((each for each in spelled if rest.startswith(each) and not _goes_on(rest[len(each) :])), None)
        called = [each for each in people if _folded(each.name) == name]
        if len(called) > 1:
            raise Refused(
                "More than one person here is called %(name)s. Choose them from the list.",
                field="text",
                name=called[0].name,
            )
        found.update(dict.fromkeys(each.id for each in called))
    return tuple(found)


_ADDRESS = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _goes_on(rest: str) -> bool:
    """Whether a name that ends here is only the beginning of a longer one."""
    together = ("HANGUL", "CJK", "HIRAGANA", "KATAKANA")  # scripts that write particles without a space
    return rest[:1].isalnum() and not unicodedata.name(rest[0], "").startswith(together)


def why_not_mention(visibility: Visibility, *, inside: bool) -> str | None:
    """Why somebody may not be mentioned; None where they may. ``inside``: they are one of the document's own people."""
    if visibility is Visibility.INSIDE and not inside:
        return "%(name)s is not of your organisation: let the counterparty read it too, or leave them out."
    return None


def why_not_withdraw(actor: Actor, comment: Comment, *, now: datetime) -> str | None:
    if comment.author_id != actor.id:
        return "Only who wrote a comment may withdraw it."
    if now >= comment.at + SECOND_THOUGHTS:
        return "A comment can be withdrawn for 15 minutes; this one stays."
    return None


def may_read(comment: Comment, *, inside: bool) -> bool:
    return inside or comment.visibility is Visibility.SHARED


@dataclass(frozen=True)
class Piece:
    """A stretch of text. ``address``: where it leads, for a web address; else empty."""

    text: str
    address: str = ""


_WEB = re.compile(r"https?://[^\s<>\"'“”‘’「」]+", re.IGNORECASE)


def pieces(text: str) -> Iterator[Piece]:
    """The text cut where web addresses begin and end. Only http and https lead anywhere."""
    done = 0
    for found in _WEB.finditer(text):
        address = found[0].rstrip(".,;:!?)]}…。、")
        if not _leads_somewhere(address):
            continue
        if found.start() > done:
            yield Piece(text[done : found.start()])
        yield Piece(address, address)
        done = found.start() + len(address)
    if done < len(text):
        yield Piece(text[done:])


def _leads_somewhere(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.username is None
    except ValueError:
        return False


def checked_file_name(name: str, endings: Sequence[str]) -> str:
    """The name as it may be shown and offered for download: its last part, in one line, at most 200 letters. An ending
    that does not belong to what the file is gets the right one behind it."""
    last = shown(name.replace("\\", "/").rpartition("/")[2]).rstrip(". ")
    stem, dot, ending = last.rpartition(".")
    if not dot or ending.lower() not in endings:
        stem, ending = last, endings[0]
    return f"{stem[: LONGEST_FILE_NAME - len(ending) - 1].strip('. ') or 'file'}.{ending}"

"""An invoice's elements, each asked for by name, and what nobody asked for.

Amounts that a reader does not know are not passed over: whatever looks like money or a rate and was not taken is listed
at the end (`Said.unread`), with what was no number or no day.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache

from lxml import etree

from documents.einvoices.data import Identifier, Quantity, Reason, Unread

_NUMBER = re.compile(r"[+-]?0*([0-9]{0,15})(?:\.([0-9]{0,25}))?")
"""xs:decimal (XML Schema part 2, 3.2.3): no thousands separators, no exponents."""
MOST_DIGITS = 25
"""Below the 28 with which Python reckons, so that sums stay exact."""
_ISO_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T[\d:.]+)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_PLAIN_DAY = re.compile(r"(\d{4})(\d\d)(\d\d)(?:\d{4}(?:\d\d)?)?", re.ASCII)
_MONEY = re.compile(r"(?:Amount|Percent|MultiplierFactorNumeric|Rate)$")
_TOLD_APART = frozenset({"IssueID", "IssueDate", "IssueDateTime", "DueDate"})
"""By these invoices are told apart and paid in time: a second one is told as unread, too."""

MOST_UNREAD = 200


class Said:
    """An element with what stands in it, by local names. Names of other namespaces keep theirs, so that nothing strange
    is taken for one of ours."""

    __slots__ = ("_told", "attributes", "children", "name", "place", "taken", "text")

    def __init__(
        self,
        element: etree._Element,
        namespaces: frozenset[str],
        renamed: Mapping[str, str] | None = None,
        place: str = "",
        told: list[Unread] | None = None,
    ) -> None:
        name = _local(str(element.tag), namespaces)
        self.name = (renamed or {}).get(name, name)
        self.place = place or name
        self.text = "" if len(element) else (element.text or "").strip()
        self.attributes: Mapping[str, str] = {str(name): str(value) for name, value in element.attrib.items()}
        self.taken = False
        self._told: list[Unread] = [] if told is None else told
        self.children: list[Said] = []
        seen: dict[str, int] = {}
        for each in element.iterchildren(tag=etree.Element):
            below = _local(str(each.tag), namespaces)
            seen[below] = seen.get(below, 0) + 1
            where = f"{self.place}/{below}" + (f"[{seen[below]}]" if seen[below] > 1 else "")
            self.children.append(Said(each, namespaces, renamed, where, self._told))

    def all(self, path: str) -> Iterator[Said]:
        """Elements below, one name for each level; they count as taken."""
        name, _, rest = path.partition("/")
        for each in self.children:
            if each.name == name:
                each.taken = True
                if rest:
                    yield from each.all(rest)
                else:
                    yield each

    def one(self, path: str) -> Said | None:
        """The first one."""
        name, _, rest = path.partition("/")
        for each in self.children:
            if each.name == name:
                found = each.one(rest) if rest else each
                if found is not None:
                    found.taken = True
                    return found
        return None

    def has(self, path: str) -> bool:
        """Whether there is such an element; it counts as taken."""
        return self.one(path) is not None

    def says(self, path: str) -> str:
        """The text of the first one, without white space around it; "" where it is not there or has elements in it."""
        found = self.one(path)
        return found.text if found else ""

    def say_all(self, path: str) -> tuple[str, ...]:
        """The texts of all that are not empty."""
        return tuple(each.text for each in self.all(path) if each.text)

    def number(self, path: str) -> Decimal | None:
        """As `as_number`; None where there is no such element."""
        found = self.one(path)
        return found.as_number() if found else None

    def as_number(self) -> Decimal | None:
        """With the digits and the sign that are written. None, and told as unread, for what is no xs:decimal of at most
        15 digits before the point and `MOST_DIGITS` together."""
        self.taken = True
        if not self.text:
            return None
        written = _NUMBER.fullmatch(self.text)
        digits = "".join(part or "" for part in written.groups()) if written else ""
        if len(digits) > MOST_DIGITS or not any(letter in "0123456789" for letter in self.text) or written is None:
            self.tell("not a number")
            return None
        return Decimal(self.text)

    def amount(self, path: str, currency: str) -> Decimal | None:
        """In this currency, or in none that is named; an amount in another one would be taken for the wrong money."""
        found = self.one(path)
        if found is None:
            return None
        if found.attributes.get("currencyID", currency) != currency:
            found.tell("another currency")
            return None
        return found.as_number()

    def quantity(self, path: str) -> Quantity | None:
        """With the unit of its attribute unitCode."""
        found = self.one(path)
        value = found.as_number() if found else None
        return None if found is None or value is None else Quantity(value, found.attributes.get("unitCode", ""))

    def identifier(self, path: str) -> Identifier | None:
        """With the scheme of its attributes; None where it is not there or empty."""
        found = self.one(path)
        return found.as_identifier() if found is not None and found.text else None

    def as_identifier(self) -> Identifier:
        """schemeID is the scheme, schemeName its name."""
        return Identifier(self.text, self.attributes.get("schemeID", ""), self.attributes.get("schemeName", ""))

    def day(self, path: str) -> date | None:
        """As `as_day`; None where there is no such element."""
        found = self.one(path)
        return found.as_day() if found else None

    def as_day(self) -> date | None:
        """ISO 8601, or the formats 102, 203 and 204 of UNTDID 2379, which begin with year, month and day."""
        self.taken = True
        if not self.text:
            return None
        form = self.attributes.get("format", "102")
        written = _ISO_DAY.fullmatch(self.text) or (_PLAIN_DAY.fullmatch(self.text) if form in _DAY_FORMATS else None)
        if written is not None:
            try:
                return date(*map(int, written.groups()))
            except ValueError:
                pass
        self.tell("not a day", "" if form in _DAY_FORMATS else f" (format {form})")
        return None

    def tell(self, reason: Reason, more: str = "") -> None:
        """Note that this element could not be taken over; ``more`` stands behind its text. The first `MOST_UNREAD` are
        kept."""
        if len(self._told) < MOST_UNREAD:
            self._told.append(Unread(self.place, self.text[:200] + more, reason))

    def unread(self) -> tuple[Unread, ...]:
        """To be asked once, when all has been read."""
        for each in self._left():
            if len(self._told) < MOST_UNREAD:
                self._told.append(each)
        return tuple(self._told)

    def _left(self, twin: bool = False) -> Iterator[Unread]:
        """`twin`: this element is there a second time, where one is expected."""
        names = {each.name for each in self.children if each.taken}
        for each in self.children:
            again = twin or (not each.taken and each.name in names)
            if not each.taken and each.text and (_MONEY.search(each.name) or (again and each.name in _TOLD_APART)):
                yield Unread(each.place, each.text[:200], "one too many" if again else "not known")
            yield from each._left(again)


_DAY_FORMATS = frozenset({"102", "203", "204"})


@lru_cache(4096)
def _local(tag: str, namespaces: frozenset[str]) -> str:
    namespace, _, name = tag.removeprefix("{").rpartition("}")
    return name if namespace in namespaces else tag


def size_of_base64(text: str) -> int | None:
    """Bytes that it stands for."""
    try:
        return len(base64.b64decode(text, validate=False))
    except (binascii.Error, ValueError):
        return None

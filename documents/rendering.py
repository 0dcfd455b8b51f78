"""The one Jinja environment that pages, mails and printable documents share, and how readers see times and money."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from jinja2.runtime import Context
from markupsafe import Markup

from documents.amounts import money, price, quantity

TEMPLATES = Path(__file__).parent.parent / "templates"
LOCALES = ("en", "ko")

DAYS = {"en": "EEE d MMM y", "ko": "y년 M월 d일(EEEEE)"}
DAYS_WITHOUT_WEEKDAY = {"en": "d MMM y", "ko": "y년 M월 d일"}
DAYS_WITHOUT_YEAR = {"en": "EEE d MMM", "ko": "M월 d일(EEEEE)"}


@dataclass(frozen=True)
class Reader:
    """Who reads: the language, and the zone in which times are shown (an IANA name)."""

    locale: str = "en"
    timezone: str = "UTC"
    paper: str = "contract"
    """What is spoken of. Sentences that fit any document on a route are written of contracts; see ``named``."""


def render(template: str, reader: Reader, **values: object) -> str:
    """A template below ``templates/`` as this reader sees it.

    Raises:
        jinja2.UndefinedError: the template asks for a value that was not given.
    """
    found = environment(reader.locale, reader.paper).get_template(template)
    return found.render({**values, "reader": reader, "lang": reader.locale})


def sentence(text: str, locale: str, /, **values: object) -> str:
    """A sentence in this language with its places filled in."""
    said = _catalog(locale).get(text, text)
    return said % values if values else said


def named(text: str, reader: Reader, /, **values: object) -> str:
    """A sentence in the reader's language that names the document it speaks of: a contract, or an invoice."""
    said = _named(text, reader.locale, reader.paper)
    return said % values if values else said


_CONTRACT = re.compile(r"\bcontract\b")
NAMES = {
    "invoice": {
        "en": (("a contract", "an invoice"), ("contract", "invoice")),
        # both words end in a consonant, so that particles stay
        "ko": (("계약서", "송장"), ("계약", "송장")),
    }
}
"""By kind of document and language, what stands in the place of the contract that a sentence was written of."""
MEANT = ("matching.po",)
"""Catalogues whose sentences speak of a contract beside the document, and mean one."""


def _named(text: str, locale: str, paper: str) -> str:
    said = _catalog(locale).get(text, text)
    if paper in NAMES and _CONTRACT.search(text) and text not in _meant():
        for contract, other in NAMES[paper].get(locale, ()):
            said = said.replace(contract, other)
    return said


@cache
def environment(locale: str = "en", paper: str = "contract") -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(("html",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
    )
    catalog = _catalog(locale)

    def one_or_many(one: str, many: str, number: int) -> str:
        return catalog.get(one, one if number == 1 and locale == "en" else many)

    made.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        lambda text: _named(text, locale, paper), one_or_many, newstyle=True
    )
    for function in (moment, moment_exact, moment_short, day, day_plain, day_short):
        made.filters[function.__name__] = _for_reader(function)
    made.filters["timetag"] = _tag(moment)
    made.filters["timetag_exact"] = _tag(moment_exact)
    made.filters["timetag_short"] = _tag(moment_short)
    made.filters["daytag"] = _tag(day)
    made.filters["daytag_plain"] = _tag(day_plain)
    made.filters["money"] = money
    made.filters["price"] = price
    made.filters["quantity"] = quantity
    made.filters["short_hash"] = short_hash
    made.filters["filesize"] = filesize
    made.globals["static"] = static_address
    return made


@cache
def _meant() -> frozenset[str]:
    """Sentences of ``MEANT``, whose ids are the same in all languages."""
    return frozenset(text for name in MEANT for text in _texts("ko", name))


@cache
def _catalog(locale: str) -> Mapping[str, str]:
    """Message id to text, from every catalogue of the language. English is its own."""
    return _texts(locale, "*.po")


def _texts(locale: str, names: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted((TEMPLATES / "locale" / locale).glob(names)):
        with path.open("rb") as file:
            catalog: Catalog = read_po(file, locale=locale)
        for message in catalog:
            if message.id and message.string:
                key = message.id if isinstance(message.id, str) else message.id[0]
                text = message.string if isinstance(message.string, str) else message.string[0]
                if text:
                    texts[key] = text
    return texts


def _local(value: datetime, reader: Reader) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time without its zone says nothing")
    return value.astimezone(ZoneInfo(reader.timezone))


def zone_name(value: datetime) -> str:
    """Of a local time: KST, CEST, UTC; where the zone has no letters of its own, such as UTC+3."""
    name = value.tzname() or "UTC"
    if name[0] not in "+-":
        return name
    hours, minutes = int(name[1:3]), int(name[3:5] or 0) if len(name) > 3 else 0
    return f"UTC{name[0]}{hours}" + (f":{minutes:02d}" if minutes else "")


def moment(value: datetime, reader: Reader) -> str:
    """Wed 27 May 2026, 18:00 KST · 2026년 5월 27일(수) 18:00 KST."""
    return _moment(value, reader, DAYS, "%H:%M")


def moment_exact(value: datetime, reader: Reader) -> str:
    """As ``moment``, to the second."""
    return _moment(value, reader, DAYS, "%H:%M:%S")


def moment_short(value: datetime, reader: Reader) -> str:
    """Without the year: for what is near."""
    return _moment(value, reader, DAYS_WITHOUT_YEAR, "%H:%M")


def _moment(value: datetime, reader: Reader, days: Mapping[str, str], clock: str) -> str:
    local = _local(value, reader)
    comma = "," if reader.locale == "en" else ""
    return f"{_day(local.date(), reader, days)}{comma} {local.strftime(clock)} {zone_name(local)}"


def day(value: date, reader: Reader) -> str:
    """Wed 27 May 2026 · 2026년 5월 27일(수)."""
    return _day(value, reader, DAYS)


def day_plain(value: date, reader: Reader) -> str:
    """27 May 2026 · 2026년 5월 27일."""
    return _day(value, reader, DAYS_WITHOUT_WEEKDAY)


def day_short(value: date, reader: Reader) -> str:
    """Wed 27 May · 5월 27일(수)."""
    return _day(value, reader, DAYS_WITHOUT_YEAR)


def _day(value: date, reader: Reader, patterns: Mapping[str, str]) -> str:
    if isinstance(value, datetime):  # which day it was depends on where the reader is
        value = _local(value, reader).date()
    return _written_out(value, patterns[reader.locale], reader.locale)


@lru_cache(1024)
def _written_out(value: date, pattern: str, locale: str) -> str:
    """Babel reads the pattern anew each time, and a list shows few days many times over."""
    return format_date(value, pattern, locale=locale)


def _for_reader(function: Callable[[Any, Reader], str]) -> Callable[..., str]:
    @jinja2.pass_context
    def shown(context: Context, value: Any) -> str:
        return function(value, context["reader"])

    return shown


def _tag(function: Callable[[Any, Reader], str]) -> Callable[..., Markup]:
    @jinja2.pass_context
    def tagged(context: Context, value: Any) -> Markup:
        machine = (
            value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            if isinstance(value, datetime)
            else value.isoformat()
        )
        return Markup('<time datetime="{}">{}</time>').format(machine, function(value, context["reader"]))

    return tagged


def short_hash(value: str) -> str:
    return value[:8]


def filesize(size: int) -> str:
    """214 kB, 1.2 MB, 100 MB: units of 1000 bytes."""
    if size < 1000:
        return f"{size} B"
    if size < 1_000_000:
        return f"{round(size / 1000)} kB"
    return f"{size / 1_000_000:.1f}".removesuffix(".0") + " MB"


@lru_cache(256)
def static_address(name: str) -> str:
    """The address of a file of ours; it changes with its content, so that browsers may keep it."""
    path = TEMPLATES.parent / "api" / "static" / name
    return f"/static/{name}?v={hashlib.sha256(path.read_bytes()).hexdigest()[:10]}"

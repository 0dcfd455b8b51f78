"""In which language and time zone somebody reads."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from fastapi import Request

from api.auth import visitor_of
from documents.rendering import LOCALES, Reader

LANGUAGE_COOKIE = "signoff_language"


def reader_of(request: Request, fallback: Reader | None = None) -> Reader:
    """Language and zone: as the address asks, as chosen before, as the person has set, as the browser prefers."""
    known = getattr(request.state, "reader", None)
    if isinstance(known, Reader) and fallback is None:
        return known
    settings = request.app.state.settings
    zone = fallback.timezone if fallback else settings.timezone
    if fallback is None and hasattr(request.app.state, "runtime") and (visitor := visitor_of(request)):
        reader = Reader(asked_language(request) or visitor.actor.locale, _known_zone(visitor.actor.timezone))
    else:
        preferred = fallback.locale if fallback else _browser_language(request) or settings.locale
        reader = Reader(asked_language(request) or request.cookies.get(LANGUAGE_COOKIE, "") or preferred, zone)
    if reader.locale not in LOCALES:
        reader = Reader("en", reader.timezone)
    request.state.reader = reader
    return reader


def asked_language(request: Request) -> str:
    asked = request.query_params.get("lang", "")
    return asked if asked in LOCALES else ""


def _browser_language(request: Request) -> str:
    for part in request.headers.get("accept-language", "").split(","):
        language = part.partition(";")[0].strip().lower()[:2]
        if language in LOCALES:
            return language
    return ""


def _known_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError):
        return "UTC"
    return zone

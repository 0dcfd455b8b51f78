"""Whether a page that should be Korean is so wholly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from tests.support.html import read

CATALOGS = sorted((Path(__file__).parents[2] / "templates" / "locale" / "ko").glob("*.po"))
PLACE = re.compile(r"%\(\w+\)s")


def english_left(page: str) -> list[str]:
    """Sentences that have a translation and stand in a page in English all the same."""
    return [each for each in read(page).texts() if re.search("[A-Za-z]{3}", each) and english().fullmatch(each)]


@cache
def english() -> re.Pattern[str]:
    """Any of our sentences, with whatever stands in its places. One pattern: thousands one by one take half a second
    a page."""
    return re.compile("|".join(_pattern(form) for form in _sentences()))


def _sentences() -> Iterator[str]:
    for path in CATALOGS:
        with path.open("rb") as file:
            for message in read_po(file, locale="ko"):
                forms = message.id if isinstance(message.id, tuple | list) else (message.id,)
                yield from (form for form in forms if form and _says_enough(form, message.string))


def _says_enough(form: str, korean: object) -> bool:
    return form != korean and len(re.findall("[a-z]", PLACE.sub("", form))) >= 4


def _pattern(form: str) -> str:
    return ".+?".join(re.escape(part) for part in PLACE.split(form))

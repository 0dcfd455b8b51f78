"""What can be exported, and how. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from workflows.errors import Refused

AT_ONCE = 1000
"""Documents of which a file is made while somebody waits for it; of more it is made in the background."""

MOST_BEGUN = 10
TRIED_FOR = timedelta(hours=1)
"""Whatever breaks an export off, it is begun anew so often, and for so long at least."""

MOST_AT_A_TIME = 3
"""Unfinished exports of one person."""

SHEETS = {"invoices": ("invoices", "lines", "tax", "machines"), "contracts": ("contracts",)}
"""By what is exported: the sheets of its workbook, each of which can be had as CSV."""


class Form(StrEnum):
    XLSX = "xlsx"
    CSV = "csv"


@dataclass(frozen=True)
class Wanted:
    """An export that somebody asks for: a list, as its page and its filters show it, without an end.

    ``name``: part of the supplier's or the counterparty's. ``before``: due, or ending, before that day.
    """

    what: str
    form: Form
    sheet: str
    q: str = ""
    state: str = ""
    name: str = ""
    before: date | None = None

    @property
    def sheets(self) -> tuple[str, ...]:
        return SHEETS[self.what] if self.form is Form.XLSX else (self.sheet,)


def wanted(
    what: str,
    form: str,
    sheet: str = "",
    *,
    q: str = "",
    state: str = "",
    name: str = "",
    before: date | None = None,
) -> Wanted:
    """Raises Refused for what cannot be had."""
    if what not in SHEETS:
        raise Refused("There is no export of “%(what)s”.", field="what", what=what[:40])
    if form not in set(Form):
        raise Refused("A spreadsheet is an XLSX or a CSV file.", field="format")
    if sheet and sheet not in SHEETS[what]:
        raise Refused(
            "There is no sheet “%(sheet)s”; there are: %(known)s.",
            field="sheet",
            sheet=sheet[:40],
            known=", ".join(SHEETS[what]),
        )
    return Wanted(what, Form(form), sheet or SHEETS[what][0], q.strip(), state, name.strip(), before)


def to_json(asked: Wanted) -> dict[str, Any]:
    before = asked.before.isoformat() if asked.before else None
    return {**asdict(asked), "form": asked.form.value, "before": before}


def from_json(kept: Mapping[str, Any]) -> Wanted:
    before = date.fromisoformat(kept["before"]) if kept["before"] else None
    return Wanted(**{**kept, "form": Form(kept["form"]), "before": before})


def why_not_ask(unfinished: int) -> str | None:
    if unfinished >= MOST_AT_A_TIME:
        return "%(most)s of your exports are still being made. Please wait for one of them."
    return None


def insist_on_hope(begun: int, *, age: timedelta) -> None:
    """``begun``: how often, this time included.

    Raises:
        Refused: it broke off each time, and would do so again.
    """
    if begun > MOST_BEGUN and age > TRIED_FOR:
        raise Refused(
            "It was begun %(times)s times, and broke off each time. Administrators find in the log why.",
            times=begun - 1,
        )


def share(asked: Wanted, documents: int | None, written: int) -> float:
    """How much of it has been written, from 0 to 1."""
    return min(1.0, written / (documents * len(asked.sheets))) if documents else 0.0


def why_not_at_once(found: int) -> str | None:
    if found > AT_ONCE:
        return (
            "These are more than %(most)s documents. POST /api/exports has the file made in the background; a mail "
            "tells when it is there."
        )
    return None

"""What can be exported, and how. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from workflows.errors import Refused

AT_ONCE = 1000
"""Documents of which a file is made while somebody waits for it; of more it is made in the background."""

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


def why_not_at_once(found: int) -> str | None:
    if found > AT_ONCE:
        return "These are more than %(most)s documents: too many for a file at once. Filters narrow them down."
    return None

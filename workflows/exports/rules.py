"""What can be exported, and how. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from workflows.errors import Refused
from workflows.invoices.aging import Side, period

AT_ONCE = 1000
"""Documents of which a file is made while somebody waits for it; of more it is made in the background."""

MOST_ROWS = 20_000
"""Invoices, or accounts, of a statement that is made while somebody waits for it."""

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


@dataclass(frozen=True)
class StatementWanted:
    """A statement of account as a workbook. ``key``: of one account; empty for all of them, a row for each. ``name``:
    the account's, once it was looked up."""

    side: Side
    key: str
    since: date
    as_of: date
    name: str = ""

    what: ClassVar[str] = "statement"
    form: ClassVar[Form] = Form.XLSX
    sheet: ClassVar[str] = ""
    sheets: ClassVar[tuple[str, ...]] = ("statement",)


Asked = Wanted | StatementWanted


def papers_of(asked: Asked) -> str:
    """What it tells of: whoever has it made by a token needs the right to read these."""
    return "invoices" if isinstance(asked, StatementWanted) else asked.what


def counts_accounts(asked: Asked) -> bool:
    """Whether its rows are accounts, and no documents."""
    return isinstance(asked, StatementWanted) and not asked.key


def wanted_statement(
    side: str, key: str, since: date | None, as_of: date | None, *, form: str, today: date
) -> StatementWanted:
    """``today``: where the reader is. Raises Refused for what cannot be had."""
    if side not in set(Side):
        raise Refused("Statements of account are of suppliers or of customers.", field="side")
    if form != StatementWanted.form:
        raise Refused("A statement of account is an XLSX file.", field="format")
    shown = period(since, as_of, today=today)
    return StatementWanted(Side(side), key, shown.since, shown.as_of)


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


def to_json(asked: Asked) -> dict[str, Any]:
    kept = {name: each.isoformat() if isinstance(each, date) else each for name, each in asdict(asked).items()}
    return {**kept, "what": asked.what}


def from_json(kept: Mapping[str, Any]) -> Asked:
    if kept["what"] == StatementWanted.what:
        since, as_of = date.fromisoformat(kept["since"]), date.fromisoformat(kept["as_of"])
        return StatementWanted(Side(kept["side"]), kept["key"], since, as_of, kept["name"])
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


def share(asked: Asked, documents: int | None, written: int) -> float:
    """How much of it has been written, from 0 to 1."""
    return min(1.0, written / (documents * len(asked.sheets))) if documents else 0.0


def why_not_at_once(found: int) -> str | None:
    if found > AT_ONCE:
        return (
            "These are more than %(most)s documents. POST /api/exports has the file made in the background; a mail "
            "tells when it is there."
        )
    return None

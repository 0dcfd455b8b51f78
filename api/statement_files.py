"""Statements of account as files, for pages and programs alike."""

from __future__ import annotations

import io
from enum import StrEnum
from itertools import chain

from fastapi.responses import Response
from sqlmodel import Session

from api.files import content_disposition
from api.spreadsheets import TooManyAtOnce
from documents.rendering import Reader
from documents.spreadsheet import XLSX
from workflows.exports.rules import MOST_ROWS
from workflows.invoices.aging import Period, Side
from workflows.invoices.statements import account, all_accounts, all_items, count_accounts, count_items
from workflows.parties.model import Organisation
from workflows.parties.rules import Actor

MOST_DRAWN = 1_000
"""Invoices in a PDF; the spreadsheet has more."""


class Format(StrEnum):
    PDF = "pdf"
    XLSX = "xlsx"


def accounts_file(session: Session, side: Side, actor: Actor, shown: Period, reader: Reader) -> Response:
    """XLSX of all accounts. Raises TooManyAtOnce where there are too many for somebody who waits."""
    from workflows.invoices.statement_files import write_accounts  # as below

    if count_accounts(session, side, actor, shown) > MOST_ROWS:
        raise TooManyAtOnce(
            "There are more than %(most)s accounts. POST /api/exports has the file made in the background; a mail "
            "tells when it is there.",
            most=f"{MOST_ROWS:,}",
        )
    written = io.BytesIO()
    write_accounts(all_accounts(session, side, actor, shown), side, shown, written, reader)
    return _download(written.getvalue(), XLSX, f"{side.value} {shown.as_of.isoformat()}.xlsx")


def statement_file(
    session: Session, side: Side, key: str, actor: Actor, shown: Period, format: Format, reader: Reader
) -> Response:
    """Raises NotFound where the actor may see nothing of them, TooManyAtOnce where it is too long to wait for."""
    # fonts and PDF cost megabytes, which no other request needs
    from workflows.invoices.statement_files import Statement, draw, write_workbook

    whose = account(session, side, key, actor, shown)
    number = count_items(session, side, key, actor, shown)
    organisation = session.get(Organisation, actor.organisation_id) if actor.organisation_id else None
    match format:
        case Format.PDF:
            items = all_items(session, side, key, actor, shown, most=MOST_DRAWN)
            left_out, media_type = max(0, number - MOST_DRAWN), "application/pdf"
        case Format.XLSX:
            if number > MOST_ROWS:
                raise TooManyAtOnce(
                    "The statement has more than %(most)s invoices. POST /api/exports has the file made in the "
                    "background; a mail tells when it is there.",
                    most=f"{MOST_ROWS:,}",
                )
            items, left_out, media_type = all_items(session, side, key, actor, shown), 0, XLSX
    statement = Statement(side, organisation.name if organisation else "", whose, shown, chain(items), left_out)
    if format is Format.PDF:
        data = draw(statement, reader)
    else:
        written = io.BytesIO()
        write_workbook(statement, written, reader)
        data = written.getvalue()
    return _download(data, media_type, f"{whose.name} {shown.as_of.isoformat()}.{format.value}")


def _download(data: bytes, media_type: str, name: str) -> Response:
    return Response(
        data,
        media_type=media_type,
        headers={"Content-Disposition": content_disposition(name), "X-Content-Type-Options": "nosniff"},
    )

"""Lists as spreadsheets, made while somebody waits for them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from fastapi.responses import Response

from api.files import content_disposition
from api.rest.papers import today_of
from documents.rendering import Reader
from workflows.errors import Refused
from workflows.exports.making import MEDIA_TYPES, file_name, write
from workflows.exports.queries import chosen
from workflows.exports.rules import AT_ONCE, Wanted, why_not_at_once
from workflows.parties.rules import Actor
from workflows.runtime import Runtime


class TooManyAtOnce(Refused):
    """The file can be made in the background. HTTP: 422."""

    code = "too-many-at-once"


def chosen_at_once(runtime: Runtime, actor: Actor, wanted: Wanted) -> Sequence[UUID]:
    """Raises TooManyAtOnce where nobody should wait for them."""
    with runtime.reading() as session:
        ids = chosen(session, actor, wanted, today=today_of(actor), most=AT_ONCE + 1)
    if refusal := why_not_at_once(len(ids)):
        raise TooManyAtOnce(refusal, most=f"{AT_ONCE:,}")
    return ids


def spreadsheet(
    runtime: Runtime, actor: Actor, wanted: Wanted, ids: Sequence[UUID], reader: Reader, now: datetime
) -> Response:
    target = io.BytesIO()
    write(wanted, ids, target, reading=runtime.reading, who=lambda _: actor, reader=reader)
    return Response(
        target.getvalue(),
        media_type=MEDIA_TYPES[wanted.form],
        headers={
            "Content-Disposition": content_disposition(file_name(wanted, reader, now)),
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )

"""``/s/{token}``: what somebody was sent for reading. GET and HEAD change nothing, and count nothing."""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlmodel import Session

from api.dependencies import Engine, Now
from api.errors import said, wants_page
from api.pages.passes import signed
from api.pages.pictures import page_picture
from api.pages.shell import is_secure, page
from api.pages.words import kind_of
from api.readers import reader_of
from api.rest.papers import file_response
from api.throttle import Throttle
from documents.rendering import Reader
from workflows.errors import Forbidden, Gone, NotFound
from workflows.sendings.model import Sending
from workflows.sendings.operations import open_sent
from workflows.sendings.queries import Sent, file_of, followed
from workflows.sendings.rules import why_not_open

router = APIRouter(prefix="/s", tags=["links"])

RECEIPT_COOKIE = "signoff_opened"
OPEN_FOR = timedelta(hours=12)
"""How long a browser shows what was opened in it, before its button has to be pressed again."""

unknown_links = Throttle(per_minute=60)


@router.get("/{token}", summary="Who sent what; opens nothing before its button is pressed")
@router.head("/{token}", include_in_schema=False)
def show(token: str, request: Request, runtime: Engine, now: Now) -> Response:
    with runtime.reading() as session:
        sent = _reached(session, token, request)
        if not wants_page(request):
            return JSONResponse(_as_json(sent))
        reader = _reader(request, sent)
        if gone := why_not_open(sent.sending, now=now):
            return _page(request, sent, reader, token, status=410, gone=said(gone, reader))
        return _page(request, sent, reader, token, opened=_is_open(request, sent.sending, now))


@router.post("/{token}/receipt", status_code=201, summary="Open it: its sender is shown that it was")
def post_receipt(token: str, request: Request, runtime: Engine, now: Now) -> Response:
    with runtime.reading() as session:
        _reached(session, token, request)
    try:
        with runtime.transaction() as session:
            sending = open_sent(session, token, now=now)
    except Gone as gone:
        if not wants_page(request):
            raise
        with runtime.reading() as session:
            sent = followed(session, token)
            reader = _reader(request, sent)
            return _page(request, sent, reader, token, status=410, gone=said(gone, reader))
    answer: Response = RedirectResponse(f"/s/{token}", status_code=303)
    if not wants_page(request):
        with runtime.reading() as session:
            answer = JSONResponse(_as_json(followed(session, token)), status_code=201)
    until = str(int(min(now + OPEN_FOR, sending.expires_at).timestamp()))
    answer.set_cookie(
        RECEIPT_COOKIE,
        f"{until}.{_signature(request, sending, until)}",
        max_age=int(OPEN_FOR.total_seconds()),
        path=f"/s/{token}",
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    return answer


@router.get("/{token}/pages/{number}.png", include_in_schema=False)
def picture(token: str, number: int, request: Request, runtime: Engine) -> Response:
    with runtime.reading() as session:
        version = _opened(session, token, request).version
    if number > version.pages:
        raise NotFound("There is no such page.")
    return page_picture(runtime, version.readable_key, version.readable_sha256, number, request)


@router.get("/{token}/file", summary="The document that was sent, once it was opened")
def file(token: str, request: Request, runtime: Engine) -> Response:
    with runtime.reading() as session:
        sent = _opened(session, token, request)
        found = file_of(session, sent.paper, sent.version)
    return file_response(runtime, found.key, found.name)


def _reached(session: Session, token: str, request: Request) -> Sent:
    """Raises NotFound, and TooMany where too many links that were never sent were tried from this network address."""
    address = request.client.host if request.client else ""
    unknown_links.insist(address)
    try:
        return followed(session, token)
    except NotFound:
        unknown_links.count(address)
        raise


def _opened(session: Session, token: str, request: Request) -> Sent:
    """Raises Gone where the link opens nothing any more, Forbidden where its button was not pressed in this browser."""
    sent, now = _reached(session, token, request), datetime.now(UTC)
    if gone := why_not_open(sent.sending, now=now):
        raise gone
    if not _is_open(request, sent.sending, now):
        raise Forbidden("Please open the link of the mail first, and press its button.")
    return sent


def _is_open(request: Request, sending: Sending, now: datetime) -> bool:
    until, _, signature = request.cookies.get(RECEIPT_COOKIE, "").partition(".")
    expected = _signature(request, sending, until)
    return hmac.compare_digest(signature.encode(), expected.encode()) and now.timestamp() < int(until)


def _signature(request: Request, sending: Sending, until: str) -> str:
    return signed(request, "receipt", f"{sending.id}:{until}")


def _reader(request: Request, sent: Sent) -> Reader:
    return replace(reader_of(request, Reader(sent.sending.locale, sent.sending.timezone)), paper=sent.paper.process)


def _page(
    request: Request, sent: Sent, reader: Reader, token: str, *, status: int = 200, opened: bool = False, gone: str = ""
) -> Response:
    return page(
        request,
        "received.html",
        linked=True,
        house=sent.organisation.name,
        reader=reader,
        status=status,
        base=f"/s/{token}",
        sent=sent.sending,
        contract=sent.paper,
        version=sent.version,
        sender=sent.sender,
        kind=kind_of(sent.paper, reader),
        newer=sent.paper.current_version > sent.version.number,
        opened=opened,
        gone=gone,
        page_address=lambda n: f"/s/{token}/pages/{n}.png",
    )


def _as_json(sent: Sent) -> dict[str, object]:
    sending = sent.sending
    return {
        "number": sent.paper.number,
        "version": sending.version_number,
        "from": sending.by,
        "to": sending.to_name,
        "note": sending.note,
        "expires_at": sending.expires_at.isoformat(),
        "opened_at": sending.opened_at.isoformat() if sending.opened_at else None,
    }

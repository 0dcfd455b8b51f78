"""What a link shows before its one-time code was entered: no document, but how to get the code and a place for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlmodel import Session

from api.auth import insist_on_own_origin
from api.dependencies import Engine, Now, get_runtime
from api.errors import problem, said, wants_page
from api.pages.links import reached
from api.pages.passes import PASS_LASTS, device_of, give_pass, insist_on_pass
from api.pages.shell import page
from api.readers import reader_of
from documents.rendering import Reader
from workflows.approvals.codes import (
    CODE_LASTS,
    CodeNeeded,
    LinkLocked,
    enter_code,
    key_of,
    locked,
    remember_device,
    send_code,
    waiting_until,
)
from workflows.approvals.model import Link, Task
from workflows.approvals.model import Round as Travelled
from workflows.errors import Conflict, NotFound, Refused, TooMany
from workflows.parties.model import Person
from workflows.runtime import Runtime

router = APIRouter(prefix="/t/{token}", tags=["links"])


def code_asked_for(request: Request, error: Exception) -> Response:
    """Answers in the place of whatever a link would have opened."""
    assert isinstance(error, CodeNeeded | LinkLocked)
    if not wants_page(request):
        return problem(request, error.status, said(error, reader_of(request)), code=error.code)
    with get_runtime(request).reading() as session:
        token = request.path_params["token"]
        opening = request.method in ("GET", "HEAD") and isinstance(error, CodeNeeded)
        return _shown(session, request, token, error, status=200 if opening else error.status, now=datetime.now(UTC))


def _shown(
    session: Session,
    request: Request,
    token: str,
    error: Refused,
    *,
    status: int,
    now: datetime,
    left: int | None = None,
) -> Response:
    link, task, round = reached(session, token, request)
    person, submitter = session.get_one(Person, task.person_id), session.get_one(Person, round.submitter_id)
    reader = reader_of(request, Reader(person.locale, person.timezone))
    return page(
        request,
        "code.html",
        linked=True,
        house=str(round.card.get("organisation") or ""),
        reader=reader,
        status=status,
        headers={"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else None,
        base=f"/t/{token}",
        link=link,
        person=person,
        submitter=submitter,
        mailbox=_masked(person.email),
        until=waiting_until(session, link, now=now),
        minutes=int(CODE_LASTS.total_seconds() // 60),
        locked=isinstance(error, LinkLocked),
        left=left,
        refused="" if isinstance(error, CodeNeeded) else said(error, reader),
        wrong_code=error.field == "code",
        lost=isinstance(error, CodeNeeded) and status != 200,
    )


def _masked(email: str) -> str:
    """Enough of an address for its owner to know it, and for nobody else to write to it."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"


@router.get("/codes", include_in_schema=False)
@router.get("/pass", include_in_schema=False)
def back(token: str, request: Request) -> Response:
    """A page that was sent by a form, opened again: to the form."""
    return RedirectResponse(f"/t/{token}" + (f"?{request.url.query}" if request.url.query else ""), status_code=303)


@router.post("/codes", status_code=202, summary="Send six digits to the mailbox of the link's addressee")
def post_code(token: str, request: Request, runtime: Engine, now: Now) -> Response:
    insist_on_own_origin(request)
    try:
        with runtime.transaction() as session:
            link, task, round = _asking(session, token, request)
            until = send_code(session, link, task, round, key=_key(runtime), now=now)
    except Refused as refused:
        return _refusal(token, request, runtime, refused, now)
    if wants_page(request):
        return RedirectResponse(f"/t/{token}", status_code=303)
    return JSONResponse({"sent_to": _masked(task.email), "until": until.isoformat()}, status_code=202)


@router.post("/pass", status_code=201, summary="Enter the six digits; the answer's cookies open the link for an hour")
def post_pass(token: str, request: Request, runtime: Engine, now: Now, code: Annotated[str, Form()] = "") -> Response:
    insist_on_own_origin(request)
    answer: Response = RedirectResponse(f"/t/{token}", status_code=303)
    if not wants_page(request):
        answer = JSONResponse({"until": (now + PASS_LASTS).isoformat()}, status_code=201)
    try:
        with runtime.transaction() as session:  # a wrong try is kept as well
            link, task, round = _asking(session, token, request)
            left = enter_code(session, link, task, round, code, key=_key(runtime), now=now)
            if left is None:
                device = give_pass(request, answer, token, link, device_of(request), now=now)
                remember_device(session, task.person_id, device, now=now)
    except Refused as refused:
        return _refusal(token, request, runtime, refused, now)
    if left == 0:
        raise locked()
    if left is not None:
        return _refusal(token, request, runtime, Refused("That is not the code.", field="code"), now, left=left)
    return answer


def _asking(session: Session, token: str, request: Request) -> tuple[Link, Task, Travelled]:
    """The link, where it asks for a code.

    Raises:
        Conflict: it asks for none, or shows no document any more.
    """
    link, task, round = reached(session, token, request)
    try:
        insist_on_pass(session, request, link, task, round, entered=False)
    except CodeNeeded:
        return link, task, round
    raise Conflict("This link asks for no code.")


def _refusal(
    token: str, request: Request, runtime: Runtime, refused: Refused, now: datetime, *, left: int | None = None
) -> Response:
    """``left``: tries that are left after a wrong one."""
    if isinstance(refused, LinkLocked | NotFound):
        raise refused
    if wants_page(request) and isinstance(refused, Conflict):
        return RedirectResponse(f"/t/{token}", status_code=303)  # which shows what became of it
    if wants_page(request):
        with runtime.reading() as session:
            return _shown(session, request, token, refused, status=refused.status, now=now, left=left)
    if left is None:
        raise refused
    words = said(refused, reader_of(request))
    return problem(request, refused.status, words, code=refused.code, field=refused.field, tries_left=left)


def _key(runtime: Runtime) -> bytes:
    return key_of(runtime.settings.secret.get_secret_value())

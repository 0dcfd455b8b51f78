"""Comment, add a file, take a comment back: at the desk, and behind a mailed link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlmodel import Session

from api.auth import FromForm, SignedIn
from api.dependencies import Engine, Now
from api.errors import said as words_of
from api.errors import wants_page
from api.files import read_upload
from api.once import once, page_key, request_hash
from api.pages import links
from api.pages.discussion_view import Tried, addresses
from api.pages.fields import Text, Texts
from api.pages.papers import Papers, address_of, at_desk, shown
from api.readers import reader_of
from api.rest.discussions import attachment_response, comment_shape
from workflows.database import Work
from workflows.discussions import queries
from workflows.discussions.intake import take_in
from workflows.discussions.operations import say, withdraw
from workflows.discussions.rules import MOST_BYTES, Subject, checked
from workflows.errors import Gone, NotFound, Refused, TooMany
from workflows.papers.queries import one, subject_of
from workflows.parties.rules import Actor
from workflows.runtime import Runtime

router = APIRouter(include_in_schema=False)

Upload = Annotated[UploadFile | None, File()]
Look = Callable[[Session], tuple[Subject, Actor]]
"""The document that is talked about and who talks, looked up in the transaction that changes something."""


@at_desk(router.post, "/comments")
def comment(
    paper_id: UUID,
    model: Papers,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    text: Text = "",
    visibility: Text = "",
    people: Texts = (),
    colleague: Text = "",
    once: Text = "",
    file: Upload = None,
) -> Response:
    def look(session: Session) -> tuple[Subject, Actor]:
        return subject_of(one(session, model, paper_id, visitor.actor)), visitor.actor

    tried = Tried(text, visibility, people, colleague)
    try:
        made = _said(runtime, look, tried, file, once, now=now)
    except NotFound:
        raise
    except Refused as refused:
        tried = replace(tried, refused=words_of(refused, reader_of(request)), field=refused.field or "")
        with runtime.reading() as session:
            return shown(session, request, runtime, visitor, model, paper_id, now, tried=tried, status=refused.status)
    return RedirectResponse(f"{address_of(model, paper_id)}#comment-{made}", status_code=303)


@at_desk(router.post, "/comments/{comment_id}/withdrawal")
def withdrawal(
    paper_id: UUID,
    model: Papers,
    comment_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
) -> Response:
    try:
        with runtime.transaction() as session:
            subject = subject_of(one(session, model, paper_id, visitor.actor))
            withdraw(session, subject, comment_id, by=visitor.actor, now=now)
    except NotFound:
        raise
    except Refused as refused:
        tried = Tried(refused=words_of(refused, reader_of(request)))
        with runtime.reading() as session:
            return shown(session, request, runtime, visitor, model, paper_id, now, tried=tried, status=refused.status)
    return RedirectResponse(f"{address_of(model, paper_id)}#comment-{comment_id}", status_code=303)


@at_desk(router.get, "/attachments/{attachment_id}")
def attachment(paper_id: UUID, model: Papers, attachment_id: UUID, runtime: Engine, visitor: SignedIn) -> Response:
    with runtime.reading() as session:
        subject = subject_of(one(session, model, paper_id, visitor.actor))
        found = queries.attachment(session, subject, attachment_id, visitor.actor)
    return attachment_response(runtime, found)


@router.post("/t/{token}/comments")
def linked_comment(
    token: str,
    request: Request,
    runtime: Engine,
    now: Now,
    text: Text = "",
    visibility: Text = "",
    people: Texts = (),
    colleague: Text = "",
    once: Text = "",
    file: Upload = None,
) -> Response:
    look = _by_link(token, request)
    tried = Tried(text, visibility, people, colleague)
    try:
        made = _said(runtime, look, tried, file, once, now=now)
    except Refused as refused:
        return _refusal(token, request, runtime, now, refused, tried)
    return _answer(token, request, runtime, made)


@router.post("/t/{token}/comments/{comment_id}/withdrawal")
def linked_withdrawal(token: str, comment_id: UUID, request: Request, runtime: Engine, now: Now) -> Response:
    try:
        with runtime.transaction() as session:
            subject, actor = _by_link(token, request)(session)
            withdraw(session, subject, comment_id, by=actor, now=now)
    except Refused as refused:
        return _refusal(token, request, runtime, now, refused, Tried())
    return _answer(token, request, runtime, comment_id)


@router.get("/t/{token}/attachments/{attachment_id}")
def linked_attachment(token: str, attachment_id: UUID, request: Request, runtime: Engine) -> Response:
    with runtime.reading() as session:
        subject, actor = _by_link(token, request)(session)
        found = queries.attachment(session, subject, attachment_id, actor)
    return attachment_response(runtime, found)


def _said(runtime: Runtime, look: Look, tried: Tried, file: UploadFile | None, key: str, *, now: datetime) -> UUID:
    """Id of the comment; a button pressed twice comments once."""
    named = file if file is not None and file.filename else None  # an empty field comes as a file without a name
    checked(tried.text, visibility=tried.visibility, has_file=named is not None)
    data = read_upload(named, MOST_BYTES) if named else b""
    with runtime.reading() as session:
        subject, actor = look(session)
    taken = take_in(data, file_name=named.filename or "", blobs=runtime.blobs) if named else None
    words = {
        "subject": str(subject.id),
        "text": tried.text,
        "visibility": tried.visibility,
        "people": sorted(tried.people),
        "colleague": tried.colleague,
        "file_name": named.filename if named else "",
    }
    digest = request_hash("comment", words, data)

    def work(session: Work) -> dict[str, str]:
        subject, actor = look(session)
        mentions: Sequence[str] = addresses(session, subject, actor, tried.people, tried.colleague)
        meant = checked(tried.text, visibility=tried.visibility, mentions=mentions, has_file=taken is not None)
        return {"id": str(say(session, subject, meant, by=actor, now=now, file=taken).comment.id)}

    made = once(runtime, actor, page_key(key, digest) if key else None, digest, now, work)
    return UUID(made["id"])


def _by_link(token: str, request: Request) -> Look:
    """The document behind a link that still opens it, and its addressee. A link for reading does for talking."""

    def look(session: Session) -> tuple[Subject, Actor]:
        found = links.followed(session, token, request)
        links.insist_readable(found)
        return links.talks(session, found)

    return look


def _answer(token: str, request: Request, runtime: Runtime, comment_id: UUID) -> Response:
    if wants_page(request):
        return RedirectResponse(f"/t/{token}#comment-{comment_id}", status_code=303)
    with runtime.reading() as session:
        subject, actor = _by_link(token, request)(session)
        made = comment_shape(subject, queries.entry(session, subject, comment_id, actor))
    return JSONResponse(made.model_dump(mode="json"), status_code=201)


def _refusal(token: str, request: Request, runtime: Runtime, now: datetime, refused: Refused, tried: Tried) -> Response:
    """The page again, with the reason beside the form; where the link opens nothing any more, what became of it."""
    if not wants_page(request) or isinstance(refused, NotFound | TooMany):
        raise refused
    with runtime.reading() as session:
        found = links.followed(session, token, request)
        words = words_of(refused, found.reader(request))
        if isinstance(refused, Gone):
            return links.shown(session, request, token, found, now, refused=words, status=refused.status)
        tried = replace(tried, refused=words, field=refused.field or "")
        return links.shown(session, request, token, found, now, tried=tried, status=refused.status)

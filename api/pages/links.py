"""``/t/{token}``: what people do by the links in their mails. GET and HEAD change nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlmodel import Session

from api.dependencies import Engine, Now
from api.errors import said, wants_page
from api.pages.comparisons import changed_since_approved
from api.pages.discussion_view import Talk, Tried, talk_of
from api.pages.fields import Text, verdict_of
from api.pages.handing_over_view import handing_of
from api.pages.invoice_view import view_of
from api.pages.matches_view import matching_of
from api.pages.passes import insist_on_pass, note_device
from api.pages.pictures import page_picture
from api.pages.shell import page
from api.pages.signing_view import signing_values
from api.pages.views import route_rows
from api.pages.words import kind_of
from api.readers import reader_of
from api.rest.papers import file_response
from api.rest.shapes import DecisionShape, Shape
from api.rest.tasks import decision_shape, ran_out, task_shape
from api.throttle import Throttle
from documents.rendering import Reader, sentence
from workflows.approvals.links import follow, insist_on_live
from workflows.approvals.model import (
    Decision,
    Link,
    Purpose,
    Round,
    Stage,
    StageKind,
    Task,
    TaskState,
)
from workflows.approvals.operations import decide
from workflows.approvals.plan import SUBMITTER
from workflows.approvals.queries import Asked, Journey, journey
from workflows.approvals.rules import due_of
from workflows.business_time import explained
from workflows.contracts import steps
from workflows.contracts.model import Contract
from workflows.database import Work
from workflows.discussions.rules import Subject
from workflows.errors import Gone, NotFound, Refused
from workflows.invoices.model import Invoice
from workflows.papers.model import Paper, Version
from workflows.papers.queries import paper_of, subject_of, version_in
from workflows.parties.model import Person
from workflows.parties.operations import actor
from workflows.parties.rules import Actor
from workflows.runtime import Runtime
from workflows.signatures.ceremony import sign
from workflows.signatures.operations import decline, signing_of
from workflows.words import stage_name

router = APIRouter(prefix="/t", tags=["links"])

unknown_links = Throttle(per_minute=60)
"""Tries with links that were never sent, by network address: 256 bits cannot be guessed, but nobody need try."""


@dataclass(frozen=True)
class Followed:
    link: Link
    task: Task
    round: Round
    stage: Stage
    person: Person
    submitter: Person
    journey: Journey
    paper: Paper
    version: Version
    decision: Decision | None
    sealed: tuple[str, datetime] | None
    """Key of the sealed file, and when it was sealed."""
    coded: bool = False
    """A one-time code was entered in this browser."""

    @property
    def house(self) -> str:
        return str(self.round.card.get("organisation") or "")

    def reader(self, request: Request) -> Reader:
        reader = reader_of(request, Reader(self.person.locale, self.person.timezone))
        return replace(reader, paper=self.round.process)


def followed(session: Session, token: str, request: Request) -> Followed:
    """What a link leads to.

    Raises:
        NotFound: there is no such link.
        CodeNeeded: it asks for a one-time code first.
        LinkLocked: too many wrong codes were entered.
    """
    link, task, round = reached(session, token, request)
    coded = insist_on_pass(session, request, link, task, round)
    travelled = journey(session, round)
    signing = signing_of(session, round.id)
    return Followed(
        link=link,
        task=task,
        round=round,
        stage=next(each for each in travelled.stages if each.id == task.stage_id),
        person=session.get_one(Person, task.person_id),
        submitter=session.get_one(Person, round.submitter_id),
        journey=travelled,
        paper=paper_of(session, round),
        version=version_in(session, round.process, round.subject_id, round.version_number),
        decision=travelled.decisions.get(task.id),
        sealed=(signing.sealed_key, signing.sealed_at)
        if signing and signing.sealed_key and signing.sealed_at
        else None,
        coded=coded,
    )


def reached(session: Session, token: str, request: Request) -> tuple[Link, Task, Round]:
    """The link itself, before any code that it asks for.

    Raises:
        NotFound: there is no such link.
        TooMany: too many links that were never sent were tried from this network address.
    """
    address = request.client.host if request.client else ""
    unknown_links.insist(address)
    try:
        return follow(session, token)
    except NotFound:
        unknown_links.count(address)
        raise


@router.get("/{token}", summary="What the link leads to; decides nothing")
@router.head("/{token}", include_in_schema=False)
def show(token: str, request: Request, runtime: Engine, now: Now) -> Response:
    with runtime.reading() as session:
        found = followed(session, token, request)
        if not wants_page(request):
            asked = Asked(found.task, found.stage, found.round)
            back = found.journey.ways_back(session, found.stage) if found.task.state is TaskState.OPEN else ()
            made = task_shape(asked, found.decision, back=back, ran_out=ran_out(session, asked, now))
            return JSONResponse(made.model_dump(mode="json"))
        return shown(session, request, token, found, now)


def shown(
    session: Session,
    request: Request,
    token: str,
    found: Followed,
    now: datetime,
    *,
    refused: str = "",
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    tried: Tried | None = None,
) -> Response:
    reader = found.reader(request)
    common: dict[str, Any] = {
        "linked": True,
        "house": found.house,
        "reader": reader,
        "status": status,
        "base": f"/t/{token}",
        "file": f"/t/{token}/file",
        "text_address": f"/t/{token}/text" if found.version.text else "",
        "kind": kind_of(found.paper, reader),
        **_invoice_words(session, found.paper, reader),
        "due": due_of(found.stage, found.task)[0],
        "card": found.round.card,
        "round": found.round,
        "task": found.task,
        "contract": found.paper,
        "version": found.version,
        "person": found.person,
        "submitter": found.submitter,
        "stage_title": stage_name(found.stage.name, reader),
        "link": found.link,
        "rows": route_rows(
            found.journey,
            reader,
            me=found.person.id,
            sealed_at=found.sealed[1] if found.sealed else None,
            finish=found.paper.finish,
        ),
        "page_address": lambda n: f"/t/{token}/pages/{n}.png",
        "refused": refused,
        "typed": typed or {},
        "talk": _talk(session, token, found, now, tried),
        "handing": handing_of(
            session, found.journey, _addressee(session, found), reader, now=now, base=f"/t/{token}", typed=typed
        ),
    }
    if found.link.purpose is Purpose.READ or found.task.state is not TaskState.OPEN:
        return page(
            request,
            "task_done.html",
            **common,
            decision=found.decision,
            sealed=found.sealed,
            reading=found.link.purpose is Purpose.READ,
        )
    try:
        insist_on_live(found.link, found.round, found.task, now=now)
    except Gone as gone:
        return page(request, "link_gone.html", **{**common, "status": 410}, words=said(gone, reader))
    if ran_out(session, Asked(found.task, found.stage, found.round), now):
        return page(request, "ran_out.html", **common)
    if found.task.kind is StageKind.SIGNATURE and isinstance(found.paper, Contract):
        return page(request, "sign.html", **common, **signing_values(found.journey, found.task, found.paper))
    if found.task.review_of_id is not None:
        return page(request, "opinion.html", **common, stage=found.stage)
    return page(
        request,
        "task.html",
        **common,
        due_note=explained(due, reader.locale, sentence) if (due := due_of(found.stage, found.task)[1]) else "",
        others=[
            each
            for each in found.journey.tasks_in(found.stage)
            if each.id != found.task.id
            and each.opening == found.task.opening
            and each.review_of_id is None
            and not each.handed_to_name
        ],
        stage=found.stage,
        since=changed_since_approved(session, found.round, found.person.id, reader),
    )


def _invoice_words(session: Session, paper: Paper, reader: Reader) -> dict[str, Any]:
    """What an invoice says, and how it differs from what was ordered: nobody decides about it without."""
    if not isinstance(paper, Invoice):
        return {"said": None, "held": None}
    return {"said": view_of(session, paper, reader), "held": matching_of(session, paper, None, reader, asked=True)}


def _talk(session: Session, token: str, found: Followed, now: datetime, tried: Tried | None) -> Talk | None:
    """The discussion, as long as the link opens the document itself."""
    try:
        insist_readable(found)
    except Gone:
        return None
    subject, by = talks(session, found)
    return talk_of(session, subject, by, here=f"/t/{token}", now=now, tried=tried)


def talks(session: Session, found: Followed) -> tuple[Subject, Actor]:
    """What is talked about behind a link, and who talks: its addressee."""
    return subject_of(found.paper), _addressee(session, found)


@router.get("/{token}/pages/{number}.png", include_in_schema=False)
def picture(token: str, number: int, request: Request, runtime: Engine) -> Response:
    with runtime.reading() as session:
        found = followed(session, token, request)
        insist_readable(found)
        key, sha256 = found.version.readable_key, found.version.readable_sha256
    return page_picture(runtime, key, sha256, number, request)


@router.get("/{token}/text", include_in_schema=False)
def text(token: str, request: Request, runtime: Engine) -> Response:
    with runtime.reading() as session:
        found = followed(session, token, request)
        insist_readable(found)
        return page(
            request,
            "text.html",
            linked=True,
            house=found.house,
            reader=found.reader(request),
            back=f"/t/{token}",
            contract=found.paper,
            version=found.version,
        )


@router.get("/{token}/file", summary="The PDF that the link is about; the sealed one once there is one")
def file(token: str, request: Request, runtime: Engine) -> Response:
    with runtime.reading() as session:
        found = followed(session, token, request)
        insist_readable(found)
        name = found.version.file_name
        key = found.sealed[0] if found.sealed else found.version.readable_key
    return file_response(runtime, key, name)


def insist_readable(found: Followed) -> None:
    """The document itself is shown while its task is open, and to signers by their reading link.

    Raises:
        Gone: to everybody else.
    """
    now = datetime.now(UTC)
    if found.link.purpose is Purpose.READ:
        if found.link.expires_at <= now:
            raise Gone("This link ran out on %(at)s. Ask for a new one.", at=found.link.expires_at)
        return
    if found.task.state is not TaskState.OPEN:
        raise Gone("This link has done its work. The document is no longer shown here.")
    insist_on_live(found.link, found.round, found.task, now=now)


@router.post("/{token}/decision", status_code=201, summary="Decide by the link; a form or JSON")
def post_decision(
    token: str,
    request: Request,
    runtime: Engine,
    now: Now,
    verdict: Text = "",
    version_sha256: Text = "",
    comment: Text = "",
    send_back_to: Text = SUBMITTER,
) -> Response:
    chosen = verdict_of(verdict)

    def work(session: Work, found: Followed, by: Actor) -> DecisionShape:
        decided = decide(
            session,
            found.task.id,
            chosen,
            seen=version_sha256,
            by=by,
            now=now,
            comment=comment,
            send_back_to=send_back_to,
        )
        return decision_shape(decided)

    return act(token, request, runtime, now, work, typed={"comment": comment, "send_back_to": send_back_to})


@router.post("/{token}/signature", status_code=201, summary="Sign by the link: name and consent")
def post_signature(
    token: str,
    request: Request,
    runtime: Engine,
    now: Now,
    name: Text = "",
    consent: Text = "",
    version_sha256: Text = "",
) -> Response:
    with runtime.reading() as session:
        found = followed(session, token, request)
        insist_on_live(found.link, found.round, found.task, now=now)
        by = _by_link(session, found)
    try:
        decided = sign(
            steps.desk(runtime),
            found.task.id,
            seen=version_sha256,
            name=name,
            consent=consent in ("yes", "true", "on", "1"),
            by=by,
            now=lambda: datetime.now(UTC),
        )
    except Refused as refused:
        return _refused_page(token, request, runtime, now, refused, {"name": name, "consent": consent})
    note_device(runtime, request, found.person.id, now=now)
    return _answer(token, request, decision_shape(decided))


@router.post("/{token}/refusal", status_code=201, summary="Decline to sign, with a sentence that says why")
def post_refusal(
    token: str, request: Request, runtime: Engine, now: Now, version_sha256: Text = "", comment: Text = ""
) -> Response:
    def work(session: Work, found: Followed, by: Actor) -> DecisionShape:
        return decision_shape(decline(session, found.task.id, seen=version_sha256, comment=comment, by=by, now=now))

    return act(token, request, runtime, now, work, typed={"comment": comment})


def act(
    token: str,
    request: Request,
    runtime: Runtime,
    now: datetime,
    work: Callable[[Work, Followed, Actor], Shape],
    *,
    typed: Mapping[str, str],
) -> Response:
    """Do something in the name of the link's addressee, and answer. ``typed``: shown again where it is refused."""
    try:
        with runtime.transaction() as session:
            found = followed(session, token, request)
            insist_on_live(found.link, found.round, found.task, now=now)
            made = work(session, found, _by_link(session, found))
    except Refused as refused:
        return _refused_page(token, request, runtime, now, refused, typed)
    note_device(runtime, request, found.person.id, now=now)
    return _answer(token, request, made)


def _by_link(session: Session, found: Followed) -> Actor:
    if found.link.purpose is not Purpose.ACT:
        raise Gone("This link is for reading only.")
    return _addressee(session, found)


def _addressee(session: Session, found: Followed) -> Actor:
    return actor(session, found.person, via="link_and_code" if found.coded else "link")


def _answer(token: str, request: Request, made: Shape) -> Response:
    if wants_page(request):
        return RedirectResponse(f"/t/{token}", status_code=303)
    return JSONResponse(made.model_dump(mode="json"), status_code=201)


def _refused_page(
    token: str, request: Request, runtime: Runtime, now: datetime, refused: Refused, typed: Mapping[str, str]
) -> Response:
    """A page that says that nothing was recorded and how to mend it; programs get the problem itself."""
    if not wants_page(request) or refused.status in (404, 429):
        raise refused
    with runtime.reading() as session:
        found = followed(session, token, request)
        reader = found.reader(request)
        return shown(
            session, request, token, found, now, refused=said(refused, reader), status=refused.status, typed=typed
        )

"""``/contracts``: the list with search, and one contract with its document, its route and its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from api.auth import SignedIn, Visitor
from api.dependencies import Engine, Now
from api.pages.comparisons import changed_since_approved
from api.pages.discussion_view import Tried, talk_of
from api.pages.handing_over_view import handing_of
from api.pages.papers import shows
from api.pages.pictures import page_picture
from api.pages.sendings_view import sendings_view
from api.pages.shell import page
from api.pages.views import RouteRow, route_rows
from api.pages.words import VIEWS, Status, offered_kinds, status_of, told, upcoming
from api.readers import reader_of
from api.rest.contracts import file_of
from api.rest.papers import file_response, today_of
from api.rest.tasks import ran_out
from documents.rendering import Reader, sentence
from workflows.approvals.model import RoundState, StageKind, TaskState, Verdict
from workflows.approvals.queries import MailTrouble, mail_troubles, open_task_for
from workflows.approvals.rules import due_of
from workflows.audit.model import AuditEvent
from workflows.audit.queries import history
from workflows.business_time import explained
from workflows.contracts import queries
from workflows.contracts.model import PROCESS, Contract
from workflows.contracts.rules import why_not_describe, why_not_hand_in, why_not_withdraw
from workflows.discussions.queries import inside_history
from workflows.discussions.rules import Subject
from workflows.errors import NotFound
from workflows.papers import queries as papers
from workflows.papers.model import Version
from workflows.papers.rules import owns
from workflows.papers.standing import Standing, standing, standings
from workflows.parties.queries import people
from workflows.parties.rules import Actor
from workflows.runtime import Runtime
from workflows.search.queries import snippet
from workflows.words import kind_name, stage_name

router = APIRouter(prefix="/contracts", include_in_schema=False)

A_PAGE = 20
SHOWN_EVENTS = 8


@dataclass(frozen=True)
class Row:
    contract: Contract
    status: Status
    snippet: tuple[str, str, str] | None
    """Of the document's text: before the hit, the hit, after it."""


@router.get("")
def list_page(
    request: Request,
    runtime: Engine,
    visitor: SignedIn,
    q: Annotated[str, Query(max_length=400)] = "",
    state: Annotated[str, Query(max_length=40)] = "",
    party: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    reader, actor = reader_of(request), visitor.actor
    with runtime.reading() as session:
        found = queries.listed(
            session, actor, q=q, state=state, party=party, today=today_of(actor), cursor=cursor, limit=A_PAGE
        )
        owners = people(session, {each.owner_id for each in found.papers})
        where = standings(session, found.papers)
        rows = [
            Row(
                contract=each,
                status=status_of(each, where[each.id], owners[each.owner_id].name, reader, me=actor.id),
                snippet=_snippet(session, each, q),
            )
            for each in found.papers
        ]
    kept = {"q": q.strip(), "party": party.strip(), "state": state}
    return page(
        request,
        "contracts.html",
        here="contracts",
        q=q,
        party=party,
        state=state,
        views=[
            (name, sentence(words, reader.locale), _address(**{**kept, "state": name})) for name, words in VIEWS.items()
        ],
        rows=rows,
        count=found.count,
        cut_short=found.cut_short,
        first=_address(**kept) if cursor else None,
        next=_address(**kept, cursor=found.next_cursor) if found.next_cursor else None,
        sends=actor.organisation_id is not None,
    )


def _address(**wanted: str) -> str:
    kept = {name: value for name, value in wanted.items() if value}
    return "/contracts" + (f"?{urlencode(kept)}" if kept else "")


def _snippet(session: Session, contract: Contract, q: str) -> tuple[str, str, str] | None:
    if not q.strip():
        return None
    text = papers.version(session, contract, contract.current_version).text
    piece, start, length = snippet(text, q)
    return (piece[:start], piece[start : start + length], piece[start + length :]) if length else None


@router.get("/{contract_id}")
def contract_page(
    contract_id: UUID, request: Request, runtime: Engine, visitor: SignedIn, now: Now, done: str = ""
) -> Response:
    with runtime.reading() as session:
        return shown(session, request, runtime, visitor, contract_id, now, done=done if done in DONE else "")


DONE = {
    "sent": "Sent on its way",
    "replaced": "The new version is on its way",
    "described": "Changed, as the route lets it",
    "withdrawn": "Withdrawn; whoever was asked has been told",
    "approve": "You have approved this contract",
    "reject": "You have rejected this contract",
    "send_back": "You have sent this contract back",
    "sign": "You have signed this contract",
    "decline": "You have declined to sign this contract",
    "link": "A new link is on its way; the ones before no longer work",
    "delegated": "Handed over; a mail is on its way to them",
    "back": "It has come back; a mail is on its way",
    "reassigned": "Somebody else is asked now; a mail is on its way to them",
    "reviewer": "Asked for an opinion; a mail is on its way to them",
    "opinion": "Your opinion is on its way",
    "extended": "The due time is put off",
    "recalled": "Taken back; whoever was asked has been told",
    "passed_on": "Sent; a mail is on its way to them",
    "revoked": "The link opens nothing any more",
}


@shows(Contract)
def shown(
    session: Session,
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    contract_id: UUID,
    now: datetime,
    *,
    done: str = "",
    refused: str = "",
    comment: str = "",
    tried: Tried | None = None,
    typed: Mapping[str, str] | None = None,
    status: int = 200,
    printing: bool = False,
) -> Response:
    """The page of one contract. ``refused``: why what was just tried was not recorded; ``comment``: what was typed;
    ``tried``: the same of the discussion's own form; ``typed``: of the forms of tasks that change hands."""
    reader, actor = reader_of(request), visitor.actor
    contract = papers.one(session, Contract, contract_id, actor)
    where = standing(session, contract)
    owner = papers.owner_of(session, contract)
    all_versions = papers.versions(session, contract)
    asked = open_task_for(session, PROCESS, contract.id, actor.id)
    subject = papers.subject_of(contract)
    events = history(session, PROCESS, contract.id)
    # paper goes out of the house: what was said inside is not printed
    everything = events if printing else _with_inside(session, subject, actor, events)
    again = asked is not None and asked.task.kind is StageKind.APPROVAL
    signed = any(task.verdict is Verdict.SIGN for task in where.journey.tasks) if where.journey else False
    entries = [told(each, reader) for each in reversed(everything)]
    return page(
        request,
        "contract_print.html" if printing else "contract.html",
        here="contracts",
        status=status,
        contract=contract,
        kind=kind_name(contract.kind, reader),
        owner=owner,
        standing=status_of(contract, where, owner.name, reader, me=actor.id),
        upcoming=upcoming(where, reader),
        now=now,
        versions=all_versions,
        version=all_versions[0],
        page_address=lambda n: f"/contracts/{contract.id}/versions/{all_versions[0].number}/pages/{n}.png",
        asked=asked,
        stage_title=stage_name(asked.stage.name, reader) if asked else "",
        ran_out=asked is not None and ran_out(session, asked, now),
        due_note=explained(due, reader.locale, sentence)
        if asked and (due := due_of(asked.stage, asked.task)[1])
        else "",
        signs=asked is not None and asked.task.kind is StageKind.SIGNATURE,
        since=changed_since_approved(session, asked.round, actor.id, reader) if asked and again else None,
        may_hand_in=why_not_hand_in(actor, contract, signed=signed) is None,
        said_anew=typed if typed and typed.get("form") == "description" else None,
        kinds=offered_kinds(contract.kind, reader),
        may_describe=why_not_describe(actor, contract) is None,
        may_withdraw=why_not_withdraw(actor, contract) is None,
        recalled=where.journey is not None and where.journey.round.state is RoundState.RECALLED,
        owner_turn=where.owner_turn and contract.owner_id == actor.id,
        rows=_rows(where, reader, actor),
        handing=handing_of(
            session,
            where.journey,
            actor,
            reader,
            now=now,
            base=f"/contracts/{contract.id}/tasks/{{task}}",
            keeps=owns(actor, contract),
            offers=True,
            typed=typed,
        ),
        round=where.journey.round if where.journey else None,
        sealed=where.signing if where.signing and where.signing.sealed_at else None,
        entries=entries if printing else entries[:SHOWN_EVENTS],
        all_entries=len(entries),
        position=events[-1].position if events else 0,
        troubles=_troubles(session, contract, actor),
        open_tasks=_open_tasks(where, contract, actor),
        done=sentence(DONE[done], reader.locale) if done else "",
        refused=refused,
        comment=comment,
        sendings=sendings_view(session, contract, all_versions[0], actor, runtime.settings, now=now, typed=typed),
        talk=talk_of(session, subject, actor, here=f"/contracts/{contract.id}", now=now, tried=tried),
    )


def _with_inside(
    session: Session, subject: Subject, actor: Actor, events: Sequence[AuditEvent]
) -> Sequence[AuditEvent]:
    """The history, with what happened inside where the actor may know of it, in the order of the times."""
    return sorted([*events, *inside_history(session, subject, actor)], key=lambda each: each.at)


def _rows(where: Standing, reader: Reader, actor: Actor) -> list[RouteRow]:
    sealed_at = where.signing.sealed_at if where.signing else None
    return route_rows(where.journey, reader, me=actor.id, sealed_at=sealed_at) if where.journey else []


def _troubles(session: Session, contract: Contract, actor: Actor) -> list[MailTrouble]:
    if not owns(actor, contract):
        return []
    inside = papers.subject_of(contract).inside
    return mail_troubles(session, PROCESS, contract.id) + mail_troubles(session, inside, contract.id)


def _open_tasks(where: Standing, contract: Contract, actor: Actor) -> list[tuple[UUID, str]]:
    """Whom a new link can be sent to: by the contract's owner and by administrators."""
    if where.journey is None or not owns(actor, contract):
        return []
    return [
        (task.id, task.name)
        for task in where.journey.tasks
        if task.state is TaskState.OPEN and task.person_id != actor.id
    ]


@router.get("/{contract_id}/print")
def print_page(contract_id: UUID, request: Request, runtime: Engine, visitor: SignedIn, now: Now) -> Response:
    with runtime.reading() as session:
        return shown(session, request, runtime, visitor, contract_id, now, printing=True)


@router.get("/{contract_id}/history")
def history_page(contract_id: UUID, request: Request, runtime: Engine, visitor: SignedIn) -> Response:
    reader = reader_of(request)
    with runtime.reading() as session:
        contract = papers.one(session, Contract, contract_id, visitor.actor)
        events = history(session, PROCESS, contract.id)
        everything = _with_inside(session, papers.subject_of(contract), visitor.actor, events)
        entries = [(each, told(each, reader)) for each in everything]
    return page(request, "history.html", here="contracts", contract=contract, entries=entries)


@router.get("/{contract_id}/versions/{number}/text")
def text_page(contract_id: UUID, number: int, request: Request, runtime: Engine, visitor: SignedIn) -> Response:
    contract, version = _version(runtime, contract_id, number, visitor.actor)
    return page(
        request, "text.html", here="contracts", back=f"/contracts/{contract.id}", contract=contract, version=version
    )


@router.get("/{contract_id}/versions/{number}/pages/{picture}.png")
def picture(
    contract_id: UUID, number: int, picture: int, request: Request, runtime: Engine, visitor: SignedIn
) -> Response:
    _, version = _version(runtime, contract_id, number, visitor.actor)
    if picture > version.pages:
        raise NotFound("There is no such page.")
    return page_picture(runtime, version.readable_key, version.readable_sha256, picture, request)


@router.get("/{contract_id}/versions/{number}/{form}.pdf")
def file(contract_id: UUID, number: int, form: str, runtime: Engine, visitor: SignedIn) -> Response:
    if form not in ("original", "readable", "sealed"):
        raise NotFound("There is nothing at this address.")
    with runtime.reading() as session:
        contract = papers.one(session, Contract, contract_id, visitor.actor)
        key, name = file_of(session, contract, number, form)
    return file_response(runtime, key, name)


def _version(runtime: Runtime, contract_id: UUID, number: int, actor: Actor) -> tuple[Contract, Version]:
    with runtime.reading() as session:
        contract = papers.one(session, Contract, contract_id, actor)
        return contract, papers.version(session, contract, number)

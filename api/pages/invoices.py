"""``/invoices``: the list with search, handing in, and one invoice with what it says, its route and its history."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, File, Query, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from api.auth import FromForm, SignedIn, Visitor
from api.dependencies import Engine, Now
from api.files import read_upload
from api.once import once as done_once
from api.once import page_key, request_hash
from api.pages.comparisons import changed_since_approved
from api.pages.discussion_view import Tried, talk_of
from api.pages.fields import CURRENCIES, Text, plain_amount
from api.pages.handing_over_view import handing_of
from api.pages.invoice_offers import Offered, offered_words
from api.pages.invoice_payments import payments_view
from api.pages.invoice_view import view_of
from api.pages.matches_view import matching_of
from api.pages.papers import shows
from api.pages.pictures import page_picture
from api.pages.sending import words_of_refusal
from api.pages.sendings_view import sendings_view
from api.pages.shell import page
from api.pages.views import route_rows
from api.pages.words import INVOICE_FIELDS, INVOICE_VIEWS, Status, invoice_status, kind_of, told, upcoming
from api.readers import reader_of
from api.rest.invoices import taken_in, typed_words
from api.rest.papers import file_response, today_of
from api.rest.tasks import ran_out
from documents.einvoices.as_json import from_json
from documents.rendering import named, sentence
from workflows.approvals.model import StageKind, TaskState
from workflows.approvals.queries import current_routes, mail_troubles, open_task_for
from workflows.audit.queries import history
from workflows.business_time import explained
from workflows.database import Work
from workflows.discussions.queries import inside_history
from workflows.errors import Forbidden, NotFound, Refused
from workflows.invoices import queries
from workflows.invoices.model import PROCESS, Invoice, InvoiceState
from workflows.invoices.operations import receive
from workflows.invoices.payment import has_payers, refusal_to_release
from workflows.invoices.payment_model import Separation
from workflows.invoices.rules import (
    open_of,
    typed_invoice,
    why_not_correct,
    why_not_dispute,
    why_not_hand_in,
    why_not_hand_over,
    why_not_receive,
    why_not_withdraw,
    words_of,
)
from workflows.invoices.steps import send_where_possible
from workflows.papers import queries as papers
from workflows.papers.rules import owns
from workflows.papers.standing import standing, standings
from workflows.parties.queries import people
from workflows.runtime import Runtime
from workflows.words import stage_name

router = APIRouter(prefix="/invoices", include_in_schema=False)

A_PAGE = 20
SENDABLE = (InvoiceState.CHECKED, InvoiceState.MATCHED, InvoiceState.RETURNED)
SHOWN_EVENTS = 8

DONE = {
    "sent": "Received and on its way",
    "kept": "Received; it waits for what is said below",
    "corrected": "What it says is kept",
    "released": "Released for payment",
    "paid": "The payment is noted",
    "reversed": "The payment is taken back",
    "disputed": "The question is on its way to the supplier",
    "settled": "Taken up again",
    "route": "On its route again",
    "withdrawn": "Withdrawn; whoever was asked has been told",
    "approve": "You have approved this contract",
    "reject": "You have rejected this contract",
    "send_back": "You have sent this contract back",
    "link": "A new link is on its way; the ones before no longer work",
    "delegated": "Handed over; a mail is on its way to them",
    "back": "It has come back; a mail is on its way",
    "reassigned": "Somebody else is asked now; a mail is on its way to them",
    "reviewer": "Asked for an opinion; a mail is on its way to them",
    "opinion": "Your opinion is on its way",
    "extended": "The due time is put off",
    "matched": "Matched; it is on record who did it and why",
    "unmatched": "The match is undone",
    "held": "Held once more against what is known now",
    "recalled": "Taken back; whoever was asked has been told",
    "passed_on": "Sent; a mail is on its way to them",
    "revoked": "The link opens nothing any more",
    "replaced": "The new version is kept",
}


@dataclass(frozen=True)
class Row:
    """``open``: of what is paid in part."""

    invoice: Invoice
    status: Status
    open: Decimal | None


@router.get("")
def list_page(
    request: Request,
    runtime: Engine,
    visitor: SignedIn,
    q: Annotated[str, Query(max_length=400)] = "",
    state: Annotated[str, Query(max_length=40)] = "",
    supplier: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    reader, actor = reader_of(request), visitor.actor
    with runtime.reading() as session:
        found = queries.listed(
            session, actor, q=q, state=state, supplier=supplier, today=today_of(actor), cursor=cursor, limit=A_PAGE
        )
        owners = people(session, {each.owner_id for each in found.papers})
        where = standings(session, found.papers)
        pays = why_not_hand_over(actor, has_payers=has_payers(session, actor.organisation_id)) is None
        sends = why_not_receive(actor) is None
        mails = sends and (actor.administers or queries.has_mails(session, actor))
        rows = [
            Row(
                each,
                invoice_status(each, where[each.id], owners[each.owner_id].name, reader, me=actor.id),
                open_of(each) if each.paid_amount is not None and each.state is InvoiceState.RELEASED else None,
            )
            for each in found.papers
        ]
    kept = {"q": q.strip(), "supplier": supplier.strip(), "state": state}
    return page(
        request,
        "invoices.html",
        here="invoices",
        q=q,
        supplier=supplier,
        state=state,
        views=[
            (name, sentence(words, reader.locale), _address(**{**kept, "state": name}))
            for name, words in INVOICE_VIEWS.items()
        ],
        rows=rows,
        today=today_of(actor),
        count=found.count,
        cut_short=found.cut_short,
        first=_address(**kept) if cursor else None,
        next=_address(**kept, cursor=found.next_cursor) if found.next_cursor else None,
        sends=sends,
        mails=mails,
        pays=pays,
    )


def _address(**wanted: str) -> str:
    kept = {name: value for name, value in wanted.items() if value}
    return "/invoices" + (f"?{urlencode(kept)}" if kept else "")


@router.get("/new")
def new_page(request: Request, runtime: Engine, visitor: SignedIn) -> Response:
    if refused := why_not_receive(visitor.actor):
        raise Forbidden(refused)
    return _form(request, runtime, typed={})


def _form(request: Request, runtime: Runtime, *, typed: Mapping[str, str], refused: Refused | None = None) -> Response:
    reader = reader_of(request)
    with runtime.reading() as session:
        routes = [each.name for each in current_routes(session) if each.document == PROCESS]
    return page(
        request,
        "invoice_new.html",
        here="invoices",
        status=refused.status if refused else 200,
        most=runtime.settings.intake_file_bytes,
        labels={name: sentence(words, reader.locale) for name, words in INVOICE_FIELDS.items()},
        currencies=CURRENCIES,
        routes=routes,
        once=secrets.token_urlsafe(16),
        typed=typed,
        **words_of_refusal(refused, request),
    )


async def _typed_words(words: Annotated[dict[str, str], Depends(typed_words)]) -> dict[str, str]:
    return {name: plain_amount(value) if name in AMOUNTS else value for name, value in words.items()}


AMOUNTS = ("net", "tax", "payable")
TypedWords = Annotated[dict[str, str], Depends(_typed_words)]
"""What somebody types who reads an invoice from its pages, by the names of ``rules.TYPED``."""


@router.post("")
def hand_in(
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    file: Annotated[UploadFile, File()],
    words: TypedWords,
    external_id: Text = "",
    note: Text = "",
    route: Text = "",
    password: Text = "",
    once: Text = "",
) -> Response:
    beside = {"external_id": external_id, "note": note, "route": route, "cost_center": words["cost_center"]}
    try:
        said = typed_invoice(words)
        data = read_upload(file, runtime.settings.intake_file_bytes)
        taken = taken_in(runtime, file, data, password, locale=reader_of(request).locale)
        digest = request_hash("hand in", {**words, **beside}, data)

        def work(session: Work) -> dict[str, Any]:
            invoice = receive(
                session,
                taken.document,
                taken.said or said,
                taken.findings,
                **beside,
                by=visitor.actor,
                now=now,
            )
            session.flush()
            return {"id": str(invoice.id), "blocked": invoice.blocked}

        made = done_once(runtime, visitor.actor, page_key(once, digest), digest, now, work)
    except Refused as refused:
        return _form(request, runtime, typed={**words, **beside}, refused=refused)
    kept = send_where_possible(runtime, UUID(made["id"]), now=now) is not None or made["blocked"]
    return RedirectResponse(f"/invoices/{made['id']}?done={'kept' if kept else 'sent'}", status_code=303)


@router.get("/{invoice_id}")
def invoice_page(
    invoice_id: UUID, request: Request, runtime: Engine, visitor: SignedIn, now: Now, done: str = ""
) -> Response:
    with runtime.reading() as session:
        return shown(session, request, runtime, visitor, invoice_id, now, done=done if done in DONE else "")


@shows(Invoice)
def shown(
    session: Session,
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    invoice_id: UUID,
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
    """The page of one invoice; the arguments as those of a contract's."""
    reader, actor = replace(reader_of(request), paper=PROCESS), visitor.actor
    invoice = papers.one(session, Invoice, invoice_id, actor)
    where = standing(session, invoice)
    owner = papers.owner_of(session, invoice)
    versions = papers.versions(session, invoice)
    asked = open_task_for(session, PROCESS, invoice.id, actor.id)
    subject = papers.subject_of(invoice)
    events = history(session, PROCESS, invoice.id)
    everything = sorted([*events, *inside_history(session, subject, actor)], key=lambda each: each.at)
    entries = [told(each, reader) for each in reversed(everything)]
    keeps = owns(actor, invoice)
    said = view_of(session, invoice, reader)
    not_released = refusal_to_release(session, invoice, actor, Separation(runtime.settings.release_separation))
    own_words = words_of(from_json(queries.newest_reading(session, invoice).data))
    typing = bool(typed and typed.get("form") == "data")
    offered = offered_words(invoice, versions[0], own_words, actor, reader) if not typing else Offered({}, {})
    return page(
        request,
        "invoice_print.html" if printing else "invoice.html",
        here="invoices",
        reader=reader,
        status=status,
        invoice=invoice,
        contract=invoice,
        kind=kind_of(invoice, reader),
        owner=owner,
        standing=invoice_status(invoice, where, owner.name, reader, me=actor.id),
        upcoming=upcoming(where, reader),
        now=now,
        said=replace(said, steps=()) if printing else said,
        held=matching_of(session, invoice, None if printing else actor, reader, asked=asked is not None),
        versions=versions,
        version=versions[0],
        page_address=lambda n: f"/invoices/{invoice.id}/versions/{versions[0].number}/pages/{n}.png",
        asked=asked,
        stage_title=stage_name(asked.stage.name, reader) if asked else "",
        ran_out=asked is not None and ran_out(session, asked, now),
        due_note=explained(asked.stage.due, reader.locale, sentence) if asked and asked.stage.due else "",
        since=changed_since_approved(session, asked.round, actor.id, reader)
        if asked and asked.task.kind is StageKind.APPROVAL
        else None,
        labels={name: sentence(words, reader.locale) for name, words in INVOICE_FIELDS.items()},
        fields={**own_words, **offered.words, **(typed if typed and typing else {})},
        hints=offered.hints,
        typing=invoice.state is InvoiceState.RECEIVED or typing,
        reads=invoice.syntax != "typed",
        currencies=CURRENCIES,
        typed=typed or {},
        may_correct=why_not_correct(actor, invoice) is None,
        may_hand_in=why_not_hand_in(actor, invoice) is None,
        may_send=keeps and not invoice.blocked and invoice.state in SENDABLE,
        may_release=not_released is None,
        why_not_release=sentence(not_released, reader.locale)
        if not_released and invoice.state is InvoiceState.APPROVED
        else "",
        paid=payments_view(session, invoice, actor),
        may_dispute=why_not_dispute(actor, invoice) is None,
        may_settle=keeps and invoice.state is InvoiceState.DISPUTED,
        may_withdraw=why_not_withdraw(actor, invoice) is None,
        today=today_of(actor),
        rows=route_rows(where.journey, reader, me=actor.id, finish=invoice.finish) if where.journey else [],
        handing=handing_of(
            session,
            where.journey,
            actor,
            reader,
            now=now,
            base=f"/invoices/{invoice.id}/tasks/{{task}}",
            keeps=keeps,
            offers=True,
            typed=typed,
        )
        if where.journey
        else None,
        round=where.journey.round if where.journey else None,
        entries=entries if printing else entries[:SHOWN_EVENTS],
        all_entries=len(entries),
        position=events[-1].position if events else 0,
        troubles=mail_troubles(session, PROCESS, invoice.id) if keeps else [],
        open_tasks=[
            (task.id, task.name)
            for task in (where.journey.tasks if where.journey and keeps else ())
            if task.state is TaskState.OPEN and task.person_id != actor.id
        ],
        done=named(DONE[done], reader) if done else "",
        refused=refused,
        comment=comment,
        sendings=sendings_view(session, invoice, versions[0], actor, runtime.settings, now=now, typed=typed),
        talk=talk_of(
            session,
            subject,
            actor,
            here=f"/invoices/{invoice.id}",
            now=now,
            tried=tried,
            takes=why_not_hand_in(actor, invoice) is None,
        ),
    )


@router.get("/{invoice_id}/print")
def print_page(invoice_id: UUID, request: Request, runtime: Engine, visitor: SignedIn, now: Now) -> Response:
    with runtime.reading() as session:
        return shown(session, request, runtime, visitor, invoice_id, now, printing=True)


@router.get("/{invoice_id}/history")
def history_page(invoice_id: UUID, request: Request, runtime: Engine, visitor: SignedIn) -> Response:
    reader = replace(reader_of(request), paper=PROCESS)
    with runtime.reading() as session:
        invoice = papers.one(session, Invoice, invoice_id, visitor.actor)
        entries = [(each, told(each, reader)) for each in history(session, PROCESS, invoice.id)]
    return page(request, "history.html", here="invoices", reader=reader, contract=invoice, entries=entries)


@router.get("/{invoice_id}/versions/{number}/pages/{picture}.png")
def picture(
    invoice_id: UUID, number: int, picture: int, request: Request, runtime: Engine, visitor: SignedIn
) -> Response:
    with runtime.reading() as session:
        version = papers.version(session, papers.one(session, Invoice, invoice_id, visitor.actor), number)
    if picture > version.pages:
        raise NotFound("There is no such page.")
    return page_picture(runtime, version.readable_key, version.readable_sha256, picture, request)


@router.get("/{invoice_id}/versions/{number}/file")
def file(invoice_id: UUID, number: int, runtime: Engine, visitor: SignedIn) -> Response:
    with runtime.reading() as session:
        version = papers.version(session, papers.one(session, Invoice, invoice_id, visitor.actor), number)
    return file_response(runtime, version.original_key, version.file_name)

"""Send a contract, hand in a new version, withdraw, send a link again."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.responses import RedirectResponse, Response

from api.auth import FromForm, SignedIn, Visitor
from api.dependencies import Engine, Now
from api.errors import said
from api.files import read_upload, taken_in
from api.once import once as done_once
from api.once import page_key, request_hash
from api.pages.fields import CURRENCIES, Text, Texts, plain_amount
from api.pages.papers import changed
from api.pages.shell import page
from api.readers import reader_of
from workflows.approvals.queries import current_routes
from workflows.contracts.describing import describe
from workflows.contracts.model import PROCESS, Contract
from workflows.contracts.operations import replace, submit, withdraw
from workflows.contracts.rules import checked
from workflows.database import Work
from workflows.errors import Forbidden, NotFound, Refused
from workflows.papers import queries as papers
from workflows.papers.intake import DocumentRefused
from workflows.papers.model import Paper
from workflows.papers.rules import LONGEST_TITLE
from workflows.runtime import Runtime
from workflows.words import KINDS, kind_name

router = APIRouter(prefix="/contracts", include_in_schema=False)

SIGNER_ROWS = 6


@router.get("/new")
def new_page(request: Request, runtime: Engine, visitor: SignedIn) -> Response:
    if visitor.actor.organisation_id is None:
        raise Forbidden("Only people of an organisation may send contracts.")
    return _form(request, runtime, visitor, typed={}, signers=[])


@router.post("")
def send(
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    file: Annotated[UploadFile, File()],
    title: Text = "",
    kind: Text = "other",
    amount: Text = "",
    currency: Text = "",
    counterparty: Text = "",
    contact_name: Text = "",
    contact_email: Text = "",
    starts_on: Text = "",
    ends_on: Text = "",
    notice_days: Text = "",
    route: Text = "",
    note: Text = "",
    password: Text = "",
    once: Text = "",
    signer_name: Texts = (),
    signer_email: Texts = (),
    signer_organisation: Texts = (),
    signer_title: Texts = (),
) -> Response:
    actor = visitor.actor
    words = {
        "title": title,
        **({"kind": kind} if kind else {}),
        "amount": plain_amount(amount),
        "currency": currency,
        "counterparty": counterparty,
        "contact_name": contact_name,
        "contact_email": contact_email,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "notice_days": notice_days,
        "route": route,
        "note": note,
    }
    signers = _signers(signer_name, signer_email, signer_organisation, signer_title)
    try:
        draft = checked(**words, signers=signers)  # type: ignore[arg-type]  # words are all str
        data = read_upload(file, runtime.settings.intake_file_bytes)
        document = taken_in(runtime, file, data, password)
        digest = request_hash("send", {**words, "signers": signers}, data)

        def work(session: Work) -> dict[str, Any]:
            contract = submit(session, draft, document, by=actor, now=now, link_days=runtime.settings.link_days)
            session.flush()
            return {"id": str(contract.id)}

        # a button pressed twice sends once
        made = done_once(runtime, actor, page_key(once, digest), digest, now, work)
    except Refused as refused:
        return _form(request, runtime, visitor, typed={**words, "amount": amount}, signers=signers, refused=refused)
    return RedirectResponse(f"/contracts/{made['id']}?done=sent", status_code=303)


def _signers(*columns: Sequence[str]) -> list[dict[str, str]]:
    names = ("name", "email", "organisation", "title")
    rows = [dict(zip(names, row, strict=True)) for row in zip_longest(*columns, fillvalue="")]
    return [row for row in rows if any(value.strip() for value in row.values())]


def _form(
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    *,
    typed: Mapping[str, str],
    signers: Sequence[Mapping[str, str]],
    refused: Refused | None = None,
) -> Response:
    reader = reader_of(request)
    with runtime.reading() as session:
        routes = [each.name for each in current_routes(session) if each.document == PROCESS]
    rows = [*signers, *({} for _ in range(max(1, SIGNER_ROWS - len(signers))))]
    return page(
        request,
        "send.html",
        here="contracts",
        status=refused.status if refused else 200,
        typed=typed,
        signers=rows,
        kinds=[(name, kind_name(name, reader)) for name in KINDS],
        currencies=CURRENCIES,
        routes=routes,
        longest_title=LONGEST_TITLE,
        most=runtime.settings.intake_file_bytes,
        once=secrets.token_urlsafe(16),
        **words_of_refusal(refused, request),
    )


def words_of_refusal(refused: Refused | None, request: Request) -> dict[str, Any]:
    """What a form that takes a file says of what was refused."""
    return {
        "refused": said(refused, reader_of(request)) if refused else "",
        "wrong": (refused.field or "") if refused else "",
        "asks_password": isinstance(refused, DocumentRefused) and refused.reason == "password",
    }


@router.get("/{contract_id}/versions/new")
def version_page(contract_id: UUID, request: Request, runtime: Engine, visitor: SignedIn) -> Response:
    return version_form(Contract, contract_id, request, runtime, visitor)


def version_form(
    model: type[Paper],
    paper_id: UUID,
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    *,
    note: str = "",
    refused: Refused | None = None,
) -> Response:
    """Where a new version of a paper of any kind is handed in."""
    with runtime.reading() as session:
        paper = papers.one(session, model, paper_id, visitor.actor)
    return page(
        request,
        "version.html",
        here=f"{model.process}s",
        reader=dataclasses.replace(reader_of(request), paper=model.process),
        status=refused.status if refused else 200,
        contract=paper,
        here_at=f"/{model.process}s/{paper.id}",
        note=note,
        most=runtime.settings.intake_file_bytes,
        **words_of_refusal(refused, request),
    )


@router.post("/{contract_id}/versions")
def add_version(
    contract_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    file: Annotated[UploadFile, File()],
    note: Text = "",
    password: Text = "",
) -> Response:
    with runtime.reading() as session:
        papers.one(session, Contract, contract_id, visitor.actor)
    try:
        data = read_upload(file, runtime.settings.intake_file_bytes)
        document = taken_in(runtime, file, data, password)
        with runtime.transaction() as session:
            replace(
                session,
                contract_id,
                document,
                note=note,
                by=visitor.actor,
                now=now,
                link_days=runtime.settings.link_days,
                visible=papers.is_visible(session, Contract, contract_id, visitor.actor),
            )
    except NotFound:
        raise
    except Refused as refused:
        return version_form(Contract, contract_id, request, runtime, visitor, note=note, refused=refused)
    return RedirectResponse(f"/contracts/{contract_id}?done=replaced", status_code=303)


@router.post("/{contract_id}/description")
def description(
    contract_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    title: Text = "",
    kind: Text = "",
    amount: Text = "",
    currency: Text = "",
    counterparty: Text = "",
    contact_name: Text = "",
    contact_email: Text = "",
    starts_on: Text = "",
    ends_on: Text = "",
    notice_days: Text = "",
    external_id: Text = "",
) -> Response:
    words = {
        "title": title,
        **({"kind": kind} if kind else {}),
        "amount": plain_amount(amount),
        "currency": currency,
        "counterparty": counterparty,
        "contact_name": contact_name,
        "contact_email": contact_email,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "notice_days": notice_days,
        "external_id": external_id,
    }

    def work(session: Work) -> None:
        describe(
            session,
            contract_id,
            words,
            by=visitor.actor,
            now=now,
            link_days=runtime.settings.link_days,
            visible=papers.is_visible(session, Contract, contract_id, visitor.actor),
        )

    typed = {**words, "kind": kind, "amount": amount, "form": "description"}
    return changed(Contract, contract_id, request, runtime, visitor, now, work, done="described", typed=typed)


@router.post("/{contract_id}/withdrawal")
def withdrawal(
    contract_id: UUID, request: Request, runtime: Engine, visitor: FromForm, now: Now, comment: Text = ""
) -> Response:
    def work(session: Work) -> None:
        visible = papers.is_visible(session, Contract, contract_id, visitor.actor)
        withdraw(session, contract_id, comment=comment, by=visitor.actor, now=now, visible=visible)

    return changed(Contract, contract_id, request, runtime, visitor, now, work, done="withdrawn")

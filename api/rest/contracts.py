"""``/api/contracts``: hand in, follow, replace, withdraw."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, File, Form, Header, Query, Request, UploadFile
from fastapi.responses import Response, StreamingResponse
from sqlmodel import Session

from api.dependencies import Engine, Now, Reading, ReadsContracts, Transaction, WritesContracts
from api.files import read_upload, taken_in
from api.once import Creation, Key, request_hash
from api.rest.answers import PromptRoute, refusals
from api.rest.papers import event_page, file_response, stream_of, today_of, turn_shapes, version_shape
from api.rest.shapes import (
    ContractPage,
    ContractShape,
    ContractSummary,
    DescriptionIn,
    EventPage,
    SealShape,
    SignerShape,
    WithdrawalIn,
)
from workflows.audit.queries import history
from workflows.contracts import queries
from workflows.contracts.describing import describe
from workflows.contracts.model import PROCESS, Contract
from workflows.contracts.operations import replace, submit, withdraw
from workflows.contracts.rules import checked
from workflows.database import Work
from workflows.errors import NotFound, Refused
from workflows.papers import queries as papers
from workflows.papers.operations import recall
from workflows.papers.standing import standing

router = APIRouter(route_class=PromptRoute, prefix="/api/contracts", tags=["contracts"])


@router.post(
    "",
    status_code=201,
    response_model=ContractShape,
    summary="Hand in a contract and send it on its route",
    responses=refusals(401, 403, 413, 422, 503),
)
def create(
    runtime: Engine,
    actor: WritesContracts,
    now: Now,
    file: Annotated[UploadFile, File(description="The contract, a PDF.")],
    title: Annotated[str, Form(examples=["Forklift fleet lease 2026–2029"])],
    kind: Annotated[str, Form(examples=["lease"])] = "other",
    amount: Annotated[str, Form(description="A decimal number.", examples=["84600.00"])] = "",
    currency: Annotated[str, Form(description="ISO 4217.", examples=["EUR"])] = "",
    counterparty: Annotated[str, Form(examples=["Nordwerk Maschinen GmbH"])] = "",
    counterparty_contact: Annotated[str, Form(description="Address that is warned before the contract ends.")] = "",
    counterparty_contact_name: Annotated[str, Form()] = "",
    starts_on: Annotated[str, Form(examples=["2026-07-01"])] = "",
    ends_on: Annotated[str, Form(examples=["2029-06-30"])] = "",
    notice_days: Annotated[str, Form(examples=["90"])] = "",
    signers: Annotated[
        str,
        Form(
            description="JSON: who signs, in their order.",
            examples=['[{"name": "Šárka Černá", "email": "sarka.cerna@nordwerk.example"}]'],
        ),
    ] = "",
    route: Annotated[str, Form(description="Name of a route; the first that fits otherwise.")] = "",
    external_id: Annotated[str, Form(description="Your own number for it.")] = "",
    note: Annotated[str, Form(description="A sentence for those who are asked.")] = "",
    fields: Annotated[str, Form(description="JSON: further facts for conditions.", examples=['{"risk": "low"}'])] = "",
    password: Annotated[str, Form(description="Opens the PDF, where it needs one.")] = "",
    idempotency_key: Key = None,
) -> Any:
    words = {
        "title": title,
        "kind": kind,
        "amount": amount,
        "currency": currency,
        "counterparty": counterparty,
        "contact_email": counterparty_contact,
        "contact_name": counterparty_contact_name,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "notice_days": notice_days,
        "route": route,
        "external_id": external_id,
        "note": note,
    }
    draft = checked(**words, signers=_list(signers), fields=_object(fields))
    data = read_upload(file, runtime.settings.intake_file_bytes)
    request_sha256 = request_hash("POST /api/contracts", {**words, "signers": signers, "fields": fields}, data)
    creation = Creation(runtime, actor, idempotency_key, request_sha256, now)
    if answered := creation.answered_already():
        return answered
    document = taken_in(runtime, file, data, password)

    def work(session: Work) -> dict[str, Any]:
        contract = submit(session, draft, document, by=actor, now=now, link_days=runtime.settings.link_days)
        session.flush()
        return contract_shape(session, contract).model_dump(mode="json")

    return creation.answer(work)


@router.get("", response_model=ContractPage, summary="List and search", responses=refusals(401, 403, 422))
def list_contracts(
    session: Reading,
    runtime: Engine,
    actor: ReadsContracts,
    q: Annotated[str, Query(max_length=400, description="Words, numbers, or a phrase in quotes.")] = "",
    state: Annotated[str, Query(description="A state, or needs_me, waiting, expiring, in_force, rejected.")] = "",
    party: Annotated[
        str, Query(max_length=200, description="Words of the counterparty's name or their beginnings")
    ] = "",
    expires_before: Annotated[date | None, Query()] = None,
    cursor: Annotated[str, Query(max_length=60)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ContractPage:
    page = queries.listed(
        session,
        actor,
        q=q,
        state=state,
        party=party,
        expires_before=expires_before,
        today=today_of(actor),
        cursor=cursor,
        limit=limit,
    )
    return ContractPage(
        items=[ContractSummary(**_summary(each)) for each in page.papers],
        next_cursor=page.next_cursor,
        count=page.count,
        cut_short=page.cut_short,
    )


@router.get(
    "/{contract_id}",
    response_model=ContractShape,
    summary="State, whose turn it is, what comes next, versions",
    responses=refusals(401, 404),
)
def read(contract_id: UUID, session: Reading, actor: ReadsContracts) -> ContractShape:
    return contract_shape(session, papers.one(session, Contract, contract_id, actor))


@router.patch(
    "/{contract_id}",
    response_model=ContractShape,
    summary="Change what is said of it, and not its file",
    responses=refusals(401, 403, 404, 409, 422),
)
def patch(
    contract_id: UUID,
    body: DescriptionIn,
    session: Transaction,
    runtime: Engine,
    actor: WritesContracts,
    now: Now,
) -> ContractShape:
    """Its route says whether what was approved stays, or everybody is asked again; where its amount or kind changes,
    everybody is. What is left out stays as it is."""
    contract = describe(
        session,
        contract_id,
        body.words(),
        by=actor,
        now=now,
        link_days=runtime.settings.link_days,
        visible=papers.is_visible(session, Contract, contract_id, actor),
    )
    session.flush()
    return contract_shape(session, contract)


@router.get("/{contract_id}/events", response_model=EventPage, summary="The history", responses=refusals(401, 404))
def events(
    contract_id: UUID,
    session: Reading,
    actor: ReadsContracts,
    cursor: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> EventPage:
    papers.one(session, Contract, contract_id, actor)
    return event_page(history(session, PROCESS, contract_id, after=cursor, limit=limit + 1), limit)


@router.get(
    "/{contract_id}/events/stream",
    summary="The history live, as server-sent events",
    response_class=StreamingResponse,
    responses=refusals(401, 404),
)
async def stream(
    contract_id: UUID,
    request: Request,
    runtime: Engine,
    actor: ReadsContracts,
    last_event_id: Annotated[int, Header(alias="Last-Event-ID", ge=0)] = 0,
    inside: Annotated[
        int | None,
        Query(
            ge=0,
            description="For people of the contract's own organisation: tells as well what was said inside after this "
            "position, as events called `inside`.",
        ),
    ] = None,
) -> StreamingResponse:
    """Each event's id is its position: a client that reconnects goes on where it was."""
    return await stream_of(request, runtime, Contract, contract_id, actor, last_event_id, inside)


@router.post(
    "/{contract_id}/versions",
    status_code=201,
    response_model=ContractShape,
    summary="Hand in a new version",
    responses=refusals(401, 403, 404, 409, 413, 422),
)
def add_version(
    contract_id: UUID,
    runtime: Engine,
    actor: WritesContracts,
    now: Now,
    file: Annotated[UploadFile, File()],
    note: Annotated[str, Form(description="What changed.")] = "",
    password: Annotated[str, Form()] = "",
    idempotency_key: Key = None,
) -> Any:
    data = read_upload(file, runtime.settings.intake_file_bytes)
    request_sha256 = request_hash(f"POST /api/contracts/{contract_id}/versions", {"note": note}, data)
    creation = Creation(runtime, actor, idempotency_key, request_sha256, now)
    if answered := creation.answered_already():
        return answered
    with runtime.reading() as session:
        papers.one(session, Contract, contract_id, actor)
    document = taken_in(runtime, file, data, password)

    def work(session: Work) -> dict[str, Any]:
        contract = replace(
            session,
            contract_id,
            document,
            note=note,
            by=actor,
            now=now,
            link_days=runtime.settings.link_days,
            visible=papers.is_visible(session, Contract, contract_id, actor),
        )
        session.flush()
        return contract_shape(session, contract).model_dump(mode="json")

    return creation.answer(work)


@router.get(
    "/{contract_id}/versions/{number}/file",
    summary="The bytes of a version",
    response_class=Response,
    responses=refusals(401, 404),
)
def version_file(
    contract_id: UUID,
    number: int,
    runtime: Engine,
    session: Reading,
    actor: ReadsContracts,
    form: Annotated[
        Literal["original", "readable", "sealed"],
        Query(alias="as", description="As handed in, as shown, or as sealed."),
    ] = "original",
) -> Response:
    contract = papers.one(session, Contract, contract_id, actor)
    key, name = file_of(session, contract, number, form)
    return file_response(runtime, key, name)


@router.post(
    "/{contract_id}/recall",
    status_code=201,
    response_model=ContractShape,
    summary="Take it back to change it, while people still decide",
    responses=refusals(401, 403, 404, 409),
)
def post_recall(
    contract_id: UUID,
    session: Transaction,
    actor: WritesContracts,
    now: Now,
    body: Annotated[WithdrawalIn | None, Body()] = None,
) -> ContractShape:
    """A new version sends it on its way again. For whoever sent it; twice is as once."""
    visible = papers.is_visible(session, Contract, contract_id, actor)
    contract = recall(
        session, Contract, contract_id, comment=body.comment if body else "", by=actor, now=now, visible=visible
    )
    session.flush()
    return contract_shape(session, contract)


@router.post(
    "/{contract_id}/withdrawal",
    status_code=201,
    response_model=ContractShape,
    summary="Withdraw",
    responses=refusals(401, 403, 404, 409),
)
def withdrawal(
    contract_id: UUID,
    session: Transaction,
    actor: WritesContracts,
    now: Now,
    body: Annotated[WithdrawalIn | None, Body()] = None,
) -> ContractShape:
    visible = papers.is_visible(session, Contract, contract_id, actor)
    contract = withdraw(session, contract_id, comment=body.comment if body else "", by=actor, now=now, visible=visible)
    session.flush()
    return contract_shape(session, contract)


def file_of(session: Session, contract: Contract, number: int, form: str) -> tuple[str, str]:
    """Key of a version's file and the name under which it is offered.

    Raises:
        NotFound: there is no such version, or it was not sealed.
    """
    version = papers.version(session, contract, number)
    if form == "original":
        return version.original_key, version.file_name
    if form == "readable":
        return version.readable_key, version.file_name
    where = standing(session, contract)
    if where.signing is None or where.signing.sealed_key is None or number != contract.current_version:
        raise NotFound("This version has not been sealed.")
    stem = version.file_name.removesuffix(".pdf")
    return where.signing.sealed_key, f"{stem} {contract.number}.pdf"


def contract_shape(session: Session, contract: Contract) -> ContractShape:
    where = standing(session, contract)
    round = where.journey.round if where.journey else None
    signing = where.signing
    return ContractShape(
        **_summary(contract),
        notice_days=contract.notice_days,
        signers=[SignerShape(**each) for each in contract.signers],
        route=round.route_name if round else "",
        route_version=round.route_version if round else 0,
        turns=turn_shapes(where),
        owner_turn=where.owner_turn,
        next=list(where.upcoming),
        versions=[version_shape(each) for each in papers.versions(session, contract)],
        sealed=SealShape(sha256=signing.sealed_sha256, size=signing.sealed_size or 0, at=signing.sealed_at)
        if signing and signing.sealed_sha256 and signing.sealed_at
        else None,
    )


def _summary(contract: Contract) -> dict[str, Any]:
    here = f"/api/contracts/{contract.id}"
    return {
        "id": contract.id,
        "number": contract.number,
        "title": contract.title,
        "state": contract.state.value,
        "state_since": contract.state_since,
        "kind": contract.kind,
        "amount": str(contract.amount) if contract.amount is not None else None,
        "currency": contract.currency,
        "counterparty": contract.counterparty,
        "starts_on": contract.starts_on,
        "ends_on": contract.ends_on,
        "cancel_by": contract.cancel_by,
        "created_at": contract.created_at,
        "external_id": contract.external_id,
        "links": {
            "self": here,
            "page": f"/contracts/{contract.id}",
            "events": f"{here}/events",
            "stream": f"{here}/events/stream",
            "versions": f"{here}/versions",
            "file": f"{here}/versions/{contract.current_version}/file",
        },
    }


def _list(text: str) -> list[Any]:
    return _json(text, list, "signers", "The signers are a JSON list of objects with name and email.") or []


def _object(text: str) -> dict[str, Any]:
    found = _json(text, dict, "fields", "Further fields are a JSON object of short texts, numbers and yes or no.") or {}
    for name, value in found.items():
        if not isinstance(value, str | int | bool) or len(name) > 40 or len(str(value)) > 400:
            raise Refused("Further fields are a JSON object of short texts, numbers and yes or no.", field="fields")
    return found


def _json(text: str, kind: type[Any], field: str, sentence: str) -> Any:
    if not text.strip():
        return None
    try:
        found = json.loads(text)
    except ValueError:
        raise Refused(sentence, field=field) from None
    if not isinstance(found, kind):
        raise Refused(sentence, field=field)
    return found

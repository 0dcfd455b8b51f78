"""Decide and sign at the desk: what a mailed link offers, for people who are signed in."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.auth import FromForm, SignedIn, Visitor
from api.dependencies import Engine, Now
from api.errors import said
from api.pages.fields import Text, verdict_of
from api.pages.papers import Papers, at_desk, changed
from api.pages.shell import page
from api.pages.signing_view import signing_values
from api.readers import reader_of
from api.rest.tasks import ran_out
from workflows.approvals.model import StageKind, TaskState
from workflows.approvals.operations import decide
from workflows.approvals.plan import SUBMITTER
from workflows.approvals.queries import journey, task
from workflows.approvals.rules import due_of
from workflows.contracts import steps
from workflows.contracts.model import Contract
from workflows.database import Work
from workflows.errors import NotFound, Refused
from workflows.papers import queries as papers
from workflows.papers.queries import owner_of
from workflows.runtime import Runtime
from workflows.signatures.ceremony import sign
from workflows.signatures.operations import decline
from workflows.words import kind_name

router = APIRouter(include_in_schema=False)

OF_CONTRACTS = "/contracts/{contract_id}/tasks/{task_id}"


@at_desk(router.post, "/tasks/{task_id}/decision")
def post_decision(
    paper_id: UUID,
    model: Papers,
    task_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    verdict: Text = "",
    version_sha256: Text = "",
    comment: Text = "",
    send_back_to: Text = SUBMITTER,
) -> Response:
    chosen = verdict_of(verdict)

    def work(session: Work) -> None:
        decide(
            session,
            task_id,
            chosen,
            seen=version_sha256,
            by=visitor.actor,
            now=now,
            comment=comment,
            send_back_to=send_back_to,
        )

    return changed(
        model,
        paper_id,
        request,
        runtime,
        visitor,
        now,
        work,
        done=verdict,
        comment=comment,
        typed={"send_back_to": send_back_to},
    )


@router.get(OF_CONTRACTS + "/signature")
def sign_page(contract_id: UUID, task_id: UUID, request: Request, runtime: Engine, visitor: SignedIn) -> Response:
    return _sign_page(contract_id, task_id, request, runtime, visitor)


def _sign_page(
    contract_id: UUID,
    task_id: UUID,
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    *,
    refused: Refused | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    reader = reader_of(request)
    with runtime.reading() as session:
        asked = task(session, task_id, visitor.actor)
        contract = papers.one(session, Contract, contract_id, visitor.actor)
        if asked.round.subject_id != contract.id or asked.task.kind is not StageKind.SIGNATURE:
            raise NotFound("There is no such task.")
        if asked.task.state is not TaskState.OPEN or ran_out(session, asked, datetime.now(UTC)):
            return RedirectResponse(f"/contracts/{contract.id}", status_code=303)
        travelled = journey(session, asked.round)
        return page(
            request,
            "sign.html",
            here="contracts",
            status=refused.status if refused else 200,
            base=f"/contracts/{contract.id}/tasks/{task_id}",
            file=f"/contracts/{contract.id}/versions/{asked.round.version_number}/readable.pdf",
            text_address=f"/contracts/{contract.id}/versions/{asked.round.version_number}/text",
            kind=kind_name(contract.kind, reader),
            page_address=lambda n: f"/contracts/{contract.id}/versions/{asked.round.version_number}/pages/{n}.png",
            card=asked.round.card,
            round=asked.round,
            task=asked.task,
            due=due_of(asked.stage, asked.task)[0],
            contract=contract,
            said=None,
            version=papers.version(session, contract, asked.round.version_number),
            person=visitor.actor,
            submitter=owner_of(session, contract),
            **signing_values(travelled, asked.task, contract),
            refused=said(refused, reader) if refused else "",
            typed=typed or {},
            talk=None,  # at the desk it is on the contract's own page
            house=asked.round.card.get("organisation") or "",
        )


@router.post(OF_CONTRACTS + "/signature")
def post_signature(
    contract_id: UUID,
    task_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    name: Text = "",
    consent: Text = "",
    version_sha256: Text = "",
) -> Response:
    try:
        sign(
            steps.desk(runtime),
            task_id,
            seen=version_sha256,
            name=name,
            consent=consent == "yes",
            by=visitor.actor,
            now=lambda: datetime.now(UTC),
        )
    except NotFound:
        raise
    except Refused as refused:
        typed = {"name": name, "consent": consent}
        return _sign_page(contract_id, task_id, request, runtime, visitor, refused=refused, typed=typed)
    return RedirectResponse(f"/contracts/{contract_id}?done=sign", status_code=303)


@router.post(OF_CONTRACTS + "/refusal")
def post_refusal(
    contract_id: UUID,
    task_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    version_sha256: Text = "",
    comment: Text = "",
) -> Response:
    try:
        with runtime.transaction() as session:
            decline(session, task_id, seen=version_sha256, comment=comment, by=visitor.actor, now=now)
    except NotFound:
        raise
    except Refused as refused:
        typed = {"comment": comment}
        return _sign_page(contract_id, task_id, request, runtime, visitor, refused=refused, typed=typed)
    return RedirectResponse(f"/contracts/{contract_id}?done=decline", status_code=303)

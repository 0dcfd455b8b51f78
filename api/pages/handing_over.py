"""Hand tasks over, ask for opinions, put due times off, take documents back: at the desk, and behind a mailed link."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.auth import FromForm
from api.dependencies import Engine, Now
from api.pages.fields import Text
from api.pages.links import Followed, act
from api.pages.sending import changed
from api.rest.handing_over import HandedShape, handed_shape
from workflows.approvals.handing_over import delegate, extend, reassign, take_back
from workflows.approvals.reviewing import ask_reviewer, give_opinion
from workflows.contracts.model import Contract
from workflows.database import Work
from workflows.papers import queries as papers
from workflows.papers.operations import recall
from workflows.parties.rules import Actor

router = APIRouter(include_in_schema=False)

AT_DESK = "/contracts/{contract_id}"


@router.post(AT_DESK + "/tasks/{task_id}/delegation")
def post_delegation(
    contract_id: UUID,
    task_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    to: Text = "",
    comment: Text = "",
    returns: Text = "",
) -> Response:
    def work(session: Work) -> None:
        delegate(session, task_id, to=to, comment=comment, returns=returns == "yes", by=visitor.actor, now=now)

    typed = {"form": "delegation", "to": to, "comment": comment, "returns": returns}
    return changed(contract_id, request, runtime, visitor, now, work, done="delegated", typed=typed)


@router.post(AT_DESK + "/tasks/{task_id}/return")
def post_return(
    contract_id: UUID,
    task_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    comment: Text = "",
) -> Response:
    def work(session: Work) -> None:
        take_back(session, task_id, comment=comment, by=visitor.actor, now=now)

    typed = {"form": "return", "comment": comment}
    return changed(contract_id, request, runtime, visitor, now, work, done="back", typed=typed)


@router.post(AT_DESK + "/tasks/{task_id}/reassignment")
def post_reassignment(
    contract_id: UUID,
    task_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    to: Text = "",
    comment: Text = "",
) -> Response:
    def work(session: Work) -> None:
        reassign(session, task_id, to=to, comment=comment, by=visitor.actor, now=now)

    typed = {"form": f"reassignment-{task_id}", "to": to, "comment": comment}
    return changed(contract_id, request, runtime, visitor, now, work, done="reassigned", typed=typed)


@router.post(AT_DESK + "/tasks/{task_id}/reviewers")
def post_reviewer(
    contract_id: UUID,
    task_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    whom: Text = "",
    question: Text = "",
) -> Response:
    def work(session: Work) -> None:
        ask_reviewer(session, task_id, whom=whom, question=question, by=visitor.actor, now=now)

    typed = {"form": "reviewer", "whom": whom, "question": question}
    return changed(contract_id, request, runtime, visitor, now, work, done="reviewer", typed=typed)


@router.post(AT_DESK + "/tasks/{task_id}/opinion")
def post_opinion(
    contract_id: UUID,
    task_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    text: Text = "",
    version_sha256: Text = "",
) -> Response:
    def work(session: Work) -> None:
        give_opinion(session, task_id, text=text, seen=version_sha256, by=visitor.actor, now=now)

    typed = {"form": "opinion", "text": text}
    return changed(contract_id, request, runtime, visitor, now, work, done="opinion", typed=typed)


@router.post(AT_DESK + "/tasks/{task_id}/extension")
def post_extension(
    contract_id: UUID,
    task_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    amount: Text = "",
    unit: Text = "",
) -> Response:
    time = f"{amount.strip()} {unit.removesuffix('s') if amount.strip() == '1' else unit}"

    def work(session: Work) -> None:
        extend(session, task_id, time=time, by=visitor.actor, now=now)

    typed = {"form": f"extension-{task_id}", "amount": amount, "unit": unit}
    return changed(contract_id, request, runtime, visitor, now, work, done="extended", typed=typed)


@router.post(AT_DESK + "/recall")
def post_recall(
    contract_id: UUID, request: Request, runtime: Engine, visitor: FromForm, now: Now, comment: Text = ""
) -> Response:
    def work(session: Work) -> None:
        visible = papers.is_visible(session, Contract, contract_id, visitor.actor)
        recall(session, Contract, contract_id, comment=comment, by=visitor.actor, now=now, visible=visible)

    typed = {"form": "recall", "comment": comment}
    return changed(contract_id, request, runtime, visitor, now, work, done="recalled", typed=typed)


@router.post("/t/{token}/delegation", status_code=201)
def linked_delegation(
    token: str, request: Request, runtime: Engine, now: Now, to: Text = "", comment: Text = "", returns: Text = ""
) -> Response:
    def work(session: Work, found: Followed, by: Actor) -> HandedShape:
        made = delegate(session, found.task.id, to=to, comment=comment, returns=returns == "yes", by=by, now=now)
        return handed_shape(made, found.stage)

    typed = {"form": "delegation", "to": to, "comment": comment, "returns": returns}
    return act(token, request, runtime, now, work, typed=typed)


@router.post("/t/{token}/return", status_code=201)
def linked_return(token: str, request: Request, runtime: Engine, now: Now, comment: Text = "") -> Response:
    def work(session: Work, found: Followed, by: Actor) -> HandedShape:
        return handed_shape(take_back(session, found.task.id, comment=comment, by=by, now=now), found.stage)

    return act(token, request, runtime, now, work, typed={"form": "return", "comment": comment})


@router.post("/t/{token}/reviewers", status_code=201)
def linked_reviewer(
    token: str, request: Request, runtime: Engine, now: Now, whom: Text = "", question: Text = ""
) -> Response:
    def work(session: Work, found: Followed, by: Actor) -> HandedShape:
        made = ask_reviewer(session, found.task.id, whom=whom, question=question, by=by, now=now)
        return handed_shape(made, found.stage)

    typed = {"form": "reviewer", "whom": whom, "question": question}
    return act(token, request, runtime, now, work, typed=typed)


@router.post("/t/{token}/opinion", status_code=201)
def linked_opinion(
    token: str, request: Request, runtime: Engine, now: Now, text: Text = "", version_sha256: Text = ""
) -> Response:
    def work(session: Work, found: Followed, by: Actor) -> HandedShape:
        made = give_opinion(session, found.task.id, text=text, seen=version_sha256, by=by, now=now)
        return handed_shape(made, found.stage)

    return act(token, request, runtime, now, work, typed={"form": "opinion", "text": text})

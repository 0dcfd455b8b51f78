"""Hand tasks over, ask for opinions, put due times off, take documents back: at the desk, and behind a mailed link."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.auth import FromForm
from api.dependencies import Engine, Now
from api.pages.fields import Text
from api.pages.links import Followed, act
from api.pages.papers import Papers, at_desk, changed
from api.rest.handing_over import HandedShape, handed_shape
from workflows.approvals.handing_over import delegate, extend, reassign, send_link_again, take_back
from workflows.approvals.queries import asked
from workflows.approvals.reviewing import ask_reviewer, give_opinion
from workflows.database import Work
from workflows.errors import NotFound
from workflows.papers import queries as papers
from workflows.papers.operations import recall
from workflows.parties.rules import Actor

router = APIRouter(include_in_schema=False)


@at_desk(router.post, "/tasks/{task_id}/delegation")
def post_delegation(
    paper_id: UUID,
    model: Papers,
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
    return changed(model, paper_id, request, runtime, visitor, now, work, done="delegated", typed=typed)


@at_desk(router.post, "/tasks/{task_id}/return")
def post_return(
    paper_id: UUID,
    model: Papers,
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
    return changed(model, paper_id, request, runtime, visitor, now, work, done="back", typed=typed)


@at_desk(router.post, "/tasks/{task_id}/reassignment")
def post_reassignment(
    paper_id: UUID,
    model: Papers,
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
    return changed(model, paper_id, request, runtime, visitor, now, work, done="reassigned", typed=typed)


@at_desk(router.post, "/tasks/{task_id}/reviewers")
def post_reviewer(
    paper_id: UUID,
    model: Papers,
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
    return changed(model, paper_id, request, runtime, visitor, now, work, done="reviewer", typed=typed)


@at_desk(router.post, "/tasks/{task_id}/opinion")
def post_opinion(
    paper_id: UUID,
    model: Papers,
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
    return changed(model, paper_id, request, runtime, visitor, now, work, done="opinion", typed=typed)


@at_desk(router.post, "/tasks/{task_id}/extension")
def post_extension(
    paper_id: UUID,
    model: Papers,
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
    return changed(model, paper_id, request, runtime, visitor, now, work, done="extended", typed=typed)


@at_desk(router.post, "/tasks/{task_id}/link")
def send_again(
    paper_id: UUID, model: Papers, task_id: UUID, request: Request, runtime: Engine, visitor: FromForm, now: Now
) -> Response:
    def work(session: Work) -> None:
        if asked(session, task_id).round.subject_id != paper_id:
            raise NotFound("There is no such task.")
        send_link_again(session, task_id, by=visitor.actor, now=now)

    return changed(model, paper_id, request, runtime, visitor, now, work, done="link")


@at_desk(router.post, "/recall")
def post_recall(
    paper_id: UUID,
    model: Papers,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    comment: Text = "",
) -> Response:
    def work(session: Work) -> None:
        visible = papers.is_visible(session, model, paper_id, visitor.actor)
        recall(session, model, paper_id, comment=comment, by=visitor.actor, now=now, visible=visible)

    typed = {"form": "recall", "comment": comment}
    return changed(model, paper_id, request, runtime, visitor, now, work, done="recalled", typed=typed)


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

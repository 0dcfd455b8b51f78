"""``/routes``: the routes in use, their text, and a dry run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from api.auth import Administers, FromForm, Visitor, get_administrator
from api.dependencies import Engine, Now
from api.errors import said
from api.pages.shell import page, reader_of
from api.pages.views import stage_name
from api.pages.words import KINDS, kind_name
from documents.rendering import Reader, sentence
from workflows.approvals.dry_run import DryRun, DryStage, dry_run
from workflows.approvals.model import RouteVersion
from workflows.approvals.publishing import parsed, publish
from workflows.approvals.queries import current_routes, route_versions, running_rounds
from workflows.approvals.route import Route, RouteRefused, read
from workflows.approvals.source import Finding
from workflows.business_time import explained
from workflows.contracts.rules import checked_amount
from workflows.errors import NotFound, Refused
from workflows.parties.queries import by_email
from workflows.parties.rules import normalised_email
from workflows.runtime import Runtime

router = APIRouter(prefix="/routes", include_in_schema=False)

Text = Annotated[str, Form()]
FIRST_LINES = """\
name: two-eyes
document: contract
priority: 10
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
separation: {exclude: [submitter]}
stages:
  - name: manager
    approvers: {manager_of: submitter}
    fallback: {role: administrator}
    due: 2 business days
"""


@router.get("")
def list_page(request: Request, runtime: Engine, visitor: Administers) -> Response:
    with runtime.reading() as session:
        routes = current_routes(session)
        rows = [
            (each, _stages(parsed(each.source), reader_of(request)), running_rounds(session, each.name))
            for each in routes
        ]
    return page(request, "routes.html", here="routes", rows=rows)


def _stages(route: Route, reader: Reader) -> str:
    return ", ".join(stage_name(each.name, reader) for each in route.stages)


@dataclass(frozen=True)
class Trial:
    """What a dry run is asked, as it was typed."""

    amount: str = ""
    currency: str = ""
    kind: str = "other"
    facts: str = ""
    submitter: str = ""


@dataclass(frozen=True)
class DryRow:
    stage: DryStage
    title: str
    due_note: str


@dataclass(frozen=True)
class Outcome:
    """What pressing a button of the editor gave."""

    refused: str = ""
    findings: Sequence[Finding] = ()
    sound: bool = False
    run: DryRun | None = None
    rows: Sequence[DryRow] = ()
    trial: Trial = field(default_factory=Trial)


@router.get("/new")
def new_page(request: Request, runtime: Engine, visitor: Administers) -> Response:
    return _editor(request, runtime, visitor, None, FIRST_LINES)


@router.get("/{name}")
def edit_page(name: str, request: Request, runtime: Engine, visitor: Administers, done: str = "") -> Response:
    with runtime.reading() as session:
        route = _current(session, name)
    return _editor(request, runtime, visitor, route, route.source, published=done == "published")


def get_administering_form(visitor: FromForm) -> Visitor:
    return get_administrator(visitor)


@router.post("")
@router.post("/{name}")
def press(
    request: Request,
    runtime: Engine,
    visitor: Annotated[Visitor, Depends(get_administering_form)],
    now: Now,
    name: str = "",
    source: Text = "",
    do: Text = "check",
    amount: Text = "",
    currency: Text = "",
    kind: Text = "other",
    facts: Text = "",
    submitter: Text = "",
) -> Response:
    """One form, three buttons: check, try it out, publish. Only the last stores anything."""
    reader = reader_of(request)
    source = source.replace("\r\n", "\n")
    trial = Trial(amount, currency, kind, facts, submitter or visitor.actor.email)
    with runtime.reading() as session:
        route = _current(session, name) if name else None
    try:
        if do == "try":
            run = _tried(runtime, source, trial, now)
            outcome = Outcome(sound=True, run=run, rows=_rows(run, reader), trial=trial)
        else:
            with runtime.transaction() as session:
                published = publish(session, source, name=name or None, by=visitor.actor, now=now)
                address = f"/routes/{published.name}?done=published"
                if do != "publish":
                    session.rollback()  # all that publishing would refuse has been asked for; nothing is kept
            if do == "publish":
                return RedirectResponse(address, status_code=303)
            outcome = Outcome(sound=True, trial=trial)
    except RouteRefused as refused:
        outcome = Outcome(findings=refused.findings, trial=trial)
    except Refused as refused:
        outcome = Outcome(refused=said(refused, reader), trial=trial)
    status = 422 if outcome.refused or outcome.findings else 200
    return _editor(request, runtime, visitor, route, source, outcome=outcome, status=status)


def _current(session: Session, name: str) -> RouteVersion:
    found = next((each for each in current_routes(session) if each.name == name), None)
    if found is None:
        raise NotFound("There is no route “%(name)s”.", name=name[:80])
    return found


def _tried(runtime: Runtime, source: str, trial: Trial, now: datetime) -> DryRun:
    route = read(source)
    amount, currency = checked_amount(trial.amount.replace(",", ""), trial.currency)
    with runtime.reading() as session:
        submitter = by_email(session, normalised_email(trial.submitter))
        if submitter is None:
            raise Refused(
                "Nobody is registered with the address %(email)s.", field="submitter", email=trial.submitter[:80]
            )
        fields: Mapping[str, Any] = {"kind": trial.kind, **_facts(trial.facts)}
        return dry_run(session, route, amount=amount, currency=currency, fields=fields, submitter=submitter, now=now)


def _rows(run: DryRun, reader: Reader) -> list[DryRow]:
    return [
        DryRow(
            stage=each,
            title=stage_name(each.name, reader),
            due_note=explained(each.due.as_data(), reader.locale, sentence) if each.due else "",
        )
        for each in run.stages
    ]


def _facts(text: str) -> dict[str, object]:
    """``risk = high``, one a line; whole numbers, true and false as such."""
    made: dict[str, object] = {}
    for line in text.splitlines():
        name, equals, value = (part.strip() for part in line.partition("="))
        if not name:
            continue
        if not equals:
            raise Refused("Write each fact as a name, = and a value, such as risk = high.", field="facts")
        made[name] = {"true": True, "false": False}.get(value, int(value) if value.isdecimal() else value.strip("\"'"))
    return made


def _editor(
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    route: RouteVersion | None,
    source: str,
    *,
    outcome: Outcome | None = None,
    published: bool = False,
    status: int = 200,
) -> Response:
    reader = reader_of(request)
    outcome = outcome or Outcome(trial=Trial(submitter=visitor.actor.email))
    with runtime.reading() as session:
        versions = route_versions(session, route.name) if route else []
        running = running_rounds(session, route.name) if route else 0
    return page(
        request,
        "route.html",
        here="routes",
        status=status,
        route=route,
        versions=versions,
        running=running,
        source=source,
        lines=max(source.count("\n") + 1, 20),
        findings=[(each.line, sentence(each.sentence, reader.locale, **each.values)) for each in outcome.findings],
        refused=outcome.refused,
        sound=outcome.sound,
        run=outcome.run,
        rows=outcome.rows,
        trial=outcome.trial,
        kinds=[(name, kind_name(name, reader)) for name in KINDS],
        published=published,
    )

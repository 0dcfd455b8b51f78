"""``/routes``: the routes in use, and the designer: stages in forms and as text, findings, difference, dry run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlmodel import Session
from starlette.datastructures import FormData

from api.auth import Administers, AdministersByForm, Visitor
from api.dependencies import Engine, Now
from api.errors import said
from api.pages.route_editor import document_in, findings_said, stages_shown
from api.pages.route_pressing import Helper, Trial, Worked, pressed, worked
from api.pages.route_words import band_words, difference_words
from api.pages.shell import page
from api.readers import reader_of
from documents.rendering import Reader, render, sentence
from workflows.approvals.checking import findings_in
from workflows.approvals.composing import fields_of
from workflows.approvals.differences import differences, lines_changed
from workflows.approvals.dry_run import DryRun, DryStage, dry_run
from workflows.approvals.model import RouteVersion
from workflows.approvals.plan import MatchOutcome
from workflows.approvals.publishing import parsed, publish
from workflows.approvals.queries import current_routes, route_versions, running_rounds
from workflows.approvals.route import Route, RouteRefused, parse, read, sha256_of
from workflows.approvals.source import Finding
from workflows.business_time import explained
from workflows.errors import NotFound, Refused
from workflows.invoices.cost_centers import with_owner
from workflows.papers.rules import checked_amount, number_up_to
from workflows.parties.queries import by_email
from workflows.parties.rules import normalised_email
from workflows.runtime import Runtime
from workflows.words import INVOICE_KINDS, KINDS, kind_name, stage_name

router = APIRouter(include_in_schema=False)

FACTS = {"contract": "risk = high", "invoice": "order_number = PO-7"}
"""What is typed among the further facts, of each kind of document."""

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


@router.get("/routes")
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
class DryRow:
    stage: DryStage
    title: str
    due_note: str


@dataclass(frozen=True)
class Outcome:
    """What pressing a button of the designer gave. ``shown``: the difference to the running version was asked for."""

    refused: str = ""
    findings: Sequence[Finding] = ()
    sound: bool = False
    shown: bool = False
    stale: bool = False
    run: DryRun | None = None
    rows: Sequence[DryRow] = ()


@router.get("/routes/new")
def new_page(request: Request, runtime: Engine, visitor: Administers) -> Response:
    return _designer(request, runtime, visitor, None, Worked(FIRST_LINES, "", Helper()))


@router.get("/routes/{name}")
def edit_page(name: str, request: Request, runtime: Engine, visitor: Administers, done: str = "") -> Response:
    with runtime.reading() as session:
        route = current(session, name)
    work = Worked(route.source, "", Helper())
    return _designer(request, runtime, visitor, route, work, published=done == "published")


async def get_form(request: Request) -> FormData:
    return await request.form()


FormSent = Annotated[FormData, Depends(get_form)]


@router.post("/routes")
@router.post("/routes/{name}")
def press(
    request: Request, runtime: Engine, visitor: AdministersByForm, form: FormSent, now: Now, name: str = ""
) -> Response:
    """One form with many buttons. Only “publish” stores anything, and only what was compared with what runs."""
    reader = reader_of(request)
    asked = pressed(form)
    trial = replace(asked.trial, submitter=asked.trial.submitter or visitor.actor.email)
    with runtime.reading() as session:
        route = current(session, name) if name else None
    done = worked(asked)
    status = 200
    if done.refused:
        outcome, status = Outcome(refused=said(done.refused, reader)), 422
    elif asked.do == "publish":
        came_to = _publish(runtime, visitor, route, name, done.source, asked.seen, reader, now)
        if isinstance(came_to, RouteVersion):
            return RedirectResponse(f"/routes/{came_to.name}?done=published", status_code=303)
        outcome = came_to
    elif asked.do == "try":
        outcome = _try(runtime, done.source, trial, reader, now)
    else:
        with runtime.reading() as session:
            findings = findings_in(session, done.source, name=name or None)
        outcome = Outcome(findings=findings, sound=not findings, shown=asked.do == "difference" and not findings)
    if asked.do in ("publish", "try", "check", "difference") and (outcome.refused or outcome.findings):
        status = 422
    return _designer(request, runtime, visitor, route, done, outcome=outcome, trial=trial, do=asked.do, status=status)


def _publish(
    runtime: Runtime,
    visitor: Visitor,
    route: RouteVersion | None,
    name: str,
    source: str,
    seen: str,
    reader: Reader,
    now: datetime,
) -> RouteVersion | Outcome:
    """The new version; or what differs, where that was not shown yet for just this text."""
    with runtime.reading() as session:
        findings = findings_in(session, source, name=name or None)
    if findings:
        return Outcome(findings=findings)
    if route is not None and seen != sha256_of(source) and route.source != source:
        return Outcome(sound=True, shown=True, stale=bool(seen))
    try:
        with runtime.transaction() as session:
            return publish(session, source, name=name or None, by=visitor.actor, now=now)
    except RouteRefused as refused:
        return Outcome(findings=refused.findings)
    except Refused as refused:
        return Outcome(refused=said(refused, reader))


def _try(runtime: Runtime, source: str, trial: Trial, reader: Reader, now: datetime) -> Outcome:
    try:
        run = _tried(runtime, source, trial, now)
    except RouteRefused as refused:
        return Outcome(findings=refused.findings)
    except Refused as refused:
        return Outcome(refused=said(refused, reader))
    return Outcome(run=run, rows=_rows(run, reader))


@router.post("/route-texts/check")
def check(
    request: Request, runtime: Engine, visitor: AdministersByForm, form: FormSent, name: str = ""
) -> JSONResponse:
    """As “check” does, for the page's script: the text with what was typed into the form, findings and stages anew."""
    reader = reader_of(request)
    asked = pressed(form)
    done = worked(replace(asked, do="check"))
    with runtime.reading() as session:
        findings = [] if done.refused else findings_in(session, done.source, name=name or None)
        stages = stages_shown(session, done, reader, visitor.actor, search=False)
    told = {
        "refused": said(done.refused, reader) if done.refused else "",
        "findings": findings_said(findings, reader),
        "sound": not findings and not done.refused,
    }
    return JSONResponse(
        {
            "source": done.source,
            "lines": sorted({each.line for each in findings}),
            "findings": render("pages/_route_findings.html", reader, **told),
            "stages": render("pages/_route_stages.html", reader, **stages),
        }
    )


def current(session: Session, name: str) -> RouteVersion:
    """Raises: NotFound, where no route of this name is in use."""
    found = next((each for each in current_routes(session) if each.name == name), None)
    if found is None:
        raise NotFound("There is no route “%(name)s”.", name=name[:80])
    return found


def _tried(runtime: Runtime, source: str, trial: Trial, now: datetime) -> DryRun:
    route = read(source)
    trial = _of_document(trial, route.document)
    amount, currency = checked_amount(trial.amount.replace(",", ""), trial.currency)
    with runtime.reading() as session:
        submitter = by_email(session, normalised_email(trial.submitter))
        if submitter is None:
            raise Refused(
                "Nobody is registered with the address %(email)s.", field="submitter", email=trial.submitter[:80]
            )
        fields: dict[str, Any] = {"kind": trial.kind}
        if route.document == "invoice":
            fields |= {"supplier": trial.supplier, "cost_center": trial.cost_center}
            fields = with_owner(session, fields, submitter.organisation_id)
        return dry_run(
            session,
            route,
            amount=amount,
            currency=currency,
            fields={**fields, **_facts(trial.facts)},
            submitter=submitter,
            now=now,
            match=next((each for each in get_args(MatchOutcome) if each == trial.match), None),
        )


def _rows(run: DryRun, reader: Reader) -> list[DryRow]:
    return [
        DryRow(
            stage=each,
            title=stage_name(each.name, reader),
            due_note=explained(each.due.as_data(), reader.locale, sentence) if each.due else "",
        )
        for each in run.stages
    ]


LARGEST_FACT = 10**15 - 1
"""Conditions reckon in doubles, which hold no more digits."""


def _facts(text: str) -> dict[str, object]:
    """``risk = high``, one a line; whole numbers, true and false as such."""
    made: dict[str, object] = {}
    for line in text.splitlines():
        name, equals, value = (part.strip() for part in line.partition("="))
        if not name:
            continue
        if not equals:
            raise Refused("Write each fact as a name, = and a value, such as risk = high.", field="facts")
        number = number_up_to(value, LARGEST_FACT)
        made[name] = {"true": True, "false": False}.get(value, value.strip("\"'") if number is None else number)
    return made


def _kinds(document: str, reader: Reader) -> list[tuple[str, str]]:
    if document == "invoice":
        return [(name, sentence(words, reader.locale)) for name, words in INVOICE_KINDS.items()]
    return [(name, kind_name(name, reader)) for name in KINDS]


def _of_document(trial: Trial, document: str) -> Trial:
    """With a kind that there is among these documents, whatever was chosen among others before."""
    known = INVOICE_KINDS if document == "invoice" else KINDS
    return trial if trial.kind in known else replace(trial, kind="invoice" if document == "invoice" else "other")


def _designer(
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    route: RouteVersion | None,
    done: Worked,
    *,
    outcome: Outcome | None = None,
    trial: Trial | None = None,
    do: str = "",
    published: bool = False,
    status: int = 200,
) -> Response:
    reader = reader_of(request)
    outcome = outcome or Outcome()
    document = document_in(done.source)
    with runtime.reading() as session:
        versions = route_versions(session, route.name) if route else []
        running = running_rounds(session, route.name) if route else 0
        stages = stages_shown(session, done, reader, visitor.actor, search=do == "search")
    changes = lines = None
    if outcome.shown and route is not None:
        changes = difference_words(differences(parsed(route.source), parse(done.source)), reader)
        lines = lines_changed(route.source, done.source)
    return page(
        request,
        "route.html",
        here="routes",
        status=status,
        route=route,
        versions=versions,
        running=running,
        source=done.source,
        length=max(done.source.count("\n") + 1, 20),
        findings=findings_said(outcome.findings, reader),
        refused=outcome.refused,
        sound=outcome.sound and not outcome.shown,
        stale=outcome.stale,
        changes=changes,
        lines=lines,
        seen=sha256_of(done.source) if outcome.shown else "",
        run=outcome.run,
        band=band_words(outcome.run.band, outcome.run.currency, reader) if outcome.run and outcome.run.band else "",
        rows=outcome.rows,
        trial=_of_document(trial or Trial(submitter=visitor.actor.email), document),
        document=document,
        kinds=_kinds(document, reader),
        facts_hint=sentence(
            "One a line, such as %(fact)s. A condition may ask for: %(known)s.",
            reader.locale,
            fact=FACTS[document],
            known=", ".join(fields_of(document)),
        ),
        published=published,
        **stages,
    )

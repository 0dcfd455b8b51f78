"""``/api/routes``: publish, and try out."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request

from api.dependencies import Administrator, Now, Reading, Transaction
from api.rest.answers import PromptRoute, refusals
from api.rest.shapes import BandShape, DryEscalationShape, DryRunIn, DryRunShape, DryStageShape, RouteShape
from workflows.approvals import queries
from workflows.approvals.dry_run import DryStage, dry_run
from workflows.approvals.model import RouteVersion
from workflows.approvals.publishing import parsed, publish
from workflows.approvals.rates import Rates
from workflows.approvals.route import read
from workflows.errors import NotFound, Refused
from workflows.invoices.cost_centers import with_owner
from workflows.papers.rules import checked_amount
from workflows.parties.queries import by_email
from workflows.parties.rules import normalised_email

router = APIRouter(route_class=PromptRoute, prefix="/api/routes", tags=["routes"])

EXAMPLE = """\
name: two-eyes
document: contract
priority: 10
stages:
  - name: manager
    approvers: {manager_of: submitter}
    fallback: {role: administrator}
"""
LONGEST = 200_000  # bytes of a route's text


async def text_of(request: Request) -> str:
    """The request's body as text."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise Refused("A route's text may have at most %(most)s bytes.", field="source", most=LONGEST)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Refused("A route's text is UTF-8.", field="source") from None


@router.get("", response_model=list[RouteShape], summary="The routes in use", responses=refusals(401, 403))
def list_routes(session: Reading, actor: Administrator) -> list[RouteShape]:
    return [route_shape(each) for each in queries.current_routes(session)]


@router.put(
    "/{name}",
    response_model=RouteShape,
    summary="Publish a route; the body is its text, YAML or JSON",
    responses=refusals(401, 403, 422),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/yaml": {
                    "schema": {"type": "string"},
                    "example": EXAMPLE,
                }
            },
        }
    },
)
def put_route(
    name: str, source: Annotated[str, Depends(text_of)], session: Transaction, actor: Administrator, now: Now
) -> RouteShape:
    """The same text again changes nothing. Running rounds keep the version that they began with."""
    return route_shape(publish(session, source, name=name, by=actor, now=now))


@router.post(
    "/{name}/dry-run",
    response_model=DryRunShape,
    summary="Who would be asked, and when",
    responses=refusals(401, 403, 404, 422),
)
def post_dry_run(
    name: str, body: Annotated[DryRunIn, Body()], session: Reading, actor: Administrator, now: Now
) -> DryRunShape:
    published = next((each for each in queries.current_routes(session) if each.name == name), None)
    if body.source is None and published is None:
        raise NotFound("There is no route “%(name)s”.", name=name[:80])
    route = read(body.source) if body.source is not None else parsed(published.source if published else "")
    submitter = by_email(session, normalised_email(body.submitter))
    if submitter is None:
        raise Refused("Nobody is registered with the address %(email)s.", field="submitter", email=body.submitter[:80])
    amount, currency = checked_amount(body.amount or "", body.currency or "")
    rates = Rates(route.currency, body.rates) if body.rates and route.currency else None
    run = dry_run(
        session,
        route,
        amount=amount,
        currency=currency,
        fields=with_owner(session, body.invoice, submitter.organisation_id)
        if route.document == "invoice"
        else body.contract,
        match=body.match,
        submitter=submitter,
        now=now,
        rates=rates,
    )
    return DryRunShape(
        route=route.name,
        version=published.version if published and body.source is None else None,
        amount=_text(run.amount),
        currency=run.currency,
        band=BandShape(start=_text(run.band.start), end=_text(run.band.end), stages=list(run.band.stages))
        if run.band
        else None,
        stages=[dry_shape(each) for each in run.stages],
    )


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def dry_shape(stage: DryStage) -> DryStageShape:
    return DryStageShape(
        name=stage.name,
        parallel=stage.parallel,
        kind=stage.kind,
        people=[person.name for person in stage.people],
        approve=stage.approve,
        reject=stage.reject,
        due_at=stage.due.at if stage.due else None,
        due=stage.due.as_data() if stage.due else None,
        skipped=stage.skipped,
        blocked=stage.blocked,
        approved_before=[person.name for person in stage.counted],
        vetoes=[person.name for person in stage.vetoes],
        order=stage.order,
        reminders=list(stage.reminders),
        escalation=DryEscalationShape(
            at=stage.escalation.at,
            mode=stage.escalation.mode,
            people=[person.name for person in stage.escalation.people],
        )
        if stage.escalation
        else None,
        on_expiry=stage.on_expiry,
    )


def route_shape(route: RouteVersion) -> RouteShape:
    plan = parsed(route.source)
    return RouteShape(
        name=route.name,
        version=route.version,
        sha256=route.sha256,
        document=route.document,
        published_at=route.published_at,
        stages=[stage.name for stage in plan.stages],
    )

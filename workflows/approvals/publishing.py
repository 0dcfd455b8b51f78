"""Publish routes; find the one that a document takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlmodel import Session, col, select

from workflows.approvals import route as routes
from workflows.approvals.exchange import rates_of_submission
from workflows.approvals.model import RouteVersion
from workflows.approvals.route import Route, StagePlan
from workflows.audit.operations import record
from workflows.database import Work
from workflows.errors import Refused
from workflows.parties.model import Person
from workflows.parties.queries import by_emails
from workflows.parties.rules import Actor, shown, who


@lru_cache(256)
def parsed(source: str) -> Route:
    return routes.parse(source)


_travelled: dict[UUID, Route] = {}


def route_of(session: Session, route_id: UUID) -> Route:
    """The route that a round is pinned to. Published versions never change, so each is read once a process."""
    if route_id not in _travelled:
        if len(_travelled) >= 256:
            _travelled.clear()
        _travelled[route_id] = parsed(session.get_one(RouteVersion, route_id).source)
    return _travelled[route_id]


def publish(session: Work, source: str, *, name: str | None, by: Actor | None, now: datetime) -> RouteVersion:
    """Publish a route as the next version of its name. The same text again gives the version that is there.

    Raises:
        RouteRefused: with every finding, where the text is no sound route.
        Refused: where its name is not ``name``, or it asks people whom nobody has registered.
    """
    route = routes.parse(source)
    if failures := routes.golden_failures(route):
        raise routes.RouteRefused(failures)
    if name is not None and route.name != name:
        raise Refused("The route calls itself %(own)s, the address %(name)s.", field="name", own=route.name, name=name)
    _insist_on_known_people(session, route)
    latest = session.exec(
        select(RouteVersion)
        .where(RouteVersion.name == route.name)
        .order_by(col(RouteVersion.version).desc())
        .limit(1)
        .with_for_update()
    ).first()
    sha256 = routes.sha256_of(source)
    if latest is not None and latest.sha256 == sha256:
        return latest
    if latest is not None:
        latest.current = False
    published = RouteVersion(
        name=route.name,
        version=latest.version + 1 if latest else 1,
        document=route.document,
        priority=route.priority,
        source=source,
        sha256=sha256,
        published_at=now,
        published_by=by.id if by else None,
        published_by_name=by.name if by else "",
    )
    session.add(published)
    session.flush()
    record(
        session,
        "route_published",
        "route",
        published.id,
        now=now,
        **who(by),
        name=route.name,
        version=published.version,
        sha256=sha256,
    )
    return published


def _insist_on_known_people(session: Session, route: Route) -> None:
    named = route.people_named
    known = {person.email for person in by_emails(session, named)}
    if missing := [email for email in named if email not in known]:
        raise Refused("Nobody is registered with the address %(email)s.", field="approvers", email=missing[0])


def choose_route(
    session: Session,
    document: str,
    facts: Mapping[str, object],
    *,
    name: str | None = None,
    submitter: Person,
    now: datetime,
) -> RouteVersion:
    """The route named, or the first by priority whose ``when`` holds for the document's facts.

    Raises:
        Refused: where there is no such route, or one compares an amount for which no rate is kept.
    """
    current = session.exec(
        select(RouteVersion)
        .where(RouteVersion.document == document, col(RouteVersion.current))
        .order_by(col(RouteVersion.priority).desc(), col(RouteVersion.name))
    ).all()
    for each in current:
        if name is not None and each.name == name:
            return each
        if name is not None:
            continue
        route = parsed(each.source)
        if route.when is None or routes.applies(
            route, facts, rates_of_submission(session, route, facts, submitter, now=now)
        ):
            return each
    if name is not None:
        raise Refused("There is no route “%(name)s” for this kind of document.", field="route", name=shown(name)[:80])
    raise Refused("No route fits this document. An administrator has to publish one.", field="route")


def branch_of(route: Route, name: str) -> StagePlan | None:
    return next((plan for plan in route.plans if plan.name == name), None)

"""``/people``: administrators find, add and change the people of their organisation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from api.auth import Administers, AdministersByForm, Visitor
from api.dependencies import Engine, Now
from api.errors import said
from api.pages.fields import CURRENCIES, Text, plain_amount
from api.pages.settings import token_rows, zones
from api.pages.shell import page
from api.pages.substitutes_view import absences_of
from api.readers import reader_of
from api.rest.people import authority_of
from workflows.approvals.leaving import see_off
from workflows.database import Work
from workflows.errors import NotFound, Refused
from workflows.parties.model import ADMINISTRATOR, Kind, Membership, Organisation, Person
from workflows.parties.operations import register, withdraw_token
from workflows.parties.personnel import change_person, grant_authority, welcome_back
from workflows.parties.queries import colleague, colleagues, memberships, people, tokens_of
from workflows.parties.rules import normalised_email
from workflows.runtime import Runtime

router = APIRouter(prefix="/people", include_in_schema=False)

A_PAGE = 50
DONE = ("changed", "authority", "left", "back", "token", "substitute", "substitution_ended")


@router.get("")
def people_page(
    request: Request,
    runtime: Engine,
    visitor: Administers,
    q: Annotated[str, Query(max_length=200)] = "",
    first: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    done: str = "",
) -> Response:
    return _listed(request, runtime, visitor, q=q, first=first, done=done)


def _listed(
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    *,
    q: str = "",
    first: int = 0,
    typed: Mapping[str, str] | None = None,
    refused: Refused | None = None,
    done: str = "",
) -> Response:
    with runtime.reading() as session:
        found = colleagues(session, visitor.actor, q=q)
        here = found[first : first + A_PAGE]
        in_what = memberships(session, [each.id for each in here])
        managers = people(session, {each.manager_id for each in here if each.manager_id})
    rows = [
        (each, managers[each.manager_id].name if each.manager_id else "", _said(in_what.get(each.id, [])))
        for each in here
    ]
    return page(
        request,
        "people.html",
        here="people",
        status=refused.status if refused else 200,
        rows=rows,
        q=q,
        count=len(found),
        first=_address(q=q.strip()) if first else None,
        next=_address(q=q.strip(), first=str(first + A_PAGE)) if first + A_PAGE < len(found) else None,
        typed=typed or {},
        refused=said(refused, reader_of(request)) if refused else "",
        wrong=(refused.field or "") if refused else "",
        done=done,
    )


def _address(**wanted: str) -> str:
    kept = {name: value for name, value in wanted.items() if value}
    return "/people" + (f"?{urlencode(kept)}" if kept else "")


def _said(found: list[Membership], kind: Kind | None = None) -> str:
    return ", ".join(each.name for each in found if kind in (None, each.kind))


@router.post("")
def add(
    request: Request,
    runtime: Engine,
    visitor: AdministersByForm,
    now: Now,
    name: Text = "",
    email: Text = "",
    title: Text = "",
    manager: Text = "",
    roles: Text = "",
    groups: Text = "",
    password: Text = "",
) -> Response:
    actor = visitor.actor
    typed = {"name": name, "email": email, "title": title, "manager": manager, "roles": roles, "groups": groups}
    try:
        with runtime.transaction() as session:
            register(
                session,
                name=name,
                email=email,
                now=now,
                organisation=session.get(Organisation, actor.organisation_id),
                title=title,
                password=password or None,
                manager=normalised_email(manager, field="manager") if manager.strip() else None,
                roles=_cut(roles),
                groups=_cut(groups),
                locale=actor.locale,
                timezone=actor.timezone,
            )
    except Refused as refused:
        return _listed(request, runtime, visitor, typed=typed, refused=refused)
    return RedirectResponse("/people?done=added", status_code=303)


def _cut(names: str) -> list[str]:
    return [each.strip() for each in names.split(",") if each.strip()]


@router.get("/{person_id}")
def person_page(person_id: UUID, request: Request, runtime: Engine, visitor: Administers, done: str = "") -> Response:
    return shown(person_id, request, runtime, visitor, done=done)


def shown(
    person_id: UUID,
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    *,
    typed: Mapping[str, str] | None = None,
    absence: Mapping[str, str] | None = None,
    kinds: Sequence[str] = (),
    authority: Mapping[str, str] | None = None,
    refused: Refused | None = None,
    done: str = "",
) -> Response:
    """``absence``, ``kinds``: what was typed to name a substitute; ``authority``: to say what somebody may approve."""
    reader = reader_of(request)
    with runtime.reading() as session:
        person = colleague(session, visitor.actor, person_id)
        absences = absences_of(
            session,
            person,
            visitor.actor,
            reader,
            base=f"/people/{person.id}/substitutions",
            typed=absence,
            chosen=kinds,
        )
        kept = _kept(session, person)
        tokens = token_rows(session, person.id, reader)
    return page(
        request,
        "person.html",
        here="people",
        status=refused.status if refused else 200,
        person=person,
        typed=typed or kept,
        authority=authority or _authority(person),
        currencies=CURRENCIES,
        tokens=tokens,
        absences=absences,
        zones=zones(),
        refused=said(refused, reader) if refused else "",
        wrong=(refused.field or "") if refused else "",
        done=done if done in DONE else "",
    )


def _authority(person: Person) -> dict[str, str]:
    limit = "" if person.authority_limit is None else f"{person.authority_limit:f}"
    return {"limit": limit, "currency": person.authority_currency or ""}


def _kept(session: Session, person: Person) -> dict[str, str]:
    """What the form shows before anybody types."""
    in_what = memberships(session, [person.id]).get(person.id, [])
    manager = people(session, [person.manager_id]).get(person.manager_id) if person.manager_id else None
    return {
        "name": person.name,
        "title": person.title,
        "manager": manager.email if manager else "",
        "roles": _said(in_what, Kind.ROLE),
        "groups": _said(in_what, Kind.GROUP),
        "locale": person.locale,
        "timezone": person.timezone,
    }


@router.post("/{person_id}")
def change(
    person_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: AdministersByForm,
    now: Now,
    name: Text = "",
    title: Text = "",
    manager: Text = "",
    roles: Text = "",
    groups: Text = "",
    locale: Text = "",
    timezone: Text = "",
) -> Response:
    def work(session: Work) -> None:
        change_person(
            session,
            person_id,
            name=name,
            title=title,
            manager=manager.strip() or None,
            locale=locale,
            timezone=timezone,
            roles=_cut(roles),
            groups=_cut(groups),
            by=visitor.actor,
            now=now,
        )

    typed = {"name": name, "title": title, "manager": manager, "roles": roles, "groups": groups}
    typed |= {"locale": locale, "timezone": timezone}
    gives_it_up = person_id == visitor.actor.id and ADMINISTRATOR not in _cut(roles)
    return _done(person_id, request, runtime, visitor, work, "changed", typed, to="/" if gives_it_up else "")


@router.post("/{person_id}/authority")
def authority(
    person_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: AdministersByForm,
    now: Now,
    limit: Text = "",
    currency: Text = "",
) -> Response:
    """A currency alone is any amount; nothing at all is no authority."""

    def work(session: Work) -> None:
        checked, known = authority_of(plain_amount(limit), currency)
        grant_authority(session, person_id, checked, known, by=visitor.actor, now=now)

    typed = {"limit": limit, "currency": currency}
    return _done(person_id, request, runtime, visitor, work, "authority", authority=typed)


@router.post("/{person_id}/departure")
def departure(person_id: UUID, request: Request, runtime: Engine, visitor: AdministersByForm, now: Now) -> Response:
    def work(session: Work) -> None:
        see_off(session, person_id, by=visitor.actor, now=now)

    return _done(person_id, request, runtime, visitor, work, "left")


@router.post("/{person_id}/return")
def return_(person_id: UUID, request: Request, runtime: Engine, visitor: AdministersByForm, now: Now) -> Response:
    def work(session: Work) -> None:
        welcome_back(session, person_id, by=visitor.actor, now=now)

    return _done(person_id, request, runtime, visitor, work, "back")


@router.post("/{person_id}/tokens/{token_id}/withdrawal")
def withdraw(
    person_id: UUID, token_id: UUID, request: Request, runtime: Engine, visitor: AdministersByForm, now: Now
) -> Response:
    def work(session: Work) -> None:
        if token_id not in {each.id for each in tokens_of(session, person_id)}:
            raise NotFound("There is no such token.")
        withdraw_token(session, token_id, by=visitor.actor, now=now)

    return _done(person_id, request, runtime, visitor, work, "token")


def _done(
    person_id: UUID,
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    work: Callable[[Work], object],
    done: str,
    typed: Mapping[str, str] | None = None,
    *,
    authority: Mapping[str, str] | None = None,
    to: str = "",
) -> Response:
    """Do it and show the person again; where it is refused, say there why. ``to``: shown instead."""
    try:
        with runtime.transaction() as session:
            work(session)
    except NotFound:
        raise
    except Refused as refused:
        return shown(person_id, request, runtime, visitor, typed=typed, authority=authority, refused=refused)
    return RedirectResponse(to or f"/people/{person_id}?done={done}", status_code=303)

"""``/people`` for administrators, and everybody's own settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from api.auth import Administers, FromForm, SignedIn, Visitor, get_administrator
from api.dependencies import SESSION_COOKIE, Engine, Now
from api.errors import said
from api.pages.shell import LANGUAGE_COOKIE, page, reader_of
from documents.rendering import sentence
from workflows.errors import Refused
from workflows.parties.model import Membership, Organisation
from workflows.parties.operations import make_token, register, set_password, set_reading, who_is
from workflows.parties.queries import colleagues, memberships, people
from workflows.parties.rules import Actor, Scope, normalised_email
from workflows.runtime import Runtime

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form()]
SCOPES = {
    Scope.CONTRACTS_READ: "Read contracts, their files and their history",
    Scope.CONTRACTS_WRITE: "Hand in contracts and new versions, and withdraw them",
    Scope.TASKS_READ: "Read what you are asked",
    Scope.TASKS_DECIDE: "Decide in your name",
    Scope.VERIFY: "Verify files",
    Scope.ROUTES_WRITE: "Check and publish routes",
}
TOKEN_DAYS = (7, 30, 90, 365)


@router.get("/people")
def people_page(request: Request, runtime: Engine, visitor: Administers, done: str = "") -> Response:
    return _people(request, runtime, visitor, done=done)


def _people(
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    *,
    typed: dict[str, str] | None = None,
    refused: Refused | None = None,
    done: str = "",
) -> Response:
    with runtime.reading() as session:
        everybody = colleagues(session, visitor.actor)
        in_what = memberships(session, [each.id for each in everybody])
    by_id = {each.id: each.name for each in everybody}
    rows = [
        (each, by_id.get(each.manager_id, "") if each.manager_id else "", _said(in_what.get(each.id, [])))
        for each in everybody
    ]
    return page(
        request,
        "people.html",
        here="people",
        status=refused.status if refused else 200,
        rows=rows,
        typed=typed or {},
        refused=said(refused, reader_of(request)) if refused else "",
        wrong=(refused.field or "") if refused else "",
        done=done,
    )


def _said(found: list[Membership]) -> str:
    return ", ".join(each.name for each in found)


def get_administering_form(visitor: FromForm) -> Visitor:
    return get_administrator(visitor)


@router.post("/people")
def add(
    request: Request,
    runtime: Engine,
    visitor: Annotated[Visitor, Depends(get_administering_form)],
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
                manager=normalised_email(manager) if manager.strip() else None,
                roles=_cut(roles),
                groups=_cut(groups),
                locale=actor.locale,
                timezone=actor.timezone,
            )
    except Refused as refused:
        return _people(request, runtime, visitor, typed=typed, refused=refused)
    return RedirectResponse("/people?done=added", status_code=303)


def _cut(names: str) -> list[str]:
    return [each.strip() for each in names.split(",") if each.strip()]


@router.get("/settings")
def settings_page(request: Request, visitor: SignedIn, done: str = "") -> Response:
    return _settings(request, visitor, done=done)


def _settings(
    request: Request,
    visitor: Visitor,
    *,
    refused: Refused | None = None,
    done: str = "",
    secret: str = "",
    token_name: str = "",
    token_days: int = 90,
    scopes: Sequence[str] = (),
) -> Response:
    """``secret``: of the token that was just made; it is shown this once."""
    reader = reader_of(request)
    return page(
        request,
        "settings.html",
        here="settings",
        status=refused.status if refused else 200,
        zones=_zones(),
        person=visitor.actor,
        scopes=[
            (scope.value, sentence(words, reader.locale), scope in scopes)
            for scope, words in SCOPES.items()
            if visitor.actor.administers or scope is not Scope.ROUTES_WRITE
        ],
        token_days=[(days, days == token_days) for days in TOKEN_DAYS],
        token_name=token_name,
        secret=secret,
        refused=said(refused, reader) if refused else "",
        wrong=(refused.field or "") if refused else "",
        done=done,
    )


def _zones() -> list[str]:
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ["UTC", *sorted(each for each in available_timezones() if each.startswith(areas))]


@router.post("/settings")
def keep_settings(
    request: Request, runtime: Engine, visitor: FromForm, locale: Text = "", timezone: Text = ""
) -> Response:
    try:
        with runtime.transaction() as session:
            set_reading(session, visitor.actor.id, locale=locale, timezone=timezone)
    except Refused as refused:
        return _settings(request, visitor, refused=refused)
    answer = RedirectResponse("/settings?done=reading", status_code=303)
    answer.delete_cookie(LANGUAGE_COOKIE)
    return answer


@router.post("/settings/password")
def change_password(
    request: Request, runtime: Engine, visitor: FromForm, old: Text = "", password: Text = ""
) -> Response:
    try:
        with runtime.reading() as session:
            _insist_on_own_password(session, visitor.actor, old, field="old")
        with runtime.transaction() as session:
            set_password(session, visitor.actor.id, password)
    except Refused as refused:
        return _settings(request, visitor, refused=refused)
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


@router.post("/settings/tokens")
def add_token(
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    name: Text = "",
    days: Annotated[int, Form(ge=1, le=TOKEN_DAYS[-1])] = 90,
    password: Text = "",
    scopes: Annotated[list[str], Form()] = [],  # noqa: B006  (FastAPI copies it)
) -> Response:
    """Answers with the page itself: a secret has no business in an address that a redirect would show."""
    try:
        if not scopes:
            raise Refused("Choose at least one thing that the program may do.", field="scopes")
        with runtime.reading() as session:
            # a browser left open must not become a key that outlasts it
            _insist_on_own_password(session, visitor.actor, password, field="token-password")
        with runtime.transaction() as session:
            person = people(session, [visitor.actor.id])[visitor.actor.id]
            secret = make_token(session, person, name=name, scopes=scopes, now=now, days=days)
    except Refused as refused:
        return _settings(request, visitor, refused=refused, token_name=name, token_days=days, scopes=scopes)
    return _settings(request, visitor, secret=secret)


def _insist_on_own_password(session: Session, actor: Actor, password: str, *, field: str) -> None:
    if who_is(session, actor.email, password) is None:
        raise Refused("That is not your present password. Nothing was changed.", field=field)

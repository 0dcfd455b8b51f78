"""``/settings``: everybody's language and zone, password, and tokens for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from api.auth import FromForm, SignedIn, Visitor, insist_on_own_password
from api.dependencies import SESSION_COOKIE, Engine, Now
from api.errors import said
from api.pages.fields import Text, Texts
from api.pages.shell import page
from api.pages.substitutes_view import absences_of
from api.readers import LANGUAGE_COOKIE, reader_of
from documents.rendering import Reader, sentence
from workflows.approvals.digest import choose_digest, wants_digest
from workflows.business_time import timezones
from workflows.errors import Refused, TooMany
from workflows.parties.model import ApiToken
from workflows.parties.operations import make_token, set_password, set_reading, withdraw_token
from workflows.parties.queries import people, tokens_of
from workflows.parties.rules import Scope, TokenState, token_state
from workflows.runtime import Runtime

router = APIRouter(prefix="/settings", include_in_schema=False)

SCOPES = {
    Scope.CONTRACTS_READ: "Read contracts, their files and their history",
    Scope.CONTRACTS_WRITE: "Hand in contracts and new versions, and withdraw them",
    Scope.ORDERS_READ: "Read orders",
    Scope.ORDERS_WRITE: "Keep orders",
    Scope.INVENTORY_READ: "Read the list of machines",
    Scope.INVENTORY_WRITE: "Keep the list of machines",
    Scope.INVOICES_READ: "Read invoices, their files and their history",
    Scope.INVOICES_WRITE: "Hand in invoices, correct, release and withdraw them",
    Scope.TASKS_READ: "Read requests to approve and to sign",
    Scope.TASKS_DECIDE: "Decide on requests to approve",
    Scope.BOARDS_READ: "Read the boards",
    Scope.VERIFY: "Verify files",
    Scope.ROUTES_WRITE: "Check and publish routes",
}
OF_ADMINISTRATORS = (Scope.ROUTES_WRITE, Scope.BOARDS_READ, Scope.ORDERS_WRITE, Scope.INVENTORY_WRITE)
TOKEN_DAYS = (7, 30, 90, 365)


@router.get("")
def settings_page(request: Request, runtime: Engine, visitor: SignedIn, done: str = "") -> Response:
    return shown(request, runtime, visitor, done=done)


def shown(
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    *,
    refused: Refused | None = None,
    done: str = "",
    secret: str = "",
    token_name: str = "",
    token_days: int = 90,
    scopes: Sequence[str] = (),
    absence: Mapping[str, str] | None = None,
    kinds: Sequence[str] = (),
) -> Response:
    """``secret``: of the token that was just made; it is shown this once. ``absence``, ``kinds``: what was typed to
    name a substitute."""
    reader = reader_of(request)
    with runtime.reading() as session:
        tokens = token_rows(session, visitor.actor.id, reader)
        me = people(session, [visitor.actor.id])[visitor.actor.id]
        absences = absences_of(
            session, me, visitor.actor, reader, base="/settings/substitutions", typed=absence, chosen=kinds
        )
        digest = wants_digest(session, visitor.actor.id)
    return page(
        request,
        "settings.html",
        here="settings",
        status=refused.status if refused else 200,
        headers={"Retry-After": str(refused.retry_after)} if isinstance(refused, TooMany) else None,
        zones=zones(),
        person=visitor.actor,
        digest=digest,
        scopes=[
            (scope.value, sentence(words, reader.locale), scope in scopes)
            for scope, words in SCOPES.items()
            if visitor.actor.administers or scope not in OF_ADMINISTRATORS
        ],
        tokens=tokens,
        absences=absences,
        token_days=[(days, days == token_days) for days in TOKEN_DAYS],
        token_name=token_name,
        secret=secret,
        refused=said(refused, reader) if refused else "",
        wrong=(refused.field or "") if refused else "",
        done=done,
    )


def zones() -> list[str]:
    """The time zones that are called after a place, and UTC."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ["UTC", *sorted(each for each in timezones() if each.startswith(areas))]


@dataclass(frozen=True)
class TokenRow:
    """A token as its owner sees it; ``may``: what it allows, in words."""

    token: ApiToken
    may: tuple[str, ...]
    state: TokenState
    used_on: date | None


def token_rows(session: Session, person_id: UUID, reader: Reader) -> list[TokenRow]:
    """Somebody's tokens: first those that are good, the newest first."""
    now = datetime.now(UTC)
    rows = [_row(each, reader, now) for each in tokens_of(session, person_id)]
    return sorted(rows, key=lambda row: row.state is not TokenState.GOOD)


def _row(token: ApiToken, reader: Reader, now: datetime) -> TokenRow:
    may = [sentence(words, reader.locale) for scope, words in SCOPES.items() if scope in token.scopes]
    used = token.last_used_at
    return TokenRow(
        token,
        tuple(may),
        token_state(token, now=now),
        used.astimezone(ZoneInfo(reader.timezone)).date() if used else None,
    )


@router.post("")
def keep_settings(
    request: Request, runtime: Engine, visitor: FromForm, locale: Text = "", timezone: Text = ""
) -> Response:
    try:
        with runtime.transaction() as session:
            set_reading(session, visitor.actor.id, locale=locale, timezone=timezone)
    except Refused as refused:
        return shown(request, runtime, visitor, refused=refused)
    answer = RedirectResponse("/settings?done=reading", status_code=303)
    answer.delete_cookie(LANGUAGE_COOKIE)
    return answer


@router.post("/mails")
def keep_mails(runtime: Engine, visitor: FromForm, now: Now, digest: Text = "") -> Response:
    with runtime.transaction() as session:
        choose_digest(session, visitor.actor.id, digest == "daily", now=now)
    return RedirectResponse("/settings?done=mails", status_code=303)


@router.post("/password")
def change_password(
    request: Request, runtime: Engine, visitor: FromForm, now: Now, old: Text = "", password: Text = ""
) -> Response:
    try:
        insist_on_own_password(runtime, visitor.actor, old, field="old", now=now)
        with runtime.transaction() as session:
            set_password(session, visitor.actor.id, password)
    except Refused as refused:
        return shown(request, runtime, visitor, refused=refused)
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


@router.post("/tokens")
def add_token(
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    name: Text = "",
    days: Annotated[int, Form(ge=1, le=TOKEN_DAYS[-1])] = 90,
    password: Text = "",
    scopes: Texts = (),
) -> Response:
    """Answers with the page itself: a secret has no business in an address that a redirect would show."""
    try:
        if not scopes:
            raise Refused("Choose at least one thing that the program may do.", field="scopes")
        # a browser left open must not become a key that outlasts it
        insist_on_own_password(runtime, visitor.actor, password, field="token-password", now=now)
        with runtime.transaction() as session:
            person = people(session, [visitor.actor.id])[visitor.actor.id]
            secret = make_token(session, person, name=name, scopes=scopes, now=now, days=days)
    except Refused as refused:
        return shown(request, runtime, visitor, refused=refused, token_name=name, token_days=days, scopes=scopes)
    return shown(request, runtime, visitor, secret=secret)


@router.post("/tokens/{token_id}/withdrawal")
def withdraw(token_id: UUID, runtime: Engine, visitor: FromForm, now: Now) -> Response:
    with runtime.transaction() as session:
        withdraw_token(session, token_id, by=visitor.actor, now=now)
    return RedirectResponse("/settings?done=token#tokens", status_code=303)

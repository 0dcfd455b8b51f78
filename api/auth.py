"""Signing in with a browser: cookie, CSRF token, and who reads in which language."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Form, Request

from api.dependencies import SESSION_COOKIE, get_runtime
from workflows.errors import Forbidden, Refused, SignIn
from workflows.parties.operations import actor, count_try, forget_tries, sign_in, sign_out, who_is
from workflows.parties.queries import web_session
from workflows.parties.rules import Actor, why_not_administer
from workflows.runtime import Runtime


@dataclass(frozen=True)
class Visitor:
    """Somebody signed in with a browser."""

    actor: Actor
    csrf: str


def visitor_of(request: Request) -> Visitor | None:
    """Who the cookie stands for; looked up once a request."""
    if not hasattr(request.state, "visitor"):
        request.state.visitor = _look_up(request)
    found: Visitor | None = request.state.visitor
    return found


def _look_up(request: Request) -> Visitor | None:
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        return None
    with get_runtime(request).reading() as session:
        found = web_session(session, cookie, now=datetime.now(UTC))
        return Visitor(actor(session, found[1], via="page"), found[0].csrf) if found else None


def get_visitor(request: Request) -> Visitor:
    visitor = visitor_of(request)
    if visitor is None:
        raise SignIn("Please sign in first.")
    return visitor


SignedIn = Annotated[Visitor, Depends(get_visitor)]


def get_checked_visitor(request: Request, visitor: SignedIn, csrf_token: Annotated[str, Form()] = "") -> Visitor:
    """For forms: the token in the page must be the session's, and no other site may have sent it."""
    insist_on_own_origin(request)
    if not hmac.compare_digest(csrf_token.encode(), visitor.csrf.encode()):
        raise Forbidden("This form was too old, or not ours. Nothing was changed; please try again.")
    return visitor


FromForm = Annotated[Visitor, Depends(get_checked_visitor)]


def get_administrator(visitor: SignedIn) -> Visitor:
    if sentence := why_not_administer(visitor.actor):
        raise Forbidden(sentence)
    return visitor


Administers = Annotated[Visitor, Depends(get_administrator)]


def get_administering_form(visitor: FromForm) -> Visitor:
    return get_administrator(visitor)


AdministersByForm = Annotated[Visitor, Depends(get_administering_form)]


def insist_on_own_origin(request: Request) -> None:
    """Refuse a form that a page of another site has sent (Fetch Metadata; Origin where a browser lacks it)."""
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise Forbidden("This form was too old, or not ours. Nothing was changed; please try again.")
    origin = request.headers.get("origin")
    if origin and origin != "null" and urlsplit(origin).netloc != request.headers.get("host"):
        runtime = get_runtime(request)
        if urlsplit(origin).netloc != urlsplit(runtime.settings.public_url).netloc:
            raise Forbidden("This form was too old, or not ours. Nothing was changed; please try again.")


@dataclass(frozen=True)
class Entered:
    """``left``: tries left where it failed."""

    token: str | None
    left: int = 0


def enter(runtime: Runtime, email: str, password: str, *, address: str, now: datetime) -> Entered:
    """Sign in. A failed try is counted for the address typed and for the network address it came from.

    Raises:
        TooMany: too many failed tries.
    """
    settings = runtime.settings
    window = timedelta(minutes=settings.sign_in_wait_minutes)
    typed = f"sign-in:{email.strip().lower()[:150]}"
    with runtime.transaction() as session:
        left = count_try(session, typed, now=now, most=settings.sign_in_tries, window=window)
        count_try(session, f"sign-in-from:{address[:80]}", now=now, most=settings.sign_in_tries * 20, window=window)
    with runtime.reading() as session:
        person = who_is(session, email, password)
    if person is None:
        return Entered(None, left)
    with runtime.transaction() as session:
        forget_tries(session, typed)
        return Entered(sign_in(session, person, now=now, hours=settings.session_hours).token)


def insist_on_own_password(runtime: Runtime, actor: Actor, password: str, *, field: str, now: datetime) -> None:
    """Have somebody who is signed in prove once more who they are. Failed tries are counted as at the door, but apart:
    whoever guesses there must not keep the owner from changing the password here.

    Raises:
        Refused: at ``field``, where it is not their present password.
        TooMany: too many failed tries.
    """
    settings = runtime.settings
    tried = f"own-password:{actor.id}"
    with runtime.transaction() as session:
        count_try(
            session,
            tried,
            now=now,
            most=settings.sign_in_tries,
            window=timedelta(minutes=settings.sign_in_wait_minutes),
        )
    with runtime.reading() as session:
        if who_is(session, actor.email, password) is None:
            raise Refused("That is not your present password. Nothing was changed.", field=field)
    with runtime.transaction() as session:
        forget_tries(session, tried)


def exit(runtime: Runtime, token: str) -> None:
    with runtime.transaction() as session:
        sign_out(session, token)

"""Name substitutes and end that they stand in: on one's settings, and on a person's page for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.auth import AdministersByForm, FromForm, Visitor
from api.dependencies import Engine, Now
from api.pages import people, settings
from api.pages.fields import Text, Texts, plain_amount
from api.rest.handing_over import limit_of
from workflows.approvals.substitutes import end_substitution, name_substitute
from workflows.errors import NotFound, Refused
from workflows.parties.rules import shown
from workflows.runtime import Runtime

router = APIRouter(include_in_schema=False)


@router.post("/settings/substitutions")
def name_mine(
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    substitute: Text = "",
    first_day: Text = "",
    last_day: Text = "",
    up_to: Text = "",
    currency: Text = "",
    kinds: Texts = (),
) -> Response:
    typed = _typed(substitute, first_day, last_day, up_to, currency)
    try:
        _name(runtime, visitor.actor.id, visitor, typed, kinds, now)
    except Refused as refused:
        return settings.shown(request, runtime, visitor, refused=refused, absence=typed, kinds=kinds)
    return RedirectResponse("/settings?done=substitute#substitutes", status_code=303)


@router.post("/people/{person_id}/substitutions")
def name_for(
    person_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: AdministersByForm,
    now: Now,
    substitute: Text = "",
    first_day: Text = "",
    last_day: Text = "",
    up_to: Text = "",
    currency: Text = "",
    kinds: Texts = (),
) -> Response:
    typed = _typed(substitute, first_day, last_day, up_to, currency)
    try:
        _name(runtime, person_id, visitor, typed, kinds, now)
    except NotFound:
        raise
    except Refused as refused:
        return people.shown(person_id, request, runtime, visitor, refused=refused, absence=typed, kinds=kinds)
    return RedirectResponse(f"/people/{person_id}?done=substitute#substitutes", status_code=303)


@router.post("/settings/substitutions/{substitution_id}/end")
def end_mine(substitution_id: UUID, runtime: Engine, visitor: FromForm, now: Now) -> Response:
    with runtime.transaction() as session:
        end_substitution(session, substitution_id, by=visitor.actor, now=now)
    return RedirectResponse("/settings?done=substitution_ended#substitutes", status_code=303)


@router.post("/people/{person_id}/substitutions/{substitution_id}/end")
def end_for(person_id: UUID, substitution_id: UUID, runtime: Engine, visitor: AdministersByForm, now: Now) -> Response:
    with runtime.transaction() as session:
        end_substitution(session, substitution_id, by=visitor.actor, now=now)
    return RedirectResponse(f"/people/{person_id}?done=substitution_ended#substitutes", status_code=303)


def _typed(substitute: str, first_day: str, last_day: str, up_to: str, currency: str) -> dict[str, str]:
    return {
        "substitute": substitute,
        "first_day": first_day,
        "last_day": last_day,
        "up_to": up_to,
        "currency": currency,
    }


def _name(
    runtime: Runtime, person_id: UUID, visitor: Visitor, typed: dict[str, str], kinds: Sequence[str], now: datetime
) -> None:
    limit = limit_of(plain_amount(typed["up_to"]), typed["currency"])
    first, last = _day(typed["first_day"], "first_day"), _day(typed["last_day"], "last_day")
    with runtime.transaction() as session:
        name_substitute(
            session,
            person_id,
            substitute=typed["substitute"],
            first_day=first,
            last_day=last,
            up_to=limit,
            kinds=kinds,
            by=visitor.actor,
            now=now,
        )


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Refused("“%(text)s” is not a date such as 2026-07-01.", field=name, text=shown(text)[:30]) from None

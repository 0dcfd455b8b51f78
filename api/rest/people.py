"""``/api/people``: the people of one's own organisation, and up to what they may approve."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import Field

from api.dependencies import Administrator, Now, Reading, Transaction
from api.rest.answers import PromptRoute, refusals
from api.rest.shapes import Shape
from workflows.papers.rules import checked_amount
from workflows.parties.model import Person
from workflows.parties.personnel import grant_authority
from workflows.parties.queries import colleague, colleagues

router = APIRouter(route_class=PromptRoute, prefix="/api/people", tags=["people"])

A_PAGE = 100


class AuthorityShape(Shape):
    limit: Annotated[str | None, Field(description="The highest amount, included. Null: any.", examples=["50000.00"])]
    currency: Annotated[str, Field(examples=["EUR"], min_length=3, max_length=3)]


class AuthorityIn(Shape):
    authority: Annotated[AuthorityShape | None, Field(description="Null: they have none of their own.")]


class ColleagueShape(Shape):
    id: UUID
    name: str
    email: str
    title: str
    active: Annotated[bool, Field(description="False: they have left.")]
    authority: AuthorityShape | None


class ColleaguePage(Shape):
    items: list[ColleagueShape]
    count: Annotated[int, Field(description="Of all that were found.")]


@router.get("", response_model=ColleaguePage, summary="People of your organisation", responses=refusals(401, 403))
def list_people(
    session: Reading,
    actor: Administrator,
    q: Annotated[str, Query(max_length=200)] = "",
    first: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> ColleaguePage:
    """At most 100 of them from the ``first`` on, in the order of their names."""
    found = colleagues(session, actor, q=q)
    return ColleaguePage(items=[_shape(each) for each in found[first : first + A_PAGE]], count=len(found))


@router.put(
    "/{person_id}/authority",
    response_model=ColleagueShape,
    summary="Up to what somebody may approve, where a route goes by authority",
    responses=refusals(401, 403, 404, 422),
)
def put_authority(
    person_id: UUID, body: Annotated[AuthorityIn, Body()], session: Transaction, actor: Administrator, now: Now
) -> ColleagueShape:
    wanted = body.authority
    limit, currency = authority_of(wanted.limit or "", wanted.currency) if wanted else (None, None)
    grant_authority(session, person_id, limit, currency, by=actor, now=now)
    return _shape(colleague(session, actor, person_id))


def authority_of(limit: str, currency: str) -> tuple[Decimal | None, str | None]:
    """A limit as people write it. A currency alone is any amount; nothing at all is no authority.

    Raises:
        Refused: it is no amount, or has no currency.
    """
    if limit.strip():
        return checked_amount(limit, currency)
    if not currency.strip():
        return None, None
    return None, checked_amount("0", currency)[1]


def _shape(person: Person) -> ColleagueShape:
    limit = person.authority_limit
    authority = (
        AuthorityShape(limit=None if limit is None else f"{limit:f}", currency=person.authority_currency)
        if person.authority_currency
        else None
    )
    return ColleagueShape(
        id=person.id,
        name=person.name,
        email=person.email,
        title=person.title,
        active=person.active,
        authority=authority,
    )

"""``/api/invoices/cost-centers``: where costs belong, and who answers for them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field

from api.dependencies import Now, Reading, ReadsInvoices, Transaction, WritesInvoices
from api.rest.answers import PromptRoute, refusals
from api.rest.shapes import Shape
from workflows.invoices import queries
from workflows.invoices.cost_centers import keep_cost_centers
from workflows.invoices.model import CostCenter
from workflows.parties.rules import normalised_email

router = APIRouter(route_class=PromptRoute, prefix="/api/invoices/cost-centers", tags=["invoices"])


class CostCenterShape(Shape):
    code: Annotated[str, Field(min_length=1, max_length=80, examples=["4711"])]
    name: Annotated[str, Field(default="", max_length=200, examples=["Fleet"])]
    owner: Annotated[str, Field(default="", description="Address of who answers for it.")]


@router.get("", response_model=list[CostCenterShape], summary="Cost centres", responses=refusals(401, 403))
def list_cost_centers(session: Reading, actor: ReadsInvoices) -> list[CostCenterShape]:
    return [_cost_center(each) for each in queries.cost_centers(session, actor)]


@router.put(
    "",
    response_model=list[CostCenterShape],
    summary="Add cost centres, or change them",
    responses=refusals(401, 403, 422),
)
def put_cost_centers(
    body: Annotated[list[CostCenterShape], Body(max_length=1000)],
    session: Transaction,
    actor: WritesInvoices,
    now: Now,
) -> list[CostCenterShape]:
    """For administrators. Those that are not named stay as they are."""
    rows = {each.code: (each.name, normalised_email(each.owner) if each.owner.strip() else "") for each in body}
    keep_cost_centers(session, rows, by=actor, now=now)
    session.flush()
    return [_cost_center(each) for each in queries.cost_centers(session, actor)]


def _cost_center(kept: CostCenter) -> CostCenterShape:
    return CostCenterShape(code=kept.code, name=kept.name, owner=kept.owner_email)

"""``/api/invoices/{id}/suggestions``: what the text of its pages seems to say."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.dependencies import Reading, ReadsInvoices
from api.rest.answers import PromptRoute, refusals
from api.rest.shapes import Shape
from workflows.invoices.model import Invoice
from workflows.invoices.suggested import suggestions_of
from workflows.papers import queries as papers

router = APIRouter(route_class=PromptRoute, prefix="/api/invoices", tags=["invoices"])


class SuggestionShape(Shape):
    field: Annotated[str, Field(description="As `POST …/data` calls it.", examples=["payable"])]
    value: Annotated[str, Field(examples=["562.87"])]
    text: Annotated[str, Field(description="As it stands there.", examples=["562,87"])]
    page: int


class SuggestionList(Shape):
    items: list[SuggestionShape]


@router.get(
    "/{invoice_id}/suggestions",
    response_model=SuggestionList,
    summary="What the text of its pages seems to say, the likeliest of each field first",
    responses=refusals(401, 404),
)
def list_suggestions(invoice_id: UUID, session: Reading, actor: ReadsInvoices) -> SuggestionList:
    """None of it is data before a person says so (`POST …/data`)."""
    invoice = papers.one(session, Invoice, invoice_id, actor)
    found = suggestions_of(papers.version(session, invoice, invoice.current_version))
    return SuggestionList(
        items=[
            SuggestionShape(field=name, value=each.value, text=each.text, page=each.page)
            for name, offered in found.items()
            for each in offered
        ]
    )

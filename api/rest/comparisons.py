"""``/comparison`` below versions of contracts and invoices: what changed in the text from one version to another."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from api.dependencies import Reading, ReadsPapers
from api.rest.answers import PromptRoute, refusals
from api.rest.discussions import Papers, of_papers
from api.rest.shapes import Shape
from workflows.papers import queries as papers
from workflows.papers.rules import compared

router = APIRouter(route_class=PromptRoute, prefix="/api", tags=["versions"])


class PieceShape(Shape):
    kind: Literal["same", "folded", "removed", "added"]
    text: Annotated[str, Field(description="Shorter than `words` says, or empty, where there was no more room.")]
    words: int


class PageChangesShape(Shape):
    page: Annotated[int, Field(description="Of the newer version.")]
    places: Annotated[int, Field(description="Changes that begin on it.")]
    pieces: list[PieceShape]


class ComparisonShape(Shape):
    old: int
    new: int
    same: Annotated[bool, Field(description="Nothing in the text changed; the appearance may have.")]
    has_text: Annotated[bool, Field(description="False where the pages of both are pictures: nothing was compared.")]
    places: Annotated[int, Field(description="Changes in all that was compared.")]
    compared_to: Annotated[
        int | None, Field(description="Last page that was compared, where the texts are too long; null: all was.")
    ]
    shown_to: Annotated[
        int | None, Field(description="Page at which the changes became too many to be told; null: all are.")
    ]
    pages: Annotated[list[PageChangesShape], Field(description="Those on which something changed.")]


@of_papers(
    router.get,
    "/versions/{number}/comparison",
    response_model=ComparisonShape,
    summary="What changed in the text since another version",
    responses=refusals(401, 404, 422),
)
def comparison(
    paper_id: UUID,
    model: Papers,
    number: int,
    session: Reading,
    actor: ReadsPapers,
    other: Annotated[int, Query(alias="with", ge=1, description="The version to compare with, as the older one.")],
) -> ComparisonShape:
    paper = papers.one(session, model, paper_id, actor)
    older, newer = papers.version(session, paper, other), papers.version(session, paper, number)
    found = compared(older, newer)
    return ComparisonShape(
        old=older.number,
        new=newer.number,
        same=found.same,
        has_text=found.has_text,
        places=found.places,
        compared_to=found.compared_to,
        shown_to=found.shown_to,
        pages=[
            PageChangesShape(
                page=each.number,
                places=each.places,
                pieces=[PieceShape(kind=piece.kind.value, text=piece.text, words=piece.words) for piece in each.pieces],
            )
            for each in found.pages
        ],
    )

"""What the pages of papers of every kind share: forms at the desk, and the page again with what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from api.auth import Visitor
from api.errors import said
from api.once import once, page_key
from api.readers import reader_of
from workflows.contracts.model import Contract
from workflows.database import Work
from workflows.errors import NotFound, Refused
from workflows.invoices.model import Invoice
from workflows.papers.model import Paper, model_of
from workflows.runtime import Runtime

KINDS: tuple[type[Paper], ...] = (Contract, Invoice)
_pages: dict[type[Paper], Callable[..., Response]] = {}

F = TypeVar("F", bound=Callable[..., Any])


def asked_for(request: Request) -> type[Paper]:
    """The kind of paper that the address of a page names first."""
    return model_of(request.url.path.split("/")[1].removesuffix("s"))


Papers = Annotated[type[Paper], Depends(asked_for)]


def at_desk(register: Callable[[str], Callable[[F], F]], path: str) -> Callable[[F], F]:
    """Below the page of a paper of any kind. ``register``: ``router.get`` or ``router.post``."""

    def registered(function: F) -> F:
        for kind in KINDS:
            register(f"/{kind.process}s/{{paper_id}}{path}")(function)
        return function

    return registered


def shows(model: type[Paper]) -> Callable[[F], F]:
    """Whoever shows the page of papers of this kind says so; pages of what belongs to a paper lead back to it."""

    def registered(page: F) -> F:
        _pages[model] = page
        return page

    return registered


def shown(
    session: Session,
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    model: type[Paper],
    paper_id: UUID,
    now: datetime,
    **more: Any,
) -> Response:
    """The page of one paper. ``more``: as its own ``shown`` takes it."""
    return _pages[model](session, request, runtime, visitor, paper_id, now, **more)


def address_of(model: type[Paper], paper_id: UUID) -> str:
    return f"/{model.process}s/{paper_id}"


def changed(
    model: type[Paper],
    paper_id: UUID,
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    now: datetime,
    work: Callable[[Work], object],
    *,
    done: str,
    comment: str = "",
    typed: Mapping[str, str] | None = None,
    key: str = "",
    digest: str = "",
) -> Response:
    """Do it and show the paper again; where it is refused, say on its page why.

    ``typed``: what stood in a form; under "form", in which. ``key``: of a form that does it once, however often it is
    sent; ``digest`` is over what it says.
    """

    def worked(session: Work) -> dict[str, Any]:
        work(session)
        return {}

    try:
        once(runtime, visitor.actor, page_key(key, digest) if key else None, digest, now, worked)
    except NotFound:
        raise
    except Refused as refused:
        with runtime.reading() as session:
            return shown(
                session,
                request,
                runtime,
                visitor,
                model,
                paper_id,
                now,
                refused=said(refused, reader_of(request)),
                comment=comment,
                status=refused.status,
                typed=typed,
            )
    return RedirectResponse(f"{address_of(model, paper_id)}?done={done}", status_code=303)

"""What every page has around its content: who reads, and the house."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from api.auth import visitor_of
from api.dependencies import get_runtime
from api.readers import LANGUAGE_COOKIE, asked_language, reader_of
from api.titles import TITLES
from documents.rendering import Reader, render, sentence
from workflows.approvals.queries import count_open

YEAR = 365 * 86400  # seconds


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    linked: bool = False,
    house: str = "",
    here: str = "",
    reader: Reader | None = None,
    headers: dict[str, str] | None = None,
    **values: object,
) -> HTMLResponse:
    """Render ``templates/pages/<template>``. ``linked``: behind a mailed link, so the house is the sender's."""
    reader = reader or reader_of(request)
    visitor = visitor_of(request) if hasattr(request.app.state, "runtime") and not linked else None
    needs = 0
    if visitor:
        with get_runtime(request).reading() as session:
            needs = count_open(session, visitor.actor.id)
    text = render(
        f"pages/{template}",
        reader,
        visitor=visitor,
        csrf_token=visitor.csrf if visitor else "",
        house=house or ("Signoff" if visitor else request.app.state.settings.organisation),
        linked=linked,
        here=here,
        needs=needs,
        **values,
    )
    answer = HTMLResponse(text, status_code=status, headers=headers)
    if asked := asked_language(request):
        answer.set_cookie(
            LANGUAGE_COOKIE, asked, max_age=YEAR, httponly=True, samesite="lax", secure=is_secure(request)
        )
    return answer


def error_page(
    request: Request, status: int, detail: str, *, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """A refusal as a page: what happened, that nothing was changed, and what to do next."""
    if status == 401:
        from fastapi.responses import RedirectResponse

        return RedirectResponse("/sign-in", status_code=303)
    reader = reader_of(request)
    title = sentence(TITLES.get(status, "Not accepted"), reader.locale)
    return page(
        request,
        "error.html",
        status=status,
        headers=headers,
        title=title,
        code=status,
        detail="" if detail == title else detail,
        reference=more.get("reference"),
    )


def is_secure(request: Request) -> bool:
    return bool(request.app.state.settings.public_url.startswith("https:"))

"""Sign in and sign out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from api.auth import FromForm, enter, exit, insist_on_own_origin
from api.dependencies import SESSION_COOKIE, Engine, Now
from api.errors import said
from api.pages.shell import is_secure, page
from api.readers import reader_of
from documents.rendering import sentence
from workflows.errors import TooMany

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    return page(request, "sign_in.html", wrong="", left=None, email="")


@router.post("/sign-in")
def sign_in(
    request: Request,
    runtime: Engine,
    now: Now,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    insist_on_own_origin(request)
    reader = reader_of(request)
    try:
        entered = enter(runtime, email, password, address=request.client.host if request.client else "", now=now)
    except TooMany as refused:
        headers = {"Retry-After": str(refused.retry_after)}
        return page(
            request, "sign_in.html", status=429, headers=headers, wrong=said(refused, reader), left=None, email=email
        )
    if entered.token is None:
        wrong = sentence("That address and password do not belong together.", reader.locale)
        return page(request, "sign_in.html", status=422, wrong=wrong, left=entered.left, email=email)
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(
        SESSION_COOKIE,
        entered.token,
        max_age=runtime.settings.session_hours * 3600,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    return answer


@router.post("/sign-out")
def sign_out(request: Request, runtime: Engine, visitor: FromForm) -> Response:
    exit(runtime, request.cookies.get(SESSION_COOKIE, ""))
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer

"""Refusals as HTTP: ``application/problem+json`` (RFC 9457) to programs, a page to people."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException

from api.readers import reader_of
from api.titles import TITLES
from documents.blobs import BlobDamaged, BlobMissing, StoreUnavailable
from documents.rendering import Reader, moment, sentence
from workflows.approvals.route import RouteRefused
from workflows.errors import Refused, TooMany

log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"


def install(app: FastAPI) -> None:
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RouteRefused, _route_refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OperationalError, _not_ready)
    app.add_exception_handler(NoConnection, _not_ready)
    app.add_exception_handler(StoreUnavailable, _not_ready)
    app.add_exception_handler(BlobMissing, _damaged)
    app.add_exception_handler(BlobDamaged, _damaged)
    app.add_exception_handler(Exception, _unexpected)


def said(refused: Refused, reader: Reader) -> str:
    """The refusal's sentence in the reader's language, times in their zone."""
    values = {
        name: moment(value, reader) if isinstance(value, datetime) else value for name, value in refused.values.items()
    }
    return sentence(refused.sentence, reader.locale, **values)


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    code: str,
    field: str | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    body = {
        "type": f"urn:signoff:problem:{code}",
        "title": TITLES.get(status, "Not accepted"),
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "code": code,
    }
    if field:
        body["field"] = field
    return JSONResponse({**body, **more}, status_code=status, media_type=PROBLEM, headers=headers)


def wants_page(request: Request) -> bool:
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _answer(
    request: Request,
    status: int,
    detail: str,
    *,
    code: str,
    field: str | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    if wants_page(request):
        from api.pages.shell import error_page

        return error_page(request, status, detail, headers=headers, **more)
    return problem(request, status, detail, code=code, field=field, headers=headers, **more)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    more: dict[str, Any] = {"reason": reason} if (reason := getattr(error, "reason", None)) else {}
    return _answer(
        request,
        error.status,
        said(error, reader_of(request)),
        code=error.code,
        field=error.field,
        headers=headers or None,
        **more,
    )


async def _route_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RouteRefused)
    findings: list[dict[str, Any]] = [
        {
            "line": each.line,
            "column": each.column,
            "sentence": sentence(each.sentence, reader_of(request).locale, **each.values),
        }
        for each in error.findings
    ]
    return problem(request, 422, findings[0]["sentence"] if findings else "", code="route-refused", findings=findings)


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = error.errors()
    first = wrong[0] if wrong else {"loc": (), "msg": ""}
    if wants_page(request) and first["loc"][:1] == ("path",):
        return _answer(request, 404, sentence(TITLES[404], reader_of(request).locale), code="not-found")
    field = ".".join(str(part) for part in first["loc"][1:]) or None
    detail = f"{field}: {first['msg']}." if field else f"{first['msg']}."
    errors = [{"field": ".".join(str(part) for part in each["loc"][1:]), "problem": each["msg"]} for each in wrong]
    return _answer(request, 422, detail, code="unreadable", field=field, errors=errors)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = sentence(TITLES.get(error.status_code, "Not accepted"), reader_of(request).locale)
    headers = dict(error.headers) if error.headers else None
    return _answer(request, error.status_code, title, code=f"http-{error.status_code}", headers=headers)


async def _not_ready(request: Request, error: Exception) -> Response:
    log.warning("A part cannot be reached: %s", error)
    detail = sentence(
        "A part that this needs cannot be reached just now. Nothing was changed; please try again.",
        reader_of(request).locale,
    )
    return _answer(request, 503, detail, code="not-ready", headers={"Retry-After": "5"})


async def _damaged(request: Request, error: Exception) -> Response:
    reference = _reference()
    log.error("Reference %s: %s", reference, error)
    detail = sentence(
        "The stored file is missing or damaged. An administrator has to restore it.", reader_of(request).locale
    )
    return _answer(request, 500, detail, code="file-damaged", reference=reference)


async def _unexpected(request: Request, error: Exception) -> Response:
    reference = _reference()
    log.error("Reference %s: %s %s", reference, request.method, request.url.path, exc_info=error)
    detail = sentence("Something went wrong on our side. Nothing was changed.", reader_of(request).locale)
    return _answer(request, 500, detail, code="unexpected", reference=reference)


def _reference() -> str:
    letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(2))

"""What a browser keeps after a one-time code: which device it is, for long, and a pass for one link, for an hour.

Both are cookies under our signature. A pass names its link and its device: neither a forwarded link nor a copied pass
opens anything elsewhere.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from sqlmodel import Session

from api.dependencies import get_runtime
from api.pages.shell import is_secure
from workflows.approvals.codes import insist_on_code, is_known, remember_device
from workflows.approvals.model import Link, Round, Task
from workflows.runtime import Runtime
from workflows.settings import LinkCodes

DEVICE_COOKIE = "signoff_device"
DEVICE_COOKIE_LASTS = timedelta(days=400)  # browsers keep none longer; which devices are known is kept by us
PASS_COOKIE = "signoff_pass"  # noqa: S105  (its name)
PASS_LASTS = timedelta(hours=1)


def insist_on_pass(
    session: Session, request: Request, link: Link, task: Task, round: Round, *, entered: bool | None = None
) -> bool:
    """Whether a code was entered in this browser for this link. ``entered``: as if it was, or was not.

    Raises:
        CodeNeeded: it was not, and the link asks for one.
        LinkLocked: too many wrong codes were entered.
    """
    now = datetime.now(UTC)
    device = device_of(request)
    if entered is None:
        entered = device is not None and _is_pass(request, request.cookies.get(PASS_COOKIE, ""), link.id, device, now)
    insist_on_code(
        session,
        link,
        task,
        round,
        entered=entered,
        device=device,
        on_new_devices=asks_new_devices(request),
        now=now,
    )
    return entered


def asks_new_devices(request: Request) -> bool:
    return get_runtime(request).settings.link_codes is LinkCodes.NEW_DEVICES


def note_device(runtime: Runtime, request: Request, person_id: UUID, *, now: datetime) -> None:
    """A known device was used again, so that it stays known. Where nobody asks for devices, nothing is kept of them."""
    device = device_of(request)
    if device is None or not asks_new_devices(request):
        return
    with runtime.transaction() as session:
        if is_known(session, person_id, device, now=now):
            remember_device(session, person_id, device, now=now)


def device_of(request: Request) -> str | None:
    """The secret of this browser; None where it has none of ours."""
    secret, _, signature = request.cookies.get(DEVICE_COOKIE, "").partition(".")
    return secret if hmac.compare_digest(signature.encode(), signed(request, "device", secret).encode()) else None


def give_pass(request: Request, answer: Response, token: str, link: Link, device: str | None, *, now: datetime) -> str:
    """Let this browser open the link for an hour; the secret of its device, a new one where it had none."""
    device = device or secrets.token_urlsafe(32)
    until = str(int((now + PASS_LASTS).timestamp()))
    for name, value, lasts, path in (
        (DEVICE_COOKIE, f"{device}.{signed(request, 'device', device)}", DEVICE_COOKIE_LASTS, "/"),
        (PASS_COOKIE, f"{until}.{_signed_pass(request, link.id, device, until)}", PASS_LASTS, f"/t/{token}"),
    ):
        answer.set_cookie(
            name,
            value,
            max_age=int(lasts.total_seconds()),
            path=path,
            httponly=True,
            samesite="lax",
            secure=is_secure(request),
        )
    return device


def _is_pass(request: Request, cookie: str, link_id: UUID, device: str, now: datetime) -> bool:
    until, _, signature = cookie.partition(".")
    expected = _signed_pass(request, link_id, device, until)
    return hmac.compare_digest(signature.encode(), expected.encode()) and now.timestamp() < int(until)


def _signed_pass(request: Request, link_id: UUID, device: str, until: str) -> str:
    return signed(request, "pass", f"{link_id}:{device}:{until}")


def signed(request: Request, purpose: str, words: str) -> str:
    secret = get_runtime(request).settings.secret.get_secret_value()
    key = hmac.digest(secret.encode(), f"cookies of links: {purpose}".encode(), "sha256")
    return base64.urlsafe_b64encode(hmac.digest(key, words.encode(), "sha256")).decode().rstrip("=")

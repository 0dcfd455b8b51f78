"""The embedded mailbox as pages and JSON; only with the embedded mail setting."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.auth import visitor_of
from api.dependencies import Engine
from api.pages.shell import page
from workflows.errors import Forbidden, NotFound
from workflows.mailbox import messages, read

router = APIRouter(prefix="/mailbox", tags=["mailbox"])

MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " sandbox allow-popups allow-top-navigation-by-user-activation"
)


FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def get_folder(request: Request, runtime: Engine) -> Path:
    """The folder of the mails, for whoever sits at this machine and for administrators.

    Raises:
        NotFound: there is a mail server, and so no mailbox.
        Forbidden: anybody else; each mail holds a link that decides or signs for somebody.
    """
    if not runtime.settings.embedded_mail:
        raise NotFound("There is nothing at this address.")
    if not _is_at_this_machine(request):
        visitor = visitor_of(request)
        if visitor is None or not visitor.actor.administers:
            raise Forbidden("The mailbox is open at the machine itself and to administrators only.")
    return runtime.settings.home / "mailbox"


def _is_at_this_machine(request: Request) -> bool:
    # a proxy on this machine comes from loopback, too: what it forwards is somebody else's
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:  # no network address at all: a socket file, or inside this process
        return True


Folder = Annotated[Path, Depends(get_folder)]
To = Annotated[str, Query(max_length=254, description="Only what was delivered to this address.")]


@router.get("/messages", summary="The messages, the newest first")
def list_messages(
    folder: Folder, to: To = "", limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> dict[str, list[dict[str, Any]]]:
    return {"items": [each.as_data() for each in messages(folder, limit=limit, to=to or None)]}


@router.get("", include_in_schema=False)
def list_page(request: Request, folder: Folder, to: To = "") -> Response:
    return page(request, "mailbox.html", here="mailbox", messages=messages(folder, limit=100, to=to or None), to=to)


@router.get("/{id}", include_in_schema=False)
def message_page(id: str, request: Request, folder: Folder) -> Response:
    return page(request, "message.html", here="mailbox", message=read(folder, id))


@router.get("/{id}/html", include_in_schema=False)
def as_its_sender_drew_it(id: str, folder: Folder) -> Response:
    """The mail's own HTML, with its inline styles and without any of our rights."""
    return HTMLResponse(read(folder, id).html, headers={"Content-Security-Policy": MAIL_POLICY})

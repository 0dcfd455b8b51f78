"""Pages of documents as pictures, made on demand and kept below the home folder."""

from __future__ import annotations

import secrets

from fastapi import Request
from fastapi.responses import Response

from documents.images import page_image
from documents.intake import IntakeRefused
from workflows.papers.intake import DocumentRefused
from workflows.runtime import Runtime

WIDTH = 1400  # pixels: sharp on a phone and at a desk


def page_picture(runtime: Runtime, key: str, sha256: str, number: int, request: Request) -> Response:
    """Page ``number`` (the first is 1) of the file under ``key``.

    Raises:
        DocumentRefused: there is no such page, or it takes too much to draw.
    """
    tag = f'"{sha256[:32]}-{number}-{WIDTH}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=3600"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    folder = runtime.settings.home / "page-images" / sha256[:2]
    path = folder / f"{sha256}-{number}-{WIDTH}.png"
    if path.exists():
        return Response(path.read_bytes(), media_type="image/png", headers=headers)
    try:
        picture = page_image(runtime.blobs.get(key), number, width_px=WIDTH, limits=runtime.intake_limits)
    except IntakeRefused as refused:
        raise DocumentRefused(refused) from refused
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{secrets.token_hex(8)}"
    beside.write_bytes(picture)
    beside.replace(path)  # atomic: another request may be writing the same
    return Response(picture, media_type="image/png", headers=headers)

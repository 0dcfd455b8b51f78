"""The embedded mailbox as pages and JSON; only with the embedded mail setting."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.dependencies import Engine
from workflows.mailbox import messages

router = APIRouter()


@router.get("/mailbox/messages")
def list_messages(runtime: Engine, to: str = "", limit: int = 50) -> dict[str, Any]:
    found = messages(runtime.settings.home / "mailbox", limit=limit, to=to or None)
    return {
        "items": [
            vars(each) if hasattr(each, "__dict__") else {k: getattr(each, k) for k in each.__dataclass_fields__}
            for each in found
        ]
    }

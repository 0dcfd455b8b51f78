"""How endpoints answer: with which refusals, for their OpenAPI description, and without waiting for a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any

from fastapi.routing import APIRoute

from api.rest.shapes import Problem
from api.titles import TITLES

_threads = ThreadPoolExecutor(40, thread_name_prefix="endpoint")  # as many as anyio has for all other work


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {
        status: {
            "description": TITLES[status],
            "content": {
                "application/problem+json": {
                    "schema": Problem.model_json_schema(ref_template="#/components/schemas/{model}")
                }
            },
        }
        for status in statuses
    }


class PromptRoute(APIRoute):
    """A route whose answer is checked on the event loop.

    FastAPI sends what a plain function gives to another thread for that, while its transaction is still open. Where all
    threads wait for what that transaction holds, none is left, and everybody waits for everybody.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint if iscoroutinefunction(endpoint) else _in_a_thread(endpoint), **options)


def _in_a_thread(endpoint: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    @wraps(endpoint)
    async def run(*args: Any, **words: Any) -> Any:
        # not by anyio, which takes a twentieth of a decision to send it to a thread and back
        work = partial(copy_context().run, endpoint, *args, **words)
        return await asyncio.get_running_loop().run_in_executor(_threads, work)

    return run

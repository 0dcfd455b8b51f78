"""Which refusals an endpoint may answer with, for its OpenAPI description."""

from __future__ import annotations

from typing import Any

from api.errors import TITLES
from api.rest.shapes import Problem


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

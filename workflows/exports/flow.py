"""Making the file of an export, as a Prefect flow."""

from __future__ import annotations

import asyncio
import sys
from typing import Any
from uuid import UUID

from prefect import flow
from prefect.states import Completed, Failed

from workflows.exports.process import MADE_ELSEWHERE


@flow(name="spreadsheet-export", retries=0, persist_result=False, validate_parameters=True)
async def spreadsheet_export(export_id: UUID) -> Any:
    """Waits for the process that makes it; killed in between, it is made from the beginning by another run."""
    made = await asyncio.create_subprocess_exec(sys.executable, "-m", "workflows.exports.process", str(export_id))
    try:
        code = await made.wait()
    except asyncio.CancelledError:
        made.terminate()
        await made.wait()
        raise
    match code:
        case 0:
            return Completed(name="Made", message="The file is there, or why it cannot be.")
        case _ if code == MADE_ELSEWHERE:
            return Completed(name="Elsewhere", message="Another run makes it.")
        case _:
            return Failed(message=f"The process that makes it ended with {code}.")

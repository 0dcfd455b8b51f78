"""The life of a contract, as a Prefect flow: it carries the contract as far as it goes without a person, and ends."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from prefect import flow
from prefect.logging import get_run_logger
from prefect.states import Completed

from workflows.composition import runtime
from workflows.contracts.steps import ContractLife
from workflows.leases import hold
from workflows.papers.steps import Done, Ended, Life, Waiting


@flow(name="contract-lifecycle", retries=0, persist_result=False, validate_parameters=True)
async def contract_lifecycle(contract_id: UUID) -> Any:
    """Runs from the top at every wake; each step finds its work done or does it, and the first that needs a person ends
    the run with a state that says whom it waits for."""
    engine = runtime()
    log = get_run_logger()
    async with hold(engine.engine, "contract", contract_id) as lease:
        life = await asyncio.to_thread(ContractLife.load, engine, contract_id, lease.check)
        log.info("%s: %s", life.number, life.title)

        match await asyncio.to_thread(life.approval):
            case Waiting(whom):
                return await _ends(life, Completed(name="Waiting", message=f"Waiting for {whom}."))
            case Ended(how):
                return await _ends(life, Completed(name="Ended", message=f"The contract was {how}."))
            case Done():
                log.info("Everyone on the route has approved.")

        match await asyncio.to_thread(life.signatures):
            case Waiting(whom):
                return await _ends(life, Completed(name="Waiting", message=f"Waiting for the signature of {whom}."))
            case Ended(how):
                return await _ends(life, Completed(name="Ended", message=f"The contract was {how}."))
            case Done():
                log.info("Everyone has signed.")

        sha256 = await asyncio.to_thread(life.seal)
        log.info("Sealed: sha256 %s", sha256)
        await asyncio.to_thread(life.in_force)
        return await _ends(life, Completed(name="In force", message=f"Sealed file: sha256 {sha256}."))


async def _ends(life: Life, state: Any) -> Any:
    await asyncio.to_thread(life.finished)
    return state

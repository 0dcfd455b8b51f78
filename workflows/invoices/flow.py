"""The way of an invoice, as a Prefect flow: it carries the invoice as far as it goes without a person, and ends."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from prefect import flow
from prefect.logging import get_run_logger
from prefect.states import Completed

from workflows.composition import runtime
from workflows.invoices.steps import InvoiceLife
from workflows.leases import hold
from workflows.papers.steps import Done, Ended, Life, Waiting


@flow(name="invoice-approval", retries=0, persist_result=False, validate_parameters=True)
async def invoice_approval(invoice_id: UUID) -> Any:
    """Runs from the top at every wake; each step finds its work done or does it, and the first that needs a person ends
    the run with a state that says what it waits for."""
    engine = runtime()
    log = get_run_logger()
    async with hold(engine.engine, "invoice", invoice_id) as lease:
        life = await asyncio.to_thread(InvoiceLife.load, engine, invoice_id, lease.check)
        log.info("%s: %s", life.number, life.title)

        for step in (life.on_its_route, life.approval, life.payment):
            match await asyncio.to_thread(step):
                case Waiting(whom):
                    return await _ends(life, Completed(name="Waiting", message=f"Waiting for {whom}."))
                case Ended(how):
                    return await _ends(life, Completed(name="Ended", message=f"The invoice was {how}."))
                case Done():
                    pass
        return await _ends(life, Completed(name="Paid", message="The invoice is paid."))


async def _ends(life: Life, state: Any) -> Any:
    await asyncio.to_thread(life.finished)
    return state

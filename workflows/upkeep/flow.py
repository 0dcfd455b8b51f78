"""The scheduled flows: warnings before a contract ends, the sweep that makes up for crashes, archives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from prefect import flow
from prefect.logging import get_run_logger

from workflows.composition import runtime
from workflows.exports.steps import remove_old
from workflows.invoices.folder import hand_in_from_folder
from workflows.invoices.leaving import leave_as_set
from workflows.invoices.letterbox import hand_in_from_mailbox
from workflows.invoices.rematching import hold_waiting_anew
from workflows.upkeep.steps import give_digests, keep_archives_valid, keep_deadlines, sweep, warn_and_expire

CHORES: tuple[tuple[Callable[..., int], str], ...] = (
    (keep_deadlines, "Stages reminded, escalated or run out: %d"),
    (give_digests, "Daily digests given: %d"),
    (hand_in_from_folder, "Invoices handed in from the folder: %d"),
    (remove_old, "Files of exports removed: %d"),
    (hand_in_from_mailbox, "Mails dealt with from the mailbox: %d"),
    (leave_as_set, "Released invoices sent on to the payment system, or laid down for a file: %d"),
    (hold_waiting_anew, "Invoices held anew against orders and machines: %d"),
    (keep_archives_valid, "Sealed files time stamped again: %d"),
)
"""What each upkeep does, in this order, and what its log says of how much there was of it. Each is safe to repeat."""


@flow(name="expiry-alerts", retries=0, persist_result=False)
async def expiry_alerts() -> int:
    """Mail owners and counterparties ahead of the end and of the last day to cancel; expire what has ended."""
    given = await asyncio.to_thread(warn_and_expire, runtime(), now=datetime.now(UTC))
    get_run_logger().info("%d warnings given", given)
    return given


@flow(name="upkeep", retries=0, persist_result=False)
async def upkeep() -> None:
    """Pay what a crash left unpaid, and keep the house in order."""
    lost = await asyncio.to_thread(sweep, runtime())
    if lost:
        get_run_logger().info("Started again: %s", ", ".join(lost))
    for chore, told in CHORES:
        done = await asyncio.to_thread(chore, runtime(), now=datetime.now(UTC))
        if done:
            get_run_logger().info(told, done)

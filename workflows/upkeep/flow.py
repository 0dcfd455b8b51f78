"""The scheduled flows: warnings before a contract ends, the sweep that makes up for crashes, archives."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from prefect import flow
from prefect.logging import get_run_logger

from workflows.composition import runtime
from workflows.exports.steps import remove_old
from workflows.invoices.folder import hand_in_from_folder
from workflows.invoices.letterbox import hand_in_from_mailbox
from workflows.invoices.rematching import hold_waiting_anew
from workflows.upkeep.steps import give_digests, keep_archives_valid, keep_deadlines, sweep, warn_and_expire


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
    late = await asyncio.to_thread(keep_deadlines, runtime(), now=datetime.now(UTC))
    if late:
        get_run_logger().info("Stages reminded, escalated or run out: %d", late)
    given = await asyncio.to_thread(give_digests, runtime(), now=datetime.now(UTC))
    if given:
        get_run_logger().info("Daily digests given: %d", given)
    received = await asyncio.to_thread(hand_in_from_folder, runtime(), now=datetime.now(UTC))
    if received:
        get_run_logger().info("Invoices handed in from the folder: %d", received)
    removed = await asyncio.to_thread(remove_old, runtime(), now=datetime.now(UTC))
    if removed:
        get_run_logger().info("Files of exports removed: %d", removed)
    received = await asyncio.to_thread(hand_in_from_mailbox, runtime(), now=datetime.now(UTC))
    if received:
        get_run_logger().info("Mails dealt with from the mailbox: %d", received)
    held = await asyncio.to_thread(hold_waiting_anew, runtime(), now=datetime.now(UTC))
    if held:
        get_run_logger().info("Invoices held anew against orders and machines: %d", held)
    renewed = await asyncio.to_thread(keep_archives_valid, runtime(), now=datetime.now(UTC))
    if renewed:
        get_run_logger().info("Sealed files time stamped again: %d", renewed)

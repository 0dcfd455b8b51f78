"""What the page for signing shows of a document's signers."""

from __future__ import annotations

from typing import Any

from workflows.approvals.model import StageKind, Task, TaskState
from workflows.approvals.queries import Journey
from workflows.contracts.model import Contract


def signing_values(travelled: Journey, task: Task, contract: Contract) -> dict[str, Any]:
    """``beside``: who is asked at the same time; ``after``: who will be; ``signer``: as the document names them."""
    signers = sorted(
        (each for each in travelled.tasks if each.kind is StageKind.SIGNATURE and each.state is not TaskState.VOID),
        key=lambda each: each.ordinal,
    )
    known = {each["email"]: each for each in contract.signers}
    others = [each for each in signers if each.id != task.id]
    return {
        "signers": signers,
        "beside": [each for each in others if each.state is TaskState.OPEN],
        "after": [each for each in others if each.state is TaskState.WAITING],
        "signer": known.get(task.email, {"name": task.name, "organisation": "", "title": ""}),
        "approvers": travelled.approved_by,
    }

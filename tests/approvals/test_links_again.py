"""Who may have the link to a task mailed anew."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from workflows.approvals.model import Round, StageKind, Task, TaskState
from workflows.approvals.rules import why_not_send_link_again
from workflows.parties.model import ADMINISTRATOR
from workflows.parties.rules import Actor

OWNER, ASKED, COLLEAGUE = (UUID(int=number) for number in (1, 2, 3))
ROUND = Round(
    process="contract",
    subject_id=UUID(int=9),
    number=1,
    route_id=UUID(int=8),
    route_name="one-stage",
    route_version=1,
    version_number=1,
    version_sha256="c5" * 32,
    submitter_id=OWNER,
    facts={},
    card={},
    opened_at=datetime(2026, 5, 21, tzinfo=UTC),
)


def task(state: TaskState = TaskState.OPEN) -> Task:
    return Task(
        round_id=ROUND.id,
        stage_id=UUID(int=7),
        person_id=ASKED,
        name="Ann",
        email="ann@haneul.example",
        kind=StageKind.APPROVAL,
        state=state,
    )


def somebody(id: UUID, *roles: str) -> Actor:
    return Actor(id=id, name="Somebody", email="somebody@haneul.example", organisation_id=None, roles=frozenset(roles))


def test_the_owner_and_an_administrator_may() -> None:
    assert why_not_send_link_again(somebody(OWNER), ROUND, task(), administrator=False) is None
    assert why_not_send_link_again(somebody(COLLEAGUE, ADMINISTRATOR), ROUND, task(), administrator=True) is None


def test_whoever_is_asked_may_not_send_themselves_a_link_and_no_colleague_may() -> None:
    for other in (somebody(ASKED), somebody(COLLEAGUE)):
        why = why_not_send_link_again(other, ROUND, task(), administrator=False)
        assert why is not None
        assert why.kind == "forbidden"


def test_administering_another_organisation_is_not_enough() -> None:
    elsewhere = somebody(COLLEAGUE, ADMINISTRATOR)
    why = why_not_send_link_again(elsewhere, ROUND, task(), administrator=False)
    assert why is not None
    assert why.kind == "forbidden"


@given(st.sampled_from(TaskState), st.sampled_from([OWNER, ASKED, COLLEAGUE]), st.booleans())
def test_nobody_sends_a_link_to_a_task_that_is_not_open(state: TaskState, who: UUID, administrator: bool) -> None:
    why = why_not_send_link_again(somebody(who), ROUND, task(state), administrator=administrator)
    may = who == OWNER or administrator
    assert (why is None) == (may and state is TaskState.OPEN)
    if may and why is not None:
        assert why.kind == "conflict"

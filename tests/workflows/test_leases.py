from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select, update

from tests.support.servers import wait_until
from workflows.columns import new_id
from workflows.database import open_engine
from workflows.leases import Lease, LeaseLost, LeaseRow, LeaseTaken, hold, holders


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def subject() -> UUID:
    return new_id()


async def _most_at_once(engine: Engine, subject: UUID) -> int:
    """Of five that hold it."""
    inside, most = 0, 0

    async def run() -> None:
        nonlocal inside, most
        async with hold(engine, "contract", subject):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.03)
            inside -= 1

    await asyncio.gather(*(run() for _ in range(5)))
    return most


def test_two_runs_for_one_subject_never_meet(engine: Engine, subject: UUID) -> None:
    assert asyncio.run(_most_at_once(engine, subject)) == 1


def test_runs_for_different_subjects_do_not_wait_for_each_other(engine: Engine, subject: UUID) -> None:
    async def main() -> None:
        async with (
            hold(engine, "contract", subject, patience=0),
            hold(engine, "contract", new_id(), patience=0),
            hold(engine, "invoice", subject, patience=0),
        ):
            pass

    asyncio.run(main())


def test_who_will_not_wait_longer_is_told(engine: Engine, subject: UUID) -> None:
    async def main() -> None:
        async with hold(engine, "contract", subject):
            with pytest.raises(LeaseTaken):
                async with hold(engine, "contract", subject, patience=0.3):
                    pytest.fail("held by two")

    asyncio.run(main())


def test_a_lease_is_free_as_soon_as_its_block_ends(engine: Engine, subject: UUID) -> None:
    async def main() -> None:
        with suppress(ZeroDivisionError):
            async with hold(engine, "contract", subject):
                raise ZeroDivisionError
        async with hold(engine, "contract", subject, patience=0):
            pass

    asyncio.run(main())


def test_a_cancelled_run_lets_go(engine: Engine, subject: UUID) -> None:
    async def run(held: asyncio.Event) -> None:
        async with hold(engine, "contract", subject):
            held.set()
            await asyncio.sleep(60)

    async def main() -> None:
        held = asyncio.Event()
        task = asyncio.create_task(run(held))
        await held.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        async with hold(engine, "contract", subject, patience=0):
            pass

    asyncio.run(main())


def test_a_lease_is_renewed_while_its_run_goes_on(engine: Engine, subject: UUID) -> None:
    async def main() -> None:
        async with hold(engine, "contract", subject, seconds=3) as lease:
            first = _until(engine, subject)
            await asyncio.to_thread(wait_until, lambda: _until(engine, subject) != first, "a renewal")
            with pytest.raises(LeaseTaken):
                async with hold(engine, "contract", subject, patience=0):
                    pytest.fail("held by two")
            with Session(engine) as session:
                lease.check(session)

    asyncio.run(main())


def test_what_a_killed_process_held_is_taken_over_at_once_by_one_alone(
    database_url: str, engine: Engine, subject: UUID
) -> None:
    _hold_and_die(database_url, subject)
    with Session(engine) as session:
        assert not holders(session, "contract", [subject])
    assert asyncio.run(_most_at_once(engine, subject)) == 1


def test_the_lease_of_a_process_killed_elsewhere_runs_out(database_url: str, engine: Engine, subject: UUID) -> None:
    _hold_and_die(database_url, subject)
    with Session(engine) as session:
        session.exec(update(LeaseRow).values(place="elsewhere:1:1:1"))
        session.commit()

    async def main() -> None:
        with pytest.raises(LeaseTaken):
            async with hold(engine, "contract", subject, patience=0):
                pytest.fail("held by two")
        _expire(engine, subject)
        async with hold(engine, "contract", subject, patience=0):
            pass

    asyncio.run(main())


def test_a_step_under_a_lost_lease_changes_nothing(engine: Engine, subject: UUID) -> None:
    sleeper = Lease("contract", subject, "sleeper", 15)
    other = new_id()

    def step() -> None:
        with Session(engine) as session:
            session.add(LeaseRow(process="x", subject_id=other, owner="x", place="", until=datetime.now(UTC)))
            sleeper.check(session)
            session.commit()

    async def main() -> None:
        async with hold(engine, "contract", subject, owner="sleeper"):
            _expire(engine, subject)
            async with hold(engine, "contract", subject, owner="successor", patience=60):
                with pytest.raises(LeaseLost):
                    step()
            with pytest.raises(LeaseLost):
                step()

    asyncio.run(main())
    with Session(engine) as session:
        assert session.get(LeaseRow, ("x", other)) is None


def test_who_lost_a_lease_does_not_end_the_next_ones(engine: Engine, subject: UUID) -> None:
    async def main() -> None:
        sleeper = hold(engine, "contract", subject, owner="sleeper")
        await sleeper.__aenter__()
        _expire(engine, subject)
        async with hold(engine, "contract", subject, owner="successor", patience=60) as lease:
            await sleeper.__aexit__(None, None, None)
            with Session(engine) as session:
                lease.check(session)

    asyncio.run(main())


def test_an_expired_lease_that_nobody_took_is_still_ones_own(engine: Engine, subject: UUID) -> None:
    async def main() -> None:
        async with hold(engine, "contract", subject) as lease:
            _expire(engine, subject)
            with Session(engine) as session:
                lease.check(session)
                session.commit()
            with Session(engine) as session:
                assert holders(session, "contract", [subject]) == {subject: lease.owner}

    asyncio.run(main())


def test_nobody_takes_over_in_the_middle_of_a_step(engine: Engine, subject: UUID) -> None:
    """The step's own check keeps others out until it has committed, however long it takes."""

    async def main() -> None:
        async with hold(engine, "contract", subject, seconds=600) as lease:
            _expire(engine, subject)
            with Session(engine) as session:
                lease.check(session)
                taking = asyncio.create_task(_take_for_a_moment(engine, subject))
                await asyncio.sleep(1)
                assert not taking.done()
                session.commit()
            with Session(engine) as session:
                lease.check(session)
                session.commit()
        await taking

    asyncio.run(main())


def test_only_leases_that_have_not_run_out_have_a_holder(engine: Engine, subject: UUID) -> None:
    other = new_id()

    async def main() -> None:
        async with (
            hold(engine, "contract", subject, owner="me"),
            hold(engine, "contract", other),
            hold(engine, "invoice", other),
        ):
            _expire(engine, other)
            with Session(engine) as session:
                assert holders(session, "contract", [subject, other, new_id()]) == {subject: "me"}

    asyncio.run(main())


async def _take_for_a_moment(engine: Engine, subject: UUID) -> None:
    async with hold(engine, "contract", subject, patience=60):
        pass


def _until(engine: Engine, subject: UUID) -> datetime:
    with Session(engine) as session:
        return session.exec(select(LeaseRow.until).where(LeaseRow.subject_id == subject)).one()


def _expire(engine: Engine, subject: UUID) -> None:
    with Session(engine) as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.exec(update(LeaseRow).where(col(LeaseRow.subject_id) == subject).values(until=past))
        session.commit()
        assert session.exec(select(LeaseRow).where(LeaseRow.subject_id == subject)).first() is not None


def _hold_and_die(database_url: str, subject: UUID) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", HOLD_AND_DIE, database_url, str(subject)], capture_output=True, text=True, check=False
    )
    assert killed.returncode == -9, killed.stderr


HOLD_AND_DIE = """
import asyncio, os, sys, uuid
from workflows.database import open_engine
from workflows.leases import hold

async def main():
    async with hold(open_engine(sys.argv[1]), "contract", uuid.UUID(sys.argv[2]), seconds=600):
        os.kill(os.getpid(), 9)

asyncio.run(main())
"""

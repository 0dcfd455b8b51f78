"""One at a time: whoever carries a subject on holds its lease.

The lease is a row with its owner's mark. It runs out when nobody renews it, and where its holder has died, whoever
waits on the same machine takes it over at once: a killed worker holds nothing up for long. Every step asks inside its
own transaction whether the row is still its own (``check``), so a worker that slept through the end of its lease
changes nothing any more. Clocks of several machines may differ: the mark keeps steps apart, time only says when waiting
is over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Column, Engine, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Field, Session, SQLModel, col, select

from workflows.columns import UtcTime
from workflows.places import has_died, here

log = logging.getLogger(__name__)

SECONDS = 15.0
PATIENCE = 60.0
FIRST_LOOK, LAST_LOOK = 0.05, 0.5  # seconds between two looks at a lease that somebody else holds


class LeaseLost(Exception):
    """Somebody else carries this subject on now; whatever this transaction did must not be kept."""


class LeaseTaken(Exception):
    """Somebody else carries this subject on, and went on longer than the caller was ready to wait."""


class LeaseRow(SQLModel, table=True):
    __tablename__ = "lease"

    process: str = Field(max_length=40, primary_key=True)
    subject_id: UUID = Field(primary_key=True)
    owner: str = Field(max_length=64)
    place: str = Field(max_length=300)
    """Where its owner runs (see ``places``)."""
    until: datetime = Field(sa_column=Column(UtcTime, nullable=False))


@dataclass(frozen=True)
class Lease:
    process: str
    subject_id: UUID
    owner: str
    seconds: float

    def check(self, session: Session) -> None:
        """Go on only as the owner. Renews the lease, and locks its row until this transaction ends: nobody can take
        the subject over in its middle.

        Raises:
            LeaseLost
        """
        kept = session.connection().execute(
            update(LeaseRow)
            .where(
                col(LeaseRow.process) == self.process,
                col(LeaseRow.subject_id) == self.subject_id,
                col(LeaseRow.owner) == self.owner,
            )
            .values(until=_now() + timedelta(seconds=self.seconds))
        )
        if kept.rowcount != 1:
            raise LeaseLost(f"The lease on {self.process} {self.subject_id} has passed to somebody else.")


@asynccontextmanager
async def hold(
    engine: Engine,
    process: str,
    subject_id: UUID,
    *,
    owner: str | None = None,
    seconds: float = SECONDS,
    patience: float = PATIENCE,
) -> AsyncIterator[Lease]:
    """Wait until nobody else holds the subject, hold it while the block runs, and let it go.

    ``owner``: a mark that no other holder has (a new one by default). ``seconds``: how long the lease outlives its
    holder. ``patience``: seconds to wait for it.

    Raises:
        LeaseTaken
    """
    lease = Lease(process, subject_id, owner or uuid4().hex, seconds)
    await _obtain(engine, lease, patience)
    renewing = asyncio.create_task(_keep(engine, lease))
    try:
        yield lease
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing
        await asyncio.to_thread(_let_go, engine, lease)


def holders(session: Session, process: str, subject_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Owners of the leases that have not run out, by subject; less those of which it is certain that they have died."""
    rows = session.exec(
        select(LeaseRow).where(
            LeaseRow.process == process,
            col(LeaseRow.subject_id).in_(list(subject_ids)),
            col(LeaseRow.until) >= _now(),
        )
    ).all()
    return {row.subject_id: row.owner for row in rows if not has_died(row.place)}


async def _obtain(engine: Engine, lease: Lease, patience: float) -> None:
    loop = asyncio.get_running_loop()
    give_up = loop.time() + patience
    pause = FIRST_LOOK
    while not await asyncio.to_thread(_take, engine, lease):
        if loop.time() + pause > give_up:
            raise LeaseTaken(f"{lease.process} {lease.subject_id} has been held for more than {patience:g} s.")
        await asyncio.sleep(pause)
        pause = min(LAST_LOOK, pause * 1.5)


async def _keep(engine: Engine, lease: Lease) -> None:
    while True:
        await asyncio.sleep(lease.seconds / 3)
        try:
            await asyncio.to_thread(_renew, engine, lease)
        except LeaseLost as lost:
            log.warning("%s", lost)  # the next step learns it from its own check
            return
        except SQLAlchemyError as error:
            log.warning("The lease on %s %s could not be renewed: %s", lease.process, lease.subject_id, error)


def _take(engine: Engine, lease: Lease) -> bool:
    now = _now()
    insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    mine = {"owner": lease.owner, "place": here(), "until": now + timedelta(seconds=lease.seconds)}
    these = (col(LeaseRow.process) == lease.process, col(LeaseRow.subject_id) == lease.subject_id)
    with Session(engine) as session:
        session.connection().execute(
            insert(LeaseRow)
            .values(process=lease.process, subject_id=lease.subject_id, **mine)
            .on_conflict_do_update(
                index_elements=["process", "subject_id"],
                set_=mine,
                where=(col(LeaseRow.until) < now) | (col(LeaseRow.owner) == lease.owner),
            )
        )
        holder, place = session.exec(select(LeaseRow.owner, LeaseRow.place).where(*these)).one()
        if holder != lease.owner and has_died(place):
            after_it = update(LeaseRow).where(*these, col(LeaseRow.owner) == holder).values(**mine)
            holder = lease.owner if session.connection().execute(after_it).rowcount == 1 else holder
        session.commit()
    return holder == lease.owner


def _renew(engine: Engine, lease: Lease) -> None:
    with Session(engine) as session:
        lease.check(session)
        session.commit()


def _let_go(engine: Engine, lease: Lease) -> None:
    try:
        with engine.begin() as connection:
            connection.execute(
                delete(LeaseRow).where(
                    col(LeaseRow.process) == lease.process,
                    col(LeaseRow.subject_id) == lease.subject_id,
                    col(LeaseRow.owner) == lease.owner,
                )
            )
    except SQLAlchemyError as error:
        log.warning("The lease on %s %s runs out by itself: %s", lease.process, lease.subject_id, error)


def _now() -> datetime:
    return datetime.now(UTC)

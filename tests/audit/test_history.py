# ruff: noqa: S608  (what somebody does to the database by hand)
"""The history: append-only, chained, stamped; every way to change it is found. On either database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from signing.timestamps import check_token
from tests.support.office import QUICK_ROUTE, Office, authority
from workflows.audit.operations import anchor
from workflows.audit.queries import AuditReport, verify


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia")
    office.person("dan", manager="mia")
    office.route(QUICK_ROUTE)
    office.contract()
    office.contract(title="Another")
    return office


def checked(office: Office) -> AuditReport:
    with office.reading() as session:
        return verify(session, lambda token, sha256: check_token(token, sha256, authority().trust_anchor_pem))


def by_hand(office: Office, statement: str) -> None:
    """What somebody could do who owns the database and takes its guards away."""
    with office.runtime.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            for how in ("update", "delete"):
                connection.execute(text(f"drop trigger audit_event_is_kept_from_{how}"))
        else:
            connection.execute(text("alter table audit_event disable trigger audit_event_is_kept"))
        connection.execute(text(statement))


# the office's clock stands in May 2026, the time stamps say now: what is checked here is the rest
@pytest.fixture(autouse=True)
def _clocks_may_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.audit.queries.CLOCKS_APART", timedelta(days=36500))


def test_a_whole_history_is_found_whole(office: Office) -> None:
    report = checked(office)
    assert report.broken is None
    assert report.events >= 5
    assert report.chains == 3, "two contracts and a route"


def test_the_database_itself_refuses_to_change_or_delete_an_entry(office: Office) -> None:
    for statement in ("update audit_event set actor = 'x'", "delete from audit_event", "update version set note = 'x'"):
        with pytest.raises(DBAPIError, match="append-only"), office.runtime.engine.begin() as connection:
            connection.execute(text(statement))
    assert checked(office).broken is None


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update audit_event set actor = 'Somebody else' where position = 2", "does not give the hash"),
        ("delete from audit_event where position = 1", "Entry 1 is missing"),
        ("update audit_event set previous = '%s' where position = 2" % ("0" * 63 + "1"), "hash of the entry before"),
        ("delete from audit_event where position = 2", "entries were written"),
    ],
)
def test_every_change_by_hand_is_found(office: Office, statement: str, said: str) -> None:
    by_hand(office, statement)
    broken = checked(office).broken
    assert broken is not None
    assert said in broken.reason


def test_a_chain_that_was_written_anew_does_not_have_its_time_stamps(office: Office) -> None:
    from workflows.audit.rules import digest

    with office.reading() as session:
        from sqlmodel import select

        from workflows.audit.model import AuditEvent

        event = session.exec(select(AuditEvent).where(AuditEvent.position == 1).limit(1)).one()
    forged = digest(
        previous=event.previous,
        process=event.process,
        subject_id=event.subject_id,
        position=1,
        at=event.at,
        actor_id=event.actor_id,
        actor="Somebody else",
        action=event.action,
        data=event.data,
    )
    by_hand(office, f"update audit_event set actor = 'Somebody else', sha256 = '{forged}' where id = {event.id}")
    broken = checked(office).broken
    assert broken is not None
    assert "time stamp" in broken.reason


def test_a_history_that_was_cut_short_no_longer_fits_its_anchor(office: Office) -> None:
    with office.transaction() as session:
        assert anchor(session, now=office.later(hours=1)) is not None
    assert checked(office).anchors == 1
    by_hand(office, "delete from audit_event where id = (select max(id) from audit_event)")
    with office.runtime.engine.begin() as connection:  # and its chain's end put back to fit
        last = connection.execute(
            text("select process, subject_id, max(position) from audit_event group by process, subject_id")
        ).all()
        for process, subject, position in last:
            head = connection.execute(
                text("select sha256 from audit_event where process = :p and subject_id = :s and position = :n"),
                {"p": process, "s": subject, "n": position},
            ).scalar_one()
            connection.execute(
                text("update audit_chain set length = :n, head = :h where process = :p and subject_id = :s"),
                {"p": process, "s": subject, "n": position, "h": head},
            )
    broken = checked(office).broken
    assert broken is not None
    assert "anchor" in broken.reason

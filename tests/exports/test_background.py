"""Exports in the background: asked for, made, mailed, taken away, removed; on either database."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from sqlmodel import col, select, update

from documents.blobs import BlobMissing, StoreUnavailable
from tests.documents.test_blobs import s3_store
from tests.exports.filled import invoices
from tests.exports.test_lists import table
from tests.support.office import Office, text_of
from tests.support.servers import wait_until
from tests.support.web import Browser, token
from workflows.database import Work
from workflows.exports import rules
from workflows.exports.model import Export, ExportState
from workflows.exports.steps import make, remove_old
from workflows.invoices.model import Invoice
from workflows.leases import LeaseLost, LeaseRow
from workflows.outbox import RunOwed
from workflows.parties.model import Membership, Person
from workflows.runtime import Runtime
from workflows.upkeep.operations import start_again_what_was_lost


def ask(web: TestClient, office: Office, name: str = "dan", status: int = 201, **asked: Any) -> Any:
    answer = web.post(
        "/api/exports",
        json={"what": "invoices", **asked},
        headers={**token(office, name), "Accept": "application/json"},
    )
    assert answer.status_code == status, answer.text
    return answer.json()


def done(office: Office, made: dict[str, Any], check: Callable[[Work], None] = lambda session: None) -> ExportState:
    return make(office.runtime, UUID(made["id"]), check)


def kept(office: Office, made: dict[str, Any]) -> Export:
    with office.reading() as session:
        return session.get_one(Export, UUID(made["id"]))


def test_it_is_asked_for_made_mailed_and_taken_away(office: Office, web: TestClient) -> None:
    invoices(office, 3, lines=2)
    made = ask(web, office)
    assert (made["state"], made["documents"], made["progress"]) == ("asked", None, 0)
    assert done(office, made) is ExportState.READY

    office.runtime.dispatcher.sweep()
    (mail,) = office.mails.to("dan@haneul.example")
    assert mail["Subject"].startswith("Ready to download: Invoices 20")
    assert f"/exports/{made['id']}" in text_of(mail)

    told = web.get(f"/api/exports/{made['id']}", headers=token(office, "dan")).json()
    assert (told["state"], told["documents"], told["progress"]) == ("ready", 3, 1)
    file = web.get(f"/api/exports/{made['id']}/file", headers=token(office, "dan"))
    assert len(file.content) == told["size"]
    book = load_workbook(io.BytesIO(file.content))
    assert [len(table(book, name)) for name in ("Invoices", "Lines", "Tax", "Machines")] == [3, 6, 3, 0]


def test_a_flow_run_is_owed_for_it_and_no_longer_when_it_was_made(office: Office, web: TestClient) -> None:
    made = ask(web, office)

    def owed() -> RunOwed:
        with office.reading() as session:
            return session.get_one(RunOwed, ("export", UUID(made["id"])))

    office.runtime.dispatcher.sweep()
    assert f"export:{made['id']}:1" in office.launches.runs
    assert owed().finished == 0
    done(office, made)
    assert owed().finished == 1


def test_the_same_request_sent_twice_is_one_export(office: Office, web: TestClient) -> None:
    headers = {**token(office, "dan"), "Idempotency-Key": "quarter-2", "Accept": "application/json"}
    first, second = (
        web.post("/api/exports", json={"what": "contracts", "format": "csv"}, headers=headers).json() for _ in range(2)
    )
    assert first["id"] == second["id"]
    other = web.post("/api/exports", json={"what": "invoices"}, headers=headers)
    assert other.status_code == 422


def break_off_with_its_file(office: Office, made: dict[str, Any]) -> None:
    """When the file is there, and is to be told of."""
    asked = 0

    def lost(session: Work) -> None:
        nonlocal asked
        asked += 1
        if asked == 4:
            raise LeaseLost

    with pytest.raises(LeaseLost):
        done(office, made, lost)


def test_broken_off_it_is_made_from_the_beginning_and_mailed_once(office: Office, web: TestClient) -> None:
    invoices(office, 2)
    made = ask(web, office)
    break_off_with_its_file(office, made)
    assert kept(office, made).state is ExportState.ASKED
    for _ in range(2):
        assert done(office, made) is ExportState.READY
    office.runtime.dispatcher.sweep()
    assert len(office.mails.to("dan@haneul.example")) == 1


def is_held(office: Office, made: dict[str, Any]) -> bool:
    with office.reading() as session:
        return session.exec(select(LeaseRow).where(LeaseRow.subject_id == UUID(made["id"]))).first() is not None


def has_begun(office: Office, made: dict[str, Any]) -> bool:
    return (office.runtime.settings.home / "exports" / f"{made['id']}.part").exists()


MOMENTS: dict[str, Callable[[Office, dict[str, Any]], bool]] = {
    "at once": lambda office, made: True,
    "it is held": is_held,
    "its documents are chosen": lambda office, made: kept(office, made).documents is not None,
    "its file has begun": has_begun,
    "it is ready": lambda office, made: kept(office, made).state is ExportState.READY,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_it_is_made_once_by_the_next_process(office: Office, web: TestClient, moment: str) -> None:
    invoices(office, 300, lines=3)
    made = ask(web, office)
    settings = office.runtime.settings
    environment = {
        **os.environ,
        "SIGNOFF_DATABASE_URL": settings.database,
        "SIGNOFF_HOME": str(settings.home),
        "SIGNOFF_DOCUMENTS_URL": settings.documents,
        "SIGNOFF_SECRET": settings.secret.get_secret_value(),
    }
    command = [sys.executable, "-m", "workflows.exports.process", made["id"]]
    with subprocess.Popen(command, env=environment) as first:
        wait_until(lambda: first.poll() is not None or MOMENTS[moment](office, made), moment, every=0.002)
        first.send_signal(signal.SIGKILL)
    assert subprocess.run(command, env=environment, check=False, timeout=60).returncode == 0
    assert kept(office, made).state is ExportState.READY
    office.runtime.dispatcher.sweep()
    assert len(office.mails.to("dan@haneul.example")) == 1
    file = web.get(f"/api/exports/{made['id']}/file", headers=token(office, "dan"))
    assert len(table(load_workbook(io.BytesIO(file.content)), "Lines")) == 900
    assert not list((settings.home / "exports").glob("*.part"))


def test_what_is_still_being_made_is_not_started_again(office: Office, web: TestClient) -> None:
    made = ask(web, office)
    office.runtime.dispatcher.sweep()
    with office.transaction() as session:
        session.exec(update(RunOwed).values(launched_at=office.now - timedelta(minutes=5)))
    with office.transaction() as session:
        lease = LeaseRow(process="export", subject_id=UUID(made["id"]), owner="x", place="", until=_far(office))
        session.add(lease)
    with office.transaction() as session:
        assert start_again_what_was_lost(session, now=office.now) == []
    with office.transaction() as session:
        session.exec(update(LeaseRow).values(until=office.now - timedelta(days=1)))
    with office.transaction() as session:
        assert len(start_again_what_was_lost(session, now=office.now)) == 1


def _far(office: Office) -> Any:
    return office.now + timedelta(days=365 * 50)


def test_whoever_has_lost_a_right_meanwhile_gets_no_rows(office: Office, web: TestClient) -> None:
    invoices(office, 2, by="eve")
    made = ask(web, office, "ada")
    with office.transaction() as session:
        session.exec(update(Membership).where(col(Membership.name) == "administrator").values(name="nothing"))
    done(office, made)
    file = web.get(f"/api/exports/{made['id']}/file", headers=token(office, "ada"))
    assert table(load_workbook(io.BytesIO(file.content)), "Invoices") == []


def test_of_whoever_has_left_nothing_is_made(office: Office, web: TestClient) -> None:
    made = ask(web, office)
    with office.transaction() as session:
        session.exec(update(Person).where(col(Person.id) == office.people["dan"].id).values(active=False))
    assert done(office, made) is ExportState.FAILED
    office.runtime.dispatcher.sweep()
    assert office.mails.to("dan@haneul.example") == []


def test_nobody_else_gets_it(office: Office, web: TestClient) -> None:
    made = ask(web, office)
    done(office, made)
    for name in ("eve", "ada"):
        for address in (f"/api/exports/{made['id']}", f"/api/exports/{made['id']}/file"):
            assert web.get(address, headers=token(office, name)).status_code == 404
    assert web.get("/api/exports", headers=token(office, "eve")).json()["items"] == []
    narrow = token(office, "dan", "contracts:read")
    assert web.get(f"/api/exports/{made['id']}/file", headers=narrow).status_code == 403
    answer = web.post("/api/exports", json={"what": "invoices"}, headers=narrow)
    assert answer.status_code == 403


def test_before_it_is_made_there_is_no_file(office: Office, web: TestClient) -> None:
    made = ask(web, office)
    answer = web.get(f"/api/exports/{made['id']}/file", headers={**token(office, "dan"), "Accept": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (409, "This export is still being made.")


def test_its_file_is_removed_when_its_time_is_over(office: Office, web: TestClient) -> None:
    made = ask(web, office)
    done(office, made)
    export = kept(office, made)
    assert export.expires_at is not None
    assert export.ready_at is not None
    assert export.expires_at - export.ready_at == timedelta(days=7)
    assert remove_old(office.runtime, now=export.expires_at - timedelta(minutes=1)) == 0
    for removed in (1, 0):
        assert remove_old(office.runtime, now=export.expires_at + timedelta(minutes=1)) == removed
    with pytest.raises(BlobMissing):
        office.runtime.blobs.get(export.key)
    answer = web.get(f"/api/exports/{made['id']}/file", headers=token(office, "dan"))
    assert answer.status_code == 410


def test_what_was_stored_by_a_process_that_broke_off_is_removed(office: Office, web: TestClient) -> None:
    invoices(office, 2)
    made = ask(web, office)
    break_off_with_its_file(office, made)
    left = kept(office, made).key
    assert office.runtime.blobs.get(left)
    with office.transaction() as session:  # so that the file becomes another one
        session.exec(update(Invoice).values(supplier="Birch"))
    assert done(office, made) is ExportState.READY
    assert office.runtime.blobs.get(kept(office, made).key)
    with pytest.raises(BlobMissing):
        office.runtime.blobs.get(left)


@pytest.fixture(params=["folder", "s3"])
def stored_in(request: pytest.FixtureRequest, office: Office) -> Runtime:
    """The office with its documents in a store of either kind."""
    if request.param == "folder":
        return office.runtime
    return replace(office.runtime, blobs=s3_store(request.getfixturevalue("s3_server")))


def test_an_equal_file_is_removed_while_this_one_is_stored_and_this_one_stays(
    office: Office, web: TestClient, stored_in: Runtime
) -> None:
    invoices(office, 2)
    first, second = (ask(web, office, format="csv") for _ in range(2))
    make(stored_in, UUID(first["id"]), lambda session: None)
    one = kept(office, first)
    assert one.expires_at is not None
    over = one.expires_at + timedelta(minutes=1)
    asked = 0

    def check(session: Work) -> None:
        nonlocal asked
        asked += 1
        if asked == 4:  # the second file is stored, and not ready yet
            stored_in.blobs.remove(one.key)

    assert make(stored_in, UUID(second["id"]), check) is ExportState.READY
    other = kept(office, second)
    assert (one.sha256, one.size) == (other.sha256, other.size), "they are equal"
    assert len(stored_in.blobs.get(other.key)) == other.size
    with office.transaction() as session:
        session.exec(update(Export).where(col(Export.id) == other.id).values(expires_at=_far(office)))
    assert remove_old(stored_in, now=over) == 1
    assert len(stored_in.blobs.get(other.key)) == other.size


def test_whoever_asked_is_told_once_why_it_could_not_be_made(office: Office, web: TestClient) -> None:
    with office.transaction() as session:
        session.exec(update(Person).where(col(Person.id) == office.people["dan"].id).values(locale="ko"))
    made = ask(web, office)
    with office.transaction() as session:
        long_ago = office.now - timedelta(days=1)
        begun = rules.MOST_BEGUN
        session.exec(update(Export).values(begun=begun, created_at=long_ago))
    for _ in range(2):
        assert done(office, made) is ExportState.FAILED
    office.runtime.dispatcher.sweep()
    (mail,) = office.mails.to("dan@haneul.example")
    assert mail["Subject"].startswith("[내보내기 실패] 송장 20")
    assert "10번 시작했지만 매번 중단되었습니다." in " ".join(text_of(mail).split())
    assert f"/exports/{made['id']}" in text_of(mail)
    told = web.get(f"/api/exports/{made['id']}", headers=token(office, "dan")).json()
    assert told["state"] == "failed"
    assert "10" in told["failure"]


def test_what_breaks_off_is_tried_for_an_hour_at_least(office: Office, web: TestClient) -> None:
    made = ask(web, office)

    def down() -> Callable[[Work], None]:
        calls = iter((False, True))

        def check(session: Work) -> None:
            if next(calls):  # it has begun
                raise StoreUnavailable("Documents cannot be stored or read now: %(reason)s.", reason="no space")

        return check

    for _ in range(rules.MOST_BEGUN + 2):
        with pytest.raises(StoreUnavailable):
            done(office, made, down())
    assert (kept(office, made).state, kept(office, made).begun) == (ExportState.ASKED, rules.MOST_BEGUN + 2)
    assert done(office, made) is ExportState.READY


def test_three_at_a_time_are_enough(office: Office, web: TestClient) -> None:
    for _ in range(rules.MOST_AT_A_TIME):
        made = ask(web, office)
    refused = ask(web, office, status=429)
    assert refused["detail"] == "3 of your exports are still being made. Please wait for one of them."
    done(office, made)
    ask(web, office)


@pytest.mark.parametrize("asked", [{"what": "people"}, {"format": "ods"}, {"state": "lost"}, {"sheet": "x"}])
def test_what_cannot_be_made_is_refused_at_once(office: Office, web: TestClient, asked: dict[str, str]) -> None:
    ask(web, office, status=422, **asked)
    with office.reading() as session:
        assert session.exec(select(Export)).all() == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite lets nobody write meanwhile
def test_what_comes_while_it_is_made_is_in_all_sheets_or_in_none(office: Office, web: TestClient) -> None:
    invoices(office, 2)
    made = ask(web, office)
    calls = 0

    def check(session: Work) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:  # the documents are chosen, and nothing is written yet
            invoices(office, 4, by="eve")
            with office.transaction() as other:
                other.exec(update(Invoice).values(owner_id=office.people["dan"].id))

    done(office, made, check)
    file = web.get(f"/api/exports/{made['id']}/file", headers=token(office, "dan"))
    book = load_workbook(io.BytesIO(file.content))
    assert [len(table(book, name)) for name in ("Invoices", "Lines", "Tax")] == [2, 2, 2]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_pages_lead_from_a_long_list_to_its_file(
    office: Office, web: TestClient, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setattr(rules, "AT_ONCE", 2)
    monkeypatch.setattr("api.spreadsheets.AT_ONCE", 2)
    invoices(office, 3)
    dan = Browser(web, "dan")
    dan.open(f"/invoices.xlsx?supplier=aurora&lang={language}")
    page = dan.send("/exports")
    (progress,) = page.all("progress")
    assert progress.attributes.get("max") == "100"
    with office.reading() as session:
        export = session.exec(select(Export)).one()
    answer = web.get(f"/exports/{export.id}", headers={"Cookie": dan.cookie})
    assert answer.headers["refresh"] == "3", "the page looks again without a script"
    make(office.runtime, export.id, lambda session: None)
    answer = web.get(f"/exports/{export.id}", headers={"Cookie": dan.cookie})
    assert "refresh" not in answer.headers
    page = dan.open(f"/exports/{export.id}")
    (address,) = [each.attributes["href"] for each in page.all("a") if each.attributes["href"].endswith("/file")]
    file = web.get(address, headers={"Cookie": dan.cookie})
    assert len(list(load_workbook(io.BytesIO(file.content)).worksheets[0].iter_rows())) == 4
    assert "Invoices" in dan.open("/exports").text

"""Invoices on the boards: what does not travel, files that could not be read, mails to suppliers; each mended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from api.main import create_app
from tests.invoices.samples import sound_ubl
from tests.invoices.test_folder import laid
from tests.support.busy_office import INVOICE, invoice
from tests.support.html import Element
from tests.support.korean import english_left
from tests.support.office import PASSWORD, Office, text_of
from tests.support.web import Browser, action, notice, token
from workflows.boards.incidents import Incidents, incidents
from workflows.boards.operations import correct_address, wake_again
from workflows.errors import NotFound, Refused
from workflows.invoices.disputes import dispute
from workflows.invoices.files_put_aside import watched
from workflows.invoices.folder import hand_in_from_folder
from workflows.invoices.model import Invoice, InvoiceState
from workflows.invoices.operations import match_checked
from workflows.mailer import MailRefused
from workflows.outbox import RunOwed


@pytest.fixture
def office(office: Office, tmp_path: Path) -> Office:
    folder = tmp_path / "incoming"
    folder.mkdir()
    office.now = datetime.now(UTC) - timedelta(hours=1)
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.person("eve", organisation="Elsewhere", roles=["administrator"], password=PASSWORD)
    settings = office.runtime.settings.model_copy(
        update={"invoice_folder": folder, "invoice_folder_by": "dan@haneul.example"}
    )
    office.runtime = replace(office.runtime, settings=settings)
    return office


@pytest.fixture
def folder(office: Office) -> Path:
    found = office.runtime.settings.invoice_folder
    assert found is not None
    return found


def shown(office: Office, who: str = "root") -> Incidents:
    with office.reading() as session:
        ours = office.actor(who).organisation_id
        watches = watched(session, office.runtime.settings, ours)
        return incidents(session, ours, now=office.now, watches=watches)


def without_route(office: Office) -> None:
    with pytest.raises(Refused):
        invoice(office, "one.xml", sound_ubl())


def test_an_invoice_that_breaks_a_rule_is_an_incident_until_it_is_corrected(office: Office, web: TestClient) -> None:
    office.route(INVOICE)
    made = invoice(office, "wrong.xml", sound_ubl(said_tax="18.00"))
    [held] = shown(office).held
    assert (held.subject_id, held.owner, held.blocked) == (made.id, "Dan", True)
    page = Browser(web, "root").open("/boards")
    listed = page.one("section", aria_labelledby="held")
    assert "is not its taxable amount times its rate" in listed.text
    assert listed.all("a", href=f"/invoices/{made.id}")
    answer = web.get("/api/boards", headers=token(office, "root")).json()["incidents"]
    assert answer["held"][0]["rules"][0].startswith("BR-")
    with office.transaction() as session:
        session.get_one(Invoice, made.id).state = InvoiceState.WITHDRAWN
    assert not shown(office).held


def test_an_invoice_that_no_route_takes_is_sent_on_by_a_button_once_there_is_one(
    office: Office, web: TestClient
) -> None:
    without_route(office)
    assert not shown(office).held, "a moment is no incident"
    office.later(minutes=11)
    [held] = shown(office).held
    assert not held.blocked
    root = Browser(web, "root")
    page = root.open("/boards")
    retry = action(page, f"/boards/invoices/{held.subject_id}/retry")
    page = root.send(retry, status=422)
    assert "No route" in notice(page)
    office.route(INVOICE)
    page = root.send(retry)
    assert "It is on its route" in notice(page)
    assert not page.all("section", aria_labelledby="held")
    assert office.open_tasks() == ["mia"]


def test_an_invoice_whose_route_asks_nobody_is_an_incident_after_it_was_matched(office: Office) -> None:
    office.route(INVOICE.replace("approvers:", "when: has(invoice.amount) && invoice.amount > 1000000.0, approvers:"))
    without_route(office)
    with office.transaction() as session:
        made = session.exec(select(Invoice)).one()
        match_checked(session, made.id, now=office.now)
    assert made.state is InvoiceState.MATCHED
    office.later(minutes=11)
    [held] = shown(office).held
    assert (held.subject_id, held.blocked) == (made.id, False)


def test_files_that_were_refused_are_handed_in_again_or_settled(office: Office, web: TestClient, folder: Path) -> None:
    office.route(INVOICE)
    for name in ("order.xml", "<b>other.xml", "notes.txt"):
        laid(folder, name, b"<order/>")
    assert hand_in_from_folder(office.runtime, now=office.now) == 0
    assert {each.name for each in shown(office).files} == {"order.xml", "<b>other.xml", "notes.txt"}
    assert all(each.reason for each in shown(office).files)

    with TestClient(create_app(runtime=office.runtime), headers={"Accept": "text/html"}, follow_redirects=False) as web:
        root = Browser(web, "root")
        assert "3 incidents" in root.open("/boards").text
        pressed(web, root, name="order.xml", do="settle", status=303)
        pressed(web, root, name="order.xml", do="settle", status=404)
        pressed(web, root, name="../order.xml", do="again", status=404)
        pressed(web, root, name="order.xml.txt", do="again", status=404)
        pressed(web, root, name="notes.txt", do="again", status=303)
        pressed(web, Browser(web, "eve"), name="notes.txt", do="again", status=404)
        pressed(web, Browser(web, "dan"), name="notes.txt", do="again", status=403)
    assert [each.name for each in folder.iterdir() if each.is_file()] == ["notes.txt"]
    assert [each.name for each in (folder / "settled").iterdir()] == ["order.xml"]
    assert not (folder / "refused" / "order.xml.txt").exists()


def pressed(web: TestClient, browser: Browser, *, status: int, **typed: str) -> None:
    csrf = browser.open("/settings").all("input", name="csrf_token")[0].attributes["value"]
    answer = web.post("/boards/files", data={**typed, "csrf_token": csrf}, headers={"Cookie": browser.cookie})
    assert answer.status_code == status, answer.text[:500]


def test_a_file_that_cannot_be_read_keeps_no_other_waiting(office: Office, folder: Path) -> None:
    office.route(INVOICE)
    laid(folder, "a.xml", b"")
    (folder / "a.xml").unlink()
    (folder / "a.xml").symlink_to("/proc/self/mem")  # opened by nobody, read by nobody
    laid(folder, "b.xml", sound_ubl())
    assert hand_in_from_folder(office.runtime, now=office.now) == 1


def test_that_nobody_hands_the_folder_in_is_told(office: Office, web: TestClient, folder: Path) -> None:
    assert shown(office).count == 0
    assert shown(office, "eve").folder is None
    nobody = office.runtime.settings.model_copy(update={"invoice_folder_by": "gone@haneul.example"})
    gone = office.runtime.settings.model_copy(update={"invoice_folder": folder / "none"})
    for settings, words in ((nobody, "gone@haneul.example"), (gone, str(folder / "none"))):
        office.runtime = replace(office.runtime, settings=settings)
        laid(folder, "one.xml", sound_ubl())
        assert hand_in_from_folder(office.runtime, now=office.now) == 0
        found = shown(office)
        assert found.count == found.shown == 1
        assert words in str(found.folder)


def test_a_question_that_its_supplier_never_got_goes_to_the_right_address(office: Office) -> None:
    """Of an invoice that was on no route yet."""
    made = invoice(office, "wrong.xml", sound_ubl(said_tax="18.00"))
    office.deliver()
    office.mails.refuse = MailRefused("550 5.1.1 no such user")
    with office.transaction() as session:
        dispute(session, made.id, to="", question="Which tax?", by=office.actor("dan"), now=office.now, visible=True)
    office.deliver()
    office.mails.refuse = None
    [lost] = [each for each in shown(office).mails if each.kind == "query"]
    assert (lost.number, lost.kind, lost.to_email) == (made.number, "query", "billing@aurora.example")
    assert not shown(office, "eve").mails
    with pytest.raises(NotFound), office.transaction() as session:
        correct_address(session, lost.mail_id, "ar@aurora.example", by=office.actor("eve"), now=office.now)
    with office.transaction() as session:
        correct_address(session, lost.mail_id, "ar@aurora.example", by=office.actor("root"), now=office.now)
    office.deliver()
    [mail] = office.mails.to("ar@aurora.example")
    assert "Which tax?" in text_of(mail)
    with office.reading() as session:
        assert session.get_one(Invoice, made.id).supplier_email == "ar@aurora.example"
    assert "query" not in {each.kind for each in shown(office).mails}


def test_work_on_an_invoice_that_hangs_is_taken_up_again(office: Office) -> None:
    office.route(INVOICE)
    made = invoice(office, "wrong.xml", sound_ubl(said_tax="18.00"))
    office.later(minutes=11)
    [hangs] = shown(office).runs
    assert (hangs.subject_id, hangs.preparing, hangs.sealing) == (made.id, False, False)
    with pytest.raises(NotFound), office.transaction() as session:
        wake_again(session, "invoice", made.id, by=office.actor("eve"), now=office.now)
    with office.transaction() as session:
        before = session.get_one(RunOwed, ("invoice", made.id)).sequence
        wake_again(session, "invoice", made.id, by=office.actor("root"), now=office.now)
    with office.reading() as session:
        assert session.get_one(RunOwed, ("invoice", made.id)).sequence == before + 1


def test_an_approved_invoice_is_not_said_to_wait_for_its_signers(office: Office) -> None:
    office.route(INVOICE)
    made = invoice(office, "one.xml", sound_ubl())
    office.decide("mia", contract=made)
    office.later(minutes=11)
    assert [each.preparing for each in shown(office).runs] == [False]


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_boards_tell_of_invoices_in_both_languages(
    office: Office, web: TestClient, folder: Path, lang: str
) -> None:
    without_route(office)
    invoice(office, "wrong.xml", sound_ubl(number="2", said_tax="18.00"))
    office.later(minutes=11)
    page = told(office, lang)
    for name in ("held", "runs"):
        assert page.one("section", aria_labelledby=name).all("li")


def told(office: Office, lang: str) -> Element:
    with TestClient(create_app(runtime=office.runtime), headers={"Accept": "text/html"}, follow_redirects=False) as web:
        root = Browser(web, "root")
        page = root.open(f"/boards?lang={lang}")
        if lang == "ko":
            assert not english_left(web.get("/boards?lang=ko", headers={"Cookie": root.cookie}).text)
        return page

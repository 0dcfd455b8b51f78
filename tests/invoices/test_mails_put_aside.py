"""What the watched mailbox could not take: shown, handed in after all, dismissed, told on the boards."""

from __future__ import annotations

from functools import partial

import pytest
from fastapi.testclient import TestClient
from sqlmodel import delete

from tests.invoices.samples import sound_ubl
from tests.invoices.test_journey import Program
from tests.invoices.test_letterbox import attached, mail, rows, taken
from tests.invoices.test_paying import at_once
from tests.support.office import PASSWORD, Office
from tests.support.pdfs import plain_pdf, with_user_password
from tests.support.web import Browser, notice, token
from workflows.approvals.model import Participant
from workflows.errors import Conflict
from workflows.invoices.intake import take_in_by_settings
from workflows.invoices.mails_put_aside import hand_in
from workflows.invoices.model import IncomingMail, IncomingOutcome, Invoice

LOCKED = with_user_password("open sesame")


@pytest.fixture
def aside(office: Office) -> IncomingMail:
    """A mail whose one file needs a password."""
    office.person("eve", organisation="Elsewhere", roles=["administrator"], password=PASSWORD)
    assert taken(office, attached(mail("Our invoice."), ("invoice.pdf", LOCKED))) is IncomingOutcome.KEPT
    [row] = rows(office, IncomingMail)
    found: IncomingMail = row
    return found


@pytest.fixture
def dan(office: Office, web: TestClient) -> Program:
    return Program(web, office, "dan")


def here(row: IncomingMail) -> str:
    return f"/api/incoming-mails/{row.id}"


def test_a_program_finds_what_was_put_aside_with_the_reason_and_its_files(aside: IncomingMail, dan: Program) -> None:
    [shown] = dan.get("/api/incoming-mails?waits=true")["items"]
    assert shown == dan.get(here(aside))
    assert (shown["outcome"], shown["waits"], shown["subject"], shown["text"]) == (
        "kept",
        True,
        "Invoice",
        "Our invoice.",
    )
    assert [each["file"] for each in shown["reasons"]] == ["invoice.pdf"]
    assert "password" in shown["reasons"][0]["text"]
    [file] = shown["files"]
    assert (file["number"], file["file_name"], file["size"], file["invoice"]) == (1, "invoice.pdf", len(LOCKED), None)
    whole = dan.web.get(shown["links"]["mail"], headers=dan.headers)
    assert whole.headers["content-type"].startswith("message/rfc822")
    assert whole.headers["content-disposition"].startswith("attachment")
    assert b"Our invoice." in whole.content
    assert dan.web.get(file["links"]["self"], headers=dan.headers).content == LOCKED
    dan.get(f"{here(aside)}/files/2", 404)


def test_mails_are_listed_page_by_page(office: Office, dan: Program) -> None:
    for number in range(5):
        taken(office, mail(f"Number {number}").as_bytes())
    seen: list[str] = []
    address = "/api/incoming-mails?limit=2"
    while True:
        page = dan.get(address)
        seen += [each["text"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        address = f"/api/incoming-mails?limit=2&cursor={page['next_cursor']}"
    assert seen == [f"Number {number}" for number in (4, 3, 2, 1, 0)]


def test_a_file_is_handed_in_after_all_and_its_invoice_says_by_whom(
    office: Office, aside: IncomingMail, dan: Program
) -> None:
    refused = dan.post(f"{here(aside)}/invoices", {"file": 1}, 422)
    assert "password" in refused["detail"]
    assert rows(office, Invoice) == []
    made = dan.post(f"{here(aside)}/invoices", {"file": 1, "password": "open sesame"})
    assert dan.post(f"{here(aside)}/invoices", {"file": 1, "password": "open sesame"})["id"] == made["id"]
    [invoice] = rows(office, Invoice)
    assert (str(invoice.id), invoice.owner_id) == (made["id"], office.people["dan"].id)
    assert invoice.note == "bills@aurora.example: Invoice"
    shown = dan.get(here(aside))
    assert (shown["waits"], shown["invoices"], shown["settled"]["by"]) == (False, [made["id"]], "Dan")
    assert (shown["files"][0]["invoice"], shown["files"][0]["by"]) == (made["id"], "Dan")
    events = dan.get(f"/api/invoices/{made['id']}/events")["items"]
    [event] = [each for each in events if each["action"] == "taken_from_mail"]
    assert (event["actor"], event["data"]["file_name"]) == ("Dan", "invoice.pdf")
    assert event["data"]["to_email"] == "bills@aurora.example"


def test_somebody_else_reads_who_was_faster(office: Office, aside: IncomingMail, dan: Program, web: TestClient) -> None:
    made = dan.post(f"{here(aside)}/invoices", {"file": 1, "password": "open sesame"})
    ada = Program(web, office, "ada")
    refused = ada.post(f"{here(aside)}/invoices", {"file": 1, "password": "open sesame"}, 409)
    assert "Dan handed this file in" in refused["detail"]
    assert made["number"] in refused["detail"]
    assert len(rows(office, Invoice)) == 1


def test_a_file_handed_in_by_three_at_once_is_one_invoice(office: Office, aside: IncomingMail) -> None:
    received = take_in_by_settings(office.runtime, LOCKED, file_name="invoice.pdf", password="open sesame")

    def work(name: str) -> str:
        try:
            with office.transaction() as session:
                by = office.actor(name)
                return str(hand_in(session, aside.id, 1, received, by=by, now=office.now).id)
        except Conflict:
            return "too late"

    came_to = at_once(partial(work, "dan"), partial(work, "dan"), partial(work, "ada"))
    [invoice] = rows(office, Invoice)
    assert set(came_to) <= {str(invoice.id), "too late"}
    assert str(invoice.id) in came_to


def test_a_mail_is_dismissed_with_a_reason_that_stays_on_record(
    office: Office, aside: IncomingMail, dan: Program, web: TestClient
) -> None:
    dan.post(f"{here(aside)}/dismissal", {"reason": " "}, 422)
    shown = dan.post(f"{here(aside)}/dismissal", {"reason": "Advertising."})
    assert (shown["waits"], shown["settled"]["by"], shown["settled"]["reason"]) == (False, "Dan", "Advertising.")
    assert dan.post(f"{here(aside)}/dismissal", {"reason": "Twice."})["settled"]["reason"] == "Advertising."
    refused = Program(web, office, "ada").post(f"{here(aside)}/dismissal", {"reason": "No."}, 409)
    assert "Dan dealt with this mail" in refused["detail"]
    assert dan.get("/api/incoming-mails?waits=true")["items"] == []
    made = dan.post(f"{here(aside)}/invoices", {"file": 1, "password": "open sesame"})
    assert dan.get(here(aside))["invoices"] == [made["id"]], "it was an invoice, as turned out later"


@pytest.mark.parametrize("address", ["", "/mail", "/files/1"])
def test_what_came_to_another_organisation_is_not_there(
    office: Office, aside: IncomingMail, web: TestClient, address: str
) -> None:
    eve = Program(web, office, "eve")
    eve.get(f"{here(aside)}{address}", 404)
    eve.post(f"{here(aside)}/invoices", {"file": 1}, 404)
    eve.post(f"{here(aside)}/dismissal", {"reason": "Ours."}, 404)
    assert eve.get("/api/incoming-mails")["items"] == []
    browser = Browser(web, "eve")
    browser.open(f"/incoming/{aside.id}{address}", status=404)


def test_only_a_token_for_invoices_reads_and_settles_mails(
    office: Office, aside: IncomingMail, web: TestClient
) -> None:
    reads, contracts = token(office, "dan", "invoices:read"), token(office, "dan", "contracts:write")
    assert web.get(here(aside), headers=contracts).status_code == 403
    assert web.get(here(aside), headers=reads).status_code == 200
    for address, body in (("invoices", {"file": 1}), ("dismissal", {"reason": "No."})):
        assert web.post(f"{here(aside)}/{address}", json=body, headers=reads).status_code == 403


def test_somebody_of_no_organisation_sees_no_mails(office: Office, aside: IncomingMail, web: TestClient) -> None:
    with office.transaction() as session:
        session.merge(office.people["mia"]).organisation_id = None
    Program(web, office, "mia").get("/api/incoming-mails", 403)


def test_whoever_does_not_read_everything_sees_what_was_put_aside_alone(
    office: Office, dan: Program, web: TestClient
) -> None:
    taken(office, attached(mail("Fine"), ("one.xml", sound_ubl())))
    taken(office, attached(mail("Mixed"), ("two.xml", sound_ubl(number="2")), ("broken.pdf", LOCKED)))
    mia = Program(web, office, "mia")
    with office.transaction() as session:  # she is on the route of both; now she is not
        session.exec(delete(Participant))
    assert [each["text"] for each in mia.get("/api/incoming-mails")["items"]] == ["Mixed"]
    assert mia.get("/api/incoming-mails")["items"][0]["invoices"] == []
    assert len(Program(web, office, "ada").get("/api/incoming-mails")["items"]) == 2


def test_the_file_that_was_refused_beside_a_good_one_is_handed_in_later(office: Office, dan: Program) -> None:
    files = ("one.xml", sound_ubl()), ("locked.pdf", LOCKED)
    assert taken(office, attached(mail(), *files)) is IncomingOutcome.INVOICES
    [shown] = dan.get("/api/incoming-mails?waits=true")["items"]
    made = dan.post(f"/api/incoming-mails/{shown['id']}/invoices", {"file": 2, "password": "open sesame"})
    shown = dan.get(f"/api/incoming-mails/{shown['id']}")
    assert len(shown["invoices"]) == 2
    assert made["id"] in shown["invoices"]
    assert shown["waits"] is False


@pytest.mark.parametrize(
    ("data", "waits"),
    [
        (mail(Auto_Submitted="auto-replied").as_bytes(), False),
        (mail("Where is our money?").as_bytes(), True),
        (b"boundary=" * 1000, True),
        (attached(mail(), ("one.xml", sound_ubl()), ("picture.pdf", plain_pdf("Invoice"))), False),
        (attached(mail(), ("terms.zip", b"PK")), True),
    ],
    ids=["machine", "question", "nested", "beside", "no invoice"],
)
def test_somebody_sees_to_a_mail_only_where_something_of_it_may_be_an_invoice(
    office: Office, data: bytes, waits: bool
) -> None:
    taken(office, data)
    [row] = rows(office, IncomingMail)
    assert row.waits is waits


def test_a_reminder_with_the_very_same_file_is_nothing_to_see_to(office: Office) -> None:
    taken(office, attached(mail(), ("one.xml", sound_ubl())))
    taken(office, attached(mail("Reminder"), ("one.xml", sound_ubl())))
    assert [each.waits for each in rows(office, IncomingMail)] == [False, False]


def test_on_the_page_a_file_is_handed_in_with_its_password(
    office: Office, aside: IncomingMail, web: TestClient
) -> None:
    dan = Browser(web, "dan")
    assert "invoice.pdf" in dan.open("/incoming?outcome=waits").text
    page = dan.open(f"/incoming/{aside.id}")
    assert "Our invoice." in page.text
    for nothing in ("", "one", "²", "9" * 5000):
        page = dan.send(f"/incoming/{aside.id}/invoices", 422, number=nothing, note="By hand.")
        assert "Choose the file that is handed in." in page.text
    page = dan.send(f"/incoming/{aside.id}/invoices", 422, number="1", note="By hand.", password="wrong")
    assert "password" in notice(page)
    assert "By hand." in page.text
    page = dan.send(f"/incoming/{aside.id}/invoices", number="1", note="By hand.", password="open sesame")
    assert "Received; it waits for what is said below" in notice(page)
    assert "Dan took it from a mail of bills@aurora.example" in page.text
    page = dan.open(f"/incoming/{aside.id}")
    assert "handed in by Dan" in page.text
    assert not page.all("form", action=f"/incoming/{aside.id}/invoices")
    assert not page.all("form", action=f"/incoming/{aside.id}/dismissal")


def test_on_the_page_a_mail_is_dismissed(aside: IncomingMail, web: TestClient) -> None:
    dan = Browser(web, "dan")
    dan.open(f"/incoming/{aside.id}")
    page = dan.send(f"/incoming/{aside.id}/dismissal", 422, reason="")
    assert "Say why it is dismissed" in notice(page)
    page = dan.send(f"/incoming/{aside.id}/dismissal", reason="Advertising.")
    assert "Dismissed" in notice(page)
    assert "Advertising." in page.text
    assert "Advertising." in dan.open("/incoming").text
    assert dan.open("/incoming?outcome=waits").all("table") == []


def test_the_boards_tell_of_mails_that_wait_and_lead_to_them(
    office: Office, aside: IncomingMail, dan: Program, web: TestClient
) -> None:
    ada = Browser(web, "ada")
    page = ada.open("/boards")
    listed = page.one("section", aria_labelledby="letters")
    assert "invoice.pdf" in listed.text
    assert listed.all("a", href=f"/incoming/{aside.id}")
    answer = web.get("/api/boards", headers=token(office, "ada")).json()["incidents"]
    assert [each["mail_id"] for each in answer["letters"]] == [str(aside.id)]
    assert answer["count"] == 1
    assert web.get("/api/boards", headers=token(office, "eve")).json()["incidents"]["letters"] == []
    dan.post(f"{here(aside)}/dismissal", {"reason": "Advertising."})
    assert not ada.open("/boards").all("section", aria_labelledby="letters")


def test_a_mail_that_is_not_kept_can_only_be_dismissed(office: Office, dan: Program) -> None:
    with office.transaction() as session:
        row = IncomingMail(
            organisation_id=office.organisation.id, sha256="0", at=office.now, outcome=IncomingOutcome.KEPT, waits=True
        )
        session.add(row)
    dan.get(f"{here(row)}/mail", 404)
    dan.post(f"{here(row)}/invoices", {"file": 1}, 404)
    dan.post(f"{here(row)}/dismissal", {"reason": "Much too large; they sent it anew."})

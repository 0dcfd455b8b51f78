"""Mails of a watched mailbox: invoices handed in once, answers of suppliers beside what they answer, the rest kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from documents.blobs import BlobRef, FolderBlobStore, StoreUnavailable
from tests.invoices.samples import sound_ubl
from tests.invoices.test_journey import Program
from tests.support.imap import ImapServer, dovecot
from tests.support.office import Office, text_of
from tests.support.pdfs import plain_pdf
from tests.support.web import Browser
from tests.workflows.mailing import Certificates
from workflows.imap import place_of
from workflows.invoices import letterbox
from workflows.invoices.letterbox import deal_with, hand_in_from_mailbox
from workflows.invoices.model import IncomingMail, IncomingOutcome, Invoice
from workflows.runtime import Runtime

MAILBOX = "bills@haneul.example"


def mail(text: str = "See attached.", *, to: str = MAILBOX, sender: str = "", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender or "Aurora <bills@aurora.example>", to, "Invoice"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def attached(made: EmailMessage, *files: tuple[str, bytes]) -> bytes:
    for name, data in files:
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


@pytest.fixture
def office(office: Office) -> Office:
    settings = office.runtime.settings
    object.__setattr__(settings, "invoices_mailbox_address", MAILBOX)
    object.__setattr__(settings, "invoices_mailbox_by", "dan@haneul.example")
    return office


def taken(office: Office, data: bytes) -> IncomingOutcome:
    return deal_with(office.runtime, data, office.actor("dan", via="mail"), now=office.now)


def rows(office: Office, model: Any) -> list[Any]:
    with office.reading() as session:
        return list(session.exec(select(model)).all())


def test_each_invoice_in_a_mail_is_handed_in_and_the_same_mail_again_changes_nothing(office: Office) -> None:
    files = ("one.xml", sound_ubl()), ("two.xml", sound_ubl(number="2026-0002")), ("terms.pdf", plain_pdf("Terms"))
    data = attached(mail(), *files)
    assert taken(office, data) is IncomingOutcome.INVOICES
    assert taken(office, b"Received: once more\r\n" + data) is IncomingOutcome.INVOICES
    made = rows(office, Invoice)
    assert sorted(each.supplier_number for each in made) == ["2026-0001", "2026-0002"]
    assert {each.state.value for each in made} == {"in_approval"}
    assert {each.note for each in made} == {"bills@aurora.example: Invoice"}
    [row] = rows(office, IncomingMail)
    assert sorted(row.invoice_ids) == sorted(str(each.id) for each in made)
    assert [each["file"] for each in row.reasons] == ["terms.pdf"], "it has no data, and came beside one that has"


def test_a_plain_pdf_alone_waits_for_somebody_who_types_it(office: Office) -> None:
    taken(office, attached(mail(), ("scan.pdf", plain_pdf("Invoice 7"))))
    [invoice] = rows(office, Invoice)
    assert (invoice.state.value, invoice.syntax) == ("received", "typed")


def test_the_same_file_in_another_mail_is_not_handed_in_twice(office: Office) -> None:
    taken(office, attached(mail(), ("one.xml", sound_ubl())))
    assert taken(office, attached(mail("Reminder"), ("one.xml", sound_ubl()))) is IncomingOutcome.KEPT
    assert len(rows(office, Invoice)) == 1
    [_, row] = rows(office, IncomingMail)
    assert row.reasons[0]["sentence"] == "This very file was handed in before."


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (mail().as_bytes(), "There is no file in it, and it answers nothing that was asked here."),
        (attached(mail(), ("order.xml", b"<order/>")), ""),
        (attached(mail(), ("bomb.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><Invoice>&b;</Invoice>")), ""),
        (b"boundary=" * 1000, "The mail is nested too deeply to be read."),
        (mail(Auto_Submitted="auto-replied").as_bytes(), "A machine wrote it."),
        (mail(to="bills+0123456789abcdef0123456789abcdef@haneul.example").as_bytes(), ""),
    ],
    ids=["no file", "no invoice", "entities", "nested", "machine", "unknown address"],
)
def test_what_is_neither_invoice_nor_answer_is_kept_with_the_reason(office: Office, data: bytes, reason: str) -> None:
    assert taken(office, data) is IncomingOutcome.KEPT
    assert taken(office, data) is IncomingOutcome.KEPT
    assert rows(office, Invoice) == []
    [row] = rows(office, IncomingMail)
    assert row.reasons
    assert reason in ("", row.reasons[0]["sentence"])
    assert office.runtime.blobs.get(row.key) == data
    assert office.deliver() == [], "nobody is answered by a machine"


def asked(office: Office, web: TestClient) -> tuple[dict[str, Any], EmailMessage]:
    """An invoice whose supplier has been asked, and the mail that asked."""
    dan = Program(web, office, "dan")
    made = dan.hand_in(sound_ubl())
    office.deliver()
    dan.post(f"/api/invoices/{made['id']}/dispute", {"question": "One month or two?", "to": "bills@aurora.example"})
    [question] = [each for each in office.deliver() if "aurora" in str(each["To"])]
    return made, question


def comments(office: Office, web: TestClient, made: dict[str, Any]) -> list[dict[str, Any]]:
    return list(Program(web, office, "dan").get(f"/api/invoices/{made['id']}/comments")["items"])


def reply_to(question: EmailMessage) -> str:
    found = re.search(r"bills\+[0-9a-f]{32}@haneul\.example", str(question["Reply-To"]))
    assert found is not None, question["Reply-To"]
    return found[0]


def test_an_answer_to_the_questions_own_address_stands_beside_the_invoice(office: Office, web: TestClient) -> None:
    made, question = asked(office, web)
    answer = mail("Two.\n> One month or two?", to=reply_to(question), sender="Kim <kim@elsewhere.example>")
    assert taken(office, attached(answer, ("fixed.xml", sound_ubl(net="200.00")))) is IncomingOutcome.REPLY
    thread = comments(office, web, made)
    assert [(each["text"], each["via"]) for each in thread] == [("One month or two?", "api"), ("Two.", "mail")]
    assert (thread[1]["author"], thread[1]["visibility"]) == ("Kim (kim@elsewhere.example)", "inside")
    assert [each["file_name"] for each in thread[1]["attachments"]] == ["fixed.xml"]
    [told] = office.deliver()
    assert "dan@" in str(told["To"])
    assert "Two." in text_of(told)
    assert len(rows(office, Invoice)) == 1
    page = Browser(web, "dan").open(f"/invoices/{made['id']}").text
    assert "by mail, from outside" in page
    assert "Kim (kim@elsewhere.example) wrote a comment, by mail" in page


def test_an_answer_is_known_by_the_mail_that_it_answers_where_it_comes_from_whom_was_asked(
    office: Office, web: TestClient
) -> None:
    made, question = asked(office, web)
    stranger = mail("Two.", sender="x@stranger.example", In_Reply_To=str(question["Message-ID"]))
    assert taken(office, stranger.as_bytes()) is IncomingOutcome.KEPT
    supplier = mail("Two.", sender="Bills@Aurora.example", In_Reply_To=str(question["Message-ID"]))
    assert taken(office, supplier.as_bytes()) is IncomingOutcome.REPLY
    assert [each["text"] for each in comments(office, web, made)] == ["One month or two?", "Two."]


def test_an_answer_that_comes_twice_stands_there_once(office: Office, web: TestClient) -> None:
    made, question = asked(office, web)
    answer = mail("Two.", to=reply_to(question), Message_ID="<1@aurora.example>").as_bytes()
    for _ in range(2):
        assert taken(office, answer) is IncomingOutcome.REPLY
    assert len(comments(office, web, made)) == 2


def test_an_out_of_office_note_is_no_answer(office: Office, web: TestClient) -> None:
    made, question = asked(office, web)
    note = mail("I am away.", to=reply_to(question), Auto_Submitted="auto-replied")
    assert taken(office, note.as_bytes()) is IncomingOutcome.KEPT
    assert len(comments(office, web, made)) == 1


def test_each_question_has_an_address_that_is_kept_nowhere(office: Office, web: TestClient) -> None:
    made, question = asked(office, web)
    dan = Program(web, office, "dan")
    dan.post(f"/api/invoices/{made['id']}/settlement")
    dan.post(f"/api/invoices/{made['id']}/dispute", {"question": "And now?", "to": "bills@aurora.example"})
    [again] = [each for each in office.deliver() if "aurora" in str(each["To"])]
    assert reply_to(question) != reply_to(again)


def test_without_a_mailbox_the_answer_goes_to_whoever_asks(office: Office, web: TestClient) -> None:
    object.__setattr__(office.runtime.settings, "invoices_mailbox_address", "")
    _, question = asked(office, web)
    assert "dan@haneul.example" in str(question["Reply-To"])


def test_administrators_see_what_was_put_aside_and_why(office: Office, web: TestClient) -> None:
    taken(office, attached(mail(), ("one.xml", sound_ubl())))
    taken(office, attached(mail(sender='"<b>Eve</b>" <eve@x.example>'), ("order.xml", b"<order/>")))
    ada = Browser(web, "ada")
    page = ada.open("/incoming")
    assert "I-2026-0001" in page.text
    assert "Eve" in page.text
    aside = ada.open("/incoming?outcome=kept")
    assert "I-2026-0001" not in aside.text
    [row] = [each for each in rows(office, IncomingMail) if each.outcome is IncomingOutcome.KEPT]
    assert aside.all("a", href=f"/incoming/{row.id}")
    raw = web.get(f"/incoming/{row.id}/mail", headers={"Cookie": ada.cookie})
    assert raw.headers["content-disposition"].startswith("attachment")
    assert b"order.xml" in raw.content
    assert "order.xml" in Browser(web, "dan").open("/incoming").text, "whoever may hand in invoices does, too"


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with dovecot() as server:
        yield server


def watching(office: Office, url: str) -> Runtime:
    from pydantic import SecretStr

    settings = office.runtime.settings.model_copy(update={"invoices_mailbox_url": SecretStr(url)})
    return replace(office.runtime, settings=settings)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_real_mailbox_is_emptied_into_done_and_refused(office: Office, server: ImapServer) -> None:
    good, bad = attached(mail(), ("송장.xml", sound_ubl())), attached(mail(), ("order.xml", b"<order/>"))
    for each in (good, bad, good):
        server.put(each)
    runtime = watching(office, server.url())
    assert hand_in_from_mailbox(runtime, now=office.now) == 3
    assert hand_in_from_mailbox(runtime, now=office.now) == 0
    assert (server.inside("INBOX"), len(server.inside("INBOX.Done"))) == ([], 2)
    assert [b"order.xml" in each for each in server.inside("INBOX.Refused")] == [True]
    assert server.unread("INBOX.Done") == 2, "nobody has read them"
    assert len(rows(office, Invoice)) == 1


class Closed(FolderBlobStore):
    def put(self, data: bytes, **how: Any) -> BlobRef:
        raise StoreUnavailable("The store of documents cannot be reached.")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_mails_wait_where_they_are_as_long_as_nothing_can_be_kept(
    office: Office, server: ImapServer, tmp_path: Path
) -> None:
    server.put(attached(mail(), ("one.xml", sound_ubl())))
    server.put(attached(mail(), ("order.xml", b"<order/>")))
    runtime = watching(office, server.url())
    assert hand_in_from_mailbox(replace(runtime, blobs=Closed(tmp_path / "closed")), now=office.now) == 0
    assert len(server.inside("INBOX")) == 2
    assert hand_in_from_mailbox(runtime, now=office.now) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_mail_too_large_is_not_read(office: Office, server: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letterbox, "MOST_BYTES", 2000)
    server.put(attached(mail(), ("one.xml", sound_ubl())))
    assert hand_in_from_mailbox(watching(office, server.url()), now=office.now) == 1
    [row] = rows(office, IncomingMail)
    assert (row.outcome, row.key, rows(office, Invoice)) == (IncomingOutcome.KEPT, "", [])
    assert len(server.inside("INBOX.Refused")) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_folder_of_its_own_with_a_korean_name_over_tls(office: Office, tmp_path: Path) -> None:
    made = Certificates(tmp_path / "certificates")
    with dovecot(certificate=made.certificate, key=made.key, ca=made.ca) as server:
        server.create("&waHHpQ-")
        server.put(attached(mail(), ("one.xml", sound_ubl())), "&waHHpQ-")
        assert hand_in_from_mailbox(watching(office, server.url("송장")), now=office.now) == 1
        assert len(server.inside("&waHHpQ-.Done")) == 1
        untrusted = server.url("송장").partition("?")[0]
        assert hand_in_from_mailbox(watching(office, untrusted), now=office.now) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_mailbox_that_cannot_be_read_is_told_in_the_log_without_its_password(
    office: Office, server: ImapServer, caplog: pytest.LogCaptureFixture
) -> None:
    for url in (server.url().replace("bills:", "nobody:"), "imap://a:s3cret@127.0.0.1:9/INBOX?starttls=never", "x:y"):
        assert hand_in_from_mailbox(watching(office, url), now=office.now) == 0
    assert caplog.text.count("The mailbox for invoices cannot be read") == 3
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    "wrong", ["", "http://a:b@c", "imap://c/INBOX", "imaps://a:b@c?x=1", "imap://a:b@c?starttls=no"]
)
def test_an_address_that_means_nothing_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="SIGNOFF_INVOICES_MAILBOX_URL is"):
        place_of(wrong)

"""A document sent to somebody for reading: by a link for one version, opened by a button, revocable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from tests.invoices.samples import sound_ubl
from tests.support.office import PASSWORD, Office, link_in, text_of
from tests.support.pdfs import plain_pdf
from tests.support.web import HTML, Browser, token
from workflows.sendings.model import Sending
from workflows.sendings.rules import MOST_AN_HOUR

INVOICE = """\
name: quick-invoice
document: invoice
priority: 5
stages:
  - {name: manager, approvers: {manager_of: submitter}}
"""
OUTSIDER = "Sora@Partner.example"


@pytest.fixture
def office(office: Office) -> Office:
    """Dan hands documents in, Mia decides; Cho is a colleague on no route; Eve works elsewhere."""
    office.now = datetime.now(UTC)
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    office.person("cho", password=PASSWORD, locale="ko")
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.person("eve", organisation="Elsewhere", password=PASSWORD)
    office.route(INVOICE)
    return office


@pytest.fixture
def invoice(office: Office, web: TestClient) -> str:
    """Its address below /api."""
    file = {"file": ("송장 2026.xml", sound_ubl(), "application/xml")}
    made = web.post("/api/invoices", files=file, headers=token(office, "dan"))
    assert made.status_code == 201, made.text
    office.deliver()
    return f"/api/invoices/{made.json()['id']}"


def sent(office: Office, web: TestClient, paper: str, who: str = "dan", status: int = 201, **body: Any) -> Any:
    made = web.post(f"{paper}/sendings", json={"to": OUTSIDER, **body}, headers=token(office, who))
    assert made.status_code == status, made.text
    return made.json()


def test_a_link_shows_who_sent_what_and_opens_by_its_button_alone(
    office: Office, web: TestClient, invoice: str
) -> None:
    made = sent(office, web, invoice, note="Is this <b>ours</b>?", name="Sora Kim")
    assert (made["state"], made["to"], made["inside"], made["openings"]) == ("sent", OUTSIDER.lower(), False, 0)
    [mail] = office.deliver()
    assert "Dan sends you an invoice to read." in text_of(mail)
    assert "Is this <b>ours</b>?" in text_of(mail)
    assert str(mail["Reply-To"]) == "Dan <dan@haneul.example>"
    link = link_in(mail)
    for _ in range(3):
        assert web.head(link).status_code == 200
        landing = web.get(link, headers=HTML)
        assert "Is this &lt;b&gt;ours&lt;/b&gt;?" in landing.text
        assert "/pages/1.png" not in landing.text
    for closed in (f"{link}/pages/1.png", f"{link}/file"):
        assert web.get(closed).status_code == 403
    untouched = web.get(f"{invoice}/sendings", headers=token(office, "dan")).json()["items"]
    assert untouched == [made], "whoever only looks leaves no trace, scanners neither"

    sora = web.post(f"{link}/receipt", headers=HTML, follow_redirects=False)
    assert sora.status_code == 303
    assert web.get(f"{link}/pages/1.png").content.startswith(b"\x89PNG")
    assert "/pages/1.png" in web.get(link, headers=HTML).text
    file = web.get(f"{link}/file")
    assert file.content == sound_ubl(), "the data of an invoice stand in the file that came"
    assert "attachment" in file.headers["content-disposition"]
    [after] = web.get(f"{invoice}/sendings", headers=token(office, "dan")).json()["items"]
    assert (after["state"], after["openings"]) == ("opened", 1)


def test_what_was_opened_in_one_browser_is_closed_in_the_next(office: Office, web: TestClient, invoice: str) -> None:
    sent(office, web, invoice)
    link = link_in(office.deliver()[0])
    web.post(f"{link}/receipt")
    cookies = dict(web.cookies)
    assert web.get(f"{link}/file").status_code == 200
    web.cookies.clear()
    assert web.get(f"{link}/file").status_code == 403
    web.post(f"{link}/receipt")
    web.cookies.clear()
    [after] = web.get(f"{invoice}/sendings", headers=token(office, "dan")).json()["items"]
    assert after["openings"] == 2

    sent(office, web, invoice)
    other = link_in(office.deliver()[0])
    borrowed = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    assert web.get(f"{other}/file", headers=borrowed).status_code == 403, "a receipt is for its own link"


def test_the_link_itself_is_kept_nowhere(office: Office, web: TestClient, invoice: str) -> None:
    answer = sent(office, web, invoice)
    secret = link_in(office.deliver()[0]).removeprefix("/s/")
    assert secret not in str(answer)
    with office.reading() as session:
        row = session.exec(select(Sending)).one()
    assert secret not in str(row)
    assert all(secret not in str(mail) for mail in office.queued())
    assert all(mail.sealed_link is None for mail in office.queued())


def test_a_link_gives_no_right_to_anything_else(office: Office, web: TestClient, invoice: str) -> None:
    """Who was sent a document sees this version by the link, and neither the document's page nor its later versions."""
    sent(office, web, invoice, to="cho@haneul.example")
    mail = office.deliver()[0]
    assert "님이 열람용으로 송장을 보냈습니다" in text_of(mail), "in their own language"
    assert web.get(invoice, headers=token(office, "cho")).status_code == 404
    link = link_in(mail)
    web.post(f"{link}/receipt")
    for other in ("/", "/invoices", invoice.removeprefix("/api")):
        assert web.get(other, headers=HTML, follow_redirects=False).status_code in (303, 404)


def test_a_revoked_link_opens_nothing_and_says_who_revoked_it(office: Office, web: TestClient, invoice: str) -> None:
    made = sent(office, web, invoice)
    link = link_in(office.deliver()[0])
    web.post(f"{link}/receipt")
    gone = web.post(f"{invoice}/sendings/{made['id']}/revocation", headers=token(office, "root"))
    assert gone.json()["state"] == "revoked"
    assert gone.json()["revoked_by"] == "Root"
    again = web.post(f"{invoice}/sendings/{made['id']}/revocation", headers=token(office, "dan"))
    assert again.json() == gone.json(), "twice is as once"
    assert "Root revoked this link on" in web.get(link, headers=HTML).text
    assert web.get(link, headers=HTML).status_code == 410
    for closed in (f"{link}/pages/1.png", f"{link}/file"):
        assert web.get(closed).status_code == 410, "also where it had been opened before"
    assert web.post(f"{link}/receipt").status_code == 410


def test_a_mail_that_has_not_left_does_not_leave_once_its_link_is_revoked(
    office: Office, web: TestClient, invoice: str
) -> None:
    first, second = sent(office, web, invoice), sent(office, web, invoice, to="other@partner.example")
    web.post(f"{invoice}/sendings/{first['id']}/revocation", headers=token(office, "dan"))
    [mail] = office.deliver()
    assert second["to"] in str(mail["To"])


def test_a_link_runs_out_after_the_days_that_were_chosen(office: Office, web: TestClient, invoice: str) -> None:
    made = sent(office, web, invoice, days=3)
    link = link_in(office.deliver()[0])
    at, until = (datetime.fromisoformat(made[name]) for name in ("at", "expires_at"))
    assert until - at == timedelta(days=3)
    usual = sent(office, web, invoice)
    assert datetime.fromisoformat(usual["expires_at"]) - datetime.fromisoformat(usual["at"]) == timedelta(days=14)
    web.post(f"{link}/receipt")
    with office.transaction() as session:
        row = session.exec(select(Sending).where(Sending.to_email == made["to"]).order_by("id")).first()
        assert row is not None
        row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    assert web.get(f"{link}/file").status_code == 410
    assert "This link ran out on" in web.get(link, headers=HTML).text
    assert web.post(f"{link}/receipt", headers=HTML).status_code == 410
    listed = web.get(f"{invoice}/sendings", headers=token(office, "dan")).json()["items"]
    assert [each["state"] for each in listed] == ["sent", "run_out"]


def test_the_file_goes_along_where_that_is_wanted(office: Office, web: TestClient, invoice: str) -> None:
    sent(office, web, invoice, with_file=True)
    [mail] = office.deliver()
    [attached] = list(mail.iter_attachments())
    assert attached.get_filename() == "송장 2026.xml"
    assert attached.get_content() == sound_ubl()
    whole = mail.as_bytes()
    assert whole.isascii(), "any server passes it"
    assert max(len(line) for line in whole.splitlines()) <= 998, "RFC 5322, 2.1.1"
    [arrived] = list(message_from_bytes(whole, policy=default).iter_attachments())
    assert (arrived.get_filename(), arrived.get_content()) == ("송장 2026.xml", sound_ubl())
    assert "송장 2026.xml" in text_of(mail)


def test_a_file_too_large_for_a_mail_is_sent_as_a_link(office: Office, web: TestClient, invoice: str) -> None:
    object.__setattr__(office.runtime.settings, "sending_file_bytes", 1000)
    refused = sent(office, web, invoice, with_file=True, status=422)
    assert refused["field"] == "with_file"
    assert "Please send the link alone." in refused["detail"]
    sent(office, web, invoice)
    assert not list(office.deliver()[0].iter_attachments())


def test_nothing_leaves_the_house_where_the_settings_say_so(office: Office, web: TestClient, invoice: str) -> None:
    object.__setattr__(office.runtime.settings, "sendings_outside", False)
    for address in (OUTSIDER, "eve@haneul.example"):
        refused = sent(office, web, invoice, to=address, status=422)
        assert refused["field"] == "to"
    assert sent(office, web, invoice, to="cho@haneul.example")["inside"] is True
    assert len(office.deliver()) == 1


def test_the_same_request_again_sends_one_mail(office: Office, web: TestClient, invoice: str) -> None:
    headers = {**token(office, "dan"), "Idempotency-Key": "once"}
    body = {"to": OUTSIDER, "note": "Please look."}
    first = web.post(f"{invoice}/sendings", json=body, headers=headers)
    again = web.post(f"{invoice}/sendings", json=body, headers=headers)
    assert first.json() == again.json()
    other = web.post(f"{invoice}/sendings", json={**body, "note": "Else."}, headers=headers)
    assert other.status_code == 422
    assert len(office.deliver()) == 1


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("to", {"to": "nobody"}),
        ("to", {"to": "a@b.example\r\nBcc: c@d.example"}),
        ("note", {"note": "x" * 2001}),
        ("days", {"days": 0}),
        ("days", {"days": 366}),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(
    office: Office, web: TestClient, invoice: str, field: str, body: dict[str, Any]
) -> None:
    assert sent(office, web, invoice, status=422, **body)["field"] == field
    assert office.deliver() == []


def test_who_may_not_see_a_document_cannot_send_it(office: Office, web: TestClient, invoice: str) -> None:
    for name in ("cho", "eve"):
        sent(office, web, invoice, who=name, status=404)
        assert web.get(f"{invoice}/sendings", headers=token(office, name)).status_code == 404


def test_whoever_is_of_another_house_neither_sends_it_on_nor_reads_to_whom_it_was_sent(
    office: Office, web: TestClient
) -> None:
    """A contract's approver of another organisation sees the contract, and nothing of this."""
    office.route(
        "name: together\ndocument: contract\npriority: 9\nstages:\n"
        "  - {name: them, approvers: {people: [eve@haneul.example]}}\n"
    )
    paper = f"/api/contracts/{office.contract('dan').id}"
    office.deliver()
    made = sent(office, web, paper, note="Between us.")
    assert web.get(paper, headers=token(office, "eve")).status_code == 200
    assert sent(office, web, paper, who="eve", status=403)["code"] == "forbidden"
    assert web.get(f"{paper}/sendings", headers=token(office, "eve")).json() == {"items": []}
    revoked = web.post(f"{paper}/sendings/{made['id']}/revocation", headers=token(office, "eve"))
    assert revoked.status_code == 404
    told = web.get(f"{paper}/events", headers=token(office, "eve")).text
    assert "Between us." not in told
    assert OUTSIDER.lower() not in told
    link = link_in(office.deliver()[0])
    web.post(f"{link}/receipt")
    assert web.get(f"{link}/file").content.startswith(b"%PDF")


def test_others_than_the_sender_and_whoever_keeps_it_cannot_revoke(
    office: Office, web: TestClient, invoice: str
) -> None:
    made = sent(office, web, invoice)
    refused = web.post(f"{invoice}/sendings/{made['id']}/revocation", headers=token(office, "mia"))
    assert refused.status_code == 403
    by_mia = sent(office, web, invoice, who="mia")
    assert web.post(f"{invoice}/sendings/{by_mia['id']}/revocation", headers=token(office, "mia")).status_code == 201


def test_nobody_sends_without_measure(office: Office, web: TestClient, invoice: str) -> None:
    with office.transaction() as session:
        for number in range(MOST_AN_HOUR):
            session.add(
                Sending(
                    process="invoice",
                    subject_id=UUID(invoice.rpartition("/")[2]),
                    version_number=1,
                    token_sha256=f"{number:064d}",
                    to_name="x",
                    to_email="x@x.example",
                    locale="en",
                    timezone="UTC",
                    inside=False,
                    with_file=False,
                    by_id=office.people["dan"].id,
                    by="Dan",
                    at=datetime.now(UTC) - timedelta(minutes=59 if number == 0 else 1),
                    expires_at=datetime.now(UTC),
                )
            )
    refused = web.post(f"{invoice}/sendings", json={"to": OUTSIDER}, headers=token(office, "dan"))
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    sent(office, web, invoice, who="mia")


def test_guessing_links_is_slowed_down(web: TestClient, office: Office) -> None:
    from api.pages.received import unknown_links

    unknown_links._tries.clear()
    answers = [web.get(f"/s/{'x' * 43}").status_code for _ in range(62)]
    unknown_links._tries.clear()
    assert set(answers[:60]) == {404}
    assert answers[-1] == 429


def test_the_page_sends_shows_and_revokes(office: Office, web: TestClient, invoice: str) -> None:
    dan = Browser(web, "dan")
    here = invoice.removeprefix("/api")
    dan.open(here)
    for days in ("900", "0", "²", "0000301", "000030" + "9" * 5000):
        refused = dan.send(f"{here}/sendings", status=422, to="sora@partner.example", days=days, note="Look.")
        assert "A link works for 1 to 365 days." in refused.text
    shown = dan.send(f"{here}/sendings", to="sora@partner.example", name="Sora", days="5", note="Look.", with_file="1")
    assert "Sent; a mail is on its way to them" in shown.text
    assert "Not opened yet" in shown.text
    mail = office.deliver()[0]
    assert list(mail.iter_attachments())
    sora = Browser(web)
    landing = sora.open(link_in(mail))
    assert "Dan of Haneul Logistics sends you this invoice to read." in landing.text
    opened = web.post(f"{link_in(mail)}/receipt", headers=HTML, follow_redirects=False)
    sora.cookie = opened.headers["set-cookie"].partition(";")[0]
    web.cookies.clear()
    assert "The document, one page" in sora.open(link_in(mail)).text
    page = dan.open(here)
    assert "Opened on" in page.text
    assert "Sora (sora@partner.example) opened version 1, which was sent, by the mailed link" in page.text
    action = next(
        each.attributes["action"] for each in page.all("form") if each.attributes["action"].endswith("/revocation")
    )
    assert "Revoked by Dan on" in dan.send(action).text
    assert "Dan revoked this link on" in sora.open(link_in(mail), status=410).text


def test_a_form_sent_twice_sends_one_mail(office: Office, web: TestClient, invoice: str) -> None:
    dan, here = Browser(web, "dan"), invoice.removeprefix("/api")
    form = dan.open(here)
    for _ in range(2):
        dan.page = form
        dan.send(f"{here}/sendings", to="sora@partner.example", days="5")
    assert len(office.deliver()) == 1


def test_a_sealed_contract_is_sent_as_it_is_sealed(office: Office, web: TestClient) -> None:
    office.route(
        "name: quick\ndocument: contract\npriority: 9\nstages:\n"
        "  - {name: manager, approvers: {manager_of: submitter}}\n"
    )
    contract = office.contract("dan", pdf=plain_pdf("Lease"))
    office.decide("mia", contract=contract)
    office.carry_on(contract)
    office.deliver()
    sent(office, web, f"/api/contracts/{contract.id}", with_file=True)
    [mail] = office.deliver()
    [attached] = list(mail.iter_attachments())
    assert attached.get_content() == office.sealed_file(contract)
    link = link_in(mail)
    web.post(f"{link}/receipt")
    assert web.get(f"{link}/file").content == office.sealed_file(contract)

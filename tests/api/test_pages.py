"""What people do on the pages: every form, on either database."""

from __future__ import annotations

import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from api.main import create_app
from tests.support.office import PASSWORD, Office, open_office
from tests.support.pdfs import plain_pdf, with_user_password
from tests.support.web import Browser, notice
from workflows.approvals.queries import current_routes
from workflows.contracts.model import Contract
from workflows.parties.model import Person

ROUTE = """\
name: one-stage
document: contract
priority: 10
stages:
  - name: legal
    approvers: {group: legal}
"""
PDF = ("lease.pdf", plain_pdf(), "application/pdf")


@pytest.fixture
def office(office: Office) -> Office:
    office.person("dan", password=PASSWORD)
    office.person("ann", groups=["legal"], password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.person("eve", organisation="Elsewhere", roles=["administrator"], password=PASSWORD)
    office.route(ROUTE)
    return office


def contracts(office: Office) -> list[Contract]:
    with office.reading() as session:
        return list(session.exec(select(Contract)))


def test_a_contract_is_sent_by_the_form(office: Office, web: TestClient) -> None:
    dan = Browser(web, "dan")
    dan.open("/contracts/new")
    page = dan.send(
        "/contracts",
        file=PDF,
        title="Forklift fleet lease",
        kind="lease",
        amount="84,600.00",
        currency="eur",
        counterparty="Nordwerk Maschinen GmbH",
        ends_on="2029-06-30",
        notice_days="90",
        signer_name=["Šárka Černá", "", "박도윤"],
        signer_email=["sarka@nordwerk.example", "", "doyun@haneul.example"],
        signer_organisation=["Nordwerk", "", ""],
        signer_title=["", "", "CFO"],
    )
    assert page.one("h1").text == "Forklift fleet lease"
    assert "EUR 84,600.00" in page.text
    (made,) = contracts(office)
    assert [(each["name"], each["email"], each["title"]) for each in made.signers] == [
        ("Šárka Černá", "sarka@nordwerk.example", ""),
        ("박도윤", "doyun@haneul.example", "CFO"),
    ]
    assert made.cancel_by is not None
    assert made.cancel_by.isoformat() == "2029-04-01"
    assert office.open_tasks() == ["ann"]


def test_a_button_pressed_twice_sends_once(office: Office, web: TestClient) -> None:
    dan = Browser(web, "dan")
    form = dan.open("/contracts/new")
    for _ in range(2):
        dan.page = form
        dan.send("/contracts", file=PDF, title="Once")
    assert [each.title for each in contracts(office)] == ["Once"]
    dan.page = form
    dan.send("/contracts", file=PDF, title="Went back and sent another")
    assert len(contracts(office)) == 2


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"title": " "}, "title", "A contract needs a title."),
        ({"amount": "a lot"}, "amount", "An amount is a number"),
        ({"amount": "5"}, "currency", "An amount needs its currency"),
        ({"starts_on": "2027-01-01", "ends_on": "2026-01-01"}, "ends-on", "ends before it starts"),
        ({"contact_email": "nobody"}, "contact-email", "is not an e-mail address"),
        ({"route": "shortcut"}, "route", "There is no route"),
    ],
)
def test_what_cannot_be_sent_is_said_at_its_field_and_all_else_is_kept(
    office: Office, web: TestClient, typed: dict[str, str], field: str, words: str
) -> None:
    dan = Browser(web, "dan")
    dan.open("/contracts/new")
    page = dan.send("/contracts", 422, file=PDF, **{"title": "Kept", "counterparty": "Böhm, Lukas", **typed})
    assert "Nothing has been sent yet" in notice(page)
    assert words in notice(page)
    at = page.one("input", "select", id=field)
    assert at.attributes["aria-invalid"] == "true"
    assert words in page.one("p", id=f"{field}-error").text
    assert page.one("input", id="counterparty").attributes["value"] == "Böhm, Lukas"
    assert contracts(office) == []


def test_a_file_with_a_password_is_asked_for_it(office: Office, web: TestClient) -> None:
    dan = Browser(web, "dan")
    dan.open("/contracts/new")
    locked = ("locked.pdf", with_user_password("open sesame"), "application/pdf")
    page = dan.send("/contracts", 422, file=locked, title="Locked")
    assert page.one("input", id="password").attributes["type"] == "password"
    page = dan.send("/contracts", file=locked, title="Locked", password="open sesame")
    assert page.one("h1").text == "Locked"


def test_a_form_without_its_token_or_from_elsewhere_changes_nothing(office: Office, web: TestClient) -> None:
    dan = Browser(web, "dan")
    contract = office.contract("dan")
    dan.open(f"/contracts/{contract.id}")
    page = dan.send(f"/contracts/{contract.id}/withdrawal", 403, csrf_token="guessed")
    assert "Nothing was changed" in page.text
    answer = web.post(
        f"/contracts/{contract.id}/withdrawal",
        headers={"Cookie": dan.cookie, "Origin": "https://elsewhere.example"},
    )
    assert answer.status_code == 403
    assert office.state(contract) == "in_review"


def test_somebody_asked_decides_at_the_desk(office: Office, web: TestClient) -> None:
    contract = office.contract("dan")
    ann = Browser(web, "ann")
    inbox = ann.open("/")
    assert inbox.one("span", **{"class": "count"}).text.startswith("1")
    page = ann.open(f"/contracts/{contract.id}")
    action = page.one("form", id="decision").attributes["action"]
    page = ann.send(action, 422, verdict="reject", comment="")
    assert "Nothing has been recorded" in notice(page)
    assert office.open_tasks() == ["ann"]
    page = ann.send(action, verdict="approve", comment="Fine.")
    assert "You have approved this contract" in notice(page)
    assert not page.all("form", id="decision")
    assert "Ann approved version 1" in page.text
    assert office.state(contract) == "approved"


def test_a_page_that_is_out_of_date_records_nothing_and_keeps_what_was_typed(office: Office, web: TestClient) -> None:
    contract = office.contract("dan")
    ann = Browser(web, "ann")
    page = ann.open(f"/contracts/{contract.id}")
    action = page.one("form", id="decision").attributes["action"]
    page = ann.send(action, 409, verdict="approve", comment="Fine by me.", version_sha256="0" * 64)
    assert "The document has changed since you opened it" in notice(page)
    assert page.one("textarea", id="comment").text == "Fine by me."
    assert office.open_tasks() == ["ann"]


def test_what_was_sent_back_comes_again_as_a_new_version(office: Office, web: TestClient) -> None:
    contract = office.contract("dan")
    office.decide("ann", "send_back", comment="Ninety days, please.")
    dan = Browser(web, "dan")
    assert "Sent back to you" in dan.open("/").text
    page = dan.open(f"/contracts/{contract.id}")
    assert "It was sent back to you" in page.text
    assert "Ninety days, please." in page.text
    form = f"/contracts/{contract.id}/versions"
    dan.open(f"{form}/new")
    page = dan.send(form, 409, file=PDF, note="Ninety days.")
    assert "This is the very file that is there already" in notice(page)
    page = dan.send(form, file=("lease.pdf", plain_pdf("Ninety days"), "application/pdf"), note="Ninety days.")
    assert "Version 2" in page.one("h2", id="document").text
    assert office.open_tasks() == ["ann"]


def test_the_owner_withdraws_and_sends_links_again_and_nobody_else_does(office: Office, web: TestClient) -> None:
    contract = office.contract("dan")
    office.deliver()
    dan, ann = Browser(web, "dan"), Browser(web, "ann")
    page = ann.open(f"/contracts/{contract.id}")
    assert not [each for each in page.all("form") if each.attributes["action"].endswith(("/withdrawal", "/link"))]

    page = dan.open(f"/contracts/{contract.id}")
    (again,) = [each.attributes["action"] for each in page.all("form") if each.attributes["action"].endswith("/link")]
    token = ann.page.all("input", name="csrf_token")[0].attributes["value"]
    refused = web.post(again, data={"csrf_token": token}, headers={"Cookie": ann.cookie})
    assert refused.status_code == 403
    elsewhere = again.replace(str(contract.id), str(office.contract("dan", title="Another").id))
    office.deliver()
    token = dan.page.all("input", name="csrf_token")[0].attributes["value"]
    assert web.post(elsewhere, data={"csrf_token": token}, headers={"Cookie": dan.cookie}).status_code == 404
    assert office.deliver() == [], "the task belongs to another contract"
    page = dan.send(again)
    assert "A new link is on its way" in notice(page)
    assert len(office.deliver()) == 1

    page = dan.send(f"/contracts/{contract.id}/withdrawal", comment="No longer needed.")
    assert "Withdrawn" in notice(page)
    assert office.state(contract) == "withdrawn"


def test_a_contract_of_another_organisation_is_not_there(office: Office, web: TestClient) -> None:
    contract = office.contract("dan")
    eve = Browser(web, "eve")
    for address in ("", "/print", "/history", "/versions/compare", "/versions/1/text", "/versions/1/original.pdf"):
        eve.open(f"/contracts/{contract.id}{address}", 404)
    assert "No contracts yet" in eve.open("/contracts").text
    for action in ("withdrawal", "versions"):
        answer = web.post(
            f"/contracts/{contract.id}/{action}",
            data={"csrf_token": eve.page.all("input", name="csrf_token")[0].attributes["value"]},
            files={"file": PDF},
            headers={"Cookie": eve.cookie},
        )
        assert answer.status_code == 404, action


def test_somebody_signs_at_the_desk(office: Office, web: TestClient) -> None:
    office.person("doyun", password=PASSWORD)
    contract = office.contract("dan", signers=["doyun"])
    office.decide("ann")
    office.carry_on(contract)
    doyun = Browser(web, "doyun")
    page = doyun.open(f"/contracts/{contract.id}")
    (address,) = [each.attributes["href"] for each in page.all("a") if each.attributes["href"].endswith("/signature")]
    doyun.open(address)
    page = doyun.send(address, 422, name="박도윤")
    assert "tick that you agree" in notice(page)
    assert page.one("input", id="name").attributes["value"] == "박도윤"
    page = doyun.send(address, name="박도윤", consent="yes")
    assert "You have signed this contract" in notice(page)
    assert office.state(contract) == "sealing"


def test_long_lists_come_in_pages(office: Office, web: TestClient) -> None:
    for number in range(23):
        office.contract("dan", title=f"Contract {number}")
    dan = Browser(web, "dan")
    page = dan.open("/contracts")
    assert len(page.one("tbody").all("tr")) == 20
    page = dan.open(page.one("a", rel="next").attributes["href"])
    assert len(page.one("tbody").all("tr")) == 3
    assert not page.all("a", rel="next")


def test_a_route_is_checked_tried_and_published_by_its_text(office: Office, web: TestClient) -> None:
    root = Browser(web, "root")
    root.open("/routes/new")
    broken = ROUTE.replace("group: legal", "grup: legal")
    page = root.send("/routes", 422, do="check", source=broken)
    assert [each.text for each in page.one("ol", **{"class": "findings"}).all("a")] == ["Line 6"]
    assert page.one("textarea", id="source").children == ["\n" + broken]  # a browser drops the first line end

    calendar = 'calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}\n'
    changed = calendar + ROUTE + "    due: 2 business days\n"
    root.open("/routes/one-stage")
    page = root.send("/routes/one-stage", do="check", source=changed)
    assert "The route is sound" in notice(page)
    trial: dict[str, Any] = {
        "submitter": "dan@haneul.example",
        "amount": "1,000",
        "currency": "EUR",
        "facts": f"risk = high\nheads = 12\nlarge = {'9' * 5000}\nsquare = ²",
    }
    page = root.send("/routes/one-stage", do="try", source=changed, **trial)
    assert "Ann" in page.one("tbody").text
    assert "+2 business days" in page.one("tbody").text
    with office.reading() as session:
        assert [each.version for each in current_routes(session)] == [1]

    page = root.send("/routes/one-stage", do="publish", source=changed)
    assert "The route itself differs: calendar." in page.text  # what differs is seen before anything is published
    assert "The stage “legal” differs: due time." in page.text
    page = root.send("/routes/one-stage", do="publish", source=changed)
    assert "Version 2 is published." in notice(page)
    page = root.send("/routes/one-stage", 422, do="check", source=changed.replace("one-stage", "another"))
    assert "The route calls itself another" in notice(page)


def test_only_administrators_see_routes_and_people(office: Office, web: TestClient) -> None:
    dan = Browser(web, "dan")
    for address in ("/routes", "/routes/new", "/routes/one-stage", "/people"):
        assert "Only administrators may do this." in dan.open(address, 403).text
    dan.open("/")
    token = dan.page.all("input", name="csrf_token")[0].attributes["value"]
    for address in ("/routes", "/people"):
        answer = web.post(address, data={"csrf_token": token, "source": ROUTE}, headers={"Cookie": dan.cookie})
        assert answer.status_code == 403


def test_an_administrator_adds_somebody_who_can_then_sign_in(office: Office, web: TestClient) -> None:
    root = Browser(web, "root")
    root.open("/people")
    page = root.send("/people", 422, name="Yuna Choi", email="yuna@haneul.example", password="short")
    assert "at least 12 characters" in notice(page)
    page = root.send(
        "/people",
        name="최유나",
        email="Yuna@Haneul.example",
        manager="ann@haneul.example",
        groups="legal, security",
        password=PASSWORD,
    )
    assert "legal, security" in page.text
    Browser(web, "yuna").open("/")
    with office.reading() as session:
        made = session.exec(select(Person).where(Person.email == "yuna@haneul.example")).one()
        assert made.organisation_id == office.organisation.id


def test_everybody_chooses_their_language_and_zone(office: Office, web: TestClient) -> None:
    dan = Browser(web, "dan")
    dan.open("/settings")
    page = dan.send("/settings", locale="ko", timezone="Europe/Prague")
    assert page.one("html").attributes["lang"] == "ko"
    contract = office.contract("dan")
    assert re.search(r"2026년 5월 21일\(목\) 02:31:\d\d CEST", dan.open(f"/contracts/{contract.id}").text)
    dan.open("/settings")
    page = dan.send("/settings", 422, locale="ko", timezone="Mars/Olympus")
    assert "바뀐 것이 없습니다" in notice(page)


def test_a_new_password_needs_the_present_one_and_signs_every_browser_out(office: Office, web: TestClient) -> None:
    dan, elsewhere = Browser(web, "dan"), Browser(web, "dan")
    dan.open("/settings")
    page = dan.send("/settings/password", 422, old="a guess", password="battery staple horse")
    assert "That is not your present password" in notice(page)
    elsewhere.open("/")
    dan.send("/settings/password", old=PASSWORD, password="battery staple horse")
    assert elsewhere.open("/").one("h1").text == "Sign in"


def test_anybody_verifies_a_file(office: Office, web: TestClient) -> None:
    contract = office.contract("dan")
    office.decide("ann")
    office.carry_on(contract)
    dan, stranger = Browser(web, "dan"), Browser(web)
    page = dan.open(f"/contracts/{contract.id}")
    (address,) = {each.attributes["href"] for each in page.all("a") if each.attributes["href"].endswith("sealed.pdf")}
    sealed = web.get(address, headers={"Cookie": dan.cookie}).content

    stranger.open("/verify")
    page = stranger.send("/verify", file=("sealed.pdf", sealed, "application/pdf"))
    assert page.one("h1").within("div").attributes["class"] == "notice good verdict"  # type: ignore[union-attr]
    changed = bytearray(sealed)
    changed[sealed.index(b"stream") + 20] ^= 1
    page = stranger.send("/verify", file=("sealed.pdf", bytes(changed), "application/pdf"))
    assert page.one("h1").within("div").attributes["class"] == "notice bad verdict"  # type: ignore[union-attr]
    page = stranger.send("/verify", file=("note.pdf", b"not a PDF", "application/pdf"))
    assert "This is not a PDF file." in page.one("h1").text


def test_the_mailbox_shows_mails_without_giving_them_our_rights(office: Office, web: TestClient) -> None:
    folder = office.runtime.settings.home / "mailbox"
    folder.mkdir()
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "계약 검토", "signoff@localhost", "ann@haneul.example"
    mail["Date"], mail["Message-ID"] = "Thu, 21 May 2026 09:31:00 +0900", "<1@localhost>"
    mail.set_content("Read it: http://localhost:8000/t/abc\n")
    mail.add_alternative('<p style="color:red">Read it</p><script>alert(1)</script>', subtype="html")
    (folder / "01747787460000000000-0123abcd.eml").write_bytes(bytes(mail))

    reader = Browser(web)
    page = reader.open("/mailbox")
    address = page.one("a", **{"class": "title"}).attributes["href"]
    page = reader.open(address)
    assert page.one("h1").text == "계약 검토"
    assert "http://localhost:8000/t/abc" in [each.attributes["href"] for each in page.all("a")]
    policy = web.get(f"{address}/html").headers["content-security-policy"]
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    reader.open("/mailbox/nothing", 404)


def test_there_is_no_mailbox_with_a_mail_server(database_url: str, tmp_path: Path) -> None:
    office = open_office(database_url, tmp_path, mail_url="smtp://mail.example")
    with TestClient(create_app(runtime=office.runtime), headers={"Accept": "text/html"}) as web:
        for address in ("/mailbox", "/mailbox/messages", "/mailbox/01747787460000000000-0123abcd"):
            assert web.get(address).status_code == 404
    office.runtime.engine.dispose()

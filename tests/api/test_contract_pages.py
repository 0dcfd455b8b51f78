"""Finding contracts by their counterparty, tokens, reports to keep, and who may look into the mailbox."""

from __future__ import annotations

import json
from email.message import EmailMessage
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from api.main import create_app
from tests.api.test_pages import ROUTE
from tests.support.office import PASSWORD, Office
from tests.support.web import Browser, notice
from workflows.parties.model import ApiToken

MAIL = "01747787460000000000-0123abcd"


@pytest.fixture
def office(office: Office) -> Office:
    office.person("dan", password=PASSWORD)
    office.person("ann", groups=["legal"], password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.route(ROUTE)
    return office


def test_contracts_are_found_by_a_part_of_their_counterparty(office: Office, web: TestClient) -> None:
    office.contract("dan", title="Forklifts", counterparty="Nordwerk Maschinen GmbH")
    office.contract("dan", title="Printers", counterparty="한빛 사무기 100% 주식회사")
    dan = Browser(web, "dan")
    assert titles(dan, "/contracts?party=nordwerk") == ["Forklifts"]
    assert titles(dan, "/contracts?party=한빛") == ["Printers"]
    assert titles(dan, "/contracts?party=%25") == ["Printers"]
    page = dan.open("/contracts?party=nordwerk&state=in_force")
    assert page.one("input", id="party").attributes["value"] == "nordwerk"
    assert "You may see no contract with a counterparty of this name." in page.text
    views = [each.attributes["href"] for each in page.one("nav", **{"class": "views"}).all("a")]
    assert all("party=nordwerk" in each for each in views), views


def test_a_list_by_counterparty_goes_on_by_counterparty(office: Office, web: TestClient) -> None:
    for number in range(22):
        office.contract("dan", title=f"Lease {number}", counterparty="Nordwerk")
        if number % 2:
            office.contract("dan", title="Another", counterparty="Elsewhere")
    dan = Browser(web, "dan")
    page = dan.open("/contracts?party=nord")
    following = page.one("a", rel="next").attributes["href"]
    assert titles(dan, following) == ["Lease 1", "Lease 0"]


def titles(browser: Browser, address: str) -> list[str]:
    return [each.text for each in browser.open(address).all("a", **{"class": "title"})]


def test_a_sealed_version_is_offered_as_handed_in_and_as_sealed(office: Office, web: TestClient) -> None:
    contract = office.contract("dan")
    dan = Browser(web, "dan")
    assert not offered(dan, f"/contracts/{contract.id}", "sealed.pdf")
    office.decide("ann")
    office.carry_on(contract)
    for form in ("original.pdf", "readable.pdf", "sealed.pdf"):
        (address,) = offered(dan, f"/contracts/{contract.id}", form)
        answer = web.get(address, headers={"Cookie": dan.cookie})
        assert answer.content.startswith(b"%PDF-")
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]


def offered(browser: Browser, address: str, form: str) -> set[str]:
    links = {each.attributes["href"] for each in browser.open(address).all("a")}
    return {each for each in links if each.endswith(f"/{form}")}


def test_a_token_made_on_the_page_works_within_its_scopes(office: Office, web: TestClient) -> None:
    office.contract("dan", title="Forklifts")
    dan = Browser(web, "dan")
    dan.open("/settings")
    page = dan.send("/settings/tokens", name="Payroll", days="30", scopes=["contracts:read"], password=PASSWORD)
    assert "Copy it now" in notice(page)
    (secret,) = [each.text for each in page.all("p", **{"class": "hash"})]
    assert secret not in dan.open("/settings").text

    bearer = {"Authorization": f"Bearer {secret}", "Accept": "application/json"}
    assert [each["title"] for each in web.get("/api/contracts", headers=bearer).json()["items"]] == ["Forklifts"]
    refused = web.get("/api/tasks", headers=bearer)
    assert refused.status_code == 403
    with office.reading() as session:
        made = session.exec(select(ApiToken)).one()
    assert made.expires_at is not None
    assert (made.expires_at - made.created_at).days == 30
    assert secret not in made.token_sha256


@pytest.mark.parametrize(
    ("typed", "words", "field"),
    [
        ({"password": "a guess"}, "That is not your present password", "token-password"),
        ({"name": " "}, "A name is needed.", "token-name"),
        ({"scopes": []}, "Choose at least one thing", ""),
        ({"scopes": ["everything"]}, "There is no scope “everything”.", ""),
    ],
)
def test_a_token_is_refused_at_its_field_and_all_else_is_kept(
    office: Office, web: TestClient, typed: dict[str, Any], words: str, field: str
) -> None:
    dan = Browser(web, "dan")
    dan.open("/settings")
    page = dan.send(
        "/settings/tokens",
        422,
        **{"name": "Payroll", "days": "7", "scopes": ["tasks:read"], "password": PASSWORD, **typed},
    )
    assert words in notice(page)
    if field:
        assert words in page.one("p", id=f"{field}-error").text
    chosen = [each.attributes["value"] for each in page.all("input", name="scopes") if "checked" in each.attributes]
    assert chosen == [each for each in ("tasks:read",) if "scopes" not in typed]
    with office.reading() as session:
        assert session.exec(select(ApiToken)).all() == []


def test_a_token_is_not_made_without_the_forms_own_mark(office: Office, web: TestClient) -> None:
    dan = Browser(web, "dan")
    form = {"name": "Payroll", "scopes": "tasks:decide", "password": PASSWORD}
    assert web.post("/settings/tokens", data=form, headers={"Cookie": dan.cookie}).status_code == 403
    with office.reading() as session:
        assert session.exec(select(ApiToken)).all() == []


def test_the_report_on_a_file_can_be_kept(office: Office, web: TestClient) -> None:
    contract = office.contract("dan", title="계약")
    office.decide("ann")
    office.carry_on(contract)
    dan, stranger = Browser(web, "dan"), Browser(web)
    address = f"/contracts/{contract.id}/versions/1/sealed.pdf"
    sealed = web.get(address, headers={"Cookie": dan.cookie}).content
    stranger.open("/verify")
    page = stranger.send("/verify", file=("sealed.pdf", sealed, "application/pdf"))

    shown = page.one("form", action="/verify/report").one("input", name="report").attributes["value"]
    answer = web.post("/verify/report", data={"report": shown})
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["content-disposition"].startswith('attachment; filename="verification-')
    assert answer.json() == json.loads(shown)
    assert answer.json()["verdict"] == "sealed"


@pytest.mark.parametrize("nonsense", ["", "[]", "{}", '{"sha256": 5}', "<script>", "[" * 100_000])
def test_what_is_no_report_is_not_given_back(web: TestClient, nonsense: str) -> None:
    answer = web.post("/verify/report", data={"report": nonsense})
    assert answer.status_code == 422
    assert "This report cannot be read" in answer.text


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.7", {}, 403),
        ("10.0.0.4", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}, 403),
        ("127.0.0.1", {"X-Real-IP": "192.0.2.7"}, 403),
    ],
)
def test_the_mailbox_is_open_at_the_machine_itself_only(
    office: Office, peer: str, headers: dict[str, str], status: int
) -> None:
    a_mail_arrived(office)
    app = create_app(runtime=office.runtime)
    with TestClient(app, headers={"Accept": "text/html"}, client=(peer, 50000)) as web:
        for address in ("/mailbox", "/mailbox/messages", f"/mailbox/{MAIL}", f"/mailbox/{MAIL}/html"):
            answer = web.get(address, headers=headers)
            assert answer.status_code == status, address
            assert ("Read it" in answer.text) == (status == 200 and address != "/mailbox"), address


@pytest.mark.parametrize(("name", "status"), [("root", 200), ("dan", 403)])
def test_the_mailbox_is_open_to_administrators_from_elsewhere(office: Office, name: str, status: int) -> None:
    a_mail_arrived(office)
    app = create_app(runtime=office.runtime)
    options = {"headers": {"Accept": "text/html"}, "follow_redirects": False}
    with TestClient(app, client=("192.0.2.7", 50000), **options) as web:  # type: ignore[arg-type]  # of two types
        Browser(web, name).open("/mailbox", status)


def a_mail_arrived(office: Office) -> None:
    folder = office.runtime.settings.home / "mailbox"
    folder.mkdir()
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "계약 검토", "signoff@localhost", "ann@haneul.example"
    mail["Date"], mail["Message-ID"] = "Thu, 21 May 2026 09:31:00 +0900", "<1@localhost>"
    mail.set_content("Read it: http://localhost:8000/t/abc\n")
    mail.add_alternative("<p>Read it</p>", subtype="html")
    (folder / f"{MAIL}.eml").write_bytes(bytes(mail))

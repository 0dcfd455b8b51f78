"""What administrators do with people, and everybody with their own tokens and password, form by form; on either
database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from tests.support.html import Element
from tests.support.office import PASSWORD, Office
from tests.support.web import Browser, notice
from workflows.audit.queries import history
from workflows.parties.model import PROCESS, ApiToken, Kind, Person
from workflows.parties.operations import make_token, withdraw_token
from workflows.parties.queries import members, tokens_of


@pytest.fixture
def office(office: Office) -> Office:
    office.person("ann", groups=["legal"], password=PASSWORD)
    office.person("dan", manager="ann", password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.person("eve", organisation="Elsewhere", roles=["administrator"], password=PASSWORD)
    return office


def token(office: Office, name: str, *, called: str = "night job") -> tuple[ApiToken, dict[str, str]]:
    """A token of somebody, and the header with which a program sends it."""
    with office.transaction() as session:
        person = session.exec(select(Person).where(Person.email == office.email(name))).one()
        secret = make_token(session, person, name=called, scopes=["contracts:read"], now=datetime.now(UTC), days=30)
    with office.reading() as session:
        return tokens_of(session, person.id)[0], {"Authorization": f"Bearer {secret}", "Accept": "application/json"}


def person(office: Office, name: str) -> Person:
    with office.reading() as session:
        return session.exec(select(Person).where(Person.email == office.email(name))).one()


def done_to(office: Office, name: str) -> list[tuple[str, str]]:
    """What stands in somebody's history: who did what."""
    with office.reading() as session:
        return [(each.actor, each.action) for each in history(session, PROCESS, person(office, name).id)]


def posted(web: TestClient, browser: Browser, address: str, **fields: str) -> int:
    """A form sent by somebody whose page does not have it."""
    csrf = browser.open("/").all("input", name="csrf_token")[0].attributes["value"]
    answer = web.post(address, data={"csrf_token": csrf, **fields}, headers={"Cookie": browser.cookie})
    return int(answer.status_code)


# Tokens


def test_a_token_is_listed_and_withdrawn_and_then_nobody_is_let_in_with_it(office: Office, web: TestClient) -> None:
    made, header = token(office, "dan")
    dan = Browser(web, "dan")
    listed = dan.open("/settings").one("section", id="tokens")
    assert listed.one("h3").text == "night job"
    assert "Read contracts, their files and their history" in listed.text
    assert "Never used." in listed.text
    assert "good until" in listed.text

    assert web.get("/api/contracts", headers=header).status_code == 200
    assert "Last used on" in dan.open("/settings").one("section", id="tokens").text

    page = dan.send(f"/settings/tokens/{made.id}/withdrawal")
    assert "The token is withdrawn." in notice(page)
    assert "withdrawn" in page.one("section", id="tokens").text
    assert not page.one("section", id="tokens").all("form")
    answer = web.get("/api/contracts", headers=header)
    assert answer.status_code == 401
    assert answer.json()["detail"] == "This token is unknown, expired or withdrawn."
    assert done_to(office, "dan") == [("Dan", "token_withdrawn")]


def test_a_token_withdrawn_twice_keeps_its_first_time_and_is_written_down_once(office: Office) -> None:
    made, _ = token(office, "dan")
    dan = office.actor("dan")
    with office.transaction() as session:
        first = withdraw_token(session, made.id, by=dan, now=office.now).revoked_at
    with office.transaction() as session:
        assert withdraw_token(session, made.id, by=dan, now=office.later(hours=1)).revoked_at == first
    assert done_to(office, "dan") == [("Dan", "token_withdrawn")]


def test_a_colleague_and_another_organisations_administrator_find_no_such_token(
    office: Office, web: TestClient
) -> None:
    made, header = token(office, "dan")
    dans = office.people["dan"].id
    for other in ("ann", "eve"):
        browser = Browser(web, other)
        assert posted(web, browser, f"/settings/tokens/{made.id}/withdrawal") == 404
        assert posted(web, browser, f"/people/{dans}/tokens/{made.id}/withdrawal") == (403 if other == "ann" else 404)
    assert web.get("/api/contracts", headers=header).status_code == 200


def test_an_administrator_withdraws_a_colleagues_token_on_their_page(office: Office, web: TestClient) -> None:
    made, header = token(office, "dan")
    dans, anns = office.people["dan"].id, office.people["ann"].id
    root = Browser(web, "root")
    root.open(f"/people/{dans}")
    page = root.send(f"/people/{dans}/tokens/{made.id}/withdrawal")
    assert "The token is withdrawn." in notice(page)
    assert web.get("/api/contracts", headers=header).status_code == 401
    assert done_to(office, "dan") == [("Root", "token_withdrawn")]
    assert posted(web, root, f"/people/{anns}/tokens/{made.id}/withdrawal") == 404, "it is not hers"


def test_reading_often_writes_a_tokens_use_once_an_hour(office: Office, web: TestClient) -> None:
    made, header = token(office, "dan")

    def used() -> datetime | None:
        with office.reading() as session:
            return session.get_one(ApiToken, made.id).last_used_at

    web.get("/api/contracts", headers=header)
    first = used()
    web.get("/api/contracts", headers=header)
    assert first is not None
    assert used() == first


# The password


def test_guessing_the_present_password_is_limited_as_signing_in_is(office: Office, web: TestClient) -> None:
    dan = Browser(web, "dan")
    dan.open("/settings")
    for _ in range(office.runtime.settings.sign_in_tries):
        page = dan.send("/settings/password", 422, old="a guess", password="battery staple horse")
        assert "That is not your present password" in notice(page)
    page = dan.send("/settings/password", 429, old=PASSWORD, password="battery staple horse")
    assert "Too many tries." in notice(page), "also the right one has to wait"
    page = dan.send("/settings/tokens", 429, name="night job", password=PASSWORD, scopes=["contracts:read"])
    assert "Too many tries." in notice(page), "a token asks for the same password"
    with office.reading() as session:
        assert tokens_of(session, office.people["dan"].id) == []
    Browser(web, "dan").open("/")  # the door counts apart


def test_waiting_is_said_to_programs_as_well(office: Office, web: TestClient) -> None:
    dan = Browser(web, "dan")
    csrf = dan.open("/settings").all("input", name="csrf_token")[0].attributes["value"]
    for _ in range(office.runtime.settings.sign_in_tries + 1):
        answer = web.post(
            "/settings/password",
            data={"csrf_token": csrf, "old": "a guess", "password": "battery staple horse"},
            headers={"Cookie": dan.cookie},
        )
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= office.runtime.settings.sign_in_wait_minutes * 60 + 1


def test_the_right_password_forgets_the_tries_before(office: Office, web: TestClient) -> None:
    dan = Browser(web, "dan")
    dan.open("/settings")
    most = office.runtime.settings.sign_in_tries
    for _ in range(2):
        for _ in range(most - 1):
            dan.send("/settings/tokens", 422, name="night job", password="a guess", scopes=["contracts:read"])
        dan.send("/settings/tokens", name="night job", password=PASSWORD, scopes=["contracts:read"])
    with office.reading() as session:
        assert len(tokens_of(session, office.people["dan"].id)) == 2


# People


def names(page: Element) -> list[str]:
    return [each.text for each in page.all("a", **{"class": "title"})]


def test_people_are_found_by_name_address_position_and_group(office: Office, web: TestClient) -> None:
    root = Browser(web, "root")
    assert names(root.open("/people")) == ["Ann", "Dan", "Root"]
    assert names(root.open("/people?q=LEGAL")) == ["Ann"]
    assert names(root.open("/people?q=dan@haneul")) == ["Dan"]
    assert names(root.open("/people?q=administrator+root")) == ["Root"]
    assert names(root.open("/people?q=eve")) == []
    assert "Nobody found" in root.page.text


def test_long_lists_of_people_come_in_pages(office: Office, web: TestClient) -> None:
    for number in range(50):
        office.person(f"temp{number:02}")
    root = Browser(web, "root")
    first = root.open("/people?q=haneul")
    assert len(names(first)) == 50
    assert "53 people" in first.text
    second = root.open(first.one("a", rel="next").attributes["href"])
    assert len(names(second)) == 3
    assert not second.all("a", rel="next")


def test_an_administrator_changes_what_is_known_of_somebody(office: Office, web: TestClient) -> None:
    root = Browser(web, "root")
    anns = office.people["ann"].id
    page = root.open(f"/people/{anns}")
    assert page.one("input", id="groups").attributes["value"] == "legal"
    page = root.send(
        f"/people/{anns}",
        name="한지우",
        title="Counsel",
        manager="Root@Haneul.example",
        roles="reader",
        groups="security, legal team",
        locale="ko",
        timezone="Europe/Prague",
    )
    assert "Changed." in notice(page)
    ann = person(office, "ann")
    assert (ann.name, ann.title, ann.locale, ann.timezone) == ("한지우", "Counsel", "ko", "Europe/Prague")
    assert ann.manager_id == office.people["root"].id
    acting = office.actor("ann")
    assert acting.roles == {"reader"}
    assert acting.groups == {"security", "legal team"}

    with office.reading() as session:
        (entry,) = history(session, PROCESS, anns)
        assert (entry.actor, entry.action) == ("Root", "person_changed")
        assert entry.data["changed"]["name"] == ["Ann", "한지우"]
        assert entry.data["changed"]["groups"] == [["legal"], ["legal team", "security"]]

    page = root.send(f"/people/{anns}", locale="ko", timezone="Europe/Prague")
    assert len(done_to(office, "ann")) == 1, "nothing was changed, so nothing is written"


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"name": " "}, "name", "A name is needed."),
        ({"manager": "nobody@haneul.example"}, "manager", "Nobody of your organisation has the address"),
        ({"manager": "eve@haneul.example"}, "manager", "Nobody of your organisation has the address"),
        ({"manager": "ann@haneul.example"}, "manager", "Nobody is their own manager."),
        ({"manager": "nobody"}, "manager", "is not an e-mail address"),
        ({"groups": "x" * 81}, "groups", "at most 80 letters"),
        ({"timezone": "Mars/Olympus"}, "timezone", "is not a time zone"),
        ({"locale": "tlh"}, "locale", "Signoff speaks English"),
    ],
)
def test_what_will_not_do_is_said_at_its_field_and_the_rest_is_kept(
    office: Office, web: TestClient, typed: dict[str, str], field: str, words: str
) -> None:
    root = Browser(web, "root")
    anns = office.people["ann"].id
    root.open(f"/people/{anns}")
    page = root.send(
        f"/people/{anns}", 422, file=None, **{"title": "Counsel", "locale": "en", "timezone": "Asia/Seoul", **typed}
    )
    assert words in notice(page)
    assert words in page.one("p", id=f"{field}-error").text
    assert page.one("input", id="title").attributes["value"] == "Counsel"
    assert person(office, "ann").title == ""
    assert office.actor("ann").groups == {"legal"}
    assert done_to(office, "ann") == []


def test_whoever_has_left_is_signed_out_and_asked_no_more(office: Office, web: TestClient) -> None:
    dan, root = Browser(web, "dan"), Browser(web, "root")
    _, header = token(office, "ann")
    ann = Browser(web, "ann")
    anns = office.people["ann"].id
    root.open(f"/people/{anns}")
    page = root.send(f"/people/{anns}/departure")
    assert "They can no longer sign in" in notice(page)
    assert "no longer here" in page.one("main").text

    assert ann.open("/").one("h1").text == "Sign in"
    assert web.get("/api/contracts", headers=header).status_code == 401
    form = {"email": "ann@haneul.example", "password": PASSWORD}
    assert web.post("/sign-in", data=form).status_code == 422
    with office.reading() as session:
        assert members(session, Kind.GROUP, "legal", beside=office.people["root"].id) == []
    assert names(root.open("/people"))[-1] == "Ann", "those who have left come last"
    dans = office.people["dan"].id
    root.open(f"/people/{dans}")
    page = root.send(f"/people/{dans}", locale="en", timezone="Asia/Seoul", title="Driver")
    assert "Changed." in notice(page), "a manager who was there before may stay"
    root.open(f"/people/{office.people['root'].id}")
    page = root.send(
        f"/people/{office.people['root'].id}", 422, locale="en", timezone="UTC", manager="ann@haneul.example"
    )
    assert "Ann is no longer here." in notice(page)
    dan.open("/")


def test_whoever_is_back_has_their_groups_again_and_no_tokens(office: Office, web: TestClient) -> None:
    root = Browser(web, "root")
    _, header = token(office, "ann")
    anns = office.people["ann"].id
    root.open(f"/people/{anns}")
    root.send(f"/people/{anns}/departure")
    page = root.send(f"/people/{anns}/return")
    assert "They are here again" in notice(page)
    assert web.get("/api/contracts", headers=header).status_code == 401
    with office.reading() as session:
        assert [each.name for each in members(session, Kind.GROUP, "legal", beside=office.people["root"].id)] == ["Ann"]
    Browser(web, "ann").open("/")
    assert done_to(office, "ann") == [
        ("Root", "token_withdrawn"),
        ("Root", "person_left"),
        ("Root", "person_returned"),
    ]


def test_the_last_administrator_stays_one_and_stays(office: Office, web: TestClient) -> None:
    office.person("mail-only", roles=["administrator"])  # without a password nobody could sign in as this one
    root = Browser(web, "root")
    own = office.people["root"].id
    root.open(f"/people/{own}")
    page = root.send(f"/people/{own}", 422, roles="reader", locale="en", timezone="UTC")
    assert "Root is the last administrator. Make somebody else an administrator first." in notice(page)
    assert page.one("input", id="roles").attributes["value"] == "reader"
    page = root.send(f"/people/{own}/departure", 422)
    assert "Root is the last administrator." in notice(page)
    assert person(office, "root").active
    assert office.actor("root").administers


def test_an_administrator_gives_the_role_away_once_there_is_another(office: Office, web: TestClient) -> None:
    office.put_in("dan", role="administrator")
    root = Browser(web, "root")
    own = office.people["root"].id
    root.open(f"/people/{own}")
    page = root.send(f"/people/{own}", roles="", locale="en", timezone="UTC")
    assert page.one("h1").text == "Inbox"
    assert not office.actor("root").administers
    root.open(f"/people/{own}", 403)
    dan = Browser(web, "dan")
    dan.open(f"/people/{own}")
    dan.send(f"/people/{own}/departure")
    assert not person(office, "root").active


def test_nobody_else_sees_or_changes_a_person(office: Office, web: TestClient) -> None:
    anns = office.people["ann"].id
    for name, status in (("dan", 403), ("eve", 404)):
        browser = Browser(web, name)
        browser.open(f"/people/{anns}", status)
        for action in ("", "/departure", "/return"):
            assert posted(web, browser, f"/people/{anns}{action}", name="Anne", locale="en", timezone="UTC") == status
    assert person(office, "ann").name == "Ann"
    assert person(office, "ann").active
    Browser(web, "root").open("/people/00000000-0000-7000-8000-000000000000", 404)

"""One-time codes of links: when one is asked for, whose mailbox gets it, and what it opens for how long."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import col, select

from api.dependencies import get_now
from api.main import create_app
from api.pages import passes
from tests.support.html import faults, read
from tests.support.office import Office, link_in, open_office, text_of
from workflows.approvals import codes
from workflows.approvals.model import Decision, KnownDevice, Link, LinkCode, Round, Task
from workflows.approvals.operations import send_link_again
from workflows.approvals.rates import Rates
from workflows.audit.model import AuditEvent
from workflows.errors import Refused
from workflows.outbox import OutgoingMail
from workflows.upkeep.operations import tidy

ROUTE = """\
name: with-code
document: contract
priority: 10
currency: EUR
links: {one_time_code: {above: "10000"}}
stages:
  - {name: manager, approvers: {manager_of: submitter}}
  - {name: legal, approvers: {group: legal}}
"""
PLAIN = ROUTE.replace("with-code", "plain").replace('links: {one_time_code: {above: "10000"}}\n', "")
PAGE = {"Accept": "text/html"}


@dataclass
class Device:
    """A browser with its own cookies. ``page``: it wants pages, and not JSON."""

    app: Any
    page: bool = True
    web: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.web = TestClient(self.app, headers=PAGE if self.page else {}, follow_redirects=False)

    def get(self, address: str) -> Response:
        return self.web.get(address)

    def post(self, address: str, **data: str) -> Response:
        return self.web.post(address, data=data)

    def decide(self, link: str, office: Office) -> Response:
        return self.post(f"{link}/decision", verdict="approve", version_sha256=version_of(office))

    def has_document(self, link: str) -> bool:
        answer = self.get(link)
        return "Forklift" in answer.text and answer.status_code == 200


@dataclass
class World:
    office: Office
    app: Any
    clock: list[datetime]

    def device(self, *, page: bool = True) -> Device:
        return Device(self.app, page)

    def later(self, **step: float) -> None:
        self.clock[0] += timedelta(**step)

    def asked(self, amount: str = "84600.00", currency: str = "EUR") -> str:
        """The link of Mia, who is asked first."""
        self.office.contract(amount=amount, currency=currency)
        self.office.deliver()
        return link_in(self.office.mails.to("mia@")[-1])

    def code(self, to: str = "mia@") -> str:
        """The newest code that was mailed to somebody."""
        self.office.deliver()
        mails = [each for each in self.office.mails.to(to) if "one-time code" in str(each["Subject"])]
        found = re.search(r"\b\d{6}\b", text_of(mails[-1]))
        assert found is not None
        return found[0]


def build(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> World:
    office = open_office(database_url, tmp_path, **settings)
    office.now = datetime.now(UTC) - timedelta(minutes=10)
    office.person("mia")
    office.person("dan", manager="mia")
    office.person("ann", groups=["legal"])
    office.route(ROUTE)
    clock = [datetime.now(UTC)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return clock[0]

    app = create_app(runtime=office.runtime)
    app.dependency_overrides[get_now] = lambda: clock[0]
    app.state.runtime = office.runtime
    monkeypatch.setattr(passes, "datetime", Clock)
    return World(office, app, clock)


@pytest.fixture
def world(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = build(database_url, tmp_path, monkeypatch)
    yield made
    made.office.runtime.engine.dispose()


@pytest.fixture
def cautious(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An office where each new device is asked."""
    made = build(database_url, tmp_path, monkeypatch, link_codes="new-devices")
    made.office.route(PLAIN.replace("priority: 10", "priority: 20"))
    yield made
    made.office.runtime.engine.dispose()


def version_of(office: Office) -> str:
    with office.reading() as session:
        return session.exec(select(Round).order_by(col(Round.opened_at).desc())).all()[0].version_sha256


def decisions(office: Office) -> list[tuple[str, str]]:
    with office.reading() as session:
        return [(each.name, each.via) for each in session.exec(select(Decision))]


def history(office: Office, action: str) -> list[AuditEvent]:
    with office.reading() as session:
        return [each for each in session.exec(select(AuditEvent)) if each.action == action]


def kept(office: Office) -> LinkCode:
    with office.reading() as session:
        return session.exec(select(LinkCode)).one()


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def opened(world: World, link: str, device: Device | None = None, to: str = "mia@") -> Device:
    """A browser in which the code of the link was entered."""
    device = device or world.device()
    assert device.post(f"{link}/codes").status_code == 303
    assert device.post(f"{link}/pass", code=world.code(to)).status_code == 303
    return device


def test_above_the_limit_a_link_shows_no_document_but_a_form(world: World) -> None:
    link = world.asked()
    answer = world.device().get(link)
    assert answer.status_code == 200
    assert not faults(answer.text)
    page = read(answer.text)
    assert page.one("form").attributes == {"class": "sheet stack", "method": "post", "action": f"{link}/codes"}
    for word in ("Forklift", "84,600", "84600", "mia@haneul", "approve"):
        assert word not in answer.text


@pytest.mark.parametrize(("amount", "asks"), [("10000.01", True), ("10000.00", False), ("9999.99", False), ("", False)])
def test_only_an_amount_above_the_limit_asks_for_a_code(world: World, amount: str, asks: bool) -> None:
    link = world.asked(amount, "EUR" if amount else "")
    device = world.device()
    assert device.has_document(link) is not asks
    assert device.decide(link, world.office).status_code == (403 if asks else 303)
    assert decisions(world.office) == ([] if asks else [("Mia", "link")])


@pytest.mark.parametrize(("amount", "asks"), [("15000100", True), ("15000000", False)])
def test_the_amount_counts_in_the_routes_currency_at_the_rounds_own_rates(
    world: World, amount: str, asks: bool
) -> None:
    link = world.asked()
    with world.office.transaction() as session:
        round = session.exec(select(Round)).one()
        round.facts = {**round.facts, "amount": amount, "currency": "KRW"}
        round.rates = Rates("EUR", {"KRW": Decimal(1500)}).as_data()
    assert world.device().has_document(link) is not asks


def test_a_scanner_that_opens_everything_has_no_code_sent(world: World) -> None:
    link = world.asked()
    device = world.device()
    for _ in range(3):
        for method in ("GET", "HEAD"):
            for below in ("", "/codes", "/pass", "/text", "/file", "/pages/1.png", "/decision"):
                device.web.request(method, link + below)
    assert world.office.deliver() == []
    assert history(world.office, "code_sent") == []


def test_nothing_behind_the_link_opens_without_the_code(world: World) -> None:
    link = world.asked()
    for device in (world.device(), world.device(page=False)):
        for below in ("/text", "/file", "/pages/1.png"):
            answer = device.get(link + below)
            assert answer.status_code == (200 if device.page else 403)
            assert b"Forklift" not in answer.content
            assert answer.headers["content-type"].startswith("text/html" if device.page else "application/problem+json")
        for below in ("/decision", "/refusal", "/signature", "/comments"):
            words = {"verdict": "approve", "comment": "No.", "text": "Hello", "visibility": "shared", "name": "Mia"}
            sent = device.post(link + below, version_sha256=version_of(world.office), consent="yes", **words)
            assert sent.status_code == 403, below
            assert "Forklift" not in sent.text
    assert decisions(world.office) == []
    assert history(world.office, "commented") == []


def test_the_code_goes_to_the_addressees_own_mailbox_and_opens_the_link(world: World) -> None:
    link = world.asked()
    device = world.device()
    assert device.post(f"{link}/codes").status_code == 303
    [mail] = world.office.deliver()
    assert "mia@haneul.example" in str(mail["To"])
    assert link.removeprefix("/t/") not in mail.as_string()
    page = read(device.get(link).text)
    assert "m•••@haneul.example" in page.one("main").text
    code = world.code()
    entered = device.post(f"{link}/pass", code=f" {code[:3]} {code[3:]} ")
    assert (entered.status_code, entered.headers["location"]) == (303, link)
    assert device.has_document(link)
    assert device.get(f"{link}/text").status_code == 200
    assert device.decide(link, world.office).status_code == 303
    assert decisions(world.office) == [("Mia", "link_and_code")]
    [approved] = history(world.office, "approved")
    assert approved.data["via"] == "link_and_code"
    assert "by the link and the code sent to mia@haneul.example" in read(device.get(link).text).one("main").text


def test_a_program_enters_the_code_as_well(world: World) -> None:
    link = world.asked()
    program = world.device(page=False)
    refused = program.get(link)
    assert refused.status_code == 403
    assert refused.json()["code"] == "code-needed"
    assert "/t/{token}/codes" in refused.json()["detail"]
    sent = program.post(f"{link}/codes")
    assert sent.status_code == 202
    assert sent.json()["sent_to"] == "m•••@haneul.example"
    code = world.code()
    wrongly = program.post(f"{link}/pass", code=wrong(code))
    assert (wrongly.status_code, wrongly.json()["field"], wrongly.json()["tries_left"]) == (422, "code", 4)
    assert program.post(f"{link}/pass", code=code).status_code == 201
    assert program.get(link).json()["state"] == "open"
    assert program.decide(link, world.office).status_code == 201


def test_only_a_hash_under_our_key_is_kept_of_a_code(world: World) -> None:
    link = world.asked()
    world.device().post(f"{link}/codes")
    with world.office.reading() as session:
        [queued] = [each for each in session.exec(select(OutgoingMail)) if each.kind == "code"]
    code = world.code()
    hashed = kept(world.office).code_hmac
    assert hashed is not None
    plain = {hashlib.sha256(words.encode()).hexdigest() for words in (code, f"{kept(world.office).link_id}:{code}")}
    assert hashed not in plain
    assert code not in json.dumps(queued.payload)
    assert queued.sealed_link is not None
    assert code.encode() not in queued.sealed_link
    with world.office.reading() as session:
        assert session.get_one(OutgoingMail, queued.id).sealed_link is None, "wiped when the mail has left"
    assert code not in json.dumps([each.data for each in history(world.office, "code_sent")])


def test_five_wrong_codes_lock_the_link_and_its_sender_is_told(world: World) -> None:
    link = world.asked()
    device = world.device()
    device.post(f"{link}/codes")
    code = world.code()
    for left in (4, 3, 2, 1):
        answer = device.post(f"{link}/pass", code=wrong(code))
        assert answer.status_code == 422
        assert f"{left} more tr" in read(answer.text).one("main").text
        assert not faults(answer.text)
    last = device.post(f"{link}/pass", code=wrong(code))
    assert last.status_code == 410
    assert not faults(last.text)
    assert read(last.text).one("h1").text == "This link is locked"
    [told] = world.office.deliver()
    assert "dan@haneul.example" in str(told["To"])
    assert "Mia <mia@haneul.example>" in text_of(told)
    assert [each.data["to"] for each in history(world.office, "link_locked")] == ["Mia"]
    assert device.post(f"{link}/pass", code=code).status_code == 410, "not even the right one"
    assert device.post(f"{link}/codes").status_code == 410
    assert device.get(link).status_code == 410
    assert device.decide(link, world.office).status_code == 410
    assert world.device(page=False).get(link).json()["code"] == "link-locked"
    assert world.office.deliver() == []
    assert decisions(world.office) == []


def test_a_new_link_opens_after_the_old_one_was_locked(world: World) -> None:
    link = world.asked()
    device = world.device()
    device.post(f"{link}/codes")
    code = world.code()
    for _ in range(5):
        device.post(f"{link}/pass", code=wrong(code))
    with world.office.transaction() as session:
        [task] = session.exec(select(Task))
        send_link_again(session, task.id, by=world.office.actor("dan"), now=world.office.now)
    world.office.deliver()
    again = link_in(world.office.mails.to("mia@")[-1])
    assert again != link
    assert opened(world, again).decide(again, world.office).status_code == 303
    assert world.device().get(link).status_code == 200, "the old one tells what became of the task"


def test_a_new_code_brings_no_new_tries(world: World) -> None:
    link = world.asked()
    device = world.device()
    for tries in (4, 1):
        device.post(f"{link}/codes")
        code = world.code()
        answers = [device.post(f"{link}/pass", code=wrong(code)).status_code for _ in range(tries)]
    assert answers == [410]


def test_what_is_no_code_at_all_counts_as_no_try(world: World) -> None:
    link = world.asked()
    device = world.device()
    device.post(f"{link}/codes")
    code = world.code()
    for typed in ("", "12345", "1234567", "abcdef", "١٢٣٤٥٦٧", "½", code + "0"):
        assert device.post(f"{link}/pass", code=typed).status_code == 422
    assert kept(world.office).tries == 0
    assert device.post(f"{link}/pass", code=code.translate({48 + n: 0xFF10 + n for n in range(10)})).status_code == 303


def test_a_code_runs_out_after_ten_minutes(world: World) -> None:
    link = world.asked()
    device = world.device()
    device.post(f"{link}/codes")
    code = world.code()
    world.later(minutes=10)
    answer = device.post(f"{link}/pass", code=code)
    assert answer.status_code == 422
    assert read(answer.text).one("form").attributes["action"] == f"{link}/codes"
    assert kept(world.office).tries == 0
    assert not device.has_document(link)


def test_a_code_works_once(world: World) -> None:
    link = world.asked()
    first = opened(world, link)
    assert world.device().post(f"{link}/pass", code=world.code()).status_code == 422
    assert first.has_document(link)


def test_the_newest_code_alone_is_good(world: World) -> None:
    link = world.asked()
    device = world.device()
    device.post(f"{link}/codes")
    older = world.code()
    device.post(f"{link}/codes")
    newer = world.code()
    if older != newer:
        assert device.post(f"{link}/pass", code=older).status_code == 422
    assert device.post(f"{link}/pass", code=newer).status_code == 303


def test_a_forwarded_link_opens_nothing_on_another_device(world: World) -> None:
    link = world.asked()
    own = opened(world, link)
    other = world.device()
    assert not other.has_document(link)
    assert other.decide(link, world.office).status_code == 403
    given = own.web.cookies.get(passes.PASS_COOKIE)
    assert given is not None
    other.web.cookies.set(passes.PASS_COOKIE, given, domain="testserver.local", path=link)
    assert not other.has_document(link), "a pass is good with its own device only"
    device = own.web.cookies.get(passes.DEVICE_COOKIE)
    assert device is not None
    for forged in (device.partition(".")[0] + ".", device[:-2] + "AA", "." + device.partition(".")[2]):
        forger = world.device()
        forger.web.cookies.set(passes.DEVICE_COOKIE, forged, domain="testserver.local")
        forger.web.cookies.set(passes.PASS_COOKIE, given, domain="testserver.local", path=link)
        assert not forger.has_document(link)
    assert decisions(world.office) == []


def test_a_pass_opens_its_own_link_only(world: World) -> None:
    first, second = world.asked(), world.asked()
    device = opened(world, first)
    given = device.web.cookies.get(passes.PASS_COOKIE)
    assert given is not None
    device.web.cookies.set(passes.PASS_COOKIE, given, domain="testserver.local", path=second)
    assert device.has_document(first)
    assert not device.has_document(second)


def test_a_code_opens_the_link_only_that_it_was_sent_for(world: World) -> None:
    first, second = world.asked(), world.asked()
    device = world.device()
    device.post(f"{first}/codes")
    code = world.code()
    device.post(f"{second}/codes")
    if world.code() != code:
        assert device.post(f"{second}/pass", code=code).status_code == 422
    assert device.post(f"{first}/pass", code=code).status_code == 303


def test_somebody_elses_code_opens_nothing(world: World) -> None:
    """Ann has a code of her own, and Mia's link."""
    mias = world.asked()
    other = world.office.contract(amount="84600.00", currency="EUR")
    world.office.decide("mia", contract=other)
    world.office.deliver()
    anns = link_in(world.office.mails.to("ann@")[-1])
    device = world.device()
    device.post(f"{anns}/codes")
    device.post(f"{mias}/codes")
    code = world.code("ann@")
    if code != world.code("mia@"):
        assert device.post(f"{mias}/pass", code=code).status_code == 422
    assert not device.has_document(mias)
    assert [str(each["To"]) for each in world.office.mails.messages if "code" in str(each["Subject"])] == [
        "Ann <ann@haneul.example>",
        "Mia <mia@haneul.example>",
    ]


def test_a_pass_ends_after_an_hour(world: World) -> None:
    link = world.asked()
    device = opened(world, link)
    world.later(minutes=59)
    assert device.has_document(link)
    world.later(minutes=1)
    assert not device.has_document(link)
    late = device.decide(link, world.office)
    assert late.status_code == 403
    assert not faults(late.text)
    assert "Nothing has been recorded" in read(late.text).one("main").text
    assert "Nothing has been recorded" not in device.get(link).text
    assert decisions(world.office) == []


def test_codes_are_sent_five_times_an_hour_at_most(world: World) -> None:
    link = world.asked()
    device, program = world.device(), world.device(page=False)
    assert [device.post(f"{link}/codes").status_code for _ in range(5)] == [303] * 5
    page = device.post(f"{link}/codes")
    assert page.status_code == 429
    assert not faults(page.text)
    refused = program.post(f"{link}/codes")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3601
    assert len(world.office.deliver()) == 5
    world.later(hours=1)
    assert device.post(f"{link}/codes").status_code == 303


def test_a_link_that_asks_for_no_code_has_none_sent(world: World) -> None:
    link = world.asked("500.00")
    assert world.device().post(f"{link}/codes").headers["location"] == link
    refused = world.device(page=False).post(f"{link}/codes")
    assert (refused.status_code, refused.json()["detail"]) == (409, "This link asks for no code.")
    assert world.device(page=False).post(f"{link}/pass", code="123456").status_code == 409
    assert world.office.deliver() == []


def test_a_link_that_has_done_its_work_says_so_without_a_code(world: World) -> None:
    link = world.asked()
    opened(world, link).decide(link, world.office)
    world.office.deliver()
    other = world.device()
    assert read(other.get(link).text).one("h1").text == "You have approved this contract"
    assert other.get(f"{link}/file").status_code == 410
    assert other.post(f"{link}/codes").status_code == 303
    assert "one-time code" not in " ".join(str(each["Subject"]) for each in world.office.deliver())


def test_a_form_of_another_site_sends_and_enters_nothing(world: World) -> None:
    link = world.asked()
    device = world.device()
    for below in ("/codes", "/pass"):
        sent = device.web.post(link + below, data={"code": "123456"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert sent.status_code == 403
    assert world.office.deliver() == []


def test_a_code_whose_mail_is_late_is_not_sent_any_more(world: World) -> None:
    link = world.asked()
    world.clock[0] -= timedelta(minutes=11)
    world.device().post(f"{link}/codes")
    assert world.office.deliver() == []


@pytest.mark.parametrize(("url", "secure"), [("", False), ("https://sign.haneul.example", True)])
def test_the_cookies_are_kept_from_scripts_and_from_other_sites(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, secure: bool
) -> None:
    world = build(sqlite_url, tmp_path, monkeypatch, url=url)
    link = world.asked()
    device = world.device()
    device.post(f"{link}/codes")
    answer = device.post(f"{link}/pass", code=world.code())
    cookies = {each.partition("=")[0]: each.lower() for each in answer.headers.get_list("set-cookie")}
    assert set(cookies) == {passes.DEVICE_COOKIE, passes.PASS_COOKIE}
    for each in cookies.values():
        assert "httponly" in each
        assert "samesite=lax" in each
        assert ("secure" in each) is secure
    assert f"path={link}".lower() in cookies[passes.PASS_COOKIE]
    assert "max-age=3600" in cookies[passes.PASS_COOKIE]
    world.office.runtime.engine.dispose()


def at_once(world: World, typed: list[str]) -> list[object]:
    """What codes entered at the same instant, each in its own transaction, come to."""
    with world.office.reading() as session:
        found = select(Link, Task, Round).join(Task, col(Link.task_id) == Task.id)
        link, task, round = session.exec(found.join(Round, col(Task.round_id) == Round.id)).one()
    together = threading.Barrier(len(typed))
    came_to: list[object] = []

    def enter(code: str) -> None:
        together.wait()
        try:
            with world.office.transaction() as session:
                came_to.append(
                    codes.enter_code(
                        session,
                        session.get_one(Link, link.id),
                        session.get_one(Task, task.id),
                        session.get_one(Round, round.id),
                        code,
                        key=codes.key_of(world.office.runtime.settings.secret.get_secret_value()),
                        now=world.clock[0],
                    )
                )
        except Refused as refused:
            came_to.append(type(refused))

    threads = [threading.Thread(target=enter, args=(code,)) for code in typed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came_to


def test_two_tries_at_once_count_twice(world: World) -> None:
    link = world.asked()
    world.device().post(f"{link}/codes")
    code = world.code()
    assert set(at_once(world, [wrong(code)] * 3)) == {4, 3, 2}
    assert sorted(map(str, at_once(world, [wrong(code)] * 4))) == sorted(
        map(str, [1, 0, codes.LinkLocked, codes.LinkLocked])
    )
    world.office.deliver()
    assert len(world.office.mails.to("dan@")) == 1, "the sender is told once"


def test_a_code_entered_twice_at_once_opens_one_browser(world: World) -> None:
    link = world.asked()
    world.device().post(f"{link}/codes")
    came_to = at_once(world, [world.code()] * 3)
    assert came_to.count(None) == 1
    assert came_to.count(Refused) == 2


def test_two_codes_asked_for_at_once_are_both_counted(world: World) -> None:
    link = world.asked()
    devices = [world.device(page=False) for _ in range(3)]
    threads = [threading.Thread(target=each.post, args=(f"{link}/codes",)) for each in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept(world.office).sent == 3


def test_each_new_device_asks_where_the_house_wants_it(cautious: World) -> None:
    """Also the very first one; not again on a device where a code was entered, whatever the link."""
    first = cautious.asked("500.00")
    device = cautious.device()
    assert not device.has_document(first)
    opened(cautious, first, device)
    assert device.decide(first, cautious.office).status_code == 303
    assert decisions(cautious.office) == [("Mia", "link_and_code")]
    second = cautious.asked("500.00")
    assert device.has_document(second)
    assert not cautious.device().has_document(second)


def test_a_device_is_known_for_the_person_who_entered_the_code(cautious: World) -> None:
    first = cautious.asked("500.00")
    device = opened(cautious, first)
    device.decide(first, cautious.office)
    cautious.office.deliver()
    anns = link_in(cautious.office.mails.to("ann@")[-1])
    assert not device.has_document(anns)
    opened(cautious, anns, device, to="ann@")
    assert device.has_document(anns)


def test_a_device_is_forgotten_after_180_days_without_use(cautious: World) -> None:
    device = opened(cautious, cautious.asked("500.00"))
    secret = device.web.cookies.get(passes.DEVICE_COOKIE)
    assert secret is not None
    assert secret.partition(".")[0] not in [each.device_sha256 for each in devices(cautious)]
    for days, known in ((179, True), (179, True), (180, False)):
        long_ago(cautious, days=days)
        link = cautious.asked("500.00")
        assert device.has_document(link) is known
        if known:
            assert device.decide(link, cautious.office).status_code == 303
    [found] = devices(cautious)
    assert found.last_seen - found.first_seen == timedelta(days=358)
    now = found.last_seen + timedelta(days=180)
    for before, left in ((timedelta(seconds=1), 1), (timedelta(), 0)):
        with cautious.office.transaction() as session:
            tidy(session, now=now - before)
        assert len(devices(cautious)) == left


def long_ago(world: World, *, days: int) -> None:
    """So many days later: what was, is as much longer ago."""
    with world.office.transaction() as session:
        for each in session.exec(select(KnownDevice)):
            each.first_seen -= timedelta(days=days)
            each.last_seen -= timedelta(days=days)


def devices(world: World) -> list[KnownDevice]:
    with world.office.reading() as session:
        return list(session.exec(select(KnownDevice)))


def test_signing_and_reading_ask_for_the_code_too(world: World) -> None:
    office = world.office
    contract = office.contract(amount="84600.00", currency="EUR", signers=["sarka@nordwerk.example"])
    office.decide("mia")
    office.decide("ann")
    office.carry_on(contract)
    office.deliver()
    link = link_in(office.mails.to("sarka@")[-1])
    program = world.device(page=False)
    words = {"name": "Šárka Černá", "consent": "yes", "version_sha256": version_of(office)}
    assert program.post(f"{link}/signature", **words).json()["code"] == "code-needed"
    program.post(f"{link}/codes")
    assert program.post(f"{link}/pass", code=world.code("sarka@")).status_code == 201
    assert program.post(f"{link}/signature", **words).status_code == 201
    office.carry_on(contract)
    office.deliver()
    assert ("Sarka", "link_and_code") in decisions(office)
    reading = link_in(office.mails.to("sarka@")[-1])
    assert reading != link
    assert program.get(f"{reading}/file").status_code == 403
    program.post(f"{reading}/codes")
    assert program.post(f"{reading}/pass", code=world.code("sarka@")).status_code == 201
    assert program.get(f"{reading}/file").content.startswith(b"%PDF")

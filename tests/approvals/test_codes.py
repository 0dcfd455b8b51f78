"""One-time codes of links: when one is asked for, whose mailbox gets it, and what it opens for how long."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlmodel import select

from api.pages import passes
from tests.approvals.codes import World, build, decisions, history, kept, opened, version_of, wrong
from tests.support.html import faults, read
from tests.support.office import link_in
from workflows.approvals.model import Round
from workflows.approvals.rates import Rates
from workflows.outbox import OutgoingMail


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

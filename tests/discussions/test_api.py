"""Comments and files over the API, on either database: who may say what to whom, and who is told."""

from __future__ import annotations

import hashlib
import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote

import pikepdf
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select, text

from api.rest.papers import _fresh
from signing.timestamps import check_token
from tests.discussions.files import picture, word
from tests.support.office import Office, authority, link_in, text_of
from tests.support.pdfs import plain_pdf
from tests.support.web import token
from workflows.approvals.model import Participant
from workflows.audit.queries import verify
from workflows.contracts.model import Contract
from workflows.discussions.model import Attachment, Comment
from workflows.discussions.queries import mentionable
from workflows.outbox import MailState, OutgoingMail
from workflows.papers.queries import one, subject_of
from workflows.upkeep.operations import report_failed_mails

PNG = picture("PNG")


@pytest.fixture
def here(contract: Contract) -> str:
    return f"/api/contracts/{contract.id}"


def say(web: TestClient, office: Office, here: str, who: str, words: str, status: int = 201, **more: Any) -> Any:
    answer = web.post(f"{here}/comments", json={"text": words, **more}, headers=token(office, who))
    assert answer.status_code == status, answer.text
    return answer.json()


def attach(
    web: TestClient, headers: dict[str, str], here: str, data: bytes, name: str = "quote.png", **more: Any
) -> Response:
    return web.post(f"{here}/attachments", data=more, files={"file": (name, data, "text/html")}, headers=headers)


def heard(web: TestClient, office: Office, here: str, who: str) -> list[str]:
    answer = web.get(f"{here}/comments", headers=token(office, who))
    assert answer.status_code == 200, answer.text
    return [each["text"] for each in answer.json()["items"]]


def mentions(office: Office) -> list[EmailMessage]:
    """The mails that leave now, less those that ask for a decision."""
    return [
        each for each in office.deliver() if "wrote to you" in str(each["Subject"]) or "의견" in str(each["Subject"])
    ]


def test_a_comment_is_inside_unless_its_author_chooses(office: Office, web: TestClient, here: str) -> None:
    made = say(web, office, here, "ann", "The cap is too low.")
    assert (made["visibility"], made["author"], made["organisation"]) == ("inside", "Ann", "Haneul Logistics")
    assert made["via"] == "api"
    say(web, office, here, "dan", "Dear partners, see § 7.", visibility="shared")
    say(web, office, here, "pat", "Seen.")
    assert heard(web, office, here, "bo") == ["The cap is too low.", "Dear partners, see § 7.", "Seen."]
    assert heard(web, office, here, "pat") == ["Dear partners, see § 7.", "Seen."]


def test_people_from_outside_cannot_write_inside(office: Office, web: TestClient, here: str) -> None:
    refused = say(web, office, here, "pat", "Between us.", 422, visibility="inside")
    assert refused["field"] == "visibility"
    assert heard(web, office, here, "dan") == []


def test_whoever_may_not_see_the_contract_is_told_of_nothing(office: Office, web: TestClient, here: str) -> None:
    made = say(web, office, here, "dan", "Fine.", visibility="shared")
    file = attach(web, token(office, "dan"), here, PNG, visibility="shared").json()["attachments"][0]["id"]
    for who in ("sol", "eve"):
        headers = token(office, who)
        assert web.get(f"{here}/comments", headers=headers).status_code == 404
        assert web.get(f"{here}/comments/events", headers=headers).status_code == 404
        assert web.get(f"{here}/attachments/{file}", headers=headers).status_code == 404
        assert web.post(f"{here}/comments", json={"text": "Hello"}, headers=headers).status_code == 404
        assert attach(web, headers, here, PNG).status_code == 404
        assert web.post(f"{here}/comments/{made['id']}/withdrawal", headers=headers).status_code == 404
    assert web.get(f"{here}/comments").status_code == 401
    assert (
        web.post(f"{here}/comments", json={"text": "x"}, headers=token(office, "dan", "contracts:read")).status_code
        == 403
    )


def test_a_comment_of_another_contract_is_not_found_by_way_of_ones_own(
    office: Office, web: TestClient, here: str
) -> None:
    file = attach(web, token(office, "dan"), here, PNG).json()
    other = f"/api/contracts/{office.contract('sol').id}"
    headers = token(office, "sol")
    assert web.get(f"{other}/attachments/{file['attachments'][0]['id']}", headers=headers).status_code == 404
    assert web.post(f"{other}/comments/{file['id']}/withdrawal", headers=headers).status_code == 404


def test_what_is_said_inside_leaves_no_trace_for_the_counterparty(office: Office, web: TestClient, here: str) -> None:
    before = web.get(f"{here}/events", headers=token(office, "pat")).text
    secret = say(web, office, here, "ann", "We would pay 90,000. @Dan", mentions=["sol@haneul.example"])
    file = attach(web, token(office, "ann"), here, PNG, "our-limit.png").json()["attachments"][0]
    withdrawn = say(web, office, here, "ann", "Or even 95,000.")
    web.post(f"{here}/comments/{withdrawn['id']}/withdrawal", headers=token(office, "ann"))

    pat = token(office, "pat")
    assert web.get(f"{here}/events", headers=pat).text == before
    assert web.get(f"{here}/comments", headers=pat).json()["items"] == []
    assert web.get(f"{here}/attachments/{file['id']}", headers=pat).status_code == 404
    assert web.post(f"{here}/comments/{secret['id']}/withdrawal", headers=pat).status_code == 404
    assert web.get(f"{here}/comments/events", headers=pat).status_code == 404
    inside = web.get(f"{here}/comments/events", headers=token(office, "dan")).json()["items"]
    assert [each["action"] for each in inside] == ["commented", "invited", "attached", "commented", "comment_withdrawn"]


def test_the_live_history_tells_what_was_said_inside_to_those_who_are(
    office: Office, web: TestClient, here: str, contract: Contract
) -> None:
    say(web, office, here, "ann", "Inside.")
    say(web, office, here, "ann", "Shared.", visibility="shared")
    shared = [each["action"] for each in web.get(f"{here}/events", headers=token(office, "pat")).json()["items"]]
    for who, expected in (("dan", ["commented"]), ("pat", []), ("root", ["commented"])):
        rows, within = _fresh(office.runtime, Contract, contract.id, office.actor(who), 0, 0)
        assert [each.action for each in rows] == shared
        assert [each.action for each in within] == expected
    assert _fresh(office.runtime, Contract, contract.id, office.actor("dan"), 0, None)[1] == []


def test_what_is_said_is_in_the_history_by_its_hash(office: Office, web: TestClient, here: str) -> None:
    say(web, office, here, "dan", "Fein: ✓", visibility="shared")
    attach(web, token(office, "dan"), here, PNG, "Angebot.png", visibility="shared")
    *_, commented, attached = web.get(f"{here}/events", headers=token(office, "pat")).json()["items"]
    assert (commented["action"], commented["actor"]) == ("commented", "Dan")
    assert commented["data"]["text_sha256"] == hashlib.sha256("Fein: ✓".encode()).hexdigest()
    assert "Fein" not in str(commented)
    assert (attached["action"], attached["data"]["file_name"]) == ("attached", "Angebot.png")
    assert attached["data"]["sha256"] == hashlib.sha256(PNG).hexdigest()


def test_both_histories_hold_when_they_are_checked(
    office: Office, web: TestClient, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the office's clock stands in May 2026, the time stamps say now: what is checked here is the rest
    monkeypatch.setattr("workflows.audit.queries.CLOCKS_APART", timedelta(days=36500))
    say(web, office, here, "ann", "Inside.")
    say(web, office, here, "pat", "Shared.")
    with office.reading() as session:
        report = verify(session, lambda token, sha256: check_token(token, sha256, authority().trust_anchor_pem))
    assert report.broken is None
    assert report.chains == 3, "the route, the contract, and what was said inside"


def test_each_who_is_mentioned_gets_one_mail(office: Office, web: TestClient, here: str) -> None:
    made = say(
        web,
        office,
        here,
        "ann",
        "@Dan @dan, and @dan@haneul.example: look, please.\nI am @Ann.",
        mentions=["DAN@haneul.example", "bo@haneul.example", "ann@haneul.example"],
    )
    assert made["mentions"] == ["Dan", "Bo"]
    mails = mentions(office)
    assert sorted(str(each["To"]) for each in mails) == ["Bo <bo@haneul.example>", "Dan <dan@haneul.example>"]
    said = text_of(next(each for each in mails if "dan@" in str(each["To"])))
    assert "@Dan @dan, and @dan@haneul.example: look, please.\n  I am @Ann." in said
    assert f"http://127.0.0.1:8000{here.removeprefix('/api')}#comment-{made['id']}" in said
    assert "Only people of Haneul Logistics" in said
    assert {str(each["Reply-To"]) for each in mails} == {"Ann <ann@haneul.example>"}
    assert mentions(office) == []


def test_a_mail_keeps_its_message_id_over_all_tries(office: Office, web: TestClient, here: str) -> None:
    say(web, office, here, "ann", "@Dan")
    (mail,) = [each for each in office.queued() if each.kind == "mention"]
    (sent,) = mentions(office)
    assert str(sent["Message-ID"]) == f"<{mail.id}@{str(sent['From']).rpartition('@')[2].rstrip('>')}>"


def test_a_colleague_who_is_mentioned_by_address_may_see_the_contract(
    office: Office, web: TestClient, here: str, contract: Contract
) -> None:
    assert web.get(here, headers=token(office, "sol")).status_code == 404
    made = say(web, office, here, "ann", "What do you think?", mentions=["sol@haneul.example"])
    assert made["mentions"] == ["Sol"]
    assert web.get(here, headers=token(office, "sol")).status_code == 200
    assert heard(web, office, here, "sol") == ["What do you think?"]
    found = web.get("/api/contracts?q=Forklift", headers=token(office, "sol")).json()
    assert [each["number"] for each in found["items"]] == [contract.number]
    (mail,) = mentions(office)
    assert "Sol" in str(mail["To"])
    assert str(mail["Subject"]).startswith("[의견] Ann 님의 의견")
    assert "하늘" not in text_of(mail)
    assert "의견 보고 답하기" in text_of(mail)


def test_an_administrator_sees_it_already_and_is_not_let_in_anew(office: Office, web: TestClient, here: str) -> None:
    say(web, office, here, "ann", "For the record.", mentions=["root@haneul.example"])
    with office.reading() as session:
        rows = session.exec(select(Participant).where(Participant.person_id == office.people["root"].id)).all()
    assert rows == []
    assert len(mentions(office)) == 1


@pytest.mark.parametrize("visibility", ["inside", "shared"])
@pytest.mark.parametrize("address", ["stranger@nowhere.example", "eve@haneul.example", "una@haneul.example"])
def test_strangers_and_people_of_other_houses_and_those_without_a_page_are_not_mentioned(
    office: Office, web: TestClient, here: str, address: str, visibility: str
) -> None:
    refused = say(web, office, here, "ann", "Look.", 422, mentions=[address], visibility=visibility)
    assert refused["field"] == "mentions"
    assert heard(web, office, here, "dan") == []
    assert mentions(office) == []
    with office.reading() as session:
        assert session.exec(select(Comment)).all() == []
    assert web.get(here, headers=token(office, "eve")).status_code == 404


def test_a_stranger_and_somebody_of_another_house_are_refused_alike(office: Office, web: TestClient, here: str) -> None:
    answers = [
        say(web, office, here, who, "Look.", 422, mentions=[address], visibility="shared")["detail"].replace(
            address, ""
        )
        for who in ("ann", "pat")
        for address in ("eve@haneul.example", "stranger@nowhere.example")
    ]
    assert answers[0] == answers[1]
    assert answers[2] == answers[3]


def test_people_from_outside_let_nobody_in(office: Office, web: TestClient, here: str) -> None:
    known = say(web, office, here, "pat", "Look.", 422, mentions=["sol@haneul.example"])["detail"]
    unknown = say(web, office, here, "pat", "Look.", 422, mentions=["xyz@haneul.example"])["detail"]
    assert known.replace("sol@", "xyz@") == unknown
    assert web.get(here, headers=token(office, "sol")).status_code == 404


def test_somebody_from_outside_is_called_only_where_they_may_read_it(
    office: Office, web: TestClient, here: str
) -> None:
    for calls in ({"mentions": ["pat@haneul.example"]}, {}):
        refused = say(web, office, here, "ann", "@Pat, between us.", 422, **calls)
        assert "Pat is not of your organisation" in refused["detail"]
    made = say(web, office, here, "ann", "@Pat, for you as well.", visibility="shared")
    assert made["mentions"] == ["Pat"]
    (mail,) = mentions(office)
    assert "the counterparty too" in text_of(mail)


def test_a_signer_who_has_not_been_asked_yet_is_not_called(office: Office, web: TestClient, here: str) -> None:
    refused = say(web, office, here, "ann", "Look.", 422, mentions=["sarka@nordwerk.example"], visibility="shared")
    assert "no page to answer on" in refused["detail"]


def test_somebody_let_in_inside_is_named_to_nobody_outside(
    office: Office, web: TestClient, here: str, contract: Contract
) -> None:
    say(web, office, here, "ann", "Look.", mentions=["sol@haneul.example"])
    with office.reading() as session:
        named = {}
        for who in ("dan", "pat"):
            actor = office.actor(who)
            subject = subject_of(one(session, Contract, contract.id, actor))
            named[who] = [each.name for each in mentionable(session, subject, actor)]
    assert named == {"dan": ["Ann", "Bo", "Sol", "Pat"], "pat": ["Ann", "Bo", "Dan"]}


def test_somebody_without_an_account_gets_a_link_that_leads_to_the_discussion(
    office: Office, web: TestClient, here: str
) -> None:
    say(web, office, here, "ann", "@Bo, please answer.")
    (mail,) = mentions(office)
    page = web.get(link_in(mail), headers={"Accept": "text/html"})
    assert "@Bo, please answer." in page.text
    assert "until" in text_of(mail)


def test_the_same_request_twice_is_one_comment_and_one_mail(office: Office, web: TestClient, here: str) -> None:
    headers = {**token(office, "ann"), "Idempotency-Key": "remark-1"}
    answers = [web.post(f"{here}/comments", json={"text": "@Dan"}, headers=headers) for _ in range(3)]
    assert [each.status_code for each in answers] == [201] * 3
    assert answers[0].json() == answers[1].json() == answers[2].json()
    other = web.post(f"{here}/comments", json={"text": "Another"}, headers=headers)
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
    assert heard(web, office, here, "dan") == ["@Dan"]
    assert len(mentions(office)) == 1


def test_the_same_file_sent_at_once_is_put_there_once(office: Office, web: TestClient, here: str) -> None:
    headers = {**token(office, "ann"), "Idempotency-Key": "file-1"}
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: attach(web, headers, here, PNG), range(4)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.json()["id"] for each in answers}) == 1
    with office.reading() as session:
        assert len(session.exec(select(Attachment)).all()) == 1


def test_two_who_call_the_same_colleague_at_once_both_succeed(office: Office, web: TestClient, here: str) -> None:
    headers = [token(office, who) for who in ("ann", "bo", "dan", "root")]

    def call(mine: dict[str, str]) -> int:
        body = {"text": "Look.", "mentions": ["sol@haneul.example"]}
        return web.post(f"{here}/comments", json=body, headers=mine).status_code

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(call, headers)) == [201] * 4
    with office.reading() as session:
        rows = session.exec(select(Participant).where(Participant.person_id == office.people["sol"].id)).all()
    assert len(rows) == 1


def test_a_file_comes_back_byte_for_byte_and_always_as_a_download(office: Office, web: TestClient, here: str) -> None:
    made = attach(web, token(office, "ann"), here, PNG, "look.html", text="Our offer.", mentions=["dan@haneul.example"])
    assert made.status_code == 201, made.text
    shape = made.json()
    (file,) = shape["attachments"]
    assert shape["text"] == "Our offer."
    assert (file["media_type"], file["size"], file["file_name"]) == ("image/png", len(PNG), "look.html.png")
    assert file["sha256"] == hashlib.sha256(PNG).hexdigest()
    answer = web.get(file["links"]["self"], headers=token(office, "dan"))
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    (mail,) = mentions(office)
    assert "look.html.png" in text_of(mail)


@pytest.mark.parametrize(
    ("name", "kept", "plain"),
    [
        ("견적서 (최종) 2026.png", "견적서 (최종) 2026.png", "(2026.png|.*2026.png)"),
        ("O’Neill; filename=evil.exe.png", "O’Neill; filename=evil.exe.png", r"ONeill_ filename_evil\.exe\.png"),
        ('quote".png', "quote%22.png", r"quote_22\.png"),  # as browsers write a quotation mark
        ("../../a\\b.png", "b.png", r"b\.png"),
        ("gnp\u202e.exe", "gnp .exe.png", r"gnp \.exe\.png"),
        ("한" * 100 + ".png", "한" * 100 + ".png", r"document\.png"),
    ],
)
def test_a_file_name_in_any_script_is_kept_and_harmless(
    office: Office, web: TestClient, here: str, name: str, kept: str, plain: str
) -> None:
    (file,) = attach(web, token(office, "ann"), here, PNG, name).json()["attachments"]
    assert file["file_name"] == kept
    header = web.get(file["links"]["self"], headers=token(office, "ann")).headers["content-disposition"]
    found = re.fullmatch(r'attachment; filename="([^"\\]*)"; filename\*=UTF-8\'\'([A-Za-z0-9%._~-]+)', header)
    assert found, header
    assert re.fullmatch(plain, found[1]), found[1]
    assert unquote(found[2]) == kept


@pytest.mark.parametrize(
    ("data", "status", "field"),
    [(b"MZ\x90\0\x03\0\0\0", 415, "file"), (word("word/vbaProject.bin"), 415, "file"), (b"", 422, "file")],
    ids=["a program", "macros", "nothing"],
)
def test_a_file_of_another_kind_is_refused_with_a_sentence(
    office: Office, web: TestClient, here: str, data: bytes, status: int, field: str
) -> None:
    answer = attach(web, token(office, "ann"), here, data, "quote.pdf")
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert len(answer.json()["detail"]) > 15
    assert answer.headers["content-type"] == "application/problem+json"
    assert heard(web, office, here, "dan") == []


def test_a_file_has_at_most_25_megabytes(office: Office, web: TestClient, here: str) -> None:
    most = b"a" * 25_000_000
    assert attach(web, token(office, "ann"), here, most + b"a", "long.txt").status_code == 413
    assert attach(web, token(office, "ann"), here, most, "long.txt").status_code == 201


def test_a_comment_is_taken_back_by_its_author_and_leaves_its_place(office: Office, web: TestClient, here: str) -> None:
    made = attach(web, token(office, "ann"), here, PNG, text="Oh no. @Dan").json()
    back = f"{here}/comments/{made['id']}/withdrawal"
    assert web.post(back, headers=token(office, "dan")).status_code == 403
    answers = [web.post(back, headers=token(office, "ann")) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    (shown,) = web.get(f"{here}/comments", headers=token(office, "dan")).json()["items"]
    assert (shown["text"], shown["attachments"], shown["author"]) == ("", [], "Ann")
    assert shown["withdrawn_at"] is not None
    gone = web.get(made["attachments"][0]["links"]["self"], headers=token(office, "dan"))
    assert gone.status_code == 410
    assert gone.json()["detail"].startswith("Ann withdrew this file")


def test_a_mail_with_what_was_taken_back_does_not_leave(office: Office, web: TestClient, here: str) -> None:
    say(web, office, here, "ann", "This one stays. @Dan")
    made = say(web, office, here, "ann", "Oh no. @Dan")
    web.post(f"{here}/comments/{made['id']}/withdrawal", headers=token(office, "ann"))
    assert ["This one stays." in text_of(each) for each in mentions(office)] == [True]
    assert [each.state for each in office.queued() if each.kind == "mention"] == [MailState.SENT, MailState.DROPPED]


def test_a_failed_mail_about_something_inside_is_told_inside(office: Office, web: TestClient, here: str) -> None:
    say(web, office, here, "ann", "@Dan")
    with office.transaction() as session:
        mail = session.exec(select(OutgoingMail).where(OutgoingMail.kind == "mention")).one()
        mail.state, mail.failure = MailState.FAILED, "550 No such user here"
        report_failed_mails(session, now=office.now)
    assert "mail_failed" not in web.get(f"{here}/events", headers=token(office, "pat")).text
    assert "mail_failed" in web.get(f"{here}/comments/events", headers=token(office, "dan")).text


def test_comments_come_in_pages(office: Office, web: TestClient, here: str) -> None:
    for number in range(5):
        say(web, office, here, "ann", f"No. {number}", visibility="shared" if number % 2 else "inside")
    for who, expected in (("dan", ["No. 0", "No. 1", "No. 2", "No. 3", "No. 4"]), ("pat", ["No. 1", "No. 3"])):
        found, cursor = [], ""
        while cursor is not None:
            address = f"{here}/comments?limit=2" + (f"&cursor={cursor}" if cursor else "")
            page = web.get(address, headers=token(office, who)).json()
            found += [each["text"] for each in page["items"]]
            cursor = page["next_cursor"]
        assert found == expected


@pytest.mark.parametrize("words", ["", " \n\u200b", "가" * 4001, "a" * 20000])
def test_a_comment_of_nothing_or_too_much_is_refused(office: Office, web: TestClient, here: str, words: str) -> None:
    say(web, office, here, "ann", words, 422)
    assert heard(web, office, here, "ann") == []


def test_a_comment_may_hold_anything_that_people_can_type(office: Office, web: TestClient, here: str) -> None:
    words = "<script>alert('x')</script>\n\u0000\u202e'; drop table comment; -- 👩‍🚒 %(name)s {{ 7*7 }}"
    made = say(web, office, here, "ann", words)
    assert made["text"] == "<script>alert('x')</script>\n'; drop table comment; -- 👩‍🚒 %(name)s {{ 7*7 }}"
    broken = b'{"text": "\\ud800"}'
    headers = {**token(office, "ann"), "Content-Type": "application/json"}
    assert web.post(f"{here}/comments", content=broken, headers=headers).status_code == 422


def test_what_was_said_cannot_be_changed_in_the_database(office: Office, web: TestClient, here: str) -> None:
    made = attach(web, token(office, "ann"), here, PNG, text="Said.").json()
    web.post(f"{here}/comments/{made['id']}/withdrawal", headers=token(office, "ann"))
    for table in ("comment", "attachment", "comment_withdrawal"):
        for how in (f"delete from {table}", f"update {table} set {'at = at' if table != 'attachment' else 'size = 1'}"):  # noqa: S608
            with pytest.raises(DBAPIError, match="append-only"), office.transaction() as session:
                session.connection().execute(text(how))


def test_a_name_stays_as_it_was(office: Office, web: TestClient, here: str) -> None:
    say(web, office, here, "ann", "@Dan")
    with office.transaction() as session:
        for who in ("ann", "dan"):
            session.get_one(type(office.people[who]), office.people[who].id).name = f"{who.capitalize()} Lee"
    (shown,) = web.get(f"{here}/comments", headers=token(office, "bo")).json()["items"]
    assert (shown["author"], shown["mentions"]) == ("Ann", ["Dan"])


def test_comments_go_on_after_the_seal_and_do_not_touch_it(
    office: Office, web: TestClient, here: str, contract: Contract
) -> None:
    say(web, office, here, "ann", "Inside, before the seal: 90,000.")
    say(web, office, here, "ann", "Shared before the seal.", visibility="shared")
    office.decide("ann")
    office.carry_on(contract)
    office.sign("sarka@nordwerk.example")
    office.carry_on(contract)
    assert office.state(contract) == "in_force"
    sealed = web.get(f"{here}/versions/1/file?as=sealed", headers=token(office, "dan")).content
    attach(web, token(office, "dan"), here, plain_pdf(), "annex.pdf", visibility="shared")
    assert web.get(f"{here}/versions/1/file?as=sealed", headers=token(office, "dan")).content == sealed
    (record,) = _attached(sealed)
    assert b'"commented"' in record
    assert hashlib.sha256(b"Shared before the seal.").hexdigest().encode() in record
    assert hashlib.sha256(b"Inside, before the seal: 90,000.").hexdigest().encode() not in record
    assert record.count(b'"commented"') == 1


def _attached(pdf: bytes) -> list[bytes]:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return [spec.get_file().read_bytes() for spec in opened.attachments.values()]


def test_the_description_shows_an_example_of_each(web: TestClient) -> None:
    described = web.get("/api/openapi.json").json()
    ours = re.compile(r"/\{paper_id\}/(comments|attachments)")
    paths = {path: found for path, found in described["paths"].items() if ours.search(path)}
    assert len(paths) == 2 * 5
    for operations in paths.values():
        for operation in operations.values():
            assert operation["summary"]
            assert "401" in operation["responses"]
            assert "404" in operation["responses"]
    for name in ("CommentIn", "CommentShape", "AttachmentShape"):
        assert any("examples" in each for each in described["components"]["schemas"][name]["properties"].values())


def test_comments_are_counted_apart_from_other_documents(office: Office, web: TestClient, here: str) -> None:
    say(web, office, here, "ann", "Here.")
    other = f"/api/contracts/{office.contract('dan').id}"
    assert heard(web, office, other, "dan") == []
    with office.reading() as session:
        assert [each.text for each in session.exec(select(Comment).order_by(col(Comment.id)))] == ["Here."]

"""What mails say, in both languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from documents.rendering import Reader
from tests.workflows.letters import (
    AWAY,
    ENGLISH,
    FOLDER,
    KOREAN,
    LEASE,
    LEAST,
    LINK,
    OWN,
    PAGE,
    Page,
    composed,
    flat,
    html,
    text,
    written,
)
from workflows.business_time import Calendar, due_after
from workflows.notifications import KINDS


def test_every_kind_has_its_folder() -> None:
    folders = {each.name for each in FOLDER.iterdir() if each.is_dir() and each.name != "_shared"}
    assert folders == KINDS == OWN.keys()
    for kind in KINDS:
        assert {each.name for each in (FOLDER / kind).iterdir()} == {"subject.txt", "body.txt", "body.html"}


@pytest.mark.parametrize("fullness", ["all", "least"])
@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize("kind", sorted(KINDS - {"digest", "substitute", "export_ready", "export_failed"}))
def test_every_mail_names_the_contract_in_subject_text_and_html(kind: str, locale: str, fullness: str) -> None:
    base = KOREAN if locale == "ko" else ENGLISH
    values = base | (OWN[kind][0] if fullness == "all" else LEAST | OWN[kind][1])
    message = composed(kind, values, Reader(locale, "Asia/Seoul"))
    page = Page(html(message))
    for shown in (text(message), page.seen):
        assert values["to_name"] in shown
        assert values["title"] in flat(shown)
        assert values["number"] in shown
        assert values["organisation"] in shown
        for slip in ("None", "Undefined", "%(", "{{", "}}", "{%", " ,", " .", "()", "&amp;", "&#"):
            assert slip not in shown, shown
    assert values["title"] in message["Subject"]
    assert values["number"] in message["Subject"]
    assert f'<html lang="{locale}">' in html(message)
    assert message["Content-Language"] == locale


ASK = {"task", "signature", "mention", "code", "digest", "review", "reminder"}
"""Kinds after which somebody might answer "approved"."""


@pytest.mark.parametrize("kind", sorted(ASK))
def test_whatever_asks_somebody_says_that_an_answer_by_mail_decides_nothing(kind: str) -> None:
    for locale, said in (("en", "(decides? (nothing|anything)|signs nothing)"), ("ko", "답장(으로는|해도) .*않습니다")):
        message = written(kind, locale=locale)
        for shown in (flat(text(message)), Page(html(message)).seen):
            assert re.search(said, shown), shown


@pytest.mark.parametrize("locale", ["en", "ko"])
def test_a_code_travels_without_the_link_that_it_opens(locale: str) -> None:
    message = written("code", locale=locale, link=LINK, page=PAGE)
    assert "042917" in text(message)
    assert "042917" in Page(html(message)).seen
    assert "042917" not in message["Subject"], "subjects are read over shoulders and on locked screens"
    for whole in (text(message), html(message)):
        assert "https://" not in whole


def test_a_digest_names_what_waits_and_how_much_more_there_is() -> None:
    message = written("digest")
    assert message["Subject"] == "3 requests wait for you"
    for shown in (flat(text(message)), flat(Page(html(message)).seen)):
        for each in (
            "2026–2029",
            "비밀유지 계약",
            "C-2026-0148",
            "To sign, asked by 김민준 on Thu 21 May",
            "To approve",
        ):
            assert each in shown
        assert "Due Wed 27 May 2026, 18:00 KST." in shown
        assert "And 1 more." in shown
    alone = written("digest", waiting=2)
    assert "more." not in text(alone)
    assert written("digest", waiting=1)["Subject"] == "1 request waits for you"


def test_nothing_of_a_row_is_taken_for_html_or_for_another_line() -> None:
    row = LEASE | {"title": "<b>Lease</b>\r\nBcc: somebody@else.example"}
    message = written("digest", tasks=[row])
    assert "<b>Lease" not in html(message)
    assert "<b>Lease</b> Bcc: somebody@else.example (C-2026-0148)" in text(message)


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_text_and_html_say_the_same(kind: str, locale: str) -> None:
    message = written(kind, locale=locale)
    seen = re.sub(r"[“”\"()<>:\s]", "", Page(html(message)).seen)
    only_html = re.compile(r"[“”\"()<>:\s]")
    for line in text(message).split("\n"):
        for sentence in re.split(r"(?<=[.]) ", line):
            words = only_html.sub("", sentence)
            if words not in ("", "--"):
                assert words in seen, f"{sentence!r} is not in the HTML"


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("more", [{}, {"changed": True}, {"resent": True}, {"due_at": None}, {"days_left": 0}])
def test_a_korean_mail_has_no_english_in_it(kind: str, more: dict[str, Any]) -> None:
    message = written(kind, locale="ko", **more)
    for shown in (message["Subject"], text(message), Page(html(message)).seen):
        rest = re.sub(r"https://\S+|\S+@\S+|C-2026-0148|EUR|KST", "", shown)
        assert not re.search("[A-Za-z]{2,}", rest), rest


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_mail_loads_nothing_and_leads_to_one_place(kind: str, locale: str) -> None:
    page = Page(html(written(kind, locale=locale)))
    assert not {"img", "link", "script", "iframe", "object", "form", "video", "audio", "input"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not {"src", "background", "srcset", "onload", "onclick", "action"} & names
    assert "url(" not in html(written(kind, locale=locale))
    assert len(set(page.links)) <= 1
    assert set(page.links) <= {LINK, PAGE}


@pytest.mark.parametrize("kind", ["task", "signature"])
@pytest.mark.parametrize("locale", ["en", "ko"])
def test_the_link_stands_alone_on_its_line(kind: str, locale: str) -> None:
    message = written(kind, locale=locale)
    assert text(message).split("\n").count(LINK) == 1
    assert Page(html(message)).links == [LINK, LINK]  # the button, and the address to copy


def test_what_an_approver_reads() -> None:
    message = written("task")
    assert message["Subject"] == "Please decide by Wed 27 May: Forklift fleet lease 2026–2029 (C-2026-0148)"
    assert text(message) == (
        "Jiwoo Han, you are asked to approve a contract.\n"
        "\n"
        "Forklift fleet lease 2026–2029\n"
        "C-2026-0148, version 3\n"
        "\n"
        "Asked by   Minjun Kim <minjun.kim@haneul.example>\n"
        "With       Nordwerk Maschinen GmbH\n"
        "Amount     EUR 84,600.00\n"
        "Due        Wed 27 May 2026, 18:00 KST\n"
        "\n"
        '"The old lease ends on 30 June.\n'
        '  Same maker, eight trucks instead of six."\n'
        "\n"
        "Read it and decide:\n"
        f"{LINK}\n"
        "\n"
        "Opening the link decides nothing. You decide with a button on the page.\n"
        "This link is for Jiwoo Han alone. It works once, until Thu 4 Jun 2026, 09:31\n"
        "KST.\n"
        "Please do not forward this mail: whoever opens the link could decide as\n"
        "Jiwoo Han.\n"
        "\n"
        "A reply to this mail goes to Minjun Kim. It does not decide anything.\n"
        "\n"
        "-- \n"
        "Haneul Logistics, 88 Hangdong-ro, Incheon\n"
    )


def test_what_a_korean_approver_reads() -> None:
    message = written("task", locale="ko")
    assert message["Subject"] == "[결재 요청] 지게차 임대차 계약 2026–2029, 5월 27일(수)까지 (C-2026-0148)"
    assert text(message).startswith("한지우 님, 계약 승인을 요청받으셨습니다.\n\n지게차 임대차 계약 2026–2029\n")
    assert "결정 기한: 2026년 5월 27일(수) 18:00 KST\n" in text(message)
    assert "링크를 여는 것만으로는 아무것도 결정되지 않습니다." in text(message)


@pytest.mark.parametrize(
    ("timezone", "day", "moment"),
    [
        ("Asia/Seoul", "Wed 27 May", "Wed 27 May 2026, 18:00 KST"),
        ("Europe/Berlin", "Wed 27 May", "Wed 27 May 2026, 11:00 CEST"),
        ("Pacific/Auckland", "Wed 27 May", "Wed 27 May 2026, 21:00 NZST"),
        ("UTC", "Wed 27 May", "Wed 27 May 2026, 09:00 UTC"),
    ],
)
def test_times_are_in_the_readers_zone_and_say_so(timezone: str, day: str, moment: str) -> None:
    message = written("task", timezone=timezone)
    assert f"by {day}:" in message["Subject"]
    assert moment in flat(text(message))
    assert moment in Page(html(message)).seen


@pytest.mark.parametrize("same", ["2026-05-27T09:00:00Z", "2026-05-27T18:00:00+09:00", "2026-05-27T09:00:00.000"])
def test_a_time_in_any_form_of_iso_8601_is_the_same_time(same: str) -> None:
    assert "Wed 27 May 2026, 18:00 KST" in text(written("task", due_at=same))


def test_the_day_in_the_subject_is_the_readers_day() -> None:
    late = {"due_at": "2026-05-27T20:00:00+00:00"}
    assert "by Wed 27 May:" in written("task", timezone="Europe/Berlin", **late)["Subject"]
    assert "by Thu 28 May:" in written("task", timezone="Asia/Seoul", **late)["Subject"]


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [("84600.00", "EUR", "EUR 84,600.00"), ("38400000", "KRW", "KRW 38,400,000"), ("0.5", "KWD", "KWD 0.500")],
)
def test_an_amount_has_its_currencys_own_decimals(amount: str, currency: str, shown: str) -> None:
    message = written("task", amount=amount, currency=currency)
    assert shown in text(message)
    assert shown in Page(html(message)).seen


@pytest.mark.parametrize("kind", ["task", "signature"])
@pytest.mark.parametrize(
    ("locale", "days"),
    [
        ("en", ("Fri 22 May", "Tue 26 May", "Wed 27 May", "Mon 25 May")),
        ("ko", ("22일(금)", "26일(화)", "5월 25일(월)")),
    ],
)
def test_a_deadline_shows_how_it_was_reckoned(kind: str, locale: str, days: tuple[str, ...]) -> None:
    due = due_after(datetime(2026, 5, 21, 1, tzinfo=UTC), "3 business days", Calendar("KR", "Asia/Seoul"))
    message = written(kind, locale=locale, due_at=due.at.isoformat(), due=due.as_data())
    for day in days:
        assert day in flat(text(message))
        assert day in Page(html(message)).seen
    if locale == "en":
        assert all(len(line) <= 76 for line in text(message).split("\n"))


def test_a_changed_document_is_said_to_have_changed() -> None:
    message = written("task", changed=True)
    assert message["Subject"].startswith("Changed, please decide again by Wed 27 May:")
    assert "a contract that you approved has changed" in text(message)
    assert "Your earlier approval counts for the earlier version only." in text(message)


@pytest.mark.parametrize("kind", ["task", "signature"])
def test_a_new_link_says_that_older_ones_are_dead(kind: str) -> None:
    message = written(kind, resent=True)
    assert message["Subject"].startswith("A new link, please ")
    assert "Links from earlier mails no longer work." in text(message)
    assert "Links from earlier mails no longer work." in Page(html(message)).seen


@pytest.mark.parametrize("kind", ["sent_back", "rejected", "declined", "withdrawn"])
@pytest.mark.parametrize("locale", ["en", "ko"])
def test_who_ended_it_and_why_is_said(kind: str, locale: str) -> None:
    message = written(kind, locale=locale, comment="First reason.\n\nSecond <reason> & more.")
    by = (KOREAN if locale == "ko" else ENGLISH)["by_name"]
    assert by in text(message).split("\n")[0]
    assert "First reason." in text(message)
    assert "Second <reason> & more." in text(message)
    assert "“First reason. Second <reason> & more.”" in Page(html(message)).seen


def test_whoever_is_in_the_house_opens_the_contract_and_a_stranger_the_file() -> None:
    assert f"Open the contract:\n{PAGE}\n" in text(written("in_force", link=LINK))
    stranger = written("in_force", page=None, link=LINK, link_until="2026-08-23T00:00:00+00:00")
    assert f"Open the sealed file:\n{LINK}\n" in text(stranger)
    assert "The link works until Sun 23 Aug 2026, 09:00 KST." in flat(text(stranger))
    assert f"Open the sealed file:\n{LINK}\n" in text(written("in_force", page=None, file_link=LINK))
    without = written("in_force", page=None)
    assert "Minjun Kim sends you the sealed file when you ask." in text(without)
    assert Page(html(without)).links == []


@pytest.mark.parametrize(
    ("what", "days_left", "subject", "korean"),
    [
        ("cancel", 30, "30 days left to cancel: ", "[해지 통보 기한 30일 전] "),
        ("cancel", 1, "1 day left to cancel: ", "[해지 통보 기한 1일 전] "),
        ("cancel", 0, "Last day to cancel is today: ", "[오늘이 해지 통보 기한] "),
        ("end", 60, "Ends in 60 days: ", "[계약 종료 60일 전] "),
        ("end", 1, "Ends in 1 day: ", "[계약 종료 1일 전] "),
        ("end", 0, "Ends today: ", "[오늘 계약 종료] "),
    ],
)
def test_a_warning_counts_the_days(what: str, days_left: int, subject: str, korean: str) -> None:
    assert written("expiry", what=what, days_left=days_left)["Subject"].startswith(subject)
    assert written("expiry", what=what, days_left=days_left, locale="ko")["Subject"].startswith(korean)


def test_a_warning_shows_how_its_day_was_reckoned() -> None:
    shown = flat(text(written("expiry")))
    assert "Cancel by Sun 1 Apr 2029 Sat 30 Jun 2029 less 90 days of notice Ends" in shown
    shown = text(written("expiry", locale="ko"))
    assert "해지 통보 기한: 2029년 4월 1일(일)\n  종료일 2029년 6월 30일(토)에서 통보 기간 90일을 뺀 날\n" in shown


def test_a_mail_that_failed_is_told_with_the_servers_own_words() -> None:
    message = written("mail_failed")
    assert message["Subject"].startswith("Not delivered to Lukas Böhm: ")
    for shown in (flat(text(message)), Page(html(message)).seen):
        assert "lukas.boehm@nordwerk.example" in shown
        assert "Request to sign" in shown
        assert "550 5.1.1 No such user here" in shown
        assert "Lukas Böhm does not know of your request yet." in shown


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize(
    ("how", "english", "korean"),
    [
        ("substitute", "for 정하은, who is away until Fri 29 May 2026.", "2026년 5월 29일(금)까지 부재중인 정하은"),
        ("delegated", "이서연 asks you to decide on a contract in their place.", "이서연 님이 대신 결재해 달라고"),
        ("reassigned", "이서연 gave it to you; 정하은 was asked before.", "이서연 님이 담당자를 정하은 님에서"),
        ("returned", "이서연 has given a contract back to you.", "이서연 님이 계약을 돌려드렸습니다"),
    ],
)
def test_whoever_is_asked_in_anothers_place_reads_whose_and_why(
    how: str, english: str, korean: str, locale: str
) -> None:
    values = AWAY | {"how": how, "by_name": "이서연", "comment": "휴가입니다."}
    message = written("task", locale=locale, **values)
    for shown in (flat(text(message)), flat(Page(html(message)).seen)):
        assert (korean if locale == "ko" else english) in shown
        assert "휴가입니다." in shown


def test_a_sender_who_takes_a_document_back_says_that_it_comes_again() -> None:
    message = written("withdrawn", recalled=True)
    assert "took this contract back to change it" in flat(text(message))
    assert "You will be asked again" in flat(text(message))
    assert message["Subject"].startswith("Taken back to change it: ")


@pytest.mark.parametrize(
    ("locale", "stage", "shown"),
    [
        ("en", "manager", "Manager"),
        ("ko", "manager", "상급자"),
        ("en", "legal", "Legal"),
        ("ko", "준법감시", "준법감시"),
    ],
)
def test_a_stage_is_called_in_mails_as_on_pages(locale: str, stage: str, shown: str) -> None:
    message = written("incident", locale=locale, **OWN["incident"][0], stage=stage)
    for said in (str(message["Subject"]), flat(text(message)), flat(Page(html(message)).seen)):
        assert shown in said
    assert stage == shown or f"“{stage}”" not in flat(text(message))


@pytest.mark.parametrize(
    ("locale", "shown"), [("en", "Lease, Credit note, Racking"), ("ko", "임대차, 대변표, Racking")]
)
def test_a_substitute_reads_for_which_documents(locale: str, shown: str) -> None:
    values = OWN["substitute"][0] | {"kinds": ["lease", "credit note", "racking"]}
    message = written("substitute", locale=locale, **values)
    for said in (flat(text(message)), flat(Page(html(message)).seen)):
        assert shown in said

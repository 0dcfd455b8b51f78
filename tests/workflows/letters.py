"""A mail of each kind with all it may say, and with the least; what somebody sees of it."""

from __future__ import annotations

from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from documents.rendering import Reader
from workflows.notifications import Address, compose

FOLDER = Path(__file__).parents[2] / "templates" / "emails"
LINK = "https://sign.haneul.example/t/8Qm2Zk4vXo1rT7cYpL0bWnUe5sHdJf9gKa3iRx6MzVw"
PAGE = "https://sign.haneul.example/contracts/0198c0de-0000-7000-8000-000000000148"

ENGLISH: dict[str, Any] = {
    "to_name": "Jiwoo Han",
    "organisation": "Haneul Logistics",
    "address": "88 Hangdong-ro, Incheon",
    "sender_name": "Minjun Kim",
    "sender_email": "minjun.kim@haneul.example",
    "title": "Forklift fleet lease 2026–2029",
    "number": "C-2026-0148",
    "version": 3,
    "counterparty": "Nordwerk Maschinen GmbH",
    "amount": "84600.00",
    "currency": "EUR",
    "note": "The old lease ends on 30 June.\nSame maker, eight trucks instead of six.",
    "stage": "legal",
    "by_name": "Šárka Černá",
    "comment": "Please cap the liability.",
    "failed_name": "Lukas Böhm",
    "failed_email": "lukas.boehm@nordwerk.example",
    "failure": "The mail server refused it: 550 5.1.1 No such user here",
}
KOREAN: dict[str, Any] = ENGLISH | {
    "to_name": "한지우",
    "organisation": "하늘물류",
    "address": "인천광역시 항동로 88",
    "sender_name": "김민준",
    "title": "지게차 임대차 계약 2026–2029",
    "counterparty": "노르트베르크",
    "note": "지금 임대차는 6월 30일에 끝납니다.\n제조사는 같고, 여섯 대에서 여덟 대로 늘립니다.",
    "stage": "법무",
    "by_name": "이서연",
    "comment": "책임 한도를 정해 주세요.",
    "failed_name": "박도윤",
    "failure": "없는 주소",
}
ASKED: dict[str, Any] = {
    "link": LINK,
    "link_until": "2026-06-04T00:31:00+00:00",
    "due_at": "2026-05-27T09:00:00Z",
    "changed": False,
    "resent": False,
}
AWAY: dict[str, Any] = {
    "how": "substitute",
    "person_name": "박도윤",
    "for_name": "정하은",
    "away_until": "2026-05-29",
}
LOCKED: dict[str, Any] = {"locked_name": "박도윤", "locked_email": "doyun.park@haneul.example", "tries": 5}
LEASE: dict[str, Any] = {
    "title": "2026–2029",
    "number": "C-2026-0148",
    "sender_name": "김민준",
    "asked_at": "2026-05-21T00:41:00+00:00",
    "due_at": "2026-05-27T09:00:00Z",
    "signature": True,
}
REMINDED = {"signature": False, "overdue": False, "asked_at": "2026-05-21T00:41:00+00:00"}
LATE = {"people": "이서연", "of_name": "박도윤", "due_at": "2026-05-27T09:00:00Z"}
NDA = LEASE | {"title": "비밀유지 계약", "number": "C-2026-0148", "due_at": None, "signature": False}
BROKE_OFF = {
    "sentence": "It was begun %(times)s times, and broke off each time. Administrators find in the log why.",
    "values": {"times": "10"},
}
# What each kind says beside; the second of a pair is the same mail with as little as it can have.
OWN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "task": (ASKED, ASKED | {"due_at": None}),
    "signature": (ASKED, ASKED | {"due_at": None}),
    "sent_back": ({"page": PAGE}, {"by_name": "", "comment": ""}),
    "approved": ({"page": PAGE, "due_on": "2026-06-30"}, {}),
    "rejected": ({"page": PAGE}, {"by_name": "", "comment": ""}),
    "declined": ({"page": PAGE}, {"by_name": "", "comment": ""}),
    "withdrawn": ({}, {"by_name": "", "comment": ""}),
    "in_force": ({"page": PAGE, "starts_on": "2026-07-01", "ends_on": "2029-06-30"}, {}),
    "expiry": (
        {
            "page": PAGE,
            "what": "cancel",
            "day": "2029-04-01",
            "days_left": 30,
            "ends_on": "2029-06-30",
            "notice_days": 90,
        },
        {"what": "end", "day": "2029-06-30", "days_left": 0, "ends_on": "2029-06-30", "notice_days": None},
    ),
    "expired": ({"page": PAGE, "ends_on": "2029-06-30"}, {}),
    "mail_failed": ({"page": PAGE, "failed_kind": "signature"}, {"failed_kind": "in_force", "failed_name": ""}),
    "incident": ({"page": PAGE, "for_name": "박도윤"}, {}),
    "mention": ({"page": PAGE, "shared": True, "file_name": "견적서 2.1"}, {"shared": False, "comment": "Fine."}),
    "review": (ASKED | {"how": "prepare"}, ASKED | {"how": "review", "comment": "", "due_at": None}),
    "sending": (
        {"link": LINK, "link_until": "2026-06-04T00:31:00+00:00", "file_name": "견적서 2.1"},
        {"link": None, "sender_email": ""},
    ),
    "query": ({"supplier_number": "2026-0001"}, {"supplier_number": ""}),
    "opinion": ({"page": PAGE}, {"link": LINK, "link_until": "2026-06-04T00:31:00+00:00"}),
    "handed_over": (AWAY | {"page": PAGE, "due_at": "2026-05-27T09:00:00Z"}, AWAY | {"how": "delegated"}),
    "code": ({"code": "042917", "code_until": "2026-05-21T00:41:00+00:00"},) * 2,
    "link_locked": (LOCKED | {"page": PAGE, "reading": False}, LOCKED | {"reading": True}),
    "reminder": (
        ASKED | REMINDED | {"overdue": True, "people": "이서연"},
        ASKED | REMINDED | {"signature": True, "due_at": None},
    ),
    "escalated": (
        LATE | {"page": PAGE, "yours": False, "instead": False},
        LATE | {"yours": True, "instead": True, "due_at": None},
    ),
    "ran_out": (LATE | {"page": PAGE, "how": "incident"}, LATE | {"how": "nobody", "due_at": None}),
    "substitute": (
        {"page": PAGE, "for_name": "박도윤", "starts_on": "2026-05-25", "ends_on": "2026-05-29", "kinds": ["lease"]},
        {"for_name": "박도윤", "by_name": "박도윤", "starts_on": "2026-05-25", "ends_on": "2026-05-29", "kinds": []},
    ),
    "export_ready": (
        {
            "page": PAGE,
            "documents": 120_000,
            "kept_until": "2026-05-28T09:00:00+00:00",
        },
        {"page": PAGE, "documents": 1, "kept_until": "2026-05-28T09:00:00+00:00"},
    ),
    "export_failed": ({"page": PAGE, "why": BROKE_OFF}, {"page": PAGE, "why": BROKE_OFF}),
    "digest": ({"page": PAGE, "waiting": 3, "tasks": [LEASE, NDA]}, {"page": PAGE, "waiting": 1, "tasks": [NDA]}),
}
LEAST = {"address": "", "counterparty": "", "amount": None, "currency": None, "note": None}


def written(kind: str, *, locale: str = "en", timezone: str = "Asia/Seoul", **values: Any) -> EmailMessage:
    """A mail of this kind with everything it may say, changed by ``values``."""
    base = KOREAN if locale == "ko" else ENGLISH
    return composed(kind, base | OWN[kind][0] | values, Reader(locale, timezone))


def composed(kind: str, values: dict[str, Any], reader: Reader) -> EmailMessage:
    return compose(
        kind,
        to=Address(str(values["to_name"]), "jiwoo.han@haneul.example"),
        reply_to=Address(str(values["sender_name"]), "minjun.kim@haneul.example"),
        sender=Address(str(values["organisation"]), "contracts@haneul.example"),
        reader=reader,
        values=values,
        message_id="<0198c0de@haneul.example>",
    )


def text(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def flat(words: str) -> str:
    """Without line ends, so that it does not matter where lines break."""
    return " ".join(words.split())


class Page(HTMLParser):
    """What somebody sees of a page, and what a browser would load or open. Fails where tags are not closed in order."""

    EMPTY = frozenset(("meta", "br"))

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.opened: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(source)
        self.close()
        assert self.opened == []

    @property
    def links(self) -> list[str]:
        return [value for name, value in self.attributes if name == "href"]

    @property
    def seen(self) -> str:
        return flat("".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in self.EMPTY:
            self.opened.append(tag)
        if tag in ("td", "th", "p", "h1", "br", "div"):
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.opened and "title" not in self.opened:
            self.words.append(data)

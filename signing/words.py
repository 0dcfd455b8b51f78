"""The words that the signing library writes into documents, in English and Korean, and its way with dates.

English sentences are the keys. The library stands below the rest of Signoff and has its own small table.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

FOOTNOTE = (
    "This record is part of the signed document and is protected by its signatures. "
    "The same record is attached as approval-record.json."
)

KOREAN = {
    "Approval record": "결재 기록",
    "Document number": "문서 번호",
    "Version": "버전",
    "Pages": "쪽수",
    "Organisation": "조직",
    "Recorded": "기록 시각",
    "Document (SHA-256)": "문서 (SHA-256)",
    "As handed in (SHA-256)": "제출 원본 (SHA-256)",
    "Decisions": "결재 내용",
    "Signatures": "서명",
    "Manager": "상급자",
    "No decisions were needed.": "결재 단계가 없는 문서입니다.",
    "approved": "승인",
    "rejected": "거절",
    "sent back": "보완 요청",
    "withdrawn": "회수",
    "delegated": "위임",
    "signed": "서명",
    "on behalf of %(name)s": "%(name)s 님 대리",
    "by %(via)s": "%(via)s 경유",
    "mailed link": "이메일 링크",
    "mailed link, with a code": "이메일 링크와 인증번호",
    "portal": "포털",
    "API": "API",
    "on SHA-256 %(hash)s": "SHA-256 %(hash)s",
    "this document": "이 문서",
    "Page %(page)s of %(pages)s": "%(pages)s쪽 중 %(page)s쪽",
    "Approval record of %(number)s": "%(number)s 결재 기록",
    FOOTNOTE: (
        "이 기록은 서명된 문서의 일부이며 문서의 서명으로 보호됩니다. "
        "같은 내용이 approval-record.json으로 첨부되어 있습니다."
    ),
    "Signed by": "서명자",
    "Sealed by": "봉인",
    "Reason: %(reason)s": "사유: %(reason)s",
    "Approval record in machine-readable form": "기계 판독용 결재 기록",
    "Signature of %(name)s": "%(name)s 서명",
    "Seal of the platform": "플랫폼 봉인",
}

VERDICTS = {
    "approve": "approved",
    "approved": "approved",
    "reject": "rejected",
    "rejected": "rejected",
    "send_back": "sent back",
    "sent_back": "sent back",
    "withdraw": "withdrawn",
    "withdrawn": "withdrawn",
    "delegate": "delegated",
    "delegated": "delegated",
    "sign": "signed",
    "signed": "signed",
}

VIA = {
    "link": "mailed link",
    "link_and_code": "mailed link, with a code",
    "mail": "mailed link",
    "portal": "portal",
    "page": "portal",
    "api": "API",
}

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
KOREAN_WEEKDAYS = "월화수목금토일"


def word(sentence: str, locale: str, **values: object) -> str:
    """The sentence in this language, filled; English for every other language than Korean."""
    text = KOREAN.get(sentence, sentence) if locale.startswith("ko") else sentence
    return text % values if values else text


def moment(at: datetime, locale: str, timezone: str) -> str:
    """To the second, with the zone's name: `Wed 27 May 2026, 18:00:05 KST`, `2026년 5월 27일(수) 18:00:05 KST`."""
    try:
        local = at.astimezone(ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError):
        local = at.astimezone(UTC)
    zone = local.tzname() or ""
    if not zone[:1].isalpha():
        # Many zones have no letters of their own, only "+03".
        zone = f"UTC{local:%z}"[:6] + ":" + f"{local:%z}"[3:5]
    clock = f"{local:%H:%M:%S} {zone}"
    if locale.startswith("ko"):
        return f"{local.year}년 {local.month}월 {local.day}일({KOREAN_WEEKDAYS[local.weekday()]}) {clock}"
    return f"{WEEKDAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]} {local.year}, {clock}"

"""The approval record as pages: upright A4 behind the document, with the places for all signatures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from signing.appearance import (
    AMBER,
    GREEN,
    INK,
    MARK_HEIGHT,
    MARK_WIDTH,
    RED,
    RULE,
    SEAL,
    SOFT,
    TINT,
    Canvas,
    Colour,
    draw_slot,
    fitted,
)
from signing.evidence import Evidence, EvidenceDecision
from signing.fonts import BOLD, FontSet, width
from signing.paper import BOTTOM, LEFT, RIGHT, ROOM, Flow
from signing.words import FOOTNOTE, VERDICTS, VIA, moment, word

CAPTION = 16.0

VERDICT_COLOURS: dict[str, Colour] = {"approved": GREEN, "signed": GREEN, "rejected": RED, "sent back": AMBER}


@dataclass(frozen=True)
class Slot:
    """A place to be signed: form field, and whose it is."""

    field: str
    name: str
    email: str


@dataclass(frozen=True)
class Place:
    """Where a slot came to stand: page of the record (from 0) and lower left corner."""

    field: str
    page: int
    x: int
    y: int


@dataclass
class Record:
    """The finished pages. All use the same fonts."""

    pages: list[Canvas]
    places: list[Place]
    fonts: FontSet


def approval_record(evidence: Evidence, seal: Slot | None, slots: Sequence[Slot], locale: str, timezone: str) -> Record:
    """Without `seal` and slots, the record alone, for a document that is signed elsewhere."""
    flow = Flow()
    _heading(flow, evidence, locale, timezone)
    _section(flow, word("Decisions", locale), 60)
    if not evidence.decisions:
        flow.paragraph(word("No decisions were needed.", locale), 9.5, LEFT, ROOM, colour=SOFT)
    for decision in evidence.decisions:
        _decision(flow, decision, evidence, locale, timezone)
    places = _signatures(flow, seal, slots, locale)
    _footers(flow, evidence, locale, attached=seal is not None)
    return Record(flow.pages, places, flow.fonts)


def _heading(flow: Flow, evidence: Evidence, locale: str, timezone: str) -> None:
    document = evidence.document
    canvas = flow.need(200)
    canvas.box(LEFT, flow.y + 6, 28, 3, SEAL)
    flow.y -= 12
    kicker = word("Approval record", locale)
    canvas.text(kicker, LEFT, flow.y, 10, weight=BOLD, colour=SEAL)
    beside = ROOM - width(kicker, 10, BOLD) - 20
    size, organisation = fitted(evidence.organisation, (10, 9, 8), beside, 1)
    canvas.text_right(organisation[0], RIGHT, flow.y, size, colour=SOFT)
    flow.y -= 8
    size, _ = fitted(document.title, (20, 17, 15), ROOM, 3, BOLD)
    flow.paragraph(document.title, size, LEFT, ROOM, weight=BOLD)
    flow.y -= 24

    facts = (
        ("Document number", document.number),
        ("Version", str(document.version)),
        ("Pages", str(document.pages)),
        ("Recorded", moment(evidence.made_at, locale, timezone)),
    )
    canvas = flow.need(92)
    canvas.box(LEFT, flow.y - 82, ROOM, 92, TINT)
    columns = (LEFT + 12, LEFT + 170, LEFT + 220, LEFT + 270)
    rooms = (150.0, 42.0, 42.0, RIGHT - LEFT - 282)
    for (label, value), x, room in zip(facts, columns, rooms, strict=True):
        canvas.text(word(label, locale), x, flow.y - 8, 7, colour=SOFT)
        size, broken = fitted(value, (9.5, 8.5, 7.5), room, 1)
        canvas.text(broken[0], x, flow.y - 20, size)
    hashes = (
        ("Document (SHA-256)", document.normalised_sha256),
        ("As handed in (SHA-256)", document.original_sha256),
    )
    for row, (label, value) in enumerate(hashes):
        y = flow.y - 38 - row * 25
        canvas.text(word(label, locale), LEFT + 12, y, 7, colour=SOFT)
        size, broken = fitted(value, (8.5, 8, 7), ROOM - 24, 1)
        canvas.text(broken[0], LEFT + 12, y - 11, size)
    flow.y -= 88


def _section(flow: Flow, title: str, with_at_least: float) -> None:
    canvas = flow.need(34 + with_at_least)
    flow.y -= 26
    canvas.text(title, LEFT, flow.y, 12.5, weight=BOLD)
    flow.y -= 7
    canvas.rule(LEFT, flow.y, RIGHT, INK, 0.9)
    flow.y -= 4


def _stage(name: str, locale: str) -> str:
    """As pages show it: begun with a capital; where it is the manager's, in the reader's language."""
    return word("Manager", locale) if name == "manager" else name[:1].upper() + name[1:]


def _decision(flow: Flow, decision: EvidenceDecision, evidence: Evidence, locale: str, timezone: str) -> None:
    verdict = VERDICTS.get(decision.verdict, decision.verdict)
    canvas = flow.need(56)
    flow.y -= 12
    shown = word(verdict, locale)
    at = moment(decision.at, locale, timezone)
    canvas.text_right(at, RIGHT, flow.y, 8.5, colour=SOFT)
    stage_room = ROOM - width(at, 8.5) - 16
    stage = fitted(_stage(decision.stage, locale), (8.5, 7.5), stage_room, 1)
    canvas.text(stage[1][0], LEFT, flow.y, stage[0], colour=SOFT)
    flow.y -= 3
    colour = VERDICT_COLOURS.get(verdict, INK)
    shown = shown[:1].upper() + shown[1:]
    verdict_width = width(shown, 11, BOLD)
    canvas.text_right(shown, RIGHT, flow.y - 14.85, 11, weight=BOLD, colour=colour)
    flow.paragraph(decision.name, 11, LEFT, ROOM - verdict_width - 16, weight=BOLD)
    notes = [decision.email]
    if decision.on_behalf_of:
        notes.append(word("on behalf of %(name)s", locale, name=decision.on_behalf_of))
    if decision.via:
        notes.append(word("by %(via)s", locale, via=word(VIA.get(decision.via, decision.via), locale)))
    flow.paragraph(" · ".join(note for note in notes if note), 8.5, LEFT, ROOM, colour=SOFT)
    if decision.comment:
        flow.y -= 2
        flow.paragraph(decision.comment, 9.5, LEFT + 10, ROOM - 20)
        flow.y -= 2
    if decision.version_sha256:
        told = word("on SHA-256 %(hash)s", locale, hash=decision.version_sha256)
        if decision.version_sha256 == evidence.document.normalised_sha256:
            told += f" ({word('this document', locale)})"
        flow.paragraph(told, 7, LEFT, ROOM, colour=SOFT)
    flow.y -= 7
    flow.pages[-1].rule(LEFT, flow.y, RIGHT, RULE)


def _signatures(flow: Flow, seal: Slot | None, slots: Sequence[Slot], locale: str) -> list[Place]:
    wanted = ([] if seal is None else [seal]) + list(slots)
    if not wanted:
        return []
    flow.y -= 4
    _section(flow, word("Signatures", locale), MARK_HEIGHT + CAPTION + 10)
    flow.y -= 6
    gap = ROOM - 2 * MARK_WIDTH
    places = []
    for index, slot in enumerate(wanted):
        if index % 2 == 0:
            flow.need(MARK_HEIGHT + CAPTION)
            flow.y = math.floor(flow.y - MARK_HEIGHT - CAPTION)
        x = math.floor(LEFT + (index % 2) * (MARK_WIDTH + gap))
        draw_slot(flow.pages[-1], x, flow.y, slot.name, slot.email)
        places.append(Place(slot.field, len(flow.pages) - 1, round(x), round(flow.y)))
        if index % 2 == 1:
            flow.y -= 10
    return places


def _footers(flow: Flow, evidence: Evidence, locale: str, *, attached: bool) -> None:
    note = word(FOOTNOTE, locale)
    for index, canvas in enumerate(flow.pages):
        canvas.rule(LEFT, BOTTOM - 14, RIGHT)
        page = word("Page %(page)s of %(pages)s", locale, page=index + 1, pages=len(flow.pages))
        canvas.text_right(page, RIGHT, BOTTOM - 25, 7.5, colour=SOFT)
        number = word("Approval record of %(number)s", locale, number=evidence.document.number)
        size, broken = fitted(number, (7.5, 7, 6), ROOM - 110, 1)
        canvas.text(broken[0], LEFT, BOTTOM - 25, size, colour=SOFT)
        if attached:
            size, broken = fitted(note, (7, 6.5), ROOM, 2)
            for row, line in enumerate(broken):
                canvas.text(line, LEFT, BOTTOM - 35 - row * 9, size, colour=SOFT)

"""What the templates are given: plain values, decided already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from documents.rendering import Reader, sentence
from workflows.approvals.model import Decision, Stage, StageKind, StageState, Task, TaskState, Verdict
from workflows.approvals.queries import Journey
from workflows.approvals.rules import due_of, standing_votes
from workflows.words import stage_name


@dataclass(frozen=True)
class RoutePerson:
    words: str
    at: datetime | None = None
    due: datetime | None = None
    mine: bool = False


@dataclass(frozen=True)
class RouteRow:
    """``mark``: done, now, next, skipped or refused; the words say the same."""

    mark: str
    title: str
    people: tuple[RoutePerson, ...] = ()


DECIDED = {
    Verdict.APPROVE: "%(name)s approved",
    Verdict.REJECT: "%(name)s rejected",
    Verdict.SEND_BACK: "%(name)s sent it back",
    Verdict.SIGN: "%(name)s signed",
    Verdict.DECLINE: "%(name)s declined to sign",
}
BY_ME = {
    Verdict.APPROVE: "You approved",
    Verdict.REJECT: "You rejected it",
    Verdict.SEND_BACK: "You sent it back",
    Verdict.SIGN: "You signed",
    Verdict.DECLINE: "You declined to sign",
}
HANDED = {
    "handed_over": "%(name)s was asked; %(to)s acts for them",
    "reassigned": "%(name)s was asked; now it is %(to)s",
    "returned": "%(name)s was asked; it went back to %(to)s",
    "left": "%(name)s was asked, and is no longer here; now it is %(to)s",
}
MARKS = {
    StageState.WAITING: "next",
    StageState.OPEN: "now",
    StageState.BLOCKED: "now",
    StageState.APPROVED: "done",
    StageState.REJECTED: "refused",
    StageState.SKIPPED: "skipped",
    StageState.VOID: "skipped",
}


def route_rows(
    travelled: Journey,
    reader: Reader,
    *,
    me: UUID | None,
    sealed_at: datetime | None = None,
    finish: str = "seal",
) -> list[RouteRow]:
    """The stages of a round in their order, then the seal, or what else ``finish`` says."""
    rows = [_row(travelled, stage, reader, me) for stage in travelled.stages]
    if finish != "seal":
        return rows
    done = sealed_at is not None
    people = (RoutePerson(sentence("Sealed", reader.locale), at=sealed_at),) if done else ()
    return [*rows, RouteRow("done" if done else "next", sentence("Sealed and in force", reader.locale), people)]


def _row(travelled: Journey, stage: Stage, reader: Reader, me: UUID | None) -> RouteRow:
    mark = MARKS[stage.state]
    people = [
        _person(task, travelled.decisions.get(task.id), stage, reader, me)
        for task in travelled.tasks_in(stage)
        if task.opening == stage.opening or task.id in travelled.decisions
    ]
    people += [
        RoutePerson(sentence("%(name)s approved before; that counts here, too", reader.locale, name=name))
        for name in travelled.counted_in(stage)
    ]
    if stage.kept is not None:
        people += [_kept(stage.kept["version"], each, reader) for each in stage.kept["by"]]
    if any(task.verdict in (Verdict.SEND_BACK, Verdict.DECLINE) for task in standing_votes(stage, travelled.tasks)):
        mark = "refused"
    if stage.state is StageState.SKIPPED:
        people = [RoutePerson(sentence("Not needed: its condition does not hold", reader.locale))]
    if stage.state is StageState.BLOCKED:
        people = [RoutePerson(sentence("Nobody could be asked; administrators have been told", reader.locale))]
    return RouteRow(mark, stage_title(stage, reader), tuple(people))


def _kept(version: int, by: Mapping[str, str], reader: Reader) -> RoutePerson:
    words = sentence(
        "%(name)s approved version %(version)s; that stays", reader.locale, name=by["name"], version=version
    )
    return RoutePerson(words, at=datetime.fromisoformat(by["at"]))


def stage_title(stage: Stage, reader: Reader) -> str:
    name = stage_name(stage.name, reader)
    if (
        stage.state in (StageState.OPEN, StageState.APPROVED, StageState.REJECTED)
        and stage.kind is StageKind.APPROVAL
        and stage.approve > 1
    ):
        return sentence("%(stage)s: %(needed)s must approve", reader.locale, stage=name, needed=stage.approve)
    if stage.parallel:
        return sentence("%(stage)s (side by side with others)", reader.locale, stage=name)
    return name


def _person(task: Task, decision: Decision | None, stage: Stage, reader: Reader, me: UUID | None) -> RoutePerson:
    mine = task.person_id == me
    if task.review_of_id is not None:
        return _reviewer(task, reader, mine=mine)
    if decision is not None:
        words = (
            sentence(BY_ME[decision.verdict], reader.locale)
            if mine
            else sentence(DECIDED[decision.verdict], reader.locale, name=task.name)
        )
        words = _for_whom(words, task, reader)
        if task.opening != stage.opening:
            words = sentence("%(words)s, before it was asked again", reader.locale, words=words)
        return RoutePerson(words, at=decision.at, mine=mine)
    match task.state:
        case TaskState.OPEN:
            words = (
                sentence("You are asked", reader.locale)
                if mine
                else sentence("%(name)s is asked", reader.locale, name=task.name)
            )
            return RoutePerson(_for_whom(words, task, reader), due=due_of(stage, task)[0], mine=mine)
        case TaskState.WAITING:
            return RoutePerson(sentence("%(name)s comes later", reader.locale, name=task.name), mine=mine)
        case _ if task.handed_to_name:
            words = sentence(HANDED[task.closed_because], reader.locale, name=task.name, to=task.handed_to_name)
            return RoutePerson(words, at=task.closed_at, mine=mine)
        case _:
            return RoutePerson(
                sentence("%(name)s was asked; no longer needed", reader.locale, name=task.name), mine=mine
            )


def _for_whom(words: str, task: Task, reader: Reader) -> str:
    """Who somebody acts for, where it is not themselves: "Cy approved, for Ann"."""
    if not task.instead_of_name:
        return words
    return sentence("%(words)s, for %(name)s", reader.locale, words=words, name=task.instead_of_name)


def _reviewer(task: Task, reader: Reader, *, mine: bool) -> RoutePerson:
    match task.state:
        case TaskState.OPEN:
            words = "You are asked for your opinion" if mine else "%(name)s is asked for an opinion"
            return RoutePerson(sentence(words, reader.locale, name=task.name), mine=mine)
        case TaskState.DECIDED:
            words = "You gave your opinion" if mine else "%(name)s gave an opinion"
            return RoutePerson(sentence(words, reader.locale, name=task.name), at=task.closed_at, mine=mine)
        case _:
            return RoutePerson(
                sentence("%(name)s was asked for an opinion; no longer needed", reader.locale, name=task.name),
                mine=mine,
            )


def who_acts(stages: list[tuple[Stage, list[str]]], reader: Reader) -> str:
    """A status as a sentence fragment of who acts: "Legal is deciding"."""
    parts = []
    for stage, people in stages:
        if stage.state is StageState.BLOCKED:
            parts.append(sentence("Nobody to ask for %(stage)s", reader.locale, stage=stage_name(stage.name, reader)))
        elif stage.kind is StageKind.SIGNATURE and len(people) > 1:
            parts.append(sentence("%(names)s are to sign", reader.locale, names=", ".join(people)))
        elif stage.expired_at is not None:
            parts.append(
                sentence("The time for %(stage)s has run out", reader.locale, stage=stage_name(stage.name, reader))
            )
        elif stage.kind is StageKind.SIGNATURE:
            parts.append(sentence("%(name)s is to sign", reader.locale, name=", ".join(people)))
        else:
            parts.append(sentence("%(stage)s is deciding", reader.locale, stage=stage_name(stage.name, reader)))
    return ", ".join(parts)

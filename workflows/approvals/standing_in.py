"""Who acts for whom: substitutes, and tasks that are handed to somebody else. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from workflows.approvals.model import Round, RoundState, StageKind, Task
from workflows.approvals.rates import Rates, amount_in
from workflows.approvals.rules import Limit, Why, why_closed, why_not_own, why_outdated, why_too_long
from workflows.errors import Refused
from workflows.parties.rules import Actor

MOST_REVIEWERS = 10  # of one task


@dataclass(frozen=True)
class Substitution:
    """``substitute`` acts for ``person`` from the first day to the last one, both included."""

    person: UUID
    substitute: UUID
    first_day: date
    last_day: date
    up_to: Limit | None = None
    """The highest amount, included; None: any, and documents without an amount."""
    kinds: frozenset[str] = frozenset()
    """Kinds of documents, such as ``lease``; empty: every kind."""


def acting_for(
    person: UUID,
    substitutions: Iterable[Substitution],
    *,
    on: date,
    kind: str,
    amount: Decimal | None = None,
    currency: str | None = None,
    rates: Rates | None = None,
    excluded: Collection[UUID] = (),
) -> UUID | None:
    """Who acts for ``person`` on this day; None where they act themselves.

    ``excluded``: who may not act here. One hop only: a substitute who is away as well is asked all the same, and nobody
    in their place.
    """
    for each in substitutions:
        if (
            each.person == person
            and each.substitute not in (person, *excluded)
            and each.first_day <= on <= each.last_day
            and (not each.kinds or kind in each.kinds)
            and _reaches(each.up_to, amount, currency, rates)
        ):
            return each.substitute
    return None


def _reaches(limit: Limit | None, amount: Decimal | None, currency: str | None, rates: Rates | None) -> bool:
    """An amount that nobody knows, or that cannot be converted, is within no limit."""
    if limit is None or limit.amount is None:
        return True
    if amount is None or currency is None:
        return False
    try:
        return amount_in(limit.currency, amount, currency, rates) <= limit.amount
    except Refused:
        return False


@dataclass(frozen=True)
class Seat:
    """Somebody to be asked. ``instead_of``: for whom they act, where it is not themselves."""

    person: UUID
    instead_of: UUID | None = None


def seated(
    panel: Sequence[UUID],
    substitutions: Sequence[Substitution],
    *,
    today: Mapping[UUID, date],
    kind: str,
    amount: Decimal | None = None,
    currency: str | None = None,
    rates: Rates | None = None,
    excluded: Collection[UUID] = (),
) -> tuple[Seat, ...]:
    """A panel with its substitutes: as many seats as people, nobody on two of them, and nobody who is excluded.

    ``today``: where each of the panel is. Where a substitute may not act, or is asked already, the seat stays its
    owner's.
    """
    taken = {*excluded, *panel}
    seats: list[Seat] = []
    for person in panel:
        acting = acting_for(
            person,
            substitutions,
            on=today[person],
            kind=kind,
            amount=amount,
            currency=currency,
            rates=rates,
            excluded=taken,
        )
        seats.append(Seat(person) if acting is None else Seat(acting, person))
        taken.add(seats[-1].person)
    return tuple(seats)


def why_not_stand_in(person: UUID, substitute: UUID, *, first_day: date, last_day: date, today: date) -> Why | None:
    """Why somebody may not be named as a substitute for these days; None where they may."""
    if person == substitute:
        return Why("Nobody can be their own substitute.", "refused", {})
    if last_day < first_day:
        return Why("The last day is before the first.", "refused", {})
    if last_day < today:
        return Why("These days are over.", "refused", {})
    return None


@dataclass(frozen=True)
class Candidate:
    """Whom a task is to go to. ``asked``: they have a task in the same stage; ``excluded``: separation forbids it."""

    id: UUID
    name: str
    active: bool = True
    asked: bool = False
    excluded: bool = False


def why_not_delegate(actor: Actor, round: Round, task: Task, to: Candidate) -> Why | None:
    """Why ``actor`` may not hand their task to somebody else; None where they may.

    One hop only: whoever acts for somebody already, as a substitute or since it was delegated to them, decides or gives
    it back.
    """
    if why := why_not_own(actor, task):
        return why
    if task.kind is StageKind.SIGNATURE:
        return Why("Nobody else can give your signature.", "refused", {})
    if task.instead_of_id is not None or task.review_of_id is not None:
        return Why("You act for somebody else here: this cannot be handed on.", "refused", {})
    return why_closed(round, task) or _why_not_to(task, to)


def why_not_return(actor: Actor, round: Round, task: Task, owner: Candidate) -> Why | None:
    """Why a task does not go back to whom somebody acts for; None where it does, as either of the two may ask.

    ``owner``: whom they act for, or who asked for their opinion.
    """
    if actor.id not in (task.person_id, owner.id):
        return Why("This task is %(name)s’s, not yours. Nothing was recorded.", "forbidden", {"name": task.name})
    if actor.id == task.person_id and task.review_of_id is not None:
        return Why("%(name)s waits for your opinion: say what you think.", "refused", {"name": owner.name})
    if closed := why_closed(round, task):
        return closed
    return None if task.review_of_id is not None else _why_not_to(task, owner)


def why_not_reassign(
    round: Round, task: Task, to: Candidate, *, administrator: bool, signer_named_by_document: bool = False
) -> Why | None:
    """Why a task may not be taken from one person and given to another; None where it may.

    ``administrator``: whoever asks administers the organisation of whoever handed the document in.
    """
    if not administrator:
        return Why("Only administrators may give a task to somebody else.", "forbidden", {})
    if task.kind is StageKind.SIGNATURE and signer_named_by_document:
        return Why("The document names its signers: hand in a new version to change them.", "refused", {})
    return why_closed(round, task) or _why_not_to(task, to)


def _why_not_to(task: Task, to: Candidate) -> Why | None:
    if to.id == task.person_id:
        return Why("%(name)s has this task already.", "conflict", {"name": to.name})
    if not to.active:
        return Why("%(name)s has left, and cannot be asked.", "refused", {"name": to.name})
    if to.asked:
        return Why("%(name)s is asked in this stage already, and nobody decides twice.", "refused", {"name": to.name})
    if to.excluded:
        return Why(
            "%(name)s may not decide here: whoever sends a document, or decided it before, does not decide again.",
            "refused",
            {"name": to.name},
        )
    return None


def why_not_ask_reviewer(actor: Actor, round: Round, task: Task, who: Candidate, *, reviewers: int) -> Why | None:
    """Why an approver may not ask this person for their opinion; None where they may. It has no vote.

    ``reviewers``: how many were asked for this task so far. Whoever sent the document may well be asked.
    """
    if why := why_not_own(actor, task):
        return why
    if task.kind is StageKind.SIGNATURE or task.review_of_id is not None:
        return Why("Only whoever is asked to approve can ask others for their opinion.", "refused", {})
    if closed := why_closed(round, task):
        return closed
    if who.id == actor.id:
        return Why("You are asked yourself: nothing keeps you from giving your opinion.", "refused", {})
    if not who.active:
        return Why("%(name)s has left, and cannot be asked.", "refused", {"name": who.name})
    if who.asked:
        return Why("%(name)s is asked in this stage already, and nobody decides twice.", "refused", {"name": who.name})
    if reviewers >= MOST_REVIEWERS:
        return Why("At most %(most)s people can be asked in addition.", "refused", {"most": MOST_REVIEWERS})
    return None


def why_not_give_opinion(actor: Actor, round: Round, task: Task, text: str, *, seen: str) -> Why | None:
    """Why somebody may not give their opinion; None where they may. ``seen``: as for a decision."""
    if why := why_not_own(actor, task):
        return why
    if task.review_of_id is None:
        return Why("You are asked for a decision here, not for your opinion.", "refused", {})
    if why := why_closed(round, task) or why_outdated(round, seen):
        return why
    if not text:
        return Why("Say what you think.", "refused", {})
    return why_too_long(text)


def why_not_recall(actor: Actor, round: Round) -> Why | None:
    """Why whoever sent a document may not take it back; None where they may."""
    if actor.id != round.submitter_id:
        return Why("Only whoever sent the document may take it back.", "forbidden", {})
    match round.state:
        case RoundState.OPEN:
            return None
        case RoundState.APPROVED:
            return Why("Everyone has approved it: it is being signed, and cannot be taken back.", "conflict", {})
        case _:
            return Why(
                "This is over, since %(at)s: there is nothing to take back.", "conflict", {"at": round.closed_at}
            )

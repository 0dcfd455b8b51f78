"""What follows from what was decided. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from typing import Any, Literal
from uuid import UUID

from workflows.approvals.model import Link, Round, RoundState, Stage, StageKind, StageState, Task, TaskState, Verdict
from workflows.approvals.plan import SUBMITTER, Links, OnChange, Percent, ReopenFrom, Separation, StagePlan
from workflows.approvals.rates import Rates, amount_in
from workflows.errors import Refused
from workflows.parties.rules import Actor, normalised_email

LONGEST_COMMENT = 4000

Approve = int | Literal["all"] | Percent


class Outcome(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Votes:
    """``vetoes``: rejections by people whose single rejection ends the stage; they are among the rejections."""

    approvals: int = 0
    rejections: int = 0
    vetoes: int = 0


@dataclass(frozen=True)
class Ballot:
    """``seat``: who is asked. ``by``: who decided; another than them where somebody stood in."""

    seat: UUID
    by: UUID
    verdict: Verdict


def counted(ballots: Iterable[Ballot], veto: Collection[UUID] = ()) -> Votes:
    """The votes of ballots in the order in which they came. A seat has one vote, and so has whoever decides.

    ``veto``: the seats whose rejection ends the stage, whoever decides for them.
    """
    approvals = rejections = vetoes = 0
    seats: set[UUID] = set()
    deciders: set[UUID] = set()
    for ballot in ballots:
        if ballot.seat in seats or ballot.by in deciders:
            continue
        seats.add(ballot.seat)
        deciders.add(ballot.by)
        approvals += ballot.verdict is Verdict.APPROVE
        if ballot.verdict is Verdict.REJECT:
            rejections += 1
            vetoes += ballot.seat in veto
    return Votes(approvals, rejections, vetoes)


def standing_votes(stage: Stage, tasks: Iterable[Task]) -> list[Task]:
    """Its tasks with a vote that still counts, or can: asked since a document was last sent back to it or before it."""
    return [
        task
        for task in tasks
        if task.stage_id == stage.id and task.opening == stage.opening and task.review_of_id is None
    ]


def votes_in(stage: Stage, tasks: Iterable[Task]) -> Votes:
    """The votes of a stage since it was opened, with those of people whose earlier approval counts here."""
    earlier = (UUID(each) for each in stage.counted)
    given = [(task.closed_at, task, task.verdict) for task in standing_votes(stage, tasks) if task.closed_at]
    ballots = [Ballot(person, person, Verdict.APPROVE) for person in earlier]
    ballots += [
        Ballot(task.instead_of_id or task.person_id, task.person_id, verdict)
        for _, task, verdict in sorted(given, key=lambda each: each[0])
        if verdict in (Verdict.APPROVE, Verdict.REJECT)
    ]
    return counted(ballots, veto={UUID(each) for each in stage.veto})


def thresholds(panel: int, approve: Approve, reject: int | Percent | None) -> tuple[int, int]:
    """Approvals that carry a stage of ``panel`` people, and rejections that end it.

    Shares are of the people asked, rounded up. Without a reject quorum of its own a stage ends as soon as its approvals
    can no longer be reached. The two always meet: whatever ``panel`` people decide, one of them is reached.
    """
    needed = needed_of(panel, approve)
    hopeless = panel - needed + 1
    ends = reject.of(panel) if isinstance(reject, Percent) else reject
    return needed, min(ends, hopeless) if ends is not None else hopeless


def needed_of(panel: int, approve: Approve) -> int:
    if isinstance(approve, Percent):
        return approve.of(panel)
    return panel if approve == "all" else approve


def outcome(approve: int, reject: int, votes: Votes) -> Outcome:
    if votes.vetoes or votes.rejections >= reject:
        return Outcome.REJECTED
    if votes.approvals >= approve:
        return Outcome.APPROVED
    return Outcome.PENDING


@dataclass(frozen=True)
class OpenStages:
    """These come next: ask their people."""

    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class AwaitDecisions:
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class Rejected:
    stage: Stage


@dataclass(frozen=True)
class Approved:
    """Every approval is given. ``signatures`` is the stage of the signers, where there is one."""

    signatures: Stage | None


NextStep = OpenStages | AwaitDecisions | Rejected | Approved


def next_step(stages: Sequence[Stage]) -> NextStep:
    """Where a round stands, from its stages in the order of their positions."""
    going = [stage for stage in stages if stage.state is not StageState.SKIPPED]
    for _, branches in groupby(going, key=lambda stage: stage.position):
        together = tuple(branches)
        if refused := next((stage for stage in together if stage.state is StageState.REJECTED), None):
            return Rejected(refused)
        if together[0].kind is StageKind.SIGNATURE:
            return Approved(together[0])
        if closed := tuple(stage for stage in together if stage.state is StageState.WAITING):
            return OpenStages(closed)
        if pending := tuple(stage for stage in together if stage.state in (StageState.OPEN, StageState.BLOCKED)):
            return AwaitDecisions(pending)
    return Approved(None)


def reopened(stages: Sequence[Stage], target: str) -> tuple[Stage, ...]:
    """What is asked anew when a document goes back to ``target``, a stage, a branch or a group that it went through.

    That is the target itself, and every stage after it that has been opened. Beside a branch the others of its group
    keep what was decided in them: with them done, the group is done as soon as the branch is again.
    """
    targets = [each for each in stages if target in (each.name, each.parallel) and each.state is not StageState.SKIPPED]
    if not targets:
        return ()
    position = targets[0].position
    later = [each for each in stages if each.position > position and each.kind is StageKind.APPROVAL]
    return tuple(each for each in (*targets, *later) if each.state not in (StageState.SKIPPED, StageState.WAITING))


def kept_on_change(on_change: OnChange, stages: Sequence[Stage], *, file_changed: bool) -> tuple[Stage, ...]:
    """The approved stages of a round that stay approved when a new version takes its document's place.

    ``file_changed``: the bytes that were approved are others now, and not only what is said of the document.
    """
    approved = tuple(each for each in stages if each.state is StageState.APPROVED)
    match on_change:
        case "restart":
            return ()
        case "keep":
            return () if file_changed else approved
        case ReopenFrom(name):
            first = next((each.position for each in stages if name in (each.name, each.parallel)), 0)
            return tuple(each for each in approved if each.position < first)


def why_not_send_back(plan: StagePlan, stages: Sequence[Stage], target: str) -> Why | None:
    """Why a stage's approver may not send the document back to ``target``; None where they may."""
    if target == SUBMITTER and SUBMITTER not in plan.send_back_to:
        return Why("From “%(stage)s” a document does not go back to its sender.", "refused", {"stage": plan.name})
    if target not in plan.send_back_to:
        return Why(
            "From “%(stage)s” a document does not go back to “%(target)s”.",
            "refused",
            {"stage": plan.name, "target": target},
        )
    if target != SUBMITTER and not reopened(stages, target):
        return Why("This document did not go through “%(target)s”.", "refused", {"target": target})
    return None


def needs_code(links: Links, amount: Decimal | None, *, device_known: bool) -> bool:
    """Whether a link asks for a one-time code first. ``amount``: in the route's currency, where there is one."""
    return not device_known or (links.code_above is not None and amount is not None and amount > links.code_above)


def next_signers(tasks: Sequence[Task], order: Literal["sequential", "parallel"]) -> tuple[Task, ...]:
    """Who is to be asked now, from a signature stage's tasks: one after the other, or all who were not asked yet."""
    if order == "parallel":
        return tuple(sorted((task for task in tasks if task.state is TaskState.WAITING), key=lambda each: each.ordinal))
    signer = next_signer(tasks)
    return () if signer is None else (signer,)


def next_signer(tasks: Sequence[Task]) -> Task | None:
    """Whose turn it is to be asked, from a signature stage's tasks. None: somebody is asked, or all have signed."""
    if any(task.state is TaskState.OPEN for task in tasks):
        return None
    waiting = [task for task in tasks if task.state is TaskState.WAITING]
    return min(waiting, key=lambda task: task.ordinal, default=None)


@dataclass(frozen=True)
class Why:
    """A refusal's sentence and the values for its places."""

    sentence: str
    kind: Literal["forbidden", "conflict", "gone", "refused"]
    values: dict[str, Any]


def why_not_decide(
    actor: Actor,
    round: Round,
    task: Task,
    verdict: Verdict,
    *,
    seen: str,
    comment: str,
    tasks: Iterable[Task] = (),
    ran_out: Why | None = None,
) -> Why | None:
    """Why ``actor`` may not decide ``task`` with this verdict on the bytes they saw; None where they may.

    ``seen``: sha256 (hex) of the version that was on their screen. ``tasks``: of the round, to say who decided.
    ``ran_out``: why the time for it is over.
    """
    if why := why_not_own(actor, task):
        return why
    if task.review_of_id is not None:
        return Why("You are asked for your opinion here, not for a decision.", "refused", {})
    if task.kind is not StageKind.APPROVAL and verdict not in (Verdict.SIGN, Verdict.DECLINE):
        return Why("You are asked to sign this, not to approve it.", "refused", {})
    if task.kind is StageKind.APPROVAL and verdict in (Verdict.SIGN, Verdict.DECLINE):
        return Why("You are asked to approve this, not to sign it.", "refused", {})
    if why := why_closed(round, task, tasks) or ran_out or why_outdated(round, seen):
        return why
    if verdict in (Verdict.REJECT, Verdict.SEND_BACK, Verdict.DECLINE) and not comment:
        return Why("This needs a sentence that says why.", "refused", {})
    return why_too_long(comment)


def due_of(stage: Stage, task: Task) -> tuple[datetime | None, dict[str, Any] | None]:
    """When a task is due, and how that was reckoned: as its stage, or before, where only others were given longer."""
    return (task.due_at, task.due) if task.due_at is not None else (stage.due_at, stage.due)


def why_not_own(actor: Actor, task: Task) -> Why | None:
    """Why ``actor`` may not act on the task as on their own; None where it is theirs."""
    if actor.id != task.person_id:
        return Why("This task is %(name)s’s, not yours. Nothing was recorded.", "forbidden", {"name": task.name})
    return None


def why_outdated(round: Round, seen: str) -> Why | None:
    """Why what somebody saw does not count any more; None while it is the version that the round is about."""
    if seen != round.version_sha256:
        return Why(
            "The document has changed since you opened it. Nothing was recorded; please read version %(version)s.",
            "conflict",
            {"version": round.version_number},
        )
    return None


def why_too_long(comment: str) -> Why | None:
    if len(comment) > LONGEST_COMMENT:
        return Why("The comment is longer than %(most)s letters.", "refused", {"most": LONGEST_COMMENT})
    return None


def why_not_send_link_again(by: Actor, round: Round, task: Task, *, administrator: bool) -> Why | None:
    """Why ``by`` may not have a fresh link to ``task`` mailed; None where they may.

    ``administrator``: they administer the organisation of whoever handed the document in.
    """
    if by.id != round.submitter_id and not administrator:
        return Why("Only its owner or an administrator may send a link again.", "forbidden", {})
    if task.state is not TaskState.OPEN:
        return Why("This task is not open, so there is no link to send.", "conflict", {})
    return None


def why_closed(round: Round, task: Task, tasks: Iterable[Task] = ()) -> Why | None:
    """Why nobody can act on the task any more; None while it is open. ``tasks``: of the round, to say who decided."""
    match task.state:
        case TaskState.OPEN if round.state in (RoundState.OPEN, RoundState.APPROVED):
            return None
        case TaskState.WAITING:
            return Why("It is not your turn yet. You will get a mail when it is.", "conflict", {})
        case TaskState.DECIDED if task.review_of_id is None:
            return Why(_ALREADY[task.verdict or Verdict.APPROVE], "conflict", {"name": task.name, "at": task.closed_at})
        case _ if task.closed_because == "quorum" and (names := _who_decided_beside(task, tasks)):
            values = {"names": ", ".join(names), "at": task.closed_at}
            return Why("%(names)s decided it, on %(at)s. Nothing more is needed from you.", "conflict", values)
        case _:
            values = {"at": task.closed_at, "to": task.handed_to_name}
            return Why(_ENDED.get(task.closed_because, _ENDED[""]), "conflict", values)


def _who_decided_beside(task: Task, tasks: Iterable[Task]) -> list[str]:
    beside = [each for each in tasks if each.stage_id == task.stage_id and each.opening == task.opening]
    return [each.name for each in beside if each.verdict is not None]


_ALREADY = {
    Verdict.APPROVE: "%(name)s has already approved this, on %(at)s.",
    Verdict.REJECT: "%(name)s has already rejected this, on %(at)s.",
    Verdict.SEND_BACK: "%(name)s has already sent this back, on %(at)s.",
    Verdict.SIGN: "%(name)s has already signed this, on %(at)s.",
    Verdict.DECLINE: "%(name)s has already declined to sign this, on %(at)s.",
}
_ENDED = {
    "quorum": "Enough others have decided, on %(at)s. Nothing more is needed from you.",
    "rejected": "It was rejected on %(at)s. Nothing more is needed from you.",
    "sent_back": "It was sent back on %(at)s. You will be asked again if it comes again.",
    "withdrawn": "It was withdrawn on %(at)s. Nothing more is needed from you.",
    "replaced": "A new version took its place on %(at)s. You will be asked again if you are on its route.",
    "declined": "A signer declined on %(at)s. Nothing more is needed from you.",
    "moved": "Its route was changed on %(at)s. You will be asked again if you are still on it.",
    "recalled": "Its sender took it back on %(at)s, to change it. You will be asked again if it comes again.",
    "handed_over": "It was handed to %(to)s on %(at)s. Nothing more is needed from you.",
    "reassigned": "An administrator gave it to %(to)s on %(at)s. Nothing more is needed from you.",
    "returned": "It went back to %(to)s on %(at)s. Nothing more is needed from you.",
    "opinion": "You gave your opinion on %(at)s. Nothing more is needed from you.",
    "settled": "Your opinion is no longer asked for, since %(at)s. Nothing more is needed from you.",
    "escalated": "Others are asked instead of you since %(at)s. Nothing more is needed from you.",
    "expired": "The time for this ran out on %(at)s. Nothing more is needed from you.",
    "left": "It went to %(to)s on %(at)s. Nothing more is needed from you.",
    "": "This task ended on %(at)s.",
}


def why_not_follow(link: Link, *, now: datetime) -> Why | None:
    """Why a link leads nowhere; None while it is good."""
    if link.expires_at <= now and link.dead_at is None:
        return Why("This link ran out on %(at)s. Ask for a new one.", "gone", {"at": link.expires_at})
    if link.dead_at is not None:
        return Why("This link has done its work on %(at)s.", "gone", {"at": link.dead_at})
    return None


@dataclass(frozen=True)
class Panel:
    """Whom a stage asks, or that there are too few.

    ``counted``: people of the panel who are not asked again, since their earlier approval counts here.
    """

    people: tuple[UUID, ...]
    enough: bool
    counted: tuple[UUID, ...] = ()

    @property
    def size(self) -> int:
        """What quorums and shares are reckoned from."""
        return len(self.people) + len(self.counted)


def panel(
    approvers: Sequence[UUID],
    fallback: Sequence[UUID],
    *,
    excluded: frozenset[UUID],
    approve: Approve,
    approved_before: frozenset[UUID] = frozenset(),
) -> Panel:
    """The people to ask: the approvers less those excluded; the fallback as well where they are too few for the quorum.

    ``approved_before``: those who approved this version in an earlier stage, where the route skips who is repeated.
    Never an empty approval: with nobody left, or fewer than the quorum, it is not enough and the stage is blocked.
    """
    chosen = tuple(dict.fromkeys(person for person in approvers if person not in excluded))
    if len(chosen) < max(1, needed_of(len(chosen), approve)):
        chosen = tuple(dict.fromkeys((*chosen, *(person for person in fallback if person not in excluded))))
    return Panel(
        people=tuple(person for person in chosen if person not in approved_before),
        enough=len(chosen) >= max(1, needed_of(len(chosen), approve)),
        counted=tuple(person for person in chosen if person in approved_before),
    )


def excluded_from(separation: Separation, *, submitter: UUID, decided: Collection[UUID]) -> frozenset[UUID]:
    """Who may not be asked in a stage. ``decided``: who decided an earlier stage of the round."""
    excluded = {submitter} if SUBMITTER in separation.exclude else set[UUID]()
    return frozenset(excluded.union(decided) if separation.distinct_across_stages else excluded)


def address_in(facts: Mapping[str, object], document: str, path: str) -> str | None:
    """The e-mail address in a document's field, such as ``cost_center.owner``; None where there is none.

    Fields may hold further ones, or have names with points.
    """
    found: object = facts.get(document)
    if isinstance(found, Mapping) and path in found:
        found = found[path]
    else:
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    try:
        return normalised_email(found) if isinstance(found, str) else None
    except Refused:
        return None


@dataclass(frozen=True)
class Limit:
    """Up to which amount somebody may approve; ``amount`` None: any."""

    amount: Decimal | None
    currency: str


def holder_of_authority(
    candidates: Iterable[tuple[UUID, Limit | None]], *, amount: Decimal, currency: str, rates: Rates | None
) -> UUID | None:
    """Of these people the one with the lowest limit that suffices; the first of them where limits are the same.

    ``amount``: in ``currency``, the route's. Somebody without a limit has no authority.

    Raises:
        Refused: a limit is in another currency, without a rate.
    """
    found: list[tuple[bool, Decimal, int, UUID]] = []
    for place, (person, limit) in enumerate(candidates):
        if limit is None:
            continue
        if limit.amount is None:
            found.append((True, Decimal(0), place, person))
        elif (reaches := amount_in(currency, limit.amount, limit.currency, rates)) >= amount:
            found.append((False, reaches, place, person))
    return min(found)[3] if found else None

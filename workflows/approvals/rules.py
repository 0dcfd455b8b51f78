"""What follows from what was decided. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any, Literal
from uuid import UUID

from workflows.approvals.model import Link, Round, RoundState, Stage, StageKind, StageState, Task, TaskState, Verdict
from workflows.approvals.plan import Percent
from workflows.parties.rules import Actor

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


def why_not_decide(actor: Actor, round: Round, task: Task, verdict: Verdict, *, seen: str, comment: str) -> Why | None:
    """Why ``actor`` may not decide ``task`` with this verdict on the bytes they saw; None where they may.

    ``seen``: sha256 (hex) of the version that was on their screen.
    """
    if actor.id != task.person_id:
        return Why("This task is %(name)s’s, not yours. Nothing was recorded.", "forbidden", {"name": task.name})
    if task.kind is not StageKind.APPROVAL and verdict not in (Verdict.SIGN, Verdict.DECLINE):
        return Why("You are asked to sign this, not to approve it.", "refused", {})
    if task.kind is StageKind.APPROVAL and verdict in (Verdict.SIGN, Verdict.DECLINE):
        return Why("You are asked to approve this, not to sign it.", "refused", {})
    if closed := why_closed(round, task):
        return closed
    if seen != round.version_sha256:
        return Why(
            "The document has changed since you opened it. Nothing was recorded; please read version %(version)s.",
            "conflict",
            {"version": round.version_number},
        )
    if verdict in (Verdict.REJECT, Verdict.SEND_BACK, Verdict.DECLINE) and not comment:
        return Why("Nothing has been recorded yet: this needs a sentence that says why.", "refused", {})
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


def why_closed(round: Round, task: Task) -> Why | None:
    """Why nobody can act on the task any more; None while it is open."""
    match task.state:
        case TaskState.OPEN if round.state in (RoundState.OPEN, RoundState.APPROVED):
            return None
        case TaskState.WAITING:
            return Why("It is not your turn yet. You will get a mail when it is.", "conflict", {})
        case TaskState.DECIDED:
            return Why(_ALREADY[task.verdict or Verdict.APPROVE], "conflict", {"name": task.name, "at": task.closed_at})
        case _:
            return Why(_ENDED.get(task.closed_because, _ENDED[""]), "conflict", {"at": task.closed_at})


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
    """Whom a stage asks, or that there are too few."""

    people: tuple[UUID, ...]
    enough: bool


def panel(approvers: Sequence[UUID], fallback: Sequence[UUID], *, excluded: frozenset[UUID], approve: Approve) -> Panel:
    """The people to ask: the approvers less those excluded; the fallback as well where they are too few for the quorum.

    Never an empty approval: with nobody left, or fewer than the quorum, it is not enough and the stage is blocked.
    """
    first = tuple(dict.fromkeys(person for person in approvers if person not in excluded))
    if len(first) >= max(1, needed_of(len(first), approve)):
        return Panel(first, True)
    both = tuple(dict.fromkeys((*first, *(person for person in fallback if person not in excluded))))
    return Panel(both, len(both) >= max(1, needed_of(len(both), approve)))

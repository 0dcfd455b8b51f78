"""What a route says, as values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Literal

from workflows.approvals.rates import Rates
from workflows.business_time import Calendar, Due

SUBMITTER = "submitter"
SIGNATURES = "signatures"
"""The stage that a document's own signers form where its route has no signature stage."""

WITHOUT_CALENDAR = Calendar()
"""Of a route that names none, and therefore has no due times."""


@dataclass(frozen=True)
class People:
    emails: tuple[str, ...]


@dataclass(frozen=True)
class Role:
    name: str


@dataclass(frozen=True)
class Group:
    name: str


@dataclass(frozen=True)
class ManagerOf:
    """``approver``: whoever approved the stage before. ``assignee``: whoever has not decided; in escalations only."""

    whom: Literal["submitter", "approver", "assignee"] = "submitter"


@dataclass(frozen=True)
class AtField:
    """Whoever has the e-mail address that the document has in this field, such as ``cost_center.owner``."""

    path: str


@dataclass(frozen=True)
class Authority:
    """Of these people the one with the lowest limit of authority that still suffices for the document's amount."""

    among: People | Role | Group


OneKind = People | Role | Group | ManagerOf | AtField | Authority


@dataclass(frozen=True)
class Together:
    """Approvers of several kinds, asked in one stage. Whoever is meant twice is asked once."""

    kinds: tuple[OneKind, ...]


Approvers = OneKind | Together


def kinds_of(approvers: Approvers | None) -> tuple[OneKind, ...]:
    match approvers:
        case None:
            return ()
        case Together(kinds):
            return kinds
        case _:
            return (approvers,)


@dataclass(frozen=True)
class Percent:
    """A share of the people asked, over 0 and at most 100, rounded up to whole people."""

    share: Decimal

    def of(self, panel: int) -> int:
        return int((self.share * panel / 100).to_integral_value(ROUND_CEILING))

    def __str__(self) -> str:
        return f"{self.share.normalize():f}%"


@dataclass(frozen=True)
class Quorum:
    """``approve`` approvals carry a stage, ``reject`` rejections end it; None: as many as rule the approvals out.

    One rejection by somebody in ``veto`` (e-mail addresses) ends it as well, while it is open. An approval does not
    wait for them: a stage of their own does.
    """

    approve: int | Literal["all"] | Percent = "all"
    reject: int | Percent | None = None
    veto: tuple[str, ...] = ()


@dataclass(frozen=True)
class Separation:
    exclude: tuple[str, ...] = ()
    distinct_across_stages: bool = False


Repeated = Literal["ask", "skip"]
"""Somebody who approved the same version in an earlier stage is asked again, or their approval counts here as well."""


@dataclass(frozen=True)
class Reminder:
    """``before`` and ``after`` the due time; ``every`` so often from the asking until the decision."""

    when: Literal["before", "after", "every"]
    time: Due

    def __str__(self) -> str:
        return f"every {self.time}" if self.when == "every" else f"{self.time} {self.when}"


@dataclass(frozen=True)
class Escalation:
    """``after``: at the stage's due time, or this long after it was opened.

    ``add``: these people are asked in addition. ``replace``: instead of those who have not decided.
    """

    to: Approvers
    after: Due | Literal["due"] = "due"
    mode: Literal["add", "replace"] = "add"


OnExpiry = Literal["incident", "reject", "escalate"]


@dataclass(frozen=True)
class StagePlan:
    name: str
    kind: Literal["approval", "signature"] = "approval"
    when: str | None = None
    approvers: Approvers | None = None
    """None only for a signature stage: the document's own signers."""
    fallback: Approvers | None = None
    quorum: Quorum = Quorum()
    repeated: Repeated | None = None
    """None: as the route says."""
    due: Due | None = None
    remind: tuple[Reminder, ...] = ()
    escalate: Escalation | None = None
    on_expiry: OnExpiry | None = None
    """None: past its due time the stage is late, and waits on."""
    extend: Due | None = None
    """By how much the due time may be put off in all; None: not at all."""
    send_back_to: tuple[str, ...] = (SUBMITTER,)
    order: Literal["sequential", "parallel"] | None = None

    @property
    def kinds(self) -> Iterator[OneKind]:
        """Of approvers, of the fallback, and of those whom an escalation asks."""
        for approvers in (self.approvers, self.fallback, self.escalate.to if self.escalate else None):
            yield from kinds_of(approvers)


@dataclass(frozen=True)
class ParallelPlan:
    """Stages that are asked together; the next one begins when all of them are done."""

    name: str
    branches: tuple[StagePlan, ...]
    when: str | None = None


@dataclass(frozen=True)
class Band:
    """Amounts from ``start`` (None: from the lowest) up to, but without, ``end`` (None: without end)."""

    start: Decimal | None
    end: Decimal | None
    stages: tuple[str, ...]

    def __str__(self) -> str:
        return f"{'' if self.start is None else f'{self.start:f}'}–{'' if self.end is None else f'{self.end:f}'}"


MatchOutcome = Literal["matched", "failed", "without_order"]
"""What became of a document that was held against orders."""


@dataclass(frozen=True)
class Tolerance:
    """How far something may be above what was ordered: within the share and within the amount, where they are given.

    With neither, not at all.
    """

    percent: Decimal | None = None
    amount: Decimal | None = None

    def of(self, ordered: Decimal, rounded: Callable[[Decimal], Decimal] = lambda share: share) -> Decimal:
        """By how much it may be above ``ordered``. ``rounded``: of the share, to the smallest unit there is."""
        most = [] if self.percent is None else [rounded(ordered * self.percent / 100)]
        return min([*most, *([] if self.amount is None else [self.amount])], default=Decimal(0))


@dataclass(frozen=True)
class Insert:
    """A stage that is gone through in this case alone. ``before``: "first", a stage's name, or where it stands."""

    stage: str
    before: str | None = None


@dataclass(frozen=True)
class Match:
    """The document is held against orders before it travels."""

    price: Tolerance = Tolerance()
    quantity: Tolerance = Tolerance()
    on_failure: Insert | None = None
    without_order: Insert | None = None

    @property
    def inserts(self) -> tuple[Insert, ...]:
        return tuple(each for each in (self.on_failure, self.without_order) if each)

    def insert_for(self, outcome: object) -> Insert | None:
        return {"failed": self.on_failure, "without_order": self.without_order}.get(str(outcome))


@dataclass(frozen=True)
class ReopenFrom:
    """A new version is asked about from this stage on; what was approved before it stays approved."""

    stage: str


OnChange = Literal["restart", "keep"] | ReopenFrom
"""``keep``: approvals stay where only what is said of the document changed, and not its file."""


@dataclass(frozen=True)
class Links:
    """``code_above``: a link asks for a one-time code where the amount is higher. In the route's currency."""

    code_above: Decimal | None = None


@dataclass(frozen=True)
class GoldenCase:
    """Facts, and the stages that a document with these facts must go through. ``rates``: those of the case."""

    facts: Mapping[str, object]
    expect: tuple[str, ...]
    rates: Rates | None = None
    line: int = field(default=1, compare=False)
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Route:
    name: str
    document: str
    stages: tuple[StagePlan | ParallelPlan, ...]
    priority: int = 100
    when: str | None = None
    currency: str | None = None
    calendar: Calendar = WITHOUT_CALENDAR
    separation: Separation = Separation()
    repeated: Repeated = "ask"
    on_change: OnChange = "restart"
    bands: tuple[Band, ...] = ()
    links: Links = Links()
    match: Match | None = None
    tests: tuple[GoldenCase, ...] = ()

    @property
    def plans(self) -> Iterator[StagePlan]:
        """Every stage with people of its own: single ones, and the branches of groups."""
        for each in self.stages:
            yield from each.branches if isinstance(each, ParallelPlan) else (each,)

    def repeated_in(self, stage: StagePlan) -> Repeated:
        return stage.repeated or self.repeated

    @property
    def people_named(self) -> tuple[str, ...]:
        """Every e-mail address that the route itself names, sorted."""
        found: set[str] = set()
        for plan in self.plans:
            found.update(plan.quorum.veto)
            for each in plan.kinds:
                among = each.among if isinstance(each, Authority) else each
                if isinstance(among, People):
                    found.update(among.emails)
        return tuple(sorted(found))

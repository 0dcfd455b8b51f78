"""The JSON that programs read and write. Times are RFC 3339 in UTC, amounts decimal strings, hashes lower-case hex."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """RFC 9457. A refusal always means that nothing was changed."""

    type: Annotated[str, Field(examples=["urn:signoff:problem:conflict"])]
    title: Annotated[str, Field(examples=["It has changed in the meantime"])]
    status: Annotated[int, Field(examples=[409])]
    detail: Annotated[
        str,
        Field(examples=["The document has changed since you opened it. Nothing was recorded; please read version 2."]),
    ]
    instance: str
    code: Annotated[str, Field(examples=["conflict"])]
    field: str | None = None


class Loaded(Shape):
    kept: Annotated[int, Field(description="How many are kept now as the file says them.", examples=[120])]


class VersionShape(Shape):
    number: Annotated[int, Field(examples=[1])]
    sha256: Annotated[
        str,
        Field(
            examples=["c52e112170ad9d8bf7af4b9eebc6b7beac94717df69cbc5e26e478c5839bfc9a"],
            description="Of the file as it was handed in; decisions name it.",
        ),
    ]
    readable_sha256: Annotated[str, Field(description="Of the file as it is shown and signed.")]
    file_name: str
    size: Annotated[int, Field(description="Bytes.")]
    pages: int
    note: str
    author: str
    at: datetime
    token: Annotated[str, Field(description="RFC 3161 time-stamp token over `sha256`, base64.")]
    stripped: Annotated[list[str], Field(description="What intake took out because it acts by itself.")]


class PersonShape(Shape):
    id: UUID
    name: Annotated[str, Field(examples=["Jiwoo Han"])]


class TurnShape(Shape):
    stage: Annotated[str, Field(examples=["legal"])]
    kind: Literal["approval", "signature"]
    people: list[PersonShape]
    needed: Annotated[int, Field(description="Approvals, or signatures, that carry the stage.")]
    since: datetime
    due_at: datetime | None
    blocked: Annotated[bool, Field(description="Nobody could be asked; administrators have been told.")]


class SignerShape(Shape):
    name: Annotated[str, Field(examples=["Šárka Černá"])]
    email: Annotated[str, Field(examples=["sarka.cerna@nordwerk.example"])]
    organisation: str = ""
    title: str = ""


class SealShape(Shape):
    sha256: str
    size: int
    at: datetime


class ContractSummary(Shape):
    id: UUID
    number: Annotated[str, Field(examples=["C-2026-0148"])]
    title: Annotated[str, Field(examples=["Forklift fleet lease 2026–2029"])]
    state: Annotated[str, Field(examples=["in_review"])]
    state_since: datetime
    kind: str
    amount: Annotated[str | None, Field(examples=["84600.00"])]
    currency: Annotated[str | None, Field(examples=["EUR"])]
    counterparty: str
    starts_on: date | None
    ends_on: date | None
    cancel_by: Annotated[date | None, Field(description="Last day to cancel: the end less the notice period.")]
    created_at: datetime
    external_id: str | None
    links: dict[str, str]


class ContractShape(ContractSummary):
    notice_days: int | None
    signers: list[SignerShape]
    route: Annotated[str, Field(description="Name of the route that it travels.")]
    route_version: int
    turns: Annotated[list[TurnShape], Field(description="Whose turn it is, and since when.")]
    owner_turn: Annotated[bool, Field(description="Sent back: the owner is to hand in a new version.")]
    next: Annotated[list[str], Field(description="Stages to come; `seal` is the last.")]
    versions: list[VersionShape]
    sealed: SealShape | None


class ContractPage(Shape):
    items: list[ContractSummary]
    next_cursor: Annotated[str | None, Field(description="Send it as `cursor` for the next page; null on the last.")]
    count: Annotated[
        str | None, Field(description="Of a search: `37`, or `1,000+` where there are more than are counted.")
    ]
    cut_short: Annotated[bool, Field(description="A search that did not read all candidates; narrow it.")]


class EventShape(Shape):
    position: int
    at: datetime
    actor: str
    action: Annotated[str, Field(examples=["approved"])]
    data: dict[str, Any]
    previous: str
    sha256: str
    token: Annotated[str, Field(description="RFC 3161 time-stamp token over `sha256`, base64.")]


class EventPage(Shape):
    items: list[EventShape]
    next_cursor: str | None


class DescriptionIn(Shape):
    """What is left out stays; null empties it."""

    title: Annotated[str | None, Field(default=None, max_length=1000)]
    kind: Annotated[str | None, Field(default=None, max_length=40)]
    amount: Annotated[str | None, Field(default=None, max_length=30, examples=["84600.00"])]
    currency: Annotated[str | None, Field(default=None, max_length=3, examples=["EUR"])]
    counterparty: Annotated[str | None, Field(default=None, max_length=1000)]
    counterparty_contact: Annotated[str | None, Field(default=None, max_length=254)]
    counterparty_contact_name: Annotated[str | None, Field(default=None, max_length=1000)]
    starts_on: date | None = None
    ends_on: date | None = None
    notice_days: int | None = None
    external_id: Annotated[str | None, Field(default=None, max_length=1000)]

    def words(self) -> dict[str, str]:
        """What was sent, as forms have it."""
        ours = {"counterparty_contact": "contact_email", "counterparty_contact_name": "contact_name"}
        sent = self.model_dump(exclude_unset=True)
        return {ours.get(name, name): "" if value is None else str(value) for name, value in sent.items()}


class WithdrawalIn(Shape):
    comment: Annotated[str, Field(default="", max_length=4000)]


class DecisionIn(Shape):
    verdict: Annotated[Literal["approve", "reject", "send_back"], Field(examples=["approve"])]
    version_sha256: Annotated[
        str, Field(pattern="^[0-9a-f]{64}$", description="Of the version that you decide on, as the task names it.")
    ]
    comment: Annotated[str, Field(default="", max_length=4000)]
    send_back_to: Annotated[
        str,
        Field(
            default="submitter",
            max_length=80,
            description="With `send_back`: whoever sent the document, or a stage before, as the task lists them.",
            examples=["submitter"],
        ),
    ]


class DecisionShape(Shape):
    task: UUID
    verdict: str
    comment: str
    by: str
    instead_of: Annotated[str | None, Field(description="For whom they decided, where not for themselves.")]
    at: datetime
    version_sha256: str
    via: str
    again: Annotated[bool, Field(description="The same was decided before; this is the first answer again.")]


class OpinionShape(Shape):
    by: str
    at: datetime
    text: str


class TaskShape(Shape):
    id: UUID
    kind: Literal["approval", "signature"]
    state: str
    stage: str
    process: Annotated[str, Field(examples=["contract"])]
    subject_id: UUID
    number: str
    title: str
    counterparty: str
    amount: str | None
    currency: str | None
    version: int
    version_sha256: str
    asked_at: datetime | None
    due_at: datetime | None
    ran_out: Annotated[bool, Field(description="Its time is over: nobody can decide until it is put off.")]
    instead_of: Annotated[str | None, Field(description="For whom you decide, where not for yourself.")]
    wants_opinion: Annotated[bool, Field(description="You are asked for your opinion, and have no vote.")]
    asked_by: Annotated[str | None, Field(description="Who handed it to you, or asks for your opinion.")]
    words: Annotated[str, Field(description="What they say with it, for you alone.")]
    opinions: Annotated[list[OpinionShape], Field(description="Those that you asked for. Only read one by one.")]
    send_back_to: Annotated[
        list[str],
        Field(description="Whereto you may send it back: `submitter`, or stages before. Only read one by one."),
    ]
    decision: DecisionShape | None
    links: dict[str, str]


class TaskPage(Shape):
    items: list[TaskShape]
    next_cursor: str | None


class RouteShape(Shape):
    name: str
    version: int
    sha256: str
    document: str
    published_at: datetime
    stages: list[str]


class DryRunIn(Shape):
    source: Annotated[
        str | None,
        Field(default=None, description="Text of a route that is not published yet; the published one otherwise."),
    ]
    amount: Annotated[str | None, Field(default=None, examples=["84600.00"])]
    currency: Annotated[str | None, Field(default=None, examples=["EUR"])]
    rates: Annotated[
        dict[str, Annotated[Decimal, Field(gt=0)]] | None,
        Field(
            default=None,
            description="What one unit of the route's currency is worth in others.",
            examples=[{"KRW": "1612.50"}],
        ),
    ]
    contract: Annotated[dict[str, Any], Field(default_factory=dict, examples=[{"kind": "lease", "risk": "low"}])]
    invoice: Annotated[
        dict[str, Any],
        Field(default_factory=dict, description="Of a route for invoices.", examples=[{"cost_center": "4711"}]),
    ]
    match: Annotated[
        Literal["matched", "failed", "without_order"] | None,
        Field(default=None, description="How an invoice came out that was held against orders."),
    ]
    submitter: Annotated[
        str, Field(description="Address of the person who would hand it in.", examples=["minjun.kim@haneul.example"])
    ]


class DryEscalationShape(Shape):
    at: datetime
    mode: Annotated[Literal["add", "replace"], Field(description="In addition, or instead of the undecided.")]
    people: list[str]


class DryStageShape(Shape):
    name: str
    parallel: str | None
    kind: Literal["approval", "signature"]
    people: list[str]
    approve: int
    reject: int
    due_at: datetime | None
    due: dict[str, Any] | None
    skipped: Annotated[bool, Field(description="Its condition does not hold.")]
    blocked: Annotated[bool, Field(description="There would be nobody, or too few, to ask.")]
    approved_before: Annotated[
        list[str], Field(description="Not asked again: their approval of an earlier stage counts here.")
    ]
    vetoes: Annotated[list[str], Field(description="People of the stage whose rejection alone ends it.")]
    order: Annotated[Literal["sequential", "parallel"] | None, Field(description="Of signatures.")]
    reminders: Annotated[list[datetime], Field(description="Until the due time.")]
    escalation: DryEscalationShape | None
    on_expiry: Annotated[
        Literal["incident", "reject", "escalate"] | None,
        Field(description="What happens at the due time; null: it is late, and waits on."),
    ]


class BandShape(Shape):
    """From its start up to, but without, its end; null: without bound."""

    start: str | None
    end: str | None
    stages: list[str]


class DryRunShape(Shape):
    route: str
    version: int | None
    amount: Annotated[str | None, Field(description="As the route compares it.")]
    currency: str | None
    band: Annotated[BandShape | None, Field(description="The route's band that holds the amount.")]
    stages: list[DryStageShape]

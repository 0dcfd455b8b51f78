"""The stages of a route's text. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

import yaml

from workflows.approvals.plan import (
    SIGNATURES,
    SUBMITTER,
    Approvers,
    Escalation,
    ManagerOf,
    OnExpiry,
    ParallelPlan,
    Quorum,
    Reminder,
    Repeated,
    StagePlan,
    kinds_of,
)
from workflows.approvals.reading_people import read_approvers, read_quorum
from workflows.approvals.reading_values import read_condition, read_time
from workflows.approvals.source import Source, short
from workflows.business_time import Due

MOST_STAGES = 100  # branches of parallel groups included
MOST_REMINDERS = 10

_TIMES = ("due", "remind", "escalate", "on_expiry", "extend")
_APPROVAL = ("name", "kind", "when", "approvers", "fallback", "quorum", "repeated", *_TIMES, "send_back_to")
_SIGNATURE = ("name", "kind", "when", "approvers", *_TIMES, "order")
_GROUP = ("name", "when", "join", "parallel")

_Read = TypeVar("_Read")


def read_stages(
    text: Source, node: yaml.Node, document: str, *, has_calendar: bool, distinct: bool
) -> tuple[StagePlan | ParallelPlan, ...]:
    """``distinct``: with distinct_across_stages."""
    nodes = text.items(node, most=MOST_STAGES)
    if isinstance(node, yaml.SequenceNode) and not node.value:
        text.complain(node, "A route has at least one stage: a document that nobody is asked about would be approved.")
    reading = _Stages(text, document, has_calendar=has_calendar, distinct=distinct)
    made = tuple(reading.stage(each, last=each is nodes[-1]) for each in nodes)
    if reading.count > MOST_STAGES:
        text.complain(node, "There are more than %(most)s here.", most=MOST_STAGES)
    return made


def read_repeated(text: Source, node: yaml.Node, *, distinct: bool) -> Repeated:
    repeated = text.one_of(node, ("ask", "skip"))
    if repeated == "skip":
        text.uses("skip", node)
        if distinct:
            text.complain(node, "With distinct_across_stages nobody decides twice: there is nothing to skip.")
    return "skip" if repeated == "skip" else "ask"


@dataclass(frozen=True)
class _Fields:
    """The fields of one stage, read where they are there."""

    given: Mapping[str, yaml.Node]

    def read(self, name: str, reader: Callable[[yaml.Node], _Read | None]) -> _Read | None:
        return reader(self.given[name]) if name in self.given else None


class _Stages:
    """Reads stages one after the other; ``names``: those that were there before."""

    def __init__(self, text: Source, document: str, *, has_calendar: bool, distinct: bool) -> None:
        self.text = text
        self.document = document
        self.has_calendar = has_calendar
        self.distinct = distinct
        self.names: list[str] = []
        self.count = 0

    def stage(self, node: yaml.Node, *, last: bool) -> StagePlan | ParallelPlan:
        return self.group(node) if "parallel" in _written(node) else self.single(node, last=last)

    def group(self, node: yaml.Node) -> ParallelPlan:
        text = self.text
        given = text.fields(node, known=_GROUP, needed=("name",))
        before = tuple(self.names)
        name = self.named(given)
        when = read_condition(text, given["when"], self.document) if "when" in given else None
        if "join" in given:
            text.one_of(given["join"], ("all",))
        together = given.get("parallel")
        nodes = text.items(together, most=MOST_STAGES) if together is not None else []
        if isinstance(together, yaml.SequenceNode) and len(together.value) < 2:
            text.complain(together, "A parallel group has at least two branches.")
        branches = tuple(self.branch(each, before) for each in nodes)
        return ParallelPlan(name, branches, when)

    def branch(self, node: yaml.Node, before: Sequence[str]) -> StagePlan:
        written = _written(node)
        if "parallel" in written:
            self.text.complain(written["parallel"][0], "A parallel group holds stages, and no further group.")
            return StagePlan("")
        if "kind" in written and written["kind"][1].value == "signature":
            self.text.complain(written["kind"][1], "Signatures come last, after every approval.")
        return self.single(node, last=True, before=before)

    def single(self, node: yaml.Node, *, last: bool, before: Sequence[str] | None = None) -> StagePlan:
        text = self.text
        written = _written(node)
        signature = "kind" in written and written["kind"][1].value == "signature"
        needed = ("name",) if signature else ("name", "approvers")
        given = text.fields(node, known=_SIGNATURE if signature else _APPROVAL, needed=needed)
        before = tuple(self.names) if before is None else before
        first = not before
        self.count += 1
        name = self.named(given)
        if "kind" in given:
            text.one_of(given["kind"], ("approval", "signature"))
        if signature and not last:
            text.complain(given["kind"], "Signatures come last, after every approval.")
        fields = _Fields(given)
        approvers, fallback = (self.people(given.get(each), first=first) for each in ("approvers", "fallback"))
        if signature and any(isinstance(each, ManagerOf) and each.whom != SUBMITTER for each in kinds_of(approvers)):
            text.complain(
                given["approvers"],
                "Who signs is known before anybody approves: name people, a role, a group or a field.",
            )
        has_due = "due" in given
        escalate = fields.read("escalate", lambda each: self.escalation(each, has_due=has_due, first=first))
        if signature and "escalate" in given:
            text.complain(
                given["escalate"],
                "A document is prepared for its signers: nobody can sign in their place. Say what follows with"
                " “on_expiry”.",
            )
        return StagePlan(
            name=name,
            kind="signature" if signature else "approval",
            when=fields.read("when", lambda each: read_condition(text, each, self.document)),
            approvers=approvers,
            fallback=fallback,
            quorum=fields.read("quorum", lambda each: read_quorum(text, each, approvers, fallback)) or Quorum(),
            repeated=fields.read("repeated", lambda each: read_repeated(text, each, distinct=self.distinct)),
            due=fields.read("due", self.time),
            remind=fields.read("remind", lambda each: self.reminders(each, has_due=has_due)) or (),
            escalate=escalate,
            on_expiry=fields.read(
                "on_expiry", lambda each: self.on_expiry(each, has_due=has_due, escalate=escalate, signature=signature)
            ),
            extend=fields.read("extend", lambda each: self.extension(each, has_due=has_due)),
            send_back_to=self.send_back_to(given["send_back_to"], before) if "send_back_to" in given else (SUBMITTER,),
            order=self.order(given.get("order")) if signature else None,
        )

    def named(self, given: Mapping[str, yaml.Node]) -> str:
        if "name" not in given:
            return ""
        node = given["name"]
        name = self.text.name(node)
        if name == SUBMITTER:
            self.text.complain(node, "“submitter” is who sends the document: give the stage another name.")
        elif name == SIGNATURES:
            self.text.complain(node, "“signatures” is the stage of a document’s own signers: give it another name.")
        elif name and name in self.names:
            self.text.complain(node, "There are two stages with the name “%(name)s”.", name=short(name))
        self.names.append(name)
        return name

    def people(self, node: yaml.Node | None, *, first: bool) -> Approvers | None:
        return read_approvers(self.text, node, first=first) if node is not None else None

    def order(self, node: yaml.Node | None) -> Literal["sequential", "parallel"]:
        if node is None or self.text.one_of(node, ("sequential", "parallel")) != "parallel":
            return "sequential"
        self.text.uses("signatures in parallel", node)
        return "parallel"

    def send_back_to(self, node: yaml.Node, before: Sequence[str]) -> tuple[str, ...]:
        targets: list[str] = []
        for each in self.text.items(node, most=MOST_STAGES):
            if (target := self.text.one_of(each, (SUBMITTER, *before))) is None:
                continue
            if target != SUBMITTER:
                self.text.uses("send_back_to a stage", each, f"send_back_to: [{target}]")
            targets.append(target)
        return tuple(dict.fromkeys(targets))

    def time(self, node: yaml.Node) -> Due | None:
        return read_time(self.text, node, self.text.text(node), has_calendar=self.has_calendar)

    def reminders(self, node: yaml.Node, *, has_due: bool) -> tuple[Reminder, ...]:
        made: list[Reminder] = []
        for each in self.text.items(node, most=MOST_REMINDERS):
            if reminder := self.reminder(each, has_due=has_due):
                if reminder in made:
                    self.text.complain(each, "“%(name)s” is there twice.", name=str(reminder))
                made.append(reminder)
        return tuple(made)

    def reminder(self, node: yaml.Node, *, has_due: bool) -> Reminder | None:
        written = self.text.text(node)
        if written is None:
            return None
        found = re.fullmatch(r"(?P<every>every )(?P<each>.+)|(?P<time>.+) (?P<when>before|after)", written)
        if found is None:
            self.text.complain(
                node,
                "“%(text)s” is not a reminder such as “1 business day before”, “1 business day after” or"
                " “every 2 business days”.",
                text=short(written),
            )
            return None
        time = read_time(self.text, node, found["each"] or found["time"], has_calendar=self.has_calendar)
        if found["every"] and time is not None and time.unit == "business hours":
            self.text.complain(node, "Nobody is reminded twice within 12 hours: count days here, not hours.")
        if not found["every"] and not has_due:
            self.text.complain(node, "This needs the stage’s due time, such as “due: 2 business days”.")
        return Reminder(cast(Any, found["when"] or "every"), time) if time else None

    def escalation(self, node: yaml.Node, *, has_due: bool, first: bool) -> Escalation | None:
        text = self.text
        given = text.fields(node, known=("after", "to", "mode"), needed=("to",))
        after: Due | Literal["due"] = "due"
        if "after" in given and text.text(given["after"]) != "due":
            after = self.time(given["after"]) or "due"
        elif not has_due:
            text.complain(node, "This needs the stage’s due time, such as “due: 2 business days”.")
        mode = text.one_of(given["mode"], ("add", "replace")) if "mode" in given else "add"
        to = read_approvers(text, given["to"], first=first, escalated=True) if "to" in given else None
        return Escalation(to, after, "replace" if mode == "replace" else "add") if to else None

    def on_expiry(
        self, node: yaml.Node, *, has_due: bool, escalate: Escalation | None, signature: bool
    ) -> OnExpiry | None:
        text = self.text
        made = text.one_of(node, ("incident", "reject", *(() if signature else ("escalate",))))
        if not has_due:
            text.complain(node, "This needs the stage’s due time, such as “due: 2 business days”.")
        elif made == "escalate" and (escalate is None or escalate.after != "due"):
            text.complain(node, "“on_expiry: escalate” needs to know whom to ask: “escalate: {after: due, to: …}”.")
        elif made == "reject" and escalate is not None and escalate.after == "due":
            text.complain(node, "A stage that is rejected at its due time cannot escalate then.")
        return cast(OnExpiry | None, made)

    def extension(self, node: yaml.Node, *, has_due: bool) -> Due | None:
        self.text.uses("extend", node, "extend")
        if not has_due:
            self.text.complain(node, "This needs the stage’s due time, such as “due: 2 business days”.")
        return self.time(node)


def _written(node: yaml.Node) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """The fields of a mapping by their names, as nodes, unchecked."""
    return {key.value: (key, value) for key, value in _pairs(node) if isinstance(key, yaml.ScalarNode)}


def _pairs(node: yaml.Node) -> Sequence[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else ()

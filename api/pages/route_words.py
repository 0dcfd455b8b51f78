"""What the pages say of routes: of a stage in a line, and of what differs between two versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.pages.route_forms import StageRow
from documents.amounts import amount
from documents.rendering import Reader, sentence
from workflows.approvals.differences import Difference
from workflows.approvals.plan import Band
from workflows.business_time import due_of, spoken

MOST_NAMED = 3  # people of a stage whom its line names

FIELDS = {
    "name": "name",
    "document": "kind of document",
    "priority": "priority",
    "when": "condition",
    "currency": "currency of amounts",
    "calendar": "calendar",
    "separation": "separation of duties",
    "repeated": "people who are repeated",
    "on_change": "what a new version of the document does",
    "match": "how it is held against orders",
    "bands": "bands of the amount",
    "links": "one-time code for links",
    "tests": "golden cases",
    "kind": "kind of stage",
    "approvers": "who is asked",
    "fallback": "who is asked where nobody is there",
    "quorum": "how many must agree",
    "due": "due time",
    "remind": "reminders",
    "escalate": "escalation",
    "on_expiry": "what happens at the due time",
    "extend": "how far it may be put off",
    "send_back_to": "where it may be sent back to",
    "order": "order of the signers",
    "parallel": "whether it is side by side with others",
}


def summary(row: StageRow, reader: Reader) -> str:
    """A stage in a line: who is asked, until when, and when only."""

    def say(text: str, **values: object) -> str:
        return sentence(text, reader.locale, **values)

    parts = []
    if row.kind == "group":
        parts.append(say("side by side: %(names)s", names=", ".join(each.name for each in row.branches)))
    else:
        parts.append(asked_words(row.fields, "approvers", row.kind, reader))
    if (due := due_of(row.fields.get("due", ""))) is not None:
        parts.append(spoken(due, reader.locale, sentence))
    if condition := row.fields.get("when"):
        parts.append(say("only when %(condition)s", condition=condition))
    return "; ".join(parts)


def asked_words(fields: Mapping[str, str], asked: str, kind: str, reader: Reader) -> str:
    def say(text: str, **values: object) -> str:
        return sentence(text, reader.locale, **values)

    parts = []
    people = fields.get(f"{asked}.people", "").split("\n") if fields.get(f"{asked}.people") else []
    if len(people) > MOST_NAMED:
        parts.append(say("%(count)s people", count=len(people)))
    elif people:
        parts.append(", ".join(people))
    if role := fields.get(f"{asked}.role"):
        parts.append(say("the role %(name)s", name=role))
    if group := fields.get(f"{asked}.group"):
        parts.append(say("the group %(name)s", name=group))
    match fields.get(f"{asked}.manager_of"):
        case "submitter":
            parts.append(say("the sender’s manager"))
        case "approver":
            parts.append(say("the manager of whoever approved before"))
        case _:
            pass
    if path := fields.get(f"{asked}.field"):
        parts.append(say("whoever stands in the field %(name)s", name=path))
    if among := fields.get(f"{asked}.authority"):
        parts.append(say("whoever may approve the amount, of %(names)s", names=among))
    if not parts:
        parts.append(say("the document’s own signers") if kind == "signature" else say("nobody is named yet"))
    return ", ".join(parts)


def band_words(band: Band, currency: str | None, reader: Reader) -> str:
    """Which amounts a band holds: its start is in it, its end is not."""
    start, end = (amount(each, currency) if each is not None else "" for each in (band.start, band.end))
    if start and end:
        return sentence("from %(start)s to below %(end)s", reader.locale, start=start, end=end)
    if end:
        return sentence("below %(end)s", reader.locale, end=end)
    return sentence("from %(start)s on", reader.locale, start=start) if start else sentence("any amount", reader.locale)


@dataclass(frozen=True)
class Change:
    """``tone``: added, removed, or nothing."""

    tone: str
    words: str


def difference_words(difference: Difference, reader: Reader) -> Sequence[Change]:
    """One sentence for each thing that differs, in the order of what matters."""

    def said(tone: str, text: str, name: str, fields: Sequence[str] = ()) -> Change:
        what = ", ".join(sentence(FIELDS.get(each, each), reader.locale) for each in fields)
        return Change(tone, sentence(text, reader.locale, name=name, what=what))

    made = [said("added", "The stage “%(name)s” is new.", name) for name in difference.added]
    made += [said("removed", "The stage “%(name)s” is gone.", name) for name in difference.removed]
    made += [said("", "The stage “%(name)s” differs: %(what)s.", each.name, each.fields) for each in difference.changed]
    made += [said("", "The stage “%(name)s” stands at another place.", name) for name in difference.moved]
    if difference.fields:
        made.append(said("", "The route itself differs: %(what)s.", "", difference.fields))
    return made

"""Questions about contracts. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from workflows.contracts.model import Contract, ContractState
from workflows.errors import Refused
from workflows.papers.rules import LONGEST_NOTE, LONGEST_TITLE, checked_amount, checked_day, owns
from workflows.parties.rules import Actor, checked_name, normalised_email, shown

KINDS = ("lease", "purchase", "service", "nda", "employment", "licence", "framework", "other")
MOST_SIGNERS = 20

_KIND = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Signer:
    name: str
    email: str
    organisation: str = ""
    title: str = ""


@dataclass(frozen=True)
class Draft:
    """A contract as somebody hands it in, checked."""

    title: str
    kind: str = "other"
    amount: Decimal | None = None
    currency: str | None = None
    counterparty: str = ""
    contact_name: str = ""
    contact_email: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    notice_days: int | None = None
    signers: tuple[Signer, ...] = ()
    route: str | None = None
    external_id: str | None = None
    note: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


def checked(
    *,
    title: str,
    kind: str = "other",
    amount: str = "",
    currency: str = "",
    counterparty: str = "",
    contact_name: str = "",
    contact_email: str = "",
    starts_on: str = "",
    ends_on: str = "",
    notice_days: str = "",
    signers: Sequence[Mapping[str, Any]] = (),
    route: str = "",
    external_id: str = "",
    note: str = "",
    fields: Mapping[str, Any] | None = None,
) -> Draft:
    """The draft that these words mean.

    Raises:
        Refused: with the sentence and the field, at the first thing that will not do.
    """
    title = shown(title)
    if not title:
        raise Refused("A contract needs a title.", field="title")
    if len(title) > LONGEST_TITLE:
        raise Refused("The title is longer than %(most)s letters.", field="title", most=LONGEST_TITLE)
    kind = kind.strip().lower() or "other"
    if not _KIND.fullmatch(kind):
        raise Refused("The kind is a short word such as lease or nda.", field="kind")
    money, in_currency = checked_amount(amount, currency)
    starts, ends = checked_day(starts_on, "starts_on"), checked_day(ends_on, "ends_on")
    if starts and ends and ends < starts:
        raise Refused("The contract ends before it starts.", field="ends_on")
    notice = _whole(notice_days, "notice_days")
    if notice is not None and ends is None:
        raise Refused("A notice period needs the day on which the contract ends.", field="ends_on")
    if len(note) > LONGEST_NOTE:
        raise Refused("The note is longer than %(most)s letters.", field="note", most=LONGEST_NOTE)
    return Draft(
        title=title,
        kind=kind,
        amount=money,
        currency=in_currency,
        counterparty=shown(counterparty)[:LONGEST_TITLE],
        contact_name=shown(contact_name)[:LONGEST_TITLE],
        contact_email=normalised_email(contact_email) if contact_email.strip() else "",
        starts_on=starts,
        ends_on=ends,
        notice_days=notice,
        signers=checked_signers(signers),
        route=route.strip() or None,
        external_id=shown(external_id)[:LONGEST_TITLE] or None,
        note=note.strip(),
        fields=dict(fields or {}),
    )


def checked_signers(signers: Sequence[Any]) -> tuple[Signer, ...]:
    if len(signers) > MOST_SIGNERS:
        raise Refused("A contract has at most %(most)s signers.", field="signers", most=MOST_SIGNERS)
    made = []
    for each in signers:
        if (
            not isinstance(each, Mapping)
            or not isinstance(each.get("name"), str)
            or not isinstance(each.get("email"), str)
        ):
            raise Refused("Each signer has a name and an e-mail address.", field="signers")
        made.append(
            Signer(
                name=checked_name(each["name"]),
                email=normalised_email(each["email"]),
                organisation=shown(str(each.get("organisation") or ""))[:LONGEST_TITLE],
                title=shown(str(each.get("title") or ""))[:LONGEST_TITLE],
            )
        )
    emails = [signer.email for signer in made]
    if twice := next((email for email in emails if emails.count(email) > 1), None):
        raise Refused("%(email)s is named twice among the signers.", field="signers", email=twice)
    return tuple(made)


def _whole(text: str, name: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not re.fullmatch(r"\d{1,4}", text) or int(text) > 3650:
        raise Refused("A notice period is a whole number of days, at most 3650.", field=name)
    return int(text)


def last_day_to_cancel(ends_on: date | None, notice_days: int | None) -> date | None:
    """The end less the notice period, in calendar days: notice given on that day is still in time."""
    return None if ends_on is None or notice_days is None else ends_on - timedelta(days=notice_days)


def facts_of(contract: Contract, *, submitter: str) -> dict[str, object]:
    """What a route's conditions may ask about a contract. Further fields cannot overrule what we know ourselves."""
    return {
        "amount": contract.amount,
        "currency": contract.currency,
        "contract": {
            **contract.fields,
            "kind": contract.kind,
            "title": contract.title,
            "counterparty": contract.counterparty,
            "starts_on": contract.starts_on.isoformat() if contract.starts_on else "",
            "ends_on": contract.ends_on.isoformat() if contract.ends_on else "",
            "notice_days": contract.notice_days or 0,
            "external_id": contract.external_id or "",
        },
        "submitter": {"email": submitter},
    }


DECISIVE = ("kind", "amount", "currency")
"""Who must agree depends on them: where one changes nothing that was approved stays."""
DESCRIBED = (
    *("title", *DECISIVE, "counterparty", "contact_name", "contact_email"),
    *("starts_on", "ends_on", "notice_days", "external_id"),
)
"""What may be said anew of a contract under way."""


def described(contract: Contract, words: Mapping[str, str]) -> Draft:
    """The draft that a contract is with these words in the place of its own.

    Raises:
        Refused: as ``checked``.
    """
    own = {name: getattr(contract, name) for name in DESCRIBED}
    own["amount"] = f"{contract.amount:f}" if contract.amount is not None else None
    said: dict[str, Any] = {name: "" if value is None else str(value) for name, value in own.items()}
    return checked(**{**said, **{name: words[name] for name in DESCRIBED if name in words}})


OVER = frozenset({ContractState.REJECTED, ContractState.DECLINED, ContractState.WITHDRAWN, ContractState.EXPIRED})
SEALED = frozenset({ContractState.IN_FORCE, ContractState.EXPIRED})


def why_not_withdraw(actor: Actor, contract: Contract) -> str | None:
    if not owns(actor, contract):
        return "Only its owner or an administrator may withdraw this contract."
    if contract.state in SEALED or contract.state is ContractState.SEALING:
        return "The contract is sealed; it can no longer be withdrawn."
    if contract.state in OVER:
        return "The contract has already come to an end."
    return None


def why_not_hand_in(actor: Actor, contract: Contract, *, signed: bool) -> str | None:
    """Why ``actor`` may not hand in a new version. ``signed``: somebody has signed the current one."""
    if not owns(actor, contract):
        return "Only its owner or an administrator may hand in a new version."
    if contract.state in SEALED or contract.state is ContractState.SEALING:
        return "The contract is sealed; a change needs a new contract."
    if contract.state in OVER:
        return "The contract has already come to an end."
    if signed:
        return "Somebody has signed this version already. Withdraw the contract and send a new one."
    return None


def why_not_describe(actor: Actor, contract: Contract) -> str | None:
    if not owns(actor, contract):
        return "Only its owner or an administrator may change what is said of this contract."
    if contract.state in (ContractState.IN_REVIEW, ContractState.RETURNED):
        return None
    if contract.state in OVER:
        return "The contract has already come to an end."
    return "Everyone has approved it: what is said of it stays as it is."


@dataclass(frozen=True)
class Warning:
    """An end that comes near. ``days_before``: which of the set distances this is."""

    what: str
    day: date
    days_before: int


def warnings_due(
    contract: Contract, *, today: date, distances: Sequence[int], given: frozenset[Warning]
) -> tuple[Warning, ...]:
    """The warnings to give today: for each end still ahead the nearest distance that has been reached.

    After a time without service the farther ones that were missed are not made up for: one mail says how many days are
    left. Counted in calendar days of the owner's zone, so a clock change moves nothing.
    """
    due = []
    for what, day in (("cancel", contract.cancel_by), ("end", contract.ends_on)):
        if day is None or day < today:
            continue
        reached = [each for each in distances if (day - today).days <= each]
        if reached and (warning := Warning(what, day, min(reached))) not in given:
            due.append(warning)
    return tuple(due)

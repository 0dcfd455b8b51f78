"""Single values of a route's text: conditions, amounts, currencies, times. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import yaml
from babel.numbers import list_currencies

from workflows.approvals import conditions
from workflows.approvals.plan import Percent
from workflows.approvals.source import Source, short
from workflows.business_time import MOST, Due, due_of
from workflows.errors import Refused
from workflows.parties.rules import normalised_email


def read_condition(text: Source, node: yaml.Node, document: str) -> str | None:
    written = text.text(node)
    if written is None:
        return None
    if wrong := conditions.check(written, document):
        text.complain_within(node, written, wrong.position, wrong.sentence, wrong.values)
        return None
    return written.strip()


def read_currency(text: Source, node: yaml.Node) -> str | None:
    code = text.text(node)
    if code is not None and code not in list_currencies():
        text.complain(node, "“%(text)s” is not a currency such as EUR or KRW.", text=short(code))
    return code


def read_amount(text: Source, node: yaml.Node) -> Decimal | None:
    """An amount in quotes: without them YAML's own readers would make it a number with a rounding of its own."""
    written = text.text(node)
    if written is None:
        return None
    if isinstance(node, yaml.ScalarNode) and node.style not in ('"', "'"):
        text.complain(node, 'Write the amount in quotes, such as "1000.00".')
        return None
    if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,6})?", written) is None or _digits(written) > conditions.MOST_DIGITS:
        text.complain(
            node,
            '“%(text)s” is not an amount such as "1000.00", with at most %(most)s digits.',
            text=short(written),
            most=conditions.MOST_DIGITS,
        )
        return None
    return Decimal(written)


def _digits(written: str) -> int:
    return len(written.replace(".", "").lstrip("0"))


def read_time(text: Source, node: yaml.Node, written: str | None, *, has_calendar: bool) -> Due | None:
    """A time allowed, such as “2 business days”. ``written``: the part of the value that says so."""
    if written is None:
        return None
    due = due_of(written)
    if due is None:
        text.complain(
            node,
            "“%(text)s” is not a time such as “2 business days”, “4 business hours” or “14 days”.",
            text=short(written),
        )
    elif due.amount > MOST[due.unit]:
        text.complain(node, "“%(text)s” is too long a time.", text=written)
    elif not has_calendar:
        text.complain(node, "A due time needs the route’s calendar: its country, time zone and hours.")
    return due


def read_percent(text: Source, node: yaml.Node, written: str) -> Percent | None:
    """``written`` ends with a percent sign."""
    share = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,2})?) ?%", written)
    if share is None or not 0 < Decimal(share[1]) <= 100:
        text.complain(node, "“%(text)s” is not a share such as 60%%, over 0 and at most 100.", text=short(written))
        return None
    return Percent(Decimal(share[1]))


def read_emails(text: Source, nodes: Sequence[yaml.Node]) -> tuple[str, ...]:
    emails: list[str] = []
    for each in nodes:
        if (written := text.text(each)) is None:
            continue
        try:
            email = normalised_email(written)
        except Refused as refused:
            text.complain(each, refused.sentence, **refused.values)
            continue
        if email in emails:
            text.complain(each, "%(email)s is named twice in this stage.", email=email)
        emails.append(email)
    return tuple(emails)

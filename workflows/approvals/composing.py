"""Conditions put together from a field, an operator and a value, as the form for stages asks for them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from workflows.approvals.conditions import DOCUMENTS, SUBMITTER, Kind, check, is_day
from workflows.errors import Refused

OPERATORS = ("==", "!=", ">=", ">", "<=", "<", "in", "startsWith", "endsWith", "contains")


def fields_of(document: str = "contract") -> Sequence[str]:
    """The facts that a condition may ask for, such as “amount” and “contract.kind”."""
    return (
        "amount",
        "currency",
        *(f"{document}.{name}" for name in DOCUMENTS[document]),
        *(f"submitter.{name}" for name in SUBMITTER),
    )


def composed(field: str, operator: str, value: str, document: str = "contract") -> str:
    """A condition such as ``amount >= 50000``. One on a field of the users' own asks first whether it is there.

    ``value``: as it was typed; for ``in`` several, with commas between them.

    Raises:
        Refused: it is no condition, with the sentence that ``conditions.check`` has for it.
    """
    values = [each.strip() for each in value.split(",")] if operator == "in" else [value.strip()]
    kind = _kind(field, document)
    written = [_literal(each, kind) for each in values if each or operator != "in"]
    match operator:
        case "in":
            made = f"{field} in [{', '.join(written)}]"
        case "startsWith" | "endsWith" | "contains":
            made = f"{field}.{operator}({json.dumps(value.strip(), ensure_ascii=False)})"
        case _:
            made = f"{field} {operator} {written[0]}"
    if kind is Kind.ANY:
        made = f"has({field}) && {made}"
    if wrong := check(made, document):
        raise Refused(wrong.sentence, field="condition", **wrong.values)
    return made


def joined(condition: str, join: str, another: str) -> str:
    """Two conditions as one. ``join``: && or ||."""
    condition = condition.strip()
    if not condition:
        return another
    first = f"({condition})" if join == "&&" and "||" in condition else condition
    return f"{first} {join} {another}"


def _kind(field: str, document: str) -> Kind:
    if field == "amount":
        return Kind.NUMBER
    owner, _, name = field.partition(".")
    if owner == document and name:
        return DOCUMENTS[document].get(name, Kind.ANY)
    return Kind.TEXT


def _literal(value: str, kind: Kind) -> str:
    plain = value.replace("_", "") if kind is Kind.NUMBER else value
    if kind is Kind.DAY and value == "":
        return "null"
    if kind is Kind.NUMBER or (kind is Kind.ANY and re.fullmatch(r"(0|[1-9][0-9]*)(\.[0-9]+)?|true|false", value)):
        return re.sub(r"(?<=[0-9]),(?=[0-9]{3}\b)", "", plain) or "null"
    if kind is Kind.DAY and is_day(value):
        return f'"{value}"'
    return json.dumps(value, ensure_ascii=False)

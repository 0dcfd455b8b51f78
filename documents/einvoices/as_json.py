"""Invoices as JSON values and back, exactly: decimals as strings with the digits that they had, days as ISO 8601.

What an invoice does not say is left out, so that fields which are added later read as their defaults.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from documents.einvoices.data import Invoice


def to_json(invoice: Invoice) -> dict[str, Any]:
    """Field by field, under the names of `data`."""
    return _object(invoice)


def from_json(values: Mapping[str, Any]) -> Invoice:
    """Raises KeyError, TypeError or ValueError for what `to_json` did not make."""
    made = _made(Invoice, values)
    assert isinstance(made, Invoice)
    return made


def _object(value: Any) -> dict[str, Any]:
    said = {}
    for each in fields(value):
        inside = getattr(value, each.name)
        if inside != _default(each):
            said[each.name] = _written(inside)
    return said


def _default(each: Field[Any]) -> object:
    if each.default_factory is not MISSING:
        return each.default_factory()
    return each.default


def _written(value: Any) -> Any:
    match value:
        case tuple():
            return [_written(each) for each in value]
        case Decimal() | date():
            return str(value)
        case bool() | int() | str() | None:
            return value
        case _:
            return _object(value)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _made(kind: type, values: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    return kind(**{name: _read(hints[name], value) for name, value in values.items()})


def _read(hint: Any, value: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        if value is None:
            return None
        hint = next(each for each in get_args(hint) if each is not type(None))
    if get_origin(hint) is tuple:
        return tuple(_read(get_args(hint)[0], each) for each in value)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ValueError(f"{value!r} is none of {get_args(hint)}")
        return value
    if is_dataclass(hint):
        assert isinstance(hint, type)
        return _made(hint, value)
    if not isinstance(value, str if hint in (Decimal, date) else hint):
        raise TypeError(f"{value!r} is no {hint.__name__}")
    if hint is Decimal:
        return _decimal(value)
    if hint is date:
        return date.fromisoformat(value)
    return value


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise ValueError(f"{text!r} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{text!r} is no amount")
    return number

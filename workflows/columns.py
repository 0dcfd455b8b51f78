"""Column types shared by all tables: ids, money, enums by value, UTC times, JSON."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Boolean, DateTime, Enum, Numeric, String, TypeDecorator, Uuid, bindparam
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562, 5.7): grows with time, so that rows stay in the order in which they came."""
    milliseconds = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | tail
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    with _ids:
        # of one process also within a millisecond (6.2, method 2): branches and panels are in the order of their ids
        _newest[0] = value = max(value, _newest[0] + 1)
    return UUID(int=value)


_ids = threading.Lock()
_newest = [0]


class UtcTime(TypeDecorator[datetime]):
    """An instant, to the millisecond, always UTC. A time without zone is refused: it says nothing."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time needs its zone.")
        value = to_millisecond(value)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def to_millisecond(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Money(TypeDecorator[Decimal]):
    """A decimal amount, kept as text: exact on every database, at most 15 significant digits."""

    impl = String(24)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> str | None:
        return None if value is None else format(value, "f")

    def process_result_value(self, value: str | None, dialect: Any) -> Decimal | None:
        return None if value is None else Decimal(value)


class Decimals(TypeDecorator[Decimal]):
    """An exact decimal of any length and scale, which PostgreSQL can sum and put in order; SQLite keeps it as text."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(String(64) if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> Any:
        if value is None:
            return None
        return format(value, "f") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Any) -> Decimal | None:
        return None if value is None else Decimal(value)


class _Summed(TypeDecorator[Decimal]):
    """What ``ExactSum`` gives: a number on PostgreSQL, the summands themselves on SQLite."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else Numeric())

    def process_result_value(self, value: Any, dialect: Any) -> Decimal | None:
        if value is None:
            return None
        return sum(map(Decimal, value.split(",")), Decimal(0)) if isinstance(value, str) else Decimal(value)


class ExactSum(FunctionElement[Decimal]):
    """The sum of a column of ``Decimals``; None where no row has a value. SQLite has no decimals to sum: there the
    values come as they are, and are added up here."""

    name = "exact_sum"
    type = _Summed()
    inherit_cache = True


@compiles(ExactSum)
def _sum(element: ExactSum, compiler: Any, **words: Any) -> str:
    return f"sum({compiler.process(element.clauses, **words)})"


@compiles(ExactSum, "sqlite")
def _summands(element: ExactSum, compiler: Any, **words: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **words)})"


def by_value(kind: type[StrEnum]) -> Enum:
    """An enum stored by value, as text: SQLModel would store the names."""
    return Enum(
        kind,
        values_callable=lambda members: [member.value for member in members],
        native_enum=False,
        length=24,
        create_constraint=False,
    )


class _Ids(TypeDecorator[Sequence[UUID]]):
    """Many ids in one parameter."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else ARRAY(Uuid()))

    def process_bind_param(self, value: Sequence[UUID] | None, dialect: Any) -> Any:
        return json.dumps([each.hex for each in value or ()]) if dialect.name == "sqlite" else list(value or ())


class OneOf(FunctionElement[bool]):
    """Whether an id is one of many. As ``in_``, with one parameter for all: a thousand cost more than the answer."""

    name = "one_of"
    type = Boolean()
    inherit_cache = True

    def __init__(self, column: Any, ids: Sequence[UUID]) -> None:
        super().__init__(column, bindparam(None, ids, type_=_Ids()))


@compiles(OneOf)
def _one_of(element: OneOf, compiler: Any, **words: Any) -> str:
    column, ids = (compiler.process(each, **words) for each in element.clauses)
    if compiler.dialect.name == "sqlite":
        return f"{column} in (select value from json_each({ids}))"  # noqa: S608  (names of a column and a parameter)
    return f"{column} = any ({ids})"


def json_column() -> JSON:
    return JSON().with_variant(JSONB(), "postgresql")


def as_json(value: Any) -> Any:
    """The same for a JSON column: decimals, dates and the like as text."""
    match value:
        case Mapping():
            return {key: as_json(each) for key, each in value.items()}
        case list() | tuple():
            return [as_json(each) for each in value]
        case str() | int() | bool() | None:
            return value
        case _:
            return str(value)

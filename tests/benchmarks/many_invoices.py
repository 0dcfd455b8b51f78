"""As many invoices as wanted, each with its lines and its tax: copies of one, made by the database itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Uuid, bindparam, text
from sqlmodel import SQLModel

from tests.exports.filled import put_invoice
from tests.support.office import Office
from workflows.search.postgres_index import BLOCK_BITS
from workflows.search.terms import entry

SUPPLIERS = 2000
STATES = ("paid",) * 16 + ("checked", "in_approval", "released", "rejected")


def fill(office: Office, count: int, *, lines: int, by: str) -> None:
    """``count`` invoices of many suppliers, in several states and of some years; ``by``: whose they are."""
    with office.transaction() as session:
        first = put_invoice(session, office, 0, by=by, lines=lines)
    engine = office.runtime.engine
    heads, lines_of, taxes = _PARTS["sqlite" if engine.dialect.name == "sqlite" else "postgresql"]
    with engine.begin() as connection:
        for table, key, parts in (
            ("invoice", "id", heads),
            ("invoice_line", "invoice_id", lines_of),
            ("invoice_tax", "invoice_id", taxes),
        ):
            statement = text(_copies(table, key, parts, count)).bindparams(bindparam("first", type_=Uuid()))
            connection.execute(statement, {"first": first.id})
    tidy(engine)


def put_on_routes(office: Office, name: str, *, every: int) -> None:
    """Somebody who has been on the route of each so many-th invoice, and sees these alone."""
    with office.runtime.engine.begin() as connection:
        connection.execute(
            text(
                "insert into participant (process, subject_id, person_id) select 'invoice', id, :person from invoice "
                "where number like 'M-%' and cast(substr(number, 3) as integer) % :every = 0"
            ).bindparams(bindparam("person", type_=Uuid())),
            {"person": office.people[name].id, "every": every},
        )
    tidy(office.runtime.engine)


def tidy(engine: Engine) -> None:
    """What the database would see to by itself sooner or later."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("analyze" if engine.dialect.name == "sqlite" else "vacuum analyze"))


def _copies(table: str, key: str, parts: Mapping[str, str], count: int) -> str:
    names = list(SQLModel.metadata.tables[table].c.keys())
    values = ", ".join(parts.get(name, f"{table}.{name}") for name in names)
    return (
        f"with recursive series(n) as (select 1 union all select n + 1 from series where n < {count}) "  # noqa: S608
        f"insert into {table} ({', '.join(names)}) select {values} from {table} cross join series "
        f"where {table}.{key} = :first"
    )


def _heads(new_id: str, day: str, amount: str) -> dict[str, str]:
    states = " ".join(f"when {number} then '{state}'" for number, state in enumerate(STATES))
    return {
        "id": new_id,
        "number": "'M-' || n",
        "supplier": f"'Supplier ' || (n % {SUPPLIERS}) || ' 한빛'",
        "supplier_key": f"'supplier' || (n % {SUPPLIERS})",
        "supplier_number": "'S-' || n",
        "supplier_number_key": "'s' || n",
        "title": "'S-' || n",
        "issued_on": day.format(days=900),
        "due_on": day.format(days=930),
        "payable": amount,
        "gross": amount,
        "state": f"case n % {len(STATES)} {states} end",
    }


_PG_ID = "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
_LITE_ID = "printf('019000000000700080%014x', n)"
_PARTS: Mapping[str, tuple[dict[str, str], dict[str, str], dict[str, str]]] = {
    "postgresql": (
        _heads(_PG_ID, "date '2024-01-01' + (n % {days})", "((n % 99999) / 100.0)::numeric(12, 2)"),
        {
            "invoice_id": _PG_ID,
            "name": "'Forklift ' || (n % 5000) || ', one month'",
            "net": "((n % 77777) / 100.0)::numeric(12, 2)",
        },
        {"invoice_id": _PG_ID},
    ),
    "sqlite": (
        _heads(_LITE_ID, "date('2024-01-01', (n % {days}) || ' days')", "printf('%.2f', (n % 99999) / 100.0)"),
        {
            "invoice_id": _LITE_ID,
            "name": "'Forklift ' || (n % 5000) || ', one month'",
            "net": "printf('%.2f', (n % 77777) / 100.0)",
        },
        {"invoice_id": _LITE_ID},
    ),
}


def id_of(number: int) -> UUID:
    return UUID(f"01900000-0000-7000-8000-{number:012x}")


def put_into_index(office: Office, count: int, *, by: str) -> None:
    """Entries of all of them in the search index of PostgreSQL, whose GIN index is made afterwards."""
    seen_by = [f"o{office.organisation.id.hex}", f"p{office.people[by].id.hex}"]
    with office.transaction() as session:
        connection: Any = session.connection().connection.driver_connection
        with connection.cursor() as cursor:
            cursor.execute("drop index search_entry_terms")
            cursor.execute("create temporary table loaded (n bigint, object_id text, plain text, terms text[])")
            with cursor.copy("copy loaded (n, object_id, plain, terms) from stdin") as rows:
                for number in range(1, count + 1):
                    cut = entry(
                        "invoice",
                        str(id_of(number)),
                        head=f"Supplier {number % SUPPLIERS} 한빛\nS-{number}\nM-{number}",
                        body=f"Forklift {number % 5000}, one month 지게차 임대",
                        numbers=[f"S-{number}", f"M-{number}"],
                        seen_by=seen_by,
                    )
                    rows.write_row((number, cut.object_id, cut.plain, list(cut.terms)))
            cursor.execute(
                "insert into search_entry (id, kind, object_id, plain, terms) select n, 'invoice', object_id, plain, "
                "array_to_tsvector(terms || ('#' || (n >> %s))) from loaded order by n",
                (BLOCK_BITS,),
            )
            cursor.execute("select setval(pg_get_serial_sequence('search_entry', 'id'), %s)", (count,))
            cursor.execute("set maintenance_work_mem = '256MB'")
            cursor.execute("create index search_entry_terms on search_entry using gin (terms) with (fastupdate = off)")
    tidy(office.runtime.engine)

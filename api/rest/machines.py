"""``/api/machines``: the list of machines, for invoices to be held against."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, File, Query, UploadFile
from pydantic import Field

from api.dependencies import Engine, Now, Reading, ReadsMachines, Transaction, WritesMachines
from api.files import read_upload
from api.rest.answers import PromptRoute, refusals
from api.rest.shapes import Loaded, Shape
from workflows.csv_rows import decoded
from workflows.inventory import queries
from workflows.inventory.model import Machine
from workflows.inventory.operations import drop_machine, keep_machines
from workflows.inventory.rules import MachineSaid, read_file
from workflows.invoices.matching import refers_to

router = APIRouter(route_class=PromptRoute, prefix="/api/machines", tags=["machines"])

Text = Annotated[str, Field(max_length=200)]


class MachineIn(Shape):
    model: Annotated[Text, Field(examples=["NW-Print 300"])] = ""
    location: Annotated[Text, Field(examples=["Busan, floor 3"])] = ""
    customer: Annotated[Text, Field(description="Whose it is, or who uses it.")] = ""
    installed_on: date | None = None
    removed_on: Annotated[date | None, Field(description="The first day on which it was there no more.")] = None
    contract_number: Annotated[str, Field(max_length=80, examples=["C-2026-0001"])] = ""


class MachineShape(MachineIn):
    serial: Annotated[str, Field(examples=["004711000123456789"])]
    kept_at: datetime


class MachinePage(Shape):
    items: list[MachineShape]
    next_cursor: Annotated[str | None, Field(description="Send it as `cursor` for the next page; null on the last.")]


@router.get("", response_model=MachinePage, summary="List machines", responses=refusals(401, 403, 422))
def list_machines(
    session: Reading,
    actor: ReadsMachines,
    q: Annotated[str, Query(max_length=200, description="Part of serial number, model, location or customer.")] = "",
    cursor: Annotated[str, Query(max_length=60)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> MachinePage:
    """All of the actor's organisation, the newest first."""
    rows, more = queries.listed(session, actor, q=q, cursor=cursor, limit=limit)
    return MachinePage(items=[_shape(each) for each in rows], next_cursor=more)


@router.post(
    "/csv", response_model=Loaded, summary="Keep the machines of a file", responses=refusals(401, 403, 413, 422)
)
def load_machines(
    runtime: Engine,
    session: Transaction,
    actor: WritesMachines,
    now: Now,
    file: Annotated[
        UploadFile,
        File(
            description="CSV in UTF-8 with the column serial, and as you like model, location, customer, installed_on, "
            "removed_on, contract: a row for each machine."
        ),
    ],
) -> Loaded:
    """All of it or nothing. For administrators."""
    machines = read_file(decoded(read_upload(file, runtime.settings.intake_file_bytes)))
    return Loaded(kept=keep_machines(session, machines, by=actor, now=now))


@router.get("/{serial:path}", response_model=MachineShape, summary="A machine", responses=refusals(401, 403, 404))
def read(serial: str, session: Reading, actor: ReadsMachines) -> MachineShape:
    return _shape(queries.one(session, serial, actor))


@router.put("/{serial:path}", response_model=MachineShape, summary="Keep a machine", responses=refusals(401, 403, 422))
def put(
    serial: str, body: Annotated[MachineIn, Body()], session: Transaction, actor: WritesMachines, now: Now
) -> MachineShape:
    """In the place of what was kept under its serial number. For administrators."""
    machine = MachineSaid(
        serial=serial.strip(),
        model=body.model.strip(),
        location=body.location.strip(),
        customer=body.customer.strip(),
        installed_on=body.installed_on,
        removed_on=body.removed_on,
        contract_number=body.contract_number.strip(),
    )
    keep_machines(session, [machine], by=actor, now=now)
    return _shape(queries.one(session, serial, actor))


@router.delete(
    "/{serial:path}", status_code=204, summary="Keep a machine no longer", responses=refusals(401, 403, 404, 409)
)
def delete(serial: str, session: Transaction, actor: WritesMachines, now: Now) -> None:
    """Where no invoice was ever matched with it. For administrators."""
    drop_machine(session, serial, referred=partial(refers_to, session, "machine"), by=actor, now=now)


def _shape(machine: Machine) -> MachineShape:
    return MachineShape(**{name: getattr(machine, name) for name in MachineShape.model_fields})

"""What is said of a machine, and whether it can be kept. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from workflows.csv_rows import Row, rows
from workflows.errors import Refused
from workflows.parties.rules import Actor, why_not_administer
from workflows.search.terms import whole_number

LONGEST_SERIAL = 80
COLUMNS = ("serial", "model", "location", "customer", "installed_on", "removed_on", "contract")


@dataclass(frozen=True)
class MachineSaid:
    """``removed_on``: the first day on which it was there no more."""

    serial: str
    model: str = ""
    location: str = ""
    customer: str = ""
    installed_on: date | None = None
    removed_on: date | None = None
    contract_number: str = ""


def why_not_keep_machines(actor: Actor) -> str | None:
    return why_not_administer(actor) or (
        None if actor.organisation_id else "Only people of an organisation may keep orders and machines."
    )


def serial_key(serial: str) -> str:
    """By what a machine is known, however its serial number is written."""
    return whole_number(serial)[:LONGEST_SERIAL]


def checked(machine: MachineSaid) -> MachineSaid:
    """The machine, as it can be kept.

    Raises:
        Refused: with the field.
    """
    if not serial_key(machine.serial) or len(machine.serial) > LONGEST_SERIAL:
        raise Refused("A machine has a serial number of at most %(most)s letters.", field="serial", most=LONGEST_SERIAL)
    if machine.installed_on and machine.removed_on and machine.removed_on < machine.installed_on:
        raise Refused("A machine is not removed before it is installed.", field="removed_on")
    return machine


def read_file(text: str) -> list[MachineSaid]:
    """The machines of a CSV file with ``COLUMNS``.

    Raises:
        Refused: at the first cell that will not do, with its line and column.
    """
    found: dict[str, tuple[MachineSaid, Row]] = {}
    for row in rows(text, needed=("serial",), known=COLUMNS):
        machine = MachineSaid(
            serial=row.needed("serial", most=LONGEST_SERIAL),
            model=row.text("model"),
            location=row.text("location"),
            customer=row.text("customer"),
            installed_on=row.day("installed_on"),
            removed_on=row.day("removed_on"),
            contract_number=row.text("contract", most=80),
        )
        key = serial_key(machine.serial)
        if not key:
            raise row.wrong("serial", "Line %(line)s, column %(column)s: this is no serial number.")
        if key in found:
            raise row.wrong(
                "serial",
                "Line %(line)s, column %(column)s: the machine %(serial)s is there already, in line %(before)s.",
                serial=machine.serial,
                before=found[key][1].line,
            )
        if machine.installed_on and machine.removed_on and machine.removed_on < machine.installed_on:
            raise row.wrong(
                "removed_on", "Line %(line)s, column %(column)s: a machine is not removed before it is installed."
            )
        found[key] = machine, row
    return [machine for machine, _ in found.values()]

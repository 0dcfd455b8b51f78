"""How the amounts of an invoice come about, as a table of steps that people can read."""

from __future__ import annotations

from dataclasses import dataclass

from documents.einvoices.arithmetic import explain, shown, smallest_unit
from documents.einvoices.data import Invoice
from documents.rendering import sentence

MOST_STEPS = 100
"""Beyond, the first steps are left out: they are lines, and the sums stand at the end."""


@dataclass(frozen=True)
class StepRow:
    """``exact`` is empty where nothing was rounded, ``stated`` where the invoice does not say it."""

    label: str
    source: str
    formula: str
    exact: str
    result: str
    stated: str
    agrees: bool


def steps_of(invoice: Invoice, locale: str) -> list[StepRow]:
    unit = smallest_unit(invoice.currency)
    return [
        StepRow(
            label=sentence(step.label, locale, **step.values),
            source=step.source,
            formula=step.formula,
            exact=shown(step.exact, unit) if step.rounded else "",
            result=shown(step.result, unit),
            stated="" if step.stated is None else shown(step.stated, unit),
            agrees=step.agrees,
        )
        for step in explain(invoice)[-MOST_STEPS:]
    ]

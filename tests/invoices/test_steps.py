"""The flow's steps: each finds its work done or does it, and says what the invoice waits for."""

from __future__ import annotations

from tests.invoices.samples import sound_ubl
from tests.support.office import Office
from workflows.invoices.intake import take_in
from workflows.invoices.operations import receive
from workflows.invoices.steps import InvoiceLife
from workflows.papers.steps import Done, Waiting


def test_a_run_goes_as_far_as_nobody_is_needed_and_may_be_repeated(office: Office) -> None:
    runtime = office.runtime
    taken = take_in(sound_ubl(), file_name="a.xml", blobs=runtime.blobs, limits=runtime.intake_limits)
    assert taken.said is not None
    with office.transaction() as session:
        made = receive(session, taken.document, taken.said, taken.findings, by=office.actor("dan"), now=office.now)
        invoice_id = made.id

    life = InvoiceLife.load(runtime, invoice_id, lambda session: None)
    for _ in range(2):
        assert life.on_its_route() == Done()
        assert life.approval() == Waiting("manager")
    assert office.open_tasks() == ["mia"]
    office.decide("mia")
    assert life.approval() == Done()
    assert life.payment() == Waiting("its release")

"""From files to posting and back: what waits leaves as the settings say now, once; on either database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from tests.invoices.test_journey import Program
from tests.invoices.test_paying import at_once, carried, order_of, posting, released
from tests.support.office import Office
from tests.support.payment_system import PaymentSystem, payment_system_at_work
from tests.support.web import Browser
from workflows.errors import Conflict
from workflows.invoices.leaving import leave_as_set
from workflows.invoices.model import PROCESS, Invoice
from workflows.invoices.payment import MOST_ATTEMPTS, make_run, note_posted, order_to_post
from workflows.invoices.payment_model import OrderState
from workflows.invoices.steps import InvoiceLife
from workflows.leases import LeaseRow
from workflows.outbox import RunOwed
from workflows.runtime import Runtime


@pytest.fixture
def payment_system() -> Iterator[PaymentSystem]:
    with payment_system_at_work() as system:
        yield system


def run_over(runtime: Runtime, *invoices: Invoice) -> None:
    """The run that each release owes comes and ends."""
    for each in invoices:
        carried(runtime, each)


def owed(office: Office, *invoices: Invoice) -> list[Invoice]:
    """Of which a run is owed."""
    with office.reading() as session:
        rows = {each.id: session.get_one(RunOwed, (PROCESS, each.id)) for each in invoices}
    return [each for each in invoices if rows[each.id].finished < rows[each.id].sequence]


def file_of(office: Office) -> int | str:
    """How many invoices the next file holds."""
    try:
        with office.transaction() as session:
            return make_run(session, by=office.actor("ada"), now=office.now).orders
    except Conflict as refused:
        return str(refused)


NOTHING = "Nothing waits for a payment file."


def test_what_waited_for_a_file_is_posted_once_where_an_address_is_set(
    office: Office, payment_system: PaymentSystem
) -> None:
    in_a_file = released(office)
    assert file_of(office) == 1
    waiting = [released(office) for _ in range(3)]
    run_over(office.runtime, in_a_file, *waiting)
    assert (leave_as_set(office.runtime, now=office.now), owed(office, *waiting)) == (0, []), "files, as before"

    runtime = posting(office, payment_system.url)
    assert sum(at_once(*[lambda: leave_as_set(runtime, now=office.now)] * 2)) == 3
    assert owed(office, in_a_file, *waiting) == waiting
    for _ in range(2):
        run_over(runtime, in_a_file, *waiting)
        assert leave_as_set(runtime, now=office.now) == 0
    assert sorted(payment_system.ids) == sorted(str(order_of(office, each).id) for each in waiting)
    assert file_of(office) == NOTHING


def test_what_waited_to_be_posted_is_in_the_next_file_where_the_address_is_taken_away(
    office: Office, web: TestClient, payment_system: PaymentSystem
) -> None:
    taken, refused, never = released(office), released(office), released(office)
    runtime = posting(office, payment_system.url)
    run_over(runtime, taken)
    payment_system.answer = 503
    carried(runtime, refused)
    assert "Not taken by the payment system" in Browser(web, "ada").open("/boards").text

    assert leave_as_set(office.runtime, now=office.now) == 1
    desk = Browser(web, "ada")
    assert "Nothing is broken." in desk.open("/boards").text
    page = desk.open("/payments").text
    assert page.count("Posted before") == 1
    assert str(order_of(office, refused).id) in page
    assert file_of(office) == 2
    assert [order_of(office, each).state for each in (taken, refused, never)] == [OrderState.LEFT] * 3

    payment_system.answer = 200
    leave_as_set(runtime, now=office.now)
    run_over(runtime, taken, refused, never)
    assert len(payment_system.got) == 2, "what stands in a file is not posted any more"


def test_set_and_taken_away_and_set_again_it_is_posted_by_itself(office: Office, payment_system: PaymentSystem) -> None:
    runtime = posting(office, payment_system.url)
    payment_system.answer = 503
    tried, given_up = released(office), released(office)
    carried(runtime, tried)
    with office.transaction() as session:
        order = order_to_post(session, given_up.id, now=office.now)
        assert order is not None
        order.attempts = MOST_ATTEMPTS
        note_posted(session, given_up.id, "It did not answer in time.", now=office.now)
    run_over(office.runtime, tried, given_up)
    assert leave_as_set(office.runtime, now=office.now) == 2
    payment_system.answer = 200
    assert leave_as_set(runtime, now=office.now) == 2
    run_over(runtime, tried, given_up)
    assert {order_of(office, each).state for each in (tried, given_up)} == {OrderState.LEFT}


def test_what_was_given_up_waits_for_somebodys_word(office: Office, payment_system: PaymentSystem) -> None:
    runtime, invoice = posting(office, payment_system.url), released(office)
    run_over(office.runtime, invoice)
    with office.transaction() as session:
        order = order_to_post(session, invoice.id, now=office.now)
        assert order is not None
        order.attempts = MOST_ATTEMPTS
        note_posted(session, invoice.id, "It did not answer in time.", now=office.now)
    assert leave_as_set(runtime, now=office.now) == 0
    assert order_of(office, invoice).next_try is None


def test_what_was_released_long_ago_is_tried_as_long_as_all_else(office: Office, payment_system: PaymentSystem) -> None:
    invoice = released(office)
    runtime = posting(office, payment_system.url)
    payment_system.answer = 503
    with office.transaction() as session:
        session.merge(order_of(office, invoice)).created_at = office.now - timedelta(days=300)
    carried(runtime, invoice)
    assert order_of(office, invoice).next_try is not None


def test_no_file_takes_what_another_process_posts_just_now(office: Office, payment_system: PaymentSystem) -> None:
    invoice = released(office)
    runtime = posting(office, payment_system.url)
    with office.transaction() as session:
        far = office.now + timedelta(days=365 * 50)
        session.add(LeaseRow(process=PROCESS, subject_id=invoice.id, owner="somebody else", place="", until=far))
    told: list[int | str] = []
    payment_system.before = lambda number: told.append(file_of(office))
    carried(runtime, invoice)
    assert told == [NOTHING]
    assert order_of(office, invoice).state is OrderState.LEFT
    assert order_of(office, invoice).run_id is None


def test_a_payment_noted_while_it_was_posted_does_not_hide_that_it_has_left(
    office: Office, web: TestClient, payment_system: PaymentSystem
) -> None:
    invoice, dan = released(office), Program(web, office, "dan")
    runtime = posting(office, payment_system.url)
    payment_system.before = lambda number: dan.post(
        f"/api/invoices/{invoice.id}/payment", {"paid_on": "2026-06-01", "amount": "10.00"}
    )
    InvoiceLife.load(runtime, invoice.id, lambda session: None).payment()
    assert order_of(office, invoice).state is OrderState.LEFT
    actions = [each["action"] for each in dan.get(f"/api/invoices/{invoice.id}/events")["items"]]
    assert actions == ["released", "paid_in_part", "posted_for_payment"]

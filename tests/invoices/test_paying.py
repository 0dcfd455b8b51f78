"""Released invoices on their way to the payment system: nothing is lost, nothing leaves twice; on either database."""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import io
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from tests.invoices.ledgers import book
from tests.invoices.samples import sound_ubl
from tests.invoices.test_journey import Program
from tests.invoices.test_matching import ROUTE
from tests.support.office import PASSWORD, Office
from tests.support.payment_system import PaymentSystem, payment_system_at_work
from tests.support.web import Browser
from workflows.errors import Conflict, Forbidden, Refused
from workflows.invoices.model import Invoice, InvoiceState
from workflows.invoices.paying import pay
from workflows.invoices.payment import make_run, order_for, release, send_anew
from workflows.invoices.payment_model import OrderState, PaymentOrder, Separation
from workflows.invoices.steps import InvoiceLife, send_where_possible
from workflows.outbox import RunOwed
from workflows.papers.steps import Waiting
from workflows.runtime import Runtime

SECRET = "not known to anybody else"


@pytest.fixture
def dan(web: TestClient, office: Office) -> Program:
    return Program(web, office, "dan")


@pytest.fixture
def ada(web: TestClient, office: Office) -> Program:
    return Program(web, office, "ada")


def approved(office: Office, amount: str = "100.00", **words: Any) -> Invoice:
    return book(office, amount, state=InvoiceState.APPROVED, iban="DE02120300000000202051", **words)


def released(office: Office, amount: str = "100.00", **words: Any) -> Invoice:
    invoice = approved(office, amount, **words)
    with office.transaction() as session:
        return release(session, invoice.id, by=office.actor("dan"), now=datetime.now(UTC), visible=True)


def order_of(office: Office, invoice: Invoice) -> PaymentOrder:
    with office.reading() as session:
        found = order_for(session, invoice.id)
        assert found is not None
        return found


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each comes to, or how it is refused; all begin at the same time."""
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        ready.wait()
        try:
            return work()
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_released_invoices_leave_in_one_file_each(office: Office, ada: Program, web: TestClient) -> None:
    first = released(office, "1234.50", supplier_number="0042", supplier="=cmd")
    credit = released(office, "34.50", kind="credit note")
    approved(office, "7.00")
    made = ada.post("/api/payment-files")
    assert (made["number"], made["orders"]) == ("P-2026-0001", 2)
    later = released(office, "1.00")
    assert ada.post("/api/payment-files")["orders"] == 1
    assert ada.post("/api/payment-files", status=409)["detail"] == "Nothing waits for a payment file."
    answer = web.get(f"/api/payment-files/{made['id']}/file", headers=ada.headers)
    assert answer.content == web.get(f"/api/payment-files/{made['id']}/file", headers=ada.headers).content
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(row["number"], row["amount"], row["kind"]) for row in rows] == [
        (first.number, "1234.50", "invoice"),
        (credit.number, "-34.50", "credit note"),
    ]
    assert rows[0]["supplier_number"] == "0042", "no spreadsheet's apostrophe in what a program reads"
    assert rows[0]["supplier"] == "'=cmd", "and nothing that a spreadsheet would calculate"
    assert rows[0]["id"] == str(order_of(office, first).id)
    assert order_of(office, later).state is OrderState.LEFT
    actions = [each["action"] for each in ada.get(f"/api/invoices/{first.id}/events")["items"]]
    assert actions == ["released", "in_payment_file"]


def test_the_same_request_for_a_file_gives_the_same_file(office: Office, ada: Program) -> None:
    released(office)
    headers = {**ada.headers, "Idempotency-Key": "tonight"}
    first = ada.web.post("/api/payment-files", headers=headers)
    released(office)
    again = ada.web.post("/api/payment-files", headers=headers)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert len(ada.get("/api/payment-orders")["items"]) == 1


def test_two_files_made_at_once_share_nothing(office: Office) -> None:
    for _ in range(4):
        released(office)
    ada = office.actor("ada")

    def make() -> int:
        with office.transaction() as session:
            return make_run(session, by=ada, now=office.now).orders

    told = at_once(make, make)
    assert sum(each for each in told if isinstance(each, int)) == 4
    assert len([each for each in told if isinstance(each, Conflict)]) == 1


def test_released_twice_at_once_it_leaves_once(office: Office) -> None:
    invoice, dan = approved(office), office.actor("dan")

    def work() -> str:
        with office.transaction() as session:
            return release(session, invoice.id, by=dan, now=office.now, visible=True).state.value

    assert at_once(work, work) == ["released", "released"]
    with office.reading() as session:
        assert len(session.exec(select(PaymentOrder)).all()) == 1


def test_of_two_with_one_number_one_is_released(office: Office, dan: Program) -> None:
    same = {"supplier_number": "A 17", "supplier_number_key": "a17"}
    both = [approved(office, **same), approved(office, **same)]
    actor = office.actor("dan")

    def work(invoice: Invoice) -> Callable[[], str]:
        def run() -> str:
            with office.transaction() as session:
                return release(session, invoice.id, by=actor, now=office.now, visible=True).number

        return run

    told = at_once(*map(work, both))
    (first,) = [each for each in told if isinstance(each, str)]
    (second,) = [each for each in both if each.number != first]
    refused = dan.post(f"/api/invoices/{second.id}/release", status=409)
    assert refused["detail"] == f"{first} has the same number of the same supplier, and was released before."
    assert dan.get(f"/api/invoices/{second.id}")["state"] == "approved"
    next_year = approved(office, **same, issued_on=date(2027, 1, 2))
    dan.post(f"/api/invoices/{next_year.id}/release")
    credit = approved(office, **same, kind="credit note")
    dan.post(f"/api/invoices/{credit.id}/release")


def test_several_are_released_together_each_on_its_own(office: Office, ada: Program) -> None:
    same = {"supplier_number": "17", "supplier_number_key": "17"}
    one, two, again = approved(office), approved(office, **same), approved(office, **same)
    nobodys = "00000000-0000-7000-8000-000000000000"
    ids = [str(one.id), str(two.id), str(again.id), nobodys, str(one.id)]
    body = ada.post("/api/releases", {"invoices": ids}, status=200)["items"]
    assert [(each["number"], each["released"]) for each in body] == [
        (one.number, True),
        (two.number, True),
        (again.number, False),
        (None, False),
    ]
    assert [each["refused"] for each in body[2:]] == [
        f"{two.number} has the same number of the same supplier, and was released before.",
        "There is no such invoice.",
    ]
    assert len(ada.get("/api/payment-orders")["items"]) == 2


def test_at_the_desk_what_is_ticked_is_released_and_what_is_not_says_why(office: Office, web: TestClient) -> None:
    same = {"supplier_number": "17", "supplier_number_key": "17"}
    made = [approved(office, **same), approved(office, **same), approved(office)]
    desk = Browser(web, "ada")
    page = desk.open("/payments")
    boxes = [each.attributes["value"] for each in page.all("input", name="chosen")]
    assert boxes == [str(each.id) for each in made]
    told = desk.send("/payments/releases", chosen=boxes[:2]).text
    assert "One invoice is not released" in told
    assert f"{made[0].number} has the same number of the same supplier" in told
    assert "One is released." in told
    assert "tick what you want to release" in desk.send("/payments/releases", status=422).text
    assert "Released for payment" in desk.send("/payments/releases", chosen=[boxes[2]]).text
    assert "The payment file is made" in desk.send("/payments/files").text
    assert "P-2026-0001" in desk.page.text


def test_whoever_is_to_release_sees_in_their_inbox_that_something_waits(office: Office, web: TestClient) -> None:
    approved(office)
    approved(office, by="ada")

    def told(name: str) -> str:
        page = Browser(web, name).open("/")
        return next((each.text for each in page.all("a") if "released for payment" in each.text), "")

    assert told("ada") == "2 approved invoices wait to be released for payment"
    assert told("dan") == "One approved invoice waits to be released for payment"
    assert told("mia") == ""
    office.person("pay", roles=["payments"], password=PASSWORD)
    assert told("pay") == "2 approved invoices wait to be released for payment"
    assert (told("dan"), told("ada")) == ("", ""), "it is for those in the role now"


def test_two_at_once_do_not_bill_one_order_line_twice(office: Office, dan: Program, ada: Program) -> None:
    office.route(ROUTE)
    line = {"line": "10", "name": "Forklift, one month", "quantity": "3", "unit": "C62", "price": "100.00"}
    order = {"supplier": "Aurora Leasing GmbH", "currency": "EUR", "lines": [line]}
    assert ada.web.put("/api/orders/PO-7", json=order, headers=ada.headers).status_code == 200
    made = [
        dan.hand_in(sound_ubl(number=f"2026-000{number}", order="PO-7", net="200.00", quantity="2"), route="nowhere")
        for number in (1, 2)
    ]
    with office.transaction() as session:
        for each in session.exec(select(Invoice)):
            assert each.state is InvoiceState.CHECKED, "there is no such route: they wait"
            each.route = None
    ids = [each["id"] for each in made]
    at_once(*(lambda id=id: send_where_possible(office.runtime, UUID(id), now=office.now) for id in ids))
    outcomes = sorted(dan.get(f"/api/invoices/{each}/matches")["outcome"] for each in ids)
    assert outcomes == ["failed", "matched"]


def test_whoever_approved_it_alone_does_not_release_it(office: Office, web: TestClient, dan: Program) -> None:
    made = dan.hand_in(sound_ubl())
    here = f"/api/invoices/{made['id']}"
    office.put_in("mia", role="administrator")
    mia = Program(web, office, "mia")
    mia.decide()
    refused = mia.post(f"{here}/release", status=403)
    assert refused["detail"] == "Only somebody else than the one who approved this invoice alone may release it."
    page = Browser(web, "mia").open(f"/invoices/{made['id']}")
    assert refused["detail"] in page.text
    assert "Release for payment" not in page.text
    assert dan.post(f"{here}/release")["state"] == "released"


def test_the_setting_says_which_of_the_approvers_may_release(office: Office, dan: Program, web: TestClient) -> None:
    office.person("cy", password=PASSWORD, roles=["administrator"])
    office.route("""\
name: two-of-them
document: invoice
priority: 60
stages:
  - {name: first, approvers: {people: [cy@haneul.example]}}
  - {name: second, approvers: {people: [ada@haneul.example]}}
""")
    made = dan.hand_in(sound_ubl())
    for name in ("cy", "ada"):
        Program(web, office, name).decide()

    def try_it(separation: Separation) -> str:
        with office.transaction() as session:
            return release(
                session,
                UUID(made["id"]),
                by=office.actor("cy"),
                now=office.now,
                visible=True,
                separation=separation,
            ).state.value

    with pytest.raises(Forbidden, match="Only somebody who has not approved this invoice may release it"):
        try_it(Separation.ANY_APPROVER)
    assert try_it(Separation.SOLE_APPROVER) == "released", "two approved it"


def test_with_somebody_in_the_role_only_they_release_and_note_payments(
    office: Office, web: TestClient, dan: Program, ada: Program
) -> None:
    office.person("pay", roles=["payments"], password=PASSWORD)
    pays = Program(web, office, "pay")
    invoice = approved(office)
    here = f"/api/invoices/{invoice.id}"
    for other in (dan, ada):
        refused = other.post(f"{here}/release", status=403)
        assert refused["detail"] == "Only people in the role “payments” may have this invoice paid."
    assert pays.get(here)["state"] == "approved", "they see all invoices of their organisation"
    assert [each["id"] for each in pays.get("/api/invoices?state=approved")["items"]] == [str(invoice.id)]
    assert pays.post(f"{here}/release")["state"] == "released"
    assert ada.post("/api/payment-files", status=403)["detail"].startswith("Only people in the role")
    assert pays.post("/api/payment-files")["orders"] == 1
    dan.post(f"{here}/payment", {"paid_on": "2026-06-01"}, status=403)
    assert pays.post(f"{here}/payment", {"paid_on": "2026-06-01"})["state"] == "paid"
    office.person("elsewhere", organisation="Elsewhere", roles=["payments"], password=PASSWORD)
    stranger = Program(web, office, "elsewhere")
    stranger.get(here, status=404)
    assert stranger.get("/api/payment-orders")["items"] == []
    file = pays.get("/api/payment-files")["items"][0]
    stranger.get(f"/api/payment-files/{file['id']}/file", status=404)


def test_what_was_paid_by_hand_does_not_leave_any_more(office: Office, ada: Program) -> None:
    invoice = released(office)
    ada.post(f"/api/invoices/{invoice.id}/payment", {"paid_on": "2026-06-01"})
    assert order_of(office, invoice).state is OrderState.DROPPED
    ada.post("/api/payment-files", status=409)


@pytest.fixture
def payment_system() -> Iterator[PaymentSystem]:
    with payment_system_at_work() as system:
        yield system


def posting(office: Office, url: str, **settings: Any) -> Runtime:
    said = {"payment_url": url, "payment_secret": SECRET, "payment_private": True, **settings}
    chosen = type(office.runtime.settings)(
        _env_file=None, **{**office.runtime.settings.model_dump(exclude_unset=True), **said}
    )
    return replace(office.runtime, settings=chosen)


def carried(runtime: Runtime, invoice: Invoice) -> str:
    """What a run of the flow says that it waits for."""
    life = InvoiceLife.load(runtime, invoice.id, lambda session: None)
    came_to = life.payment()
    life.finished()
    assert isinstance(came_to, Waiting)
    return came_to.whom


def test_a_released_invoice_is_posted_once_signed_and_recognisable(
    office: Office, ada: Program, payment_system: PaymentSystem
) -> None:
    invoice = released(office, "1234.50")
    runtime = posting(office, payment_system.url)
    assert [carried(runtime, invoice) for _ in range(3)] == ["its payment"] * 3
    ((headers, body),) = payment_system.got
    order = order_of(office, invoice)
    assert (headers["webhook-id"], headers["idempotency-key"]) == (str(order.id), str(order.id))
    signed = f"{order.id}.{headers['webhook-timestamp']}.".encode() + body
    right = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{right}"
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    said = json.loads(body)
    assert (said["type"], said["data"]["amount"], said["data"]["number"]) == (
        "invoice.released",
        "1234.50",
        invoice.number,
    )
    assert order.state is OrderState.LEFT
    events = ada.get(f"/api/invoices/{invoice.id}/events")["items"]
    assert [each["action"] for each in events] == ["released", "posted_for_payment"]


def test_whoever_dies_after_posting_it_posts_the_same_again(office: Office, payment_system: PaymentSystem) -> None:
    invoice = released(office)
    runtime = posting(office, payment_system.url)

    def died(session: object) -> None:
        if payment_system.got:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        InvoiceLife.load(runtime, invoice.id, died).payment()
    assert order_of(office, invoice).state is OrderState.WAITING
    assert carried(runtime, invoice) == "its payment"
    assert len(set(payment_system.ids)) == 1
    assert payment_system.got[0][1] == payment_system.got[1][1]


@pytest.mark.parametrize("answer", [302, 400, 410, 500, 503])
def test_what_is_not_taken_is_told_and_posted_again(
    office: Office, web: TestClient, ada: Program, payment_system: PaymentSystem, answer: int
) -> None:
    invoice = released(office)
    runtime = posting(office, payment_system.url)
    payment_system.answer = answer
    assert f"It answered {answer}" in carried(runtime, invoice)
    order = order_of(office, invoice)
    with office.reading() as session:
        owed = session.get_one(RunOwed, ("invoice", invoice.id))
    assert owed.sequence > owed.finished
    assert owed.not_before == order.next_try, "a run is owed, for later"
    (told,) = ada.get("/api/payment-orders?failed=true")["items"]
    assert (told["attempts"], told["failure"][:15]) == (1, f"It answered {answer}")
    desk = Browser(web, "ada")
    assert f"It answered {answer}" in desk.open("/payments").text
    ada_sees = desk.open("/boards").text
    assert f"It answered {answer}" in ada_sees, "an incident for administrators"
    payment_system.answer = 204
    action = f"/boards/payments/{order.id}/retry"
    assert "Nothing is broken." not in ada_sees
    desk.send(action)
    assert carried(runtime, invoice) == "its payment"
    assert len(set(payment_system.ids)) == 1
    assert "Nothing is broken." in desk.open("/boards").text


def test_others_do_not_have_it_posted_again(office: Office, dan: Program) -> None:
    invoice = released(office)
    dan.web.post(f"/api/payment-orders/{order_of(office, invoice).id}/retry", headers=dan.headers)
    with office.transaction() as session, pytest.raises(Forbidden):
        send_anew(session, order_of(office, invoice).id, by=office.actor("mia"), now=office.now)


def test_what_was_paid_meanwhile_is_not_posted(office: Office, payment_system: PaymentSystem) -> None:
    invoice = released(office)
    runtime = posting(office, payment_system.url)
    payment_system.answer = 500
    carried(runtime, invoice)
    with office.transaction() as session:
        pay(
            session,
            invoice.id,
            paid_on=office.now.date(),
            amount=None,
            by=office.actor("ada"),
            now=office.now,
            visible=True,
        )
    InvoiceLife.load(runtime, invoice.id, lambda session: None).payment()
    assert len(payment_system.got) == 1

"""Several payments of one invoice: what is open, what is refused, what is taken back; on either database."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlmodel import col, select, update

from tests.invoices.ledgers import book
from tests.invoices.samples import sound_ubl
from tests.invoices.test_journey import Program
from tests.invoices.test_paying import approved, at_once, order_of, released
from tests.invoices.test_statements import AURORA, balance
from tests.support.office import Office
from tests.support.web import Browser
from workflows.errors import Conflict, Refused
from workflows.invoices.model import Invoice, InvoiceState
from workflows.invoices.paying import pay, reverse
from workflows.invoices.payment import release
from workflows.invoices.payment_model import OrderState, Payment
from workflows.invoices.rules import insist_on_payment, owed
from workflows.parties.model import Person


@pytest.fixture
def dan(web: TestClient, office: Office) -> Program:
    return Program(web, office, "dan")


def paid(dan: Program, invoice: Invoice, amount: str | None = None, day: str = "2026-04-01", **more: Any) -> Any:
    said = {"paid_on": day, **({"amount": amount} if amount else {}), **more}
    return dan.post(f"/api/invoices/{invoice.id}/payment", said, more.pop("status", 201))


def refused(dan: Program, invoice: Invoice, status: int = 422, **said: str) -> str:
    answer = dan.post(f"/api/invoices/{invoice.id}/payment", {"paid_on": "2026-04-01", **said}, status)
    return str(answer["detail"])


def test_it_is_paid_when_its_payments_reach_what_is_payable(office: Office, dan: Program) -> None:
    invoice = released(office, "100.00")
    first = paid(dan, invoice, "60.00", "2026-04-03", reference="SEPA-1")
    assert (first["state"], first["open"], first["paid_amount"], first["paid_on"]) == (
        "released",
        "40.00",
        "60.00",
        None,
    )
    second = paid(dan, invoice, "39.99", "2026-04-01")
    assert (second["state"], second["open"]) == ("released", "0.01")
    last = paid(dan, invoice, None, "2026-04-02")
    assert (last["state"], last["open"], last["paid_amount"]) == ("paid", "0", "100.00")
    assert last["paid_on"] == "2026-04-03", "the day of the last payment, not of the last note"
    assert [(each["paid_on"], each["amount"], each["reference"]) for each in last["payments"]] == [
        ("2026-04-01", "39.99", ""),
        ("2026-04-02", "0.01", ""),
        ("2026-04-03", "60.00", "SEPA-1"),
    ]
    events = dan.get(f"/api/invoices/{invoice.id}/events")["items"]
    assert [each["action"] for each in events] == ["released", "paid_in_part", "paid_in_part", "paid"]


def test_a_payment_of_another_kind_is_refused_with_a_sentence(office: Office, dan: Program) -> None:
    invoice, credit = released(office, "100.00"), released(office, "30.00", kind="credit note")
    assert refused(dan, invoice, amount="-10.00") == "Money goes out for it: its payments have no minus before them."
    assert refused(dan, credit, amount="10.00") == "Money comes back for it: its payments have a minus before them."
    assert refused(dan, invoice, amount="0") == "A payment is of more than nothing."
    assert refused(dan, invoice, amount="100.01") == "This is more than is open: EUR 100.00."
    assert refused(dan, credit, amount="-30.01") == "This is more than is open: EUR -30.00."
    assert refused(dan, invoice, amount="10", currency="USD") == "The invoice is in EUR, and so are its payments."
    assert refused(dan, invoice, amount="10.001") == "Amounts in EUR have at most 2 decimals."
    ahead = "A payment is noted once it was made: this day lies ahead."
    assert refused(dan, invoice, amount="10.00", paid_on="2999-01-01") == ahead
    assert dan.get(f"/api/invoices/{invoice.id}")["payments"] == []
    paid(dan, invoice, "60.00", currency="eur")
    assert refused(dan, invoice, amount="40.01") == "This is more than is open: EUR 40.00."
    paid(dan, invoice)
    assert refused(dan, invoice, 409, amount="1.00") == "The invoice is paid already."
    not_yet = approved(office)
    assert refused(dan, not_yet, 409, amount="1.00") == "The invoice is not released for payment."


def test_what_comes_back_for_a_credit_note_has_a_minus(office: Office, dan: Program) -> None:
    credit = released(office, "30.00", kind="credit note")
    part = paid(dan, credit, "-10.00")
    assert (part["state"], part["open"], part["paid_amount"]) == ("released", "20.00", "10.00")
    whole = paid(dan, credit)
    assert (whole["state"], [each["amount"] for each in whole["payments"]]) == ("paid", ["-10.00", "-20.00"])


def test_an_invoice_of_nothing_is_paid_by_nothing(office: Office, dan: Program) -> None:
    invoice = released(office, "0.00")
    assert refused(dan, invoice, amount="1.00") == "This is more than is open: EUR 0.00."
    assert paid(dan, invoice)["state"] == "paid"


def test_the_same_payment_told_twice_counts_once(office: Office, dan: Program) -> None:
    invoice = released(office, "100.00")
    for _ in range(2):
        assert paid(dan, invoice, "30.00", reference="SEPA-1")["open"] == "70.00"
    assert paid(dan, invoice, "30.00", reference="SEPA-2")["open"] == "40.00", "another one of the same day"
    for _ in range(2):
        assert paid(dan, invoice)["state"] == "paid"
    headers = {**dan.headers, "Idempotency-Key": "april"}
    other, said = released(office, "100.00"), {"paid_on": "2026-04-01", "amount": "30.00"}
    address = f"/api/invoices/{other.id}/payment"
    first, again = (dan.web.post(address, json=said, headers=headers) for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert dan.web.post(address, json=said | {"amount": "31.00"}, headers=headers).status_code == 422
    assert dan.get(f"/api/invoices/{other.id}")["open"] == "70.00"


def test_a_mistaken_payment_is_taken_back_and_stays_on_record(office: Office, dan: Program) -> None:
    invoice = released(office, "100.00")
    paid(dan, invoice, "60.00", "2026-04-01")
    done = paid(dan, invoice, "40.00", "2026-04-02")
    wrong = done["payments"][1]["id"]
    here = f"/api/invoices/{invoice.id}/payments/{wrong}/reversal"
    assert dan.post(here, {"reason": " "}, 422)["detail"].startswith("Say why the payment is taken back")
    for _ in range(2):
        back = dan.post(here, {"reason": "It was of another invoice."})
        assert (back["state"], back["open"], back["paid_on"], back["paid_amount"]) == (
            "released",
            "40.00",
            None,
            "60.00",
        )
    kept = back["payments"][1]
    assert (kept["reversed_by"], kept["reversed_because"]) == ("Dan", "It was of another invoice.")
    actions = [each["action"] for each in dan.get(f"/api/invoices/{invoice.id}/events")["items"]]
    assert actions.count("payment_reversed") == 1
    assert paid(dan, invoice, "40.00", "2026-04-02")["state"] == "paid", "the same again is a payment of its own"
    dan.post(f"/api/invoices/{released(office).id}/payments/{wrong}/reversal", {"reason": "x"}, 404)


def test_what_is_left_after_a_discount_is_not_to_be_paid(office: Office, dan: Program, web: TestClient) -> None:
    invoice = released(office, "100.00")
    paid(dan, invoice, "60.00", "2026-04-01", reference="SEPA-1")
    done = paid(dan, invoice, "38.00", "2026-04-02", settles=True)
    assert (done["state"], done["open"], done["paid_amount"], done["paid_on"]) == ("paid", "0", "98.00", "2026-04-02")
    assert [each["settles"] for each in done["payments"]] == [False, True]
    assert paid(dan, invoice, "38.00", "2026-04-02", settles=True)["payments"] == done["payments"]
    found = dan.get(f"{AURORA}?as_of=2026-04-02")
    assert balance(found) == {"paid": "98.00"}
    assert balance(dan.get(f"{AURORA}?as_of=2026-04-01"))["open"] == "40.00"
    sheet = load_workbook(io.BytesIO(web.get("/api/invoices.xlsx", headers=dan.headers).content)).worksheets[0]
    head, row = sheet.values
    assert [row[head.index(name)] for name in ("To be paid", "Amount paid", "Outstanding")] == [100, 98, 0]
    events = dan.get(f"/api/invoices/{invoice.id}/events")["items"]
    assert (events[-1]["action"], events[-1]["data"]["open"]) == ("settled_by_payment", "2.00")
    back = dan.post(
        f"/api/invoices/{invoice.id}/payments/{done['payments'][0]['id']}/reversal", {"reason": "It came back."}
    )
    assert (back["state"], back["open"], back["paid_amount"]) == ("released", "62.00", "38.00")
    assert [each["settles"] for each in back["payments"]] == [False, False], "it was given for all of it"
    assert paid(dan, invoice, "62.00")["state"] == "paid"


def test_only_who_pays_notes_payments_and_takes_them_back(office: Office, dan: Program, web: TestClient) -> None:
    invoice = released(office, "100.00")
    made = paid(dan, invoice, "60.00")
    office.person("pay", roles=["payments"], password=None)
    said = "Only people in the role “payments” may have this invoice paid."
    assert refused(dan, invoice, 403, amount="1.00") == said
    here = f"/api/invoices/{invoice.id}/payments/{made['payments'][0]['id']}/reversal"
    assert dan.post(here, {"reason": "x"}, 403)["detail"] == said
    pays = Program(web, office, "pay")
    assert pays.post(here, {"reason": "x"})["open"] == "100.00"
    office.person("eve", organisation="Elsewhere", roles=["administrator"])
    Program(web, office, "eve").post(here, {"reason": "x"}, 404)


def test_a_payment_noted_before_it_left_keeps_it_here_until_it_is_taken_back(office: Office, dan: Program) -> None:
    invoice = released(office, "100.00")
    made = paid(dan, invoice, "60.00")
    assert order_of(office, invoice).state is OrderState.DROPPED
    ada = Program(dan.web, office, "ada")
    assert ada.post("/api/payment-files", status=409)["detail"] == "Nothing waits for a payment file."
    here = f"/api/invoices/{invoice.id}/payments/{made['payments'][0]['id']}/reversal"
    dan.post(here, {"reason": "It was of another invoice."})
    assert order_of(office, invoice).state is OrderState.WAITING
    assert ada.post("/api/payment-files")["orders"] == 1
    again = paid(dan, invoice)
    dan.post(f"/api/invoices/{invoice.id}/payments/{again['payments'][1]['id']}/reversal", {"reason": "x"})
    assert order_of(office, invoice).state is OrderState.LEFT, "what has left does not leave again"


def test_two_payments_at_once_never_exceed_what_is_open(office: Office) -> None:
    invoice, dan = released(office, "100.00"), office.actor("dan")

    def work() -> str:
        with office.transaction() as session:
            day = date(2026, 4, 1)
            kept = pay(session, invoice.id, paid_on=day, amount=Decimal("60.00"), by=dan, now=office.now, visible=True)
            return kept.state.value

    told = at_once(work, work, work)
    assert [each for each in told if isinstance(each, str)] == ["released"]
    assert {str(each) for each in told if isinstance(each, Refused)} == {"This is more than is open: EUR 40.00."}
    with office.reading() as session:
        assert [each.amount for each in session.exec(select(Payment))] == [Decimal("60.00")]


def test_the_last_payment_told_by_two_at_once_is_one(office: Office) -> None:
    invoice, dan = released(office, "100.00"), office.actor("dan")

    def work() -> str:
        with office.transaction() as session:
            day = date(2026, 4, 1)
            return pay(session, invoice.id, paid_on=day, amount=None, by=dan, now=office.now, visible=True).state.value

    assert at_once(work, work) == ["paid", "paid"]
    with office.reading() as session:
        assert len(session.exec(select(Payment)).all()) == 1


def test_a_payment_and_its_taking_back_at_once_leave_the_books_in_order(office: Office) -> None:
    invoice, dan = released(office, "100.00"), office.actor("dan")

    def note(amount: str) -> str:
        with office.transaction() as session:
            day = date(2026, 4, 1)
            return pay(
                session, invoice.id, paid_on=day, amount=Decimal(amount), by=dan, now=office.now, visible=True
            ).state.value

    note("60.00")
    with office.reading() as session:
        first = session.exec(select(Payment)).one().id

    def back() -> str:
        with office.transaction() as session:
            return reverse(session, invoice.id, first, reason="wrong", by=dan, now=office.now, visible=True).state.value

    told = at_once(lambda: note("40.00"), back, back)
    assert not [each for each in told if isinstance(each, Exception)]
    with office.reading() as session:
        kept = session.get_one(Invoice, invoice.id)
        standing = [each.amount for each in session.exec(select(Payment)) if each.reversed_at is None]
    assert (standing, kept.paid_amount, kept.state, kept.paid_on) == (
        [Decimal("40.00")],
        Decimal("40.00"),
        InvoiceState.RELEASED,
        None,
    )


def test_what_is_paid_in_part_is_not_released_again(office: Office) -> None:
    same = {"supplier_number": "A 17", "supplier_number_key": "a17"}
    first, second = released(office, "100.00", **same), approved(office, "100.00", **same)
    dan = office.actor("dan")

    def note() -> str:
        with office.transaction() as session:
            day = date(2026, 4, 1)
            return pay(
                session, first.id, paid_on=day, amount=Decimal("60.00"), by=dan, now=office.now, visible=True
            ).state.value

    def again(invoice: Invoice) -> str:
        with office.transaction() as session:
            return release(session, invoice.id, by=dan, now=office.now, visible=True).state.value

    told = at_once(note, lambda: again(first), lambda: again(second))
    assert told[:2] == ["released", "released"]
    assert isinstance(told[2], Conflict)
    with office.reading() as session:
        kept = session.get_one(Invoice, first.id)
        assert (kept.payable, kept.paid_amount) == (Decimal("100.00"), Decimal("60.00"))


def test_a_statement_counts_what_is_open_on_its_day(office: Office, dan: Program) -> None:
    invoice = released(office, "100.00")
    paid(dan, invoice, "60.00", "2026-04-05")
    wrong = paid(dan, invoice, "7.00", "2026-04-06")["payments"][1]["id"]
    dan.post(f"/api/invoices/{invoice.id}/payments/{wrong}/reversal", {"reason": "x"})
    paid(dan, invoice, "40.00", "2026-06-10")
    before = dan.get(f"{AURORA}?as_of=2026-04-04")
    assert balance(before) == {"open": "100.00", "overdue": "100.00", "1_to_30": "100.00"}
    between = dan.get(f"{AURORA}?as_of=2026-06-09")
    assert balance(between) == {"open": "40.00", "overdue": "40.00", "61_to_90": "40.00", "paid": "60.00"}
    (item,) = between["items"]
    assert (item["payable"], item["open"], item["paid"], item["paid_on"]) == ("100.00", "40.00", "60.00", None)
    after = dan.get(f"{AURORA}?as_of=2026-06-10")
    assert balance(after) == {"paid": "100.00"}
    assert (after["items"][0]["open"], after["items"][0]["paid_on"]) == ("0", "2026-06-10")
    late = dan.get(f"{AURORA}?since=2026-05-01&as_of=2026-06-10")
    assert balance(late) == {"paid": "40.00"}, "only what was paid within the period"
    assert late["items"][0]["paid"] == "40.00"


def test_credit_notes_that_came_back_in_part_count_against(office: Office, dan: Program) -> None:
    released(office, "100.00")
    credit = released(office, "30.00", kind="credit note")
    paid(dan, credit, "-10.00", "2026-04-01")
    found = dan.get(f"{AURORA}?as_of=2026-04-02")
    assert balance(found) == {"open": "80.00", "overdue": "80.00", "1_to_30": "80.00", "paid": "-10.00"}


def test_exports_and_files_say_what_is_open(office: Office, dan: Program, web: TestClient) -> None:
    invoice = released(office, "100.00")
    book(office, "5.00", state=InvoiceState.CHECKED)
    paid(dan, invoice, "60.00", "2026-04-05")
    sheet = load_workbook(io.BytesIO(web.get("/api/invoices.xlsx", headers=dan.headers).content)).worksheets[0]
    head, waiting, partly = sheet.values
    columns = [head.index(name) for name in ("To be paid", "Amount paid", "Outstanding", "Paid on")]
    assert [partly[each] for each in columns] == [100, 60, 40, None]
    assert [waiting[each] for each in columns] == [5, None, None, None]
    file = web.get(f"{AURORA}/file?as_of=2026-06-01&format=xlsx", headers=dan.headers).content
    _, rows = load_workbook(io.BytesIO(file)).worksheets
    head, *items = rows.values
    (row,) = [each for each in items if each[head.index("Amount")] == 100]
    assert [row[head.index(name)] for name in ("Amount", "Outstanding", "Paid", "Paid on")] == [100, 40, 60, None]
    spent = dan.get("/api/spending?since=2026-03-01&until=2026-03-31")
    assert "100.00" in str(spent), "what was spent does not depend on what was paid"


def handed_in_and_released(office: Office, dan: Program) -> str:
    """Its id; EUR 119.00 are payable."""
    made = dan.hand_in(sound_ubl())
    office.decide("mia")
    dan.post(f"/api/invoices/{made['id']}/release")
    return str(made["id"])


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("EUR 59.00 is still open", "Taken back by", "EUR 119.00 is open")),
        ("ko", ("미지급액 EUR 59.00", "지급 기록을 취소했습니다", "님이 취소")),
    ],
)
def test_the_page_notes_payments_and_takes_them_back(
    office: Office, web: TestClient, dan: Program, language: str, words: tuple[str, ...]
) -> None:
    here, desk = f"/invoices/{handed_in_and_released(office, dan)}", Browser(web, "dan")
    with office.transaction() as session:
        session.exec(update(Person).where(col(Person.id) == office.people["dan"].id).values(locale=language))
    desk.open(here)
    first = desk.send(f"{here}/payment", paid_on="2026-04-01", amount="60.00", reference="SEPA-1").text
    assert "EUR 59.00" in first
    assert "SEPA-1" in first
    wrong = desk.send(f"{here}/payment", status=422, paid_on="2026-04-01", amount="60").text
    assert "EUR 59.00" in wrong
    (button,) = [
        each.attributes["action"] for each in desk.page.all("form") if "reversal" in each.attributes.get("action", "")
    ]
    told = desk.send(button, reason="It was of another invoice.").text
    assert "It was of another invoice." in told
    assert "EUR 119.00" in told
    desk.send(f"{here}/payment", paid_on="2026-04-02", amount="60.00")
    desk.open(here)
    done = desk.send(f"{here}/payment", paid_on="2026-04-03", amount="57.00", settles="1").text
    assert {"en": "Not to be paid", "ko": "지급하지 않는 금액"}[language] in done
    assert "EUR 2.00" in done
    assert {"en": "EUR 2.00 is not to be paid", "ko": "EUR 2.00은(는) 지급하지 않는"}[language] in done
    desk.open(here)
    forms = [each.attributes.get("action", "") for each in desk.page.all("form")]
    desk.send(next(each for each in forms if "reversal" in each and each != button), reason="It came back.")
    desk.send(f"{here}/payment", paid_on="2026-04-02", amount="3.00")
    assert {"en": "outstanding: EUR 59.00", "ko": "미지급: EUR 59.00"}[language] in desk.open("/invoices").text
    assert dan.get("/api/invoices")["items"][0]["open"] == "59.00"
    desk.open(here)
    paper = desk.open(f"{here}/print").text
    history = desk.open(f"{here}/history").text
    for each in words:
        assert each in told + first + paper + history, each
    assert "None" not in history


def test_the_form_sent_twice_notes_one_payment(office: Office, web: TestClient, dan: Program) -> None:
    here, desk = f"/invoices/{handed_in_and_released(office, dan)}", Browser(web, "dan")
    (form,) = [each for each in desk.open(here).all("form") if each.attributes.get("action") == f"{here}/payment"]
    once = form.one("input", name="once").attributes["value"]
    for _ in range(2):
        desk.send(f"{here}/payment", paid_on="2026-04-01", amount="20.00", once=once)
    with office.reading() as session:
        assert len(session.exec(select(Payment)).all()) == 1


CENTS = st.integers(-20_000, 20_000).map(lambda cents: Decimal(cents).scaleb(-2))


@given(payable=CENTS, kind=st.sampled_from(("invoice", "credit note")), tried=st.lists(CENTS, max_size=12))
def test_whatever_is_tried_payments_stay_between_nothing_and_what_is_owed(
    payable: Decimal, kind: str, tried: list[Decimal]
) -> None:
    invoice = Invoice.model_construct(kind=kind, payable=payable, currency="EUR", title="")
    whole, paid_so_far = owed(invoice), Decimal(0)
    for amount in tried:
        try:
            insist_on_payment(invoice, amount, still_open=whole - paid_so_far, currency="")
        except Refused:
            continue
        paid_so_far += amount
    assert min(Decimal(0), whole) <= paid_so_far <= max(Decimal(0), whole)

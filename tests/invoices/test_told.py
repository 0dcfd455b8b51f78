"""Who hears by mail that an invoice is approved: once, in their own language; on either database."""

from __future__ import annotations

from email.message import EmailMessage
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, update

from tests.invoices.conftest import QUICK
from tests.invoices.samples import sound_ubl
from tests.invoices.test_journey import BANDS, Program
from tests.support.office import Office, text_of
from workflows.invoices.steps import InvoiceLife
from workflows.parties.model import Person


@pytest.fixture
def dan(web: TestClient, office: Office) -> Program:
    return Program(web, office, "dan")


def told(office: Office, name: str) -> list[EmailMessage]:
    """The mails to somebody that say that an invoice was approved."""
    office.deliver()
    subjects = ("Approved: ", "[승인 완료] ")
    return [each for each in office.mails.to(office.email(name)) if each["Subject"].startswith(subjects)]


@pytest.mark.parametrize(
    ("locale", "subject", "words"),
    [
        ("en", "Approved: ", ("Dan, your invoice is approved.", "It can now be released for payment.", "the invoice:")),
        ("ko", "[승인 완료] ", ("Dan 님, 올리신 송장이 최종 승인되었습니다.", "이제 지급 승인을 할 수 있습니다.")),
    ],
)
def test_its_owner_is_told_once_that_it_is_approved(
    office: Office, dan: Program, locale: str, subject: str, words: tuple[str, ...]
) -> None:
    with office.transaction() as session:
        session.exec(update(Person).where(col(Person.id) == office.people["dan"].id).values(locale=locale))
    made = dan.hand_in(sound_ubl())
    assert told(office, "dan") == []
    office.decide("mia")
    for _ in range(2):  # the flow comes here again
        InvoiceLife.load(office.runtime, UUID(made["id"]), lambda session: None).approval()
    (mail,) = told(office, "dan")
    assert mail["Subject"].startswith(subject)
    assert made["number"] in mail["Subject"]
    said = " ".join(text_of(mail).split())
    for each in (*words, f"/invoices/{made['id']}"):
        assert each in said, said
    assert told(office, "mia") == []


def test_whoever_handed_in_the_approved_version_is_told_beside_its_owner(
    office: Office, dan: Program, web: TestClient
) -> None:
    made = dan.hand_in(sound_ubl())
    office.decide("mia", "send_back")
    ada = Program(web, office, "ada")
    answer = web.post(
        f"/api/invoices/{made['id']}/versions",
        files={"file": ("second.xml", sound_ubl(net="400.00"), "application/xml")},
        headers=ada.headers,
    )
    assert answer.status_code == 201, answer.text
    office.decide("mia")
    assert [len(told(office, name)) for name in ("dan", "ada", "mia")] == [1, 1, 0]


def test_whoever_has_left_is_told_nothing(office: Office, dan: Program) -> None:
    dan.hand_in(sound_ubl())
    with office.transaction() as session:
        session.exec(update(Person).where(col(Person.id) == office.people["dan"].id).values(active=False))
    office.decide("mia")
    assert told(office, "dan") == []


def test_an_invoice_that_nobody_need_decide_on_is_told_as_well(office: Office, dan: Program, web: TestClient) -> None:
    office.route(BANDS)
    line = {"line": "10", "name": "Forklift, one month", "quantity": "3", "unit": "C62", "price": "100.00"}
    order = {"supplier": "Aurora Leasing GmbH", "currency": "EUR", "lines": [line]}
    ada = Program(web, office, "ada")
    assert web.put("/api/orders/PO-7", json=order, headers=ada.headers).status_code == 200
    made = dan.hand_in(sound_ubl(order="PO-7", net="200.00", quantity="2"))
    assert dan.get(f"/api/invoices/{made['id']}")["state"] == "approved"
    assert len(told(office, "dan")) == 1


def test_approved_anew_after_its_supplier_was_asked_it_is_told_anew(office: Office, dan: Program) -> None:
    office.route(QUICK)
    made = dan.hand_in(sound_ubl())
    office.decide("mia")
    here = f"/api/invoices/{made['id']}"
    dan.post(f"{here}/dispute", {"question": "Which machine?", "to": "billing@aurora.example"})
    dan.post(f"{here}/settlement", {"comment": "The red one."})
    assert dan.get(here)["state"] == "in_approval"
    office.decide("mia")
    assert len(told(office, "dan")) == 2

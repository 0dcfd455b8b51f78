"""Who is told that a contract is in force, and where each of them finds the sealed file; on either database."""

from __future__ import annotations

import pytest
from sqlmodel import select

from documents.rendering import Reader, moment
from tests.support.office import QUICK_ROUTE, Office, link_in, text_of
from workflows.approvals.model import Link
from workflows.parties.operations import sha256_of_secret


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia", password="correct horse battery")
    office.person("dan", manager="mia", password="correct horse battery")
    office.route(QUICK_ROUTE)
    return office


def test_a_signer_from_outside_is_told_until_when_their_link_to_the_sealed_file_works(office: Office) -> None:
    contract = office.contract(signers=["sarka@nordwerk.example"])
    office.decide("mia")
    office.carry_on(contract)
    office.sign("sarka@nordwerk.example")
    office.carry_on(contract)
    office.deliver()

    mail = office.mails.to("sarka@")[-1]
    secret = link_in(mail).removeprefix("/t/")
    with office.reading() as session:
        link = session.exec(select(Link).where(Link.token_sha256 == sha256_of_secret(secret))).one()
        signer = next(each for each in office.queued() if each.to_email == "sarka@nordwerk.example")
    until = moment(link.expires_at, Reader("en", signer.timezone))
    assert f"The link works until {until}." in " ".join(text_of(mail).split())

    owners = text_of(office.mails.to("dan@")[-1])
    assert f"/contracts/{contract.id}" in owners
    assert "The link works until" not in owners

"""Names of people and files in any script: the same in pages, mails, certificates and PDFs, whole and harmless."""

from __future__ import annotations

import email
import json
from collections.abc import Iterator
from email.policy import default
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from api.main import create_app
from signing.verification import verify
from tests.signing.builders import text_of
from tests.support.office import PASSWORD, QUICK_ROUTE, Office, link_in
from tests.support.pdfs import plain_pdf, with_nul_in_its_text
from tests.support.web import Browser, token
from workflows.contracts.model import Contract
from workflows.errors import Refused
from workflows.parties.model import Person
from workflows.parties.operations import register

NAMES = ["김민준", "山田太郎", "张伟", "Šárka Černá", "Böhm, Lukas", "O’Neill"]


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    office.route(QUICK_ROUTE)
    return office


@pytest.fixture
def web(office: Office) -> Iterator[TestClient]:
    with TestClient(create_app(runtime=office.runtime), follow_redirects=False) as web:
        yield web


def handed_in(
    office: Office,
    web: TestClient,
    *,
    pdf: bytes | None = None,
    file_name: str = "lease.pdf",
    signers: list[dict[str, str]] | None = None,
    status: int = 201,
) -> Any:
    answer = web.post(
        "/api/contracts",
        data={"title": "Forklift fleet lease", "kind": "lease", "signers": json.dumps(signers or [])},
        files={"file": (file_name, pdf or plain_pdf(), "application/pdf")},
        headers=token(office, "dan"),
    )
    assert answer.status_code == status, answer.text
    return answer.json()


def test_names_in_any_script_are_the_same_in_mails_certificates_marks_and_pages(
    office: Office, web: TestClient
) -> None:
    signers = [{"name": name, "email": f"signer{n}@nordwerk.example"} for n, name in enumerate(NAMES)]
    made = handed_in(office, web, signers=signers)
    with office.reading() as session:
        contract = session.get_one(Contract, UUID(made["id"]))
    office.decide("mia")
    office.carry_on(contract)
    for signer in signers:
        office.deliver()
        [asked] = [each for each in office.mails.to(signer["email"]) if "/t/" in str(each.get_body(("plain",)))]
        arrived = email.message_from_bytes(asked.as_bytes(policy=default.clone(linesep="\r\n")), policy=default)
        [to] = arrived["To"].addresses
        assert (to.display_name, to.addr_spec) == (signer["name"], signer["email"])
        page = web.get(link_in(asked), headers={"Accept": "text/html"})
        assert signer["name"] in page.text
        office.sign(signer["email"], contract=contract)
        office.carry_on(contract)
    sealed = web.get(f"{made['links']['file']}?as=sealed", headers=token(office, "dan")).content
    report = verify(sealed, [office.runtime.authority.trust_anchor_pem])
    assert report.verdict == "sealed"
    assert [each.signer for each in report.signatures if each.kind == "signature"] == NAMES
    marks = "".join((text_of(sealed, -2) + text_of(sealed, -1)).split())
    dan = Browser(web, "dan")
    web.headers["Accept"] = "text/html"
    shown = dan.open(f"/contracts/{made['id']}").text
    history = dan.open(f"/contracts/{made['id']}/history").text
    for name in NAMES:
        assert "".join(name.split()) in marks
        assert name in shown
        assert name in history


@pytest.mark.parametrize("typed", ["John.Doe@Example.com", "john.doe@example.com", " JOHN.DOE@EXAMPLE.COM "])
def test_an_address_in_any_case_is_one_person(office: Office, web: TestClient, typed: str) -> None:
    with office.transaction() as session:
        register(
            session,
            name="John Doe",
            email="John.Doe@Example.com",
            now=office.now,
            organisation=office.organisation,
            password=PASSWORD,
        )
    with pytest.raises(Refused), office.transaction() as session:
        register(session, name="Another", email=typed, now=office.now, organisation=office.organisation)
    assert web.post("/sign-in", data={"email": typed, "password": PASSWORD}).status_code == 303
    made = handed_in(office, web, signers=[{"name": "John Doe", "email": typed}])
    with office.reading() as session:
        assert len(session.exec(select(Person).where(Person.email == "john.doe@example.com")).all()) == 1
    assert made["signers"][0]["email"] == "john.doe@example.com"
    twice = [{"name": "John Doe", "email": typed}, {"name": "J. Doe", "email": "john.doe@example.com"}]
    refused = handed_in(office, web, signers=twice, status=422)
    assert "named twice" in refused["detail"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("O’Neill’s lease.pdf", "O’Neill’s lease.pdf"),
        ("fork lift lease.pdf", "fork lift lease.pdf"),
        ("Böhm, Lukas – 50 %.pdf", "Böhm, Lukas – 50 %.pdf"),
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\dan\\lease.pdf", "lease.pdf"),
        ("계약서" * 33 + ".pdf", "계약서" * 33 + ".pdf"),
        ("계약서" * 100 + ".pdf", ("계약서" * 100)[:196] + ".pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("lease\r\nSet-Cookie: a=b.pdf", "lease%0D%0ASet-Cookie: a=b.pdf"),  # as browsers send line ends and quotes
        ('a"; filename="b.pdf', "a%22; filename=%22b.pdf"),
        ("<script>alert(1)</script>.pdf", "script>.pdf"),
        ("...", "document.pdf"),
    ],
)
def test_a_file_of_any_name_is_kept_and_comes_back_by_its_name(
    office: Office, web: TestClient, typed: str, kept: str
) -> None:
    made = handed_in(office, web, file_name=typed)
    [version] = made["versions"]
    assert "".join(version["file_name"].split()) == "".join(kept.split())
    answer = web.get(made["links"]["file"], headers=token(office, "dan"))
    offered = answer.headers["content-disposition"]
    assert unquote(offered.partition("filename*=UTF-8''")[2]) == version["file_name"]
    plain = offered.partition('filename="')[2].partition('"')[0]
    assert plain.isascii()
    assert not set('/\\"\r\n;') & set(plain)
    assert answer.content == plain_pdf()


def test_text_with_nul_characters_is_kept_and_found(office: Office, web: TestClient) -> None:
    made = handed_in(office, web, pdf=with_nul_in_its_text())
    found = web.get("/api/contracts", params={"q": "forklift"}, headers=token(office, "dan")).json()["items"]
    assert [each["id"] for each in found] == [made["id"]]
    web.headers["Accept"] = "text/html"
    dan = Browser(web, "dan")
    assert "\0" not in dan.open(f"/contracts/{made['id']}/versions/1/text").text

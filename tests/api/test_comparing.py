"""What changed since somebody approved, where they are asked again; and between any two versions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pikepdf
import pytest
from fastapi.testclient import TestClient

from tests.support.html import Element, faults, read
from tests.support.office import PASSWORD, Office, link_in
from tests.support.pdfs import plain_pdf
from tests.support.web import Browser, token
from workflows.contracts.model import Contract
from workflows.papers import queries as papers
from workflows.papers.rules import page_starts, page_texts

ROUTE = """\
name: two-stages
document: contract
priority: 10
stages:
  - name: manager
    approvers: {manager_of: submitter}
  - name: legal
    approvers: {group: legal}
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.now = datetime.now(UTC) - timedelta(hours=3)
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    office.person("ann", groups=["legal"], password=PASSWORD)
    office.person("eve", organisation="Elsewhere", roles=["administrator"], password=PASSWORD)
    office.route(ROUTE)
    return office


def asked_again(office: Office, second: bytes) -> Contract:
    """A contract that Mia approved, and is asked about again after a new version."""
    contract = office.contract(pdf=plain_pdf("The lessor lets six trucks to the lessee", pages=2))
    office.decide("mia")
    office.deliver()
    office.replace(contract, second)
    return contract


def newest_link(office: Office, name: str) -> str:
    office.deliver()
    return link_in(office.mails.to(f"{name}@")[-1])


def words(page: Element, tag: str) -> list[str]:
    return [each.text for each in page.all(tag)]


EIGHT = plain_pdf("The lessor lets eight trucks to the lessee", pages=2)


def test_whoever_is_asked_again_sees_what_changed_behind_the_link(office: Office, web: TestClient) -> None:
    asked_again(office, EIGHT)
    page = Browser(web).open(newest_link(office, "mia"))
    assert "You approved version 1" in page.one("div", **{"class": "notice soon"}).text
    sheet = page.one("section", aria_labelledby="changes")
    assert words(sheet, "del") == ["taken out: six"] * 2
    assert words(sheet, "ins") == ["put in: eight"] * 2
    assert words(sheet, "h3") == ["Page 1", "Page 2"]


def test_whoever_is_asked_again_sees_what_changed_at_the_desk(office: Office, web: TestClient) -> None:
    contract = asked_again(office, EIGHT)
    page = Browser(web, "mia").open(f"/contracts/{contract.id}")
    assert words(page.one("section", aria_labelledby="changes"), "ins") == ["put in: eight"] * 2
    assert page.one("a", href="#changes").text == "2 places changed"


def test_whoever_is_asked_for_the_first_time_is_shown_no_changes(office: Office, web: TestClient) -> None:
    contract = asked_again(office, EIGHT)
    office.decide("mia")
    assert "Changed since you approved" not in Browser(web, "ann").open(f"/contracts/{contract.id}").text
    assert "Changed since you approved" not in Browser(web).open(newest_link(office, "ann")).text
    assert "Changed since you approved" not in Browser(web, "dan").open(f"/contracts/{contract.id}").text


def test_a_version_with_the_same_text_says_that_its_appearance_may_differ(office: Office, web: TestClient) -> None:
    def turned(pdf: pikepdf.Pdf) -> None:
        for page in pdf.pages:
            page.rotate(90, relative=False)

    asked_again(office, plain_pdf("The lessor lets six trucks to the lessee", pages=2, change=turned))
    sheet = Browser(web).open(newest_link(office, "mia")).one("section", aria_labelledby="changes")
    assert "Nothing in the text changed; the appearance may have." in sheet.text


def test_the_changes_are_told_in_korean(office: Office, web: TestClient) -> None:
    asked_again(office, EIGHT)
    answer = web.get(f"{newest_link(office, 'mia')}?lang=ko")
    assert not faults(answer.text)
    sheet = read(answer.text).one("section", aria_labelledby="changes")
    assert words(sheet, "ins") == ["들어감: eight"] * 2
    assert "밑줄" in sheet.text


def test_any_two_versions_are_compared_by_a_form(office: Office, web: TestClient) -> None:
    contract = asked_again(office, EIGHT)
    office.replace(contract, plain_pdf("The lessor lets nine trucks to the lessee", pages=2))
    dan = Browser(web, "dan")
    page = dan.open(f"/contracts/{contract.id}")
    (address,) = [each.attributes["href"] for each in page.all("a") if each.text == "Compare versions"]
    page = dan.open(address)
    assert page.one("h1").text == "What changed from version 2 to version 3"
    form = page.one("form", action=address)
    assert [each.attributes["name"] for each in form.all("select")] == ["from", "to"]
    page = dan.open(f"{address}?from=1&to=3")
    assert words(page, "del") == ["taken out: six"] * 2
    assert words(page, "ins") == ["put in: nine"] * 2
    page = dan.open(f"{address}?from=3&to=1")
    assert words(page, "ins") == ["put in: six"] * 2


def test_versions_are_compared_over_the_api(office: Office, web: TestClient) -> None:
    contract = asked_again(office, EIGHT)
    address = f"/api/contracts/{contract.id}/versions/2/comparison"
    answer = web.get(address, params={"with": 1}, headers=token(office, "dan"))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["old"], found["new"], found["places"], found["same"]) == (1, 2, 2, False)
    assert [page["page"] for page in found["pages"]] == [1, 2]
    kinds = [piece["kind"] for piece in found["pages"][0]["pieces"]]
    assert kinds == ["same", "removed", "added", "same"]
    assert web.get(address, params={"with": 2}, headers=token(office, "dan")).json()["same"]


def test_what_one_may_not_see_cannot_be_compared(office: Office, web: TestClient) -> None:
    contract = asked_again(office, EIGHT)
    address = f"/api/contracts/{contract.id}/versions/2/comparison"
    assert web.get(address, params={"with": 1}, headers=token(office, "eve")).status_code == 404
    assert web.get(address, params={"with": 7}, headers=token(office, "dan")).status_code == 404
    assert web.get(address, headers=token(office, "dan")).status_code == 422
    Browser(web, "eve").open(f"/contracts/{contract.id}/versions/compare?from=1&to=2", status=404)


def test_each_page_keeps_where_its_text_begins(office: Office) -> None:
    contract = office.contract(pdf=plain_pdf("Lease", pages=3))
    with office.reading() as session:
        version = papers.version(session, contract, 1)
    assert page_texts(version.text, version.page_starts) == ["Lease, page 1", "Lease, page 2", "Lease, page 3"]


@pytest.mark.parametrize("pages", [[], ["one"], ["", "two", ""], [" \n", "", " three ", "four\n"], ["", ""]])
def test_pages_without_text_keep_their_place(pages: list[str]) -> None:
    text = "\n\n".join(pages).strip()
    assert page_texts(text, page_starts(pages)) == [each.strip() for each in pages or [""]]

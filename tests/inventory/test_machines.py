"""Machines that are kept over the API and from files, on either database."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.office import Office
from tests.support.web import token
from workflows.errors import Refused
from workflows.inventory.rules import read_file

FILE = """\
serial,model,location,customer,installed_on,removed_on,contract
004711000123456789,NW-Print 300,Busan,Haneul,2024-02-01,2026-03-03,C-2026-0001
SN 88-12,복합기,서울,,,,
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.person("ada", roles=["administrator"])
    office.person("dan")
    office.person("eve", organisation="Other House", roles=["administrator"])
    return office


@pytest.fixture
def ask(web: TestClient, office: Office) -> Any:
    headers = {name: {**token(office, name), "Accept": "application/json"} for name in ("ada", "dan", "eve")}

    def ask(who: str, method: str, address: str = "", status: int = 200, **sent: Any) -> Any:
        answer = web.request(method, f"/api/machines{address}", headers=headers[who], **sent)
        assert answer.status_code == status, answer.text
        return answer.json()

    return ask


def test_a_machine_is_kept_and_said_anew_under_its_serial_number(ask: Any) -> None:
    ask("ada", "PUT", "/SN-88/12", json={"model": "NW-Print 300", "installed_on": "2024-02-01"})
    ask("ada", "PUT", "/sn 88 12", json={"model": "NW-Print 310", "removed_on": "2026-03-03"})
    [only] = ask("dan", "GET")["items"]
    assert (only["model"], only["installed_on"], only["removed_on"]) == ("NW-Print 310", None, "2026-03-03")


def test_other_organisations_have_machines_of_their_own(ask: Any) -> None:
    ask("ada", "PUT", "/A1", json={"model": "ours"})
    ask("eve", "PUT", "/A1", json={"model": "theirs"})
    assert [each["model"] for each in ask("dan", "GET")["items"]] == ["ours"]
    assert ask("eve", "GET", "/A1")["model"] == "theirs"
    assert ask("eve", "GET", "/B2", 404)["detail"] == "There is no machine B2."
    ask("dan", "PUT", "/A1", 403, json={})


def test_a_machine_is_not_removed_before_it_is_installed(ask: Any) -> None:
    refused = ask("ada", "PUT", "/A1", 422, json={"installed_on": "2026-03-03", "removed_on": "2026-03-02"})
    assert refused["field"] == "removed_on"
    assert ask("ada", "GET")["items"] == []


def test_a_file_is_kept_whole_or_not_at_all(ask: Any) -> None:
    wrong = FILE.replace("2026-03-03", "2024-01-31").encode()
    refused = ask("ada", "POST", "/csv", 422, files={"file": ("m.csv", wrong)})
    assert refused["detail"] == "Line 2, column removed_on: a machine is not removed before it is installed."
    assert ask("ada", "GET")["items"] == []
    assert ask("ada", "POST", "/csv", files={"file": ("m.csv", FILE.encode())}) == {"kept": 2}
    assert ask("dan", "GET", "/004711000123456789")["removed_on"] == "2026-03-03"
    assert [each["serial"] for each in ask("dan", "GET", "?q=복합")["items"]] == ["SN 88-12"]


def test_the_same_serial_number_twice_is_refused_by_both_lines() -> None:
    with pytest.raises(Refused) as refused:
        read_file(FILE + "sn-88-12,,,,,,\n")
    assert str(refused.value) == "Line 4, column serial: the machine sn-88-12 is there already, in line 3."

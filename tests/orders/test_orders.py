"""Orders that are kept over the API, from files and from the command line, on either database."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from tests.support.office import Office
from tests.support.web import token
from workflows.audit.queries import history
from workflows.errors import Refused
from workflows.orders.model import PROCESS
from workflows.orders.rules import Ordered, OrderedLine, read_file

JSON = {"Accept": "application/json"}
FILE = """\
order,supplier,currency,ordered_on,line,item,name,quantity,unit,price
PO-7,Nordwerk,EUR,2026-04-01,10,AX-1,"Toner, black",12,C62,84.50
PO-7,,,,20,,Delivery,1,,15
po 8,하늘상사,KRW,,1,000123456789012345,프린터 용지,3.5,BOX,12000
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.person("ada", roles=["administrator"])
    office.person("dan")
    office.person("eve", organisation="Other House", roles=["administrator"])
    return office


class Program:
    def __init__(self, web: TestClient, office: Office, name: str) -> None:
        self.web, self.headers = web, {**token(office, name), **JSON}

    def put(self, number: str, status: int = 200, **said: Any) -> Any:
        return self._body(self.web.put(f"/api/orders/{number}", json=said, headers=self.headers), status)

    def get(self, address: str, status: int = 200) -> Any:
        return self._body(self.web.get(f"/api/orders{address}", headers=self.headers), status)

    def load(self, data: bytes, status: int = 200) -> Any:
        files = {"file": ("orders.csv", data, "text/csv")}
        return self._body(self.web.post("/api/orders/csv", files=files, headers=self.headers), status)

    def _body(self, answer: Any, status: int) -> Any:
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def ada(web: TestClient, office: Office) -> Program:
    return Program(web, office, "ada")


LINE = {"line": "10", "item": "AX-1", "quantity": "12", "price": "84.50"}


def test_an_order_is_kept_and_said_anew_under_its_number(ada: Program, office: Office) -> None:
    kept = ada.put("PO/2026-7", supplier="Nordwerk", currency="eur", lines=[LINE])
    assert (kept["number"], kept["currency"], kept["lines"][0]["price"]) == ("PO/2026-7", "EUR", "84.50")
    again = ada.put("po 2026 7", supplier="Nordwerk GmbH", currency="EUR", lines=[{**LINE, "line": "20"}])
    assert [each["line"] for each in again["lines"]] == ["20"]
    assert [each["supplier"] for each in ada.get("")["items"]] == ["Nordwerk GmbH"]
    with office.reading() as session:
        told = list(history(session, PROCESS, office.organisation.id))
    assert [(each.action, each.actor, each.data["count"]) for each in told] == [("orders_kept", "Ada", 1)] * 2


def test_only_administrators_keep_orders_and_all_colleagues_read_them(
    web: TestClient, office: Office, ada: Program
) -> None:
    ada.put("PO-7", lines=[LINE])
    dan, eve = Program(web, office, "dan"), Program(web, office, "eve")
    assert dan.put("PO-8", status=403, lines=[LINE])["detail"] == "Only administrators may do this."
    assert dan.get("/PO-7")["number"] == "PO-7"
    assert eve.get("/PO-7", status=404)["detail"] == "There is no order PO-7."
    assert eve.get("")["items"] == []
    eve.put("PO-7", supplier="Another", lines=[])
    assert dan.get("/PO-7")["supplier"] == ""


def test_a_token_needs_its_scope(web: TestClient, office: Office) -> None:
    only_reads = {**token(office, "ada", "orders:read"), **JSON}
    assert web.get("/api/orders", headers=only_reads).status_code == 200
    assert web.put("/api/orders/PO-7", json={"lines": []}, headers=only_reads).status_code == 403
    assert web.get("/api/machines", headers=only_reads).status_code == 403


@pytest.mark.parametrize("sent", [{**LINE, "price": 84.5}, {**LINE, "price": "-1"}, {**LINE, "quantity": "1e3"}])
def test_numbers_are_decimal_strings_not_below_zero(ada: Program, sent: dict[str, Any]) -> None:
    ada.put("PO-7", status=422, lines=[sent])
    assert ada.get("")["items"] == []


def test_a_file_is_kept_whole_and_pages_of_the_list_follow_each_other(ada: Program) -> None:
    assert ada.load(b"\xef\xbb\xbf" + FILE.encode()) == {"kept": 2}
    assert [(each["line"], each["name"]) for each in ada.get("/PO-7")["lines"]] == [
        ("10", "Toner, black"),
        ("20", "Delivery"),
    ]
    assert ada.get("/PO-8")["lines"][0]["item"] == "000123456789012345"
    assert [each["number"] for each in ada.get("?q=하늘")["items"]] == ["po 8"]
    first = ada.get("?limit=1")
    then = ada.get(f"?limit=1&cursor={first['next_cursor']}")
    assert [each["number"] for each in (*first["items"], *then["items"])] == ["po 8", "PO-7"]
    assert then["next_cursor"] is None


def test_a_file_with_one_wrong_cell_changes_nothing(ada: Program) -> None:
    refused = ada.load(FILE.replace("12000", "12.000,00").encode(), status=422)
    assert refused["detail"] == "Line 4 has 11 cells, and the first line names 10 columns."
    refused = ada.load(FILE.replace("12000", "12e3").encode(), status=422)
    assert refused["detail"] == "Line 4, column price: “12e3” is not a number such as 12.5."
    assert ada.get("")["items"] == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("price\n", "cost\n"), "Line 1, column cost is not known."),
        ((",name,", ",item,"), "Line 1, column item is there twice."),
        (("line,", "unit,", "unit,price", "line2,price"), "Line 1, column line2 is not known."),
        (("2026-04-01", "01.04.2026"), "Line 2, column ordered_on: “01.04.2026” is not a date such as 2026-07-01."),
        (("EUR", "EURO"), "Line 2, column currency: “EURO” is not a currency"),
        (("PO-7,,", "PO-7,Südwerk,"), "Line 3, column supplier: the order PO-7 has another one in line 2."),
        ((",20,", ",10,"), "Line 3, column line: the line 10 of the order PO-7 is there twice."),
        ((",1,,15", ",-1,,15"), "Line 3, column quantity: the number is below zero."),
        (("po 8", "—"), "Line 4, column order: this is no number of an order."),
        (("po 8", ""), "Line 4, column order: nothing is there."),
        (("BOX", "B" * 21), "Line 4, column unit: the text is longer than 20 letters."),
        (('"Toner, black"', '"Toner\nblack"'), "Line 2, column name: there are letters in it that cannot be shown."),
    ],
)
def test_what_will_not_do_is_refused_by_line_and_column(change: tuple[str, ...], sentence: str) -> None:
    text = FILE
    for old, new in zip(change[::2], change[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(Refused) as refused:
        read_file(text)
    assert str(refused.value).startswith(sentence)
    assert refused.value.field == "file"


@pytest.mark.parametrize("data", ["", "order,line,quantity,price\n"])
def test_an_empty_file_says_so(data: str) -> None:
    with pytest.raises(Refused, match="no lines below"):
        read_file(data)


def test_a_file_of_another_encoding_names_the_line(ada: Program) -> None:
    refused = ada.load(FILE.encode("cp949"), status=422)
    assert refused["detail"] == "Line 4 is no text in UTF-8. Save the file as “CSV UTF-8”."


def test_semicolons_part_cells_where_the_first_line_has_more_of_them() -> None:
    [order] = read_file("order;line;quantity;price;name\nPO-7;10;2;1.5;a, b\n")
    assert order.lines == (OrderedLine("10", name="a, b", quantity=Decimal(2), price=Decimal("1.5")),)


cells = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=20).map(str.strip)
numbers = st.decimals(min_value=0, max_value=10**9, places=3, allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(cells.filter(bool), cells, numbers, numbers), min_size=1, unique_by=lambda each: each[0]))
def test_whatever_is_written_into_a_file_is_read_out_of_it(lines: list[tuple[str, str, Decimal, Decimal]]) -> None:
    import csv
    import io

    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("order", "line", "name", "quantity", "price"))
    writer.writerows(("PO-1", line, name, f"{quantity:f}", f"{price:f}") for line, name, quantity, price in lines)
    expected = tuple(
        OrderedLine(line, name=name, quantity=quantity, price=price) for line, name, quantity, price in lines
    )
    assert read_file(text.getvalue()) == [Ordered("PO-1", lines=expected)]


def test_the_command_line_keeps_a_file_or_says_why_not(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from api import cli

    file = tmp_path / "orders.csv"
    file.write_text(FILE, encoding="utf-8")
    monkeypatch.setattr(cli, "_runtime", lambda **_: office.runtime)
    cli.load_orders(file, by="ada@haneul.example")
    assert "Kept: 2 orders with 3 lines." in capsys.readouterr().out
    file.write_text(FILE + "PO-9,,,,1,,,,,x\n", encoding="utf-8")
    with pytest.raises(Refused, match="Line 5, column price"):
        cli.load_orders(file, by="ada@haneul.example")

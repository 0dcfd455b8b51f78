"""The designer of routes, without scripts: stages in forms and as text, both of the same tree; on either database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from fastapi.testclient import TestClient
from httpx2 import Response

from api.main import create_app
from tests.support.html import Element, faults, read
from tests.support.korean import english_left
from tests.support.office import PASSWORD, Office
from workflows.approvals.queries import current_routes, route_versions
from workflows.invoices.cost_centers import keep_cost_centers

ROUTE = """\
# The route of the house
name: house
document: contract
stages:
  # The manager first
  - name: manager
    approvers: {manager_of: submitter}
  # Legal reads the large ones
  - name: legal   # in Busan
    approvers:
      people:
        - ann@haneul.example  # the head
    quorum: any
  - name: checks
    parallel:
      - {name: security, approvers: {group: security}}
      - {name: privacy, approvers: {group: privacy}}
"""
EVERYTHING = (
    (Path(__file__).parents[2] / "docs" / "routes.md").read_text().partition("```yaml\n")[2].partition("```")[0]
)


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia", groups=["security"])
    office.person("dan", manager="mia", password=PASSWORD)
    office.person("ann", roles=["counsel"])
    office.person("bo", groups=["privacy"])
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.route(ROUTE)
    return office


@pytest.fixture
def web(office: Office) -> Iterator[TestClient]:
    with TestClient(create_app(runtime=office.runtime), headers={"Accept": "text/html"}) as client:
        yield client


class Designer:
    """Root's browser on one route: presses buttons of the form with all that stands in it."""

    def __init__(self, web: TestClient, address: str = "/routes/house", lang: str = "en") -> None:
        self.web, self.lang = web, lang
        entered = web.post(
            "/sign-in", data={"email": "root@haneul.example", "password": PASSWORD}, follow_redirects=False
        )
        self.cookie = entered.headers["set-cookie"].partition(";")[0]
        web.cookies.clear()
        self.address = address
        self.page = self.open(address)

    def open(self, address: str) -> Element:
        address += ("&" if "?" in address else "?") + f"lang={self.lang}"
        self.page = self._shown(self.web.get(address, headers={"Cookie": self.cookie}), 200)
        return self.page

    def press(self, do: str, status: int = 200, **typed: str | list[str]) -> Element:
        """``typed``: by the fields' names, with f_ for “f.” and _ for a point between."""
        offered = [each.attributes.get("value") for each in self.page.all("button", name="do")]
        assert do in offered, f"{do} is not among {offered}"
        form = self.page.one("form", id="designer")
        fields = filled(form) | {"do": do}
        for name, value in typed.items():
            field = "f." + name[2:].replace("__", ".") if name.startswith("f_") else name
            if not value:
                fields.pop(field, None)
            assert field in fields or field in names(form), f"{field} is not among {sorted(names(form))}"
            fields[field] = value
        answer = self.web.post(
            form.attributes["action"],
            params={"lang": self.lang},
            data=fields,
            headers={"Cookie": self.cookie},
            follow_redirects=False,
        )
        if answer.status_code == 303:
            return self.open(answer.headers["location"])
        self.page = self._shown(answer, status)
        return self.page

    def _shown(self, answer: Response, status: int) -> Element:
        self.web.cookies.clear()
        assert answer.status_code == status, answer.text[-3000:]
        assert not faults(answer.text)
        if self.lang == "ko":
            assert not english_left(answer.text)
        return read(answer.text)

    @property
    def text(self) -> str:
        source = self.page.one("textarea", id="source").children[0]
        assert isinstance(source, str)
        return source.removeprefix("\n")

    @property
    def stages(self) -> list[str]:
        return [each.text for each in self.page.one("div", id="stage-list").all("h3", "h4")][1:]


def filled(form: Element) -> dict[str, str | list[str]]:
    """What a browser sends of a form in which nobody typed."""
    made: dict[str, str | list[str]] = {}
    boxes: list[str] = []
    for each in form.all("input", "select", "textarea"):
        name = each.attributes.get("name")
        if not name:
            continue
        if each.tag == "select":
            chosen = [one for one in each.all("option") if "selected" in one.attributes] or each.all("option")[:1]
            made[name] = [one.attributes.get("value", one.text) for one in chosen][-1]
        elif each.tag == "textarea":
            made[name] = "".join(one for one in each.children if isinstance(one, str)).removeprefix("\n")
        elif each.attributes.get("type") == "checkbox":
            if "checked" in each.attributes:
                there = made.setdefault(name, [])
                assert isinstance(there, list)
                there.append(each.attributes["value"])
        elif name == "box":
            boxes.append(each.attributes["value"])
        else:
            made[name] = each.attributes.get("value", "")
    return made | {"box": boxes}


def names(form: Element) -> set[str]:
    return {each.attributes.get("name", "") for each in form.all("input", "select", "textarea")}


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_stage_is_changed_in_its_form_and_the_rest_of_the_text_stays(
    office: Office, web: TestClient, lang: str
) -> None:
    root = Designer(web, lang=lang)
    assert root.stages == ["1. manager", "2. legal", "3. checks", "3.1. security", "3.2. privacy"]
    root.press("edit:1")
    root.press(
        "apply",
        f_approvers__people="ann@haneul.example\r\nbo@haneul.example",
        f_quorum__approve="2",
        f_quorum__reject="1",
        f_when='contract.kind == "lease"',
    )
    assert root.text == ROUTE.replace(
        "        - ann@haneul.example  # the head\n    quorum: any\n",
        "        - ann@haneul.example  # the head\n        - bo@haneul.example\n    quorum: {approve: 2, reject: 1}\n",
    ).replace("    approvers:\n      people", '    when: contract.kind == "lease"\n    approvers:\n      people')
    root.press("check", 200)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_what_was_typed_into_a_form_is_taken_over_by_every_button(office: Office, web: TestClient, lang: str) -> None:
    root = Designer(web, lang=lang)
    root.press("edit:0")
    root.press("edit:2.0", f_name="boss")
    assert root.stages[0] == "1. boss"
    root.press("close", f_approvers__group="", f_approvers__role="guard")
    assert "{name: security, approvers: {role: guard}}" in root.text
    assert not root.page.all("input", name="drawn")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_stages_are_added_moved_and_removed(office: Office, web: TestClient, lang: str) -> None:
    root = Designer(web, lang=lang)
    root.press("down:0")
    assert root.stages[:2] == ["1. legal", "2. manager"]
    assert root.text.index("# Legal reads") < root.text.index("# The manager first")
    root.press("up:1")
    assert root.text == ROUTE
    root.press("add:signature")
    root.press("add:stage", f_name="sign-here")
    assert root.stages[-2:] == ["4. stage", "5. sign-here"]  # signatures come last
    root.press("branch:2", f_name="treasury", f_due="", f_approvers__role="controller")
    assert root.stages[-3:] == ["3.3. branch", "4. treasury", "5. sign-here"]
    root.press("up:2.2")
    assert root.stages[4:6] == ["3.2. branch", "3.3. privacy"]
    for place in ("2.1", "4", "0"):
        root.press(f"remove:{place}")
    assert root.stages == ["1. legal", "2. checks", "2.1. security", "2.2. privacy", "3. treasury"]
    root.press("add:group")
    assert root.stages[-3:] == ["4. group", "4.1. branch", "4.2. branch-2"]


def test_a_form_that_nobody_touched_changes_no_letter_of_any_route(office: Office, web: TestClient) -> None:
    root = Designer(web, "/routes/new")
    root.press("check", 422, source=EVERYTHING)
    places = [each.attributes["value"] for each in root.page.all("button", name="do")]
    opened = [each for each in places if each.startswith("edit:")]
    assert len(opened) == 8
    for place in opened:
        root.press(place)
        root.press("apply")
        assert root.text == EVERYTHING


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_field_of_a_stage_reaches_the_text(office: Office, web: TestClient, lang: str) -> None:
    root = Designer(web, lang=lang)
    root.press("edit:1")
    root.press(
        "apply",
        f_approvers__people="",
        f_approvers__authority_in="role",
        f_approvers__authority="counsel",
        f_fallback__role="administrator",
        f_quorum__approve="60%",
        f_quorum__veto="ann@haneul.example, bo@haneul.example",
        f_repeated="skip",
        f_due="2 business days",
        f_remind="1 business day before\nevery 2 business days",
        f_escalate__after="due",
        f_escalate__mode="replace",
        f_to__manager_of="assignee",
        f_on_expiry="escalate",
        f_extend="5 business days",
        f_send_back_to=["submitter", "manager"],
    )
    stage = root.text[root.text.index("  - name: legal") : root.text.index("  - name: checks")]
    assert (
        stage
        == """\
  - name: legal   # in Busan
    approvers:
      authority: {role: counsel}
    fallback: {role: administrator}
    quorum: {approve: 60%, veto: [ann@haneul.example, bo@haneul.example]}
    repeated: skip
    due: 2 business days
    remind: [1 business day before, every 2 business days]
    escalate: {after: due, to: {manager_of: assignee}, mode: replace}
    on_expiry: escalate
    extend: 5 business days
    send_back_to: [submitter, manager]
"""
    )


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_field_of_the_route_reaches_the_text(office: Office, web: TestClient, lang: str) -> None:
    root = Designer(web, lang=lang)
    root.press("edit:route")
    root.press(
        "apply",
        f_priority="20",
        f_currency="EUR",
        f_calendar__country="KR",
        f_calendar__timezone="Asia/Seoul",
        f_calendar__hours="09:00-18:00",
        f_exclude=["submitter"],
        f_distinct=["true"],
        f_on_change="reopen_from legal",
        f_code_above="10,000",
        f_bands__0__to="1000",
        f_bands__0__stages="manager",
    )
    root.press("apply", f_bands__1__from="1000", f_bands__1__stages="manager, legal")
    assert (
        root.text.partition("stages:\n  #")[0]
        == """\
# The route of the house
name: house
document: contract
priority: 20
currency: EUR
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
separation: {exclude: [submitter], distinct_across_stages: true}
on_change: {reopen_from: legal}
links: {one_time_code: {above: "10000"}}
bands:
  - {to: "1000", stages: [manager]}
  - {from: "1000", stages: [manager, legal]}
"""
    )
    root.press("apply", f_exclude=[], f_distinct=[], f_currency="")
    assert "separation" not in root.text
    assert "currency" not in root.text


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_condition_is_put_together(office: Office, web: TestClient, lang: str) -> None:
    root = Designer(web, lang=lang)
    root.press("edit:1")
    root.press("condition", fact="contract.kind", operator="in", value="lease, service")
    assert '    when: contract.kind in ["lease", "service"]\n' in root.text
    root.press("condition", join="||", own="department", operator="==", value="sales")
    root.press("condition", join="&&", fact="amount", operator=">=", value="50,000")
    when = 'contract.kind in ["lease", "service"] || has(contract.department) && contract.department == "sales"'
    assert f"    when: ({when}) && amount >= 50000\n" in root.text
    before = root.text
    page = root.press("condition", 422, fact="amount", operator="contains", value="5")
    assert root.text == before
    assert page.all("div", role="alert")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_people_are_found_and_added(office: Office, web: TestClient, lang: str) -> None:
    root = Designer(web, lang=lang)
    root.press("edit:1")
    page = root.press("search", q="privacy")
    offered = [
        each.attributes["value"] for each in page.all("button", name="do") if "person:" in each.attributes["value"]
    ]
    assert offered == ["person:bo@haneul.example"]
    root.press("person:bo@haneul.example", into="fallback")
    assert "    fallback: {people: [bo@haneul.example]}\n" in root.text
    assert root.page.all("button", value="search"), "the form stays open"
    root.press("search", q="zeppelin")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_text_that_cannot_be_read_has_no_forms_and_loses_nothing(office: Office, web: TestClient, lang: str) -> None:
    root = Designer(web, lang=lang)
    broken = ROUTE + "  - name: [\n"
    page = root.press("check", 422, source=broken)
    assert root.text == broken
    assert not [each for each in page.all("button", name="do") if each.attributes["value"].startswith("edit")]
    assert page.one("ol", **{"class": "findings"}).all("a")[0].attributes["data-line"] == "19"
    root.press("check", source=ROUTE)
    assert len(root.stages) == 5


def test_a_form_whose_stage_left_the_text_says_so(office: Office, web: TestClient) -> None:
    root = Designer(web)
    root.press("edit:1")
    page = root.press("apply", 422, f_due="1 day", source=ROUTE.replace("name: legal", "name: lawyers"))
    assert "The stage “legal” is no longer in the text." in page.one("div", role="alert").text
    root.press("edit:0")
    root.press("apply", f_name="boss", source="# more\n" + ROUTE)
    assert root.text.startswith("# more\n")
    assert "name: boss" in root.text


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_what_differs_is_shown_before_anything_is_published(office: Office, web: TestClient, lang: str) -> None:
    office.contract()
    root = Designer(web, lang=lang)
    root.press("edit:1")
    root.press("add:stage", f_when="contract.notice_days > 30")
    root.press("remove:0")
    page = root.press("difference")
    with office.reading() as session:
        assert [each.version for each in current_routes(session)] == [1]
    words = [each.text for each in page.one("ul", **{"class": "stack tight changes"}).all("li")]
    assert len(words) == 3
    if lang == "en":
        assert words == [
            "The stage “stage” is new.",
            "The stage “manager” is gone.",
            "The stage “legal” differs: condition.",
        ]
        assert "One document under way keeps the version it began with" in page.text
    changed = page.one("table", **{"class": "lines"})
    assert "when: contract.notice_days > 30" in " ".join(each.text for each in changed.all("ins"))
    assert "manager_of: submitter" in " ".join(each.text for each in changed.all("del"))

    text = root.text
    page = root.press("publish", source=text.replace("> 30", "> 60"))  # another text than the one that was shown
    with office.reading() as session:
        assert [each.version for each in current_routes(session)] == [1]
    root.press("publish")
    with office.reading() as session:
        [published] = current_routes(session)
    assert (published.version, published.source) == (2, text.replace("> 30", "> 60"))


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_versions_are_compared_and_restored(office: Office, web: TestClient, lang: str) -> None:
    office.route(ROUTE.replace("quorum: any", "quorum: all"))
    root = Designer(web, lang=lang)
    page = root.open("/routes/house/compare")
    assert "quorum: all" in " ".join(each.text for each in page.all("ins"))
    assert not page.all("form", method="post", action="/routes/house/restore")
    page = root.open("/routes/house/compare?from=2&to=1")
    form = page.one("form", method="post", action="/routes/house/restore")
    answer = web.post(
        "/routes/house/restore", data=filled(form), headers={"Cookie": root.cookie}, follow_redirects=False
    )
    assert answer.status_code == 303
    web.cookies.clear()
    with office.reading() as session:
        assert [(each.version, each.source == ROUTE) for each in route_versions(session, "house")] == [
            (3, True),
            (2, False),
            (1, True),
        ]
    root.open("/routes/house/compare?from=3&to=1")
    assert web.get("/routes/house/compare?to=9", headers={"Cookie": root.cookie}).status_code == 404


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_document_under_way_is_moved_after_seeing_what_that_does(office: Office, web: TestClient, lang: str) -> None:
    contract = office.contract(title="Forklifts")
    office.decide("mia")
    office.route(ROUTE.replace("ann@", "bo@"))
    root = Designer(web, lang=lang)
    page = root.open("/routes/house/rounds")
    [move] = [each for each in page.all("a") if each.attributes["href"].startswith("/rounds/")]
    assert "Forklifts" in page.one("tbody").text
    page = root.open(move.attributes["href"].replace("&amp;", "&"))
    assert office.open_tasks() == ["ann"]
    assert "legal" in page.one("table", **{"class": "ledger fates"}).text
    form = page.one("form", **{"class": "sheet stack"})
    answer = web.post(
        form.attributes["action"], data=filled(form), headers={"Cookie": root.cookie}, follow_redirects=False
    )
    assert answer.headers["location"] == "/routes/house/rounds?done=moved"
    web.cookies.clear()
    assert office.open_tasks(contract) == ["bo"]
    page = root.open("/routes/house/rounds?done=moved")
    assert not [each for each in page.all("a") if each.attributes["href"].startswith("/rounds/")]
    page = root.open(f"/contracts/{contract.id}/history")
    assert ("version 2 of its route" if lang == "en" else "결재선 1번 버전 대신 2번 버전") in page.one("main").text


def test_the_script_is_told_what_the_page_would_show(office: Office, web: TestClient) -> None:
    root = Designer(web)
    root.press("edit:1")
    form = root.page.one("form", id="designer")
    sent = filled(form) | {"f.due": "tomorrow"}
    answer = web.post(form.attributes["data-check"], data=sent, headers={"Cookie": root.cookie})
    told = answer.json()
    assert "    due: tomorrow\n" in told["source"]
    [line] = told["lines"]
    assert told["source"].splitlines()[line - 1] == "    due: tomorrow"
    assert "“tomorrow” is not a time" in told["findings"]
    assert '"due": "tomorrow"' in read(told["stages"]).one("input", name="drawn").attributes["value"]
    assert (
        web.post(
            form.attributes["data-check"], data=sent | {"csrf_token": "x"}, headers={"Cookie": root.cookie}
        ).status_code
        == 403
    )


@pytest.mark.parametrize(
    "address",
    ["/routes/house/compare", "/routes/house/rounds", "/rounds/00000000-0000-7000-8000-000000000000/move?version=1"],
)
def test_nobody_else_sees_versions_and_documents_under_way(office: Office, web: TestClient, address: str) -> None:
    entered = web.post("/sign-in", data={"email": "dan@haneul.example", "password": PASSWORD}, follow_redirects=False)
    cookie = entered.headers["set-cookie"].partition(";")[0]
    web.cookies.clear()
    assert web.get(address, headers={"Cookie": cookie}).status_code == 403
    assert re.search(
        "no-store|private", web.get(address, headers={"Cookie": cookie}).headers.get("cache-control", "no-store")
    )


PAYABLE = """\
name: payable
document: invoice
currency: EUR
bands:
  - {to: "1000", stages: []}
  - {from: "1000", stages: [owner]}
stages:
  - {name: owner, approvers: {field: cost_center.owner}}
  - {name: exception, approvers: {group: security}}
  - {name: procurement, approvers: {group: privacy}}
"""


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_how_invoices_are_held_against_orders_reaches_the_text(office: Office, web: TestClient, lang: str) -> None:
    office.route(PAYABLE.replace("bands", "match: {on_failure: {insert: exception}}\nbands"))
    root = Designer(web, "/routes/payable", lang=lang)
    root.press("edit:route")
    root.press(
        "apply",
        f_match__price__percent="2",
        f_match__price__amount="1,050.00",
        f_match__quantity__amount="3",
        f_match__on_failure__before="first",
        f_match__without_order__insert="procurement",
    )
    assert yaml.safe_load(root.text)["match"] == {
        "price": {"percent": "2", "amount": "1050.00"},
        "quantity": {"amount": "3"},
        "on_failure": {"insert": "exception", "before": "first"},
        "without_order": {"insert": "procurement"},
    }
    root.press("difference")
    root.press("publish")
    assert root.text.count("match") == 1
    root.press("edit:route")
    root.press("apply", f_match__price__percent="", f_match__price__amount="", f_match__quantity__amount="")
    root.press("apply", f_match__on_failure__insert="", f_match__on_failure__before="")
    root.press("apply", f_match__without_order__insert="")
    assert root.text == PAYABLE


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_conditions_of_a_route_for_invoices_ask_about_invoices(office: Office, web: TestClient, lang: str) -> None:
    office.route(PAYABLE)
    root = Designer(web, "/routes/payable", lang=lang)
    root.press("edit:0")
    root.press("condition", fact="invoice.cost_center", operator="==", value="4711")
    root.press("condition", own="plant", operator="==", value="Busan")
    when = 'invoice.cost_center == "4711" && has(invoice.plant) && invoice.plant == "Busan"'
    assert when in root.text
    root.press("check")


def test_a_route_for_contracts_becomes_one_for_invoices_in_its_form(office: Office, web: TestClient) -> None:
    root = Designer(web)
    root.press("edit:route")
    assert "f.match.price.percent" not in names(root.page.one("form", id="designer"))
    root.press("apply", f_document="invoice")
    assert "document: invoice\n" in root.text
    assert "f.match.price.percent" in names(root.page.one("form", id="designer"))


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    ("outcome", "amount", "asked"),
    [
        ("failed", "100", ["exception: Mia"]),
        ("without_order", "2000", ["owner: Ann", "procurement: Bo"]),
        ("matched", "2000", ["owner: Ann"]),
        ("", "2000", ["owner: Ann"]),
    ],
)
def test_an_invoice_is_tried_out_by_how_it_was_held_against_orders(
    office: Office, web: TestClient, lang: str, outcome: str, amount: str, asked: list[str]
) -> None:
    inserts = "match: {on_failure: {insert: exception, before: first}, without_order: {insert: procurement}}\nbands"
    office.route(PAYABLE.replace("bands", inserts))
    with office.transaction() as session:
        kept = {"4711": ("Yard", "ann@haneul.example")}
        keep_cost_centers(session, kept, by=office.actor("root"), now=office.now)
    root = Designer(web, "/routes/payable", lang=lang)
    page = root.press(
        "try",
        submitter="dan@haneul.example",
        amount=amount,
        currency="EUR",
        match=outcome,
        cost_center="4711",
        kind="credit note",
    )
    rows = [row.all("td") for row in page.one("section", aria_labelledby="dry").one("tbody").all("tr")]
    told = [(row[0].one("strong").text, row[1].text) for row in rows]
    for each in asked:
        stage, _, person = each.partition(": ")
        assert [people for name, people in told if name.lower() == stage and people.startswith(person)], told
    kept_as_typed = filled(page.one("form", id="designer"))
    assert (kept_as_typed["match"], kept_as_typed["kind"]) == (outcome, "credit note")

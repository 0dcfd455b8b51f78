"""The API as programs use it: over HTTP, on either database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from tests.support.office import PASSWORD, Office, link_in
from tests.support.pdfs import plain_pdf, with_javascript, with_user_password
from tests.support.web import HTML, token

ROUTE = """\
name: two-stages
document: contract
priority: 10
separation: {exclude: [submitter]}
stages:
  - name: manager
    approvers: {manager_of: submitter}
    fallback: {role: administrator}
  - name: legal
    approvers: {group: legal}
    quorum: {approve: 2, reject: 2}
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia")
    for name in ("ann", "bo", "cy"):
        office.person(name, groups=["legal"])
    office.person("root", roles=["administrator"])
    office.person("eve", organisation="Elsewhere", roles=["administrator"])
    office.route(ROUTE)
    return office


@pytest.fixture
def web(office: Office) -> Iterator[TestClient]:
    with TestClient(create_app(runtime=office.runtime), follow_redirects=False) as client:
        yield client


def hand_in(web: TestClient, headers: dict[str, str], *, pdf: bytes | None = None, **words: str) -> Any:
    data = {"title": "Forklift fleet lease", "kind": "lease", **words}
    return web.post(
        "/api/contracts",
        data=data,
        files={"file": ("lease.pdf", pdf or plain_pdf(), "application/pdf")},
        headers=headers,
    )


def test_a_contract_is_created_and_on_its_way(office: Office, web: TestClient) -> None:
    answer = hand_in(
        web, token(office, "dan"), amount="84600.00", currency="EUR", ends_on="2029-06-30", notice_days="90"
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["number"].startswith("C-20")
    assert made["state"] == "in_review"
    assert made["cancel_by"] == "2029-04-01"
    assert [turn["people"][0]["name"] for turn in made["turns"]] == ["Mia"]
    assert made["next"] == ["legal", "seal"]
    assert web.get(made["links"]["self"], headers=token(office, "dan")).json()["number"] == made["number"]


def test_the_same_request_sent_three_times_makes_one_contract(office: Office, web: TestClient) -> None:
    headers = {**token(office, "dan"), "Idempotency-Key": "order-4711"}
    answers = [hand_in(web, headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert len(web.get("/api/contracts", headers=token(office, "dan")).json()["items"]) == 1
    other = hand_in(web, headers, title="Another")
    assert other.status_code == 422
    assert "another request" in other.json()["detail"]


def test_the_same_request_sent_at_once_makes_one_contract(office: Office, web: TestClient) -> None:
    headers = {**token(office, "dan"), "Idempotency-Key": "order-4712"}
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: hand_in(web, headers), range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"title": "  "}, "title"),
        ({"amount": "12,50", "currency": "EUR"}, "amount"),
        ({"amount": "12.505", "currency": "EUR"}, "amount"),
        ({"amount": "12.5", "currency": "KRW"}, "amount"),
        ({"amount": "12"}, "currency"),
        ({"starts_on": "2027-01-01", "ends_on": "2026-01-01"}, "ends_on"),
        ({"notice_days": "90"}, "ends_on"),
        ({"ends_on": "31.12.2027"}, "ends_on"),
        ({"signers": "[{}]"}, "signers"),
        ({"signers": "nonsense"}, "signers"),
        ({"route": "no-such-route"}, "route"),
    ],
)
def test_bad_input_is_a_sentence_at_its_field_and_changes_nothing(
    office: Office, web: TestClient, words: dict[str, str], field: str
) -> None:
    answer = hand_in(web, token(office, "dan"), pdf=None, **words)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field
    assert len(answer.json()["detail"]) > 15
    assert web.get("/api/contracts", headers=token(office, "dan")).json()["items"] == []


def test_refusals_are_said_in_the_readers_language(office: Office, web: TestClient) -> None:
    answer = hand_in(web, {**token(office, "dan"), "Accept-Language": "ko"}, title=" ")
    assert answer.json()["detail"] == "계약에는 제목이 필요합니다."


def test_a_pdf_that_asks_for_a_password_is_refused_with_that_sentence(office: Office, web: TestClient) -> None:
    answer = hand_in(web, token(office, "dan"), pdf=with_user_password("sesame"))
    assert answer.status_code == 422
    assert "password" in answer.json()["detail"]
    assert hand_in(web, token(office, "dan"), pdf=with_user_password("sesame"), password="sesame").status_code == 201


def test_what_acts_by_itself_is_taken_out_and_named(office: Office, web: TestClient) -> None:
    made = hand_in(web, token(office, "dan"), pdf=with_javascript()).json()
    assert "scripts" in made["versions"][0]["stripped"]
    headers = token(office, "dan")
    original = web.get(f"{made['links']['file']}", headers=headers)
    assert original.content == with_javascript(), "as it was handed in"
    readable = web.get(f"{made['links']['file']}?as=readable", headers=headers)
    assert b"JavaScript" not in readable.content


def test_uploads_are_never_served_as_something_to_run(office: Office, web: TestClient) -> None:
    made = hand_in(web, token(office, "dan")).json()
    answer = web.get(made["links"]["file"], headers=token(office, "dan"))
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_nobody_is_let_in_without_a_token_and_nobody_beyond_its_scope(office: Office, web: TestClient) -> None:
    assert web.get("/api/contracts").status_code == 401
    assert web.get("/api/contracts", headers={"Authorization": "Bearer so_wrong"}).status_code == 401
    reads = token(office, "dan", "contracts:read")
    assert hand_in(web, reads).status_code == 403
    assert web.get("/api/contracts", headers=reads).status_code == 200


def test_a_contract_of_another_organisation_is_not_there(office: Office, web: TestClient) -> None:
    made = hand_in(web, token(office, "dan")).json()
    for path in ("", "/events", "/versions/1/file", "/events/stream"):
        assert web.get(made["links"]["self"] + path, headers=token(office, "eve")).status_code == 404
    assert web.post(made["links"]["self"] + "/withdrawal", headers=token(office, "eve")).status_code == 404
    assert web.get("/api/contracts", headers=token(office, "eve")).json()["items"] == []
    assert web.get("/api/contracts?q=forklift", headers=token(office, "eve")).json()["items"] == []
    assert len(web.get("/api/contracts?q=forklift", headers=token(office, "root")).json()["items"]) == 1


def test_lists_come_in_pages_and_searches_find_fields_and_text(office: Office, web: TestClient) -> None:
    headers = token(office, "dan")
    for n in range(5):
        hand_in(web, headers, title=f"Lease {n}", counterparty="Nordwerk", pdf=plain_pdf(f"clause number {n}"))
    first = web.get("/api/contracts?limit=3", headers=headers).json()
    rest = web.get(f"/api/contracts?limit=3&cursor={first['next_cursor']}", headers=headers).json()
    assert [each["title"] for each in first["items"] + rest["items"]] == [f"Lease {n}" for n in (4, 3, 2, 1, 0)]
    assert rest["next_cursor"] is None
    assert len(web.get("/api/contracts?q=clause", headers=headers).json()["items"]) == 5, "in the text"
    number = first["items"][0]["number"]
    assert web.get(f"/api/contracts?q={number}", headers=headers).json()["items"][0]["number"] == number
    assert web.get("/api/contracts?state=needs_me", headers=token(office, "mia")).json()["items"] != []
    assert web.get("/api/contracts?state=waiting&party=nord", headers=headers).json()["items"] != []
    assert web.get("/api/contracts?state=nonsense", headers=headers).status_code == 422


def test_a_program_decides_for_its_person_and_reads_the_history(office: Office, web: TestClient) -> None:
    made = hand_in(web, token(office, "dan")).json()
    mine = token(office, "mia")
    [task] = web.get("/api/tasks", headers=mine).json()["items"]
    body = {"verdict": "approve", "version_sha256": task["version_sha256"]}
    assert (
        web.post(task["links"]["decision"], json={**body, "version_sha256": "0" * 64}, headers=mine).status_code == 409
    )
    assert web.post(task["links"]["decision"], json=body, headers=token(office, "eve")).status_code == 404
    first = web.post(task["links"]["decision"], json=body, headers=mine)
    again = web.post(task["links"]["decision"], json=body, headers=mine)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == {**first.json(), "again": True}
    assert web.get("/api/tasks", headers=mine).json()["items"] == []
    actions = [
        each["action"] for each in web.get(made["links"]["events"], headers=token(office, "dan")).json()["items"]
    ]
    assert actions == ["handed_in", "asked", "approved", "asked"]


def test_a_scanner_that_opens_a_link_changes_nothing(office: Office, web: TestClient) -> None:
    hand_in(web, token(office, "dan"))
    [mail] = office.deliver()
    link = link_in(mail)
    before = office.queued()
    for method in ("GET", "HEAD", "GET"):
        answer = web.request(method, link, headers=HTML)
        assert answer.status_code == 200
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "noindex" in answer.headers["x-robots-tag"]
    assert office.open_tasks() == ["mia"]
    assert len(office.queued()) == len(before)
    made = web.get("/api/contracts", headers=token(office, "dan")).json()["items"][0]
    actions = [
        each["action"] for each in web.get(made["links"]["events"], headers=token(office, "dan")).json()["items"]
    ]
    assert actions == ["handed_in", "asked"], "nothing says viewed"


def by_link(web: TestClient, link: str, **form: str) -> Any:
    sha256 = web.get(link, headers={"Accept": "application/json"}).json()["version_sha256"]
    return web.post(f"{link}/decision", data={"version_sha256": sha256, **form}, headers=HTML)


def test_a_link_decides_once_and_then_says_what_became_of_it(office: Office, web: TestClient) -> None:
    hand_in(web, token(office, "dan"))
    [mail] = office.deliver()
    link = link_in(mail)
    assert by_link(web, link, verdict="approve").status_code == 303
    assert office.open_tasks() == ["ann", "bo", "cy"]
    assert by_link(web, link, verdict="approve").status_code == 303, "a click sent twice"
    other = by_link(web, link, verdict="reject", comment="no")
    assert other.status_code == 409
    assert "already approved" in other.text
    page = web.get(link, headers=HTML)
    assert "You have approved this contract" in page.text
    assert web.get(f"{link}/file").status_code == 410, "the document is no longer shown"
    history = [each for each in office.queued() if each.kind == "task"]
    assert len(history) == 4, "mia, then ann, bo and cy: once each"


def test_a_refused_decision_says_so_on_the_page_and_keeps_what_was_typed(office: Office, web: TestClient) -> None:
    hand_in(web, token(office, "dan"))
    [mail] = office.deliver()
    answer = by_link(web, link_in(mail), verdict="send_back", comment="  ")
    assert answer.status_code == 422
    assert "Nothing has been recorded" in answer.text
    assert office.open_tasks() == ["mia"]


def test_a_stale_page_is_shown_the_new_version_and_records_nothing(office: Office, web: TestClient) -> None:
    made = hand_in(web, token(office, "dan")).json()
    [mail] = office.deliver()
    link = link_in(mail)
    old = web.get(link, headers={"Accept": "application/json"}).json()["version_sha256"]
    answer = web.post(
        f"{made['links']['versions']}",
        data={"note": "Eight trucks"},
        files={"file": ("v2.pdf", plain_pdf("eight trucks"), "application/pdf")},
        headers=token(office, "dan"),
    )
    assert answer.status_code == 201
    stale = web.post(f"{link}/decision", data={"verdict": "approve", "version_sha256": old}, headers=HTML)
    assert stale.status_code == 409
    assert office.open_tasks() == ["mia"]
    fresh = [each for each in office.deliver() if "mia@" in str(each["To"])]
    assert by_link(web, link_in(fresh[-1]), verdict="approve").status_code == 303


def test_an_unknown_link_is_not_there_and_too_many_of_them_are_refused(office: Office, web: TestClient) -> None:
    from api.pages.links import unknown_links

    unknown_links._tries.clear()
    answers = [web.get(f"/t/{'x' * 43}").status_code for _ in range(70)]
    assert answers[0] == 404
    assert answers[-1] == 429
    unknown_links._tries.clear()


def test_routes_are_published_checked_and_tried_out(office: Office, web: TestClient) -> None:
    root = token(office, "root")
    wrong = web.put(
        "/api/routes/new-one", content="name: new-one\ndocument: contract\nstages: []\nnonsense: 1\n", headers=root
    )
    assert wrong.status_code == 422
    assert {finding["line"] for finding in wrong.json()["findings"]} & {3, 4}
    assert (
        web.put(
            "/api/routes/new-one", content=ROUTE.replace("two-stages", "new-one"), headers=token(office, "dan")
        ).status_code
        == 403
    )
    made = web.put("/api/routes/new-one", content=ROUTE.replace("two-stages", "new-one"), headers=root)
    assert (made.status_code, made.json()["version"]) == (200, 1)
    again = web.put("/api/routes/new-one", content=ROUTE.replace("two-stages", "new-one"), headers=root)
    assert again.json()["version"] == 1, "the same text is no new version"
    unknown = ROUTE.replace("two-stages", "new-one").replace("document: contract", "document: letter")
    refused = web.put("/api/routes/new-one", content=unknown, headers=root)
    assert refused.status_code == 422
    assert "letter" in json.dumps(refused.json()["findings"])
    tried = web.post(
        "/api/routes/new-one/dry-run",
        json={"submitter": "dan@haneul.example", "contract": {"kind": "lease"}},
        headers=root,
    )
    assert tried.status_code == 200, tried.text
    stages = tried.json()["stages"]
    assert [stage["people"] for stage in stages[:2]] == [["Mia"], ["Ann", "Bo", "Cy"]]
    assert (stages[1]["approve"], stages[1]["reject"]) == (2, 2)


def test_signing_over_the_link_to_a_sealed_file(office: Office, web: TestClient) -> None:
    headers = token(office, "dan")
    signers = [{"name": "Šárka Černá", "email": "sarka@nordwerk.example"}]
    made = hand_in(web, headers, signers=json.dumps(signers)).json()
    for name in ("mia", "ann", "bo"):
        office.decide(name)
    with office.reading() as session:
        from workflows.contracts.model import Contract

        contract = session.get_one(Contract, __import__("uuid").UUID(made["id"]))
    assert office.carry_on(contract)[-1] == "Waiting(whom='Šárka Černá')"
    [mail] = [each for each in office.deliver() if "sarka@" in str(each["To"])]
    link = link_in(mail)
    shown = web.get(link, headers={**HTML, "Accept-Language": "en"})
    assert "Everyone on the route has approved" in shown.text
    sha256 = web.get(link, headers={"Accept": "application/json"}).json()["version_sha256"]
    without = web.post(f"{link}/signature", data={"name": "Šárka Černá", "version_sha256": sha256}, headers=HTML)
    assert without.status_code == 422
    assert "agree" in without.text
    signed = web.post(
        f"{link}/signature", data={"name": "Šárka Černá", "consent": "yes", "version_sha256": sha256}, headers=HTML
    )
    assert signed.status_code == 303
    office.carry_on(contract)
    after = web.get(made["links"]["self"], headers=headers).json()
    assert after["state"] == "in_force"
    sealed = web.get(f"{made['links']['file']}?as=sealed", headers=headers)
    report = web.post("/api/verifications", files={"file": ("sealed.pdf", sealed.content)}, headers=headers).json()
    assert report["verdict"] == "sealed"
    assert [each["signer"] for each in report["signatures"]][1] == "Šárka Černá"
    flipped = bytearray(sealed.content)
    flipped[len(flipped) // 3] ^= 1
    changed = web.post("/api/verifications", files={"file": ("x.pdf", bytes(flipped))}, headers=headers).json()
    assert changed["verdict"] != "sealed"
    [told] = [each for each in office.deliver() if "sarka@" in str(each["To"])]
    reading = link_in(told)
    assert web.get(f"{reading}/file").content == sealed.content, (
        "who signs without an account gets the sealed file by link"
    )


def test_health_and_readiness(office: Office, web: TestClient) -> None:
    assert web.get("/health").json() == {"status": "alive"}
    assert web.get("/ready").json() == {"status": "ready", "database": "ok", "migrations": "ok", "documents": "ok"}


def test_the_description_is_complete(office: Office, web: TestClient) -> None:
    paths = web.get("/api/openapi.json").json()["paths"]
    for path, methods in {
        "/api/contracts": {"get", "post"},
        "/api/contracts/{contract_id}": {"get"},
        "/api/contracts/{contract_id}/events": {"get"},
        "/api/contracts/{contract_id}/events/stream": {"get"},
        "/api/contracts/{contract_id}/versions": {"post"},
        "/api/contracts/{contract_id}/versions/{number}/file": {"get"},
        "/api/contracts/{contract_id}/withdrawal": {"post"},
        "/api/tasks": {"get"},
        "/api/tasks/{task_id}": {"get"},
        "/api/tasks/{task_id}/decision": {"post"},
        "/t/{token}": {"get"},
        "/t/{token}/decision": {"post"},
        "/t/{token}/signature": {"post"},
        "/api/routes/{name}": {"put"},
        "/api/routes/{name}/dry-run": {"post"},
        "/api/verifications": {"post"},
    }.items():
        assert methods <= set(paths[path]), path


def test_signing_in_is_limited_and_needs_the_right_password(office: Office, web: TestClient) -> None:
    wrong = {"email": "mia@haneul.example", "password": "not this one"}
    answers = [web.post("/sign-in", data=wrong, headers=HTML).status_code for _ in range(7)]
    assert answers == [422] * 5 + [429] * 2
    right = web.post("/sign-in", data={**wrong, "password": PASSWORD}, headers=HTML)
    assert right.status_code == 429, "also the right one has to wait"


def test_signed_in_people_see_their_inbox_and_forms_of_other_sites_are_refused(office: Office, web: TestClient) -> None:
    hand_in(web, token(office, "dan"))
    entered = web.post("/sign-in", data={"email": "Mia@Haneul.example", "password": PASSWORD}, headers=HTML)
    assert entered.status_code == 303
    assert "HttpOnly" in entered.headers["set-cookie"]
    assert "Forklift fleet lease" in web.get("/", headers=HTML).text
    assert web.post("/sign-out", data={"csrf_token": "wrong"}, headers=HTML).status_code == 403
    assert web.post("/sign-in", headers={**HTML, "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert web.post("/api/contracts", headers={}).status_code == 401, "a cookie alone changes nothing over the API"

"""Files of strangers on the page and in the API: whatever they hold, there is an answer, and the next one is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from documents import sandbox
from tests.support import pdfs
from tests.support.office import QUICK_ROUTE, Office, open_office
from tests.support.web import Browser, token
from workflows.errors import NotReady
from workflows.signatures import verification

TOO_LONG = "This file was not checked: that takes longer than 1 seconds."


@pytest.fixture
def office(sqlite_url: str, tmp_path: Path) -> Iterator[Office]:
    office = open_office(sqlite_url, tmp_path, intake_seconds=1)
    office.person("mia")
    office.person("dan", manager="mia")
    office.route(QUICK_ROUTE)
    yield office
    office.runtime.engine.dispose()


@pytest.fixture
def web(office: Office) -> Iterator[TestClient]:
    with TestClient(create_app(runtime=office.runtime), follow_redirects=False) as client:
        yield client


def test_a_file_that_would_keep_the_page_busy_for_hours_is_answered(office: Office, web: TestClient) -> None:
    stranger = Browser(web)
    stranger.open("/verify")
    page = stranger.send("/verify", file=("slow.pdf", pdfs.endless_cross_references(), "application/pdf"))
    assert page.one("h1").text == TOO_LONG
    page = stranger.send("/verify", file=("lease.pdf", pdfs.plain_pdf(), "application/pdf"))
    assert page.one("h1").text == "This file is not signed."


def test_the_api_answers_with_a_report_as_well(office: Office, web: TestClient) -> None:
    files = {"file": ("slow.pdf", pdfs.endless_cross_references(), "application/pdf")}
    answer = web.post("/api/verifications", files=files, headers=token(office, "dan", "verify"))
    assert answer.status_code == 201
    report = answer.json()
    assert (report["verdict"], report["sentence"], report["signatures"]) == ("unreadable", TOO_LONG, [])


def test_page_and_api_say_when_too_many_ask(office: Office, web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    places = sandbox.Places(1)
    monkeypatch.setattr(verification, "_places", places)
    stranger, file = Browser(web), ("lease.pdf", pdfs.plain_pdf(), "application/pdf")
    stranger.open("/verify")
    with places.one(0):
        page = stranger.send("/verify", NotReady.status, file=file)
        answer = web.post("/api/verifications", files={"file": file}, headers=token(office, "dan", "verify"))
    assert "Too many files are being verified at the moment" in page.text
    assert answer.status_code == 503

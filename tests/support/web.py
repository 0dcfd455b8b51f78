"""The portal as people's browsers and as programs use it, without a network between."""

from __future__ import annotations

from fastapi.testclient import TestClient
from httpx2 import Response

from tests.support.html import Element, faults, read
from tests.support.office import PASSWORD, Office
from workflows.parties.operations import make_token
from workflows.parties.rules import Scope

HTML = {"Accept": "text/html"}


class Browser:
    """Somebody's browser: follows redirects, and sends forms with what stands in them."""

    def __init__(self, web: TestClient, name: str = "") -> None:
        self.web, self.cookie, self.page = web, "", read("")
        if name:
            self.web.cookies.clear()
            form = {"email": f"{name}@haneul.example", "password": PASSWORD}
            answer = web.post("/sign-in", data=form)
            assert answer.status_code == 303, answer.text
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
            web.cookies.clear()

    def open(self, address: str, status: int = 200) -> Element:
        return self._shown(self.web.get(address, headers=self._headers()), status)

    def send(
        self, action: str, status: int = 200, file: tuple[str, bytes, str] | None = None, **typed: object
    ) -> Element:
        """Send the form that goes to ``action`` from the page that is open."""
        form = self.page.one("form", method="post", action=action)
        fields = {
            each.attributes["name"]: each.attributes.get("value", "")
            for each in form.all("input")
            if "name" in each.attributes and each.attributes.get("type") not in ("file", "checkbox")
        }
        answer = self.web.post(
            action,
            data={**fields, **typed},
            files={"file": file} if file else None,
            headers=self._headers(),
        )
        return self._shown(answer, status)

    def _shown(self, answer: Response, status: int) -> Element:
        if answer.status_code == 303:
            return self.open(answer.headers["location"], status)
        assert answer.status_code == status, read(answer.text).one("main").text[:600]
        assert not faults(answer.text)
        self.page = read(answer.text)
        return self.page

    def _headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie} if self.cookie else {}


def notice(page: Element) -> str:
    return " ".join(each.text for each in page.all("div") if each.attributes.get("role") in ("alert", "status"))


def action(page: Element, ending: str) -> str:
    """Where the one form leads whose address ends so."""
    (found,) = [each for each in page.all("form", method="post") if each.attributes["action"].endswith(ending)]
    return found.attributes["action"]


def token(office: Office, name: str, *scopes: str) -> dict[str, str]:
    with office.transaction() as session:
        person = office.people[name]
        secret = make_token(session, person, name="tests", scopes=scopes or list(Scope), now=office.now)
    return {"Authorization": f"Bearer {secret}"}

"""The discussion on the contract's page: its forms, who sees what, and what stands in the page."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.discussions.files import picture
from tests.discussions.talking import comments, said, send, write
from tests.support.html import Element, faults, read
from tests.support.office import Office
from tests.support.web import HTML, Browser, notice
from workflows.contracts.model import Contract

PNG = picture("PNG")


@pytest.fixture
def page(contract: Contract) -> str:
    return f"/contracts/{contract.id}"


def test_a_comment_with_a_file_is_written_by_the_form(office: Office, web: TestClient, page: str) -> None:
    ann = Browser(web, "ann")
    assert "Nobody has written anything yet." in ann.open(page).one("section", id="discussion").text
    form = ann.page.one("form", action=f"{page}/comments#discussion-form")
    chosen = [each.attributes["value"] for each in form.all("input", type="radio") if "checked" in each.attributes]
    assert chosen == ["inside"]
    shown = send(ann, page, file=("견적서.png", PNG, "image/png"), text="See the quote.\nWhole.", visibility="inside")
    assert said(shown) == ["See the quote. Whole."]
    (file,) = [each for each in shown.all("a") if "/attachments/" in each.attributes["href"]]
    assert file.text == "견적서.png"
    answer = web.get(file.attributes["href"], headers={"Cookie": ann.cookie})
    assert answer.content == PNG
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "Inside only" in shown.one("section", id="discussion").text
    assert "sha256" in shown.one("section", id="discussion").text
    assert "1 comments" not in shown.text
    assert shown.one("a", href="#discussion").text == "One comment"


def test_those_who_are_ticked_and_a_colleague_get_it_by_mail(office: Office, web: TestClient, page: str) -> None:
    ann = Browser(web, "ann")
    ann.open(page)
    people = {
        each.within("label").text: each.attributes["value"]  # type: ignore[union-attr]  # each has its label
        for each in ann.page.all("input", name="people")
    }
    assert [each.partition(" Not of")[0] for each in people] == ["Bo", "Dan", "Pat"]
    assert "will see it from then on, with all that was said inside" in ann.page.text
    shown = send(ann, page, text="Both, please.", people=[people["Dan"], people["Bo"]], colleague="sol@haneul.example")
    assert "Mailed to Dan, Bo, Sol" in shown.text
    told = {str(each["To"]) for each in office.deliver()}
    assert told == {"Dan <dan@haneul.example>", "Bo <bo@haneul.example>", "Sol <sol@haneul.example>"}
    assert said(Browser(web, "sol").open(page)) == ["Both, please."]


def test_what_is_refused_says_why_and_keeps_what_was_typed(office: Office, web: TestClient, page: str) -> None:
    ann = Browser(web, "ann")
    ann.open(page)
    shown = send(ann, page, 422, text="Look <here>", visibility="shared", colleague="eve@haneul.example")
    assert "has the address eve@haneul.example" in notice(shown)
    assert shown.one("textarea", name="text").text == "Look <here>"
    assert shown.one("input", name="colleague").attributes["value"] == "eve@haneul.example"
    assert "checked" in shown.one("input", id="discussion-shared").attributes
    assert "open" in next(each for each in shown.all("details") if each.all("input", name="colleague")).attributes
    assert "Only PDF, pictures" in notice(send(ann, page, 415, file=("a.pdf", b"MZ\x90\0", "application/pdf")))
    assert "Nothing was written" in notice(send(ann, page, 422, text=" "))
    assert comments(office) == []


def test_a_button_pressed_twice_writes_once(office: Office, web: TestClient, page: str) -> None:
    ann = Browser(web, "ann")
    ann.open(page)
    first = ann.page
    send(ann, page, text="@Dan once")
    ann.page = first
    send(ann, page, text="@Dan once")
    assert [each.text for each in comments(office)] == ["@Dan once"]
    assert len(office.deliver()) == 1
    send(ann, page, text="@Dan once")  # from the page that came back: said again, on purpose
    assert len(comments(office)) == 2


def test_a_form_of_another_site_writes_nothing(office: Office, web: TestClient, page: str) -> None:
    ann = Browser(web, "ann")
    answer = web.post(f"{page}/comments", data={"text": "Hello"}, headers={"Cookie": ann.cookie})
    assert answer.status_code == 403
    assert comments(office) == []


def test_what_people_typed_is_text_with_its_lines(
    office: Office, web: TestClient, contract: Contract, page: str
) -> None:
    words = "<img src=x onerror=alert(1)>\n</p></textarea><h1>Hi</h1> {{ 7*7 }} https://haneul.example/?a=1&b=<b>"
    write(office, contract, "ann", words)
    ann = Browser(web, "ann")
    answer = web.get(page, headers={"Cookie": ann.cookie})
    assert not faults(answer.text)
    assert "<img src=x" not in answer.text
    assert "&lt;img src=x onerror=alert(1)&gt;\n&lt;/p&gt;" in answer.text
    (link,) = [each for each in read(answer.text).all("a") if "noopener" in each.attributes.get("rel", "")]
    assert link.attributes["href"] == "https://haneul.example/?a=1&b="
    assert link.text == link.attributes["href"]


def test_an_author_withdraws_by_the_button_for_a_quarter_of_an_hour(
    office: Office, web: TestClient, contract: Contract, page: str
) -> None:
    ann, dan = Browser(web, "ann"), Browser(web, "dan")
    ann.open(page)
    send(ann, page, text="Oh no.")
    (made,) = comments(office)
    action = f"{page}/comments/{made.id}/withdrawal"
    assert not [each for each in dan.open(page).all("form") if each.attributes["action"] == action]
    shown = ann.send(action)
    assert len(said(shown)) == 1
    assert said(shown)[0].startswith("Ann withdrew this on")
    assert "Oh no." not in dan.open(page).text

    write(office, contract, "ann", "Said in May.")  # by the office's clock
    assert "Said in May." in ann.open(page).text
    late = comments(office)[-1]
    headers = {"Cookie": ann.cookie, **HTML}
    csrf = ann.page.all("input", name="csrf_token")[0].attributes["value"]
    answer = web.post(f"{page}/comments/{late.id}/withdrawal", data={"csrf_token": csrf}, headers=headers)
    assert answer.status_code == 409
    assert "can be withdrawn for 15 minutes" in notice(read(answer.text))
    assert "Said in May." in said(dan.open(page))


def test_each_sees_what_is_meant_for_them(office: Office, web: TestClient, contract: Contract, page: str) -> None:
    write(office, contract, "ann", "Only for us.")
    write(office, contract, "ann", "For all.", visibility="shared")
    pat = Browser(web, "pat").open(page)
    assert said(pat) == ["For all."]
    assert "Only for us." not in pat.text
    assert "Inside only" not in pat.text
    assert pat.all("input", name="visibility") == []
    assert pat.all("input", name="colleague") == []
    assert streams(pat) == [f"/api{page}/events/stream"]
    assert "@haneul.example" not in "".join(each.attributes.get("value", "") for each in pat.all("input"))
    for who in ("dan", "root"):
        shown = Browser(web, who).open(page)
        assert said(shown) == ["Only for us.", "For all."]
        assert streams(shown) == [f"/api{page}/events/stream?inside=1"]
    for who in ("sol", "eve"):
        Browser(web, who).open(page, 404)


def streams(page: Element) -> list[str]:
    return [each.attributes["data-stream"] for each in page.all("div") if "data-stream" in each.attributes]


def test_an_outsiders_form_makes_what_they_write_shared(office: Office, web: TestClient, page: str) -> None:
    pat = Browser(web, "pat")
    pat.open(page)
    send(pat, page, text="From Nordwerk. @Ann")
    (made,) = comments(office)
    assert (made.visibility.value, made.organisation) == ("shared", "Nordwerk Maschinen")
    (mail,) = office.deliver()
    assert str(mail["To"]) == "Ann <ann@haneul.example>"
    send(pat, page, 422, text="Sneaking in", visibility="inside")
    assert len(comments(office)) == 1


def test_times_stand_in_the_readers_zone(office: Office, web: TestClient, contract: Contract, page: str) -> None:
    write(office, contract, "ann", "For all.", visibility="shared")
    assert "Thu 21 May 2026, 09:31:00 KST" in Browser(web, "ann").open(page).one("section", id="discussion").text
    assert "Thu 21 May 2026, 02:31:00 CEST" in Browser(web, "pat").open(page).one("section", id="discussion").text


def test_the_history_tells_insiders_of_both_and_others_of_what_is_shared(
    office: Office, web: TestClient, contract: Contract, page: str
) -> None:
    write(office, contract, "ann", "Only for us.", mentions=["sol@haneul.example"])
    write(office, contract, "ann", "For all.", visibility="shared")
    dan = Browser(web, "dan").open(f"{page}/history").text
    assert dan.count("Ann wrote a comment") == 2
    assert "Ann let Sol see the contract" in dan
    assert dan.count("Inside only") == 2
    pat = Browser(web, "pat").open(f"{page}/history").text
    assert pat.count("Ann wrote a comment") == 1
    assert "Sol" not in pat
    assert "inside" not in pat.lower()
    printed = Browser(web, "dan").open(f"{page}/print").text
    assert printed.count("Ann wrote a comment") == 1, "paper goes out of the house"


def test_the_page_is_whole_in_korean(office: Office, web: TestClient, contract: Contract, page: str) -> None:
    write(office, contract, "ann", "검토 부탁드립니다. @Dan", visibility="shared")
    shown = Browser(web, "dan").open(f"{page}?lang=ko").one("section", id="discussion").text
    for words in ("의견과 첨부 파일", "상대방에게도 공개", "내부 전용", "의견 등록", "2026년 5월 21일(목)"):
        assert words in shown

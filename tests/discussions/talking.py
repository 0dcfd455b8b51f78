"""Say things, and read what a page shows of them."""

from __future__ import annotations

from typing import Any

from sqlmodel import col, select

from tests.support.html import Element
from tests.support.office import Office
from tests.support.web import Browser
from workflows.contracts.model import Contract
from workflows.discussions.model import Comment
from workflows.discussions.operations import say
from workflows.discussions.rules import checked
from workflows.papers.queries import one, subject_of


def said(page: Element) -> list[str]:
    return [each.text for each in page.all("p") if each.attributes.get("class") in ("words", "withdrawn")]


def send(browser: Browser, page: str, status: int = 200, file: Any = None, **typed: object) -> Element:
    return browser.send(f"{page}/comments#discussion-form", status, file, **typed)


def write(office: Office, contract: Contract, who: str, words: str, **more: Any) -> None:
    """Said by somebody, without a page."""
    with office.transaction() as session:
        by = office.actor(who)
        say(session, subject_of(one(session, Contract, contract.id, by)), checked(words, **more), by=by, now=office.now)


def comments(office: Office) -> list[Comment]:
    with office.reading() as session:
        return list(session.exec(select(Comment).order_by(col(Comment.id))))

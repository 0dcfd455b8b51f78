"""Documents are found by what is said of them: only by those who may read it, and no longer once it is withdrawn."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.discussions.talking import comments, write
from tests.support.office import Office
from workflows.contracts.model import Contract
from workflows.contracts.queries import listed
from workflows.discussions.operations import withdraw
from workflows.papers.queries import one, subject_of


def found(office: Office, words: str, *names: str) -> list[str]:
    """Those of these people who find the document by these words."""
    with office.reading() as session:
        hits = {name: listed(session, office.actor(name), q=words, today=office.now.date()).papers for name in names}
    return [name for name, papers in hits.items() if papers]


EVERYBODY = ("dan", "ann", "pat", "sol", "root", "eve")


@pytest.mark.parametrize(
    ("visibility", "readers"), [("inside", ["dan", "ann", "root"]), ("shared", ["dan", "ann", "pat", "root"])]
)
def test_a_comment_finds_its_document_for_those_who_may_read_it(
    office: Office, contract: Contract, visibility: str, readers: list[str]
) -> None:
    write(office, contract, "dan", "The insurer wants Rahmenvertrag 콜드체인.", visibility=visibility)
    for words in ("rahmenvertrag", "콜드체인", "insurer wants"):
        assert found(office, words, *EVERYBODY) == readers


def test_withdrawing_a_comment_takes_it_out_and_leaves_the_others(office: Office, contract: Contract) -> None:
    write(office, contract, "dan", "Rahmenvertrag")
    write(office, contract, "dan", "Kaution")
    by = office.actor("dan")
    with office.transaction() as session:
        subject = subject_of(one(session, Contract, contract.id, by))
        withdraw(session, subject, comments(office)[0].id, by=by, now=office.now + timedelta(minutes=1))
    assert found(office, "rahmenvertrag", "dan") == []
    assert found(office, "kaution", "dan") == ["dan"]


def test_whoever_is_let_in_later_finds_it_too(office: Office, contract: Contract) -> None:
    write(office, contract, "dan", "Rahmenvertrag")
    assert found(office, "rahmenvertrag", "sol") == []
    write(office, contract, "dan", "Please look at this.", mentions=["sol@haneul.example"])
    assert found(office, "rahmenvertrag", "sol") == ["sol"]


def test_a_document_that_says_it_as_well_is_one_hit(office: Office, contract: Contract) -> None:
    for visibility in ("inside", "shared"):
        write(office, contract, "dan", "About the forklift fleet lease.", visibility=visibility)
    office.contract("dan", title="Another forklift lease")
    with office.reading() as session:
        first = listed(session, office.actor("dan"), q="forklift", today=office.now.date(), limit=1)
        assert first.count == "2"
        second = listed(
            session, office.actor("dan"), q="forklift", today=office.now.date(), limit=1, cursor=first.next_cursor or ""
        )
    assert second.next_cursor is None
    assert len({each.id for each in (*first.papers, *second.papers)}) == 2

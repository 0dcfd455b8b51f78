"""Numbers of papers and of payment files, where several come at once."""

from __future__ import annotations

from tests.invoices.test_paying import at_once
from tests.support.office import Office
from workflows.papers.operations import next_of


def test_the_first_numbers_of_a_year_may_be_given_at_once(office: Office) -> None:
    def work() -> str:
        with office.transaction() as session:
            return next_of(session, "payment", "P", 2027)

    assert sorted(at_once(work, work, work)) == ["P-2027-0001", "P-2027-0002", "P-2027-0003"]

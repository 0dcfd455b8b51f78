"""Who acts for whom, and to whom a task may go."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from workflows.approvals.model import Round, RoundState, StageKind, Task, TaskState, Verdict
from workflows.approvals.rates import Rates
from workflows.approvals.rules import Limit, why_not_decide
from workflows.approvals.standing_in import (
    MOST_REVIEWERS,
    Candidate,
    Seat,
    Substitution,
    acting_for,
    seated,
    why_not_ask_reviewer,
    why_not_delegate,
    why_not_give_opinion,
    why_not_reassign,
    why_not_recall,
    why_not_return,
    why_not_stand_in,
)
from workflows.parties.rules import Actor

ANN, BO, CY, DAN, EVA = (UUID(int=number) for number in range(1, 6))
DAY = date(2026, 5, 21)
TODAY = dict.fromkeys((UUID(int=number) for number in range(8)), DAY)
NOW = datetime(2026, 5, 21, 0, 31, tzinfo=UTC)


def away(person: UUID = ANN, substitute: UUID = BO, **given: object) -> Substitution:
    made: dict[str, object] = {"first_day": DAY, "last_day": DAY + timedelta(days=3), **given}
    return Substitution(person, substitute, **made)  # type: ignore[arg-type]  # named by the caller


def test_a_substitute_acts_from_the_first_day_to_the_last() -> None:
    absence = [away()]
    found = {step: acting_for(ANN, absence, on=DAY + timedelta(days=step), kind="lease") for step in (-1, 0, 3, 4)}
    assert found == {-1: None, 0: BO, 3: BO, 4: None}


def test_a_substitute_acts_for_the_kinds_that_were_named() -> None:
    absence = [away(kinds=frozenset({"lease"}))]
    assert acting_for(ANN, absence, on=DAY, kind="lease") == BO
    assert acting_for(ANN, absence, on=DAY, kind="service") is None


def test_a_substitute_acts_up_to_an_amount_in_any_currency_with_a_rate() -> None:
    absence = [away(up_to=Limit(Decimal(10_000), "EUR"))]
    rates = Rates("EUR", {"KRW": Decimal(1600)})

    def acting(amount: str | None, currency: str | None) -> UUID | None:
        money = None if amount is None else Decimal(amount)
        return acting_for(ANN, absence, on=DAY, kind="lease", amount=money, currency=currency, rates=rates)

    assert acting("10000.00", "EUR") == BO
    assert acting("10000.01", "EUR") is None
    assert acting("16000000", "KRW") == BO
    assert acting("16001000", "KRW") is None
    assert acting("1", "CHF") is None, "nobody knows how much that is"
    assert acting(None, None) is None, "and nobody knows this amount"


def test_there_is_one_hop_only() -> None:
    """Bo is away as well, with Cy in his place: Ann's task goes to Bo, and Bo's own to Cy."""
    absences = [away(), away(BO, CY)]
    assert seated([ANN], absences, today=TODAY, kind="lease") == (Seat(BO, ANN),)
    assert seated([BO], absences, today=TODAY, kind="lease") == (Seat(CY, BO),)


def test_a_substitute_who_is_asked_already_or_excluded_leaves_the_seat_to_its_owner() -> None:
    assert seated([ANN, BO], [away()], today=TODAY, kind="lease") == (Seat(ANN), Seat(BO))
    assert seated([ANN], [away()], today=TODAY, kind="lease", excluded={BO}) == (Seat(ANN),)
    assert seated([ANN, CY], [away(), away(CY, BO)], today=TODAY, kind="lease") == (Seat(BO, ANN), Seat(CY))


def test_of_two_substitutes_the_one_who_may_acts() -> None:
    absences = [away(), away(ANN, CY)]
    assert seated([ANN], absences, today=TODAY, kind="lease", excluded={BO}) == (Seat(CY, ANN),)


someone = st.sampled_from([UUID(int=number) for number in range(8)])
substitutions = st.lists(st.builds(away, someone, someone), max_size=12)


@given(st.lists(someone, max_size=6, unique=True), substitutions, st.sets(someone))
def test_separation_holds_under_any_substitution(
    panel: list[UUID], absences: list[Substitution], excluded: set[UUID]
) -> None:
    panel = [person for person in panel if person not in excluded]
    seats = seated(panel, absences, today=TODAY, kind="lease", excluded=excluded)
    assert excluded.isdisjoint(seat.person for seat in seats)
    assert len({seat.person for seat in seats}) == len(seats) == len(panel), "nobody sits twice, and no seat is lost"
    assert [seat.instead_of or seat.person for seat in seats] == panel
    named = {(each.person, each.substitute) for each in absences}
    assert all((seat.instead_of, seat.person) in named for seat in seats if seat.instead_of)


def test_a_substitution_has_days_to_come_and_two_people() -> None:
    def why(substitute: UUID, first: int, last: int) -> str:
        days = {"first_day": DAY + timedelta(days=first), "last_day": DAY + timedelta(days=last)}
        refused = why_not_stand_in(ANN, substitute, **days, today=DAY)
        return refused.sentence if refused else ""

    assert why(BO, -3, 0) == ""
    assert why(ANN, 0, 1) == "Nobody can be their own substitute."
    assert why(BO, 1, 0) == "The last day is before the first."
    assert why(BO, -3, -1) == "These days are over."


def actor(person: UUID = ANN) -> Actor:
    return Actor(id=person, name="Ann", email="ann@haneul.example", organisation_id=None)


def round(state: RoundState = RoundState.OPEN) -> Round:
    return Round(
        process="contract",
        subject_id=ANN,
        number=1,
        route_id=ANN,
        route_name="r",
        route_version=1,
        submitter_id=DAN,
        version_number=1,
        version_sha256="0" * 64,
        facts={},
        card={},
        state=state,
        opened_at=NOW,
        closed_at=None if state in (RoundState.OPEN, RoundState.APPROVED) else NOW,
    )


def task(
    kind: StageKind = StageKind.APPROVAL,
    state: TaskState = TaskState.OPEN,
    instead_of_id: UUID | None = None,
    review_of_id: UUID | None = None,
) -> Task:
    return Task(
        round_id=ANN,
        stage_id=ANN,
        person_id=ANN,
        name="Ann",
        email="a@x.example",
        kind=kind,
        state=state,
        closed_at=NOW,
        instead_of_id=instead_of_id,
        review_of_id=review_of_id,
    )


EVE = Candidate(EVA, "Eva")


def test_a_task_is_delegated_by_its_own_person_once() -> None:
    assert why_not_delegate(actor(), round(), task(), EVE) is None

    def why(by: UUID = ANN, given: Task | None = None, to: Candidate = EVE) -> str:
        refused = why_not_delegate(actor(by), round(), given or task(), to)
        assert refused is not None
        return refused.sentence % refused.values

    assert why(by=BO) == "This task is Ann’s, not yours. Nothing was recorded."
    assert why(given=task(StageKind.SIGNATURE)) == "Nobody else can give your signature."
    assert why(given=task(instead_of_id=CY)) == "You act for somebody else here: this cannot be handed on."
    assert why(given=task(state=TaskState.VOID)).startswith("This task ended on")
    assert why(to=Candidate(ANN, "Ann")) == "Ann has this task already."
    assert why(to=Candidate(EVA, "Eva", active=False)) == "Eva has left, and cannot be asked."
    assert why(to=Candidate(EVA, "Eva", asked=True)).startswith("Eva is asked in this stage already")
    assert why(to=Candidate(EVA, "Eva", excluded=True)).startswith("Eva may not decide here")


def test_a_delegated_task_goes_back_where_either_of_the_two_asks() -> None:
    acting = task(instead_of_id=EVA)
    for by, kind in ((ANN, None), (EVA, None), (BO, "forbidden"), (DAN, "forbidden")):
        refused = why_not_return(actor(by), round(), acting, EVE)
        assert (refused.kind if refused else None) == kind
    gone = why_not_return(actor(), round(), acting, Candidate(EVA, "Eva", active=False))
    assert gone is not None
    assert why_not_return(actor(), round(RoundState.WITHDRAWN), acting, EVE) is not None


def test_whoever_is_asked_for_an_opinion_gives_it_and_whoever_asked_may_do_without() -> None:
    asked = task(review_of_id=DAN)
    assert why_not_return(actor(EVA), round(), asked, EVE) is None
    unasked = why_not_return(actor(ANN), round(), asked, EVE)
    assert unasked is not None
    assert unasked.sentence == "%(name)s waits for your opinion: say what you think."

    def why(text: str = "Fine.", by: UUID = ANN, given: Task = asked, seen: str = "0" * 64) -> str:
        refused = why_not_give_opinion(actor(by), round(), given, text, seen=seen)
        return refused.sentence % refused.values if refused else ""

    assert why() == ""
    assert why("") == "Say what you think."
    assert why("x" * 4001) == "The comment is longer than 4000 letters."
    assert why(by=BO) == "This task is Ann’s, not yours. Nothing was recorded."
    assert why(given=task()) == "You are asked for a decision here, not for your opinion."
    assert why(seen="1" * 64).startswith("The document has changed")
    verdict = why_not_decide(actor(), round(), asked, Verdict.APPROVE, seen="0" * 64, comment="")
    assert verdict is not None
    assert verdict.sentence == "You are asked for your opinion here, not for a decision."


def test_only_administrators_reassign_and_only_open_tasks() -> None:
    assert why_not_reassign(round(), task(), EVE, administrator=True) is None
    refused = why_not_reassign(round(), task(), EVE, administrator=False)
    assert refused is not None
    assert refused.kind == "forbidden"
    assert why_not_reassign(round(RoundState.WITHDRAWN), task(), EVE, administrator=True) is not None
    assert why_not_reassign(round(), task(), Candidate(EVA, "Eva", excluded=True), administrator=True) is not None
    signing = task(StageKind.SIGNATURE)
    assert why_not_reassign(round(), signing, EVE, administrator=True) is None
    assert why_not_reassign(round(), signing, EVE, administrator=True, signer_named_by_document=True) is not None


def test_an_approver_asks_a_few_others_and_even_whoever_sent_it() -> None:
    sender = Candidate(DAN, "Dan", excluded=True)
    assert why_not_ask_reviewer(actor(), round(), task(), sender, reviewers=0) is None
    assert why_not_ask_reviewer(actor(BO), round(), task(), EVE, reviewers=0) is not None
    assert why_not_ask_reviewer(actor(), round(), task(), Candidate(ANN, "Ann"), reviewers=0) is not None
    assert why_not_ask_reviewer(actor(), round(), task(), Candidate(EVA, "Eva", asked=True), reviewers=0) is not None
    assert why_not_ask_reviewer(actor(), round(), task(), EVE, reviewers=MOST_REVIEWERS) is not None
    assert why_not_ask_reviewer(actor(), round(), task(state=TaskState.DECIDED), EVE, reviewers=0) is not None


def test_only_its_sender_recalls_a_document_and_only_while_it_is_being_approved() -> None:
    assert why_not_recall(actor(DAN), round()) is None
    for by, state, kind in (
        (ANN, RoundState.OPEN, "forbidden"),
        (DAN, RoundState.APPROVED, "conflict"),
        (DAN, RoundState.REJECTED, "conflict"),
    ):
        refused = why_not_recall(actor(by), round(state))
        assert refused is not None
        assert refused.kind == kind

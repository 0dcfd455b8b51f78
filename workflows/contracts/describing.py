"""Change what is said of a contract that is under way, and not its file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from workflows.approvals.model import RoundState
from workflows.approvals.operations import end_round
from workflows.approvals.publishing import choose_route
from workflows.approvals.submitting import goes_on_with
from workflows.columns import as_json
from workflows.contracts.model import PROCESS, Contract
from workflows.contracts.operations import card_of, index, send_on_its_way
from workflows.contracts.rules import DECISIVE, DESCRIBED, described, facts_of, last_day_to_cancel, why_not_describe
from workflows.database import Work
from workflows.outbox import wake
from workflows.papers.operations import locked, note_event, permission, version_of
from workflows.parties.model import Person
from workflows.parties.rules import Actor


def describe(
    session: Work,
    contract_id: UUID,
    words: Mapping[str, str],
    *,
    by: Actor,
    now: datetime,
    link_days: int,
    visible: bool,
) -> Contract:
    """Say something else of a contract. Its route says whether what was approved stays, or everybody is asked again;
    where its amount or kind changes, everybody is.

    ``words``: of ``DESCRIBED`` those that change, as somebody types them. What is so already changes nothing.

    Raises:
        NotFound: there is no such contract, or the actor may not see it.
        Forbidden: to all but its owner and their administrators.
        Conflict: everybody has approved it, or it is over.
        Refused: a word will not do, or no route fits any more.
    """
    going, contract = locked(session, Contract, contract_id, visible=visible)
    assert going is not None, "every contract has travelled at least one round"
    if sentence := why_not_describe(by, contract):
        raise permission(sentence)
    draft = described(contract, words)
    changes = {
        name: [as_json(getattr(contract, name)), as_json(getattr(draft, name))]
        for name in DESCRIBED
        if getattr(contract, name) != getattr(draft, name)
    }
    if not changes:
        return contract
    for name in changes:
        setattr(contract, name, getattr(draft, name))
    contract.cancel_by = last_day_to_cancel(contract.ends_on, contract.notice_days)
    owner, version = session.get_one(Person, contract.owner_id), version_of(session, contract)
    goes_on, afresh = None, False
    if going.state is RoundState.OPEN:
        facts = facts_of(contract, submitter=owner.email)
        route = choose_route(session, PROCESS, facts, name=contract.route, submitter=owner, now=now)
        afresh = any(name in changes for name in DECISIVE)
        card = card_of(session, contract, version)
        goes_on = not afresh and goes_on_with(session, going, facts, card, route=route)
    note_event(
        session,
        "described",
        contract,
        by=by,
        now=now,
        version=version.number,
        changes=changes,
        currency=contract.currency,
        goes_on=goes_on,
    )
    if goes_on is False:
        end_round(session, going, RoundState.REPLACED, now=now)
        send_on_its_way(session, contract, version, owner, now=now, link_days=link_days, afresh=afresh)
    else:
        session.flush()
        index(session, contract)
        wake(session, PROCESS, contract.id, label=contract.number, now=now)
    return contract

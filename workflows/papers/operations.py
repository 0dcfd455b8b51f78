"""What happens to papers of every kind: keep a version, take back, tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import Session, col, select

from documents.blobs import BlobRef
from workflows.approvals.letters import letter, page_of
from workflows.approvals.links import refusal
from workflows.approvals.model import Decision, Participant, Round, RoundState, StageKind, Task, Verdict
from workflows.approvals.operations import end_round, tasks_of
from workflows.approvals.publishing import choose_route
from workflows.approvals.standing_in import why_not_recall
from workflows.approvals.submitting import Submission, open_round
from workflows.audit.operations import record
from workflows.database import Work, add_missing
from workflows.discussions.finding import put_talk
from workflows.errors import Conflict, Forbidden, NotFound, Refused
from workflows.outbox import post, wake
from workflows.papers.model import NumberRange, Paper, Version
from workflows.papers.queries import subject_of, version
from workflows.papers.rules import page_starts
from workflows.parties.model import Organisation, Person
from workflows.parties.queries import people
from workflows.parties.rules import Actor, who
from workflows.search.operations import put
from workflows.signatures.operations import end as end_signing

P = TypeVar("P", bound=Paper)


@dataclass(frozen=True)
class HandedIn:
    """A document that intake accepted; both files are kept already."""

    original: BlobRef
    readable: BlobRef
    file_name: str
    pages: int
    page_sizes: Sequence[Sequence[int]]
    text: str
    findings: Sequence[str]
    page_texts: Sequence[str] = ()
    """Of which ``text`` is made, an empty line between them."""


def add_version(session: Work, paper: Paper, document: HandedIn, *, note: str, by: Actor, now: datetime) -> Version:
    """Keep the document as the paper's current version, time stamped."""
    version = Version(
        process=paper.process,
        subject_id=paper.id,
        number=paper.current_version,
        sha256=document.original.sha256,
        original_key=document.original.key,
        original_size=document.original.size,
        file_name=document.file_name,
        readable_sha256=document.readable.sha256,
        readable_key=document.readable.key,
        pages=document.pages,
        page_sizes=[list(each) for each in document.page_sizes],
        text=document.text,
        page_starts=page_starts(document.page_texts),
        findings=list(document.findings),
        note=note,
        author_id=by.id,
        author=by.name,
        at=now,
        token=session.stamp(bytes.fromhex(document.original.sha256)),
    )
    session.add(version)
    session.flush()
    return version


def next_number(session: Work, model: type[Paper], letter: str, year: int) -> str:
    """C-2026-0001, in the order of submission, without gaps."""
    return next_of(session, model.process, letter, year)


def next_of(session: Work, what: str, letter: str, year: int) -> str:
    """As ``next_number``, of what is no paper."""
    name = f"{what}-{year}"
    numbers = session.get(NumberRange, name, with_for_update=True)
    if numbers is None:
        # the first ones of a year may come at once: all but one find the row that the other has made
        add_missing(session, NumberRange, [{"name": name, "last": 0}])
        numbers = session.get_one(NumberRange, name, with_for_update=True)
    numbers.last += 1
    session.flush()
    return f"{letter}-{year}-{numbers.last:04d}"


def note_event(session: Work, action: str, paper: Paper, *, by: Actor, now: datetime, **data: Any) -> None:
    """Write into the paper's history what somebody did."""
    record(session, action, paper.process, paper.id, now=now, **who(by), via=by.via, **data)


def end_and_tell(
    session: Work,
    paper: Paper,
    going: Round | None,
    state: RoundState,
    *,
    comment: str,
    by: Actor,
    now: datetime,
    recalled: bool = False,
) -> None:
    """Whoever is asked, or has signed, need do nothing more, and hears of it."""
    if going is None or going.state not in (RoundState.OPEN, RoundState.APPROVED):
        return
    end_signing(session, going.id)
    asked = end_round(session, going, state, now=now)
    # those who have signed hear of it as well: their signature will not take effect
    told = {task.person_id for task in asked} | {
        task.person_id for task in tasks_of(session, going.id) if task.verdict is Verdict.SIGN
    }
    said: dict[str, Any] = {"recalled": True} if recalled else {}
    for person in people(session, told).values():
        tell(session, paper, going, person, "withdrawn", now=now, by_name=by.name, comment=comment, **said)


def recall(
    session: Work, model: type[P], paper_id: UUID, *, comment: str, by: Actor, now: datetime, visible: bool
) -> P:
    """Take a paper back to change it, while people still decide: a new version sends it on its way again.

    Whoever is asked is told. Twice is as once.

    Raises:
        NotFound: there is no such paper, or the actor may not see it.
        Forbidden: to all but whoever sent it.
        Conflict: everybody has approved it, or it is over.
    """
    going, paper = locked(session, model, paper_id, visible=visible)
    if going is None:
        raise Conflict("Nobody is asked to decide on it: there is nothing to take back.")
    if by.id == going.submitter_id and going.state is RoundState.RECALLED:
        return paper
    if why := why_not_recall(by, going):
        raise refusal(why)
    comment = comment.strip()
    note_event(session, "recalled", paper, by=by, now=now, version=going.version_number, comment=comment)
    end_and_tell(session, paper, going, RoundState.RECALLED, comment=comment, by=by, now=now, recalled=True)
    wake(session, paper.process, paper.id, label=paper.number, now=now)
    return paper


def send_round(
    session: Work,
    paper: Paper,
    version: Version,
    *,
    facts: Mapping[str, object],
    card: dict[str, Any],
    signers: Sequence[Person] = (),
    owner: Person,
    now: datetime,
    link_days: int,
    afresh: bool = False,
) -> Round:
    """Send a version on the route asked for, or on the first that fits. ``facts``, ``card``, ``afresh``: see
    ``Submission``.

    Raises:
        Refused: no route fits, or nobody would be asked.
    """
    round = open_round(
        session,
        Submission(
            process=paper.process,
            subject_id=paper.id,
            label=paper.number,
            version_number=version.number,
            version_sha256=version.sha256,
            facts=facts,
            card=card,
            signers=signers,
            link_days=link_days,
            afresh=afresh,
        ),
        route=choose_route(session, paper.process, facts, name=paper.route, submitter=owner, now=now),
        submitter=owner,
        now=now,
    )
    session.flush()
    wake(session, paper.process, paper.id, label=paper.number, now=now)
    return round


def put_entry(
    session: Work, paper: Paper, *, head: Sequence[str], body: str, numbers: Iterable[str | None], marks: Sequence[str]
) -> None:
    """Let the paper be found by those who may see it, and what is said of it by those who may read that."""
    seen_by = session.exec(
        select(Participant.person_id).where(Participant.process == paper.process, Participant.subject_id == paper.id)
    ).all()
    put(
        session,
        kind=paper.process,
        object_id=str(paper.id),
        head="\n".join(head),
        body=body,
        numbers=[each for each in numbers if each],
        seen_by=[f"o{paper.organisation_id.hex}", *(f"p{each.hex}" for each in seen_by)],
        marks=marks,
    )
    put_talk(session, subject_of(paper))


def card_head(session: Session, paper: Paper) -> dict[str, Any]:
    """What inboxes and mails say of every paper."""
    organisation = session.get_one(Organisation, paper.organisation_id)
    return {
        "organisation": organisation.name,
        "address": organisation.address,
        "title": paper.title,
        "number": paper.number,
    }


def tell_end(session: Work, paper: Paper, round: Round, kind: str, verdict: Verdict, *, now: datetime) -> None:
    """Who ended it and why: to the owner; of a refusal to sign also to other signers, if they were asked."""
    session.flush()
    decision = session.exec(
        select(Decision)
        .where(Decision.round_id == round.id, Decision.verdict == verdict)
        .order_by(col(Decision.at).desc())
    ).first()
    told = {paper.owner_id}
    if verdict is Verdict.DECLINE:
        told |= {task.person_id for task in tasks_of(session, round.id) if _hears_of_refusal(task)}
    for person in people(session, told).values():
        tell(
            session,
            paper,
            round,
            person,
            kind,
            now=now,
            by_name=decision.name if decision else "",
            comment=decision.comment if decision else "",
        )


def _hears_of_refusal(task: Task) -> bool:
    """Who has signed, and who was asked at the same time."""
    asked = task.kind is StageKind.SIGNATURE and task.asked_at is not None and task.closed_because == "declined"
    return task.verdict is Verdict.SIGN or asked


def tell(
    session: Work,
    paper: Paper,
    round: Round,
    person: Person,
    kind: str,
    *,
    now: datetime,
    link: str | None = None,
    **values: Any,
) -> None:
    owner = session.get_one(Person, paper.owner_id)
    post(
        session,
        letter(
            round,
            kind,
            person,
            {**values, "page": page_of(round, person)},
            reply_to=(owner.name, owner.email) if owner.id != person.id else ("", ""),
            link=link,
        ),
        now=now,
    )


def locked(session: Work, model: type[P], paper_id: UUID, *, visible: bool) -> tuple[Round | None, P]:
    """The paper's newest round and the paper, both locked; in that order, as a decision does."""
    session.exec(
        select(Round.id).where(Round.process == model.process, Round.subject_id == paper_id).with_for_update()
    ).all()
    paper = session.exec(
        select(model).where(model.id == paper_id).with_for_update().execution_options(populate_existing=True)
    ).first()
    if paper is None or not visible:
        raise NotFound(model.missing)
    return newest_round(session, paper), paper


def permission(sentence: str) -> Refused:
    return Forbidden(sentence) if sentence.startswith("Only") else Conflict(sentence)


def version_of(session: Session, paper: Paper) -> Version:
    """The current one."""
    return version(session, paper, paper.current_version)


def newest_round(session: Session, paper: Paper) -> Round | None:
    return session.exec(
        select(Round)
        .where(Round.process == paper.process, Round.subject_id == paper.id)
        .order_by(col(Round.number).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()

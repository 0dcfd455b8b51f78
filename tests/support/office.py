"""An office to test in: a real database, a real authority, documents in a folder; mails and launches are caught."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

from argon2 import PasswordHasher
from sqlmodel import Session, col, select

import workflows.contracts.operations
import workflows.invoices.operations  # noqa: F401  (registers what follows from a round)
from documents.blobs import FolderBlobStore
from signing.authority import Authority
from signing.pdf_signer import PdfSigner
from workflows.approvals.delivery import mail_leaves
from workflows.approvals.model import Round, Task, TaskState, Verdict
from workflows.approvals.operations import Decided, decide
from workflows.approvals.publishing import publish
from workflows.approvals.queries import current_round
from workflows.approvals.wanted import mails_still_wanted
from workflows.contracts import steps
from workflows.contracts.model import PROCESS, Contract
from workflows.contracts.operations import replace, submit
from workflows.contracts.rules import checked
from workflows.database import Work, on_commit, open_engine
from workflows.dispatcher import Dispatcher
from workflows.outbox import OutgoingMail, open_vault
from workflows.papers.intake import take_in
from workflows.papers.model import Paper
from workflows.papers.operations import HandedIn
from workflows.papers.steps import Done
from workflows.parties.model import Kind, Organisation, Person
from workflows.parties.operations import actor, found_organisation, join, register
from workflows.parties.rules import Actor
from workflows.runtime import Runtime
from workflows.settings import Settings
from workflows.signatures.model import Signing

PASSWORD = "correct horse battery"
QUICK_ROUTE = """\
name: quick
document: contract
priority: 5
stages:
  - {name: manager, approvers: {manager_of: submitter}}
"""

MORNING = datetime(2026, 5, 21, 0, 31, tzinfo=UTC)
"""Thu 21 May 2026, 09:31 in Seoul."""


@cache
def authority() -> Authority:
    """One for the whole session: making its root key takes a second."""
    return Authority.open(
        Path(mkdtemp(prefix="signoff-keys-")), passphrase="of tests only", organisation="Haneul Logistics"
    )


@cache
def hashed(password: str) -> str:
    """As little work as argon2 can do. A hash names its own parameters: signing in with it is as little work."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


@dataclass
class CaughtMails:
    """The outermost port for mails. ``refuse``: raised instead of taking the next mail."""

    messages: list[EmailMessage] = field(default_factory=list)
    refuse: Exception | None = None

    def send(self, message: EmailMessage) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.messages.append(message)

    def to(self, email: str) -> list[EmailMessage]:
        return [each for each in self.messages if email in str(each["To"])]


@dataclass
class CaughtLaunches:
    """The outermost port for flow runs. The same key gives the same run, as Prefect does."""

    runs: dict[str, str] = field(default_factory=dict)
    unavailable: Exception | None = None

    def launch(
        self, deployment: str, *, parameters: dict[str, str], idempotency_key: str, name: str, tags: list[str]
    ) -> str:
        if self.unavailable is not None:
            raise self.unavailable
        return self.runs.setdefault(idempotency_key, str(uuid4()))


@dataclass
class Office:
    runtime: Runtime
    mails: CaughtMails
    launches: CaughtLaunches
    organisation: Organisation
    now: datetime = MORNING
    people: dict[str, Person] = field(default_factory=dict)

    def transaction(self) -> AbstractContextManager[Work]:
        return self.runtime.transaction()

    def reading(self) -> AbstractContextManager[Session]:
        return self.runtime.reading()

    def later(self, **step: float) -> datetime:
        self.now += timedelta(**step)
        return self.now

    def person(
        self,
        name: str,
        *,
        manager: str | None = None,
        roles: Sequence[str] = (),
        groups: Sequence[str] = (),
        organisation: str = "",
        password: str | None = None,
        locale: str = "en",
        timezone: str = "Asia/Seoul",
    ) -> Person:
        """Somebody with an account; ``name`` is also the first part of the address."""
        with self.transaction() as session:
            made = register(
                session,
                name=name.capitalize(),
                email=self.email(name),
                now=self.now,
                organisation=found_organisation(session, organisation or self.organisation.name, now=self.now),
                manager=self.email(manager) if manager else None,
                roles=roles,
                groups=groups,
                locale=locale,
                timezone=timezone,
            )
            made.password_hash = hashed(password) if password else None
        self.people[name] = made
        return made

    def email(self, name: str) -> str:
        return name if "@" in name else f"{name}@haneul.example"

    def put_in(self, name: str, *, role: str | None = None, group: str | None = None) -> None:
        with self.transaction() as session:
            if role:
                join(session, self.people[name], Kind.ROLE, role)
            if group:
                join(session, self.people[name], Kind.GROUP, group)

    def actor(self, name: str, *, via: str = "page") -> Actor:
        with self.reading() as session:
            found = session.exec(select(Person).where(Person.email == self.email(name))).one()
            return actor(session, found, via=via)

    def route(self, source: str) -> None:
        with self.transaction() as session:
            publish(session, source, name=None, by=None, now=self.now)

    def contract(
        self, by: str = "dan", *, pdf: bytes | None = None, signers: Sequence[str] = (), **words: Any
    ) -> Contract:
        """A contract on its way; ``words`` as in the form."""
        from tests.support.pdfs import plain_pdf

        draft = checked(
            **{"title": "Forklift fleet lease", "kind": "lease", **words},
            signers=[{"name": each.partition("@")[0].capitalize(), "email": self.email(each)} for each in signers],
        )
        document = self._taken_in(pdf or plain_pdf(), "lease.pdf")
        with self.transaction() as session:
            return submit(session, draft, document, by=self._actor(session, by), now=self.now, link_days=14)

    def replace(
        self, contract: Contract, pdf: bytes, *, by: str = "dan", file_name: str = "v2.pdf", note: str = ""
    ) -> Contract:
        """Hand in its next version."""
        document = self._taken_in(pdf, file_name)
        with self.transaction() as session:
            return replace(
                session,
                contract.id,
                document,
                note=note,
                by=self._actor(session, by),
                now=self.later(minutes=1),
                link_days=14,
                visible=True,
            )

    def decide(
        self,
        name: str,
        verdict: str = "approve",
        *,
        seen: str | None = None,
        comment: str = "",
        contract: Paper | None = None,
        to: str = "submitter",
    ) -> Decided:
        """Decide the open task that ``name`` has, on the version that is current. ``to``: whereto it is sent back."""
        with self.transaction() as session:
            task, round = self._task(session, name, contract)
            if verdict != "approve" and not comment:
                comment = "Not like this."
            return decide(
                session,
                task.id,
                Verdict(verdict),
                seen=seen or round.version_sha256,
                by=self._actor(session, name),
                now=self.later(minutes=1),
                comment=comment,
                send_back_to=to,
            )

    def task_of(self, name: str, contract: Contract) -> Task:
        """The newest task of somebody in a contract, whatever became of it."""
        with self.reading() as session:
            found = session.exec(
                select(Task)
                .join(Round, col(Round.id) == col(Task.round_id))
                .where(Task.email == self.email(name), Round.subject_id == contract.id)
                .order_by(col(Task.id).desc())
            ).first()
            assert found is not None
            return found

    def open_tasks(self, contract: Contract | None = None) -> list[str]:
        """Who is asked now, by the first part of their address, in alphabetical order."""
        with self.reading() as session:
            query = (
                select(Task.email).join(Round, col(Round.id) == col(Task.round_id)).where(Task.state == TaskState.OPEN)
            )
            if contract is not None:
                query = query.where(Round.subject_id == contract.id)
            return sorted(email.partition("@")[0] for email in session.exec(query))

    def state(self, contract: Contract) -> str:
        with self.reading() as session:
            return session.get_one(Contract, contract.id).state.value

    def carry_on(self, contract: Contract) -> list[str]:
        """What the flow does in one run: its steps, as far as they go; what each came to."""
        life = steps.ContractLife.load(self.runtime, contract.id, lambda session: None)
        came_to = []
        for step in (life.approval, life.signatures):
            progress = step()
            came_to.append(str(progress))
            if not isinstance(progress, Done):
                life.finished()
                return came_to
        came_to.append(life.seal())
        life.in_force()
        life.finished()
        return came_to

    def sign(self, name: str, *, signed_as: str = "", contract: Contract | None = None) -> Decided:
        from workflows.signatures.ceremony import sign

        with self.reading() as session:
            task, round = self._task(session, name, contract)
            by = self._actor(session, name)
        return sign(
            steps.desk(self.runtime),
            task.id,
            seen=round.version_sha256,
            name=signed_as or task.name,
            consent=True,
            by=by,
            now=lambda: datetime.now(UTC),
        )

    def sealed_file(self, contract: Contract) -> bytes:
        with self.reading() as session:
            signing = session.exec(select(Signing).where(Signing.subject_id == contract.id)).one()
        assert signing.sealed_key is not None
        return self.runtime.blobs.get(signing.sealed_key)

    def deliver(self) -> list[EmailMessage]:
        """Let the dispatcher pay what is owed; the mails that left now."""
        before = len(self.mails.messages)
        self.runtime.dispatcher.sweep()
        return self.mails.messages[before:]

    def queued(self) -> list[OutgoingMail]:
        with self.reading() as session:
            return list(session.exec(select(OutgoingMail).order_by(col(OutgoingMail.created_at), col(OutgoingMail.id))))

    def round(self, contract: Contract) -> Round:
        with self.reading() as session:
            found = current_round(session, PROCESS, contract.id)
            assert found is not None
            return found

    def _taken_in(self, pdf: bytes, file_name: str) -> HandedIn:
        return take_in(pdf, file_name=file_name, blobs=self.runtime.blobs, limits=self.runtime.intake_limits)

    def _actor(self, session: Session, name: str) -> Actor:
        found = session.exec(select(Person).where(Person.email == self.email(name))).one()
        return actor(session, found, via="page")

    def _task(self, session: Session, name: str, contract: Paper | None) -> tuple[Task, Round]:
        query = (
            select(Task, Round)
            .join(Round, col(Round.id) == col(Task.round_id))
            .where(Task.email == self.email(name), Task.state == TaskState.OPEN)
        )
        if contract is not None:
            query = query.where(Round.subject_id == contract.id)
        return session.exec(query).one()


@contextmanager
def lasting_office(migrated: Path, home: Path, people: Sequence[str], route: str) -> Iterator[Office]:
    """For many examples of one property: on SQLite, with these people, ``root`` who administers, and one route.

    ``migrated``: an empty database, which is copied.
    """
    (home / "signoff.db").write_bytes(migrated.read_bytes())
    office = open_office(f"sqlite:///{home / 'signoff.db'}", home)
    for name in people:
        office.person(name)
    office.person("root", roles=["administrator"])
    office.route(route)
    yield office
    office.runtime.engine.dispose()


def open_office(database_url: str, home: Path, **settings: Any) -> Office:
    """An office on a migrated database, below ``home``."""
    chosen = Settings(_env_file=None, home=home, database_url=database_url, organisation="Haneul Logistics", **settings)
    engine = open_engine(database_url)
    mails, launches = CaughtMails(), CaughtLaunches()
    vault = open_vault("tests")
    dispatcher = Dispatcher(
        engine,
        mailer=mails,  # type: ignore[arg-type]  # the port's one method
        launcher=launches,  # type: ignore[arg-type]  # the port's one method
        vault=vault,
        public_url=chosen.public_url,
        sender="contracts@haneul.example",
        still_wanted=mails_still_wanted,
        leaves=mail_leaves,
        blobs=lambda: FolderBlobStore(home / "documents"),
    )
    on_commit(engine, dispatcher.wake)
    runtime = Runtime(
        settings=chosen,
        engine=engine,
        blobs=FolderBlobStore(home / "documents"),
        authority=authority(),
        signer=PdfSigner(authority()),
        launcher=launches,  # type: ignore[arg-type]  # the port's one method
        dispatcher=dispatcher,
        vault=vault,
    )
    with runtime.transaction() as session:
        organisation = found_organisation(session, "Haneul Logistics", now=MORNING)
    return Office(runtime, mails, launches, organisation)


def link_in(message: EmailMessage) -> str:
    """The path of the link in a mail."""
    found = re.search(r"(/[st]/[\w-]{43})", text_of(message))
    assert found is not None, text_of(message)
    return found[1]


def text_of(message: EmailMessage) -> str:
    """What a mail says as plain text."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())

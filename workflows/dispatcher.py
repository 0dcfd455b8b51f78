"""Pays what committed changes owe: sends mails, starts flow runs.

Runs in a process of its own (``dispatcher_process``), poked by every commit; what a crash left behind is found by its
next look, or by ``sweep``. A row is claimed for a while, paid, then marked: whoever dies in between leaves a claim that
runs out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Engine, bindparam, null, or_, update
from sqlmodel import Session, col, select

from documents.blobs import BlobStore, StoreUnavailable
from documents.rendering import Reader
from workflows import places
from workflows.database import Work, reading, table_of, transaction, write, write_alone
from workflows.launcher import Launcher, LauncherUnavailable
from workflows.mailer import Mailer, MailRefused, MailUnavailable
from workflows.notifications import Address, attach, compose
from workflows.outbox import Letter, MailState, OutgoingMail, Recipient, RunOwed, open_vault, post
from workflows.settings import Settings
from workflows.stores import open_blobs

log = logging.getLogger(__name__)

CLAIM = timedelta(seconds=90)  # longer than any SMTP conversation is given
BATCH = 20
PROMPTLY = timedelta(seconds=5)  # times that count from here, and not from when the mail was queued, are as good
STILL_FRESH = 1.0  # seconds in which what a batch was claimed with is taken for true
LONGEST_WAIT = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=3)
SERVER_RESTS = 1.0  # seconds in which Prefect's server is left alone after it could not be reached
LONGEST_REST = 5.0  # seconds before the same run is tried again: a server that starts is soon there
LOOK_AGAIN = 2.0  # seconds: for what is due later, or was left by a process that died

LINKS = {"sending": "/s/"}
"""Where the secret of a mail's link leads, by its kind, where it does not lead to a task."""
DEPLOYMENTS = {
    "contract": "contract-lifecycle/signoff",
    "invoice": "invoice-approval/signoff",
    "export": "spreadsheet-export/signoff",
}

_WAITS = select(OutgoingMail).where(OutgoingMail.state == MailState.QUEUED)
_DUE = (
    _WAITS.where(
        col(OutgoingMail.not_before) <= bindparam("now"),
        or_(col(OutgoingMail.claimed_until).is_(None), col(OutgoingMail.claimed_until) < bindparam("now")),
    )
    .order_by(col(OutgoingMail.not_before))
    .limit(BATCH)
)
_TO_CLAIM = _DUE.with_for_update(skip_locked=True)
_IS_DUE = _DUE.with_only_columns(col(OutgoingMail.id)).limit(1)
_CLAIMED = (
    update(table_of(OutgoingMail))
    .where(col(OutgoingMail.id) == bindparam("mail"))
    .values(claimed_until=bindparam("until"), claimed_by=bindparam("place"), attempts=OutgoingMail.attempts + 1)
)
_SENT = (
    update(table_of(OutgoingMail))
    .where(col(OutgoingMail.id) == bindparam("mail"))
    .values(state=MailState.SENT, sent_at=bindparam("now"), sealed_link=null(), claimed_until=null(), failure="")
)

Still = Callable[[Session, Sequence[OutgoingMail]], set[UUID]]
Leaves = Callable[[Work, OutgoingMail, datetime], None]


def open_dispatcher(settings: Settings, engine: Engine, *, still_wanted: Still, leaves: Leaves) -> Dispatcher:
    """What the settings name, with no connection made yet. ``still_wanted``, ``leaves``: see ``Dispatcher``.

    Raises:
        ValueError: ``SIGNOFF_MAIL_URL`` means nothing.
    """
    return Dispatcher(
        engine,
        mailer=Mailer.from_url(settings.mail_url, embedded_port=settings.mailbox_smtp_port),
        launcher=Launcher(settings.prefect_url, poke=settings.poke_address),
        vault=open_vault(settings.secret.get_secret_value()),
        public_url=settings.public_url,
        sender=settings.mail_from,
        still_wanted=still_wanted,
        leaves=leaves,
        blobs=partial(open_blobs, settings),
    )


class Dispatcher:
    """Two threads: one for mails, one for flow runs, so that a slow mail server holds up no contract."""

    def __init__(
        self,
        engine: Engine,
        *,
        mailer: Mailer,
        launcher: Launcher | None,
        vault: Fernet,
        public_url: str,
        sender: str,
        still_wanted: Still,
        leaves: Leaves,
        blobs: Callable[[], BlobStore],
    ) -> None:
        """``sender``: address that mails come from. ``blobs``: opens the store of the files that mails carry.

        ``still_wanted``: the ids of those mails that ask for what is still open. ``leaves``: told when a mail is about
        to leave that could not be sent ``PROMPTLY``, and may change what it says of times; told again when it has left.
        """
        self._engine, self._mailer, self._launcher = engine, mailer, launcher
        self._vault, self._public_url, self._sender = vault, public_url, sender
        self._still_wanted, self._leaves = still_wanted, leaves
        self._blobs = blobs
        self._place = places.here()
        self._server_rests_until = 0.0
        self._looked = -LOOK_AGAIN
        self._woken = {"mails": threading.Event(), "runs": threading.Event()}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        works: dict[str, Callable[[bool], int]] = {
            "mails": lambda poked: self.send_mails(surely=poked),
            "runs": lambda _poked: self.start_runs(),
        }
        for name, pay in works.items():
            thread = threading.Thread(
                target=self._keep_paying, args=(name, pay), name=f"dispatcher-{name}", daemon=True
            )
            thread.start()
            self._threads.append(thread)
        self.wake()

    def stop(self) -> None:
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            thread.join(timeout=10)

    def wake(self) -> None:
        for event in self._woken.values():
            event.set()

    def _keep_paying(self, name: str, pay: Callable[[bool], int]) -> None:
        while not self._stopping.is_set():
            poked = self._woken[name].wait(timeout=LOOK_AGAIN)
            self._woken[name].clear()
            try:
                # whatever comes after a batch that was not full brings a poke of its own
                while not self._stopping.is_set() and pay(poked) == BATCH:
                    pass
            except Exception:
                log.exception("The dispatcher could not pay its %s; it tries again.", name)
                self._stopping.wait(1)

    def sweep(self) -> None:
        """Pay everything that is due now; for the scheduled flow and for tests."""
        while self.send_mails():
            pass
        while self.start_runs():
            pass

    def send_mails(self, *, surely: bool = False) -> int:
        """Send one batch of due mails; how many were dealt with. ``surely``: somebody has just said that some are."""
        mails, claimed_at = self._claim_mails(surely=surely), time.monotonic()
        for mail, wanted in mails:
            try:
                self._send(mail, wanted=wanted if time.monotonic() - claimed_at < STILL_FRESH else None)
            except Exception as error:  # whatever it is, those claimed with it leave, and this one is tried again
                log.exception("Mail %s could not be sent.", mail.id)
                self._failed(mail.id, f"It could not be sent ({type(error).__name__}).", for_good=False)
        return len(mails)

    def _claim_mails(self, *, surely: bool) -> Sequence[tuple[OutgoingMail, bool | None]]:
        """Each with whether what it asks for is still open; None: to be looked up for that mail alone."""
        now = datetime.now(UTC)
        if not (surely and time.monotonic() < self._looked + LOOK_AGAIN) and not self._look(now):
            return []
        with self._transaction() as session:
            mails = session.exec(_TO_CLAIM, params={"now": now}).all()
            wanted = self._wanted_or_unknown(session, mails)
            for mail in mails:  # after all that is read: they go along with the commit
                write(session, _CLAIMED, {"mail": mail.id, "until": now + CLAIM, "place": self._place})
        return [(mail, None if wanted is None else mail.id in wanted) for mail in mails]

    def _look(self, now: datetime) -> bool:
        """Whether mails are due, those that a dead process holds among them: a look is cheap, a claim is not."""
        self._looked = time.monotonic()
        held = _WAITS.where(col(OutgoingMail.claimed_until) >= now, OutgoingMail.claimed_by != self._place)
        with reading(self._engine) as session:
            by_others = session.execute(held.with_only_columns(col(OutgoingMail.claimed_by)).distinct()).scalars()
            dead = {place for place in by_others if places.has_died(place)}
            if not dead:
                return session.execute(_IS_DUE, {"now": now}).first() is not None
        with self._transaction() as session:
            for mail in session.exec(held.where(col(OutgoingMail.claimed_by).in_(dead)).with_for_update()):
                mail.claimed_until = None
        return True

    def _wanted_or_unknown(self, session: Session, mails: Sequence[OutgoingMail]) -> set[UUID] | None:
        try:
            return self._still_wanted(session, mails)
        except Exception:  # it is asked again in ``_send``, where one of them holds up no other
            log.exception("Which mails are still wanted could not be told.")
            return None

    def _send(self, mail: OutgoingMail, *, wanted: bool | None) -> None:
        """``wanted``: whether what it asks for is still open; None: that, and what it says, are looked up again."""
        mail_id = mail.id
        if wanted is None:
            with reading(self._engine) as session:
                mail = session.get_one(OutgoingMail, mail_id)
                wanted = mail_id in self._still_wanted(session, [mail])
        if not wanted:
            self._drop(mail_id)
            return
        late = mail.created_at + PROMPTLY
        if (now := datetime.now(UTC)) > late:
            with self._transaction() as session:
                mail = session.get_one(OutgoingMail, mail_id)
                self._leaves(session, mail, now)
        try:
            self._mailer.send(self._composed(mail))
        except MailRefused as refused:
            self._failed(mail_id, str(refused), for_good=refused.permanent)
        except MailUnavailable as unavailable:
            self._failed(mail_id, str(unavailable), for_good=False)
        except Exception as error:  # a template or payload that cannot be rendered must not stop the others
            log.exception("Mail %s could not be composed.", mail_id)
            self._failed(mail_id, f"It could not be composed ({type(error).__name__}).", for_good=True)
        else:
            self._has_left(mail_id, late)

    def _has_left(self, mail_id: UUID, late: datetime) -> None:
        """It does not leave again because something went wrong with what follows from it."""
        at = datetime.now(UTC)
        try:
            self._mark_sent(mail_id, at=at, told=at > late)
        except Exception:
            if at <= late:
                raise
            log.exception("What follows from mail %s having left late could not be written.", mail_id)
            self._mark_sent(mail_id, at=at, told=False)

    def _mark_sent(self, mail_id: UUID, *, at: datetime, told: bool) -> None:
        sent = {"mail": mail_id, "now": at}
        if not told:
            write_alone(self._engine, _SENT, sent)
            return
        with self._transaction() as session:
            mail = session.get_one(OutgoingMail, mail_id, with_for_update=True)
            mail.sent_at = at
            self._leaves(session, mail, at)
            session.flush()
            write(session, _SENT, sent)

    def _drop(self, mail_id: UUID) -> None:
        with self._transaction() as session:
            mail = session.get_one(OutgoingMail, mail_id, with_for_update=True)
            mail.state, mail.sealed_link, mail.claimed_until = MailState.DROPPED, None, None

    def _composed(self, mail: OutgoingMail) -> EmailMessage:
        values = dict(mail.payload)
        values["to_name"] = mail.to_name
        if mail.sealed_link is not None:
            try:
                secret = self._vault.decrypt(mail.sealed_link).decode()
            except InvalidToken:
                raise RuntimeError("SIGNOFF_SECRET has changed since this mail was queued") from None
            # a code opens a link: the two never travel in one mail
            path = LINKS.get(mail.kind, "/t/")
            values |= {"code": secret} if mail.kind == "code" else {"link": f"{self._public_url}{path}{secret}"}
        else:
            values.setdefault("link", None)
        if values.get("page"):
            values["page"] = self._public_url + values["page"]
        message = compose(
            mail.kind,
            to=Address(mail.to_name, mail.to_email),
            reply_to=Address(mail.reply_to_name, mail.reply_to_email) if mail.reply_to_email else None,
            sender=Address(mail.sender_name, self._sender),
            reader=Reader(mail.locale, mail.timezone),
            values=values,
            message_id=f"<{mail.id}@{self._sender.rpartition('@')[2]}>",
        )
        if file := mail.payload.get("attachment"):
            attach(message, self._kept(file["key"]), name=file["file_name"])
        return message

    def _kept(self, key: str) -> bytes:
        try:
            return self._blobs().get(key)
        except StoreUnavailable as unavailable:
            raise MailUnavailable("The file that this mail carries cannot be read just now.") from unavailable

    def _failed(self, mail_id: UUID, why: str, *, for_good: bool) -> None:
        now = datetime.now(UTC)
        with self._transaction() as session:
            mail = session.get_one(OutgoingMail, mail_id, with_for_update=True)
            mail.failure, mail.claimed_until = why[:500], None
            if not for_good and now < mail.created_at + GIVE_UP_AFTER:
                mail.not_before = now + min(LONGEST_WAIT, timedelta(seconds=5 * 2 ** min(mail.attempts - 1, 12)))
                return
            mail.state, mail.sealed_link = MailState.FAILED, None
            if mail.kind != "mail_failed" and mail.reply_to_email:
                self._tell_sender(session, mail, now)

    def _tell_sender(self, session: Work, mail: OutgoingMail, now: datetime) -> None:
        locale, timezone = mail.payload.get("sender_reads", (mail.locale, mail.timezone))
        post(
            session,
            Letter(
                kind="mail_failed",
                to=Recipient(mail.reply_to_name, mail.reply_to_email, locale, timezone),
                process=mail.process,
                subject_id=mail.subject_id,
                sender_name=mail.sender_name,
                payload={
                    **dict.fromkeys(("title", "number", "version"), ""),  # of a mail about no document
                    **mail.payload,
                    "failed_kind": mail.kind,
                    "failed_name": mail.to_name,
                    "failed_email": mail.to_email,
                    "failure": mail.failure,
                    "page": f"/{mail.process}s/{mail.subject_id}" if mail.process in DEPLOYMENTS else None,
                },
            ),
            now=now,
        )

    def start_runs(self) -> int:
        """Start one batch of flow runs that are owed; how many were started."""
        if self._launcher is None or time.monotonic() < self._server_rests_until:
            return 0
        now = datetime.now(UTC)
        with reading(self._engine) as session:
            owed = session.exec(
                select(RunOwed)
                .where(col(RunOwed.launched) < col(RunOwed.sequence), col(RunOwed.not_before) <= now)
                .order_by(col(RunOwed.wanted_at))
                .limit(BATCH)
            ).all()
        started = 0
        for run in owed:
            if not self._launch(run):
                # one failure speaks for all: asking for each of many would slow down those who decide meanwhile
                self._server_rests_until = time.monotonic() + SERVER_RESTS
                break
            started += 1
        return started

    def _launch(self, run: RunOwed) -> bool:
        assert self._launcher is not None
        try:
            flow_run = self._launcher.launch(
                DEPLOYMENTS[run.process],
                parameters={f"{run.process}_id": str(run.subject_id)},
                idempotency_key=f"{run.process}:{run.subject_id}:{run.sequence}",
                name=f"{run.label}-{run.sequence}",
                tags=[run.label],
            )
        except LauncherUnavailable as unavailable:
            log.info("The flow of %s waits: %s", run.label, unavailable)
            self._put_off(run)
            return False
        with self._transaction() as session:
            row = session.get_one(RunOwed, (run.process, run.subject_id), with_for_update=True)
            row.launched = max(row.launched, run.sequence)
            row.launched_at, row.flow_run_id, row.attempts = datetime.now(UTC), UUID(flow_run), 0
        return True

    def _put_off(self, run: RunOwed) -> None:
        with self._transaction() as session:
            row = session.get_one(RunOwed, (run.process, run.subject_id), with_for_update=True)
            if row.sequence == run.sequence:
                row.attempts += 1
                row.not_before = datetime.now(UTC) + timedelta(
                    seconds=min(LONGEST_REST, 0.5 * 2 ** min(row.attempts, 8))
                )

    @contextmanager
    def _transaction(self) -> Iterator[Work]:
        with transaction(self._engine, stamp=_no_history, vault=self._vault) as session:
            yield session


def _no_history(_sha256: bytes) -> bytes:
    raise RuntimeError("What the dispatcher does enters no history here: upkeep tells of it.")

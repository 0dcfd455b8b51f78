"""One-time codes: what a link asks for above its route's limit, or on a device that its addressee has not used before.

Six digits go to the addressee's own mailbox, so that whoever was forwarded a link cannot act by it. They open the link
once, in one browser; five wrong ones lock it.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session, col, delete, select

from workflows.approvals.letters import letter, sender_of
from workflows.approvals.model import KnownDevice, Link, LinkCode, Purpose, Round, Task, TaskState
from workflows.approvals.publishing import route_of
from workflows.approvals.rates import rates_of
from workflows.approvals.route import Route, comparable
from workflows.approvals.rules import needs_code, why_not_follow
from workflows.audit.operations import record
from workflows.database import Work, add_missing, add_or_change
from workflows.errors import Forbidden, Gone, Refused, TooMany
from workflows.outbox import post
from workflows.parties.model import Person
from workflows.parties.operations import sha256_of_secret

CODE_LASTS = timedelta(minutes=10)
MOST_TRIES = 5
MOST_CODES = 5
CODES_WITHIN = timedelta(hours=1)
DEVICE_KEPT = timedelta(days=180)


class CodeNeeded(Forbidden):
    """The link opens nothing without a one-time code. HTTP: 403."""

    code = "code-needed"


class LinkLocked(Gone):
    """Too many wrong codes: the link opens nothing any more. HTTP: 410."""

    code = "link-locked"


def key_of(secret: str) -> bytes:
    """The key of the codes' hashes, from ``SIGNOFF_SECRET``."""
    return hmac.digest(secret.encode(), b"one-time codes of links", "sha256")


def insist_on_code(
    session: Session,
    link: Link,
    task: Task,
    round: Round,
    *,
    entered: bool,
    device: str | None,
    on_new_devices: bool,
    now: datetime,
) -> None:
    """Let a link open its document only where it needs no code, or one was entered in this browser. Changes nothing.

    A link that shows no document any more, since its task is done or it has run out, asks for none.
    ``device``: the secret of the browser's own cookie. ``on_new_devices``: codes are asked for there on any route.

    Raises:
        CodeNeeded: a code has to be entered first.
        LinkLocked: five wrong ones were.
    """
    opens = task.state is TaskState.OPEN or link.purpose is Purpose.READ
    if opens and link.dead_at is not None and is_locked(session, link):
        raise locked()
    if not opens or entered or why_not_follow(link, now=now):
        return
    known = not on_new_devices or is_known(session, task.person_id, device, now=now)
    route = route_of(session, round.route_id)
    amount = _amount(route, round) if route.links.code_above is not None else None
    if needs_code(route.links, amount, device_known=known):
        raise CodeNeeded(
            "This link asks for a one-time code first. POST /t/{token}/codes sends six digits to its addressee’s own"
            " mailbox; POST /t/{token}/pass with them as “code”, and keep the cookies of its answer."
        )


def locked() -> LinkLocked:
    return LinkLocked("A wrong code was entered %(times)s times, so this link is locked.", times=MOST_TRIES)


def _amount(route: Route, round: Round) -> Decimal | None:
    """In the route's currency, where the document has one."""
    facts = comparable(route, round.facts, rates_of(round.rates) if round.rates else None)
    amount = facts.get("amount")
    return None if amount in (None, "") else Decimal(str(amount))


def is_locked(session: Session, link: Link) -> bool:
    return session.exec(select(LinkCode.locked_at).where(LinkCode.link_id == link.id)).first() is not None


def is_known(session: Session, person_id: UUID, device: str | None, *, now: datetime) -> bool:
    """Whether this person has entered a code in this browser, and used it since within ``DEVICE_KEPT``."""
    if device is None:
        return False
    seen = session.exec(
        select(KnownDevice.last_seen).where(
            KnownDevice.person_id == person_id, KnownDevice.device_sha256 == sha256_of_secret(device)
        )
    ).first()
    return seen is not None and now < seen + DEVICE_KEPT


def waiting_until(session: Session, link: Link, *, now: datetime) -> datetime | None:
    """Until when the code that was sent last can be entered; None where there is none to enter."""
    codes = session.get(LinkCode, link.id)
    if codes is None or codes.code_hmac is None or codes.expires_at is None or codes.expires_at <= now:
        return None
    return codes.expires_at


def send_code(session: Work, link: Link, task: Task, round: Round, *, key: bytes, now: datetime) -> datetime:
    """Mail six digits to the addressee; the ones before are good for nothing from now on. Until when these are.

    Raises:
        LinkLocked: too many were wrong.
        TooMany: ``MOST_CODES`` were sent within ``CODES_WITHIN``.
    """
    codes = _codes_of(session, link)
    if codes.locked_at is not None:
        raise locked()
    if codes.sent_since is None or codes.sent_since + CODES_WITHIN <= now:
        codes.sent, codes.sent_since = 0, now
    if codes.sent >= MOST_CODES:
        wait = int((codes.sent_since + CODES_WITHIN - now).total_seconds()) + 1
        raise TooMany(
            "Enough codes were sent for now. Another one can be sent in %(minutes)s minutes.",
            retry_after=wait,
            minutes=-(-wait // 60),
        )
    digits = f"{secrets.randbelow(10**6):06d}"
    until = now + CODE_LASTS
    codes.sent += 1
    codes.code_hmac, codes.expires_at = _hash(key, link, digits), until
    person, values = session.get_one(Person, task.person_id), {"code_until": until.isoformat()}
    post(session, letter(round, "code", person, values, reply_to=sender_of(round), link=digits), now=now)
    record(session, "code_sent", round.process, round.subject_id, now=now, task=str(task.id), to=task.name)
    return until


def enter_code(
    session: Work, link: Link, task: Task, round: Round, typed: str, *, key: bytes, now: datetime
) -> int | None:
    """Take the code, once; None where it was right, else how many tries are left. A wrong one has to be committed.

    The last wrong one locks the link and tells whoever sent the document.

    Raises:
        LinkLocked: too many were wrong before.
        Refused: there is no code to enter, or this is no code at all; that counts as no try.
    """
    codes = _codes_of(session, link)
    if codes.locked_at is not None:
        raise locked()
    if codes.code_hmac is None or codes.expires_at is None or codes.expires_at <= now:
        raise Refused("There is no code to enter, or it has run out. Please have a new one sent.", field="code")
    digits = "".join(unicodedata.normalize("NFKC", typed[:40]).split()).replace("-", "")
    if not (len(digits) == 6 and digits.isdecimal() and digits.isascii()):
        raise Refused("A code has six digits.", field="code")
    if hmac.compare_digest(codes.code_hmac, _hash(key, link, digits)):
        codes.code_hmac, codes.tries = None, 0
        return None
    codes.tries += 1
    left = MOST_TRIES - codes.tries
    if left <= 0:
        _lock(session, codes, link, task, round, now=now)
    return max(left, 0)


def _lock(session: Work, codes: LinkCode, link: Link, task: Task, round: Round, *, now: datetime) -> None:
    codes.code_hmac, codes.locked_at = None, now
    link.dead_at = link.dead_at or now
    submitter = session.get_one(Person, round.submitter_id)
    post(
        session,
        letter(
            round,
            "link_locked",
            submitter,
            {
                "locked_name": task.name,
                "locked_email": task.email,
                "tries": MOST_TRIES,
                "reading": link.purpose is Purpose.READ,
                "page": f"/{round.process}s/{round.subject_id}",
            },
        ),
        now=now,
    )
    record(session, "link_locked", round.process, round.subject_id, now=now, task=str(task.id), to=task.name)


def remember_device(session: Work, person_id: UUID, device: str, *, now: datetime) -> None:
    """This browser is one of the person's own."""
    add_or_change(
        session,
        KnownDevice,
        {"person_id": person_id, "device_sha256": sha256_of_secret(device), "first_seen": now, "last_seen": now},
        lambda there, seen: {"last_seen": seen.last_seen},
    )


def forget_devices(session: Work, *, now: datetime) -> None:
    """Those that were not used for ``DEVICE_KEPT``."""
    session.exec(delete(KnownDevice).where(col(KnownDevice.last_seen) <= now - DEVICE_KEPT))


def _codes_of(session: Work, link: Link) -> LinkCode:
    """Locked: two tries at once count twice."""
    add_missing(session, LinkCode, [{"link_id": link.id, "tries": 0, "sent": 0}])
    return session.exec(
        select(LinkCode).where(LinkCode.link_id == link.id).with_for_update().execution_options(populate_existing=True)
    ).one()


def _hash(key: bytes, link: Link, digits: str) -> str:
    """With the link in it, so that a code opens no other one."""
    return hmac.new(key, f"{link.id}:{digits}".encode(), "sha256").hexdigest()

"""Release an invoice for payment, and have it leave for the payment system."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, func, select

from workflows.approvals.model import Round, Verdict
from workflows.approvals.operations import stages_of, tasks_of
from workflows.approvals.rules import standing_votes
from workflows.audit.operations import record
from workflows.columns import as_json, new_id
from workflows.database import Work, add_missing
from workflows.errors import Conflict, Forbidden, NotFound
from workflows.invoices.model import PROCESS, Invoice, InvoiceState
from workflows.invoices.payment_model import OrderState, PaymentOrder, PaymentRun, ReleasedNumber, Separation
from workflows.invoices.rules import Approvers, owed, why_not_hand_over, why_not_release
from workflows.leases import holders
from workflows.outbox import wake
from workflows.papers.operations import locked, newest_round, next_of, note_event, permission
from workflows.papers.queries import visible_to
from workflows.parties.model import PAYMENTS, Kind, Membership, Person
from workflows.parties.rules import Actor

MOST_IN_A_RUN = 5_000
LONGEST_WAIT = timedelta(hours=1)
MOST_ATTEMPTS = 80
"""In some three days. From then on it is posted again when somebody says so."""


def release(
    session: Work,
    invoice_id: UUID,
    *,
    by: Actor,
    now: datetime,
    visible: bool,
    separation: Separation = Separation.SOLE_APPROVER,
) -> Invoice:
    """Everybody has approved it: it may be paid, as it was approved, and leaves for the payment system. Twice is as
    once.

    Raises:
        Conflict: another one with its number, of its supplier and year, was released before.
    """
    round, invoice = locked(session, Invoice, invoice_id, visible=visible)
    if invoice.state in (InvoiceState.RELEASED, InvoiceState.PAID):
        return invoice
    if sentence := _refused(session, invoice, round, by, separation):
        raise Conflict(sentence) if sentence.startswith("Only an") else permission(sentence)
    _insist_on_first(session, invoice)
    invoice.enter(InvoiceState.RELEASED, now=now)
    invoice.released_at = now
    order = PaymentOrder(
        id=new_id(), invoice_id=invoice.id, organisation_id=invoice.organisation_id, said={}, created_at=now
    )
    order.said = order_of(order.id, invoice, by=by, now=now)
    session.add(order)
    note_event(
        session,
        "released",
        invoice,
        by=by,
        now=now,
        amount=as_json(invoice.payable),
        currency=invoice.currency,
        iban=invoice.iban,
        due_on=as_json(invoice.due_on),
    )
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice


def refusal_to_release(session: Session, invoice: Invoice, by: Actor, separation: Separation) -> str | None:
    """Why the actor may not release it just now."""
    return _refused(session, invoice, newest_round(session, invoice), by, separation)


def _refused(session: Session, invoice: Invoice, round: Round | None, by: Actor, separation: Separation) -> str | None:
    return why_not_release(
        by,
        invoice,
        has_payers=has_payers(session, invoice.organisation_id),
        approvers=_approvers(session, round) if round else Approvers(),
        separation=separation,
    )


def has_payers(session: Session, organisation_id: UUID | None) -> bool:
    """Whether somebody who is here has the role."""
    found = (
        select(Membership.id)
        .join(Person, col(Person.id) == col(Membership.person_id))
        .where(
            Membership.kind == Kind.ROLE,
            Membership.name == PAYMENTS,
            Person.organisation_id == organisation_id,
            col(Person.active),
        )
    )
    return session.exec(found.limit(1)).first() is not None


def _approvers(session: Session, round: Round) -> Approvers:
    """Of the votes that count."""
    tasks, deciders, stood_in_for = tasks_of(session, round.id), set(), set()
    for stage in stages_of(session, round.id):
        deciders |= {UUID(each) for each in stage.counted}
        for task in standing_votes(stage, tasks):
            if task.verdict is Verdict.APPROVE:
                deciders.add(task.person_id)
                if task.instead_of_id:
                    stood_in_for.add(task.instead_of_id)
    return Approvers(frozenset(deciders), frozenset(stood_in_for))


def _insist_on_first(session: Work, invoice: Invoice) -> None:
    """Two with one number that are released at once take their turn at the row that stands for it."""
    if not invoice.supplier_key or not invoice.supplier_number_key:
        return
    key = {
        "organisation_id": invoice.organisation_id,
        "supplier_key": invoice.supplier_key,
        "supplier_number_key": invoice.supplier_number_key,
        "year": invoice.issued_on.year if invoice.issued_on else 0,
        "kind": invoice.kind,
    }
    add_missing(session, ReleasedNumber, [{**key, "invoice_id": invoice.id}])
    first = session.exec(
        select(Invoice)
        .join(ReleasedNumber, col(ReleasedNumber.invoice_id) == col(Invoice.id))
        .where(*(getattr(ReleasedNumber, name) == value for name, value in key.items()))
    ).one()
    if first.id != invoice.id:
        raise Conflict(
            "%(number)s has the same number of the same supplier, and was released before.", number=first.number
        )


def order_of(order_id: UUID, invoice: Invoice, *, by: Actor, now: datetime) -> dict[str, Any]:
    """What the payment system is told. What a credit note gives back has a minus before it."""
    return {
        "id": str(order_id),
        "invoice_id": str(invoice.id),
        "number": invoice.number,
        "external_id": invoice.external_id or "",
        "kind": invoice.kind,
        "supplier": invoice.supplier,
        "supplier_id": invoice.supplier_id,
        "supplier_number": invoice.supplier_number,
        "issued_on": as_json(invoice.issued_on),
        "due_on": as_json(invoice.due_on),
        "currency": invoice.currency,
        "amount": f"{owed(invoice):f}",
        "iban": invoice.iban,
        "cost_center": invoice.cost_center,
        "order_number": invoice.order_number,
        "released_at": now.isoformat(timespec="milliseconds"),
        "released_by": by.name,
    }


def order_for(session: Session, invoice_id: UUID, *, lock: bool = False) -> PaymentOrder | None:
    """None before its release. ``lock``: until the transaction ends, and read anew."""
    found = select(PaymentOrder).where(PaymentOrder.invoice_id == invoice_id)
    return session.exec(found.with_for_update().execution_options(populate_existing=True) if lock else found).first()


def order_to_post(session: Work, invoice_id: UUID, *, now: datetime) -> PaymentOrder | None:
    """The order that waits, marked as being posted: no file takes it meanwhile. None where there is none."""
    order = order_for(session, invoice_id, lock=True)
    if order is None or order.state is not OrderState.WAITING:
        return None
    order.next_try = now
    return order


def note_posted(session: Work, invoice_id: UUID, failure: str, *, now: datetime) -> None:
    """Write down that the payment system has it; or why not (``failure``), and try again later."""
    order = order_for(session, invoice_id, lock=True)
    if order is None or order.state is OrderState.LEFT or (order.state is OrderState.DROPPED and failure):
        return
    order.attempts += 1
    order.failure = failure
    number = str(order.said["number"])
    if not failure:  # also where a payment was noted while it was posted: they have it
        order.state, order.left_at, order.next_try = OrderState.LEFT, now, None
        record(session, "posted_for_payment", PROCESS, invoice_id, now=now, attempts=order.attempts)
        return
    if order.attempts < MOST_ATTEMPTS:
        order.next_try = now + min(LONGEST_WAIT, timedelta(seconds=15 * 2 ** min(order.attempts - 1, 10)))
        wake(session, PROCESS, invoice_id, label=number, now=order.next_try)
    else:
        order.next_try = None


def make_run(session: Work, *, by: Actor, now: datetime) -> PaymentRun:
    """A file with all that was released and has not left: two at once share nothing. What is being posted just now, by
    a process that knows an address, is left out.

    Raises:
        Forbidden: to all but those who pay.
        Conflict: nothing waits.
    """
    insist_on_payer(session, by)
    waiting = session.exec(
        select(PaymentOrder)
        .where(PaymentOrder.organisation_id == by.organisation_id, PaymentOrder.state == OrderState.WAITING)
        .order_by(col(PaymentOrder.id))
        .limit(MOST_IN_A_RUN)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    tried = [order.invoice_id for order in waiting if order.next_try is not None]
    being_posted = holders(session, PROCESS, tried)
    orders = [order for order in waiting if order.invoice_id not in being_posted]
    if not orders or by.organisation_id is None:
        raise Conflict("Nothing waits for a payment file.")
    run = PaymentRun(
        number=next_of(session, "payment", "P", now.year),
        organisation_id=by.organisation_id,
        by_id=by.id,
        by=by.name,
        at=now,
        orders=len(orders),
    )
    session.add(run)
    session.flush()
    for order in orders:
        order.state, order.left_at, order.run_id, order.next_try = OrderState.LEFT, now, run.id, None
        invoice = session.get_one(Invoice, order.invoice_id)
        note_event(session, "in_payment_file", invoice, by=by, now=now, run=run.number)
    return run


def insist_on_payer(session: Session, by: Actor) -> None:
    """Raises Forbidden: to all but those who pay; administrators, while nobody has the role."""
    if sentence := why_not_hand_over(by, has_payers=has_payers(session, by.organisation_id)):
        raise Forbidden(sentence)


def runs(session: Session, by: Actor, *, limit: int = 50) -> Sequence[PaymentRun]:
    """Newest first."""
    found = select(PaymentRun).where(PaymentRun.organisation_id == by.organisation_id)
    return session.exec(found.order_by(col(PaymentRun.id).desc()).limit(limit)).all()


def to_release(session: Session, by: Actor, *, limit: int = 100) -> Sequence[Invoice]:
    """Approved by everybody, of their organisation; what is due first comes first."""
    found = visible_to(Invoice, by).where(
        Invoice.organisation_id == by.organisation_id, Invoice.state == InvoiceState.APPROVED
    )
    return session.exec(
        found.order_by(col(Invoice.due_on).is_(None), col(Invoice.due_on), col(Invoice.id)).limit(limit)
    ).all()


def count_to_release(session: Session, by: Actor) -> int:
    """How many approved invoices wait for them: all of their organisation, or as long as nobody has the role, an
    owner's own."""
    taken = has_payers(session, by.organisation_id)
    if why_not_hand_over(by, has_payers=taken) is None:
        whose = Invoice.organisation_id == by.organisation_id
    elif not taken:
        whose = Invoice.owner_id == by.id
    else:
        return 0
    waiting = select(func.count()).select_from(Invoice).where(whose, Invoice.state == InvoiceState.APPROVED)
    return session.exec(waiting).one()


def run_orders(session: Session, run_id: UUID, by: Actor) -> tuple[PaymentRun, Sequence[PaymentOrder]]:
    """Raises NotFound."""
    run = session.get(PaymentRun, run_id)
    if run is None or run.organisation_id != by.organisation_id:
        raise NotFound("There is no such payment file.")
    orders = select(PaymentOrder).where(PaymentOrder.run_id == run_id).order_by(col(PaymentOrder.id))
    return run, session.exec(orders).all()


def waiting_orders(
    session: Session, organisation_id: UUID | None, *, failed: bool = False, limit: int = 100
) -> Sequence[tuple[PaymentOrder, Invoice]]:
    """What was released and has not left. ``failed``: of those only what could not be sent."""
    found = (
        select(PaymentOrder, Invoice)
        .join(Invoice, col(Invoice.id) == col(PaymentOrder.invoice_id))
        .where(PaymentOrder.organisation_id == organisation_id, PaymentOrder.state == OrderState.WAITING)
    )
    if failed:
        found = found.where(PaymentOrder.failure != "")
    return session.exec(found.order_by(col(PaymentOrder.id)).limit(limit)).all()


def count_failed(session: Session, organisation_id: UUID | None) -> int:
    """How many wait that could not be posted."""
    return session.exec(
        select(func.count())
        .select_from(PaymentOrder)
        .where(
            PaymentOrder.organisation_id == organisation_id,
            PaymentOrder.state == OrderState.WAITING,
            PaymentOrder.failure != "",
        )
    ).one()


def send_anew(session: Work, order_id: UUID, *, by: Actor, now: datetime) -> None:
    """Have it posted once more, at once.

    Raises:
        Forbidden: to all but those who pay, and administrators.
        NotFound: it is not there, or has left.
    """
    if not by.administers:
        insist_on_payer(session, by)
    order = session.get(PaymentOrder, order_id, with_for_update=True)
    if order is None or order.organisation_id != by.organisation_id:
        raise NotFound("There is nothing at this address.")
    if order.state is OrderState.WAITING:
        order.attempts, order.next_try = 0, now
        wake(session, PROCESS, order.invoice_id, label=str(order.said["number"]), now=now)

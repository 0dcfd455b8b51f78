"""The steps of an invoice's life that are its own."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from workflows.approvals.model import Round
from workflows.database import Work
from workflows.errors import Refused
from workflows.invoices.model import Invoice, InvoiceState
from workflows.invoices.operations import follow_round, match_checked, send_on
from workflows.invoices.payment import note_posted, order_to_post
from workflows.invoices.webhook import Webhook
from workflows.papers.steps import Done, Ended, Life, Progress, Waiting, right_now
from workflows.runtime import Runtime


def send_where_possible(runtime: Runtime, invoice_id: UUID, *, now: datetime) -> Refused | None:
    """Match a checked invoice and send it on its route at once; why that could not be. What was received stays in any
    case, and how it was matched."""
    try:
        with runtime.transaction() as session:
            match_checked(session, invoice_id, now=now)
        with runtime.transaction() as session:
            send_on(session, invoice_id, now=now, link_days=runtime.settings.link_days)
    except Refused as refused:
        return refused
    return None


class InvoiceLife(Life):
    """One invoice on its way."""

    model = Invoice

    def follow(self, session: Work, round: Round) -> None:
        """Bring the invoice's state after its round's."""
        follow_round(session, round, right_now())

    def on_its_route(self) -> Progress:
        """Make sure that it has been sent on its route, where nothing keeps it."""
        refused = send_where_possible(self.runtime, self.paper_id, now=right_now())
        match self._state():
            case InvoiceState.RECEIVED:
                return Waiting("corrections")
            case InvoiceState.CHECKED | InvoiceState.MATCHED:
                return Waiting(str(refused) if refused else "its route")
            case InvoiceState.DISPUTED:
                return Waiting("its supplier")
            case InvoiceState.RETURNED:
                return Waiting("its owner")
            case InvoiceState.REJECTED | InvoiceState.WITHDRAWN as ended:
                return Ended(ended.value)
            case _:
                return Done()

    def payment(self) -> Progress:
        """Make sure that the payment system has what is released; ends when it is paid."""
        match self._state():
            case InvoiceState.PAID:
                return Done()
            case InvoiceState.RELEASED:
                return self._to_payment_system()
            case _:
                return Waiting("its release")

    def _to_payment_system(self) -> Progress:
        """Make sure that the payment system has it, where it is posted there. Whoever dies after it was posted and
        before that is written down leaves it to be posted again, under the same id."""
        post = self.runtime.settings.payment_url
        if not post:
            return Waiting("its payment")
        with self.runtime.transaction() as session:
            self.check(session)
            order = order_to_post(session, self.paper_id, now=right_now())
        if order is None:
            return Waiting("its payment")
        failure = self._hook().send(order.id, order.said, now=right_now())
        with self.runtime.transaction() as session:
            self.check(session)
            note_posted(session, self.paper_id, failure, now=right_now())
        return Waiting(f"the payment system: {failure}" if failure else "its payment")

    def _hook(self) -> Webhook:
        settings = self.runtime.settings
        return Webhook(
            settings.payment_url, settings.payment_secret.get_secret_value(), private=settings.payment_private
        )

    def _state(self) -> InvoiceState:
        with self.runtime.reading() as session:
            return session.get_one(Invoice, self.paper_id).state

"""A corrected file in the place of the one before."""

from __future__ import annotations

from dataclasses import replace as changed
from datetime import datetime
from uuid import UUID

from workflows.approvals.model import RoundState
from workflows.approvals.operations import end_round
from workflows.columns import as_json
from workflows.database import Work
from workflows.discussions.model import Attachment, Comment
from workflows.errors import Conflict
from workflows.invoices.model import PROCESS, Invoice
from workflows.invoices.operations import CORRECTED, findings_told, index
from workflows.invoices.readings import take_down
from workflows.invoices.received import Received
from workflows.invoices.rules import why_not_hand_in
from workflows.outbox import wake
from workflows.papers.operations import add_version, locked, note_event, permission, version_of
from workflows.parties.rules import Actor


def replace(
    session: Work,
    invoice_id: UUID,
    taken: Received,
    *,
    note: str,
    out_of: tuple[Attachment, Comment] | None = None,
    by: Actor,
    now: datetime,
    visible: bool,
) -> Invoice:
    """Hand in a new version: open links to the one before are void. ``send_on`` sends it on its route anew.

    The cost centre stays where the new file names none: it may have been given beside the one before. ``out_of``: the
    comment's file that the document is, such as of a supplier's answer.

    Raises:
        NotFound: there is no such invoice, or the actor may not see it.
        Forbidden: to all but its owner and their administrators.
        Conflict: it is approved, or over, or this is the very file that is there.
    """
    going, invoice = locked(session, Invoice, invoice_id, visible=visible)
    if sentence := why_not_hand_in(by, invoice):
        raise permission(sentence)
    if version_of(session, invoice).sha256 == taken.document.original.sha256:
        raise Conflict("This is the very file that is there already; nothing was changed.", field="file")
    if going is not None and going.state is RoundState.OPEN:
        end_round(session, going, RoundState.REPLACED, now=now)
    before = {name: as_json(getattr(invoice, name)) for name in CORRECTED}
    invoice.current_version += 1
    invoice.note = note.strip()[:2000]
    version = add_version(session, invoice, taken.document, note=invoice.note, by=by, now=now)
    said = changed(taken.invoice, accounting=taken.invoice.accounting or invoice.cost_center)
    take_down(session, invoice, said, taken.findings, version, reason="", by=by, now=now)
    after = {name: as_json(getattr(invoice, name)) for name in CORRECTED}
    note_event(
        session,
        "replaced",
        invoice,
        by=by,
        now=now,
        version=version.number,
        version_sha256=version.sha256,
        note=version.note,
        **(_origin(*out_of) if out_of else {}),
        changes={name: [before[name], after[name]] for name in CORRECTED if before[name] != after[name]},
        currency=invoice.currency,
        **findings_told(invoice),
    )
    session.flush()
    index(session, invoice)
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice


def _origin(file: Attachment, comment: Comment) -> dict[str, str]:
    return {"of": comment.author, "file_name": file.file_name, "comment_id": str(comment.id)}

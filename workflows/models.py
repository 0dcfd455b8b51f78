"""Every table, in one place, for migrations."""

import workflows.approvals.model
import workflows.audit.model
import workflows.contracts.model
import workflows.discussions.model
import workflows.exports.model
import workflows.idempotency
import workflows.inventory.model
import workflows.invoices.model
import workflows.invoices.payment_model
import workflows.leases
import workflows.orders.model
import workflows.outbox
import workflows.papers.model
import workflows.parties.model
import workflows.sendings.model
import workflows.signatures.model

__all__ = ["workflows"]

"""The API below ``/api``."""

from fastapi import APIRouter
from starlette.routing import Match
from starlette.types import Scope

from api.rest import (
    boards,
    comparisons,
    contracts,
    cost_centers,
    decisions,
    discussions,
    exports,
    handing_over,
    incoming_mails,
    invoice_answers,
    invoice_payments,
    invoice_suggestions,
    invoice_versions,
    invoices,
    machines,
    matches,
    orders,
    payments,
    people,
    rates,
    rounds,
    routes,
    sendings,
    spending,
    spreadsheets,
    statements,
    tasks,
    verifications,
)


class _BelowApi(APIRouter):
    """Looked through for its own addresses only: pages need not be compared with each call that there is."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        below = scope["path"].removeprefix(scope.get("root_path", "")).startswith(f"{self.prefix}/")
        return super().matches(scope) if below else (Match.NONE, {})


router = _BelowApi(prefix="/api")
for part in (
    tasks,  # first, as addresses are tried one after the other, and decisions are what there is most of
    boards,
    contracts,
    cost_centers,
    invoices,
    spreadsheets,
    statements,
    spending,
    invoice_payments,
    invoice_suggestions,
    invoice_versions,
    invoice_answers,
    incoming_mails,
    exports,
    comparisons,
    decisions,
    discussions,
    handing_over,
    sendings,
    routes,
    rounds,
    payments,
    people,
    rates,
    matches,
    orders,
    machines,
    verifications,
):
    router.include_router(part.router)

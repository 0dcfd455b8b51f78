"""The API below ``/api``."""

from fastapi import APIRouter

from api.rest import (
    boards,
    comparisons,
    contracts,
    cost_centers,
    decisions,
    discussions,
    handing_over,
    invoice_versions,
    invoices,
    machines,
    matches,
    orders,
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

router = APIRouter(prefix="/api")
for part in (
    boards,
    contracts,
    cost_centers,
    invoices,
    spreadsheets,
    statements,
    spending,
    invoice_versions,
    comparisons,
    decisions,
    discussions,
    handing_over,
    sendings,
    tasks,
    routes,
    rounds,
    people,
    rates,
    matches,
    orders,
    machines,
    verifications,
):
    router.include_router(part.router)

"""The API below ``/api``."""

from fastapi import APIRouter

from api.rest import comparisons, contracts, discussions, routes, tasks, verifications

router = APIRouter(prefix="/api")
for part in (contracts, comparisons, discussions, tasks, routes, verifications):
    router.include_router(part.router)

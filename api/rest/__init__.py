"""The API below ``/api``."""

from fastapi import APIRouter

from api.rest import comparisons, contracts, routes, tasks, verifications

router = APIRouter(prefix="/api")
for part in (contracts, comparisons, tasks, routes, verifications):
    router.include_router(part.router)

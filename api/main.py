"""The application: JSON, pages and mailbox over one runtime."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy import text

import api.errors
from api import housekeeping
from api.dependencies import utc_now
from api.guard import Guard
from api.pages import ROUTERS as PAGES
from api.pages.codes import code_asked_for
from api.rest import ROUTERS as CALLS
from documents import intake
from workflows.approvals.codes import CodeNeeded, LinkLocked
from workflows.composition import compose
from workflows.errors import NotFound
from workflows.runtime import Runtime
from workflows.schema import is_current, migrate_apart
from workflows.settings import Settings

log = logging.getLogger(__name__)


def create_app(settings: Settings | None = None, runtime: Runtime | None = None) -> FastAPI:
    settings = settings or (runtime.settings if runtime else Settings())

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request to Prefect says nothing
        engine = runtime or _start(settings)
        app.state.runtime = engine
        if runtime is None:
            intake.warm_up()
            threading.Thread(target=_warm_up, args=(engine,), name="warm-up", daemon=True).start()
        yield

    app = FastAPI(
        title="Signoff",
        version="0.1.0",
        summary="Route a document to the people who must agree, sign and seal it, keep every version.",
        description=(
            "Send `Authorization: Bearer so_…`. Every refusal is `application/problem+json` and means that nothing was "
            "changed. `Idempotency-Key` on a POST that creates: the same request again gives the first answer again."
        ),
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.settings = settings
    app.state.clock = utc_now
    api.errors.install(app)
    for refused in (CodeNeeded, LinkLocked):
        app.add_exception_handler(refused, code_asked_for)

    app.add_middleware(Guard, settings=settings)

    @app.get("/health", tags=["operation"], summary="Alive")
    def health() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/ready", tags=["operation"], summary="Able to serve: database, migrations, documents")
    def ready(request: Request) -> JSONResponse:
        engine: Runtime = request.app.state.runtime
        parts = {
            "database": _works(lambda: _ask(engine)),
            "migrations": _works(lambda: _insist(is_current(engine.engine))),
            "documents": _works(engine.blobs.check),
        }
        able = all(state == "ok" for state in parts.values())
        return JSONResponse({"status": "ready" if able else "not ready", **parts}, status_code=200 if able else 503)

    @app.get("/authority/{name}", tags=["operation"], summary="Certificates and revocation lists, for validators")
    def authority(name: str, request: Request) -> Response:
        published = request.app.state.runtime.authority.published()
        if name not in published:
            raise NotFound("There is nothing at this address.")
        kind = "application/pkix-crl" if name.endswith(".crl") else "application/pkix-cert"
        return Response(published[name], media_type=kind, headers={"Cache-Control": "max-age=3600"})

    # in one row: `include_router` would keep each route twice, make it anew for each application, and look for it twice
    for router in (*CALLS, *PAGES):
        app.router.routes.extend(router.routes)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    return app


def _warm_up(engine: Runtime) -> None:
    engine.signer.warm_up()
    # All that is here now stays: the collector need not go through it again and again, while somebody waits.
    gc.collect()
    gc.freeze()


def _start(settings: Settings) -> Runtime:
    settings.insist_on_production_values()
    engine = compose(settings)
    if not is_current(engine.engine):
        migrate_apart(settings.database)
    with engine.transaction() as session:
        housekeeping.prepare(session)
    return engine


def _ask(engine: Runtime) -> None:
    with engine.engine.execution_options(reading=True).connect() as connection:
        connection.execute(text("select 1"))


def _insist(current: bool) -> None:
    if not current:
        raise RuntimeError("The database needs `signoff migrate`.")


def _works(check: Any) -> str:
    try:
        check()
    except Exception as error:  # noqa: BLE001  # whatever is wrong with a part, the answer names it
        log.warning("Not ready: %s", error)
        return str(error) if isinstance(error, RuntimeError) else f"cannot be reached ({type(error).__name__})"
    return "ok"

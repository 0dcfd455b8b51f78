"""The peer of a decision: an endpoint that only updates a row and inserts two, in one transaction."""

from __future__ import annotations

import os
from typing import Annotated
from uuid import uuid4

from fastapi import Body, FastAPI
from sqlalchemy import text

from workflows.database import open_engine


def create_app() -> FastAPI:
    app = FastAPI()
    engine = open_engine(os.environ["BENCH_DATABASE_URL"])

    @app.get("/health")
    def health() -> str:
        return "alive"

    @app.post("/decide", status_code=201)
    def decide(id: Annotated[int, Body(embed=True)]) -> str:
        with engine.begin() as connection:
            connection.execute(text("update bench_task set state = 'decided' where id = :id"), {"id": id})
            connection.execute(
                text("insert into bench_decision values (:key, :id, 'approve')"), {"key": str(uuid4()), "id": id}
            )
            connection.execute(text("insert into bench_mail values (:key, 'a mail')"), {"key": str(uuid4())})
        return "recorded"

    return app

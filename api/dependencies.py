"""What endpoints are handed: the runtime, a transaction, the time, and who acts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlmodel import Session

from workflows.database import Work
from workflows.errors import Forbidden, SignIn
from workflows.parties.operations import actor, note_use, program_by_token
from workflows.parties.queries import web_session
from workflows.parties.rules import Actor, Scope, why_not_administer, why_not_scope
from workflows.runtime import Runtime

SESSION_COOKIE = "signoff_session"


def get_runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


async def get_engine(request: Request) -> Runtime:
    # async, as all that never waits: a plain function would be sent to another thread
    return get_runtime(request)


Engine = Annotated[Runtime, Depends(get_engine)]


def get_transaction(runtime: Engine) -> Iterator[Work]:
    with runtime.transaction() as session:
        yield session


# "function" scope commits before the response leaves: whoever reads 201 can read the row, and a failed commit is no 201
Transaction = Annotated[Work, Depends(get_transaction, scope="function")]


def get_reading(runtime: Engine) -> Iterator[Session]:
    with runtime.reading() as session:
        yield session


Reading = Annotated[Session, Depends(get_reading, scope="function")]


def utc_now() -> datetime:
    return datetime.now(UTC)


async def get_now(request: Request) -> datetime:
    now: datetime = request.app.state.clock()
    return now


Now = Annotated[datetime, Depends(get_now)]


@dataclass(frozen=True)
class Caller:
    """Whoever the bearer token or the browser's cookie of a request stands for, not looked up yet.

    A cookie alone only reads: what changes something over the API takes a token, which no other site can send.
    """

    runtime: Runtime
    request: Request
    now: datetime

    def actor(self) -> Actor:
        """Raises SignIn where the request stands for nobody."""
        scheme, _, secret = self.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and secret:
            return _by_token(self.runtime, secret.strip(), self.now)
        with self.runtime.reading() as session:
            cookie = self.request.cookies.get(SESSION_COOKIE)
            reads = self.request.method in ("GET", "HEAD")
            if cookie and reads and (found := web_session(session, cookie, now=self.now)):
                return actor(session, found[1], via="page")
        raise SignIn("Send a bearer token, or sign in.")

    def allowed(self, scope: Scope) -> Actor:
        """The actor, where their token has the scope.

        Raises:
            SignIn: the request stands for nobody.
            Forbidden: the token has not.
        """
        actor = self.actor()
        insist_on_scope(actor, scope)
        return actor


async def get_caller(request: Request, runtime: Engine, now: Now) -> Caller:
    return Caller(runtime, request, now)


WhoCalls = Annotated[Caller, Depends(get_caller)]
"""For an endpoint that is called so often that it looks them up itself, on the thread that it works on."""


def get_actor(caller: WhoCalls) -> Actor:
    return caller.actor()


def insist_on_scope(actor: Actor, scope: Scope) -> None:
    if sentence := why_not_scope(actor, scope):
        raise Forbidden(sentence, scope=scope.value)


def _by_token(runtime: Runtime, secret: str, now: datetime) -> Actor:
    with runtime.reading(at_once=True) as session:
        program = program_by_token(session, secret, now=now)
    if program.use_to_note:
        with runtime.transaction() as session:
            note_use(session, program.token_id, now=now)
    return program.actor


CurrentActor = Annotated[Actor, Depends(get_actor)]


class Allowed:
    """The actor, where their token has the scope. ``administers``: and where they are an administrator."""

    def __init__(self, scope: Scope, *, administers: bool = False) -> None:
        self.scope, self.administers = scope, administers

    async def __call__(self, current: CurrentActor) -> Actor:
        insist_on_scope(current, self.scope)
        if self.administers and (sentence := why_not_administer(current)):
            raise Forbidden(sentence)
        return current


class AllowedOnPaper:
    """The actor, where their token has the scope for the kind of paper that the address names first below ``/api``."""

    def __init__(self, what: str) -> None:
        self.what = what

    async def __call__(self, request: Request, current: CurrentActor) -> Actor:
        insist_on_scope(current, Scope(f"{request.url.path.split('/')[2]}:{self.what}"))
        return current


ReadsPapers = Annotated[Actor, Depends(AllowedOnPaper("read"))]
WritesPapers = Annotated[Actor, Depends(AllowedOnPaper("write"))]
ReadsContracts = Annotated[Actor, Depends(Allowed(Scope.CONTRACTS_READ))]
WritesContracts = Annotated[Actor, Depends(Allowed(Scope.CONTRACTS_WRITE))]
ReadsOrders = Annotated[Actor, Depends(Allowed(Scope.ORDERS_READ))]
WritesOrders = Annotated[Actor, Depends(Allowed(Scope.ORDERS_WRITE))]
ReadsMachines = Annotated[Actor, Depends(Allowed(Scope.INVENTORY_READ))]
WritesMachines = Annotated[Actor, Depends(Allowed(Scope.INVENTORY_WRITE))]
ReadsInvoices = Annotated[Actor, Depends(Allowed(Scope.INVOICES_READ))]
WritesInvoices = Annotated[Actor, Depends(Allowed(Scope.INVOICES_WRITE))]
ReadsTasks = Annotated[Actor, Depends(Allowed(Scope.TASKS_READ))]
Decides = Annotated[Actor, Depends(Allowed(Scope.TASKS_DECIDE))]
Verifies = Annotated[Actor, Depends(Allowed(Scope.VERIFY))]
ReadsBoards = Annotated[Actor, Depends(Allowed(Scope.BOARDS_READ, administers=True))]
Administrator = Annotated[Actor, Depends(Allowed(Scope.ROUTES_WRITE, administers=True))]

"""What happens before the reader's eyes when Signoff is started for the first time."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workflows.settings import Settings

if TYPE_CHECKING:  # the supervisor imports this module, and must stay small
    from rich.console import Console

    from workflows.runtime import Runtime

MARK = "first-start-done"


def first_start(settings: Settings, *, sample: bool) -> None:
    """Called once the portal answers: the first administrator, the sample's whole life, and where to look."""
    # a process of its own: the supervisor stays small, and a failing sample stops nothing
    subprocess.run(
        [sys.executable, "-m", "api.first_start", *(["--sample"] if sample else [])],
        stdin=subprocess.DEVNULL,
        check=False,
    )


def main(*, sample: bool) -> None:
    import httpx
    from rich.console import Console

    from api.demo import house, leave_waiting, perform
    from api.demo_people import Off
    from workflows.composition import compose

    settings = Settings()
    runtime = compose(settings)
    console = Console(highlight=False)
    shows = sample and settings.embedded_mail
    password = administrator(runtime, organisation=house(settings) if shows else settings.organisation)
    mark = settings.home / MARK
    if shows and not mark.exists():
        try:
            perform(console, file=None, output=settings.home / "demo", locale=settings.locale)
            leave_waiting(runtime, settings)
            mark.write_text(datetime.now(UTC).isoformat())
        except (Off, httpx.HTTPError) as off:
            console.print(f"[red]The sample did not come to its end:[/red] {off}", soft_wrap=True)
    where_to_look(console, settings, password)


def administrator(runtime: Runtime, *, organisation: str) -> str | None:
    """Make the first administrator where there is none; their new password, or None.

    ``organisation``: the sample's own, so that it can be looked at in the portal.
    """
    from sqlmodel import select

    from workflows.parties.model import ADMINISTRATOR, Membership, Person
    from workflows.parties.operations import found_organisation, register, set_password

    email = f"admin@{ADMINISTRATORS_DOMAIN}"
    now = datetime.now(UTC)
    settings = runtime.settings
    with runtime.transaction() as session:
        known = session.exec(select(Person).where(Person.email == email)).first()
        others = session.exec(select(Membership.id).where(Membership.name == ADMINISTRATOR).limit(1)).first()
        password = secrets.token_urlsafe(9)
        if known is not None:
            if settings.environment.value == "production":
                return None
            # in development every start has a fresh password, printed below: none is kept anywhere
            set_password(session, known.id, password)
            return password
        if others is not None:
            return None
        register(
            session,
            name="Administrator",
            email=email,
            now=now,
            organisation=found_organisation(session, organisation, now=now),
            password=password,
            roles=(ADMINISTRATOR,),
            locale=settings.locale,
            timezone=settings.timezone,
        )
        return password


ADMINISTRATORS_DOMAIN = "signoff.example"


def where_to_look(console: Console, settings: Settings, password: str | None) -> None:
    say = console.print
    say(f"\n[bold]Signoff is running.[/bold] Portal: {settings.public_url}", soft_wrap=True)
    if password:
        say(f"  Sign in as admin@{ADMINISTRATORS_DOMAIN}, password [bold]{password}[/bold] (made for this start).")
    if settings.embedded_mail:
        waits = " — a contract and an invoice wait there for your own click" if (settings.home / MARK).exists() else ""
        say(f"  Mailbox: {settings.public_url}/mailbox{waits}.", soft_wrap=True)
    if settings.embedded_prefect:
        say(f"  Prefect: http://127.0.0.1:{settings.prefect_server_port}", soft_wrap=True)
    sealed = sorted((settings.home / "demo").glob("*-sealed.pdf"))
    if sealed:
        say(f"  Sealed file: {sealed[-1].resolve()}", soft_wrap=True)
    say("  Ctrl-C ends everything.")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main(sample="--sample" in sys.argv)

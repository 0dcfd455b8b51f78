"""The command line: ``signoff``."""

from __future__ import annotations

import json
import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from workflows.errors import Refused

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Signoff: contracts routed, signed and sealed.",
    pretty_exceptions_enable=False,
)
contracts = typer.Typer(no_args_is_help=True, help="Send and list contracts.")
invoices = typer.Typer(no_args_is_help=True, help="Read invoices, hand them in.")
routes = typer.Typer(no_args_is_help=True, help="Check and publish approval routes.")
rates = typer.Typer(no_args_is_help=True, help="Exchange rates by which routes compare amounts.")
orders = typer.Typer(no_args_is_help=True, help="Orders that invoices are held against.")
machines = typer.Typer(no_args_is_help=True, help="Machines that invoices are held against.")
audit = typer.Typer(no_args_is_help=True, help="Check the history.")
users = typer.Typer(no_args_is_help=True, help="People with an account.")
tokens = typer.Typer(no_args_is_help=True, help="Tokens with which programs act for a person.")
for name, part in (
    ("contracts", contracts),
    ("invoices", invoices),
    ("routes", routes),
    ("rates", rates),
    ("orders", orders),
    ("machines", machines),
    ("audit", audit),
    ("users", users),
    ("tokens", tokens),
):
    app.add_typer(part, name=name)

console = Console(highlight=False)
err = Console(stderr=True, highlight=False)

By = Annotated[str, typer.Option("--by", help="Address of the person who acts.")]


def main() -> None:
    """Run a command; a refusal is a sentence and exit status 1."""
    try:
        app()
    except Exception as error:
        if (lines := _refusal(error)) is None:
            raise
        for line in lines:
            err.print(line, style="red", markup=False)
        sys.exit(1)


def _refusal(error: Exception) -> list[str] | None:
    """The sentences of a refusal; None for what is our own fault."""
    from pydantic import ValidationError

    from signing.errors import SigningError
    from workflows.approvals.route import RouteRefused
    from workflows.settings import Settings, UnsafeSettings, sentences_of

    match error:
        case ValidationError(title=Settings.__name__):
            return sentences_of(error)
        case RouteRefused(findings=findings):
            return [f"line {finding.line}: {finding}" for finding in findings]
        case Refused() | UnsafeSettings() | SigningError():
            return [str(error)]
        case _:
            return None


@app.command()
def serve(
    sample: Annotated[
        bool, typer.Option(help="On the first start, perform the main job on a sample before your eyes.")
    ] = True,
) -> None:
    """Start everything: the portal, the mailbox, Prefect's server and a worker. Ctrl-C ends all of it."""
    from workflows.settings import Settings

    Settings().insist_on_production_values()
    # what it becomes stays in memory for as long as Signoff runs: it goes on without what reads commands
    process = [sys.executable, "-m", "api.serving", *(["--sample"] if sample else [])]
    os.execv(sys.executable, process)  # noqa: S606  (itself)


@app.command()
def worker() -> None:
    """Carry out flow runs from the work pool; on as many machines as you like."""
    from workflows.processes import become_worker
    from workflows.settings import Settings

    become_worker(Settings().insist_on_production_values())


@app.command()
def migrate() -> None:
    """Bring the database to the newest shape, and prepare it where it is new."""
    from api.housekeeping import prepare
    from workflows.schema import migrate as run

    runtime = _runtime(ready=False)
    run(runtime.settings.database)
    with runtime.transaction() as session:
        prepare(session)
    console.print("The database has the newest shape.")


@app.command()
def demo(
    url: Annotated[str, typer.Option(help="A running Signoff with the embedded mailbox.")] = "",
    own_system: Annotated[
        bool, typer.Option("--own-system", help="Start a system of its own on free ports, and stop it afterwards.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one object with the paths, hashes and times.")] = False,
    file: Annotated[Path | None, typer.Option(help="A PDF of yours instead of the sample.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for the sealed file, the original and the trust anchor.")
    ] = None,
    locale: Annotated[str, typer.Option(help="en or ko.")] = "en",
) -> None:
    """Drive a contract and an invoice through their lives, over HTTP and SMTP, and verify the sealed file."""
    from api.demo import run

    sys.exit(run(url=url, own_system=own_system, as_json=as_json, file=file, output=output, locale=locale))


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A sealed PDF.")],
    trust: Annotated[Path | None, typer.Option(help="The root certificate (PEM); this system's own otherwise.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Say what a sealed PDF proves. Exit status 0 only when it is exactly what was sealed."""
    from api.verification_report import print_report
    from documents.intake import ORDINARY
    from workflows.runtime import read_trust_anchors
    from workflows.settings import Settings
    from workflows.signatures.verification import verify as check

    own = () if trust else (_authority().trust_anchor_pem, *read_trust_anchors(Settings().trust_anchors))
    report = check(file.read_bytes(), [trust.read_bytes()] if trust else own, limits=ORDINARY)
    if as_json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=2, default=str))
    else:
        print_report(console, report, file.name)
    sys.exit(0 if report.verdict == "sealed" else 1)


@contracts.command("send")
def send(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    by: By,
    title: Annotated[str, typer.Option()] = "",
    kind: Annotated[str, typer.Option()] = "other",
    amount: Annotated[str, typer.Option(help="A decimal number, such as 84600.00.")] = "",
    currency: Annotated[str, typer.Option()] = "",
    counterparty: Annotated[str, typer.Option()] = "",
    contact: Annotated[str, typer.Option(help="Address at the counterparty that is warned before the end.")] = "",
    starts_on: Annotated[str, typer.Option()] = "",
    ends_on: Annotated[str, typer.Option()] = "",
    notice_days: Annotated[str, typer.Option()] = "",
    signer: Annotated[
        list[str] | None, typer.Option(help='"Name <address>", once for each signer, in their order.')
    ] = None,
    route: Annotated[str, typer.Option()] = "",
    note: Annotated[str, typer.Option()] = "",
) -> None:
    """Hand in a contract and send it on its route."""
    from email.utils import parseaddr

    from workflows.contracts.operations import submit
    from workflows.contracts.rules import checked
    from workflows.papers.intake import take_in

    runtime = _runtime()
    signers = [dict(zip(("name", "email"), parseaddr(each), strict=True)) for each in signer or []]
    draft = checked(
        title=title or file.stem,
        kind=kind,
        amount=amount,
        currency=currency,
        counterparty=counterparty,
        contact_email=contact,
        starts_on=starts_on,
        ends_on=ends_on,
        notice_days=notice_days,
        signers=signers,
        route=route,
        note=note,
    )
    document = take_in(file.read_bytes(), file_name=file.name, blobs=runtime.blobs, limits=runtime.intake_limits)
    with runtime.transaction() as session:
        contract = submit(
            session, draft, document, by=_actor(session, by), now=_now(), link_days=runtime.settings.link_days
        )
        number, page = contract.number, f"{runtime.settings.public_url}/contracts/{contract.id}"
    runtime.dispatcher.sweep()
    console.print(f"{number} is on its way: {page}", soft_wrap=True)


@contracts.command("list")
def list_(
    by: By,
    q: Annotated[str, typer.Option(help="Words to search for.")] = "",
    state: Annotated[str, typer.Option(help="A state, or needs_me, waiting, expiring, in_force, rejected.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
) -> None:
    """The contracts that somebody may see, newest first."""
    from documents.amounts import amount
    from workflows.contracts.queries import listed

    runtime = _runtime()
    table = Table("Number", "Title", "State", "With", "Amount", "Ends", box=None, pad_edge=False)
    with runtime.reading() as session:
        page = listed(session, _actor(session, by), q=q, state=state, today=_now().date(), limit=limit)
        for each in page.papers:
            worth = amount(each.amount, each.currency) if each.amount is not None else ""
            table.add_row(
                each.number,
                each.title,
                each.state.value.replace("_", " "),
                each.counterparty,
                worth,
                str(each.ends_on or ""),
            )
    console.print(table if page.papers else "Nothing fits.")


@invoices.command("send")
def send_invoices(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
    by: By,
    cost_center: Annotated[str, typer.Option(help="Also where a file names another.")] = "",
    route: Annotated[str, typer.Option(help="Name of a route; the first that fits otherwise.")] = "",
    note: Annotated[str, typer.Option(help="A sentence for those who are asked.")] = "",
) -> None:
    """Hand in invoices, each on its route where nothing keeps it. Exit status 1 when a file is refused."""
    from workflows.invoices.intake import take_in_by_settings
    from workflows.invoices.operations import receive
    from workflows.invoices.steps import send_where_possible

    runtime, refused = _runtime(), False
    for file in files:
        try:
            taken = take_in_by_settings(runtime, file.read_bytes(), file_name=file.name)
            with runtime.transaction() as session:
                invoice = receive(
                    session,
                    taken.document,
                    taken.invoice,
                    taken.findings,
                    cost_center=cost_center,
                    route=route,
                    note=note,
                    by=_actor(session, by),
                    now=_now(),
                )
                number, invoice_id, blocked = invoice.number, invoice.id, invoice.blocked
        except Refused as reason:
            refused = True
            err.print(f"{file.name}: {reason}", style="red", markup=False)
            continue
        kept = send_where_possible(runtime, invoice_id, now=_now())
        where = f"{runtime.settings.public_url}/invoices/{invoice_id}"
        waits = str(kept) if kept else "it cannot be decided on yet" if blocked else ""
        console.print(f"{number} is received{f', and waits: {waits}' if waits else ''}: {where}", soft_wrap=True)
    runtime.dispatcher.sweep()
    sys.exit(1 if refused else 0)


@invoices.command("cost-centers")
def load_cost_centers(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV with the columns code, name and owner.")
    ],
    by: By,
) -> None:
    """Add cost centres, or change them; the owner is an address."""
    import csv

    from workflows.invoices.cost_centers import keep_cost_centers
    from workflows.parties.rules import normalised_email

    rows = {}
    for number, row in enumerate(csv.DictReader(_text_of(file).splitlines()), 2):
        if not (code := (row.get("code") or "").strip()):
            raise Refused("Line %(line)s names no code.", line=number)
        owner = (row.get("owner") or "").strip()
        rows[code] = ((row.get("name") or "").strip(), normalised_email(owner) if owner else "")
    runtime = _runtime()
    with runtime.transaction() as session:
        kept = keep_cost_centers(session, rows, by=_actor(session, by), now=_now())
    console.print(f"{kept} cost centres are kept.")


@invoices.command("read")
def read_invoices(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one object a file, each in a line.")] = False,
    rules: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="A folder with further rules (XSLT of Schematron)."),
    ] = None,
) -> None:
    """Read invoices (UBL, CII, XRechnung, Factur-X, ZUGFeRD, Korean tax invoices, PDF): what they say, what is wrong.

    Nothing has to run, and nothing is stored. Exit status 1 when a file cannot be read or has errors.
    """
    from api.invoice_reading import read_file, shown

    sound = True
    for file in files:
        result = read_file(file, rules)
        sound = sound and result.sound
        if as_json:
            print(json.dumps(result.as_json(), ensure_ascii=False))
        else:
            console.print(shown(result))
    sys.exit(0 if sound else 1)


@routes.command("check")
def check_route(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Check a route's text; every finding with its line."""
    from workflows.approvals.route import golden_failures, parse

    route = parse(_text_of(file))
    if failures := golden_failures(route):
        for failure in failures:
            err.print(f"line {failure.line}: {failure}", style="red", markup=False)
        sys.exit(1)
    console.print(f"{route.name} can be published: {len(route.stages)} stages.")


@routes.command("publish")
def publish_route(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], by: By) -> None:
    """Publish a route as the next version of its name."""
    from workflows.approvals.publishing import publish
    from workflows.errors import Forbidden
    from workflows.parties.rules import why_not_administer

    source = _text_of(file)
    runtime = _runtime()
    with runtime.transaction() as session:
        actor = _actor(session, by)
        if sentence := why_not_administer(actor):
            raise Forbidden(sentence)
        published = publish(session, source, name=None, by=actor, now=_now())
        console.print(f"{published.name} is published as version {published.version}.")


@rates.command("load")
def load_rates(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV with the columns day, base, currency and units.")
    ],
    by: By,
) -> None:
    """Keep the rates of a file, day by day: all of it or nothing."""
    from workflows.approvals.exchange import keep_rates, read_file

    days = read_file(_text_of(file))
    runtime = _runtime()
    with runtime.transaction() as session:
        actor = _actor(session, by)
        for each in days:
            keep_rates(session, each.day, each.base, each.units, by=actor, now=_now())
    console.print(f"Kept: {sum(len(each.units) for each in days)} rates of {len({each.day for each in days})} days.")


@orders.command("load")
def load_orders(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="CSV with the columns order, line, quantity, price and others."
        ),
    ],
    by: By,
) -> None:
    """Keep the orders of a file: all of it or nothing."""
    from workflows.csv_rows import decoded
    from workflows.orders.operations import keep_orders
    from workflows.orders.rules import read_file

    said = read_file(decoded(file.read_bytes()))
    with _runtime().transaction() as session:
        kept = keep_orders(session, said, by=_actor(session, by), now=_now())
    console.print(f"Kept: {kept} orders with {sum(len(each.lines) for each in said)} lines.")


@machines.command("load")
def load_machines(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV with the column serial and others of machines.")
    ],
    by: By,
) -> None:
    """Keep the machines of a file: all of it or nothing."""
    from workflows.csv_rows import decoded
    from workflows.inventory.operations import keep_machines
    from workflows.inventory.rules import read_file

    said = read_file(decoded(file.read_bytes()))
    with _runtime().transaction() as session:
        kept = keep_machines(session, said, by=_actor(session, by), now=_now())
    console.print(f"Kept: {kept} machines.")


def _text_of(file: Path) -> str:
    """Raises Refused for what is no text."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Refused("%(file)s is no text in UTF-8.", file=file.name) from None


@audit.command("verify")
def verify_audit(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Walk every chain of the history and check every time stamp; say where the first break is."""
    from dataclasses import asdict

    from signing.timestamps import check_token
    from workflows.audit.queries import verify as check

    runtime = _runtime()
    anchor = runtime.authority.trust_anchor_pem
    with runtime.reading() as session:
        report = check(session, lambda token, sha256: check_token(token, sha256, anchor))
    if as_json:
        print(json.dumps(asdict(report), default=str, ensure_ascii=False))
    elif report.broken is None:
        console.print(
            f"The history is whole: {report.events} entries in {report.chains} chains, {report.anchors} anchors."
        )
    else:
        where = f"{report.broken.process} {report.broken.subject_id}, entry {report.broken.position}"
        err.print(f"The history is broken at {where}: {report.broken.reason}", style="red", markup=False)
    sys.exit(0 if report.broken is None else 1)


@users.command("add")
def add_user(
    email: str,
    name: Annotated[str, typer.Option()],
    organisation: Annotated[str, typer.Option(help="Business unit or partner; the main organisation otherwise.")] = "",
    title: Annotated[str, typer.Option()] = "",
    role: Annotated[list[str] | None, typer.Option(help="administrator, reader, or one that your routes name.")] = None,
    group: Annotated[list[str] | None, typer.Option()] = None,
    manager: Annotated[str, typer.Option(help="Address of their manager.")] = "",
    locale: Annotated[str, typer.Option(help="en or ko.")] = "",
    timezone: Annotated[str, typer.Option(help="Such as Asia/Seoul.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input; one is made otherwise.")
    ] = False,
) -> None:
    """Register somebody and print their password, where one was made."""
    from workflows.parties.operations import found_organisation, register

    runtime = _runtime()
    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(12)
    settings = runtime.settings
    with runtime.transaction() as session:
        register(
            session,
            name=name,
            email=email,
            now=_now(),
            organisation=found_organisation(session, organisation or settings.organisation, now=_now()),
            password=password,
            title=title,
            locale=locale or settings.locale,
            timezone=timezone or settings.timezone,
            manager=manager or None,
            roles=role or (),
            groups=group or (),
        )
    console.print(
        f"{name} <{email}> is registered." + ("" if password_stdin else f" Password: {password}"), markup=False
    )


@tokens.command("add")
def add_token(
    email: str,
    name: Annotated[str, typer.Option(help="What the token is for.")],
    scope: Annotated[list[str] | None, typer.Option(help="All scopes where none is named.")] = None,
    days: Annotated[int | None, typer.Option(help="Until it runs out.")] = None,
) -> None:
    """Make a token and print it; it is shown this once."""
    from workflows.parties.operations import make_token
    from workflows.parties.queries import by_email
    from workflows.parties.rules import Scope, normalised_email

    runtime = _runtime()
    with runtime.transaction() as session:
        person = by_email(session, normalised_email(email))
        if person is None:
            raise Refused("Nobody is registered with the address %(email)s.", email=email)
        print(make_token(session, person, name=name, scopes=scope or list(Scope), now=_now(), days=days))


def _runtime(*, ready: bool = True) -> Any:
    """The runtime of the environment; where ``ready``, its database must have the shape that this code expects."""
    from workflows.composition import runtime
    from workflows.schema import is_current

    made = runtime()
    if ready and not is_current(made.engine):
        raise Refused("The database is not prepared yet. Run `signoff migrate`, or start `signoff serve`.")
    return made


def _authority() -> Any:
    from workflows.runtime import open_authority
    from workflows.settings import Settings

    settings = Settings()
    if not (settings.home / "keys").exists():
        raise Refused("This folder has no keys of its own. Name the root certificate with --trust.")
    return open_authority(settings)


def _actor(session: Any, email: str) -> Any:
    from workflows.parties.operations import actor
    from workflows.parties.queries import by_email
    from workflows.parties.rules import normalised_email

    person = by_email(session, normalised_email(email))
    if person is None or not person.active:
        raise Refused("Nobody is registered with the address %(email)s.", email=email)
    return actor(session, person, via="command")


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()

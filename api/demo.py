"""Drive a contract and an invoice through their lives, as their people would: over HTTP, by links in their mails."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from rich.console import Console

from api.demo_people import (
    LEGAL,
    MANAGER,
    OWNER,
    Off,
    People,
    Story,
    expect,
    wait_for,
)

if TYPE_CHECKING:
    from workflows.settings import Settings

ROUTE = """\
name: demo-lease
document: contract
priority: 0
when: contract.external_id.startsWith("demo")
separation: {exclude: [submitter], distinct_across_stages: true}
stages:
  - name: manager
    approvers: {manager_of: submitter}
    fallback: {role: administrator}
    due: 2 business days
  - name: legal
    approvers: {group: demo-legal}
    quorum: {approve: 2, reject: 2}
    due: 3 business days
    send_back_to: [submitter]
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
"""


SIGNERS = (
    {
        "name": "박도윤 Doyun Park",
        "email": "doyun.park@demo.example",
        "organisation": "Haneul Logistics",
        "title": "Chief Financial Officer",
    },
    {
        "name": "Šárka Černá",
        "email": "sarka.cerna@nordwerk.example",
        "organisation": "Nordwerk Maschinen GmbH",
        "title": "Managing Director",
    },
)
CONTRACT = {
    "title": "Forklift fleet lease 2026–2029",
    "kind": "lease",
    "amount": "84600.00",
    "currency": "EUR",
    "counterparty": "Nordwerk Maschinen GmbH",
    "counterparty_contact": "contracts@nordwerk.example",
    "starts_on": "2027-01-01",
    "ends_on": "2029-12-31",
    "notice_days": "90",
    "route": "demo-lease",
    "note": "The old lease ends on 31 December. Same maker, eight trucks instead of six.",
}
SAID = {
    "en": {
        "title": CONTRACT["title"],
        "note": CONTRACT["note"],
        "file": "forklift-fleet-lease.pdf",
        "too short": "Sixty days’ notice is too short for us. Please ask for ninety.",
        "changed": "Eight trucks, notice 90 days as Legal asked.",
        "fine": "Liability cap is fine.",
    },
    "ko": {
        "title": "지게차 임대차 계약 2026–2029",
        "note": "현재 임대차 계약은 12월 31일에 끝납니다. 제조사는 같고, 6대에서 8대로 늘어납니다.",
        "file": "지게차 임대차 계약.pdf",
        "too short": "해지 통보 기간 60일은 너무 짧습니다. 90일로 조정해 주세요.",
        "changed": "지게차 8대, 법무팀 요청대로 해지 통보 기간을 90일로 바꾸었습니다.",
        "fine": "책임 한도에 이견 없습니다.",
    },
}
"""What the demo's people write, in the language in which they read."""


def run(*, url: str, own_system: bool, as_json: bool, file: Path | None, output: Path | None, locale: str) -> int:
    """Perform the demo; exit status 0 when everything was as it must be."""
    console = Console(stderr=as_json, highlight=False)
    try:
        if own_system:
            with started_system(console) as home:
                result = perform(console, file=file, output=output or home / "demo", locale=locale)
        else:
            from workflows.settings import Settings

            result = perform(
                console, base=url or None, file=file, output=output or Settings().home / "demo", locale=locale
            )
    except (Off, httpx.HTTPError) as off:
        console.print(f"[red]The demo failed:[/red] {off}", soft_wrap=True)
        return 1
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False, indent=2) + "\n")
    return 0


def perform(
    console: Console, *, base: str | None = None, file: Path | None, output: Path, locale: str
) -> dict[str, Any]:
    """The whole life of one contract, then of one invoice, on the system that the environment names."""
    from api.demo_invoice import perform_invoice
    from workflows.composition import compose
    from workflows.settings import Settings

    settings = Settings()
    runtime = compose(settings)
    base = base or f"http://{settings.host}:{settings.port}"
    story = Story(console)
    names = {"en": "sample-contract", "ko": "sample-contract.ko"}
    samples = files("templates").joinpath("documents")
    first = file.read_bytes() if file else samples.joinpath(f"{names[locale]}-1.pdf").read_bytes()
    second = file.read_bytes() if file else samples.joinpath(f"{names[locale]}-2.pdf").read_bytes()
    said = SAID[locale]
    file_name = file.name if file else said["file"]
    with httpx.Client(base_url=base, timeout=30, headers={"Accept-Language": locale}) as web:
        console.print(f"[bold]One contract from upload to seal[/bold] on {base}")
        with story.step("People, and the route manager → legal (two of three) → two signatures"):
            token = prepare(runtime, locale)
            api = {"Authorization": f"Bearer {token}"}
            answer = web.put("/api/routes/demo-lease", content=ROUTE.encode(), headers=api)
            expect(answer, 200)
        marked = f"demo-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        words = contract_words(locale, marked)
        with story.step(f"{OWNER.name} hands in the contract"):
            answer = web.post(
                "/api/contracts",
                data=words,
                files={"file": (file_name, first, "application/pdf")},
                headers={**api, "Idempotency-Key": marked},
            )
            expect(answer, 201)
            contract = answer.json()
            number, here = contract["number"], f"/api/contracts/{contract['id']}"
        people = People(web, number)
        with story.step(f"{MANAGER.name} approves by the link in the mail"):
            people.decide(MANAGER.email, "approve")
        with story.step(f"{LEGAL[2].name} sends it back: the notice period is too short"):
            people.decide(LEGAL[2].email, "send_back", said["too short"])
            wait_for(
                lambda: web.get(here, headers=api).json()["state"] == "returned",
                "the contract to be with its owner again",
            )
        changed = second if file is None else second + b"\n"
        with story.step(f"{OWNER.name} hands in version 2; the open links are void"):
            answer = web.post(
                f"{here}/versions",
                data={"note": said["changed"]},
                files={"file": (file_name, changed, "application/pdf")},
                headers={**api, "Idempotency-Key": f"{marked}-2"},
            )
            expect(answer, 201)
            people.forget_version(1)
        with story.step(f"{MANAGER.name} approves again"):
            people.decide(MANAGER.email, "approve")
        for member in LEGAL[:2]:
            with story.step(f"{member.name} approves"):
                people.decide(member.email, "approve", said["fine"] if member is LEGAL[0] else "")
        for signer in SIGNERS:
            with story.step(f"{signer['name']} reads and signs"):
                people.sign(signer["email"], signer["name"])
        with story.step("The platform seals the file, and the contract is in force"):
            wait_for(lambda: web.get(here, headers=api).json()["state"] == "in_force", "the contract to be in force")
            contract = web.get(here, headers=api).json()
            people.mail(OWNER.email, without_link=True)
        with story.step("The sealed file is fetched and verified"):
            sealed = web.get(
                f"{here}/versions/{contract['versions'][0]['number']}/file", params={"as": "sealed"}, headers=api
            )
            expect(sealed, 200)
            report = web.post(
                "/api/verifications", files={"file": ("sealed.pdf", sealed.content, "application/pdf")}, headers=api
            )
            expect(report, 201)
            if report.json()["verdict"] != "sealed":
                raise Off(f"the sealed file does not verify: {report.json()['sentence']}")
        result = finish(console, story, runtime, contract, changed, sealed.content, output, base)
        return {**result, "invoice": perform_invoice(console, web, api, marked=marked, output=output, locale=locale)}


def contract_words(locale: str, external_id: str) -> dict[str, str]:
    """The form that hands the demo's contract in."""
    said = {name: SAID[locale][name] for name in ("title", "note")}
    return {**CONTRACT, **said, "signers": json.dumps(SIGNERS), "external_id": external_id}


def finish(
    console: Console,
    story: Story,
    runtime: Any,
    contract: dict[str, Any],
    original: bytes,
    sealed: bytes,
    output: Path,
    base: str,
) -> dict[str, Any]:
    from api.verification_report import print_report
    from signing.verification import verify

    output.mkdir(parents=True, exist_ok=True)
    paths = {
        "sealed": output / f"{contract['number']}-sealed.pdf",
        "original": output / f"{contract['number']}-original.pdf",
        "trust_anchor": output / "trust-anchor.pem",
    }
    paths["sealed"].write_bytes(sealed)
    paths["original"].write_bytes(original)
    paths["trust_anchor"].write_bytes(runtime.authority.trust_anchor_pem)
    report = verify(sealed, runtime.signer.trust_anchors)
    console.print()
    print_report(console, report, paths["sealed"].name)
    console.print(f"\nSealed file: {paths['sealed'].resolve()}", soft_wrap=True)
    console.print(f"In the portal: {base}/contracts/{contract['id']}", soft_wrap=True)
    return {
        **{name: str(path.resolve()) for name, path in paths.items()},
        "id": contract["id"],
        "number": contract["number"],
        "sha256": contract["sealed"]["sha256"],
        "signatures": len(report.signatures),
        "verdict": report.verdict,
        "steps": story.steps,
    }


def house(settings: Settings) -> str:
    """The organisation in which the sample happens: this installation's own, where somebody has given it a name."""
    return settings.organisation if "organisation" in settings.model_fields_set else "Haneul Logistics"


def prepare(runtime: Any, locale: str) -> str:
    """Register the demo's people where they are not yet; a fresh token for its owner."""
    from workflows.parties.model import ADMINISTRATOR, Kind
    from workflows.parties.operations import found_organisation, join, make_token, register
    from workflows.parties.queries import by_email
    from workflows.parties.rules import Scope

    now = datetime.now(UTC)
    with runtime.transaction() as session:
        organisation = found_organisation(session, house(runtime.settings), now=now)
        for who in (MANAGER, *LEGAL, OWNER):
            known = by_email(session, who.email)
            if known is None or known.organisation_id is None:
                register(
                    session,
                    name=who.name,
                    email=who.email,
                    now=now,
                    organisation=organisation,
                    title=who.title,
                    locale=locale,
                    timezone=runtime.settings.timezone,
                    manager=MANAGER.email if who is OWNER else None,
                    groups=who.groups,
                )
        owner = by_email(session, OWNER.email)
        assert owner is not None
        join(session, owner, Kind.ROLE, ADMINISTRATOR)
        token: str = make_token(session, owner, name="demo", scopes=list(Scope), now=now, days=1)
        return token


@contextmanager
def started_system(console: Console) -> Iterator[Path]:
    """A system of its own on free ports, in a new home below ``var``; stopped at the end. Yields its home."""
    var = Path(os.environ.get("SIGNOFF_HOME", "var")).resolve()
    var.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="demo-", dir=var))
    web, smtp, prefect, poke = free_ports(4)
    environment = {
        "SIGNOFF_HOME": str(home),
        "SIGNOFF_HOST": "127.0.0.1",
        "SIGNOFF_PORT": str(web),
        "SIGNOFF_URL": "",
        "SIGNOFF_MAILBOX_PORT": str(smtp),
        "SIGNOFF_PREFECT_PORT": str(prefect),
        "SIGNOFF_POKE_PORT": str(poke),
    }
    os.environ.update(environment)
    began = time.monotonic()
    with (home / "serve.log").open("wb") as log:
        system = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve", "--no-sample"],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        wait_for(
            lambda: system.poll() is not None or httpx.get(f"http://127.0.0.1:{web}/health").is_success,
            "the system to start",
        )
        if system.poll() is not None:
            raise Off(f"the system did not start; see {home / 'serve.log'}")
        console.print(f"A system of its own is ready after {time.monotonic() - began:.1f} s, in {home}", soft_wrap=True)
        yield home
    finally:
        system.send_signal(signal.SIGTERM)
        try:
            system.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(system.pid, signal.SIGKILL)


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def leave_waiting(runtime: Any, settings: Any) -> None:
    """A second contract and a second invoice, left in the mailbox for whoever reads this."""
    from api.demo_invoice import waiting_invoice

    locale = settings.locale
    name = "sample-contract.ko-2.pdf" if locale == "ko" else "sample-contract-2.pdf"
    data = files("templates").joinpath("documents").joinpath(name).read_bytes()
    token = prepare(runtime, locale)
    with httpx.Client(base_url=f"http://{settings.host}:{settings.port}", timeout=30) as web:
        answer = web.post(
            "/api/contracts",
            data=contract_words(locale, "demo-waiting"),
            files={"file": (SAID[locale]["file"], data, "application/pdf")},
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "demo-waiting"},
        )
        expect(answer, 201)
        waiting_invoice(web, {"Authorization": f"Bearer {token}"}, locale)

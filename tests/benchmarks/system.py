"""The whole embedded system: from click to mail, from approval to signer, from signature to seal; upload; memory."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from api import demo, demo_people
from tests.benchmarks.resting import come_to_rest, descendants
from tests.support.pdfs import plain_pdf
from tests.support.servers import wait_until
from tests.support.system import running_system

LIVES = 12


def run(home: Path) -> dict[str, Any]:
    """Seconds and milliseconds as named; memory in MB of proportional set size (PSS) over all processes."""
    with running_system(home) as system:
        os.environ.update({name: value for name, value in system.environment.items() if name.startswith("SIGNOFF_")})
        from workflows.composition import compose
        from workflows.settings import Settings

        runtime = compose(Settings(_env_file=None))
        api = {"Authorization": f"Bearer {demo.prepare(runtime, 'en')}"}
        web = httpx.Client(base_url=system.base, timeout=60)
        web.put("/api/routes/demo-lease", content=demo.ROUTE.encode(), headers=api)
        _life(web, api, {})  # the first waits for Prefect's server to come up
        come_to_rest([system.process.pid])
        rest = _memory(system.process.pid)
        times: dict[str, list[float]] = {}
        for _ in range(LIVES):
            _life(web, api, times)
        upload = _uploads(web, api)
        runtime.engine.dispose()
    return {
        "click to the next approver's mail accepted by SMTP": _seconds(times["mail"]),
        "last approval to the first signer's mail": _seconds(times["signer"]),
        "last signature to the sealed file": _seconds(times["seal"]),
        "upload of a 1 MB PDF to 201": _seconds(upload),
        **rest,
    }


def _life(web: httpx.Client, api: dict[str, str], times: dict[str, list[float]]) -> None:
    sample = Path(__file__).parents[2] / "templates" / "documents" / "sample-contract-2.pdf"
    contract = web.post(
        "/api/contracts",
        data={**demo.CONTRACT, "signers": json.dumps(demo.SIGNERS), "external_id": "demo-bench"},
        files={"file": ("lease.pdf", sample.read_bytes(), "application/pdf")},
        headers=api,
    ).json()
    people = demo_people.People(web, contract["number"])
    folder = Path(os.environ["SIGNOFF_HOME"]) / "mailbox"
    for who, what, next_address in (
        (demo_people.MANAGER, "mail", demo_people.LEGAL[0].email),
        (demo_people.LEGAL[0], "", ""),
        (demo_people.LEGAL[1], "signer", demo.SIGNERS[0]["email"]),
    ):
        before = _count(folder, next_address)
        began = time.time()
        people.decide(who.email, "approve")
        if what:
            began = people.clicked_at
            wait_until(lambda b=before, a=next_address: _count(folder, a) > b, "the mail", every=0.005)  # type: ignore[misc]
            times.setdefault(what, []).append(time.time() - began)
    for signer in demo.SIGNERS:
        people.sign(signer["email"], signer["name"])
    began = time.time()
    wait_until(
        lambda: web.get(f"/api/contracts/{contract['id']}", headers=api).json()["sealed"], "the seal", every=0.02
    )
    times.setdefault("seal", []).append(time.time() - began)


def _count(folder: Path, address: str) -> int:
    if not address:
        return 0
    return sum(address.encode() in path.read_bytes()[:2000] for path in folder.glob("*.eml"))


def _uploads(web: httpx.Client, api: dict[str, str]) -> list[float]:
    times = []
    for number in range(20):
        noise = random.Random(number).randbytes(500_000).hex()
        pdf = plain_pdf(noise)
        began = time.perf_counter()
        answer = web.post(
            "/api/contracts",
            data={"title": f"Upload {number}"},
            files={"file": ("x.pdf", pdf, "application/pdf")},
            headers=api,
        )
        times.append(time.perf_counter() - began)
        if answer.status_code != 201:
            raise RuntimeError(answer.text)
    return times


def _memory(root: int) -> dict[str, Any]:
    """From /proc, so on Linux alone."""
    found: dict[str, float] = {}
    for pid in (root, *descendants(root)):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        name = next((label for mark, label in NAMES if mark in words), "others")
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        found[name] = found.get(name, 0.0) + int(rollup.partition("Pss:")[2].split()[0]) / 1000
    return {f"memory at rest, {name} (MB)": round(size) for name, size in found.items()} | {
        "memory at rest, all (MB)": round(sum(found.values()))
    }


NAMES = [
    ("uvicorn", "API"),
    ("prefect_server", "Prefect's server"),
    ("workflows.worker", "worker"),
    ("sandbox", "intake"),
    ("dispatcher_process", "dispatcher"),
    ("api.serving", "supervisor"),
]


def _seconds(values: list[float]) -> str:
    cut = quantiles(values, n=20) if len(values) > 1 else values * 20
    return f"p50 {cut[9] * 1000:.0f}, p95 {cut[18] * 1000:.0f} ms"

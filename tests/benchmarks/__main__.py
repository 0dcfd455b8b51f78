# ruff: noqa: T201  (it prints its figures)
"""`make bench`: measures Signoff beside peers in the same run. Figures compare within one run only."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.benchmarks import decisions, depth, signatures, system
from tests.support import parts, servers

PARTS = ["decisions", "depth", "system", "signatures", "invoices", "search", "exports", "million"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--rounds", type=int, default=400, help="decisions in each measurement")
    parser.add_argument("--seconds", type=float, default=60, help="for which an idle system is watched")
    parser.add_argument("--entries", type=int, default=5000, help="entries in the search index")
    parser.add_argument("--invoices", type=int, default=1_000_000, help="in lists and search")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    chosen = parser.parse_args()
    wanted = chosen.only or PARTS
    # one version runs a quarter faster or slower, as it was built
    python = f"Python {platform.python_version()} from {sys.base_prefix}"
    print(f"{platform.machine()}, {os.cpu_count()} cores, {python}, {platform.system()}")
    figures: dict[str, Any] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="signoff-bench-")))
        databases: dict[str, Callable[[str], str]] = {"SQLite": lambda name: f"sqlite:///{folder / name}.db"}
        if parts.present("postgresql"):
            server = stack.enter_context(servers.postgresql(durable=True))
            databases["PostgreSQL"] = lambda name: servers.create_database(server, name).render_as_string(
                hide_password=False
            )
        if "decisions" in wanted:
            for name, fresh in databases.items():
                made = decisions.run(fresh("decisions"), folder / f"d-{name}", chosen.rounds)
                figures[f"decisions on {name}"] = show(f"Decisions over HTTP, {name}", made)
        if "depth" in wanted:
            for name, fresh in databases.items():
                made = depth.run(fresh("depth"), folder / f"w-{name}", chosen.rounds // 2, chosen.seconds)
                figures[f"depth on {name}"] = show(f"What waits, and what is large, {name}", made)
        if "system" in wanted:
            figures["system"] = show("The whole embedded system", system.run(folder / "system"))
        if "signatures" in wanted:
            figures["signatures"] = show("Signatures a second, B-B, 100 KB", signatures.run())
        if "invoices" in wanted:
            from tests.benchmarks import invoices

            figures["invoices"] = show("Invoices a second", invoices.run())
        if "search" in wanted:
            from tests.benchmarks import bench_search
            from workflows.schema import migrate

            for name, fresh in databases.items():
                url = fresh("search")
                migrate(url)
                figures[f"search on {name}"] = show(f"Search, {name}", bench_search.run(chosen.entries, url))
        if "exports" in wanted:
            from tests.benchmarks import exports

            figures["rows of workbooks"] = show("Rows of workbooks", exports.rows_a_second())
            for name, fresh in databases.items():
                made = exports.run(fresh("exports"), folder / f"x-{name}")
                figures[f"export on {name}"] = show(f"A workbook in the background, {name}", made)
        if "million" in wanted and "PostgreSQL" in databases:
            from tests.benchmarks import million

            made = million.run(databases["PostgreSQL"]("million"), folder / "million", chosen.invoices)
            figures["list and search"] = show(f"List and search, {chosen.invoices:,} invoices on PostgreSQL", made)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2, default=str))


def show(title: str, figures: dict[str, Any]) -> dict[str, Any]:
    print(f"\n{title}")
    for name, value in figures.items():
        print(
            f"  {name:58} {f'{value:,.1f}' if isinstance(value, float) else value}",
            flush=True,
        )
    return figures


if __name__ == "__main__":
    main()

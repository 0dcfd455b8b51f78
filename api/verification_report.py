"""A verification report on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from signing.report import Report


def print_report(console: Console, report: Report, file_name: str) -> None:
    """The verdict in one sentence, what was checked, then each signature."""
    colour = {"sealed": "green", "unsigned": "yellow"}.get(report.verdict, "red")
    console.print(f"[bold {colour}]{report.sentence}[/bold {colour}]")
    console.print(f"[dim]{file_name}, sha256 {report.sha256}[/dim]", soft_wrap=True)
    for check in report.checks:
        mark = "[green]✓[/green]" if check.ok else "[red]✗[/red]"
        console.print(f"  {mark} {check.sentence}" + (f" [dim]{check.note}[/dim]" if check.note else ""))
    if not report.signatures:
        return
    table = Table("Field", "Signer", "Level", "Time", "Revision", "Result", box=None, pad_edge=False)
    for each in report.signatures:
        when = each.timestamp or each.claimed_at
        good = each.intact and each.valid and each.trusted
        table.add_row(
            each.field,
            each.signer or "",
            each.level or "",
            f"{when:%Y-%m-%d %H:%M:%S} UTC" if when else "",
            str(each.revision),
            "[green]passed[/green]" if good else "[red]failed[/red]",
        )
    console.print(table)

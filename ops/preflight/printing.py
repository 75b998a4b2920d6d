"""What a person, or a program, is shown of the findings."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from runtime.preflight.findings import Finding, Verdict

STYLES = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.REFUSED: "bold red",
    Verdict.SKIPPED: "dim",
    Verdict.AWAY: "bold red",
}


def arranged(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings once each, those of one check together, in order of first appearance.

    What two services need alike is judged for both, and told once.
    """
    by_name: dict[str, list[Finding]] = {}
    for one in findings:
        same = by_name.setdefault(one.name, [])
        if one not in same:
            same.append(one)
    return [one for same in by_name.values() for one in same]


def folded(findings: Sequence[Finding]) -> list[tuple[Finding, int]]:
    """Return arranged findings, those that are ok of each check as one behind the others.

    The first of them speaks for all, with how many more there are: it is the tightest, where that
    can be told.
    """
    rows: list[tuple[Finding, int]] = []
    for name in dict.fromkeys(one.name for one in findings):
        same = [one for one in findings if one.name == name]
        fine = [one for one in same if one.verdict is Verdict.OK]
        rows += [(one, 0) for one in same if one.verdict is not Verdict.OK]
        rows += [(one, len(fine) - 1) for one in fine[:1]]
    return rows


def print_table(console: Console, findings: Sequence[Finding]) -> None:
    """Print a row a finding, with what to change under what was found."""
    table = Table("verdict", "check", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("found", overflow="fold")
    for one, others in folded(findings):
        more = f" (and {others} more)" if others else ""
        change = f"\n[bold]{escape(one.change)}[/bold]" if one.change else ""
        verdict = f"[{STYLES[one.verdict]}]{one.verdict}[/]"
        table.add_row(verdict, escape(one.name), escape(one.said) + more + change)
    console.print(table)
    console.print(summary(findings), highlight=False)


def summary(findings: Sequence[Finding]) -> str:
    """Return how many findings there are of each verdict."""
    counts = {verdict: sum(one.verdict is verdict for one in findings) for verdict in Verdict}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)


def document(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return what `--json` prints: the worst verdict, and every finding with its numbers."""
    worst = [Verdict.REFUSED, Verdict.AWAY, Verdict.WARNING]
    found = {one.verdict for one in findings}
    return {
        "verdict": next((verdict for verdict in worst if verdict in found), Verdict.OK),
        "findings": [
            {
                "name": one.name,
                "subject": one.subject,
                "verdict": one.verdict,
                "said": one.said,
                "change": one.change,
                "numbers": one.numbers,
            }
            for one in findings
        ],
    }

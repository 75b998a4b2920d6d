"""The finding: what one check found, in words and numbers, and which setting changes it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias, TypeVar

from runtime.errors import ConfigurationError, DependencyError
from runtime.logs import Logger

Number: TypeAlias = int | float | str | bool | None
T = TypeVar("T")


class Verdict(StrEnum):
    """What a finding means: REFUSED must be changed before a start, AWAY did not answer."""

    OK = "ok"
    WARNING = "warning"
    REFUSED = "refused"
    SKIPPED = "skipped"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found of one thing.

    `name` is the check and `subject` what was looked at; `said` tells it with its numbers, or why
    nothing was looked at; `change` says what to change. `numbers` are for programs, with units in
    their names.
    """

    name: str
    subject: str
    verdict: Verdict
    said: str
    change: str = ""
    numbers: Mapping[str, Number] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """One line for a log or an error."""
        return f"{self.said}; {self.change}" if self.change else self.said


def judged(
    name: str,
    subject: str,
    said: str,
    change: str,
    *,
    refused: bool = False,
    warned: bool = False,
    **numbers: Number,
) -> Finding:
    """Return a finding that is refused, else a warning, else ok; only an ok one has no `change`."""
    verdict = Verdict.REFUSED if refused else Verdict.WARNING if warned else Verdict.OK
    kept = "" if verdict is Verdict.OK else change
    return Finding(name, subject, verdict, said, kept, numbers)


def skipped(name: str, subject: str, why: str) -> Finding:
    """Return the finding of a check that could not be made."""
    return Finding(name, subject, Verdict.SKIPPED, why)


def softened(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with refusals as warnings.

    For what depends on the present traffic, not on a setting alone: a service that refused to start
    again in the midst of an outage would turn a lag into a loss.
    """
    return [
        replace(one, verdict=Verdict.WARNING) if one.verdict is Verdict.REFUSED else one
        for one in findings
    ]


def refused(findings: Iterable[Finding]) -> list[Finding]:
    """Return those that must be changed before a start."""
    return [one for one in findings if one.verdict is Verdict.REFUSED]


def require(findings: Iterable[Finding]) -> None:
    """Raise ConfigurationError that names every refused finding, if there is one."""
    wrong = refused(findings)
    if len(wrong) == 1:
        raise ConfigurationError(wrong[0].text)
    if wrong:
        lines = "\n".join(f"  {one.name}, {one.subject}: {one.text}" for one in wrong)
        raise ConfigurationError(f"{len(wrong)} checks refuse this start:\n{lines}")


def pass_or_refuse(findings: Sequence[Finding], log: Logger) -> None:
    """Log each warning, and what is away or could not be checked, once; then as `require`."""
    for one in findings:
        told = {"check": one.name, "subject": one.subject, "found": one.said}
        if one.verdict is Verdict.WARNING:
            log.warning("preflight.warning", **told, change=one.change)
        elif one.verdict is Verdict.AWAY:
            log.warning("preflight.away", **told)
        elif one.verdict is Verdict.SKIPPED:
            log.info("preflight.skipped", **told)
    require(findings)


def asked(name: str, subject: str, ask: Callable[[], T], found: list[Finding]) -> T | None:
    """Return what `ask` returns; where it is refused, add that to `found` and return None.

    So does an outside system that is away, if something else is refused already: a person is to
    hear of both. Else DependencyError goes on.
    """
    try:
        return ask()
    except ConfigurationError as error:
        found.append(Finding(name, subject, Verdict.REFUSED, str(error)))
    except DependencyError as error:
        if not refused(found):
            raise
        found.append(Finding(name, subject, Verdict.AWAY, str(error)))
    return None

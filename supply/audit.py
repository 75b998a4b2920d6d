"""`python -m supply.audit PIP_AUDIT LOCK...`: are weaknesses of the locked packages known?

0: all were asked about and none is known; 1: some are known; 3: some could not be asked about.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.cli import run_command
from runtime.errors import ConfigurationError, DependencyError, FramerailError
from supply.advisories import Verdict, verdict
from supply.locks import locked_packages

LONGEST_S = 300


class WeaknessesKnown(FramerailError):
    """Some of the packages have weaknesses that are published."""


def ask(pip_audit: Path, lock: Path) -> Verdict | None:
    """Have pip-audit ask about every package of a lock; None where nobody answered."""
    command = (
        *(str(pip_audit), "--requirement", str(lock), "--require-hashes", "--disable-pip"),
        *("--format", "json", "--progress-spinner", "off"),
    )
    try:
        said = subprocess.run(  # noqa: S603 - the argv is ours
            command, capture_output=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:
        raise ConfigurationError(f"{pip_audit}: cannot be run ({error.strerror})") from error
    return verdict(said.stdout)


def audit(pip_audit: Path, locks: Sequence[Path]) -> None:
    """Tell of every lock what is known; raise WeaknessesKnown, or DependencyError if some is not.

    A weakness that is known goes before an answer that is missing.
    """
    weaknesses, unasked = 0, 0
    for lock in locks:
        packages = locked_packages(lock)
        found = ask(pip_audit, lock)
        told = Verdict(0, tuple(each.name for each in packages), ()) if found is None else found
        sys.stdout.write(_account(lock, told))
        weaknesses += len(told.weaknesses)
        unasked += len(told.unasked)
    if weaknesses:
        raise WeaknessesKnown(f"{weaknesses} known weakness(es): see above")
    if unasked:
        raise DependencyError(
            f"the advisory service could not be asked about {unasked} package(s): nothing is known "
            "of them, good or bad; ask again where it can be reached"
        )


def _account(lock: Path, told: Verdict) -> str:
    lines = [f"{lock.name}: {told.asked} asked about, {len(told.weaknesses)} weakness(es) known"]
    lines += [f"  {weakness}" for weakness in told.weaknesses]
    if told.unasked:
        lines.append(f"  could not be asked about: {len(told.unasked)} package(s)")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the command line. Raises as `audit` does."""
    if len(sys.argv) < 3:
        raise ConfigurationError("expected the path of pip-audit, and at least one lock file")
    audit(Path(sys.argv[1]), [Path(lock) for lock in sys.argv[2:]])


if __name__ == "__main__":
    sys.exit(run_command("audit", main))

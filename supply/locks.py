"""Reads lock files: the packages that they pin."""

import re
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import ConfigurationError

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)")


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One pinned package; its name is written as PEP 503 asks."""

    name: str
    version: str


def locked_packages(lock: Path) -> list[Package]:
    """Return what a lock file pins, sorted; raise ConfigurationError if it cannot be read or is
    empty."""
    try:
        lines = lock.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"lock file {lock}: cannot be read ({error.strerror})") from error
    pins = [found for line in lines if (found := _PIN.match(line))]
    if not pins:
        raise ConfigurationError(f"lock file {lock}: it pins no package")
    return sorted(Package(_normalised(pin["name"]), pin["version"]) for pin in pins)


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

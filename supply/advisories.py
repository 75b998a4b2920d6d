"""Judges what pip-audit answers: a package that it could not ask about is no package without fault.

pip-audit 2.10 says "No known vulnerabilities found" and ends with 0 where its service knows none of
the packages, such as behind a mirror that serves packages alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Weakness:
    """One published weakness of one package, and the versions in which it is mended."""

    package: str
    version: str
    advisory: str
    mended_in: tuple[str, ...]

    def __str__(self) -> str:
        mended = ", ".join(self.mended_in) or "no version yet"
        return f"{self.package} {self.version}: {self.advisory}, mended in {mended}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of the packages of one lock file."""

    asked: int
    unasked: tuple[str, ...]
    weaknesses: tuple[Weakness, ...]


def verdict(answer: bytes) -> Verdict | None:
    """Return what pip-audit's JSON tells, or None where it is no such answer: it could not ask."""
    try:
        document = msgspec.json.decode(answer)
        packages = document["dependencies"]
        unasked = tuple(found["name"] for found in packages if "skip_reason" in found)
        known = [found for found in packages if "skip_reason" not in found]
        weaknesses = tuple(_weakness(found, each) for found in known for each in found["vulns"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return None
    return Verdict(len(known), unasked, weaknesses)


def _weakness(package: Mapping[str, Any], found: Mapping[str, Any]) -> Weakness:
    names = (found["id"], *found.get("aliases", ()))
    return Weakness(
        package["name"], package["version"], " ".join(names), tuple(found.get("fix_versions", ()))
    )

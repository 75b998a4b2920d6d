"""Writes a bill of materials in CycloneDX 1.6: the same input makes the same bytes. Pure.

Source: CycloneDX Specification 1.6 (ECMA-424), and package-url's own types `pypi`, `golang`,
`maven` and `generic`. No time and no random serial number, so that a change in it is a change in
what is delivered; hashes of packages are in the lock files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from supply.locks import Package

Kind = Literal["library", "application", "machine-learning-model"]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is delivered or started; `sha256` where it is a file of ours."""

    kind: Kind
    name: str
    version: str
    purl: str
    sha256: str | None = None


def library(package: Package) -> Part:
    """Return a Python package as a part."""
    purl = f"pkg:pypi/{quote(package.name)}@{quote(package.version)}"
    return Part("library", package.name, package.version, purl)


def bill(product: Part, parts: Sequence[Part]) -> bytes:
    """Return the JSON document that says what `product` is made of."""
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": _component(product)},
        "components": [_component(part) for part in sorted(parts, key=lambda part: part.purl)],
        "dependencies": [
            {"ref": product.purl, "dependsOn": sorted(part.purl for part in parts)},
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _component(part: Part) -> Mapping[str, Any]:
    described: dict[str, Any] = {
        "type": part.kind,
        "bom-ref": part.purl,
        "name": part.name,
        "version": part.version,
        "purl": part.purl,
    }
    if part.sha256 is not None:
        described["hashes"] = [{"alg": "SHA-256", "content": part.sha256}]
    return described

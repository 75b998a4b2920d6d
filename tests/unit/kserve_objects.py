"""The objects of `kserve/` as tests look at them."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from local.stack import CHECKOUT
from tests.unit.kustomized import Manifest, pod_spec, render

KSERVE = CHECKOUT / "kserve"
OVERLAYS = ("cluster", "aws", "nvidia", "keda", "own")


@functools.cache
def overlay_objects(name: str) -> tuple[Manifest, ...]:
    """Return the objects of an overlay; not to be changed."""
    return tuple(render(KSERVE / "overlays" / name))


def of_kind(manifests: Sequence[Manifest], *kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def names(manifests: Sequence[Manifest], kind: str) -> set[str]:
    return {manifest["metadata"]["name"] for manifest in of_kind(manifests, kind)}


def only(manifests: Sequence[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [m for m in of_kind(manifests, kind) if m["metadata"]["name"] == name]
    return found


def pods(manifests: Sequence[Manifest]) -> Iterator[tuple[Manifest, dict[str, Any]]]:
    for manifest in manifests:
        spec = pod_spec(manifest)
        if spec is not None:
            yield manifest, spec


def labels_of_pods(manifests: Sequence[Manifest]) -> list[dict[str, str]]:
    own = [
        manifest["spec"]["template"]["metadata"]["labels"]
        for manifest in of_kind(manifests, "Deployment", "StatefulSet", "Job")
    ]
    # KServe 0.20 gives these to the pods of an InferenceService.
    served = [
        {"serving.kserve.io/inferenceservice": service, "component": "predictor"}
        for service in names(manifests, "InferenceService")
    ]
    return [*own, *served]


def selectors(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        for key, value in found.items():
            if key == "podSelector" and value:
                yield value
            else:
                yield from selectors(value)
    elif isinstance(found, list):
        for item in found:
            yield from selectors(item)


def is_selected(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    if not set(selector) & {"matchLabels", "matchExpressions"}:
        selector = {"matchLabels": selector}
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(expression["key"]) in expression["values"]
        for expression in selector.get("matchExpressions", [])
    )

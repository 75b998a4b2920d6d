"""The Kubernetes YAML with a stack's addresses in it: pure, and an error if one finds no place."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

Manifest = dict[str, Any]
SETTINGS = "framerail-settings"
STREAMS = "framerail-streams"
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
WAIT_ANNOTATION = "pulumi.com/waitFor"
RUNNING_KINDS = ("Deployment", "StatefulSet", "Job")


class Unbound(ValueError):
    """The YAML lacks what this stack has a value for: the two do not fit together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """This stack's values. Those that AWS makes up may be Pulumi outputs, hence Any.

    `images` by the name in the YAML, without tag; `role_arns` by service account.
    """

    images: Mapping[str, Any]
    settings: Mapping[str, Any]
    streams: str
    role_arns: Mapping[str, Any]
    storage_uri: Any


@dataclass(frozen=True, slots=True)
class Stages:
    """What is applied after what: a service is ready only when the model is served."""

    namespace: list[Manifest]
    ground: list[Manifest]
    model: list[Manifest]
    services: list[Manifest]


def bound(manifests: Sequence[Manifest], bindings: Bindings) -> list[Manifest]:
    """Return copies of `manifests` with the values of `bindings` in their places.

    Raises Unbound if one of them has no place, or an image or account stays without a value.
    """
    result = copy.deepcopy(list(manifests))
    _only(result, "ConfigMap", SETTINGS)["data"].update(bindings.settings)
    _only(result, "ConfigMap", STREAMS)["data"]["streams.yaml"] = bindings.streams
    for account, role_arn in bindings.role_arns.items():
        metadata = _only(result, "ServiceAccount", account)["metadata"]
        metadata.setdefault("annotations", {})[ROLE_ANNOTATION] = role_arn
    model = _only(result, "InferenceService")
    model["spec"]["predictor"]["model"]["storageUri"] = bindings.storage_uri
    model["metadata"].setdefault("annotations", {})[WAIT_ANNOTATION] = "condition=Ready"
    _bind_images(result, bindings.images)
    return result


def staged(manifests: Sequence[Manifest]) -> Stages:
    """Sort manifests into the order in which a cluster can make use of them."""

    def of(*kinds: str) -> list[Manifest]:
        return [manifest for manifest in manifests if manifest["kind"] in kinds]

    later = ("Namespace", "InferenceService", *RUNNING_KINDS)
    return Stages(
        namespace=of("Namespace"),
        ground=[manifest for manifest in manifests if manifest["kind"] not in later],
        model=of("InferenceService"),
        services=of(*RUNNING_KINDS),
    )


def streams_file(cameras: int, address: str, frames_per_s: float) -> str:
    """Return the streams file of the demonstration; ${NAME} is a key of `framerail-cameras`."""
    streams = [
        {
            "id": f"cam{number}",
            "url": f"rtsp://${{CAMERA_USER}}:${{CAMERA_PASSWORD}}@{address}/cam{number}",
            "max_fps": frames_per_s,
        }
        for number in range(1, cameras + 1)
    ]
    text: str = yaml.safe_dump({"streams": streams}, sort_keys=False)
    return text


def _only(manifests: Sequence[Manifest], kind: str, name: str | None = None) -> Manifest:
    found = [
        manifest
        for manifest in manifests
        if manifest["kind"] == kind and name in (None, manifest["metadata"]["name"])
    ]
    if len(found) != 1:
        raise Unbound(f"{len(found)} of {kind} {name or ''} in the YAML; expected one")
    return found[0]


def _bind_images(manifests: Sequence[Manifest], images: Mapping[str, Any]) -> None:
    used = set()
    for container in _containers(manifests):
        name = str(container["image"]).rpartition(":")[0] or container["image"]
        if name not in images:
            raise Unbound(f"no image for {container['image']} of container {container['name']}")
        container["image"] = images[name]
        used.add(name)
    if unused := set(images) - used:
        raise Unbound(f"no container runs {', '.join(sorted(unused))}")


def _containers(manifests: Sequence[Manifest]) -> Iterator[Manifest]:
    for manifest in manifests:
        spec = manifest.get("spec") or {}
        pod = (
            spec
            if manifest["kind"] == "ServingRuntime"
            else spec.get("template", {}).get("spec", {})
        )
        yield from pod.get("initContainers", [])
        yield from pod.get("containers", [])

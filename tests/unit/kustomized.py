"""Renders the overlays of `kserve/` without kubectl: as much of kustomize as they use, no more.

Where there is a kubectl, tests/cluster holds it against the real one. What it
does not know fails, rather than being left out.
"""

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

KEYS = ("name", "mountPath", "containerPort", "port")
"""What tells the items of a list apart, in Kubernetes' own kinds; those of others are replaced."""
OWN_GROUPS = ("apps/", "batch/", "networking.k8s.io/", "policy/", "v1")
IGNORED = {"apiVersion", "kind", "resources", "components"}


def render(folder: Path) -> list[Manifest]:
    """Return every object of a kustomization."""
    wanted: dict[str, Any] = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return _extended([], wanted, folder)


def _extended(objects: list[Manifest], wanted: dict[str, Any], folder: Path) -> list[Manifest]:
    for resource in wanted.get("resources", []):
        path = folder / resource
        objects += render(path) if path.is_dir() else _documents(path)
    steps: dict[str, Callable[[list[Manifest], Any, Path], None]] = {
        "configMapGenerator": _generate,
        "patches": _patch,
        "namespace": _move,
        "labels": _label,
        "images": _tag,
    }
    for component in wanted.get("components", []):
        path = folder / component
        objects = _extended(
            objects, yaml.safe_load((path / "kustomization.yaml").read_text()), path
        )
    unknown = set(wanted) - {*IGNORED, *steps}
    assert not unknown, f"{folder}: not read here: {unknown}"
    for name, step in steps.items():
        if name in wanted:
            step(objects, wanted[name], folder)
    return objects


def _documents(path: Path) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def _generate(objects: list[Manifest], generators: list[Any], folder: Path) -> None:
    for generator in generators:
        contents = {name: (folder / name).read_text() for name in generator["files"]}
        metadata = {"name": generator["name"]}
        labels = generator.get("options", {}).get("labels")
        metadata |= {} if labels is None else {"labels": dict(labels)}
        objects.append(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": contents}
        )


def _patch(objects: list[Manifest], patches: list[Any], folder: Path) -> None:
    for patch in patches:
        text = patch["patch"] if "patch" in patch else (folder / patch["path"]).read_text()
        for change in yaml.safe_load_all(text):
            target = patch.get("target") or {
                "kind": change["kind"],
                "name": change["metadata"]["name"],
            }
            chosen = [found for found in objects if _is_target(found, target)]
            assert chosen, f"{folder}: no object for {patch}"
            for found in chosen:
                _change(found, change)


def _is_target(found: Manifest, target: dict[str, str]) -> bool:
    is_kind = re.fullmatch(target["kind"], found["kind"])
    return bool(is_kind and re.fullmatch(target["name"], found["metadata"]["name"]))


def _change(found: Manifest, change: Any) -> None:
    if isinstance(change, list):
        for operation in change:
            _operate(found, **operation)
        return
    is_own = found["apiVersion"].startswith(OWN_GROUPS)
    merged = _merged(found, change, is_own)
    found.clear()
    found.update(merged)


def _operate(found: Manifest, op: str, path: str, value: Any = None) -> None:
    *above, last = path.strip("/").split("/")
    place: Any = found
    for step in above:
        place = place[int(step) if isinstance(place, list) else step]
    assert op == "add" or last in place, f"{path}: nothing there"
    if op == "test":
        assert place[last] == value, path
    elif op == "remove":
        del place[last]
    else:
        place[last] = value


def _merged(old: Any, new: Any, is_own: bool) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {
            key: _merged(old[key], new[key], is_own)
            if key in old and key in new
            else (new if key in new else old)[key]
            for key in [*old, *(key for key in new if key not in old)]
        }
    if not is_own or not isinstance(old, list) or not isinstance(new, list):
        return copy.deepcopy(new)
    name = next(
        (k for k in KEYS if all(isinstance(i, dict) and k in i for i in [*old, *new])), None
    )
    if name is None:
        return copy.deepcopy(new)
    changes = {item[name]: item for item in new}
    kept = [_merged(item, changes.pop(item[name], {}), is_own) for item in old]
    # kustomize puts what is new first.
    return [*changes.values(), *kept]


def _move(objects: list[Manifest], namespace: str, _folder: Path) -> None:
    for found in objects:
        if found["kind"] != "Namespace":
            found["metadata"]["namespace"] = namespace


def _label(objects: list[Manifest], labels: list[Any], _folder: Path) -> None:
    for entry in labels:
        for found in objects:
            places = [found["metadata"]]
            if "template" in found.get("spec", {}) and found["kind"] != "InferenceService":
                places.append(found["spec"]["template"]["metadata"])
                claims = found["spec"].get("volumeClaimTemplates", [])
                places += [claim["metadata"] for claim in claims]
            for metadata in places:
                metadata["labels"] = {**metadata.get("labels", {}), **entry["pairs"]}


def _tag(objects: list[Manifest], images: list[dict[str, str]], _folder: Path) -> None:
    tags = {image["name"]: image["newTag"] for image in images}
    for container in (c for found in objects for c in containers(found)):
        name = container["image"].partition(":")[0]
        if name in tags:
            container["image"] = f"{name}:{tags[name]}"


def pod_spec(found: Manifest) -> Manifest | None:
    """Return the part of an object that describes a pod."""
    spec: Manifest = found.get("spec") or {}
    if found["kind"] == "InferenceService":
        predictor: Manifest = spec["predictor"]
        return predictor
    if found["kind"] == "ServingRuntime":
        return spec
    template: Manifest | None = spec.get("template", {}).get("spec")
    return template


def containers(found: Manifest) -> Iterator[Manifest]:
    """Yield every container that an object starts, the first ones first."""
    spec = pod_spec(found) or {}
    yield from spec.get("initContainers", [])
    yield from spec.get("containers", [])

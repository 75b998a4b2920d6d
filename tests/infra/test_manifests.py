"""The YAML and the stack fit together, or `pulumi up` says where they do not."""

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from guard import stop_time
from images import DOCKERFILES
from manifests import Bindings, Unbound, bound, staged, streams_file
from workloads import OVERLAY, rendered

import pulumi
from consumer.settings import ConsumerSettings
from local.stack import CHECKOUT
from postproc.settings import PostprocSettings
from producer.settings import ProducerSettings
from runtime.settings import ENV_PREFIX, SECRETS_DIR_VARIABLE
from viewer.settings import ViewerSettings

BINDINGS = Bindings(
    images={name: f"registry/{name}@sha256:1" for name in DOCKERFILES},
    settings={"FRAMERAIL_S3_BUCKET": "ours"},
    streams=streams_file(2, "10.20.0.21:8554", 10),
    role_arns={"model-reader": "arn:reader", "postproc": "arn:postproc", "viewer": "arn:viewer"},
    storage_uri="s3://models/model_repository",
)


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    return rendered(OVERLAY)


def find(manifests: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    return next(
        each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name)
    )


def test_values_of_the_stack_replace_those_of_the_documentation(
    manifests: list[dict[str, Any]],
) -> None:
    before = copy.deepcopy(manifests)
    result = bound(manifests, BINDINGS)
    assert manifests == before
    written = yaml.safe_dump_all(result)
    for example in ("111122223333", "192.0.2.10", "framerail/producer:dev", "framerail/triton:dev"):
        assert example not in written
    streams = yaml.safe_load(find(result, "ConfigMap", "framerail-streams")["data"]["streams.yaml"])
    assert [stream["id"] for stream in streams["streams"]] == ["cam1", "cam2"]
    assert streams["streams"][1]["url"] == (
        "rtsp://${CAMERA_USER}:${CAMERA_PASSWORD}@10.20.0.21:8554/cam2"
    )


def test_settings_of_the_yaml_are_settings_of_the_services(program: Any) -> None:
    groups = program.of("yaml/v2:ConfigGroup")
    objects = [manifest for group in groups for manifest in group.inputs["objs"]]
    given = set(find(objects, "ConfigMap", "framerail-settings")["data"])
    assert {"FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS", "FRAMERAIL_S3_REGION"} <= given
    services = (ProducerSettings, ConsumerSettings, PostprocSettings, ViewerSettings)
    known = {ENV_PREFIX + name.upper() for each in services for name in each.model_fields}
    assert given <= known | {SECRETS_DIR_VARIABLE}


def test_where_kubectl_is_absent_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pulumi.RunError, match="kubectl is not on PATH"):
        rendered(OVERLAY)


def test_what_kubectl_says_of_yaml_that_it_does_not_take_is_handed_on(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [absent.yaml]\n")
    with pytest.raises(pulumi.RunError, match=r"(?s)kubectl kustomize.*absent\.yaml"):
        rendered(tmp_path)


def test_a_dockerfile_is_there_for_every_image() -> None:
    for dockerfile in DOCKERFILES.values():
        assert (CHECKOUT / dockerfile).is_file(), dockerfile


@pytest.mark.parametrize(
    ("removed", "said"),
    [
        (("ConfigMap", "framerail-settings"), "0 of ConfigMap framerail-settings"),
        (("ServiceAccount", "postproc"), "0 of ServiceAccount postproc"),
        (("InferenceService", "ssd"), "0 of InferenceService"),
        (("ServingRuntime", "triton"), "no container runs framerail/triton"),
    ],
)
def test_a_value_without_a_place_is_refused(
    manifests: list[dict[str, Any]], removed: tuple[str, str], said: str
) -> None:
    left = [each for each in manifests if (each["kind"], each["metadata"]["name"]) != removed]
    assert len(left) == len(manifests) - 1
    with pytest.raises(Unbound, match=said):
        bound(left, BINDINGS)


def test_a_container_without_an_image_of_ours_is_refused(manifests: list[dict[str, Any]]) -> None:
    changed = copy.deepcopy(manifests)
    pod = find(changed, "Deployment", "consumer")["spec"]["template"]["spec"]
    pod["containers"][0]["image"] = "somebody/else:1"
    with pytest.raises(Unbound, match="somebody/else:1"):
        bound(changed, BINDINGS)


def test_an_overlay_with_an_image_of_somebody_elses_cannot_be_chosen_as_its_readme_says() -> None:
    with pytest.raises(Unbound, match=r"no image for nvcr\.io/nvidia/tritonserver"):
        bound(rendered(OVERLAY.parent / "nvidia"), BINDINGS)
    assert "`pulumi/` applies `aws` alone" in (CHECKOUT / "kserve" / "README.md").read_text()


def test_stages_lose_nothing(manifests: list[dict[str, Any]]) -> None:
    stages = staged(manifests)
    together = [*stages.namespace, *stages.ground, *stages.model, *stages.services]
    assert len(together) == len(manifests)
    assert [each["kind"] for each in stages.model] == ["InferenceService"]
    assert {each["kind"] for each in stages.services} == {"Deployment", "StatefulSet", "Job"}


def test_the_stop_comes_so_many_hours_later() -> None:
    now = datetime(2026, 12, 31, 20, 30, tzinfo=UTC)
    assert stop_time(now, 24) == "at(2027-01-01T20:30:00)"

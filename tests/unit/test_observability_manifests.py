"""What the Prometheus operator, a plain Prometheus, Grafana and KEDA are given."""

import os
import runpy
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from local.stack import CHECKOUT
from tests.unit.kserve_objects import labels_of_pods, of_kind, only, overlay_objects
from tests.unit.kustomized import containers, render

OBSERVABILITY = CHECKOUT / "kserve" / "observability"
PLAIN = yaml.safe_load((OBSERVABILITY / "prometheus.yaml").read_text())
RULES = yaml.safe_load((OBSERVABILITY / "rules.yaml").read_text())


def monitors() -> list[dict[str, Any]]:
    return of_kind(render(OBSERVABILITY), "PodMonitor")


def test_the_operator_is_given_the_rules_as_they_are() -> None:
    wrap = runpy.run_path(str(OBSERVABILITY / "wrap.py"))
    said = "run: python kserve/observability/wrap.py"
    assert wrap["WRAPPED"].read_text() == wrap["wrapped"](), said
    (rule,) = of_kind(render(OBSERVABILITY), "PrometheusRule")
    assert rule["spec"] == RULES


def test_the_dashboard_is_where_grafanas_sidecar_looks() -> None:
    (dashboard,) = of_kind(render(OBSERVABILITY), "ConfigMap")
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    shown = dashboard["data"]["dashboard.json"]
    assert shown == (OBSERVABILITY / "dashboard.json").read_text()
    assert len(shown) < 200_000, (
        "kubectl apply keeps a copy of it in an annotation, 256 KiB at most"
    )


def test_a_monitor_finds_every_service_and_the_model_server_at_a_port_that_they_open() -> None:
    services, model = monitors()
    manifests = overlay_objects("cluster")
    (named,) = services["spec"]["selector"]["matchExpressions"]
    for name in named["values"]:
        (pod,) = [
            manifest
            for manifest in of_kind(manifests, "Deployment", "StatefulSet")
            if manifest["metadata"]["name"] == name
        ]
        labels = pod["spec"]["template"]["metadata"]["labels"]
        assert labels[services["spec"]["jobLabel"]] == labels[named["key"]] == name
        assert services["spec"]["podMetricsEndpoints"][0]["port"] in ports_of(pod)
    selected = model["spec"]["selector"]["matchLabels"]
    assert [labels for labels in labels_of_pods(manifests) if selected.items() <= labels.items()]
    runtime = only(manifests, "ServingRuntime", "triton")
    assert model["spec"]["podMetricsEndpoints"][0]["port"] in ports_of(runtime)


def ports_of(manifest: dict[str, Any]) -> set[str]:
    return {port["name"] for each in containers(manifest) for port in each.get("ports", [])}


def test_a_plain_prometheus_asks_the_same_pods_and_calls_them_the_same() -> None:
    services, _ = monitors()
    (named,) = services["spec"]["selector"]["matchExpressions"]
    assert PLAIN["rule_files"] == ["rules.yaml"]
    (scrape,) = PLAIN["scrape_configs"]
    jobs = [
        each["regex"] for each in scrape["relabel_configs"] if each.get("target_label") == "job"
    ]
    assert jobs == [f"({'|'.join(named['values'])});http", "(ssd);metrics"]
    assert f'job=~"{"|".join([*named["values"], "ssd"])}"' in str(RULES)


def test_the_network_lets_a_prometheus_in_to_all_that_it_is_to_ask() -> None:
    services, _ = monitors()
    (named,) = services["spec"]["selector"]["matchExpressions"]
    policy = only(overlay_objects("cluster"), "NetworkPolicy", "metrics-of-services")
    (let_in,) = policy["spec"]["podSelector"]["matchExpressions"]
    assert set(named["values"]) <= set(let_in["values"])


def test_the_consumer_is_scaled_by_what_the_rules_record() -> None:
    scaled = only(overlay_objects("keda"), "ScaledObject", "consumer")["spec"]
    main, fall_back = scaled["triggers"]
    assert (main["type"], fall_back["type"]) == ("prometheus", "kafka")
    recorded = [
        rule["record"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule
    ]
    assert "framerail:seconds_behind_live" in main["metadata"]["query"]
    assert "framerail:seconds_behind_live" in recorded
    assert main["metadata"]["ignoreNullValues"] == "false"


def test_more_consumers_are_asked_for_before_the_producer_drops_frames() -> None:
    manifests = overlay_objects("keda")
    main, _ = only(manifests, "ScaledObject", "consumer")["spec"]["triggers"]
    settings = only(manifests, "ConfigMap", "framerail-settings")["data"]
    assert float(main["metadata"]["threshold"]) < float(settings.get("FRAMERAIL_MAX_LAG_S", 10))


def test_kubectl_renders_what_these_tests_read() -> None:
    kubectl = shutil.which(os.environ.get("KUBECTL", "kubectl"))
    if kubectl is None:
        pytest.skip("no kubectl on PATH, nor named by KUBECTL: read with our own small renderer")
    argv = [kubectl, "kustomize", str(OBSERVABILITY)]
    said = subprocess.run(argv, capture_output=True, check=True).stdout
    rendered = {m["kind"] + m["metadata"]["name"]: m for m in yaml.safe_load_all(said)}
    assert rendered == {m["kind"] + m["metadata"]["name"]: m for m in render(OBSERVABILITY)}


def test_a_real_prometheus_says_of_pipelines_what_rules_test_yaml_says() -> None:
    promtool = shutil.which(os.environ.get("PROMTOOL", "promtool"))
    if promtool is None:
        pytest.skip("no promtool on PATH, nor named by PROMTOOL: see docs/operations.md")
    for argv in (
        ("check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"),
        ("check", "config", "--syntax-only", "prometheus.yaml"),
        ("test", "rules", "rules.test.yaml"),
    ):
        done = subprocess.run([promtool, *argv], cwd=OBSERVABILITY, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

"""The dashboard and the rules ask for what the services show, and nothing is shown for nobody."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry

import consumer.metrics
import postproc.metrics
import runtime.metrics
import viewer.metrics
from local.stack import CHECKOUT
from producer.metrics import ProducerMetrics
from tests.unit.promql import OTHERS, TRITON, Labels, Metrics, labels_by_name

OBSERVABILITY = CHECKOUT / "kserve" / "observability"
OPERATIONS = CHECKOUT / "docs" / "operations.md"
DASHBOARD = json.loads((OBSERVABILITY / "dashboard.json").read_text())
RULES = yaml.safe_load((OBSERVABILITY / "rules.yaml").read_text())
IMPORTED = (consumer.metrics, postproc.metrics, runtime.metrics, viewer.metrics)
"""What they count is in the registry of the process once they are imported."""

OF_ONE_STREAM: Labels = frozenset({"stream"})
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def rules_of_kind(kind: str) -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"] if kind in rule]


ALERTS = rules_of_kind("alert")


@pytest.fixture
def metrics() -> Metrics:
    """What there is: ours, what our rules record of it, Triton's, and Prometheus' own."""
    producers = CollectorRegistry()
    ProducerMetrics(producers)
    recorded = {rule["record"]: OF_ONE_STREAM for rule in rules_of_kind("record")}
    ours = labels_by_name(REGISTRY) | labels_by_name(producers)
    return Metrics({**ours, **recorded, **TRITON, **OTHERS})


def filled_in(expr: str) -> str:
    """Put a value in the place of each of Grafana's variables, as it does before it asks."""
    for variable, value in (("__rate_interval", "1m"), ("__range", "1h"), ("stream", ".*")):
        expr = expr.replace(f"${variable}", value)
    assert "$" not in expr, expr
    return expr


def queries() -> Iterator[tuple[str, Mapping[str, str]]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target


def test_every_expression_of_the_dashboard_asks_for_metrics_and_labels_that_exist(
    metrics: Metrics,
) -> None:
    for title, target in queries():
        labels = metrics.check(filled_in(target["expr"]))
        shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        assert shown <= labels | {"job", "service"}, title
    variable = DASHBOARD["templating"]["list"][1]
    asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
    assert asked is not None
    assert asked[2] in metrics.labels[asked[1]]


def test_every_expression_of_the_rules_asks_for_metrics_and_labels_that_exist(
    metrics: Metrics,
) -> None:
    for rule in rules_of_kind("record"):
        assert metrics.check(rule["expr"]) == OF_ONE_STREAM, rule["record"]
    for rule in ALERTS:
        labels = metrics.check(rule["expr"])
        named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert named <= labels, rule["alert"]


def test_every_metric_of_ours_is_on_the_dashboard_or_in_a_record(
    metrics: Metrics,
) -> None:
    for _, target in queries():
        metrics.check(filled_in(target["expr"]))
    for rule in rules_of_kind("record"):
        metrics.check(rule["expr"])
    shown = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in metrics.asked}
    ours = {
        re.sub(r"_(total|bucket|sum|count)$", "", name)
        for name in metrics.labels
        if name.startswith("framerail_")
    }
    assert ours - shown == set()


def test_names_end_in_their_unit_as_prometheus_asks(metrics: Metrics) -> None:
    ours = [name for name in metrics.labels if name.startswith("framerail_")]
    assert ours
    # A gauge of things that are counted one by one is named by them, in the plural or as a state.
    counted = r"_(frames|in_flight|waiting|connected|healthy|ready|followers|streams)"
    units = r"_(total|seconds|bytes|info)(_bucket|_sum|_count)?"
    assert not [name for name in ours if not re.search(rf"({counted}|{units})$", name)]


def test_an_expression_that_asks_for_what_does_not_exist_fails(metrics: Metrics) -> None:
    for expr in (
        "framerail_frames_lost_total",
        'framerail_frames_captured_total{camera="gate"}',
        "sum by (reason) (framerail_frames_captured_total)",
        "framerail_decode_seconds_bucket * on (le) framerail_frames_captured_total",
    ):
        with pytest.raises(AssertionError):
            metrics.check(expr)


def test_every_alarm_says_how_bad_it_is_what_it_means_and_where_to_read_on() -> None:
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"warning", "critical"}, rule["alert"]
        anchor = f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook_url"] == anchor
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]


def test_every_alarm_has_its_section_and_every_section_its_alarm() -> None:
    headings = re.findall(r"^### (Framerail\w+)$", OPERATIONS.read_text(), re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert set(headings) == {rule["alert"] for rule in ALERTS}


def test_a_section_says_what_it_means_what_to_look_at_what_to_do_and_when_it_is_over() -> None:
    _, *sections = re.split(r"^### (?=Framerail)", OPERATIONS.read_text(), flags=re.MULTILINE)
    for section in sections:
        for told in ("**Means.**", "**Look.**", "**Do.**", "**Over**"):
            assert told in section, section.splitlines()[0]


def test_every_panel_has_a_unit_a_description_and_its_own_place() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        assert panel["description"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        at = panel["gridPos"]
        columns, lines = range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        cells = {(x, y) for x in columns for y in lines}
        assert max(columns) < 24, panel["title"]
        assert not taken & cells, panel["title"]
        taken |= cells
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_whoever_imports_the_dashboard_chooses_the_data_source_and_the_streams() -> None:
    source, stream = DASHBOARD["templating"]["list"]
    assert (source["type"], source["name"]) == ("datasource", "datasource")
    assert (stream["name"], stream["multi"], stream["includeAll"]) == ("stream", True, True)
    assert DASHBOARD["id"] is None
    for panel in PANELS:
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert all(each == {"type": "prometheus", "uid": "${datasource}"} for each in sources)


def test_the_first_panel_is_the_main_signal() -> None:
    assert PANELS[0]["title"] == "Seconds behind live"
    assert "framerail:seconds_behind_live" in PANELS[0]["targets"][0]["expr"]

"""What a PromQL expression asks for, checked against the metrics that exist and their labels."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

import promql_parser
from prometheus_client import CollectorRegistry

TARGET_LABELS = frozenset({"job", "instance", "namespace", "pod"})
"""What kserve/observability gives every target."""

TRITON = {
    "nv_inference_request_success": {"model", "version"},
    "nv_inference_request_failure": {"model", "version", "reason"},
    "nv_inference_count": {"model", "version"},
    "nv_inference_exec_count": {"model", "version"},
    "nv_inference_request_duration_us": {"model", "version"},
    "nv_inference_queue_duration_us": {"model", "version"},
    "nv_inference_compute_input_duration_us": {"model", "version"},
    "nv_inference_compute_infer_duration_us": {"model", "version"},
    "nv_inference_compute_output_duration_us": {"model", "version"},
    "nv_inference_pending_request_count": {"model", "version"},
}
"""Of Triton 2.51 as local/ runs it: tests/integration/test_serving.py asks the real one."""

OTHERS: Mapping[str, Set[str]] = {
    "up": frozenset(),  # Prometheus itself tells these two
    "ALERTS": frozenset({"alertname", "alertstate", "severity", "stream"}),
    "process_cpu_seconds_total": frozenset(),  # prometheus_client's own, on Linux
    "process_resident_memory_bytes": frozenset(),
    "process_start_time_seconds": frozenset(),
}

Labels = Set[str]


class Metrics:
    """The names that may be asked for, each with its labels."""

    def __init__(self, labels: Mapping[str, Labels]) -> None:
        self.labels = dict(labels)
        self.asked: set[str] = set()

    def check(self, text: str) -> Labels:
        """Return the labels that the result of an expression has; fail for what does not exist."""
        return self._labels_of(promql_parser.parse(text))

    def _labels_of(self, expr: Any) -> Labels:
        visit = getattr(self, f"_of_{type(expr).__name__}")
        found: Labels = visit(expr)
        return found

    def _of_VectorSelector(self, expr: Any) -> Labels:
        assert expr.name in self.labels, f"{expr.name}: there is no such metric"
        self.asked.add(expr.name)
        labels = self.labels[expr.name]
        if ":" not in expr.name:  # a recorded one has the labels of its rule alone
            labels = labels | TARGET_LABELS
        _within((each.name for each in expr.matchers.matchers), labels, expr)
        return labels

    def _of_MatrixSelector(self, expr: Any) -> Labels:
        return self._labels_of(expr.vector_selector)

    def _of_NumberLiteral(self, _expr: Any) -> Labels:
        return frozenset()

    def _of_ParenExpr(self, expr: Any) -> Labels:
        return self._labels_of(expr.expr)

    def _of_Call(self, expr: Any) -> Labels:
        of_arguments = [self._labels_of(argument) for argument in expr.args]
        if expr.func.name in {"scalar", "vector"}:
            return frozenset()
        labels = frozenset().union(*of_arguments)
        return labels - {"le"} if expr.func.name == "histogram_quantile" else labels

    def _of_AggregateExpr(self, expr: Any) -> Labels:
        labels = self._labels_of(expr.expr)
        if expr.modifier is None:
            return labels if "topk" in str(expr.op) else frozenset()
        assert expr.modifier.type == promql_parser.AggModifierType.By
        _within(expr.modifier.labels, labels, expr)
        return frozenset(expr.modifier.labels)

    def _of_BinaryExpr(self, expr: Any) -> Labels:
        left, right = self._labels_of(expr.lhs), self._labels_of(expr.rhs)
        if expr.modifier is None:
            return (left & right) if str(expr.op) == "or" else (left or right)
        matching = expr.modifier.matching
        if matching is not None:
            _within(matching.labels, left & right, expr)
        joined = expr.modifier.group_labels or []
        _within(joined, right, expr)
        return left | frozenset(joined)


def _within(asked: Iterable[str], known: Labels, expr: Any) -> None:
    unknown = set(asked) - known
    assert not unknown, f"{expr.prettify()}: no label {unknown}; there are {sorted(known)}"


def labels_by_name(registry: CollectorRegistry) -> dict[str, Labels]:
    """Return every series name of ours that a registry can show, with its labels."""
    found: dict[str, Labels] = {}
    for name, collector in registry._names_to_collectors.items():
        if name.startswith("framerail_") and _is_shown(name, getattr(collector, "_type", "")):
            labels = frozenset(getattr(collector, "_labelnames", ()))
            found[name] = labels | {"le"} if name.endswith("_bucket") else labels
    return found


def _is_shown(name: str, kind: str) -> bool:
    """Tell a series from the name of its family, which the registry keeps too."""
    if kind == "counter":
        return name.endswith("_total")
    return kind != "histogram" or name.endswith(("_bucket", "_sum", "_count"))

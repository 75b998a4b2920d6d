"""Puts rules.yaml into the object that the Prometheus operator reads: prometheus-rule.yaml."""

import textwrap
from pathlib import Path

HERE = Path(__file__).parent
RULES, WRAPPED = HERE / "rules.yaml", HERE / "prometheus-rule.yaml"

HEAD = """\
# Made from rules.yaml: python kserve/observability/wrap.py
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: framerail
spec:
"""


def wrapped() -> str:
    """Return the text of prometheus-rule.yaml, without the comments at the head of rules.yaml."""
    _, groups, rules = RULES.read_text().partition("groups:\n")
    return HEAD + textwrap.indent(groups + rules, "  ")


if __name__ == "__main__":
    WRAPPED.write_text(wrapped())

"""Puts a plan together with its limits and the figures that it is made of."""

import math
from pathlib import Path

from local.stack import CHECKOUT
from ops.aws_settings import NODE_TYPES
from ops.costs import Deployment, Unpriced, price_list
from ops.plan.capacity import plan_of
from ops.plan.figures import fitted, read_figures
from ops.plan.limits import limits
from ops.plan.printing import Answer
from ops.plan.workload import Workload
from ops.preflight.command import read_size
from runtime.errors import ConfigurationError

FIGURES = CHECKOUT / "bench" / "results" / "latest.json"


def answered(
    workload: Workload, size: str, region: str, node_type: str, figures_file: Path
) -> Answer:
    """Return the plan with its limits and where they are from.

    Raises ConfigurationError for what cannot be planned, naming the option or the file's field.
    """
    if not (math.isfinite(workload.fps) and 0.01 <= workload.fps <= 240):
        raise ConfigurationError(f"--fps {workload.fps:g}: expected 0.01 to 240")
    if node_type not in NODE_TYPES:
        raise ConfigurationError(
            f"--node-type {node_type}: expected one of {', '.join(NODE_TYPES)}"
        )
    try:
        price_list(region)
    except Unpriced as error:
        raise ConfigurationError(f"--region: {error}") from error
    size_wh = read_size(size)
    figures = read_figures(figures_file)
    fit = fitted(figures, size_wh)
    asked = Deployment(region=region, node_type=node_type)
    made = plan_of(fit.load, figures.memory_mib, figures.machine.cores, workload, asked)
    return Answer(_shown(figures_file), figures, fit, made, tuple(limits(made, fit.load)), region)


def _shown(file: Path) -> str:
    """Return where a file lies, from this checkout on if it is in it."""
    path = file.resolve()
    return str(path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else file)

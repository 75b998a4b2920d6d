"""`framerail plan`: what so many cameras need, and where each part of the system stops."""

import math
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from local.stack import CHECKOUT
from ops.aws_settings import NODE_TYPES
from ops.costs import Deployment, Unpriced, price_list
from ops.plan.capacity import plan_of
from ops.plan.figures import fitted, read_figures
from ops.plan.limits import limits
from ops.plan.printing import Answer, print_document, print_plan
from ops.plan.workload import Workload
from ops.preflight.command import read_size
from runtime.errors import ConfigurationError

FIGURES = CHECKOUT / "bench" / "results" / "latest.json"
answers = Console()


def plan(
    cameras: Annotated[int, typer.Option(min=1, max=100_000, help="How many cameras.")],
    fps: Annotated[float, typer.Option(help="Frames a second published of each.")] = 10.0,
    size: Annotated[str, typer.Option(help="WxH of their frames in pixels.")] = "768x576",
    region: Annotated[str, typer.Option(help="Region of AWS for the prices.")] = (
        Deployment().region
    ),
    node_type: Annotated[str, typer.Option(help="EC2 type of the nodes.")] = (
        Deployment().node_type
    ),
    figures: Annotated[
        Path, typer.Option(help="Measured figures, as `make bench` writes them.")
    ] = FIGURES,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, on the last line.")
    ] = False,
) -> None:
    """Plan cores, machines, Kafka and dollars for so many cameras, from measured figures.

    Nothing is asked or made: the figures are in a file, prices and limits in tables with their
    sources. Examples:

    framerail plan --cameras 40

    framerail plan --cameras 500 --fps 5 --size 1920x1080 --json
    """
    answer = answered(Workload(cameras, fps), size, region, node_type, figures)
    if as_json:
        print_document(answer)
    else:
        print_plan(answers, answer)


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

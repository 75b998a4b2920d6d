"""`framerail plan`: what so many cameras need, and where each part of the system stops."""

from pathlib import Path
from typing import Annotated

import typer

from ops.costs import Deployment
from ops.terminal import AsJson, answers, print_document


def plan(
    cameras: Annotated[
        int, typer.Option(min=1, max=100_000, metavar="N", help="How many cameras.")
    ],
    fps: Annotated[
        float, typer.Option(metavar="FPS", help="Frames a second published of each.")
    ] = 10.0,
    size: Annotated[str, typer.Option(metavar="WxH", help="Pixels of their frames.")] = "768x576",
    region: Annotated[
        str, typer.Option(metavar="REGION", help="Region of AWS for the prices.")
    ] = Deployment().region,
    node_type: Annotated[
        str, typer.Option(metavar="TYPE", help="EC2 type of the nodes.")
    ] = Deployment().node_type,
    figures: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Measured figures, as `make bench` writes them; the committed ones if not given.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Plan machines, Kafka and dollars for so many cameras.

    Nothing is asked or made: measured figures are in a file, prices and limits in tables with their
    sources.

    Examples:
        framerail plan --cameras 40
        framerail plan --cameras 500 --fps 5 --size 1920x1080 --json
    """
    from ops.plan.answering import FIGURES, answered
    from ops.plan.printing import document, print_plan
    from ops.plan.workload import Workload

    file = FIGURES if figures is None else figures
    answer = answered(Workload(cameras, fps), size, region, node_type, file)
    if as_json:
        print_document(document(answer))
    else:
        print_plan(answers, answer)

"""`framerail cost`: what the deployment on AWS costs, before anything is rented."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from ops.costs import GST, Cost, Deployment, cost_of, usd_of_use_per_camera_hour
from ops.prices import INR_PER_USD_AS_OF, INR_PER_USD_SOURCE, PRICES_AS_OF, PRICES_SOURCE
from ops.terminal import AsJson, answers, print_document, tell


def cost(
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Settings of a stack, as pulumi/Pulumi.<stack>.yaml has them."
        ),
    ] = None,
    cameras: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Price so many cameras.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what the deployment on AWS costs an hour and a day.

    Nothing is asked or made: prices are in a table with their source and date.

    Examples:
        framerail cost
        framerail cost --config pulumi/Pulumi.demo.yaml
        framerail cost --cameras 4 --json
    """
    from ops.aws_settings import read_stack_file

    settings = None if config is None else read_stack_file(config)
    deployment = Deployment() if settings is None else settings.deployment
    if cameras is not None:
        deployment = replace(deployment, cameras=cameras)
    bill = cost_of(deployment)
    if as_json:
        print_document(document(deployment, bill))
    else:
        _print_table(deployment, bill)
        if settings is not None and settings.excess:
            answers.print(f"`pulumi up` refuses it: {settings.excess}", highlight=False)


def document(deployment: Deployment, bill: Cost) -> dict[str, Any]:
    """Return the bill as `--json` prints it."""
    return {
        "usd_per_hour": round(bill.usd_per_hour, 5),
        "usd_per_day": round(bill.usd_per_day, 4),
        "inr_per_day": round(bill.inr_per_day, 2),
        "usd_per_camera_hour": round(bill.usd_per_camera_hour, 5),
        "usd_of_use_per_camera_hour": round(usd_of_use_per_camera_hour(deployment), 5),
        "inr_per_day_stopped": round(bill.inr_per_day_stopped, 2),
        "inr_per_day_with_gst": round(bill.inr_per_day * (1 + GST), 2),
        "region": deployment.region,
        "cameras": deployment.cameras,
        "inr_per_usd": deployment.inr_per_usd,
        "prices_as_of": PRICES_AS_OF.isoformat(),
        "lines": [{"what": line.what, "usd_per_hour": line.usd_per_hour} for line in bill.lines],
    }


def _print_table(deployment: Deployment, bill: Cost) -> None:
    table = Table(f"in {deployment.region}", "USD/hour", "USD/day", "INR/day")
    for column in table.columns[1:]:
        column.justify = "right"
    for line in bill.lines:
        _add_row(table, line.what, line.usd_per_hour, deployment.inr_per_usd)
    table.add_section()
    _add_row(table, "together", bill.usd_per_hour, deployment.inr_per_usd)
    answers.print(table)
    use_usd = usd_of_use_per_camera_hour(deployment)
    tell(
        answers,
        f"a camera-hour at {deployment.frames_per_s:g} frames/s: "
        f"USD {bill.usd_per_camera_hour:.4f}, of which S3 is {use_usd:.4f}\n"
        f"with {GST:.0%} GST: INR {bill.inr_per_day * (1 + GST):.0f} a day; "
        f"after the automatic stop: INR {bill.inr_per_day_stopped:.0f} a day\n"
        f"prices read on {PRICES_AS_OF}: {PRICES_SOURCE}\n"
        f"INR {deployment.inr_per_usd} for USD 1 (the default is of {INR_PER_USD_AS_OF}: "
        f"{INR_PER_USD_SOURCE})",
        indent="  ",
    )


def _add_row(table: Table, what: str, usd_per_hour: float, inr_per_usd: float) -> None:
    usd_per_day = usd_per_hour * 24
    table.add_row(
        what, f"{usd_per_hour:.4f}", f"{usd_per_day:.3f}", f"{usd_per_day * inr_per_usd:.1f}"
    )

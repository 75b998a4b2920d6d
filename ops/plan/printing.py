"""What a person, or a program, is shown of a plan."""

from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.costs import Deployment
from ops.plan.capacity import UPLOAD_THREADS, Plan
from ops.plan.figures import Figures, Fitted
from ops.plan.limits import Limit
from ops.plan.machines import MACHINES_SOURCE
from ops.plan.workload import UTILISATION
from ops.prices import HOURS_PER_MONTH, PRICES_AS_OF
from ops.terminal import tell

GUIDE = "docs/capacity.md"
MOST_NODES = 10
"""That `pulumi up` takes."""
NOT_MEASURED = (
    "CPU a frame is that of a run at full speed, and in real time cameras took up to 40 % more, a "
    "single one the most (docs/performance.md); a vCPU of AWS is taken as a core of that machine; "
    "batches below 25 frames, TLS, copies between brokers and pictures "
    "sent to S3 over a network were not measured; beyond the cameras measured, CPU a frame is "
    "taken to stay"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A plan, its limits, and what they were made of."""

    figures_file: str
    figures: Figures
    fit: Fitted
    plan: Plan
    limits: tuple[Limit, ...]
    region: str


def print_plan(console: Console, answer: Answer) -> None:
    """Print where the figures are from, what is needed, the verdict, and each limit."""

    def say(text: str) -> None:
        tell(console, text)

    for line in origin(answer):
        say(line)
    table = Table("needed", "", show_header=False, box=SIMPLE_HEAD, pad_edge=False)
    for name, value in rows(answer.plan).items():
        table.add_row(name, escape(value))
    console.print(table)
    for line in verdict(answer.plan):
        say(line)
    _print_limits(console, answer)
    say(f"not measured: {NOT_MEASURED}")
    say(
        f"prices of {PRICES_AS_OF} (`framerail cost` has their source); machines: {MACHINES_SOURCE}"
    )


def origin(answer: Answer) -> list[str]:
    """Return what was measured, when, on what, and how that was taken to this size."""
    figures, fit, work = answer.figures, answer.fit, answer.plan.workload
    width_px, height_px = fit.size_wh
    by_count = sorted(figures.cameras, key=lambda count: (len(count), count))
    least, most = by_count[0], by_count[-1]
    how = "QUICK RUN, not to plan with" if figures.is_quick else "measured"
    growth = figures.cameras[most].cpu_ms / figures.cameras[least].cpu_ms - 1
    return [
        f"{work.cameras} camera(s) of {work.fps:g} frames/s, {width_px}x{height_px}: {fit.origin}",
        f"{how}: {answer.figures_file}, {figures.measured_at}, revision {figures.revision}, "
        f"{figures.machine.cores} cores of {figures.machine.cpu}; a frame of {most} "
        f"camera(s) took {growth:+.0%} CPU against {least}",
    ]


def rows(plan: Plan) -> dict[str, str]:
    """Return what is needed, by name."""
    brokers, counts, work = plan.brokers, plan.processes, plan.workload
    kafkas = f", in each of {plan.pipelines} pipelines" if plan.pipelines > 1 else ""
    busy = ", ".join(f"{name} {_number(cores)}" for name, cores in plan.cores.items())
    usd = plan.cost.usd_per_hour
    return {
        "frames": f"{_number(work.frames_per_s)}/s in {_number(work.batches_per_s)} batches/s, "
        "a picture each into S3",
        "cores": f"{_number(sum(plan.cores.values()))} busy: {busy}",
        "processes": ", ".join(f"{count} {name}" for name, count in counts.items()),
        "nodes": f"{plan.node_count} {plan.node.name}, at most {UTILISATION:.0%} busy",
        "brokers": f"{brokers.count} {brokers.machine.name}, {brokers.replication} cop"
        f"{'y' if brokers.replication == 1 else 'ies'} of everything{kafkas}",
        "a broker": f"disk {brokers.disk_gb} GB at {brokers.disk_mibps} MiB/s, network "
        f"{brokers.network_mb_per_s:.3g} MB/s each way, {brokers.cores:.2g} cores, "
        f"{brokers.partitions} partitions",
        "partitions": f"{work.cameras} of frames, one of results and one of deadletter{kafkas}",
        "dollars": f"{usd:,.2f} an hour, {24 * usd:,.0f} a day, "
        f"{HOURS_PER_MONTH * usd:,.0f} a month, "
        f"{HOURS_PER_MONTH * usd / work.cameras:,.1f} a month for a camera",
    }


def verdict(plan: Plan) -> list[str]:
    """Return in plain words whether one machine, or the default of AWS, is enough."""
    has = plan.measured_cores
    busy = f"{_number(plan.machine_share * has)} of its {has} cores ({plan.machine_share:,.0%})"
    return [
        f"one machine like the measured one is enough: all parts on it take {busy}"
        if plan.is_one_machine_enough
        else f"one machine like the measured one is too small: all parts on it would take {busy}, "
        f"and {UTILISATION:.0%} is the most to plan for",
        *_against_default(plan),
        *(
            f"{name}: one process cannot serve even one such camera: lower --fps or --size"
            for name in plan.too_slow
        ),
    ]


def _against_default(plan: Plan) -> list[str]:
    default, brokers, node = Deployment(), plan.brokers, plan.node
    shape = f"{default.node_count} {default.node_type} and one broker {default.broker_type}"
    if plan.is_default_enough:
        return [f"the default on AWS is enough: {shape}"]
    machines = f"{plan.node_count} {node.name} and {plan.pipelines * brokers.count} "
    lines = [
        f"the default on AWS ({shape} of {default.broker_disk_gb} GB) is too small: this needs "
        f"{machines}broker(s) {brokers.machine.name} of {brokers.disk_gb} GB"
    ]
    if plan.upload_threads > UPLOAD_THREADS:
        lines.append(f"and FRAMERAIL_UPLOAD_THREADS={plan.upload_threads}, an estimate")
    if plan.pipelines > 1:
        lines.append(
            f"in {plan.pipelines} pipelines, as one partition of results feeds one postproc, which "
            f"serves {int(plan.per_process.postproc_cpu)} such cameras"
        )
    if brokers.count > 1 or plan.node_count > MOST_NODES or plan.pipelines > 1:
        lines.append(f"`pulumi up` makes one broker and at most {MOST_NODES} nodes: see {GUIDE}")
    return lines


def document(answer: Answer) -> dict[str, Any]:
    """Return what `--json` prints."""
    plan = answer.plan
    usd = plan.cost.usd_per_hour
    return {
        "cameras": plan.workload.cameras,
        "fps": plan.workload.fps,
        "size_wh": answer.fit.size_wh,
        "region": answer.region,
        "figures": _figures(answer),
        "cores": plan.cores,
        "machine_share": plan.machine_share,
        "is_one_machine_enough": plan.is_one_machine_enough,
        "is_default_enough": plan.is_default_enough,
        "pipelines": plan.pipelines,
        "processes": plan.processes,
        "too_slow": plan.too_slow,
        "upload_threads": plan.upload_threads,
        "nodes": {"type": plan.node.name, "count": plan.node_count},
        "brokers": plan.brokers,
        "s3_puts_per_s": plan.workload.batches_per_s,
        "usd_per_hour": usd,
        "usd_per_month": usd * HOURS_PER_MONTH,
        "cost_lines": plan.cost.lines,
        "limits": answer.limits,
        "not_measured": NOT_MEASURED,
    }


def _figures(answer: Answer) -> dict[str, Any]:
    return {
        "file": answer.figures_file,
        "measured_at": answer.figures.measured_at,
        "revision": answer.figures.revision,
        "is_quick": answer.figures.is_quick,
        "machine": answer.figures.machine,
        "origin": answer.fit.origin,
        "is_extrapolated": answer.fit.is_extrapolated,
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _print_limits(console: Console, answer: Answer) -> None:
    asked = answer.plan.workload.cameras
    console.print("\nwhat stops, at how many such cameras, and what then (yellow: passed here)")
    for each in answer.limits:
        style = "yellow" if each.cameras < asked else ""
        said = f"{each.cameras:>7}  {each.part}: {each.bound} [{each.basis}]; then {each.then}"
        tell(console, said, style, indent=" " * 9)

"""`python -m ops.plan.page` writes the plans up to ten thousand cameras into docs/capacity.md."""

from pathlib import Path

from local.stack import CHECKOUT
from ops.costs import Deployment
from ops.plan.answering import FIGURES, answered
from ops.plan.printing import Answer, origin
from ops.plan.workload import Workload
from ops.prices import HOURS_PER_MONTH

GUIDE = CHECKOUT / "docs" / "capacity.md"
BEGIN, END = "<!-- plan: begin -->", "<!-- plan: end -->"
STEPS = (1, 5, 10, 50, 100, 500, 1000, 5000, 10_000)
FPS, SIZE = 10.0, "768x576"
_HEAD = (
    "| cameras | frames/s | cores | producers, consumers, Tritons, postprocs | nodes | pipelines | "
    "brokers of each, copies | disk and network of a broker | S3 PUT/s | USD a month |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def guide_with_plans(guide: str, figures_file: Path = FIGURES) -> str:
    """Return the guide with its table made anew; raises as `answered` does."""
    before, _, rest = guide.partition(BEGIN)
    after = rest.partition(END)[2]
    plans = [planned(cameras, figures_file) for cameras in STEPS]
    of_figures = f"{FPS:g} frames/s, {SIZE}; {origin(plans[0])[1]}."
    table = "\n".join([_HEAD, *(_row(each) for each in plans)])
    return f"{before}{BEGIN}\n{of_figures}\n\n{table}\n{END}{after}"


def planned(cameras: int, figures_file: Path) -> Answer:
    """Return the plan of one row."""
    default = Deployment()
    workload = Workload(cameras, FPS)
    return answered(workload, SIZE, default.region, default.node_type, figures_file)


def _row(answer: Answer) -> str:
    plan = answer.plan
    brokers, work = plan.brokers, plan.workload
    cells = (
        f"{work.cameras:,}",
        f"{work.frames_per_s:,.0f}",
        f"{sum(plan.cores.values()):,.1f}",
        ", ".join(f"{count:,}" for count in plan.processes.values()),
        f"{plan.node_count:,} {plan.node.name}",
        f"{plan.pipelines:,}",
        f"{brokers.count} {brokers.machine.name}, {brokers.replication}",
        f"{brokers.disk_gb:,} GB, {brokers.network_mb_per_s:.0f} MB/s each way",
        f"{work.batches_per_s:,.1f}",
        f"{plan.cost.usd_per_hour * HOURS_PER_MONTH:,.0f}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    GUIDE.write_text(guide_with_plans(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")

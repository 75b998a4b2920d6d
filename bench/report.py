"""Writes the figures into docs/performance.md, as tables and plots."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from bench.figures import Figures, LiveFigures
from local.stack import CHECKOUT

PAGE = CHECKOUT / "docs" / "performance.md"
PICTURES = CHECKOUT / "docs" / "pictures"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
STAGES = (
    "camera",
    "mediamtx",
    "producer",
    "kafka",
    "consumer",
    "triton",
    "postproc",
    "seaweedfs",
)
"""In the order in which a frame passes them."""


def write_report(figures: Figures) -> None:
    """Replace the measured part of the page, and its plots."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{measured_section(figures)}\n{END}{after}", encoding="utf-8")
    plot_stages(figures, PICTURES / "cpu-per-frame.png")
    plot_speeds(figures, PICTURES / "frames-per-second.png")


def measured_section(figures: Figures) -> str:
    """Return the tables in Markdown."""
    machine = figures.machine
    parts = [
        f"Measured {figures.measured_at} at `{figures.revision}`: {machine.cpu}, "
        f"{machine.cores} cores, {machine.memory_gib} GiB, Linux {machine.kernel}, "
        f"Python {machine.python}. The first table shows the median of three rounds, all else one "
        "run each.",
        _speeds(figures),
        f"End to end it is {figures.ratio_to_bare:.2f} of the bare model's frames/s, and "
        f"{figures.ratio_to_peer:.1f} times the peer's.",
        "![Frames a second](pictures/frames-per-second.png)",
        _stages(figures),
        "![CPU-milliseconds a frame, by stage](pictures/cpu-per-frame.png)",
        _accuracy(figures),
        "Cameras in real time; the latency of a frame is from its capture to the moment when the "
        "picture of its batch is in S3:",
        _live((*figures.live, *figures.cameras.values())),
        "Each service by itself, on the same frames, with the servers that it needs:",
        _alone(figures),
        "With no camera there, and right after the work at full speed:",
        _processes(figures),
    ]
    return "\n\n".join(parts)


def plot_stages(figures: Figures, path: Path) -> None:
    """Draw a bar a size, of the stages' CPU-milliseconds a frame."""
    figure = Figure(figsize=(9, 3.2))
    axes = figure.subplots()
    for at, (size, taken) in enumerate(figures.sizes.items()):
        left = 0.0
        for number, stage in enumerate(STAGES):
            width = taken.stage_cpu_ms.get(stage, 0.0)
            label = stage if at == 0 else None
            axes.barh(size, width, left=left, color=f"C{number}", label=label)
            left += width
    axes.axvline(figures.bare_model_cpu_ms, color="black", linestyle=":", label="bare model")
    axes.set_xlabel("CPU-milliseconds a frame")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    _save(figure, path)


def plot_speeds(figures: Figures, path: Path) -> None:
    """Draw the frames a second of all sides."""
    figure = Figure(figsize=(9, 2.6))
    axes = figure.subplots()
    for name, fps, _ in reversed(_sides(figures)):
        axes.bar_label(axes.barh(name, fps, color="C0"), fmt="%.0f", padding=3)
    axes.set_xlabel("frames a second")
    _save(figure, path)


def _sides(figures: Figures) -> list[tuple[str, float, float]]:
    every_cpu_ms = figures.peer_every_picture_cpu_ms
    return [
        ("bare model, batches of 25", figures.bare_model_fps, figures.bare_model_cpu_ms),
        ("Triton alone, batches of 25", figures.triton_fps, figures.triton_cpu_ms),
        ("framerail, end to end", figures.end_to_end_fps, figures.end_to_end_cpu_ms),
        ("peer", figures.peer_fps, figures.peer_cpu_ms),
        ("peer, a picture a frame", figures.peer_every_picture_fps, every_cpu_ms),
    ]


def _speeds(figures: Figures) -> str:
    rows = [(name, f"{fps:.1f}", f"{cpu_ms:.2f}") for name, fps, cpu_ms in _sides(figures)]
    return _table(("768x576, int8", "frames/s", "CPU-ms a frame"), rows)


def _stages(figures: Figures) -> str:
    sizes = figures.sizes
    rows = [
        (stage, *(f"{each.stage_cpu_ms.get(stage, 0.0):.2f}" for each in sizes.values()))
        for stage in STAGES
    ]
    rows += [
        ("**all**", *(f"**{each.cpu_ms:.2f}**" for each in sizes.values())),
        ("frames/s", *(f"{each.fps:.1f}" for each in sizes.values())),
        ("a frame's JPEG, kB", *(f"{each.jpeg_bytes / 1000:.0f}" for each in sizes.values())),
        ("a picture in S3, kB", *(f"{each.evidence_bytes / 1000:.0f}" for each in sizes.values())),
    ]
    return _table(("CPU-ms a frame", *sizes), rows)


def _accuracy(figures: Figures) -> str:
    found = figures.accuracy
    return (
        "What the consumer's way of decoding changes against whole, exact decoding and one resize, "
        "99 frames of the clip, confidence 0.5, IoU 0.5: "
        f"precision {found.precision:.3f}, recall {found.recall:.3f}, mean IoU "
        f"{found.mean_iou:.3f}. int8 against float32 has 0.997, 0.967 and 0.975 "
        "(`modelling/CARD.md`)."
    )


def _live(measured: Iterable[LiveFigures]) -> str:
    rows = [
        (
            f"{each.cameras} x {each.fps / each.cameras:.0f} frames/s",
            f"{each.cpu_ms:.2f}",
            f"{each.stage_cpu_ms['producer']:.2f}",
            f"{each.stage_cpu_ms['consumer']:.2f}",
            *(f"{at:.2f}" for at in (each.latency_s.p50, each.latency_s.p95, each.latency_s.p99)),
        )
        for each in measured
    ]
    heads = ("cameras", "CPU-ms a frame", "of it producer", "consumer", "p50 s", "p95 s", "p99 s")
    return _table(heads, rows)


def _alone(figures: Figures) -> str:
    rows = [
        (name, f"{each.fps:.0f}", f"{each.cpu_ms[name]:.2f}", f"{sum(each.cpu_ms.values()):.2f}")
        for name, each in figures.alone.items()
    ]
    return _table(("service", "frames/s", "CPU-ms a frame", "servers included"), rows)


def _processes(figures: Figures) -> str:
    rows = [
        (name, _figure(figures.idle_cpu_percent, name), _figure(figures.memory_mib, name, 0))
        for name in STAGES[1:]
    ]
    return _table(("process", "idle, % of a core", "memory, MiB (PSS)"), rows)


def _figure(figures: Mapping[str, float], name: str, digits: int = 1) -> str:
    return f"{figures[name]:.{digits}f}" if name in figures else ""


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(heads)]
    lines.append(["---"] + ["--:"] * (len(lines[0]) - 1))
    lines += [list(row) for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _save(figure: Figure, path: Path) -> None:
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)

"""All measurements of one `make bench`, the sides taken in turn against a machine that drifts."""

import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from bench.accuracy import decoding_agreement
from bench.clips import clip_of_size
from bench.figures import Alone, Figures, LiveFigures, Machine, Percentiles, SizeFigures
from bench.model import BareModel, Speed, clip_images, triton_alone
from bench.rival import peer_at_full_speed
from bench.runs import Run, alone, at_full_speed, idle_percent, in_real_time
from bench.system import System, bench_system
from local.camera import CLIP
from local.part import Report
from local.stack import CHECKOUT
from local.workspace import Workspace

M = TypeVar("M", Speed, Run)

SMALL, LARGE = "768x576", "1920x1080"
TOTAL_FPS = 80.0
"""Of all cameras together, where it is asked what their number costs."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured, and for how long.

    `latencies` are cameras and the frames/s of each (eight at 25 would be more than two cores can
    infer); `sharing` are cameras that have TOTAL_FPS together.
    """

    rounds: int
    frames: int
    large_frames: int
    peer_frames: int
    model_frames: int
    live_s: float
    idle_s: float
    alone_frames: int
    latencies: Sequence[tuple[int, float]]
    sharing: Sequence[int]


FULL = Effort(
    rounds=3,
    frames=2000,
    large_frames=1000,
    peer_frames=750,
    model_frames=1000,
    live_s=25.0,
    idle_s=20.0,
    alone_frames=2000,
    latencies=((1, 25.0), (4, 10.0), (8, 10.0)),
    sharing=(1, 4, 8),
)
QUICK = Effort(
    rounds=1,
    frames=200,
    large_frames=50,
    peer_frames=75,
    model_frames=200,
    live_s=5.0,
    idle_s=3.0,
    alone_frames=1000,
    latencies=((1, 25.0),),
    sharing=(4,),
)
"""Proves that everything runs; its figures are worth little."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared, round by round."""

    bare: list[Speed]
    triton: list[Speed]
    whole: list[Run]
    peer: list[Speed]


class Measurer:
    """Measures one system; `report` is told what it is at."""

    def __init__(self, system: System, folder: Path, effort: Effort, report: Report) -> None:
        self._system = system
        self._folder = folder
        self._effort = effort
        self._report = report

    def sides(self) -> Sides:
        """Measure the model, Triton, the whole way and the peer in turn."""
        effort, system = self._effort, self._system
        images = clip_images(CLIP)
        bare = BareModel(system, images, self._folder)
        found = Sides([], [], [], [])
        for turn in range(effort.rounds):
            found.bare.append(self._told("bare model", lambda: bare(effort.model_frames)))
            found.triton.append(
                self._told("triton", lambda: triton_alone(system, images, effort.model_frames))
            )
            found.whole.append(self._whole(SMALL, CLIP, f"small-{turn}", effort.frames))
            found.peer.append(
                self._told("peer", lambda: peer_at_full_speed(system, CLIP, effort.peer_frames))
            )
        return found

    def peer_every_picture(self) -> Speed:
        """Measure the peer where it stores every frame."""
        frames = self._effort.peer_frames
        return self._told(
            "peer, a picture a frame",
            lambda: peer_at_full_speed(self._system, CLIP, frames, frames_a_picture=1),
        )

    def large(self) -> Run:
        """Measure the whole way at 1920x1080."""
        width, _, height = LARGE.partition("x")
        video = clip_of_size((int(width), int(height)), self._folder / "large.mp4")
        return self._whole(LARGE, video, "large", self._effort.large_frames)

    def live(self, cameras: int, fps: float) -> LiveFigures:
        """Measure cameras in real time."""
        streams = [f"live-{cameras}-{fps:g}-{number}" for number in range(cameras)]
        run = self._told(
            f"{cameras} at {fps:g} frames/s",
            lambda: in_real_time(self._system, CLIP, streams, fps, self._effort.live_s),
        )
        return LiveFigures(
            cameras=cameras,
            fps=round(run.fps, 1),
            cpu_ms=round(run.cpu_ms, 2),
            stage_cpu_ms=rounded(run.stage_cpu_ms),
            latency_s=Percentiles.of(run.latencies_s),
        )

    def _whole(self, size: str, video: Path, stream_id: str, frames: int) -> Run:
        return self._told(
            f"end to end {size}", lambda: at_full_speed(self._system, video, stream_id, frames)
        )

    def alone(self) -> dict[str, Alone]:
        """Measure each service by itself."""
        self._report("alone", "each service by itself")
        runs = alone(self._system, CLIP, "alone", self._effort.alone_frames)
        return {
            name: Alone(round(run.fps, 1), rounded(run.stage_cpu_ms)) for name, run in runs.items()
        }

    def idle(self) -> dict[str, float]:
        """Measure what everything costs while the camera is away."""
        self._report("idle", f"{self._effort.idle_s:g} s without a camera")
        return rounded(idle_percent(self._system, self._effort.idle_s))

    def _told(self, name: str, measure: Callable[[], M]) -> M:
        found = measure()
        self._report(name, f"{found.fps:.1f} frames/s, {found.cpu_ms:.2f} CPU-ms a frame")
        return found


def figures_of(system: System, folder: Path, effort: Effort, report: Report) -> Figures:
    """Measure everything, and put it together."""
    measurer = Measurer(system, folder, effort, report)
    sides = measurer.sides()
    every = measurer.peer_every_picture()
    large = measurer.large()
    live = [measurer.live(cameras, fps) for cameras, fps in effort.latencies]
    shared = [measurer.live(cameras, TOTAL_FPS / cameras) for cameras in effort.sharing]
    small = median_of(sides.whole)
    bare, triton, peer = (median_of(each) for each in (sides.bare, sides.triton, sides.peer))
    return Figures(
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        revision=_revision(),
        is_quick=effort is QUICK,
        machine=Machine.here(),
        end_to_end_fps=round(small.fps, 1),
        end_to_end_cpu_ms=round(small.cpu_ms, 2),
        bare_model_fps=round(bare.fps, 1),
        bare_model_cpu_ms=round(bare.cpu_ms, 2),
        triton_fps=round(triton.fps, 1),
        triton_cpu_ms=round(triton.cpu_ms, 2),
        peer_fps=round(peer.fps, 1),
        peer_cpu_ms=round(peer.cpu_ms, 2),
        peer_every_picture_fps=round(every.fps, 1),
        peer_every_picture_cpu_ms=round(every.cpu_ms, 2),
        ratio_to_bare=round(small.fps / bare.fps, 3),
        ratio_to_peer=round(small.fps / peer.fps, 2),
        latency_s={str(each.cameras): each.latency_s for each in live},
        stage_cpu_ms=rounded(small.stage_cpu_ms),
        alone=measurer.alone(),
        sizes={SMALL: size_figures(small), LARGE: size_figures(large)},
        cameras={str(each.cameras): each for each in shared},
        live=live,
        idle_cpu_percent=measurer.idle(),
        memory_mib=rounded(small.memory_mib),
        accuracy=decoding_agreement(system, CLIP),
    )


def measure(effort: Effort, cache: Path, report: Report) -> Figures:
    """Start a pipeline of its own, measure, and leave nothing running."""
    with tempfile.TemporaryDirectory(prefix="framerail-bench-") as name:
        folder = Path(name)
        with bench_system(Workspace(folder, cache), report) as system:
            return figures_of(system, folder, effort, report)


def median_of(found: Sequence[M]) -> M:
    """Return the measurement of median frames/s."""
    return sorted(found, key=lambda each: each.fps)[len(found) // 2]


def size_figures(run: Run) -> SizeFigures:
    """Return what is told of one size of frames."""
    return SizeFigures(
        fps=round(run.fps, 1),
        cpu_ms=round(run.cpu_ms, 2),
        stage_cpu_ms=rounded(run.stage_cpu_ms),
        **run.travel_bytes,
    )


def rounded(figures: Mapping[str, float]) -> dict[str, float]:
    """Return figures by name with two decimals."""
    return {name: round(figure, 2) for name, figure in figures.items()}


def _revision() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 - the developer's own git
        cwd=CHECKOUT,
        check=False,
        capture_output=True,
        text=True,
    )
    return told.stdout.strip() or "unknown"

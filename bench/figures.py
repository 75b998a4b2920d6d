"""The figures of one `make bench`, as `bench/results/latest.json` holds them."""

import os
import platform
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import psutil
from msgspec import Struct

GIB = 1024**3


class Machine(Struct, frozen=True):
    """Where the figures were measured."""

    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    python: str

    @classmethod
    def here(cls) -> Self:
        """Describe this machine."""
        with open("/proc/cpuinfo", encoding="utf-8") as told:
            models = [line.partition(":")[2].strip() for line in told if "model name" in line]
        return cls(
            cpu=models[0] if models else platform.machine(),
            cores=os.cpu_count() or 1,
            memory_gib=round(psutil.virtual_memory().total / GIB, 1),
            kernel=platform.release(),
            python=platform.python_version(),
        )


class Percentiles(Struct, frozen=True):
    """Seconds that half, nineteen of twenty, and 99 of 100 frames stayed below."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self:
        """Return the percentiles of a sample."""
        return cls(*(round(float(at), 3) for at in np.percentile(seconds, [50, 95, 99])))


class SizeFigures(Struct, frozen=True, kw_only=True):
    """Frames of one size: what they take end to end, and how large they travel.

    `record_bytes` is a frame in Kafka with its headers, `result_bytes` a batch's result with its
    picture in base64, `evidence_bytes` a picture in S3.
    """

    fps: float
    cpu_ms: float
    stage_cpu_ms: Mapping[str, float]
    jpeg_bytes: int
    record_bytes: int
    result_bytes: int
    evidence_bytes: int


class Alone(Struct, frozen=True):
    """One service at work on its own, with the servers that it needs."""

    fps: float
    cpu_ms: Mapping[str, float]


class LiveFigures(Struct, frozen=True, kw_only=True):
    """Cameras in real time: their number and rate together, and what a frame takes."""

    cameras: int
    fps: float
    cpu_ms: float
    stage_cpu_ms: Mapping[str, float]
    latency_s: Percentiles


class Accuracy(Struct, frozen=True):
    """Boxes of one way matched with those of another, at confidence 0.5 and IoU 0.5."""

    precision: float
    recall: float
    mean_iou: float


class Figures(Struct, frozen=True, kw_only=True):
    """All of it. CPU figures are milliseconds a frame, of every process that takes part."""

    measured_at: str
    revision: str
    is_quick: bool
    machine: Machine
    end_to_end_fps: float
    end_to_end_cpu_ms: float
    bare_model_fps: float
    bare_model_cpu_ms: float
    triton_fps: float
    triton_cpu_ms: float
    peer_fps: float
    peer_cpu_ms: float
    peer_every_picture_fps: float
    peer_every_picture_cpu_ms: float
    ratio_to_bare: float
    ratio_to_peer: float
    latency_s: Mapping[str, Percentiles]
    stage_cpu_ms: Mapping[str, float]
    alone: Mapping[str, Alone]
    sizes: Mapping[str, SizeFigures]
    cameras: Mapping[str, LiveFigures]
    live: Sequence[LiveFigures]
    idle_cpu_percent: Mapping[str, float]
    memory_mib: Mapping[str, float]
    accuracy: Accuracy

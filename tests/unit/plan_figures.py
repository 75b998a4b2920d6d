"""Small round figures of two sizes, as `make bench` would write them."""

import json
from pathlib import Path
from typing import Any

import msgspec

from ops.plan.figures import Figures

STAGES = {
    "camera": 0.2,
    "mediamtx": 0.3,
    "producer": 4.0,
    "kafka": 0.5,
    "consumer": 2.0,
    "triton": 8.0,
    "postproc": 0.4,
    "seaweedfs": 0.1,
}


def raw() -> dict[str, Any]:
    """The file: 100x100 and, of four times the pixels, 200x200."""
    small = {
        "jpeg_bytes": 80_000,
        "record_bytes": 100_000,
        "evidence_bytes": 150_000,
        "result_bytes": 125_000,
        "stage_cpu_ms": STAGES,
    }
    large = {
        "jpeg_bytes": 320_000,
        "record_bytes": 340_000,
        "evidence_bytes": 500_000,
        "result_bytes": 440_000,
        "stage_cpu_ms": STAGES | {"producer": 13.0, "consumer": 3.2, "triton": 7.9},
    }
    return {
        "measured_at": "2026-11-23T00:40:00Z",
        "revision": "abc1234",
        "machine": {"cpu": "a CPU of the tests", "cores": 2, "memory_gib": 8.0},
        "end_to_end_fps": 120.0,
        "sizes": {"100x100": small, "200x200": large},
        "memory_mib": {"producer": 112, "consumer": 112, "triton": 500},
        "cameras": {"1": {"fps": 100, "cpu_ms": 15.0}, "8": {"fps": 100, "cpu_ms": 16.5}},
    }


def figures() -> Figures:
    """The same, read."""
    return msgspec.convert(raw(), Figures)


def written(folder: Path, **changed: Any) -> Path:
    """A file of them, with some of its keys changed."""
    path = folder / "figures.json"
    path.write_text(json.dumps(raw() | changed))
    return path

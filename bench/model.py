"""The model alone, and Triton alone: the limits that the whole way is compared with."""

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from numpy.typing import NDArray

from bench.system import System
from consumer.triton import TritonModel
from local.stack import CHECKOUT
from modelling.clip import model_images

BATCH = 25
IN_FLIGHT = 3
"""As many requests at once as the consumer sends (`FRAMERAIL_MAX_BATCHES_IN_FLIGHT`)."""
MODEL, VERSION = "ssd_mobilenet", "2"


@dataclass(frozen=True, slots=True)
class Speed:
    """Frames a second, and CPU-milliseconds a frame of all that took part."""

    fps: float
    cpu_ms: float


def clip_images(video: Path) -> NDArray[np.uint8]:
    """Return 25 frames of a clip as the model takes them: (25, 300, 300, 3), uint8, RGB."""
    return model_images(video, range(0, BATCH * 25, 25))


class BareModel:
    """Runs `bench/bare.py` with the configuration that Triton serves now."""

    def __init__(self, system: System, images: NDArray[np.uint8], folder: Path) -> None:
        self._python = system.parts["triton"].argv[0]
        self._config, self._images = folder / "config.json", folder / "images.npy"
        address = system.pipeline.addresses["triton_http"]
        answer = httpx.get(f"{address}/v2/models/{MODEL}/versions/{VERSION}/config", timeout=10)
        self._config.write_text(answer.raise_for_status().text)
        np.save(self._images, images)

    def __call__(self, frames: int) -> Speed:
        """Infer so many frames in batches of 25."""
        model = CHECKOUT / "model_repository" / MODEL / VERSION / "model.onnx"
        arguments = (self._config, model, self._images, str(frames))
        answer = subprocess.run(  # noqa: S603 - our own file, by the server's interpreter
            [self._python, CHECKOUT / "bench" / "bare.py", *arguments],
            check=True,
            capture_output=True,
        )
        told = json.loads(answer.stdout.splitlines()[-1])
        return Speed(told["frames"] / told["wall_s"], told["cpu_s"] * 1000 / told["frames"])


def triton_alone(system: System, images: NDArray[np.uint8], frames: int) -> Speed:
    """Ask Triton over gRPC for so many frames, 25 a request, IN_FLIGHT at once."""
    model = TritonModel(system.pipeline.addresses["triton_grpc"], MODEL, VERSION, timeout_s=60)

    def infer(_turn: int) -> None:
        model.infer(images)

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(infer, range(2 * IN_FLIGHT)))
        server_s, client_s, begun_s = (
            system.cpu_s()["triton"],
            time.process_time(),
            time.perf_counter(),
        )
        list(pool.map(infer, range(frames // BATCH)))
        wall_s = time.perf_counter() - begun_s
        used_s = time.process_time() - client_s + system.cpu_s()["triton"] - server_s
    model.close()
    return Speed(frames / wall_s, used_s * 1000 / frames)

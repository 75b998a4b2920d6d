"""What is asked for, and what it brings into Kafka and keeps there."""

from dataclasses import dataclass
from typing import Final

from ops.costs import FRAMES_PER_BATCH
from ops.plan.figures import SizeFigures
from runtime.settings import MIB
from runtime.topics import SEGMENT_BYTES

UTILISATION: Final = 0.6
"""Of a core, a network or a disk at most: when one of three machines fails, two are at 0.9."""

# As consumer and producer have them unless told otherwise, and kserve/ on AWS: tests compare.
MAX_BATCH_AGE_S: Final = 5.0
FRAMES_RETENTION_S: Final = 6 * 3600
FRAMES_RETENTION_BYTES: Final = 2 * 1024 * MIB
RESULTS_RETENTION_S: Final = 7200


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked for: cameras, all of `fps` frames a second."""

    cameras: int
    fps: float

    @property
    def frames_per_s(self) -> float:
        """Of all cameras."""
        return self.cameras * self.fps

    @property
    def batches_per_camera_s(self) -> float:
        """A batch closes at 25 frames or at MAX_BATCH_AGE_S, whichever comes first."""
        return self.fps / min(FRAMES_PER_BATCH, max(1.0, self.fps * MAX_BATCH_AGE_S))

    @property
    def batches_per_s(self) -> float:
        """Of all cameras; as many pictures are stored."""
        return self.cameras * self.batches_per_camera_s


def produced_bytes_per_camera_s(load: SizeFigures, workload: Workload) -> float:
    """Return what one camera brings into Kafka a second: its frames and its results."""
    results = workload.batches_per_camera_s * load.result_bytes
    return workload.fps * load.record_bytes + results


def kept_bytes_per_camera(load: SizeFigures, workload: Workload) -> float:
    """Return what one camera takes of a broker's disk, one copy."""
    by_age = workload.fps * load.record_bytes * FRAMES_RETENTION_S
    frames = min(by_age, FRAMES_RETENTION_BYTES) + SEGMENT_BYTES
    return frames + workload.batches_per_camera_s * load.result_bytes * RESULTS_RETENTION_S

"""What a run counts."""

import msgspec
import pytest

from bench.runs import Run, RunFailed, whole_batches
from contracts.results import BatchResult
from tests.postproc_results import batch_result


def of_frames(count: int, first_offset: int) -> BatchResult:
    result = batch_result("cam1", first_offset=first_offset)
    source = msgspec.structs.replace(result.source, first_offset=first_offset)
    return msgspec.structs.replace(result, source=source, frames=result.frames[:1] * count)


def test_the_first_batches_count_in_order_of_offset() -> None:
    later, first, tail = of_frames(25, 25), of_frames(25, 0), of_frames(3, 50)
    assert whole_batches([later, tail, first], 50) == [first, later]


def test_a_batch_that_was_cut_short_spoils_the_run() -> None:
    with pytest.raises(RunFailed, match="45 of 50"):
        whole_batches([of_frames(20, 0), of_frames(25, 20)], 50)


def test_cpu_is_told_for_each_frame() -> None:
    run = Run(frames=100, wall_s=2.0, cpu_s={"producer": 0.3, "kafka": 0.1})
    assert run.stage_cpu_ms == {"producer": pytest.approx(3.0), "kafka": pytest.approx(1.0)}
    assert run.fps == 50.0

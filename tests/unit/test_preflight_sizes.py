"""The preflight's rules on sizes: numbers in, verdicts out."""

from dataclasses import replace

import pytest

from runtime.preflight.estimate import estimated_load, frame_bytes
from runtime.preflight.facts import Brokers, FrameLoad, Logs, Stored, measured_loads
from runtime.preflight.findings import Verdict
from runtime.preflight.sizes import (
    Fetching,
    Memory,
    fetch,
    frame_size,
    grpc_message,
    memory,
    model_batch,
    produce_request,
    replication_fetch,
    result_size,
)
from tests.unit.preflight_facts import LOAD, MIB, TOPIC, UHD


@pytest.mark.parametrize(
    ("load", "limit_bytes", "verdict"),
    [
        (LOAD, 4_128_768, Verdict.OK),
        (LOAD, 110_000, Verdict.WARNING),  # above 80 %
        (UHD, 4_128_768, Verdict.OK),
        (UHD, 1_000_000, Verdict.WARNING),  # at a lower quality it fits
        (UHD, 290_000, Verdict.REFUSED),  # at none
    ],
)
def test_frames_that_do_not_fit_lose_quality_before_they_are_dropped(
    load: FrameLoad, limit_bytes: int, verdict: Verdict
) -> None:
    assert frame_size(load, limit_bytes).verdict is verdict


@pytest.mark.parametrize(
    ("limit_bytes", "verdict"),
    [(None, Verdict.SKIPPED), (104_857_600, Verdict.OK), (4_000_000, Verdict.REFUSED)],
)
def test_a_request_must_fit_into_a_brokers_socket_limit(
    limit_bytes: int | None, verdict: Verdict
) -> None:
    assert produce_request("producer", 4_145_152, Brokers(1, limit_bytes)).verdict is verdict


def test_a_batch_of_large_frames_takes_several_fetches_and_none_is_too_large_to_come() -> None:
    found = fetch(UHD, Fetching(4_145_152, 52_428_800, 25))
    assert (found.verdict, found.numbers["fetches"]) == (Verdict.OK, 10)
    alone = fetch(UHD, Fetching(1_000_000, 52_428_800, 25))
    assert alone.verdict is Verdict.WARNING


@pytest.mark.parametrize(
    ("copies", "limit_bytes", "verdict"),
    [
        (1, 1_048_576, None),
        (3, 2_097_152, Verdict.OK),
        (3, 1_048_576, Verdict.WARNING),
        (3, None, Verdict.SKIPPED),
    ],
)
def test_followers_fetch_large_frames_one_by_one(
    copies: int, limit_bytes: int | None, verdict: Verdict | None
) -> None:
    brokers = Brokers(3, replica_fetch_max_bytes=limit_bytes)
    found = replication_fetch(UHD, replace(TOPIC, replicas=copies), brokers)
    assert (None if found is None else found.verdict) is verdict


@pytest.mark.parametrize(
    ("load", "pictures", "verdict"),
    [
        (LOAD, 25, Verdict.OK),
        (UHD, 1, Verdict.OK),
        (UHD, 25, Verdict.WARNING),
        (replace(UHD, largest_bytes=13_000_000), 1, Verdict.REFUSED),
    ],
)
def test_a_result_must_have_room_for_its_pictures(
    load: FrameLoad, pictures: int, verdict: Verdict
) -> None:
    assert result_size(load, pictures, 614_400, 16 * MIB).verdict is verdict


@pytest.mark.parametrize(
    ("limit_bytes", "verdict"),
    [(1000, Verdict.OK), (400, Verdict.WARNING), (299, Verdict.REFUSED)],
)
def test_what_a_service_holds_must_fit_into_its_memory(limit_bytes: int, verdict: Verdict) -> None:
    need = Memory("consumer", 100, [("batches", 150.0), ("fetches", 100.0)], "FRAMERAIL_BATCH_SIZE")
    found = memory(need, limit_bytes)
    assert found.verdict is verdict
    assert found.numbers["needed_bytes"] == 350


@pytest.mark.parametrize(("batch_size", "verdict"), [(50, Verdict.OK), (51, Verdict.REFUSED)])
def test_a_full_batch_must_be_one_that_the_model_takes(batch_size: int, verdict: Verdict) -> None:
    assert model_batch("ssd", 50, batch_size).verdict is verdict


@pytest.mark.parametrize(
    ("input_wh", "batch_size", "verdict"),
    [
        ((300, 300), 25, Verdict.OK),
        ((1920, 1080), 256, Verdict.OK),
        ((3840, 2160), 100, Verdict.REFUSED),
    ],
)
def test_a_batch_of_images_must_fit_into_one_message(
    input_wh: tuple[int, int], batch_size: int, verdict: Verdict
) -> None:
    found = grpc_message("ssd", input_wh, batch_size, 2**31 - 1)
    assert found.verdict is verdict
    assert found.numbers["message_bytes"] == batch_size * input_wh[0] * input_wh[1] * 3


def test_an_estimate_is_what_the_demo_clip_took_for_each_pixel() -> None:
    assert frame_bytes((768, 576), 85) == pytest.approx(86_600, rel=0.01)
    assert frame_bytes((3840, 2160), 85) == pytest.approx(1_628_000, rel=0.01)
    rising = [frame_bytes((768, 576), quality) for quality in range(1, 101)]
    assert rising == sorted(rising)
    assert UHD.frames_per_s == 25
    assert estimated_load("a", (64, 64), 5, 2).least_bytes == frame_bytes((64, 64), 5)


def test_loads_are_known_of_topics_whose_rate_and_bytes_kafka_tells() -> None:
    logs = Logs(
        {
            "frames.full": Stored(100, 200, 8_700_000, 25.0),
            "frames.empty": Stored(0, 0, 0, None),
            "frames.hidden": Stored(0, 100, None, 25.0),
            "frames.single": Stored(0, 1, 87_000, None),
        }
    )
    (load,) = measured_loads(logs)
    assert (load.stream, load.mean_bytes, load.bytes_per_s) == ("frames.full", 87_000, 2_175_000)

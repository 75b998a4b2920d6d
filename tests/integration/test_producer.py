"""Real cameras over RTSP into a real Kafka: what is published is what the camera showed."""

from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import pytest

from local.stack import EmbeddedStack
from tests.integration.producer_process import (
    Eventually,
    PublishedFrame,
    camera,
    decoded_frames,
    frames_in_kafka,
    producing,
)
from tests.producer_clips import ClipSpec, write_clip

KINDS = {
    "h264": ("clip.mp4", ClipSpec()),
    "h265": ("clip.mp4", ClipSpec(codec="libx265")),
    "b-frames": ("clip.mp4", ClipSpec(b_frames=3)),
    "sound": ("clip.mp4", ClipSpec(has_sound=True)),
    "odd-444": ("clip.mkv", ClipSpec(size_wh=(641, 361), pixel_format="yuv444p", fps=10)),
    "full-range": ("clip.mp4", ClipSpec(pixel_format="yuvj420p")),
    "large": ("clip.mp4", ClipSpec(size_wh=(1920, 1080), fps=5, frames=10)),
}
FRAMES = 20


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    return {
        kind: write_clip(folder / f"{kind}-{name}", spec) for kind, (name, spec) in KINDS.items()
    }


def captured_is_accounted_for(frames: list[PublishedFrame]) -> bool:
    """Whether each gap in `seq` is explained by the drops that the next frame tells."""
    first = frames[0].headers
    gaps = [later.headers.seq - earlier.headers.seq - 1 for earlier, later in pairwise(frames)]
    told = [sum(frame.headers.dropped.values()) for frame in frames]
    return told == [first.seq, *gaps]


def test_cameras_of_every_kind_are_published_faithfully_beside_a_dead_one(
    tmp_path: Path,
    clips: dict[str, Path],
    kafka: EmbeddedStack,
    rtsp_server: EmbeddedStack,
    eventually: Eventually,
) -> None:
    rtsp, bootstrap = rtsp_server.addresses.rtsp_url, kafka.addresses.kafka_bootstrap
    streams = [{"id": kind, "url": f"{rtsp}/{kind}"} for kind in clips]
    dead = {"id": "dead", "url": "rtsp://127.0.0.1:1/dead"}
    with ExitStack() as cameras, producing(tmp_path, bootstrap, [dead, *streams]) as producer:
        for kind, clip in clips.items():
            cameras.enter_context(camera(clip, f"{rtsp}/{kind}"))
        for kind in clips:
            eventually(lambda kind=kind: producer.published(kind) >= FRAMES, f"{kind} flows", 60)  # type: ignore[misc]
        assert producer.metric("stream_connected", stream="dead") == 0
        assert producer.answers("/healthz")
        assert producer.stop() == 0
        assert "connection refused" in producer.events("stream.lost", stream="dead")[0]["reason"]
    for kind, clip in clips.items():
        check_frames(kind, clip, frames_in_kafka(bootstrap, kind))


def check_frames(kind: str, clip: Path, frames: list[PublishedFrame]) -> None:
    assert {frame.headers.size_wh for frame in frames} == {KINDS[kind][1].size_wh}
    assert {frame.key for frame in frames} == {kind.encode()}
    assert captured_is_accounted_for(frames)
    times_ns = [frame.headers.captured_ns for frame in frames]
    assert all(later > earlier for earlier, later in pairwise(times_ns))
    assert [frame.timestamp_ms for frame in frames] == [ns // 1_000_000 for ns in times_ns]
    shown = decoded_frames(clip)
    for frame in frames[:: len(frames) // 4]:
        assert max(cv2.PSNR(frame.rgb, rgb) for rgb in shown) >= 36, kind


def test_a_stream_is_thinned_and_scaled_as_asked_and_takes_over_the_cameras_clock(
    tmp_path: Path,
    clips: dict[str, Path],
    kafka: EmbeddedStack,
    rtsp_server: EmbeddedStack,
    eventually: Eventually,
) -> None:
    bootstrap, url = kafka.addresses.kafka_bootstrap, f"{rtsp_server.addresses.rtsp_url}/thin"
    stream = {"id": "thin", "url": url, "max_fps": 5, "max_width": 161}
    with (
        camera(clips["h264"], url),
        producing(tmp_path, bootstrap, [stream]) as producer,
    ):
        eventually(lambda: bool(producer.events("stream.clock", clock="rtcp")), "RTCP", 30)
        seen = producer.published("thin")
        eventually(lambda: producer.published("thin") > seen + 5, "frames go on", 10)
        captured = producer.metric("frames_captured_total")
        paced = producer.metric("frames_dropped_total", reason="paced")
        assert paced / captured == pytest.approx(0.8, abs=0.1)
        assert producer.stop() == 0
    frames = frames_in_kafka(bootstrap, "thin")
    assert {frame.headers.size_wh for frame in frames} == {(160, 120)}
    assert captured_is_accounted_for(frames)
    clocks = [frame.headers.clock for frame in frames]
    assert clocks == sorted(clocks)  # arrival, then rtcp
    times_ns = [frame.headers.captured_ns for frame in frames]
    assert all(later > earlier for earlier, later in pairwise(times_ns))


def test_a_camera_may_change_its_resolution_in_the_middle_of_a_session(
    tmp_path: Path, kafka: EmbeddedStack, rtsp_server: EmbeddedStack, eventually: Eventually
) -> None:
    small = write_clip(tmp_path / "small.ts", ClipSpec())
    wide = write_clip(tmp_path / "wide.ts", ClipSpec(size_wh=(640, 480), begins_at=50))
    both = tmp_path / "both.ts"
    both.write_bytes(small.read_bytes() + wide.read_bytes())
    bootstrap, url = kafka.addresses.kafka_bootstrap, f"{rtsp_server.addresses.rtsp_url}/change"
    with (
        camera(both, url),
        producing(tmp_path, bootstrap, [{"id": "change", "url": url}]) as producer,
    ):
        eventually(lambda: producer.published("change") >= 120, "frames flow", 30)
        assert producer.stop() == 0
    frames = frames_in_kafka(bootstrap, "change")
    assert {frame.headers.size_wh for frame in frames} == {(320, 240), (640, 480)}
    assert {frame.rgb.shape[1::-1] for frame in frames} == {(320, 240), (640, 480)}
    assert len({frame.headers.session for frame in frames}) == 1


def test_a_camera_that_repeats_one_picture_is_told_and_thinned_to_its_heartbeat(
    tmp_path: Path, kafka: EmbeddedStack, rtsp_server: EmbeddedStack, eventually: Eventually
) -> None:
    # One key frame and then nothing but skipped blocks, as of a camera whose sensor hangs.
    options = {"g": "1000", "preset": "medium"}
    still = ClipSpec(is_still=True, frames=500, options=options)
    clip = write_clip(tmp_path / "still.mp4", still)
    bootstrap, url = kafka.addresses.kafka_bootstrap, f"{rtsp_server.addresses.rtsp_url}/still"
    quick = {"FRAMERAIL_FROZEN_AFTER_S": "2", "FRAMERAIL_FROZEN_HEARTBEAT_S": "1"}
    streams = [{"id": "still", "url": url}]
    with (
        producing(tmp_path, bootstrap, streams, **quick) as producer,
        camera(clip, url),
    ):
        eventually(lambda: bool(producer.events("stream.frozen")), "frozen", 40)
        frozen = producer.published("still")
        eventually(lambda: producer.published("still") >= frozen + 2, "heartbeats", 10)
        assert producer.metric("frames_dropped_total", reason="frozen") > 20
        assert producer.stop() == 0
    assert captured_is_accounted_for(frames_in_kafka(bootstrap, "still"))


def test_wrong_configuration_ends_the_start_with_every_mistake_named(
    tmp_path: Path, kafka: EmbeddedStack
) -> None:
    streams: list[dict[str, Any]] = [
        {"id": "GATE", "url": "http://viewer:hush@192.0.2.1/x"},
        {"max_fps": 0},
    ]
    with producing(tmp_path, kafka.addresses.kafka_bootstrap, streams) as producer:
        assert producer.process.wait(timeout=30) == 2
        (failure,) = producer.events("service.failed")
    assert "5 mistake(s)" in failure["reason"]
    assert "hush" not in producer.output()

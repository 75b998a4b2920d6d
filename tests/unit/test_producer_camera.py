"""Whatever a camera sends is delivered as frames in order of presentation, or as corrupt ones."""

from itertools import pairwise
from pathlib import Path

import pytest

from producer.camera import Camera
from producer.camera_faults import CameraFault
from producer.frames import DecodedFrame
from tests.producer_clips import ClipSpec, write_clip


def frames_of(path: Path) -> list[DecodedFrame]:
    camera = Camera(str(path), connect_timeout_s=5, stall_timeout_s=4)
    try:
        return [frame for received in camera.packets() for frame in received.frames]
    finally:
        camera.close()


def sizes_of(frames: list[DecodedFrame]) -> list[tuple[int, int]]:
    return [(f.picture.width, f.picture.height) for f in frames if f.picture is not None]


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("h264.mp4", ClipSpec()),
        ("h265.mp4", ClipSpec(codec="libx265")),
        ("b-frames.mp4", ClipSpec(b_frames=3)),
        ("h265-b-frames.mp4", ClipSpec(codec="libx265", b_frames=3)),
        ("sound.mp4", ClipSpec(has_sound=True)),
        ("odd.mkv", ClipSpec(size_wh=(321, 241), pixel_format="yuv444p")),
    ],
)
def test_every_frame_is_delivered_once_in_order_of_presentation(
    tmp_path: Path, name: str, spec: ClipSpec
) -> None:
    frames = frames_of(write_clip(tmp_path / name, spec))
    assert sizes_of(frames) == [spec.size_wh] * spec.frames
    times_ns = [frame.pts_ns for frame in frames if frame.pts_ns is not None]
    assert len(times_ns) == spec.frames
    assert all(later - earlier == 40_000_000 for earlier, later in pairwise(times_ns))
    assert not any(frame.is_corrupt for frame in frames)


def test_the_codec_is_named(tmp_path: Path) -> None:
    camera = Camera(str(write_clip(tmp_path / "c.mp4", ClipSpec(codec="libx265", frames=5))), 5, 4)
    assert camera.codec == "hevc"
    camera.close()


def test_a_camera_may_change_its_size(tmp_path: Path) -> None:
    first = write_clip(tmp_path / "first.h264", ClipSpec(frames=10))
    second = write_clip(tmp_path / "second.h264", ClipSpec(frames=10, size_wh=(640, 480)))
    both = tmp_path / "both.h264"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    assert sizes_of(frames_of(both)) == [(320, 240)] * 10 + [(640, 480)] * 10


def test_nothing_is_delivered_before_the_first_key_frame(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.hevc", ClipSpec(frames=50, codec="libx265"))
    access_units = clip.read_bytes()
    late = tmp_path / "late.hevc"
    # From the middle of the first second on: what comes before the next key frame is of no use.
    late.write_bytes(access_units[len(access_units) // 4 :])
    frames = frames_of(late)
    assert frames[0].picture is not None
    assert frames[0].picture.key_frame
    assert len(frames) == 25


def test_frames_of_damaged_packets_are_marked_corrupt_and_the_others_go_on(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.h264", ClipSpec(frames=75))
    stream = bytearray(clip.read_bytes())
    middle = len(stream) // 2
    stream[middle : middle + 400] = bytes(400)
    damaged = tmp_path / "damaged.h264"
    damaged.write_bytes(stream)
    frames = frames_of(damaged)
    assert any(frame.is_corrupt for frame in frames)
    assert not frames[0].is_corrupt
    assert not frames[-1].is_corrupt
    assert all(frame.picture is not None or frame.is_corrupt for frame in frames)


def test_a_source_without_video_is_a_fault_that_names_it(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("no video at all", encoding="ascii")
    with pytest.raises(CameraFault):
        Camera(str(words), 5, 4)

"""Short videos of the kinds that cameras send, made with PyAV's encoders."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

SOUND_RATE = 16_000


@dataclass(frozen=True)
class ClipSpec:
    """One video: `frames` pictures of `size_wh` pixels at `fps` a second, a key frame a second.

    Its times begin `begins_at` frames late, so that two files in a row make one video.
    """

    codec: str = "libx264"
    size_wh: tuple[int, int] = (320, 240)
    fps: int = 25
    frames: int = 50
    pixel_format: str = "yuv420p"
    b_frames: int = 0
    has_sound: bool = False
    is_still: bool = False
    begins_at: int = 0
    options: dict[str, str] = field(default_factory=dict)


def scene(size_wh: tuple[int, int], number: int) -> NDArray[np.uint8]:
    """Return picture `number` of a smooth moving scene, shape (height, width, 3), uint8, RGB."""
    width, height = size_wh
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    channels = [
        128 + 100 * np.sin((x + 3 * number) / 37),
        128 + 100 * np.cos((y - 2 * number) / 29),
        128 + 100 * np.sin((x + y + number) / 53),
    ]
    return np.asarray(np.clip(np.stack(channels, axis=-1), 0, 255), np.uint8)


def write_clip(path: Path, spec: ClipSpec) -> Path:
    """Encode a clip into the container that the file's name asks for."""
    with av.open(str(path), "w") as container:
        video = _video_stream(container, spec)
        sound = container.add_stream("aac", rate=SOUND_RATE) if spec.has_sound else None
        for number in range(spec.frames):
            rgb = scene(spec.size_wh, 0 if spec.is_still else number)
            picture = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            picture.pts, picture.time_base = spec.begins_at + number, Fraction(1, spec.fps)
            container.mux(video.encode(picture.reformat(format=spec.pixel_format)))
        container.mux(video.encode(None))
        if isinstance(sound, AudioStream):
            _write_silence(container, sound, spec.frames / spec.fps)
    return path


def _video_stream(container: OutputContainer, spec: ClipSpec) -> VideoStream:
    options = {"preset": "ultrafast", "g": str(spec.fps), "bf": str(spec.b_frames)}
    if spec.codec == "libx265":
        options |= {"x265-params": f"log-level=none:keyint={spec.fps}:bframes={spec.b_frames}"}
    stream = container.add_stream(spec.codec, rate=spec.fps, options=options | spec.options)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = spec.size_wh
    stream.pix_fmt = spec.pixel_format
    return stream


def _write_silence(container: OutputContainer, stream: AudioStream, seconds: float) -> None:
    for number in range(int(seconds * SOUND_RATE / 1024)):
        silence = np.zeros((1, 1024), np.float32)
        sound = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
        sound.sample_rate, sound.pts = SOUND_RATE, number * 1024
        sound.time_base = Fraction(1, SOUND_RATE)
        container.mux(stream.encode(sound))
    container.mux(stream.encode(None))

"""Clips that cameras with faults send, and a microphone that shows nothing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream

from tests.producer_clips import SOUND_RATE

SOUND_SAMPLES = 1024
_HEAD_BYTES = 40
"""Length, NAL and slice header: what lies behind is the picture."""


def with_damage(clip: Path, damaged: Path) -> Path:
    """Copy a clip; the pictures of all but its key frames are overwritten."""
    with av.open(str(clip)) as source, av.open(str(damaged), "w") as copy:
        video = source.streams.video[0]
        carried = copy.add_stream_from_template(video)
        for packet in source.demux(video):
            if packet.dts is None:
                continue
            payload = bytes(packet)
            if not packet.is_keyframe:
                payload = payload[:_HEAD_BYTES] + b"\xa5" * (len(payload) - _HEAD_BYTES)
            changed = av.Packet(payload)
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.duration, changed.is_keyframe = packet.duration, packet.is_keyframe
            changed.stream = carried
            copy.mux(changed)
    return damaged


@contextmanager
def microphone(url: str) -> Iterator[None]:
    """Publish silence, in real time, and no video."""
    stop = threading.Event()
    thread = threading.Thread(target=_publish_silence, args=(url, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _publish_silence(url: str, stop: threading.Event) -> None:
    with av.open(url, "w", format="rtsp", options={"rtsp_transport": "tcp"}) as container:
        stream = container.add_stream("aac", rate=SOUND_RATE)
        assert isinstance(stream, AudioStream)
        number = 0
        while not stop.wait(SOUND_SAMPLES / SOUND_RATE):
            silence = np.zeros((1, SOUND_SAMPLES), np.float32)
            sound = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            sound.sample_rate, sound.pts = SOUND_RATE, number * SOUND_SAMPLES
            sound.time_base = Fraction(1, SOUND_RATE)
            container.mux(stream.encode(sound))
            number += 1

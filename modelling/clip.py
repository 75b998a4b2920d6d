"""The demo camera's clip: OpenCV's sample video of pedestrians, as H.264 for an RTSP server."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

MODEL_SIDE_PX = 300

# A key frame every 2.5 s: whoever joins the camera waits no longer for a first picture. No
# B-frames, as surveillance cameras send it, so that decoding order is display order. One thread,
# so that the same x264 gives the same bytes. CRF 29 keeps the original's noise out and the file
# near 4 MB.
X264_OPTIONS = {
    "crf": "29",
    "preset": "slow",
    "g": "25",
    "keyint_min": "25",
    "sc_threshold": "0",
    "bf": "0",
    "threads": "1",
}


def encode_clip(original: Path, clip: Path) -> None:
    """Re-encode a video as H.264 4:2:0 in MP4, keeping its size, frame rate and frame count."""
    clip.parent.mkdir(parents=True, exist_ok=True)
    container_options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(original) as source, av.open(clip, "w", options=container_options) as target:
        video = source.streams.video[0]
        stream = target.add_stream("libx264", rate=video.average_rate, options=X264_OPTIONS)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        for frame in source.decode(video):
            frame.pict_type = PictureType.NONE  # let x264 place the key frames, not the original
            target.mux(stream.encode(frame))
        target.mux(stream.encode())


def frames_rgb(clip: Path, wanted: Iterable[int]) -> Iterator[NDArray[np.uint8]]:
    """The frames of the given positions (0 is the first), in the clip's order.

    Each is RGB, shape (height, width, 3), uint8.
    """
    positions = frozenset(wanted)
    with av.open(clip) as container:
        for position, frame in enumerate(container.decode(video=0)):
            if position in positions:
                yield np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)


def model_images(clip: Path, wanted: Iterable[int]) -> NDArray[np.uint8]:
    """The same frames as one batch for the model, shape (N, 300, 300, 3), uint8, RGB.

    Resized bilinearly without keeping the aspect ratio, as the author of the weights does.
    """
    size_wh = (MODEL_SIDE_PX, MODEL_SIDE_PX)
    resized = [cv2.resize(frame, size_wh) for frame in frames_rgb(clip, wanted)]
    return np.stack(resized).astype(np.uint8, copy=False)

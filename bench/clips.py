"""The pictures of the demo's clip at another size."""

from pathlib import Path

import av
from av.video.frame import PictureType

from local.camera import CLIP
from modelling.clip import X264_OPTIONS

FRAMES = 250


def clip_of_size(size_wh: tuple[int, int], path: Path) -> Path:
    """Write the first frames of the demo's clip, scaled up, as H.264 with its own settings."""
    with av.open(CLIP) as source, av.open(path, "w") as target:
        video = source.streams.video[0]
        options = X264_OPTIONS | {"preset": "veryfast"}
        stream = target.add_stream("libx264", rate=video.average_rate, options=options)
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p"
        for number, frame in enumerate(source.decode(video)):
            if number == FRAMES:
                break
            scaled = frame.reformat(*size_wh, format="yuv420p", interpolation="BICUBIC")
            scaled.pict_type = PictureType.NONE
            target.mux(stream.encode(scaled))
        target.mux(stream.encode())
    return path

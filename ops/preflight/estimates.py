"""What cameras that have sent no frame yet would bring, as far as their size can be guessed."""

from collections.abc import Iterator, Sequence

from contracts.names import frames_topic
from runtime.preflight.estimate import estimated_load
from runtime.preflight.facts import FrameLoad
from runtime.streams_file import StreamSpec


def estimated(
    streams: Sequence[StreamSpec],
    size_wh: tuple[int, int] | None,
    jpeg_quality: int,
    known: Sequence[FrameLoad],
) -> Iterator[FrameLoad]:
    """Yield the load of each stream that has no `known` one.

    `size_wh`, in pixels, is that of their cameras; without streams, of one camera more. Streams
    that name no quality have `jpeg_quality`.
    """
    names = {load.stream for load in known}
    for stream in streams:
        topic, published_wh = frames_topic(stream.id), _published(size_wh, stream.max_width)
        if topic not in names and published_wh is not None:
            quality = jpeg_quality if stream.jpeg_quality is None else stream.jpeg_quality
            yield estimated_load(topic, published_wh, quality, stream.max_fps)
    if not streams and size_wh is not None:
        name = f"a camera of {size_wh[0]}x{size_wh[1]}"
        yield estimated_load(name, size_wh, jpeg_quality, None)


def _published(size_wh: tuple[int, int] | None, max_width: int | None) -> tuple[int, int] | None:
    """Return (width, height) after scaling; of a camera of unknown size the most, at 16:9."""
    if size_wh is None:
        return None if max_width is None else (max_width, max_width * 9 // 16)
    if max_width is None or size_wh[0] <= max_width:
        return size_wh
    return max_width, size_wh[1] * max_width // size_wh[0]

"""Which pictures the dead letters of the post-processor tell of."""

import re

from contracts.deadletters import MAX_REASON_CHARS, DeadLetter

_FRAME = re.compile(r"(?:^|; )frame (\d+): ")
"""How the post-processor names each picture that it could not draw; a test holds both together."""


class Refusals:
    """Takes the dead letters of `results`."""

    def __init__(self) -> None:
        # By offset of the result; None where all of its pictures are refused.
        self._frames: dict[int, frozenset[int] | None] = {}

    def add(self, letter: DeadLetter) -> None:
        """Take one letter; a later one of the same result says the same."""
        self._frames[letter.offset] = _refused_frames(letter)

    def tells_of(self, result_offset: int, frame_offset: int) -> bool:
        """Return whether the picture of a frame was refused with the result at an offset."""
        if result_offset not in self._frames:
            return False
        frames = self._frames[result_offset]
        return frames is None or frame_offset in frames


def _refused_frames(letter: DeadLetter) -> frozenset[int] | None:
    is_cut_short = len(letter.reason) >= MAX_REASON_CHARS
    if letter.stage != "postproc.draw" or is_cut_short:
        return None
    named = frozenset(int(number) for number in _FRAME.findall(letter.reason))
    return named or None

"""Times of a file that is played over and over, as one stream whose times only grow."""

from fractions import Fraction


class Timeline:
    """Moves the time stamps of each pass behind those of the pass before.

    All streams of a file are moved by the same amount, the length of its longest one, so sound
    stays with the picture.
    """

    def __init__(self) -> None:
        self._pass_begins_s = Fraction(0)
        self._latest_end_s = Fraction(0)
        self._latest_dts: dict[int, int] = {}

    def place(
        self, stream: int, time_base: Fraction, pts: int, dts: int, duration: int
    ) -> tuple[int, int]:
        """Return `pts` and `dts` of a packet, in ticks of `time_base`, on the endless timeline.

        `dts` grows from packet to packet of a stream, even where the file's own does not, and
        `pts` is never before it: with B-frames the order of packets is that of `dts`.
        """
        shift = round(self._pass_begins_s / time_base)
        end_s = (pts + shift + duration) * time_base
        self._latest_end_s = max(self._latest_end_s, end_s)
        placed_dts = dts + shift
        if stream in self._latest_dts:
            placed_dts = max(placed_dts, self._latest_dts[stream] + 1)
        self._latest_dts[stream] = placed_dts
        return max(pts + shift, placed_dts), placed_dts

    def begin_next_pass(self) -> None:
        """Let what follows be placed behind everything placed so far."""
        self._pass_begins_s = self._latest_end_s

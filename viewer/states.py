"""Whether a stream is live, behind, silent or reconnecting: one word for what is known of it. Pure.

Seconds behind live go up and down by a batch's length, so a stream that was behind stays so until
it has been in time for a while: the word does not flicker.
"""

from dataclasses import dataclass

from contracts.wall import StreamState

SURE_S = 2.0
"""A frozen camera publishes a frame in 5 s, which waits 5 s for its batch to close: 10 s behind,
for a moment. What stays above the bound longer is behind."""
CALM_S = 10.0
"""Twice as long as a batch may gather where nothing is set: the saw-tooth has one low in it."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of a stream now; None where nobody tells.

    `still_s`: seconds since the camera's last frame was counted. `result_age_s` and `result_gap_s`:
    seconds since the newest result was made, and between those before it.
    """

    is_connected: bool | None = None
    still_s: float | None = None
    behind_s: float | None = None
    result_age_s: float | None = None
    result_gap_s: float = 0.0


class StreamStates:
    """Decides the state of each stream, and remembers which were behind lately."""

    def __init__(self, behind_after_s: float, silent_after_s: float) -> None:
        self._behind_after_s = behind_after_s
        self._silent_after_s = silent_after_s
        self._late_since_s: dict[str, float] = {}
        self._behind_at_s: dict[str, float] = {}

    def state(self, stream_id: str, signs: Signs, now_s: float) -> StreamState:
        """Return the state at a moment, in seconds of any monotonic clock."""
        if signs.behind_s is None or signs.behind_s <= self._behind_after_s:
            self._late_since_s.pop(stream_id, None)
        elif now_s - self._late_since_s.setdefault(stream_id, now_s) >= SURE_S:
            self._behind_at_s[stream_id] = now_s
        if signs.is_connected is False:
            return "reconnecting"
        if self._is_silent(signs):
            return "silent"
        behind_at_s = self._behind_at_s.get(stream_id)
        if behind_at_s is not None and now_s - behind_at_s < CALM_S:
            return "behind"
        return "live"

    def forget(self, stream_id: str) -> None:
        """Remember nothing of a stream that has left the wall."""
        self._late_since_s.pop(stream_id, None)
        self._behind_at_s.pop(stream_id, None)

    def _is_silent(self, signs: Signs) -> bool:
        if signs.still_s is not None:
            return signs.still_s > self._silent_after_s
        # Without its producer's word, results that go on coming say that it lives.
        age_s = signs.result_age_s
        return age_s is None or age_s > self._silent_after_s + signs.result_gap_s

"""A start waits for what comes up a little later, and for no longer than it was told."""

from collections.abc import Callable

import pytest

from runtime.errors import ConfigurationError, DependencyError, TransientError
from runtime.health import Heartbeat
from runtime.starting import await_answer
from runtime.stop import StopSignal


def answers(*given: Exception | str) -> Callable[[], str]:
    left = list(given)

    def ask() -> str:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


def awaited(ask: Callable[[], str], patience_s: float, stop: StopSignal) -> str | None:
    return await_answer(ask, "FRAMERAIL_X", patience_s, stop, Heartbeat(lambda: 0.0, 60))


def test_the_first_answer_is_returned() -> None:
    ask = answers(TransientError("away"), TransientError("away"), "here")
    assert awaited(ask, 60, StopSignal()) == "here"


def test_what_stays_away_is_named_with_the_setting_to_check() -> None:
    with pytest.raises(DependencyError, match=r"no answer within 0\.05 s: away; check FRAMERAIL_X"):
        awaited(answers(TransientError("away")), 0.05, StopSignal())


def test_a_refusal_is_not_waited_for() -> None:
    with pytest.raises(ConfigurationError, match="never"):
        awaited(answers(ConfigurationError("never")), 60, StopSignal())


def test_a_stop_ends_the_wait() -> None:
    stop = StopSignal()
    stop.set()
    assert awaited(answers(TransientError("away")), 60, stop) is None

"""Waits at a start for a system outside that may come up a little later than we do."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from runtime.backoff import growing_waits
from runtime.errors import DependencyError, TransientError
from runtime.health import Heartbeat
from runtime.stop import StopSignal

T = TypeVar("T")


def await_answer(
    ask: Callable[[], T],
    address_setting: str,
    patience_s: float,
    stop: StopSignal,
    heartbeat: Heartbeat,
) -> T | None:
    """Return what `ask` returns once it raises TransientError no more, or None at a stop.

    Raises DependencyError, which names the setting to check, after `patience_s` seconds; what else
    `ask` raises is let through.
    """
    deadline_s = time.monotonic() + patience_s
    for wait_s in growing_waits(0.1, 2.0, random.Random()):  # noqa: S311 - jitter, not a secret
        heartbeat.beat()
        try:
            return ask()
        except TransientError as error:
            if time.monotonic() > deadline_s:
                raise DependencyError(
                    f"no answer within {patience_s:g} s: {error}; check {address_setting} and that "
                    "the server runs"
                ) from error
        if stop.wait(wait_s):
            break
    return None

"""Loaded at the start of a service under test: it can die at one point, and its clock can step.

A file in the folder FRAMERAIL_FAULTS says what: `<service>.dies-before-commit` is taken away and
the process kills itself just before its next commit; `<service>.clock-step-s` holds seconds by
which its wall clock is off.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_FOLDER = Path(os.environ["FRAMERAIL_FAULTS"])
_SERVICE = os.environ["FRAMERAIL_FAULTS_SERVICE"]
_LOOK_EVERY_S = 0.05


def _die_before_commit() -> None:
    from kafka import KafkaConsumer

    commit: Callable[..., Any] = KafkaConsumer.commit
    order = _FOLDER / f"{_SERVICE}.dies-before-commit"

    def dying(*arguments: Any, **options: Any) -> Any:
        if order.exists():
            order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return commit(*arguments, **options)

    KafkaConsumer.commit = dying


def _step_the_clock() -> None:
    order = _FOLDER / f"{_SERVICE}.clock-step-s"
    time_ns = time.time_ns
    looked_s, step_ns = 0.0, 0

    def stepped_ns() -> int:
        nonlocal looked_s, step_ns
        if time.monotonic() - looked_s > _LOOK_EVERY_S:
            looked_s = time.monotonic()
            step_ns = int(order.read_text()) * 1_000_000_000 if order.exists() else 0
        return time_ns() + step_ns

    time.time_ns = stepped_ns
    time.time = lambda: stepped_ns() / 1e9


_die_before_commit()
_step_the_clock()

"""Tell the guard beside tritonserver (serving/guard.py) that this process is up or ends."""

import contextlib
import os
import struct
from collections.abc import Mapping

REPORT = struct.Struct("=i")
GUARD_FD = "FRAMERAIL_GUARD_FD"


def report_up(environment: Mapping[str, str] = os.environ) -> None:
    """From now on the end of this process, unless reported before, is the server's end."""
    _report(os.getpid(), environment)


def report_end(environment: Mapping[str, str] = os.environ) -> None:
    """This process ends because Triton unloads its model."""
    _report(-os.getpid(), environment)


def _report(number: int, environment: Mapping[str, str]) -> None:
    descriptor = environment.get(GUARD_FD)
    if descriptor is None:
        return
    # A guard that is gone is no reason not to serve.
    with contextlib.suppress(OSError):
        os.write(int(descriptor), REPORT.pack(number))

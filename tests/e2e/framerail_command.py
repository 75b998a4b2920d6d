"""The `framerail` command, run as its user runs it, in a home folder of its own."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.stack import CHECKOUT

COMMAND = str(Path(sys.executable).with_name("framerail"))
CACHE = Path(os.environ.get("FRAMERAIL_HOME", CHECKOUT / ".framerail")) / "cache"
STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Framerail:
    """One home folder; servers that are prepared once are shared by all of them."""

    home: Path

    def environment(self, **changes: str) -> dict[str, str]:
        own = {"FRAMERAIL_HOME": str(self.home), "FRAMERAIL_CACHE": str(CACHE), **changes}
        return os.environ | own

    def start(self, *arguments: str, **changes: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COMMAND, *arguments],
            env=self.environment(**changes),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run to the end; the first run of all prepares the servers, which takes minutes."""
        return subprocess.run(
            [COMMAND, *arguments],
            env=self.environment(**changes),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def status(self) -> dict[str, Any]:
        run = self.run("status", "--json")
        assert run.returncode == 0, run.stderr
        document: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
        return document

    def processes(self) -> list[psutil.Process]:
        """Return every process that was started for this home folder."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("FRAMERAIL_HOME") == str(self.home):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found


class Terminal:
    """A terminal in which one command runs; what it shows is kept as it came."""

    def __init__(
        self,
        framerail: Framerail,
        *arguments: str,
        size: tuple[int, int] = (80, 24),
        env: Mapping[str, str] | None = None,
    ) -> None:
        ours, theirs = pty.openpty()
        columns, rows = size
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = framerail.environment(TERM="xterm-256color")
        for variable in ("COLUMNS", "LINES", "NO_COLOR"):
            environment.pop(variable, None)
        environment |= env or {}
        self._process = subprocess.Popen(
            [COMMAND, *arguments],
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(theirs)
        self._ours = ours
        self.shown = ""

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    @property
    def text(self) -> str:
        """What is shown, without what only steers the terminal."""
        return STEERING.sub("", self.shown)

    def read_until(self, text: str, within_s: float) -> None:
        """Read on until a text is shown; fail if it is not in time."""
        deadline_s = time.monotonic() + within_s
        while text not in self.text:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not self._read(left_s):
                pytest.fail(f"{text!r} is not shown, but at last: {self.text[-2000:]}")

    def press(self, key: str) -> None:
        os.write(self._ours, key.encode())

    def exit_code(self, within_s: float) -> int:
        """Read to the end; return how the command ended."""
        deadline_s = time.monotonic() + within_s
        while self._read(max(deadline_s - time.monotonic(), 0)):
            pass
        return self._process.wait(timeout=max(deadline_s - time.monotonic(), 0.1))

    def _read(self, within_s: float) -> bool:
        if not select.select([self._ours], [], [], within_s)[0]:
            return False
        try:
            read = os.read(self._ours, 65536)
        except OSError:  # so Linux tells that nobody holds the other end any more
            return False
        self.shown += read.decode(errors="replace")
        return bool(read)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

"""The `framerail` command, run as its user runs it, in a home folder of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from local.stack import CHECKOUT

COMMAND = str(Path(sys.executable).with_name("framerail"))
CACHE = Path(os.environ.get("FRAMERAIL_HOME", CHECKOUT / ".framerail")) / "cache"


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

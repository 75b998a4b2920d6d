"""The cache of prepared servers: each is built once, by one process, and appears whole."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from local.locks import exclusive
from local.part import Report
from local.stopping import StoppableReport


def build_once(cache: Path, name: str, build: Callable[[Path], None], report: Report) -> Path:
    """Return `cache/name`, built by `build` into the folder that it is given unless it is there.

    The folder is renamed into place only when `build` has returned, so a build that was broken off
    leaves nothing that looks finished. A second process waits for the first one's result. Raises
    StartInterrupted if `report` is a StoppableReport that is stopped during the wait.
    """
    finished = cache / name
    if finished.is_dir():
        return finished
    lock = cache / f".{name}.lock"
    stoppable = StoppableReport.of(report)
    waiting = "another process is preparing it; waiting"
    with exclusive(lock, lambda: stoppable(name, waiting), stoppable.check):
        if not finished.is_dir():
            draft = cache / f".{name}.building"
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            try:
                build(draft)
                os.rename(draft, finished)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    return finished

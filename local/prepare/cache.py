"""The cache of prepared servers: each is built once, by one process, and appears whole."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from local.locks import exclusive
from local.part import Report


def build_once(cache: Path, name: str, build: Callable[[Path], None], report: Report) -> Path:
    """Return `cache/name`, built by `build` into the folder that it is given unless it is there.

    The folder is renamed into place only when `build` has returned, so a build that was broken off
    leaves nothing that looks finished. A second process waits for the first one's result.
    """
    finished = cache / name
    if finished.is_dir():
        return finished
    lock = cache / f".{name}.lock"
    with exclusive(lock, lambda: report(name, "another process is preparing it; waiting")):
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

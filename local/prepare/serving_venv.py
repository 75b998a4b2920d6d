"""The virtual environment of the model server, apart because Triton needs numpy 1."""

import hashlib
import shutil
from pathlib import Path

from local.errors import PrepareError
from local.locks import exclusive
from local.part import Report
from local.prepare.commands import run_tool
from local.stopping import StoppableReport

PYTHON = "python3.11"
STAMP = "framerail-requirements.sha256"


def prepare_serving_venv(cache: Path, requirements: Path, report: Report) -> Path:
    """Return the interpreter of `cache/serving-venv`, installed (some 600 MB) the first time.

    A virtual environment cannot be moved, so it is made in place; a stamp, written last, holds the
    hash of the requirements that it satisfies; without the right one it is made anew. Raises
    PrepareError if Python 3.11 is missing or the installation fails.
    """
    venv = cache / "serving-venv"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not _is_stamped(venv, wanted):
        lock = cache / ".serving-venv.lock"
        stoppable = StoppableReport.of(report)
        waiting = "another process installs it; waiting"
        with exclusive(lock, lambda: stoppable("triton", waiting), stoppable.check):
            if not _is_stamped(venv, wanted):
                _install(venv, requirements, report)
                (venv / STAMP).write_text(wanted, encoding="ascii")
    return venv / "bin" / "python"


def _is_stamped(venv: Path, wanted: str) -> bool:
    stamp = venv / STAMP
    return stamp.is_file() and stamp.read_text(encoding="ascii") == wanted


def _install(venv: Path, requirements: Path, report: Report) -> None:
    python = shutil.which(PYTHON)
    if python is None:
        raise PrepareError(f"{PYTHON} is not on PATH; Triton's python backend is built for it")
    # Cleared, because an earlier one may have been broken off between its Python and its pip.
    run_tool("triton", (python, "-m", "venv", "--clear", str(venv)), report)
    report("triton", "installing NVIDIA's Triton and onnxruntime; some minutes the first time")
    pip = (str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input")
    run_tool("triton", (*pip, "install", "--require-hashes", "-r", str(requirements)), report)

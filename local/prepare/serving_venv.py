"""The virtual environment of the model server, apart because Triton needs numpy 1."""

import hashlib
import shutil
from pathlib import Path

from local.errors import PrepareError
from local.locks import exclusive
from local.part import Report
from local.prepare.commands import run_tool

PYTHON = "python3.11"
STAMP = "framerail-requirements.sha256"


def prepare_serving_venv(cache: Path, requirements: Path, report: Report) -> Path:
    """Return the interpreter of `cache/serving-venv`, installed (some 600 MB) the first time.

    A virtual environment cannot be moved, so it is made in place; a stamp, written last, holds the
    hash of the requirements that it satisfies. Raises PrepareError if Python 3.11 is missing or
    the installation fails.
    """
    venv = cache / "serving-venv"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not _is_stamped(venv, wanted):
        lock = cache / ".serving-venv.lock"
        with exclusive(lock, lambda: report("triton", "another process installs it; waiting")):
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
    own_python = venv / "bin" / "python"
    if not own_python.exists():
        run_tool("triton", (python, "-m", "venv", str(venv)), report)
    report("triton", "installing NVIDIA's Triton and onnxruntime; some minutes the first time")
    pip = (str(own_python), "-m", "pip", "--disable-pip-version-check", "--no-input")
    run_tool("triton", (*pip, "install", "--require-hashes", "-r", str(requirements)), report)

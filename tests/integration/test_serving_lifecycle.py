"""How the launcher's Triton starts, refuses to start, and ends with everything it started."""

import subprocess
from pathlib import Path

import psutil
import pytest

from local.prepare.serving_venv import prepare_serving_venv
from tests.integration.serving_models import OPENVINO, lookup_onnx, write_model
from tests.integration.serving_process import ROOT, command, free_ports, started, wait_until


@pytest.fixture(scope="session")
def serving_python(server_cache: Path) -> Path:
    """The interpreter of the serving environment, installed from its lock the first time."""
    return prepare_serving_venv(
        server_cache, ROOT / "requirements" / "serving.txt", lambda name, detail: None
    )


@pytest.mark.parametrize(
    ("onnx_file", "configuration", "complaint"),
    [
        (None, {}, "model.onnx does not exist"),
        (b"no model at all", {}, "model.onnx cannot be loaded"),
        (
            lookup_onnx(),
            {"inputs": 'input [ { name: "index" data_type: TYPE_INT64 dims: [2] } ]'},
            "tensor 'index': config.pbtxt expects TYPE_INT64 (tensor(int64)), "
            "the ONNX file has tensor(int32)",
        ),
        (
            lookup_onnx(),
            {"outputs": 'output [ { name: "score" data_type: TYPE_FP32 dims: [2] } ]'},
            "output 'score': expected by config.pbtxt, but the ONNX file has ['value']",
        ),
        (
            lookup_onnx(),
            {"outputs": 'output [ { name: "value" data_type: TYPE_FP32 dims: [3] } ]'},
            "tensor 'value': config.pbtxt expects shape [-1, 3] (batch first), "
            "the ONNX file has [-1, 2]",
        ),
        (lookup_onnx(), {"more": OPENVINO.replace("num_of_threads", "threads")}, "threads"),
    ],
    ids=["no file", "corrupt", "dtype", "name", "dims", "unknown option of OpenVINO"],
)
def test_a_model_that_cannot_be_served_stops_the_start_and_says_why(
    serving_python: Path,
    tmp_path: Path,
    onnx_file: bytes | None,
    configuration: dict[str, str],
    complaint: str,
) -> None:
    write_model(tmp_path, "broken", {1: onnx_file or b""}, **configuration)
    if onnx_file is None:
        (tmp_path / "broken" / "1" / "model.onnx").unlink()

    ended = subprocess.run(
        command(serving_python, tmp_path, free_ports()),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert complaint in ended.stdout + ended.stderr


@pytest.mark.parametrize("is_killed", [False, True], ids=["SIGTERM", "SIGKILL"])
def test_no_process_and_no_shared_memory_outlives_the_server(
    serving_python: Path, tmp_path: Path, is_killed: bool
) -> None:
    write_model(tmp_path / "models", "lookup", {1: lookup_onnx(), 2: lookup_onnx()})
    with started(serving_python, tmp_path / "models", tmp_path / "log") as server:
        children, regions = server.children(), server.shared_memory()
        assert (len(children), len(regions)) == (3, 2)
        # Not reaped yet: a zombie server must count as dead, too.
        (server.process.kill if is_killed else server.process.terminate)()
        wait_until(lambda: not any(map(is_running, children)), 20, "the children are gone")
        wait_until(lambda: not any(map(Path.exists, regions)), 5, "the regions are gone")

    assert server.process.returncode == (-9 if is_killed else 0)


def test_the_server_ends_when_a_model_process_dies_so_that_it_is_started_anew(
    serving_python: Path, tmp_path: Path
) -> None:
    write_model(tmp_path / "models", "lookup", {1: lookup_onnx()})
    with started(serving_python, tmp_path / "models", tmp_path / "log") as server:
        (stub,) = server.stubs()
        stub.kill()
        server.process.wait(timeout=30)

    assert f"model process {stub.pid} died" in server.log.read_text()


def is_running(process: psutil.Process) -> bool:
    """Tell whether a process lives; one that only waits to be reaped does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

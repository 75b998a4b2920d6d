import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.guard import Guard, remove_regions
from serving.onnxruntime.guard_report import REPORT, report_end, report_up

WAITS_FOR_EVER = [sys.executable, "-c", "import time; time.sleep(3600)"]


class Watched:
    """A guard over a stand-in of the server."""

    def __init__(self) -> None:
        self._processes = contextlib.ExitStack()
        self.server = self.start_process()
        self._reports, self.report_to = os.pipe()
        self._guard = Guard(self.server.pid, self._reports)
        self._watching = threading.Thread(target=self._guard.watch, daemon=True)

    def start_process(self) -> subprocess.Popen[bytes]:
        process = self._processes.enter_context(subprocess.Popen(WAITS_FOR_EVER))
        self._processes.callback(process.kill)
        return process

    def report(self, number: int) -> None:
        os.write(self.report_to, REPORT.pack(number))

    def start_watching(self) -> None:
        self._watching.start()

    def close(self) -> None:
        self.server.kill()
        self._watching.join(timeout=10)
        self._processes.close()
        os.close(self._reports)
        os.close(self.report_to)


@pytest.fixture
def watched() -> Iterator[Watched]:
    watched = Watched()
    yield watched
    watched.close()


def test_the_server_is_ended_when_a_process_of_a_model_dies(watched: Watched) -> None:
    model = watched.start_process()
    watched.report(model.pid)
    watched.start_watching()
    model.kill()

    assert watched.server.wait(timeout=10) == -signal.SIGTERM


def test_a_process_that_reported_its_end_may_go(watched: Watched) -> None:
    unloaded, lost = watched.start_process(), watched.start_process()
    for number in (unloaded.pid, lost.pid, -unloaded.pid):
        watched.report(number)
    unloaded.kill()
    unloaded.wait()
    watched.start_watching()

    with pytest.raises(subprocess.TimeoutExpired):
        watched.server.wait(timeout=0.3)
    lost.kill()
    assert watched.server.wait(timeout=10) == -signal.SIGTERM


def test_a_process_that_is_gone_before_its_report_is_read_counts_as_lost(
    watched: Watched,
) -> None:
    model = watched.start_process()
    watched.report(model.pid)
    model.kill()
    model.wait()
    watched.start_watching()

    assert watched.server.wait(timeout=10) == -signal.SIGTERM


def test_the_processes_of_the_models_end_with_the_server_even_before_it_is_reaped(
    watched: Watched,
) -> None:
    model = watched.start_process()
    watched.report(model.pid)
    watched.start_watching()
    watched.server.kill()

    assert model.wait(timeout=10) == -signal.SIGKILL


def test_reports_carry_the_pid_and_its_end() -> None:
    reports, report_to = os.pipe()
    environment = {"FRAMERAIL_GUARD_FD": str(report_to)}

    report_up(environment)
    report_end(environment)

    os.close(report_to)
    with open(reports, "rb") as stream:
        numbers = [number for (number,) in REPORT.iter_unpack(stream.read())]
    assert numbers == [os.getpid(), -os.getpid()]


def test_a_model_serves_without_a_guard() -> None:
    reports, report_to = os.pipe()
    os.close(reports)

    report_up({})
    report_up({"FRAMERAIL_GUARD_FD": str(report_to)})

    os.close(report_to)


def test_only_the_regions_of_this_server_are_removed(tmp_path: Path) -> None:
    for name in ("framerail_a_1", "framerail_a_2", "framerail_b_1"):
        (tmp_path / name).touch()

    remove_regions("framerail_a_", tmp_path)

    assert [region.name for region in tmp_path.iterdir()] == ["framerail_b_1"]

"""Preparation builds once and whole, and says plainly what is missing."""

import os
import re
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from local.credentials import access_key
from local.errors import PortTaken, PrepareError, StartInterrupted
from local.locks import exclusive
from local.ports import HIGHEST, LOWEST, free_ports, is_free, require_free
from local.prepare import toolchains
from local.prepare.cache import build_once
from local.prepare.commands import run_tool
from local.prepare.mediamtx_server import module_folder
from local.prepare.serving_venv import prepare_serving_venv
from local.processes import started_ticks
from local.servers.mediamtx import RtspReader, mediamtx_configuration
from local.stack import StackPorts
from local.state import read_state
from local.stopping import StoppableReport
from local.supervisor import Supervisor, say_nothing
from local.workspace import Workspace


def test_a_server_is_built_once(tmp_path: Path) -> None:
    builds: list[Path] = []

    def build(folder: Path) -> None:
        builds.append(folder)
        (folder / "server").write_text("built", encoding="ascii")

    for _ in range(2):
        home = build_once(tmp_path, "server-1", build, say_nothing)
        assert (home / "server").read_text(encoding="ascii") == "built"
    assert len(builds) == 1


def test_a_build_that_breaks_off_leaves_nothing_and_is_made_again(tmp_path: Path) -> None:
    def breaks_off(folder: Path) -> None:
        (folder / "half").touch()
        raise PrepareError("no network")

    with pytest.raises(PrepareError, match="no network"):
        build_once(tmp_path, "server-1", breaks_off, say_nothing)
    assert not (tmp_path / "server-1").exists()
    home = build_once(tmp_path, "server-1", lambda folder: None, say_nothing)
    assert list(home.iterdir()) == []


def test_an_environment_whose_making_was_broken_off_is_made_anew(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.touch()
    broken_off = tmp_path / "serving-venv" / "bin" / "python"
    broken_off.parent.mkdir(parents=True)
    broken_off.symlink_to(sys.executable)  # Python is there, pip is not yet
    python = prepare_serving_venv(tmp_path, requirements, say_nothing)
    home = run_tool("step", (str(python), "-c", "import sys; print(sys.prefix)"), say_nothing)
    assert home.strip() == str(tmp_path / "serving-venv")


def test_a_tool_that_fails_is_told_with_what_it_said() -> None:
    with pytest.raises(PrepareError, match=r"(?s)`sh -c .*ended with 7.*disk full"):
        run_tool("step", ("sh", "-c", "echo disk full; exit 7"), say_nothing)


def test_a_tool_that_is_missing_is_named() -> None:
    with pytest.raises(PrepareError, match="no-such-tool cannot be run"):
        run_tool("step", ("no-such-tool",), say_nothing)


def test_a_stop_signal_ends_a_tool_and_what_the_tool_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    # The tool asks for the stop itself, once it has a child: no waiting for the right moment.
    builds = f"sleep 600 & echo $! > {child}; kill -TERM {os.getpid()}; wait"
    begun_s = time.monotonic()
    with (
        Supervisor(Workspace(tmp_path), catches_signals=True) as supervisor,
        pytest.raises(StartInterrupted),
    ):
        supervisor.prepare(lambda report: run_tool("step", ("sh", "-c", builds), report))
    assert time.monotonic() - begun_s < 2
    with pytest.raises(ProcessLookupError):
        started_ticks(int(child.read_text(encoding="ascii")))


def test_a_tool_carries_the_name_of_the_run_that_a_later_command_looks_for(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with Supervisor(workspace) as supervisor:
        said = supervisor.prepare(lambda report: run_tool("step", ("env",), report))
        state = read_state(workspace)
    assert state is not None
    assert f"FRAMERAIL_LOCAL_RUN={state.run_id}" in said.splitlines()


def test_a_stop_ends_the_wait_for_another_process_that_prepares(tmp_path: Path) -> None:
    stop = threading.Event()

    def stop_once_told(_step: str, _detail: str) -> None:
        stop.set()

    report = StoppableReport(stop_once_told, stop)
    with (
        exclusive(tmp_path / ".server-1.lock", lambda: None),
        pytest.raises(StartInterrupted),
    ):
        build_once(tmp_path, "server-1", lambda folder: None, report)


@pytest.mark.parametrize(
    ("toolchain", "said", "version"),
    [
        (toolchains.JAVA, 'openjdk version "17.0.15" 2025-04-15', (17,)),
        (toolchains.JAVA, 'java version "1.8.0_402"', (1,)),
        (toolchains.GO, "go version go1.26.8 linux/amd64", (1, 26)),
        (toolchains.GO, "something else", ()),
    ],
)
def test_the_version_of_a_toolchain_is_read_from_what_it_says(
    toolchain: toolchains.Toolchain, said: str, version: tuple[int, ...]
) -> None:
    assert toolchains.parse_version(said, toolchain.version_pattern) == version


def test_the_folder_of_a_go_module_is_found_behind_progress_lines() -> None:
    assert module_folder('go: downloading\n{"Dir": "/cache/m@v1"}\n') == Path("/cache/m@v1")
    with pytest.raises(PrepareError, match="did not say"):
        module_folder("no answer")


def test_the_key_of_a_workspace_stays_the_same_and_private(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    key = access_key(workspace)
    assert access_key(workspace) == key
    assert access_key(Workspace(tmp_path / "other")) != key
    assert workspace.credentials_file.stat().st_mode & 0o777 == 0o600
    assert key.secret not in repr(key)


def test_chosen_ports_are_free_and_differ() -> None:
    chosen = free_ports(20)
    assert len(set(chosen)) == 20
    assert all(is_free(port) for port in chosen)


def test_ports_that_are_spoken_for_are_not_chosen() -> None:
    # All but three of the ports that may be chosen.
    others = set(range(LOWEST, HIGHEST)) - {LOWEST + 1, LOWEST + 2, LOWEST + 3}
    chosen = free_ports(2, taken=others)
    assert set(chosen) < {LOWEST + 1, LOWEST + 2, LOWEST + 3}


def test_a_taken_port_names_the_part_and_the_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port}, .* camera .*pid {os.getpid()}"):
            require_free("camera", (port,))


def test_configured_ports_are_kept_and_the_others_chosen_around_them() -> None:
    ports = StackPorts.choose({"kafka": 9092, "rtsp": 8554})
    assert (ports.kafka, ports.rtsp) == (9092, 8554)
    with pytest.raises(ValueError, match="kafak"):
        StackPorts.choose({"kafak": 9092})


def test_one_port_for_two_servers_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("kafka and s3 both have port 9092")):
        StackPorts.choose({"kafka": 9092, "rtsp": 8554, "s3": 9092})


def test_without_a_reader_anyone_may_read() -> None:
    [anyone] = mediamtx_configuration(8554, None)["authInternalUsers"]
    assert [permission["action"] for permission in anyone["permissions"]] == ["publish", "read"]


def test_with_a_reader_nobody_else_may_read() -> None:
    users = mediamtx_configuration(8554, RtspReader("viewer", "hush"))["authInternalUsers"]
    readers = [user["user"] for user in users if {"action": "read"} in user["permissions"]]
    assert readers == ["viewer"]
    digest_only = RtspReader("viewer", "hush", methods=("digest",))
    assert mediamtx_configuration(8554, digest_only)["rtspAuthMethods"] == ["digest"]
    assert "hush" not in repr(RtspReader("viewer", "hush"))

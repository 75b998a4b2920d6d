"""The command from its start to its end: what it leaves, however it is ended."""

import json
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from tests.e2e.framerail_command import Framerail

Eventually = Callable[[Callable[[], bool], str, float], None]


@pytest.fixture
def framerail(tmp_path: Path) -> Framerail:
    return Framerail(tmp_path)


def test_the_demo_shows_people_in_s3_and_books_that_add_up(framerail: Framerail) -> None:
    run = framerail.run("demo", "--seconds", "3", "--cameras", "2", "--json")
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout.splitlines()[-1])
    assert sorted(document["streams"]) == ["cam1", "cam2"]
    for stream in document["streams"].values():
        assert stream["captured"] == stream["published"] + sum(stream["dropped"].values())
        assert stream["published"] == stream["inferred"] + stream["dead_lettered"]
        assert stream["waiting"] == 0
        assert stream["evidence"] >= 1
        assert stream["detections"] > stream["inferred"]
        assert 0 < stream["capture_to_s3_s"]["p50"] <= stream["capture_to_s3_s"]["p95"]
    # 8 to 14 s on a quiet machine with a warm cache; a busy one must not make the test lie.
    assert document["startup_s"] < document["first_picture_s"] < 60
    sheet = cv2.imread(document["contact_sheet"])
    assert sheet is not None
    assert sheet.shape[1] > 1000
    assert len(list(Path(document["pictures"]).rglob("*.jpg"))) == sum(
        stream["evidence"] for stream in document["streams"].values()
    )
    assert framerail.processes() == []


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["kafka", "postproc"])
def test_a_demo_that_is_interrupted_leaves_no_process(
    framerail: Framerail, eventually: Eventually, which: signal.Signals, moment: str
) -> None:
    demo = framerail.start("demo")
    log = framerail.home / "demo" / "stack" / "logs" / f"{moment}.log"
    eventually(log.exists, f"{moment} is started", 60)
    demo.send_signal(which)
    demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert framerail.processes() == []


def test_a_demo_that_is_killed_leaves_nothing_that_down_does_not_end(
    framerail: Framerail, eventually: Eventually
) -> None:
    demo = framerail.start("demo")
    eventually(lambda: len(framerail.processes()) >= 6, "the parts run", 60)
    demo.kill()
    demo.communicate()
    assert framerail.run("down").returncode == 0
    assert framerail.processes() == []


def test_a_pipeline_whose_supervisor_is_killed_is_ended_by_down(
    framerail: Framerail, eventually: Eventually
) -> None:
    assert framerail.run("up").returncode == 0
    again = framerail.run("up")
    assert (again.returncode, "runs already" in again.stderr) == (2, True)
    (supervisor,) = [p for p in framerail.processes() if "ops.supervise" in p.cmdline()]
    supervisor.kill()
    supervisor.wait()
    status = framerail.run("status")
    assert (status.returncode, "no pipeline runs" in status.stderr) == (3, True)
    assert framerail.run("down").returncode == 0
    assert framerail.processes() == []


def test_down_and_status_say_that_nothing_runs(framerail: Framerail) -> None:
    down, status = framerail.run("down"), framerail.run("status")
    assert (down.returncode, "nothing was running" in down.stderr) == (0, True)
    assert (status.returncode, "no pipeline runs" in status.stderr) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demo", "--video", "/absent.mp4"], "--video /absent.mp4: no such file"),
        (["demo", "--video", __file__], "not a video"),
        (["demo", "--cameras", "0"], "--cameras"),
        (["demo", "--rtsp", "http://a/b"], "--rtsp: expected rtsp://"),
        (["demo", "--rtsp", "rtsp://"], "--rtsp: expected rtsp://host"),
        (["up", "--port", "telnet=23"], "no such ports: telnet"),
        (["demo", "--rtsp", "rtsp://a/b", "--streams", __file__], "exclude each other"),
        (["up", "--streams", "/absent.yaml"], "/absent.yaml: cannot be read (No such file"),
        (["up", "--port", "kafka=http"], "--port kafka=http: expected NAME=NUMBER"),
        (["demo", "--port", "telnet=23"], "no such ports: telnet"),
        (["fly"], "No such command"),
    ],
)
def test_wrong_input_is_named_and_nothing_is_started(
    framerail: Framerail, arguments: list[str], said: str
) -> None:
    run = framerail.run(*arguments)
    assert run.returncode == 2
    assert said in run.stderr
    assert not (framerail.home / "stack").exists()
    assert not (framerail.home / "demo").exists()


@pytest.mark.parametrize("command", ["demo", "up"])
def test_a_port_already_taken_is_named_with_its_holder(framerail: Framerail, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        run = framerail.run(command, "--port", f"kafka={port}")
    assert run.returncode == 3
    assert f"port {port}, which kafka has to listen on, is taken by" in run.stderr
    assert framerail.processes() == []


@pytest.mark.parametrize("command", ["demo", "up"])
def test_a_wrong_setting_of_a_service_is_named_and_ends_the_command_as_it_ended_the_service(
    framerail: Framerail, command: str
) -> None:
    run = framerail.run(command, FRAMERAIL_EVIDENCE="nicest")
    assert run.returncode == 2
    assert "FRAMERAIL_EVIDENCE" in run.stderr
    assert framerail.processes() == []


def test_a_wrong_streams_file_is_explained_before_anything_starts(
    framerail: Framerail, tmp_path: Path
) -> None:
    streams = tmp_path / "streams.yaml"
    streams.write_text("streams:\n  - id: Front Door\n    url: ftp://user:hush@camera/1\n")
    run = framerail.run("up", "--streams", str(streams))
    assert run.returncode == 2
    assert "Front Door" in run.stderr
    assert "rtsp://" in run.stderr
    assert "hush" not in run.stderr

"""`framerail doctor` against real cameras of each kind: what is wrong is named, and no password."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.ports import free_ports
from local.stack import CHECKOUT, EmbeddedStack
from runtime.streams_file import parse_streams
from tests.integration.doctor_visits import (
    can_be_read,
    guarded_server,
    run_doctor,
    server_with_udp_and_tls,
    visit,
)
from tests.integration.odd_cameras import microphone, with_damage
from tests.integration.odd_servers import silent_server, unknown_codec_server, web_server
from tests.integration.producer_process import Eventually, camera
from tests.producer_clips import ClipSpec, write_clip


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    healthy = write_clip(folder / "healthy.mp4", ClipSpec(fps=10))
    frozen = ClipSpec(is_still=True, options={"qp": "20"})
    encoded_anew = ClipSpec(is_still=True, options={"preset": "medium"})
    b_frames = ClipSpec(b_frames=3, pixel_format="yuvj420p")
    without_end = ClipSpec(frames=750, is_still=True, options={"g": "750"})
    return {
        "healthy": healthy,
        "corrupt": with_damage(write_clip(folder / "c.mp4", ClipSpec()), folder / "corrupt.mp4"),
        "frozen": write_clip(folder / "frozen.mp4", frozen),
        "still": write_clip(folder / "still.mp4", encoded_anew),
        "leaving": write_clip(folder / "leaving.mp4", ClipSpec(fps=10, frames=150)),
        "odd": write_clip(folder / "odd.mp4", b_frames),
        "no-keyframes": write_clip(folder / "no-keyframes.mp4", without_end),
    }


@contextmanager
def published(
    clips: dict[str, Path], kind: str, server: EmbeddedStack, eventually: Eventually
) -> Iterator[str]:
    """Yield the URL of a clip that plays on a server."""
    url = f"{server.addresses.rtsp_url}/doctor-{kind}"
    with camera(clips[kind], url):
        eventually(lambda: can_be_read(url), f"{kind} is published", 20)
        yield url


def test_a_healthy_camera_is_measured_rightly_and_its_entry_can_be_used(
    clips: dict[str, Path], rtsp_server: EmbeddedStack, eventually: Eventually
) -> None:
    with published(clips, "healthy", rtsp_server, eventually) as url:
        healthy = visit(url, "--seconds", "5")
    assert healthy.code == 0, healthy.messages
    assert healthy.problem is None
    assert healthy.warnings <= {"uneven"}  # where other work takes this machine's cores
    video = healthy.document["video"]
    assert (video["codec"], video["size_wh"], video["declared_fps"]) == ("h264", [320, 240], 10)
    assert healthy.measured["fps"] == pytest.approx(10, rel=0.1)
    assert healthy.measured["keyframe_interval_frames"] == 10
    assert healthy.measured["keyframe_interval_s"] == pytest.approx(1, abs=0.1)
    assert (healthy.measured["corrupt"], healthy.measured["frozen"]) == (0, 0)
    assert healthy.measured["bit_rate_bps"] > 0
    assert healthy.document["advised_entry"] == {"id": "camera-127-0-0-1", "url": url}
    assert healthy.messages == ""


def test_a_camera_with_oddities_is_usable_and_each_is_warned_of(
    clips: dict[str, Path], rtsp_server: EmbeddedStack, eventually: Eventually
) -> None:
    with published(clips, "odd", rtsp_server, eventually) as url:
        odd = visit(url, "--seconds", "4")
    assert odd.code == 0, odd.messages
    assert odd.document["verdict"] == "warnings"
    assert {"b-frames", "full-range"} <= odd.warnings
    assert odd.document["advised_entry"]["max_fps"] == 10


def test_a_camera_is_shown_to_a_person_with_an_entry_to_paste(
    clips: dict[str, Path], rtsp_server: EmbeddedStack, eventually: Eventually
) -> None:
    with published(clips, "healthy", rtsp_server, eventually) as url:
        run = run_doctor(url, "--seconds", "3")
    assert run.returncode == 0, run.stderr
    assert "320x240" in run.stdout
    entry = run.stdout.partition("for streams.yaml:\n")[2]
    (spec,) = parse_streams(entry.encode(), {})
    assert spec.url == url


def test_the_cameras_wall_time_is_compared_with_this_machines(
    clips: dict[str, Path], rtsp_server: EmbeddedStack, eventually: Eventually
) -> None:
    with published(clips, "healthy", rtsp_server, eventually) as url:
        told = visit(url, "--seconds", "15")  # MediaMTX reports each 10 s
    assert told.measured["clock"] == "rtcp"
    assert abs(told.measured["clock_skew_ms"]) < 1000


def test_a_hung_sensor_that_is_encoded_anew_is_warned_of(
    clips: dict[str, Path], rtsp_server: EmbeddedStack, eventually: Eventually
) -> None:
    with published(clips, "still", rtsp_server, eventually) as url:
        still = visit(url, "--seconds", "4")
    assert still.code == 0, still.messages
    assert "mostly-repeats" in still.warnings


@pytest.mark.parametrize("kind", ["frozen", "corrupt"])
def test_video_that_is_of_no_use_is_a_problem_of_the_camera(
    clips: dict[str, Path], rtsp_server: EmbeddedStack, eventually: Eventually, kind: str
) -> None:
    with published(clips, kind, rtsp_server, eventually) as url:
        found = visit(url, "--seconds", "4")
    assert found.problem == kind, found.document
    assert (found.code, found.document["verdict"]) == (1, "unhealthy")
    assert found.measured[kind] > found.measured["frames"] / 2


def test_video_without_a_key_frame_is_named_as_such(
    clips: dict[str, Path], rtsp_server: EmbeddedStack, eventually: Eventually
) -> None:
    with published(clips, "no-keyframes", rtsp_server, eventually) as url:
        found = visit(url, "--seconds", "3")
    assert (found.code, found.problem) == (1, "no-keyframe")
    assert found.measured["packets"] > 0
    assert found.document["advised_entry"] is None


def test_a_camera_that_goes_away_while_it_is_watched_is_unhealthy(
    clips: dict[str, Path], rtsp_server: EmbeddedStack, eventually: Eventually
) -> None:
    url = f"{rtsp_server.addresses.rtsp_url}/doctor-leaving"
    argv = [sys.executable, "-m", "local.camera", "--video", str(clips["leaving"]), "--url", url]
    with subprocess.Popen([*argv, "--once"], cwd=CHECKOUT, stderr=subprocess.DEVNULL):
        eventually(lambda: can_be_read(url), "it is published", 20)
        found = visit(url, "--seconds", "60")
    assert (found.code, found.document["verdict"]) == (1, "unhealthy")
    assert found.problem == "broken"
    assert "of video: the camera ended the stream" in found.messages


def test_sound_without_video_is_named_as_such(
    rtsp_server: EmbeddedStack, eventually: Eventually
) -> None:
    url = f"{rtsp_server.addresses.rtsp_url}/doctor-sound"
    with microphone(url):
        eventually(lambda: can_be_read(url), "the sound is published", 20)
        found = visit(url)
    assert (found.code, found.problem) == (1, "audio-only")


def test_a_codec_that_nothing_decodes_is_named_as_such() -> None:
    with unknown_codec_server() as port:
        found = visit(f"rtsp://joe:hush-hush@127.0.0.1:{port}/odd")
    assert (found.code, found.problem) == (1, "unsupported-codec")


def test_a_wrong_password_a_missing_one_and_the_right_one_are_told_apart_and_never_shown(
    tmp_path: Path, clips: dict[str, Path], server_cache: Path, eventually: Eventually
) -> None:
    with guarded_server(tmp_path, server_cache) as server:
        address = server.addresses.rtsp_url.removeprefix("rtsp://") + "/gate"
        with camera(clips["healthy"], f"rtsp://{address}"):
            right = f"rtsp://viewer:hush-hush@{address}"
            eventually(lambda: can_be_read(right), "it is published", 20)
            # MediaMTX takes two seconds to refuse a wrong password.
            wrong = visit(f"rtsp://viewer:wrong-one@{address}", FRAMERAIL_CONNECT_TIMEOUT_S="6")
            missing = visit(f"rtsp://{address}")
            plain = visit(right, "--seconds", "2")
            run = run_doctor(right, "--seconds", "2")
            from_environment = visit(
                f"rtsp://${{CAM_USER}}:${{CAM_PASSWORD}}@{address}",
                "--seconds",
                "2",
                CAM_USER="viewer",
                CAM_PASSWORD="hush-hush",
            )
    assert (wrong.code, wrong.problem) == (3, "unauthorized")
    assert "refused the user or password" in wrong.messages
    assert (missing.code, missing.problem) == (3, "unauthorized")
    assert "asks for a user" in missing.document["problem"]["next_step"]
    assert (plain.code, run.returncode, from_environment.code) == (0, 0, 0)
    advised = "rtsp://${CAMERA_127_0_0_1_USER}:${CAMERA_127_0_0_1_PASSWORD}@"
    assert plain.document["advised_entry"]["url"] == advised + address
    assert advised in run.stdout
    own = f"rtsp://${{CAM_USER}}:${{CAM_PASSWORD}}@{address}"
    assert from_environment.document["advised_entry"]["url"] == own


def test_a_path_that_does_not_exist_is_named_as_such(rtsp_server: EmbeddedStack) -> None:
    found = visit(f"{rtsp_server.addresses.rtsp_url}/doctor-nowhere")
    assert (found.code, found.problem) == (3, "not-found")
    assert found.document["measured"] is None


@pytest.mark.parametrize(
    ("host", "kind"),
    [("127.0.0.1:1", "refused"), ("no-such-host.invalid", "unknown-host")],
)
def test_a_host_where_nobody_is_is_named_as_such(host: str, kind: str) -> None:
    found = visit(f"rtsp://joe:hush-hush@{host}/live?token=hush-hush")
    assert (found.code, found.problem, found.document["verdict"]) == (3, kind, "unreachable")


def test_servers_that_are_no_camera_are_told_apart() -> None:
    with web_server() as web, silent_server() as silent:
        is_web = visit(f"rtsp://joe:hush-hush@127.0.0.1:{web}/live")
        is_silent = visit(f"rtsp://joe:hush-hush@127.0.0.1:{silent}/live")
    assert (is_web.code, is_web.problem) == (3, "not-rtsp")
    assert "speaks no RTSP" in is_web.document["problem"]["said"]
    assert (is_silent.code, is_silent.problem) == (3, "unanswered")
    assert "says nothing" in is_silent.document["problem"]["said"]


def test_udp_and_tls_are_tried_and_a_port_that_speaks_the_other_is_named(
    tmp_path: Path, clips: dict[str, Path], server_cache: Path, eventually: Eventually
) -> None:
    (tls_port,) = free_ports(1)
    with server_with_udp_and_tls(tmp_path, server_cache, tls_port) as server:
        plain = server.addresses.rtsp_url.removeprefix("rtsp://") + "/gate"
        secured = f"127.0.0.1:{tls_port}/gate"
        with camera(clips["healthy"], f"rtsp://{plain}"):
            eventually(lambda: can_be_read(f"rtsp://{plain}"), "it is published", 20)
            by_udp = visit(f"rtsp://{plain}", "--seconds", "3", "--transport", "udp")
            by_tls = visit(f"rtsps://{secured}", "--seconds", "3")
            needs_tls = visit(f"rtsp://joe:hush-hush@{secured}")
            has_no_tls = visit(f"rtsps://joe:hush-hush@{plain}")
    assert (by_udp.code, by_udp.document["transport"]) == (0, "udp"), by_udp.messages
    assert by_udp.measured["fps"] == pytest.approx(10, rel=0.1)
    assert by_tls.code == 0, by_tls.messages
    assert (needs_tls.code, needs_tls.problem) == (3, "tls")
    assert "speaks TLS only" in needs_tls.messages
    assert (has_no_tls.code, has_no_tls.problem) == (3, "tls")
    assert "speaks no TLS" in has_no_tls.messages


def test_a_camera_without_udp_is_named_as_such(
    clips: dict[str, Path], rtsp_server: EmbeddedStack, eventually: Eventually
) -> None:
    with published(clips, "healthy", rtsp_server, eventually) as url:
        found = visit(url, "--transport", "udp")
    assert (found.code, found.problem) == (3, "no-udp")


def test_a_url_that_is_none_is_refused_with_the_code_of_wrong_input() -> None:
    for url in ("http://joe:hush-hush@gate/", "joe:hush-hush@gate", "rtsp://joe:${ABSENT}@gate/"):
        refused = run_doctor(url)
        assert refused.returncode == 2
        assert refused.stdout == ""
    assert "ABSENT" in refused.stderr

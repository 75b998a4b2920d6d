"""A pipeline that is looked at: its page, `framerail watch`, and the ledger's verdict in both."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.ports import free_ports
from tests.e2e.framerail_command import Framerail, Terminal

Eventually = Callable[[Callable[[], bool], str, float], None]


@dataclass(frozen=True)
class Watched:
    """A pipeline of one camera, as `up --json` told of it."""

    framerail: Framerail
    told: dict[str, Any]
    messages: str

    @property
    def page(self) -> str:
        address: str = self.told["addresses"]["viewer"]
        return address

    def wall(self) -> dict[str, Any]:
        look = self.framerail.run("watch", "--once", "--json")
        assert look.returncode == 0, look.stderr
        document: dict[str, Any] = json.loads(look.stdout)
        return document

    def verdict(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.wall()["ledger"]
        return found


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    framerail = Framerail(tmp_path_factory.mktemp("watched"))
    (port,) = free_ports(1)
    up = framerail.run("up", "--json", "--port", f"viewer={port}")
    assert up.returncode == 0, up.stderr
    try:
        told = json.loads(up.stdout)
        assert told["addresses"]["viewer"] == f"http://127.0.0.1:{port}/"
        yield Watched(framerail, told, up.stderr)
    finally:
        down = framerail.run("down", "--json")
        assert (down.returncode, framerail.processes()) == (0, []), down.stderr
        assert json.loads(down.stdout)["ended"] >= 1


def test_the_page_is_served_where_the_one_link_says(watched: Watched) -> None:
    assert watched.messages.count(f"watch it: {watched.page}\n") == 1
    assert httpx.get(watched.page).status_code == 200
    assert watched.framerail.status()["addresses"]["viewer"] == watched.page
    parts = {part["name"]: part["is_ready"] for part in watched.framerail.status()["parts"]}
    assert (parts["viewer"], parts["ledger"]) == (True, True)


def test_the_wall_is_a_live_table_that_ctrl_c_ends(watched: Watched) -> None:
    with Terminal(watched.framerail, "watch") as terminal:
        terminal.read_until("cam1", 30)
        terminal.read_until("live", 30)
        terminal.read_until("ledger", 30)
        terminal.press("\x03")
        assert terminal.exit_code(10) == 0
        assert terminal.shown.index("\x1b[?1049h") < terminal.shown.index("\x1b[?1049l")
        assert "Traceback" not in terminal.shown


def test_one_look_in_a_pipe_is_plain_text(watched: Watched, eventually: Eventually) -> None:
    eventually(lambda: len(watched.wall()["streams"]) == 1, "the stream is on the wall", 60)
    look = watched.framerail.run("watch", FRAMERAIL_VIEWER_URL=watched.page)
    assert (look.returncode, look.stderr) == (0, "")
    assert "\x1b" not in look.stdout
    assert look.stdout.startswith("1 stream: 1 ")
    assert [word for word in ("capture", "publish", "infer", "store") if word in look.stdout] == [
        *("capture", "publish", "infer", "store")
    ]


def test_programs_read_a_document_a_second_for_as_long_as_they_want(watched: Watched) -> None:
    with watched.framerail.start("watch", "--json") as run:
        assert run.stdout is not None
        assert run.stderr is not None
        looks = [json.loads(run.stdout.readline()) for _ in range(3)]
        run.stdout.close()
        assert run.wait(timeout=30) == 141
        assert run.stderr.read() == ""
    assert looks[0]["at_ms"] < looks[1]["at_ms"] < looks[2]["at_ms"]


def test_the_ledger_beside_the_services_leaves_its_verdict_on_the_wall(
    watched: Watched, eventually: Eventually
) -> None:
    eventually(lambda: (watched.verdict() or {}).get("streams") == 1, "a proof is published", 90)
    verdict = watched.verdict()
    assert verdict is not None
    assert verdict["closed"], verdict
    assert verdict["captured"] == verdict["published"] + verdict["dropped"]


def test_a_verdict_can_be_published_by_hand(watched: Watched, eventually: Eventually) -> None:
    proof = watched.framerail.run("ledger", "--publish", "--json")
    assert proof.returncode == 0, proof.stderr
    assert json.loads(proof.stdout)["closed"]
    assert "published as ledger/latest.json" in proof.stderr
    eventually(lambda: watched.verdict() is not None, "the viewer has read it", 60)


def test_a_proof_over_and_over_tells_a_line_each_and_ends_when_asked(watched: Watched) -> None:
    run = watched.framerail.start("ledger", "--since", "2m", "--every", "1s", "--json")
    try:
        assert run.stdout is not None
        proofs = [json.loads(run.stdout.readline()) for _ in range(2)]
        run.terminate()
        assert run.wait(timeout=30) == 0
    finally:
        run.kill()
        run.communicate()
    assert all(proof["closed"] for proof in proofs)
    assert proofs[0]["at_ms"] < proofs[1]["at_ms"]


def test_a_slip_in_the_name_of_a_stream_is_answered_with_those_that_there_are(
    watched: Watched,
) -> None:
    run = watched.framerail.run("ledger", "--stream", "cam11")
    assert run.returncode == 2
    assert "no topic frames.cam11; did you mean cam1?" in run.stderr


def test_no_dead_letter_is_told_in_words_and_as_a_document(watched: Watched) -> None:
    said = watched.framerail.run("deadletter", "list")
    assert (said.returncode, said.stdout) == (0, "no dead letters\n")
    document = watched.framerail.run("deadletter", "list", "--json")
    assert json.loads(document.stdout) == {"letters": [], "groups": []}


def test_a_viewer_that_goes_away_and_comes_back_is_followed(watched: Watched) -> None:
    framerail = watched.framerail
    (viewer,) = [one for one in framerail.processes() if one.cmdline()[1:] == ["-m", "viewer"]]
    with Terminal(framerail, "watch") as terminal:
        terminal.read_until("cam1", 30)
        viewer.kill()
        terminal.read_until("does not answer", 30)
        terminal.shown = ""
        terminal.read_until("1 stream: 1 live", 60)  # the supervisor has started another one
        terminal.press("\x03")
        assert terminal.exit_code(10) == 0


def test_without_a_pipeline_one_look_ends_as_what_is_away_does(tmp_path: Path) -> None:
    look = Framerail(tmp_path).run("watch", "--once")
    assert (look.returncode, look.stdout) == (3, "")
    (port,) = free_ports(1)
    away = Framerail(tmp_path).run("watch", "--once", "--viewer", f"http://127.0.0.1:{port}")
    assert away.returncode == 3
    assert "does not answer" in away.stderr


def test_a_demo_names_its_page_once_and_is_not_held_up_by_who_watches(tmp_path: Path) -> None:
    framerail = Framerail(tmp_path)
    demo: subprocess.CompletedProcess[str] = framerail.run("demo", "--seconds", "1")
    assert demo.returncode == 0, demo.stderr
    assert demo.stderr.count("watch it: http://127.0.0.1:") == 1
    assert "watch it" not in demo.stdout
    assert framerail.processes() == []

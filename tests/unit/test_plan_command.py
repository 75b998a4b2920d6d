"""`framerail plan` says what is needed and on what figures, and refuses what it cannot plan."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.plan.page import BEGIN, END, GUIDE, guide_with_plans
from runtime.cli import run_command
from runtime.errors import ConfigurationError
from tests.unit.plan_figures import raw, written


def asked(figures: Path, *options: str) -> str:
    arguments = ["plan", "--figures", str(figures), "--size", "100x100", *options]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def test_the_answer_names_file_date_revision_and_machine_of_its_figures(tmp_path: Path) -> None:
    path = written(tmp_path)
    said = asked(path, "--cameras", "1")
    assert f"measured: {path}, 2026-11-23T00:40:00Z, revision abc1234" in said
    assert "2 cores of a CPU of the tests; a frame of 8 camera(s) took +10% CPU against 1" in said
    assert "not measured:" in said


def test_the_answer_says_plainly_when_the_default_is_enough_and_when_not(tmp_path: Path) -> None:
    few = asked(written(tmp_path), "--cameras", "2")
    assert "one machine like the measured one is enough: all parts on it take 0.3 of its 2" in few
    assert "the default on AWS is enough: 1 c6a.xlarge and one broker t3.small" in few
    many = asked(written(tmp_path), "--cameras", "40")
    assert "one machine like the measured one is too small" in many
    assert "is too small: this needs 3 c6a.xlarge and 1 broker(s) c6a.large of 120 GB" in many
    thousands = asked(written(tmp_path), "--cameras", "2000")
    assert "in 14 pipelines, as one partition of results feeds one postproc" in thousands
    assert "`pulumi up` makes one broker and at most 10 nodes" in thousands


def test_an_extrapolated_size_says_so(tmp_path: Path) -> None:
    said = asked(written(tmp_path), "--cameras", "1", "--size", "400x400")
    assert "400x400: EXTRAPOLATED, not measured, from 100x100 and 200x200" in said


def test_json_is_one_document_on_the_last_line(tmp_path: Path) -> None:
    arguments = ["plan", "--figures", str(written(tmp_path)), "--cameras", "40", "--json"]
    result = CliRunner().invoke(app, [*arguments, "--size", "100x100"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout.splitlines()[-1])
    assert document["figures"]["machine"] == {"cpu": "a CPU of the tests", "cores": 2}
    assert document["figures"]["is_extrapolated"] is False
    assert document["nodes"] == {"type": "c6a.xlarge", "count": 3}
    assert document["brokers"]["machine"]["name"] == "c6a.large"
    assert document["brokers"]["partitions"] == 43
    assert {"part", "bound", "cameras", "basis", "then"} == set(document["limits"][0])
    lines = sum(line["usd_per_hour"] for line in document["cost_lines"])
    assert document["usd_per_hour"] == pytest.approx(lines)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--size", "wide"], "--size wide: expected <width>x<height>"),
        (["--fps", "0"], "--fps 0: expected 0.01 to 240"),
        (["--fps", "nan"], "--fps nan: expected"),
        (["--region", "mars-1"], "--region: no prices for region mars-1; known: ap-south-1"),
        (["--node-type", "t3.small"], "--node-type t3.small: expected one of c6a.xlarge"),
        (["--figures", "absent.json"], "absent.json: no measured figures"),
    ],
)
def test_what_cannot_be_planned_ends_with_exit_code_2_and_says_why(
    tmp_path: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["plan", "--cameras", "1", "--figures", str(written(tmp_path)), *options]
    command = CliRunner().invoke(app, arguments)
    assert isinstance(command.exception, ConfigurationError)
    error = command.exception

    def failing() -> None:
        raise error

    assert run_command("framerail", failing) == 2
    assert said in capsys.readouterr().err


def test_no_camera_is_no_plan(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["plan", "--cameras", "0"])
    assert result.exit_code == 2


def test_the_guides_table_is_made_of_the_figures_and_the_rest_of_it_kept(tmp_path: Path) -> None:
    path = written(tmp_path, sizes={"768x576": raw()["sizes"]["100x100"]})
    guide = guide_with_plans(f"before\n{BEGIN}\nold\n{END}\nafter\n", path)
    assert guide.startswith(f"before\n{BEGIN}\n10 frames/s, 768x576; measured: {path}")
    assert guide.endswith(f"{END}\nafter\n")
    assert "old" not in guide
    assert "| 10,000 | 100,000 |" in guide
    assert guide_with_plans(guide, path) == guide


def test_the_guide_has_a_place_for_the_table() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    assert guide.count(BEGIN) == guide.count(END) == 1


def test_figures_of_a_quick_run_are_called_so(tmp_path: Path) -> None:
    assert "QUICK RUN, not to plan with" in asked(
        written(tmp_path, is_quick=True), "--cameras", "1"
    )
    assert "QUICK RUN" not in asked(written(tmp_path, is_quick=False), "--cameras", "1")

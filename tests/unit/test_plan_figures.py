"""The measured figures are read with care, and taken to other sizes on a line."""

import re
from pathlib import Path

import pytest

from ops.plan.answering import FIGURES
from ops.plan.figures import fitted, read_figures
from runtime.errors import ConfigurationError
from tests.unit.plan_figures import figures, raw, written


def test_the_committed_figures_are_read() -> None:
    if not FIGURES.is_file():
        pytest.skip("bench/results/latest.json is not there yet: `make bench` writes it")
    read = read_figures(FIGURES)
    assert fitted(read, (768, 576)).load.record_bytes > 0


def test_figures_that_a_plan_does_not_need_are_left_alone(tmp_path: Path) -> None:
    assert read_figures(written(tmp_path, later={"more": 1})) == figures()


def test_a_measured_size_is_taken_as_it_is() -> None:
    fit = fitted(figures(), (200, 200))
    assert fit.load == figures().sizes["200x200"]
    assert not fit.is_extrapolated
    assert "measured" in fit.origin


def test_a_size_between_two_lies_on_their_line() -> None:
    fit = fitted(figures(), (250, 100))  # 25 000 pixels: halfway from 10 000 to 40 000
    assert fit.load.stage_cpu_ms.producer == pytest.approx(8.5)
    assert fit.load.record_bytes == pytest.approx(220_000)
    assert not fit.is_extrapolated
    assert fit.origin == "interpolated between 100x100 and 200x200"


def test_a_size_beyond_what_was_measured_is_said_to_be_extrapolated() -> None:
    fit = fitted(figures(), (700, 100))
    assert fit.load.stage_cpu_ms.producer == pytest.approx(22)
    assert fit.load.stage_cpu_ms.postproc == pytest.approx(0.4)
    assert fit.is_extrapolated
    assert "EXTRAPOLATED" in fit.origin


def test_noise_makes_no_larger_frame_cheaper_and_no_smaller_one_free() -> None:
    assert fitted(figures(), (1000, 100)).load.stage_cpu_ms.triton == pytest.approx(8)
    tiny = fitted(figures(), (10, 10)).load
    assert tiny.jpeg_bytes == pytest.approx(800)  # where the line would be at 800 too
    assert tiny.stage_cpu_ms.producer == pytest.approx(4 - 0.99 * 3)


def test_of_more_than_two_sizes_the_nearest_two_make_the_line(tmp_path: Path) -> None:
    sizes = raw()["sizes"]
    steep = sizes["200x200"] | {"record_bytes": 1_000_000}
    three = read_figures(written(tmp_path, sizes=sizes | {"300x300": steep}))
    assert fitted(three, (150, 100)).origin == "interpolated between 100x100 and 200x200"
    assert fitted(three, (650, 100)).load.record_bytes == pytest.approx(670_000)
    assert "200x200 and 300x300" in fitted(three, (400, 400)).origin


def test_a_file_that_is_not_there_is_named_with_what_writes_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.json: no measured figures .*make bench"):
        read_figures(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"machine": {"cpu": "x"}}, "`cores` - at `$.machine`"),
        ({"memory_mib": {"producer": 100}}, "`consumer` - at `$.memory_mib`"),
        ({"sizes": {}}, "$.sizes"),
        ({"cameras": {"1": {"cpu_ms": 0}}}, "> 0"),
        ({"sizes": {"wide": raw()["sizes"]["100x100"]}}, "sizes: wide: expected WxH"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    path = written(tmp_path, **changed)
    with pytest.raises(ConfigurationError, match=re.escape(said)) as raised:
        read_figures(path)
    assert str(path) in str(raised.value)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text("not JSON")
    with pytest.raises(ConfigurationError, match="no figures of `make bench`"):
        read_figures(path)


def test_another_size_needs_two_measured_ones(tmp_path: Path) -> None:
    alone = read_figures(written(tmp_path, sizes={"100x100": raw()["sizes"]["100x100"]}))
    with pytest.raises(ConfigurationError, match="only 100x100 was measured"):
        fitted(alone, (200, 200))

"""The page of figures says what was measured."""

from pathlib import Path

import msgspec
import pytest

from bench.figures import Figures, Percentiles
from bench.report import BEGIN, END, PAGE, measured_section, plot_speeds, plot_stages
from ops.plan.answering import FIGURES


@pytest.fixture
def figures() -> Figures:
    return msgspec.json.decode(FIGURES.read_bytes(), type=Figures)


def test_the_page_shows_the_committed_figures(figures: Figures) -> None:
    section = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert section.strip() == measured_section(figures)


def test_the_committed_figures_were_not_measured_in_a_hurry(figures: Figures) -> None:
    assert not figures.is_quick
    assert not figures.revision.endswith("dirty")


def test_the_ratios_are_those_of_the_figures(figures: Figures) -> None:
    to_bare = figures.end_to_end_fps / figures.bare_model_fps
    to_peer = figures.end_to_end_fps / figures.peer_fps
    assert figures.ratio_to_bare == pytest.approx(to_bare, abs=0.01)
    assert figures.ratio_to_peer == pytest.approx(to_peer, abs=0.05)


def test_both_plots_are_drawn(figures: Figures, tmp_path: Path) -> None:
    for plot in (plot_stages, plot_speeds):
        path = tmp_path / f"{plot.__name__}.png"
        plot(figures, path)
        assert path.read_bytes().startswith(b"\x89PNG")


def test_percentiles_are_of_the_whole_sample() -> None:
    assert Percentiles.of([n / 100 for n in range(101)]) == Percentiles(0.5, 0.95, 0.99)

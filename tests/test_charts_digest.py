"""A figure's line follows what is drawn, not how."""

import pytest
from matplotlib.figure import Figure

from cvm_analysis.charts.digest import digest
from cvm_analysis.charts.style import PAGE


def drawn(y=(1, 2, 3), label="5 of 9", colour="red"):
    figure = Figure()
    ax = figure.subplots()
    ax.plot([0, 1, 2], y, color=colour)
    ax.annotate(label, (0, 0))
    return figure


def test_points_means_and_figures_written():
    assert digest(drawn()) == "3 points; 1 0.5; 2 1.5; 5; 9"
    assert digest(Figure()) == "0 points; -; -"


def test_bars_areas_and_shades_are_in_it():
    figure = Figure()
    ax = figure.subplots()
    ax.bar([0], [4], width=2)
    assert digest(figure).startswith("5 points; -0.2 ")  # four corners, and the first again
    before = digest(figure)
    ax.fill_between([0, 1], [0, 0], [2, 2])
    assert digest(figure) != before
    figure.subplots().imshow([[1.0, 3.0]])
    assert digest(figure).endswith("2 1")


def test_hollow_markers_are_counted():
    figure = drawn()
    figure.axes[0].plot([1], [1], "o", markerfacecolor=PAGE)
    figure.axes[0].plot([1], [1], "o", color="blue")
    assert "; 1 hollow; 5; 9" in digest(figure)


def test_colour_and_words_are_not():
    assert digest(drawn()) == digest(drawn(colour="blue", label="five: 5, nine: 9"))


@pytest.mark.parametrize("change", [{"y": (3, 2, 1)}, {"y": (1, 2, 4)}, {"label": "6 of 9"}])
def test_other_data_are_another_line(change):
    assert digest(drawn()) != digest(drawn(**change))

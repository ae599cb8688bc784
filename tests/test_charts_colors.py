"""Colours of the dark setting: what is turned, what stays, and what an SVG says of it."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import rgb_to_hsv, to_hex, to_rgb
from test_charts import HOSTILE, PICTURES

from cvm_analysis import charts
from cvm_analysis.charts import colors, style

PALETTE = [style.PAGE, style.INK, style.SOFT, style.LINE, style.FAINT, *style.SERIES]
PALETTE += [style.BEFORE, style.RANGE, *map(to_hex, style.SCALE(np.linspace(0, 1, 9)))]


@pytest.mark.parametrize(
    ("color", "other", "printed"),  # W3C, Understanding WCAG 2.2, 1.4.3 and its failure F83, G18
    [("#000000", "#ffffff", 21.0), ("#767676", "#ffffff", 4.54), ("#949494", "#ffffff", 3.03)],
)
def test_contrast_ratios_are_the_published_ones(color, other, printed):
    assert colors.contrast_ratio(color, other) == pytest.approx(printed, abs=0.005)
    assert colors.contrast_ratio(other, color) == colors.contrast_ratio(color, other)


def test_white_becomes_the_dark_page_and_black_white():
    assert colors.darken("white") == colors.DARK_PAGE and colors.darken("black") == "#ffffff"


@pytest.mark.parametrize("color", PALETTE)
def test_two_colours_keep_their_contrast(color):
    turned = colors.darken(color)
    for other in PALETTE:
        before = colors.contrast_ratio(color, other)
        assert colors.contrast_ratio(turned, colors.darken(other)) == pytest.approx(
            before, rel=0.02
        )


@pytest.mark.parametrize("color", [*style.SERIES, style.RANGE])
def test_hue_is_kept(color):
    """Blue stays blue: within a twelfth of the circle."""
    before, after = (rgb_to_hsv(to_rgb(each))[0] for each in (color, colors.darken(color)))
    assert abs((after - before + 0.5) % 1 - 0.5) < 1 / 12


def test_the_dark_values_beside_the_light_ones_are_those_of_pictures():
    assert {color: colors.darken(color) for color in style.DARK} == style.DARK


@pytest.mark.parametrize("name", PICTURES)
def test_every_colour_of_a_picture_has_a_dark_one_on_screens_only(name):
    svg = PICTURES[name]().svg()
    rule = re.search(r"@media screen and \(prefers-color-scheme:dark\)\{svg\{([^}]*)\}\}", svg)
    dark = dict(each.split(":") for each in rule[1].split(";"))
    drawn = re.findall(r"(?:fill|stroke):\s*([^;\"]+)", svg.replace(rule[0], ""))
    used = {each for each in drawn if each != "none"}
    assert used == {f"var({name},#{name[3:]})" for name in dark}
    assert dark["--cffffff"] == colors.DARK_PAGE
    assert all(value == colors.darken(f"#{name[3:]}") for name, value in dark.items())


def test_the_background_is_drawn_so_that_text_can_be_read_on_any_page():
    svg = PICTURES["monthly"]().svg()
    assert re.search(r'<g id="patch_1">\s*<path [^>]*style="fill: ?var\(--cffffff,#ffffff\)"', svg)


def test_text_that_looks_like_a_colour_stays():
    names = [*HOSTILE, 'style="fill: #123456"']
    table = pd.DataFrame({"actual": 1, "expected": 2}, index=names)
    svg = charts.calibration(table).svg()
    assert 'style="fill: #123456"' in svg.replace("&quot;", '"') and "--c123456" not in svg


@pytest.mark.parametrize("scale", [style.SCALE, style.shades("#fae6d8", style.WARM)])
def test_text_can_be_read_on_every_shade_of_a_heat_map(scale):
    for color in scale(np.arange(scale.N)):
        assert colors.contrast_ratio(style.ink_on(color), color) > 4.5

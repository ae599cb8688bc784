"""A browser shows one SVG in the colours of the reader's setting, and prints it in light ones."""

import base64
import re
import zlib

import browser
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread
from test_charts import PICTURES

from cvm_analysis.charts import style


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser.opened(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def open_page(tab, folder, scheme, css=":root{color-scheme:light dark}"):
    """Open a page with a picture of bars, as a reader with this setting."""
    svg = base64.b64encode(PICTURES["calibration"]().svg().encode()).decode()
    page = folder / "page.html"
    page.write_text(f'<style>{css}</style><img src="data:image/svg+xml;base64,{svg}">')
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    tab.send("Emulation.setEmulatedMedia", media="", features=features)
    tab.open(page, browser.DESKTOP)


def shown(tab, folder):
    """The two colours that cover most of the picture: the page's, and that of the bars."""
    tab.picture(folder / "page.png")
    pixels = imread(folder / "page.png")[40:500, 40:900, :3].reshape(-1, 3)
    found, counts = np.unique(pixels.round(4), axis=0, return_counts=True)
    return [to_hex(color) for color in found[counts.argsort()[::-1][:2]]]


def printed(tab, folder):
    """All colours of areas and texts on paper."""
    tab.paper(folder / "page.pdf")
    parts = re.findall(rb"stream\r?\n(.*?)endstream", (folder / "page.pdf").read_bytes(), re.DOTALL)
    drawn = b" ".join(zlib.decompress(part) for part in parts if part.startswith(b"x"))
    return {
        to_hex([float(each) for each in found.split()])
        for found in re.findall(rb"([\d.]+ [\d.]+ [\d.]+) rg", drawn)
    }


LIGHT = [style.PAGE, style.BEFORE]
DARK = [style.DARK[color] for color in LIGHT]


@pytest.mark.parametrize(("scheme", "expected"), [("light", LIGHT), ("dark", DARK)])
def test_the_readers_setting_decides_on_a_screen(tab, tmp_path, scheme, expected):
    open_page(tab, tmp_path, scheme)
    assert shown(tab, tmp_path) == expected


def test_paper_is_light_whatever_the_setting(tab, tmp_path):
    open_page(tab, tmp_path, "dark")
    colors = printed(tab, tmp_path)
    assert {style.PAGE, style.ACCENT, style.INK} <= colors and not colors & {*style.DARK.values()}


def test_where_the_page_knows_no_dark_the_picture_is_whole_in_one_of_both(tab, tmp_path):
    """As in JupyterLab, whose theme is no setting of the browser."""
    open_page(tab, tmp_path, "dark", css="body{background:white}")
    assert shown(tab, tmp_path) in (LIGHT, DARK)

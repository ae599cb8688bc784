"""The finished page: nothing of the code, nothing that acts, nothing loaded, every text as text."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import matplotlib.figure
import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cvm_analysis import charts
from cvm_analysis.errors import InputError
from cvm_analysis.report import blocks, page

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'javascript:alert(3)"
PROSE = f"""# Who *are* they?

Before {HOSTILE} after.

<div onclick="alert(1)">raw</div>

[out](https://example.com) [bad](javascript:alert(1)) ![shot](//a.b/x.png) [in](#part-1)
<https://example.org>

| a | b |
|---|---|
| <b>1</b> | 2 |
"""


class Page(HTMLParser):
    """What a browser would find in the page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.text += data

    def values(self, *names):
        return [value for _, name, value in self.attributes if name in names]

    def assert_loads_nothing(self):
        """No script, no handler, no address but inside the page or as data; a policy says so."""
        assert not {"script", "iframe", "object", "embed", "base", "form"} & set(self.tags)
        links = [(name, value) for tag, name, value in self.attributes if tag == "link"]
        assert links[0] == ("rel", "icon") and len(links) == 2
        assert not [name for _, name, _ in self.attributes if name.startswith("on")]
        for value in self.values("src", "href", "srcset", "action", "xlink:href"):
            assert value.startswith(("#", "data:image/svg+xml;base64,", "data:image/png;base64,"))
        policy = next(value for value in self.values("content") if "default-src" in value)
        assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")


def shown(thing):
    """The output of a cell whose last line is `thing`."""
    bundle = thing._repr_mimebundle_()
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    return new_output("execute_result", data=data, metadata=metadata, execution_count=1)


def notebook(tmp_path, cells, **metadata):
    nb = new_notebook(cells=cells, metadata=metadata)
    for number, cell in enumerate(nb.cells):
        cell["id"] = f"c{number}"
    path = tmp_path / "report.ipynb"
    nbformat.write(nb, path)
    return path


def picture(tmp_path=None):
    table = pd.DataFrame({"actual": [70, 30], "expected": [68, 32]}, index=["0", HOSTILE])
    return charts.calibration(table)


@pytest.fixture
def full(tmp_path):
    """A notebook with everything a page takes over, and much that it must not."""
    segments = pd.DataFrame({"n_customers": [1234]}, index=[HOSTILE])
    png = matplotlib.figure.Figure((1, 1))
    png_path = tmp_path / "x.png"
    png.savefig(png_path)
    import base64

    outputs = [
        new_output("stream", name="stderr", text="SECRET-STDERR"),
        new_output("stream", name="stdout", text="SECRET-STDOUT"),
        new_output("display_data", data={"text/html": "<script>SECRET-HTML</script>"}),
        new_output("display_data", data={"application/javascript": "SECRET-JS"}),
        new_output("display_data", data={"text/plain": "SECRET-PLAIN"}),
        new_output("error", ename="E", evalue="SECRET-ERROR", traceback=[]),
        shown(blocks.headline(HOSTILE)),
        shown(blocks.table(segments, {"n_customers": "number"})),
        shown(picture()),
        new_output(
            "display_data",
            data={"image/png": base64.encodebytes(png_path.read_bytes()).decode()},
            metadata={"image/png": {"alt": f"dots {HOSTILE}"}},
        ),
    ]
    cells = [
        new_markdown_cell(PROSE),
        new_code_cell("SECRET_CODE = 1", outputs=outputs),
        *[new_markdown_cell(f"## Part {n} & <b>more</b>\n\nText.") for n in range(1, 5)],
    ]
    cvm = {"as_of": "2025-12-31", "version": "1.2 <b>"}
    return notebook(tmp_path, cells, cvm=cvm)


def test_the_page_holds_nothing_that_acts_or_loads(full):
    Page(page.render(full, HOSTILE, "en")).assert_loads_nothing()


def test_the_header_leads_to_the_given_pages_and_nothing_else(full):
    found = [
        ("All regions", "../../../index.en.html"),
        (HOSTILE, "../../2025-09-30/share/a b.html"),
    ]
    html = page.render(full, "t", "en", found)
    seen = Page(html)
    hrefs = [value for tag, name, value in seen.attributes if (tag, name) == ("a", "href")]
    leading = [href for href in hrefs if not href.startswith("#")]
    assert leading == ["../../../index.en.html", "../../2025-09-30/share/a%20b.html"]
    assert "script" not in seen.tags and seen.text.count(HOSTILE) > Page(plain(full)).text.count(
        HOSTILE
    )
    assert html.index('class="links"') < html.index("<h1")
    assert 'class="links"' not in plain(full)


def plain(full):
    return page.render(full, "t", "en")


@pytest.mark.parametrize("path", ["../../../../x.html", "/etc/passwd", "a/../../x.html"])
def test_a_link_that_leaves_the_output_folder_is_refused(full, path):
    with pytest.raises(InputError, match="no path inside the output folder"):
        page.render(full, "t", "en", [("x", path)])


def test_the_name_of_the_page_has_the_date_and_a_keyboard_can_skip_the_header(full):
    html = page.render(full, "Demo – East", "en")
    assert "<title>Demo – East – Dec 31, 2025</title>" in html
    assert "<b>Demo – East</b>" in html
    assert html.index('<a class="skip" href="#main">') < html.index("<header>")
    assert 'id="main"' in html and '<meta name="color-scheme" content="light dark">' in html
    assert "<title>Demo｜华东｜2025年12月31日</title>" in page.render(full, "Demo｜华东", "zh")


def test_notebooks_are_read_without_a_grammar_of_internet_addresses(full):
    """jsonschema would build it by `lark`, which takes longer than a page; nothing stays hidden."""
    code = (
        "import sys; from pathlib import Path; from cvm_analysis.report import page\n"
        "page.render(Path(sys.argv[1]), 't', 'en')\n"
        "assert 'lark' not in sys.modules\n"
        "import rfc3987_syntax"
    )
    subprocess.run([sys.executable, "-c", code, str(full)], check=True)


def test_hostile_text_is_shown_as_text(full):
    html = page.render(full, HOSTILE, "en")
    seen = Page(html)
    assert seen.text.count("<script>alert(1)</script>") >= 5  # title, brand, prose, headline, table
    assert '<div onclick="alert(1)">raw</div>' in seen.text
    assert "<b>1</b>" in seen.text
    assert any(value.startswith(f"dots {HOSTILE}") for value in seen.values("alt"))


def test_code_and_other_outputs_stay_behind(full):
    assert "SECRET" not in page.render(full, "t", "en")


def test_links_lead_nowhere_outside(full):
    html = page.render(full, "t", "en")
    body = html[html.index("<body") :]
    assert '<a href="#part-1">in</a>' in body
    assert not re.search(r"""(href|src)=["']?(https?:|//|javascript:)""", body)
    assert "¶" not in body


def test_every_picture_has_its_alt_text(full):
    seen = Page(page.render(full, "t", "en"))
    assert seen.tags.count("img") == 2
    assert picture().alt in seen.values("alt")
    assert all(seen.values("alt"))


def test_parts_stand_in_pairs_and_the_appendix_is_folded(tmp_path):
    outputs = [
        shown(blocks.section("Sales grew", "", "half")),
        shown(blocks.text("Text 1")),
        shown(blocks.section("Data", "", "folded")),
        shown(blocks.text("Text 2")),
        shown(blocks.section("Nothing follows", "", "half")),
        shown(blocks.section("Who is leaving", "", "whole")),
        shown(blocks.text("Text 3")),
    ]
    html = page.render(notebook(tmp_path, [new_code_cell("", outputs=outputs)]), "t", "en")
    half, whole, folded = (html.index(text) for text in ("Text 1", "Text 3", "Text 2"))
    assert half < html.index('<section class="part whole">') < whole < html.index("<details>")
    assert html.index("<summary>") < html.index("Data</h2>") < html.index("</summary>") < folded
    assert html.count("<section class=") == 3 and "Nothing follows" not in html


@pytest.mark.parametrize(
    ("widths", "rows"),
    [
        (["half"], ["row"]),
        (["half", "half"], ["pair"]),
        (["half", "half", "half"], ["columns"]),
        (["half", "half", "whole", "half"], ["pair", "row", "row"]),
        (["whole", "whole"], ["row", "row"]),
        (["half", "folded", "half"], ["pair"]),
    ],
)
def test_parts_of_half_the_width_that_follow_each_other_share_a_row(tmp_path, widths, rows):
    """What is folded stands in the appendix, so it parts nobody."""
    outputs = [
        shown(blocks.join([blocks.section(f"Part {i}", "", width), blocks.text("Text")]))
        for i, width in enumerate(widths)
    ]
    html = page.render(notebook(tmp_path, [new_code_cell("", outputs=outputs)]), "t", "en")
    assert re.findall(r'<div class="(pair|columns|row)">', html) == rows
    whole = [f"Part {i}" for i, width in enumerate(widths) if width != "folded"]
    main = html[html.index("<main") : html.index("</main>")].partition('class="appendix"')[0]
    assert re.findall(r"Part \d", main) == whole


def test_two_parts_of_one_output_are_two(tmp_path):
    both = blocks.join([blocks.section("A", "x"), blocks.section("B", "y"), blocks.text("z")])
    html = page.render(notebook(tmp_path, [new_code_cell("", outputs=[shown(both)])]), "t", "en")
    assert html.count('<section class="part whole">') == 2


def test_the_headline_is_the_first_heading(full):
    html = page.render(full, "The title", "en")
    assert html.count("<h1") == 1 and html.index("The title</b>") < html.index("<h1")
    assert html.index("</h1>") < html.index("</header>") < html.index("<main")


def test_without_a_headline_the_title_is(tmp_path):
    path = notebook(tmp_path, [new_markdown_cell("# Who?\n\nText")])
    html = page.render(path, "The title", "en")
    assert '<h1>The title</h1>\n<p class="cvm-lead">Who?</p>' in html


def test_language_viewport_and_style_are_there(full):
    seen = Page(page.render(full, "t", "en"))
    assert ("html", "lang", "en") in seen.attributes
    assert "width=device-width, initial-scale=1" in seen.values("content")
    assert "style" in seen.tags


def test_the_footer_says_how_fresh_the_data_are_or_is_left_out(full, tmp_path):
    assert "Data up to Dec 31, 2025" in Page(page.render(full, "t", "en")).text
    assert "Version 1.2 <b>" in Page(page.render(full, "t", "en")).text
    bare = notebook(tmp_path, [new_markdown_cell("Hello")])
    assert "footer" not in Page(page.render(bare, "t", "en")).tags


def test_the_same_notebook_gives_the_same_bytes(full):
    assert page.render(full, "t", "en") == page.render(full, "t", "en")


def test_a_page_is_small(full):
    assert len(page.render(full, "t", "en").encode()) < 40_000


@pytest.mark.parametrize("content", ["", "{}", "[1]", "no json", '{"cells": 3, "nbformat": 4}'])
def test_what_is_no_notebook_is_one_error(tmp_path, content):
    path = tmp_path / "broken.ipynb"
    path.write_text(content)
    with pytest.raises(InputError, match=r"broken\.ipynb: not a notebook"):
        page.render(path, "t", "en")
    with pytest.raises(InputError, match=r"absent\.ipynb: not a notebook"):
        page.render(tmp_path / "absent.ipynb", "t", "en")


def test_a_browser_shows_the_page_and_runs_nothing(full, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        assert os.environ.get("CI") != "true", "no chromium, but CI=true asks for it"
        pytest.skip("no chromium")
    path = tmp_path / "page.html"
    path.write_text(page.render(full, "t", "en"), encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update", "--dump-dom"]
    command = [chromium, *flags, f"--user-data-dir={tmp_path / 'profile'}", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    seen = Page(done.stdout)
    seen.assert_loads_nothing()
    assert "1,234" in seen.text and "<script>alert(1)</script>" in seen.text

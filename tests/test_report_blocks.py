"""Blocks show every text as text, numbers as a manager reads them, and the same bytes each time."""

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.errors import InputError
from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Cell, Figure, Step
from cvm_analysis.texts import MissingTextError, words

REPORT = Path(blocks.__file__).parent
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"' onmouseover='alert(1)",
    "=cmd|' /C calc'!A0",
    "javascript:alert(1)",
    "</table></style><b>",
    "{{ 7*7 }} {% raw %} ${x}",
    "&lt;b&gt;",
]


class Seen(HTMLParser):
    """Elements, attributes and texts of a piece of HTML."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.cells, self._text = [], [], [], []
        self.feed(html)
        self.text = "".join(self._text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data):
        self._text.append(data)
        if self.cells:
            self.cells[-1] += data.strip("\n ") if data.isspace() else data

    def assert_calm(self):
        """No element or attribute that could act."""
        assert not {"script", "img", "b", "iframe", "link"} & set(self.tags)
        assert not [name for name, _ in self.attributes if name.startswith("on")]
        assert not [name for name, _ in self.attributes if name in ("href", "src")]


def made(text):
    """Every block there is, with `text` wherever a text can be."""
    cells = [Cell(text, text), "x"]
    df = pd.DataFrame({"name": cells, "n": [1, 2]}, index=[text, "y"])
    labels = {"name": text, "n": "n"}
    return {
        "headline": blocks.headline(text),
        "key_figures": blocks.key_figures([Figure(text, text, text, text), Figure(text, text)]),
        "section": blocks.section(text, text, "half"),
        "steps": blocks.steps([Step(text, text, text, text)]),
        "text": blocks.text(text),
        "note": blocks.note(text),
        "warning": blocks.warning(text),
        "table": blocks.table(df, {"name": "text", "n": "number"}, labels=labels, caption=text),
    }


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", made(""))
def test_hostile_text_stays_text(name, text):
    seen = Seen(made(text)[name].html)
    seen.assert_calm()
    assert text in seen.text


@pytest.mark.parametrize("name", made(""))
def test_the_same_input_gives_the_same_bytes(name):
    assert made("x")[name].html == made("x")[name].html


def test_a_block_is_shown_to_both_the_page_and_jupyterlab():
    bundle = blocks.headline("a < b")._repr_mimebundle_()
    assert bundle["application/x-cvm-block"] == '<h1 class="cvm-headline">a &lt; b</h1>'
    assert bundle["application/x-cvm-block"] in bundle["text/html"]
    assert bundle["text/html"].startswith("<style>")


def test_a_table_writes_each_column_in_its_format():
    df = pd.DataFrame(
        {
            "n_customers": [1234567.891, np.nan],
            "share": [0.256, None],
            "net_sales": [1234.5, -3],
            "first_order": [date(2025, 12, 31), pd.NaT],
            "month": [pd.Timestamp("2025-02-01"), pd.NaT],
            "segment": ["at_risk", None],
            "reason": ["text", None],
        },
        index=["champions", "lost"],
    )
    formats = {
        "n_customers": "number",
        "share": "percent:1",
        "net_sales": "money:2",
        "first_order": "date",
        "month": "month",
        "segment": "words:segments",
        "reason": "text",
    }
    cells = Seen(blocks.table(df, formats, rows="segments", currency="USD").html).cells
    first = ["Champions", "1,234,568", "25.6%", "$1,234.50", "Dec 31, 2025", "Feb 2025"]
    assert cells[8:14] == first
    assert cells[14:18] == ["At risk", "text", "Lost", "–"]
    assert cells[18:] == ["–", "-\u2060$3.00", "–", "–", "–", "–"], "joined to its minus"
    headings = ["Customers", "Share", "Net sales", "First order", "Month", "Segment", "Reason"]
    assert cells[1:8] == headings


def test_numbers_are_right_and_words_left():
    df = pd.DataFrame({"segment": ["a"], "n_orders": [1]})
    html = blocks.table(df, {"n_orders": "number", "segment": "text"}).html
    assert '<td class="number" data-name="Orders">1</td>' in html
    assert '<td class="short" data-name="Segment">a</td>' in html
    assert '<th scope="col" class="number">Orders</th>' in html


def test_a_column_with_a_long_text_is_kept_wide_in_either_script():
    for text in ("a sentence of more than thirty letters", "一句超过三十个字母宽的中文句子啊"):
        df = pd.DataFrame({"segment": ["a", text], "n_orders": [1, 2]})
        html = blocks.table(df, {"segment": "text", "n_orders": "number"}).html
        assert html.count('<td class="prose"') == 2


def test_a_table_without_rows_keeps_its_headings():
    df = pd.DataFrame({"n_orders": []}, index=pd.Index([], name="region"))
    assert Seen(blocks.table(df, {"n_orders": "number"}).html).cells == ["", "Orders"]


def test_columns_come_in_the_order_asked_for_and_a_plain_index_is_not_shown():
    df = pd.DataFrame({"n_orders": [7], "net_sales": [8], "n_rows": [9]})
    cells = Seen(blocks.table(df, {"n_rows": "number", "n_orders": "number"}).html).cells
    assert cells == ["Rows", "Orders", "9", "7"]


def test_headings_and_row_labels_have_their_scope():
    df = pd.DataFrame({"n_orders": [7]}, index=["East"])
    seen = Seen(blocks.table(df, {"n_orders": "number"}).html)
    scopes = [value for name, value in seen.attributes if name == "scope"]
    assert scopes == ["col", "row"]


def test_a_table_has_the_name_that_a_link_can_lead_to_and_no_other():
    df = pd.DataFrame({"n_orders": [1]})
    named = blocks.table(df, {"n_orders": "number"}, id="orders").html
    assert named.startswith('<table class="cvm-table" id="orders">') and named.count(" id=") == 1
    assert " id=" not in blocks.table(df, {"n_orders": "number"}).html


def test_amounts_have_one_unit_and_stand_right():
    df = pd.DataFrame({"n_orders": [365_971.04, -9_183.93, np.nan]})
    html = blocks.table(df, {"n_orders": "amounts"}, currency="CNY").html
    assert [*Seen(html).cells] == ["Orders", "¥366K", "-\u2060¥9K", "–"]
    assert html.count('class="number"') == 4


def test_a_table_that_cannot_be_made_says_why():
    df = pd.DataFrame({"n_orders": [7], "odd": [1]})
    with pytest.raises(InputError, match="no column n_order; it has n_orders, odd"):
        blocks.table(df, {"n_order": "number"})
    with pytest.raises(InputError, match="no format 'nubmer'; there are number"):
        blocks.table(df, {"n_orders": "nubmer"})
    with pytest.raises(MissingTextError, match=r"columns\.odd"):
        blocks.table(df, {"odd": "number"})


def test_a_key_figure_without_a_note_has_none():
    html = blocks.key_figures([Figure("Customers", "11,270")]).html
    assert 'class="note"' not in html and "change" not in html
    assert '<dt>Customers</dt><dd class="value">11,270</dd>' in html


def test_notes_and_warnings_say_what_they_are():
    assert Seen(blocks.note("Look.").html).text == "Note. Look."
    assert Seen(blocks.warning("Look.").html).text == "Caution. Look."


def test_a_step_says_who_does_what_until_when():
    step = Step("Win back", "Call them", "Sales", "by Jan 9, 2026")
    seen = Seen(blocks.steps([step, step]).html)
    assert seen.text.replace("\n", "") == "Win backCall themSalesby Jan 9, 2026" * 2
    assert seen.tags.count("li") == 2


def test_terms_stand_in_a_definition_list():
    html = blocks.definitions([blocks.Definition("Net <sales>", "Sales less returns.")]).html
    assert html.startswith('<dl class="cvm-definitions">')
    assert "<dt>Net &lt;sales&gt;</dt><dd>Sales less returns.</dd>" in html


def test_tables_of_many_columns_and_of_words_are_told_apart():
    numbers = pd.DataFrame(
        {name: [1] for name in ("n_orders", "orders", "customers", "r", "f", "m")}
    )
    six = blocks.table(numbers, {name: "number" for name in numbers}).html
    assert 'class="cvm-table broad"' in six
    words_too = numbers.assign(reason="longer than sixteen")
    html = blocks.table(words_too, {**{name: "number" for name in numbers}, "reason": "text"}).html
    assert 'class="cvm-table broad wordy"' in html


def test_a_change_is_coloured_by_its_tone():
    html = blocks.key_figures([Figure("Sales", "¥1", "a year", "▲ 3%", "good")]).html
    assert '<dd class="change good">▲ 3%</dd><dd class="note">a year</dd>' in html


def test_a_cell_has_a_second_line_and_a_share_its_bar():
    df = pd.DataFrame({"churn_risk": [0.256, None], "reasons": [Cell("x", "y"), "z"]})
    html = blocks.table(
        df, {"churn_risk": "bar", "reasons": "text"}, words("en", horizon_weeks=52)
    ).html
    assert '<span class="bar" style="--p:0.26">26%</span>' in html
    assert html.count("--p:") == 1 and "x<small>y</small>" in html and html.count("<small>") == 1


def test_a_table_is_told_apart_by_its_caption_and_by_its_width():
    df = pd.DataFrame({"n_orders": [7]})
    assert (
        "<caption>Orders of 2025</caption>"
        in blocks.table(df, {"n_orders": "number"}, caption="Orders of 2025").html
    )
    assert "caption" not in blocks.table(df, {"n_orders": "number"}).html
    names = ("n_orders", "n_rows", "share", "net_sales", "n_customers", "churn_risk")
    wide = pd.DataFrame([range(6)], columns=list(names))
    assert 'class="cvm-table broad"' in blocks.table(wide, dict.fromkeys(wide, "number")).html


def test_a_chinese_amount_is_not_broken_before_its_unit():
    html = blocks.headline("毛利¥97.7万，<b>12个月").html
    assert "¥97.7\u2060万，&lt;b&gt;12个月" in html


def test_every_caption_is_that_of_a_table():
    code = "".join(path.read_text("utf-8") for path in REPORT.glob("*.py"))
    ids = re.findall(r'(?:id=f?|, )"([a-z{}-]+)"', code)
    known = "|".join(name.replace("{scheme}", "[a-z_]+") for name in ids)
    for language in ("en", "zh"):
        captions = words(language).section("captions")
        assert captions and all(re.fullmatch(known, name) for name in captions)
    assert not re.fullmatch(known, "no-such-table")

"""The history of a customer as a picture says what its table says."""

import datetime as dt

import pandas as pd
import pytest
from test_charts import CHINESE, texts

from cvm_analysis import charts
from cvm_analysis.charts import style
from cvm_analysis.errors import InputError
from cvm_analysis.texts import words

DAY = dt.date(2025, 12, 31)
ROWS = [
    ("order", "2025-01-01", None, 400.0),
    ("order", "2025-06-30", None, 900.0),
    ("return", "2025-07-10", None, -100.0),
    ("complaint", "2025-03-01", "2025-03-31", 0.0),
    ("complaint", "2025-12-01", None, 0.0),
    ("contract", "2025-06-01", "2026-06-01", 0.0),
    ("contact", "2025-08-01", "2025-08-01", 0.0),
]


def table(rows=tuple(ROWS)):
    found = pd.DataFrame(rows, columns=["kind", "start", "end", "amount"])
    return found.assign(start=pd.to_datetime(found["start"]), end=pd.to_datetime(found["end"]))


PICTURES = {
    "timeline": lambda **to: charts.timeline(table(), DAY, next_order_on="2026-01-14", **to)
}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_drawn_in_every_language_with_the_same_bytes(language):
    picture = PICTURES["timeline"](language=language)
    assert picture.svg() == PICTURES["timeline"](language=language).svg()
    assert "{" not in picture.alt
    assert bool(CHINESE.search("".join(texts(picture)))) == (language == "zh")


def test_orders_and_returns_stand_on_their_days_with_their_amounts():
    orders = PICTURES["timeline"]().figure.axes[0]
    bars = {round(b.get_x() + b.get_width() / 2): b.get_height() for b in orders.patches}
    assert bars == {0: 400.0, 180: 900.0, 190: -100.0}, "days since the first event"


def test_what_is_open_reaches_to_the_last_day():
    """The complaint of 1 December has 30 days to the 31st; the contract of 1 June 213."""
    lanes = PICTURES["timeline"]().figure.axes[1]
    spans = {(round(b.get_x()), round(b.get_width())) for b in lanes.patches}
    assert spans == {(59, 30), (334, 30), (151, 213)}
    assert [*lanes.lines[0].get_xdata()] == [212.0], "a contact is a point"


def test_an_expected_order_is_a_line_and_orange_once_it_has_passed():
    ahead, passed = (
        PICTURES["timeline"](),
        charts.timeline(table(), DAY, next_order_on="2025-12-01"),
    )
    (line,) = [x for x in ahead.figure.axes[0].lines if x.get_linestyle() == "--"]
    assert line.get_xdata()[0] == 378 and line.get_color() == style.ACCENT
    (line,) = [x for x in passed.figure.axes[0].lines if x.get_linestyle() == "--"]
    assert line.get_color() == style.WARM and "Next order expected Dec 1, 2025" in texts(passed)


def test_the_alternative_counts_and_says_when():
    assert PICTURES["timeline"]().alt == (
        "History from Jan 1, 2025 to Dec 31, 2025: 2 days with an order, contracts: 1, complaints: "
        "2, contacts: 1. The next order is expected on Jan 14, 2026."
    )


def test_kinds_without_an_event_have_no_row():
    picture = charts.timeline(table(ROWS[:2]), DAY)
    assert len(picture.figure.axes) == 1 and "Complaints" not in texts(picture)


def test_nothing_to_draw_says_so_and_a_wrong_table_why():
    assert charts.timeline(table(()), DAY).alt == words("en")("charts.nothing")
    with pytest.raises(InputError, match="timeline: the table lacks amount"):
        charts.timeline(table().drop(columns="amount"), DAY)

"""Figures on who falls silent say what their tables say, in every language."""

import numpy as np
import pandas as pd
import pytest
from test_charts import texts

from cvm_analysis import charts
from cvm_analysis.errors import InputError
from cvm_analysis.texts import MissingTextError, words


def curves():
    days = [0, 30, 60, 90]
    rows = {"regular_on_time": [1, 0.6, 0.4, 0.31], "once_inactive": [1, 0.99, 0.97, 0.95]}
    return pd.DataFrame.from_dict(rows, orient="index", columns=days)


def bent():
    return pd.DataFrame({"plain": [0.0, 1, 4, 20], "hazard_ratio": [1.5, 2.6, 1.0, 0.4]})


def quarters(n=8):
    share = np.linspace(0.6, 0.5, n)
    return pd.DataFrame(
        {"n_customers": 300, "inactive": share, "low": share - 0.05, "high": share + 0.05},
        index=[str(q) for q in pd.period_range("2023Q1", periods=n, freq="Q")],
    )


PICTURES = {
    "customer_profiles": lambda language="en": charts.customer_profiles(curves(), language),
    "partial_effect": lambda language="en": charts.partial_effect(bent(), "silence_gaps", language),
    "cohorts": lambda language="en": charts.cohorts(quarters(), language=language),
}
EMPTY = {
    "customer_profiles": lambda: charts.customer_profiles(pd.DataFrame()),
    "partial_effect": lambda: charts.partial_effect(pd.DataFrame(), "rate"),
    "cohorts": lambda: charts.cohorts(pd.DataFrame()),
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PICTURES)
def test_every_figure_is_drawn_in_every_language(name, language):
    picture = PICTURES[name](language)
    assert len(picture.alt) > 30 and "{" not in picture.alt and picture.alt[-1] in ".。"
    assert picture.svg() == PICTURES[name](language).svg()


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_table_says_so(name):
    assert EMPTY[name]().alt == words("en")("charts.nothing")


def test_each_typical_customer_is_named_where_the_line_ends():
    picture = PICTURES["customer_profiles"]()
    assert {"Regular, on schedule", "One purchase, long ago", "100%", "90"} <= set(texts(picture))
    assert "After 90 days: Regular, on schedule 31%, One purchase, long ago 95%." in picture.alt
    (ax,) = picture.figure.axes
    assert [list(line.get_ydata()) for line in ax.lines] == curves().to_numpy().tolist()
    assert [note.xy for note in ax.texts] == [(90, 0.31), (90, 0.95)]
    assert ax.get_xlim() == (0, 90) and ax.get_legend() is None


def test_beyond_what_was_observed_nothing_is_drawn():
    table = curves().astype(float)
    table[90] = np.nan
    assert "After 60 days: Regular, on schedule 40%" in charts.customer_profiles(table).alt
    assert charts.customer_profiles(table * np.nan).alt == words("en")("charts.nothing")
    with pytest.raises(MissingTextError, match=r"customer_profiles\.unknown"):
        charts.customer_profiles(curves().set_axis(["unknown", "once_inactive"]))


def test_an_effect_is_shown_over_its_values_without_the_step():
    picture = PICTURES["partial_effect"]()
    assert "Inactivity, in usual intervals" in texts(picture) and "doubled" not in picture.alt
    assert "1.5 at 0, 0.4 at 20, highest 2.60 at 1." in picture.alt
    contracts = charts.partial_effect(bent(), "odd_code", of="contracts")
    assert "Odd code" in texts(contracts) and "contracts end" in contracts.alt
    with pytest.raises(InputError, match="partial_effect: the table lacks plain"):
        charts.partial_effect(bent().drop(columns="plain"), "rate")


def test_cohorts_tell_the_first_and_the_last_with_their_intervals():
    picture = PICTURES["cohorts"]()
    assert "2023Q1 60% (55% to 65%), 2024Q4 50% (45% to 55%)" in picture.alt
    assert "inactive 12 months after" in picture.alt and {"2023Q1", "2024Q4"} <= set(texts(picture))
    assert "2023Q1 60% (55% to 65%)." in charts.cohorts(quarters(1)).alt
    many = [t for t in texts(charts.cohorts(quarters(20))) if "Q" in t and t.startswith("20")]
    assert 4 < len(many) <= 8
    with pytest.raises(InputError, match="cohorts: the table lacks inactive"):
        charts.cohorts(quarters().drop(columns="inactive"))

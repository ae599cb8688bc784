"""The key figures of a table, by hand, and that they change as soon as the table does."""

import pandas as pd
import pytest

from cvm_analysis.tables.summary import summarize

TABLE = pd.DataFrame(
    {
        "money": [1.0, 2.0, None, 30_000.0],
        "grade": ["A", "B", "B", None],
        "day": pd.to_datetime(["2025-01-01", "2025-01-03", None, "2025-01-31"]),
        "lapsed": [True, False, False, False],
        "none": [None] * 4,
        "unknown": [float("nan")] * 4,
        "count": pd.array([1, None, 5, 6], dtype="Int64"),
    },
    index=list("wxyz"),
)


def test_figures_by_hand():
    found = summarize(TABLE)
    assert found.loc["money"].tolist() == ["3 of 4", "10,001", "1.5"]
    assert found.loc["grade"].tolist() == ["3 of 4", "B 0.6667", "0.5000"]
    assert found.loc["day"].tolist() == ["3 of 4", "2025-01-11", "2025-01-02"]
    assert found.loc["lapsed"].tolist() == ["4 of 4", "False 0.7500", "0.5000"]
    assert summarize(TABLE.reset_index()).loc["index"].tolist() == ["4 of 4", "all different", ""]
    assert found.loc["none"].tolist() == ["0 of 4", "", ""]
    assert found.loc["unknown"].tolist() == ["0 of 4", "", ""]
    assert found.loc["count"].tolist() == ["3 of 4", "4", "1"]


def test_numbers_that_add_up_to_nothing_have_the_mean_0_and_small_ones_their_own():
    """0.1 + 0.2 - 0.3 is not 0 in a computer; on another one it is not the same."""
    tenths = [0.1, 0.2, -0.3]
    assert sum(tenths) != 0
    assert summarize(pd.Series(tenths, name="n")).loc["n", "median_or_share"] == "0"
    small = pd.Series([1e-15, 3e-15], name="n")
    assert summarize(small).loc["n", ["median_or_share", "first_half"]].tolist() == [
        "2e-15",
        "1e-15",
    ]
    near = pd.Series([1.0, -1.0 + 2e-9], name="n")
    assert summarize(near).loc["n", "median_or_share"] == "1e-09"
    assert summarize(pd.Series([0.0, 0.0], name="n")).loc["n", "median_or_share"] == "0"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (3_460_943.52, "3,460,900"),
        (99_999.6, "100,000"),
        (10_000.4, "10,000"),
        (-25_001.0, "-25,001"),
    ],
)
def test_large_numbers_have_five_digits_too(value, written):
    assert summarize(pd.Series([value], name="n")).loc["n", "median_or_share"] == written


def test_the_horizon_a_table_was_written_with_is_a_figure():
    written = TABLE.copy()
    written.attrs = {"horizon_weeks": 52}
    assert summarize(written).loc["horizon_weeks"].tolist() == ["52", "", ""]


def test_a_column_alone_and_nothing_at_all():
    assert summarize(TABLE["money"]).loc["money", "known"] == "3 of 4"
    assert summarize(TABLE.iloc[:0]).loc["day"].tolist() == ["0 of 0", "", ""]
    assert summarize(pd.DataFrame()).empty
    late = pd.DataFrame({"n": [None, 1.0], "code": [None, "x"]})
    assert summarize(late)["first_half"].tolist() == ["", ""]


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.assign(money=1 - t["money"]),
        lambda t: t.assign(money=t["money"].to_numpy()[::-1]),  # other customers' money
        lambda t: t.assign(grade=t["grade"].map({"A": "B", "B": "A"})),
        lambda t: t.assign(day=t["day"] + pd.Timedelta(days=1)),
        lambda t: t.iloc[:3],
    ],
)
def test_another_table_has_other_figures(change):
    assert not summarize(TABLE).equals(summarize(change(TABLE)))

"""Grades by group: the agencies' own example, scipy's interval, and invariants."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis.errors import InputError
from cvm_analysis.segments.grades import fairness

ORDER = ["A", "B", "C"]
NAN = np.nan


def people(**counts):
    """Grades and groups from `group=(n with A, n with B, n with C, n not graded)`."""
    codes = [*ORDER, "not_graded"]
    rows = [
        (g, code)
        for g, ns in counts.items()
        for code, n in zip(codes, ns, strict=False)
        for _ in range(n)
    ]
    index = pd.Index([f"C{i:05d}" for i in range(len(rows))], name="customer_id")
    groups, grades = zip(*rows, strict=True) if rows else ((), ())
    return pd.Series(grades, index, dtype=object), pd.Series(groups, index, dtype=object)


def test_four_fifths_of_the_agencies_example():
    """Questions and Answers on the Uniform Guidelines (1979): rates of 60, 45, 48 and 51 %.

    Printed impact ratios: 75, 80 and 85 % of the highest.
    """
    grades, groups = people(
        white=(600, 400), indian=(450, 550), hispanic=(480, 520), black=(510, 490)
    )
    table = fairness.compare_groups(grades, groups, ORDER)
    assert table["best_share"].to_dict() == {
        "white": 0.6,
        "black": 0.51,
        "hispanic": 0.48,
        "indian": 0.45,
    }
    assert table["ratio"].round(6).tolist() == [1, 0.85, 0.8, 0.75]
    assert table.loc["white", "verdict"] == "reference"


@pytest.mark.parametrize(
    ("a", "n", "b", "m"), [(127, 2776, 95, 443), (5, 20, 30, 60), (1, 9, 8, 9)]
)
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_interval_is_that_of_katz(a, n, b, m, level):
    grades, groups = people(few=(a, n - a), many=(b, m - b))
    row = fairness.compare_groups(grades, groups, ORDER, 1, level).loc["few"]
    reach = {0.9: 1.644854, 0.95: 1.959964}[level] * np.sqrt(1 / a - 1 / n + 1 / b - 1 / m)
    ratio = a / n / (b / m)
    assert row["ratio"] == pytest.approx(ratio)
    ends = ratio * np.exp(-reach), ratio * np.exp(reach)
    assert (row["low"], row["high"]) == pytest.approx(ends, rel=1e-6)


def test_the_verdict_is_that_of_the_interval():
    """Ratios 0.5, 0.75 and 0.9 with many customers; 0.75 with few."""
    grades, groups = people(
        top=(4000, 6000), half=(2000, 8000), low=(3000, 7000), near=(3600, 6400), few=(3, 7)
    )
    verdict = fairness.compare_groups(grades, groups, ORDER)["verdict"].to_dict()
    assert verdict == {
        "top": "reference", "near": "fine", "low": "below", "few": "unclear", "half": "below",
    }  # fmt: skip


def test_zero_counts_have_a_ratio_and_an_interval():
    """Half a customer is added to each of the four counts: 0.5 of 21 against 20.5 of 41."""
    grades, groups = people(none=(0, 20), some=(20, 20))
    row = fairness.compare_groups(grades, groups, ORDER).loc["none"]
    reach = 1.959964 * np.sqrt(1 / 0.5 - 1 / 21 + 1 / 20.5 - 1 / 41)
    assert row["ratio"] == 0 and row["low"] == 0
    assert row["high"] == pytest.approx(0.5 / 21 * 41 / 20.5 * np.exp(reach), rel=1e-6)
    assert row["verdict"] == "below"


def test_a_group_of_best_customers_only_is_not_certain():
    grades, groups = people(x=(6, 0), y=(5, 0))
    row = fairness.compare_groups(grades, groups, ORDER).loc["y"]
    assert row["ratio"] == 1 and row["low"] < 0.8 < 1 < row["high"] and row["verdict"] == "unclear"


def test_without_the_best_grade_there_is_no_verdict():
    grades, groups = people(x=(0, 10), y=(0, 4, 6))
    table = fairness.compare_groups(grades, groups, ORDER)
    assert table[["ratio", "low", "high"]].isna().all(axis=None)
    assert (table["verdict"] == "unclear").all()


def test_small_groups_are_pooled_before_anything_is_computed():
    grades, groups = people(big=(10, 10), s=(2, 2), t=(2, 2), u=(1, 3))
    table = fairness.compare_groups(grades, groups, ORDER)
    assert table.index.tolist() == ["big", "other"]
    assert table.loc["other", ["n_customers", "best_share"]].tolist() == [12, 5 / 12]


def test_a_pool_that_is_too_small_takes_the_next_group():
    grades, groups = people(big=(10, 10), mid=(5, 5), s=(2, 2))
    table = fairness.compare_groups(grades, groups, ORDER)
    assert table["n_customers"].to_dict() == {"big": 20, "other": 14}
    table = fairness.compare_groups(*people(big=(10, 10), s=(2, 2)), ORDER)
    assert table.index.tolist() == ["other"], "the difference to all graded would be the four"


def test_few_with_the_best_grade_are_hidden_and_another_group_with_them():
    """By hand: 3 of 40 with A; with the total known, b (8) is hidden too; all 11 remain open."""
    grades, groups = people(a=(3, 37), b=(8, 32), c=(20, 20), d=(30, 10))
    table = fairness.compare_groups(grades, groups, ORDER)
    columns = ["best_share", "ratio", "low", "high"]
    assert table.loc[["a", "b"], columns].isna().all(axis=None)
    assert table["best_share"].dropna().to_dict() == {"d": 0.75, "c": 0.5}
    assert table["verdict"].to_dict() == dict(a="below", b="below", c="unclear", d="reference")
    assert table["n_customers"].to_dict() == dict.fromkeys("abcd", 40)


def test_a_hidden_reference_leaves_no_ratio_from_which_it_follows():
    """4 of 44 are without A in d, the largest share; c is hidden with it."""
    grades, groups = people(b=(20, 20), c=(25, 15), d=(40, 4))
    table = fairness.compare_groups(grades, groups, ORDER)
    assert table[["ratio", "low", "high"]].isna().all(axis=None)
    assert table["best_share"].dropna().to_dict() == {"b": 0.5}
    assert table.loc["d", "verdict"] == "reference"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 3)), max_size=6),
    st.integers(1, 6),
)
def test_no_row_ever_stands_for_fewer_customers_than_asked(counts, least):
    grades, groups = people(**{f"g{i}": (a, b, 0, d) for i, (a, b, d) in enumerate(counts)})
    table = fairness.compare_groups(grades, groups, ORDER, min_group=least)
    assert (table["n_customers"] >= least).all()
    n_graded = (grades != "not_graded").sum()
    assert table["n_customers"].sum() == (n_graded if n_graded >= least else 0)
    assert (table["ratio"].dropna() >= 0).all()
    n_best = (table["best_share"] * table["n_customers"]).round()
    rest = table["n_customers"] - n_best
    assert not (((n_best > 0) & (n_best < least)) | ((rest > 0) & (rest < least))).any()


def test_ungraded_customers_are_in_no_share():
    grades, groups = people(x=(5, 5, 0, 90), y=(5, 5))
    table = fairness.compare_groups(grades, groups, ORDER)
    assert table.loc["x", ["n_customers", "best_share"]].tolist() == [10, 0.5]


def test_a_group_without_a_name_is_no_reference():
    grades, groups = people(x=(5, 5), y=(4, 6), unknown=(9, 1))
    groups = groups.where(groups != "unknown")
    table = fairness.compare_groups(grades, groups, ORDER, 1)
    assert table.index.tolist() == ["x", "y", "unknown"]
    assert table.loc["x", "verdict"] == "reference" and table.loc["unknown", "ratio"] == 1.8


def test_rows_ids_and_columns():
    grades, groups = people(x=(5, 15, 30), y=(9, 20, 25), z=(2, 2, 9))
    table = fairness.compare_groups(grades, groups, ORDER)
    shuffled = grades.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(fairness.compare_groups(shuffled, groups, ORDER), table)
    renamed = grades.set_axis(grades.index[::-1]), groups.set_axis(groups.index[::-1])
    pd.testing.assert_frame_equal(fairness.compare_groups(*renamed, ORDER), table)
    assert table.columns.tolist() == [
        *("n_customers", "best_share", "ratio", "low", "high", "verdict"),
    ]


def test_one_group_and_no_customers():
    grades, groups = people(x=(5, 15, 30))
    table = fairness.compare_groups(grades, groups, ORDER)
    assert table["verdict"].tolist() == ["reference"] and table["ratio"].tolist() == [1]
    for one in (people(), people(x=(1,))):
        assert fairness.compare_groups(*one, ORDER).empty


def test_strange_grades_and_strange_customers_are_errors():
    grades, groups = people(x=(5, 5), y=(5, 5))
    with pytest.raises(InputError, match="B are no grades; there are A"):
        fairness.compare_groups(grades, groups, ["A"])
    with pytest.raises(InputError, match="20 are in one of them only"):
        fairness.compare_groups(grades, groups.set_axis([f"D{i}" for i in range(20)])[:0], ORDER)
    with pytest.raises(InputError, match="each once"):
        fairness.compare_groups(grades, pd.concat([groups, groups]), ORDER)


def test_age_bands_count_full_years():
    born = pd.Series(
        ["1995-06-16", "1995-06-15", "1980-06-16", "1980-06-15", "1965-06-15", None, "2030-01-01",
         "no date", "2025-06-15"]
    )  # fmt: skip
    assert fairness.age_bands(born, dt.date(2025, 6, 15)).tolist() == [
        "under_30", "30_44", "30_44", "45_59", "60_plus", "unknown", "unknown", "unknown",
        "under_30",
    ]  # fmt: skip


def test_a_leap_day_birthday_counts_from_the_first_of_march():
    born = pd.Series([pd.Timestamp("1992-02-29")])
    assert fairness.age_bands(born, dt.date(2022, 2, 28))[0] == "under_30"
    assert fairness.age_bands(born, dt.date(2022, 3, 1))[0] == "30_44"


def test_other_edges():
    born = pd.Series(pd.to_datetime(["2000-01-01", "1900-01-01"]), ["x", "y"])
    bands = fairness.age_bands(born, dt.date(2025, 1, 1), (40,))
    assert bands.to_dict() == {"x": "under_40", "y": "40_plus"}
    assert fairness.age_bands(born[:0], dt.date(2025, 1, 1)).empty
    assert (fairness.age_bands(born.mask(born.notna()), dt.date(2025, 1, 1)) == "unknown").all()


@pytest.mark.parametrize("edges", [(), (30, 30), (45, 30), (0, 30), (30.5,)])
def test_edges_that_are_none(edges):
    with pytest.raises(InputError, match="must be whole years, rising"):
        fairness.age_bands(pd.Series(["2000-01-01"]), dt.date(2025, 1, 1), edges)


def test_groups_that_are_not_recorded_are_unknown():
    table = pd.DataFrame(
        {"region": ["east", "west"], "gender": ["", "male"], "birth_date": ["1990-01-01", None]}
    )
    found = fairness.groups(table, dt.date(2020, 6, 30))
    assert found["region"].tolist() == ["east", "west"]
    assert found["gender"].tolist() == ["unknown", "male"]
    assert found["age"].tolist() == ["30_44", "unknown"]
    bare = fairness.groups(table[["region"]], dt.date(2020, 6, 30))
    assert (bare[["gender", "age"]] == "unknown").all(axis=None)
    hidden = fairness.groups(table, dt.date(2020, 6, 30), is_hidden=True)
    assert hidden.equals(bare) and hidden["region"].tolist() == ["east", "west"]


def test_regions_are_compared_one_customer_type_at_a_time():
    """Retail: 20 of 40 against 10 of 40, a ratio of 0.5; dealers are in one region only."""
    kinds = ["retail"] * 80 + ["dealer"] * 10
    codes = ["A"] * 20 + ["B"] * 20 + ["A"] * 10 + ["B"] * 30 + ["top"] * 10
    region = pd.Series(["east"] * 40 + ["west"] * 40 + ["east"] * 10)
    grades = pd.DataFrame({"customer_type": kinds, "score_grade": codes})
    orders = {"retail": ["A", "B"], "dealer": ["top", "low"]}
    found = fairness.compare_regions(grades, region, orders)
    assert list(found.index) == [("retail", "east"), ("retail", "west")]
    assert found["best_share"].tolist() == [0.5, 0.25]
    assert found["ratio"].tolist() == [1, 0.5]
    assert fairness.compare_regions(grades, region, {}).empty

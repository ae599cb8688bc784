"""Who moved between two days, by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from cvm_analysis.segments.transitions import counts
from cvm_analysis.tables import check

ORDERS = {"grade": ["A", "B"], "rfm": ["best", "rest"], "life_cycle": ["mature", "lost"]}


def classes(**rows):
    return pd.DataFrame.from_dict(rows, orient="index", columns=["grade", "rfm", "life_cycle"])


@pytest.fixture
def moved():
    return counts.Transitions(
        before=classes(a=["A", "best", "mature"], b=["A", "best", "lost"], c=["B", "rest", "lost"]),
        after=classes(
            a=["B", "best", "lost"],
            b=["A", "rest", "lost"],
            c=["A", "rest", "lost"],
            d=["A", "best", "mature"],
        ),
        drawn=[
            classes(a=["A", "best", "lost"], b=["B", "best", "lost"], c=["B", "rest", "lost"]),
            classes(a=["B", "best", "lost"], b=["A", "best", "lost"], c=["B", "rest", "lost"]),
        ],
        lost=pd.Series({"a": "spend"}),
        money=pd.Series({"a": 10.0, "b": 20.0, "c": 30.0, "d": 40.0}),
        orders=ORDERS,
    )


def test_moves_add_up_to_everybody_and_their_money(moved):
    table = counts.transitions_table(moved)
    check("transitions", table.reset_index())
    assert table.groupby("scheme")["n_customers"].sum().tolist() == [4, 4, 4]
    assert table.groupby("scheme")["net_sales"].sum().tolist() == [100, 100, 100]
    grade = counts.select(table, "grade")
    assert counts.select(table.iloc[:0], "grade").empty
    assert grade.loc[("A", "B"), ["move", "n_customers", "net_sales"]].tolist() == ["fell", 1, 10]
    assert grade.loc[("B", "A"), ["move", "n_customers", "net_sales"]].tolist() == ["rose", 1, 30]
    assert grade.loc[("not_yet", "A"), ["move", "n_customers"]].tolist() == ["other", 1]


def test_expected_moves_are_the_mean_of_the_draws(moved):
    grade = counts.transitions_table(moved).loc["grade"]
    assert grade.loc[("A", "B"), "expected"] == 1.0  # one of two in each draw
    assert grade.loc[("B", "B"), ["n_customers", "expected"]].tolist() == [0, 1.0]
    assert grade.loc[("not_yet", "A"), "expected"] == 0


def test_without_draws_nothing_is_expected(moved):
    table = counts.transitions_table(replace(moved, drawn=[]))
    assert table["expected"].isna().all()
    assert table["n_customers"].groupby("scheme").sum().tolist() == [4, 4, 4]


def test_who_fell_stands_once_in_every_scheme_they_fell_in(moved):
    table = counts.downgrades_table(moved)
    check("downgrades", table.reset_index())
    assert table.index.tolist() == [("grade", "a"), ("rfm", "b"), ("life_cycle", "a")]
    assert table.loc[("grade", "a")].tolist() == ["A", "B", 10, "spend"]
    assert table["largest_drop"].notna().tolist() == [True, False, False]


def test_what_cost_the_most_points_is_named_for_who_is_in_both():
    then = pd.DataFrame({"spend": [30.0, 20, 5], "pay": [10.0, 10, None]}, ["a", "b", "c"])
    now = pd.DataFrame({"spend": [25.0, 20, 9], "pay": [2.0, 11, None]}, ["a", "b", "d"])
    assert counts.largest_drop(then, now).to_dict() == {"a": "pay"}


def test_few_customers_then_are_too_few_to_speak_of_moves(moved):
    (note,) = moved.notes
    assert (note.code, note.have) == ("moves_few_customers", 3)

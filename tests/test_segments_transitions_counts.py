"""Transitions between two days, by hand."""

from dataclasses import replace
from types import SimpleNamespace
from typing import ClassVar

import pandas as pd
import pytest

from cvm_analysis.segments.transitions import counts
from cvm_analysis.tables import check

ORDERS = {"grade": ["A", "B"], "rfm": ["best", "rest"], "life_cycle": ["mature", "lost"]}


def classes(**rows):
    return pd.DataFrame.from_dict(rows, orient="index", columns=["grade", "rfm", "life_cycle"])


@pytest.fixture
def transitions():
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
        largest_drop=pd.Series({"a": "spend"}),
        net_sales=pd.Series({"a": 10.0, "b": 20.0, "c": 30.0, "d": 40.0}),
        orders=ORDERS,
    )


def test_transitions_add_up_to_all_customers_and_their_net_sales(transitions):
    table = counts.transitions_table(transitions)
    check("transitions", table.reset_index())
    assert table.groupby("scheme")["n_customers"].sum().tolist() == [4, 4, 4]
    assert table.groupby("scheme")["net_sales"].sum().tolist() == [100, 100, 100]
    grade = counts.select(table, "grade")
    assert counts.select(table.iloc[:0], "grade").empty
    assert grade.loc[("A", "B"), ["move", "n_customers", "net_sales"]].tolist() == ["fell", 1, 10]
    assert grade.loc[("B", "A"), ["move", "n_customers", "net_sales"]].tolist() == ["rose", 1, 30]
    assert grade.loc[("not_yet", "A"), ["move", "n_customers"]].tolist() == ["other", 1]


def test_expected_moves_are_the_mean_of_the_draws(transitions):
    grade = counts.transitions_table(transitions).loc["grade"]
    assert grade.loc[("A", "B"), "expected"] == 1.0  # one of two in each draw
    assert grade.loc[("B", "B"), ["n_customers", "expected"]].tolist() == [0, 1.0]
    assert grade.loc[("not_yet", "A"), "expected"] == 0


def test_without_draws_nothing_is_expected(transitions):
    table = counts.transitions_table(replace(transitions, drawn=[]))
    assert table["expected"].isna().all()
    assert table["n_customers"].groupby("scheme").sum().tolist() == [4, 4, 4]


def test_a_downgraded_customer_has_one_row_per_scheme(transitions):
    table = counts.downgrades_table(transitions)
    check("downgrades", table.reset_index())
    assert table.index.tolist() == [("grade", "a"), ("rfm", "b"), ("life_cycle", "a")]
    assert table.loc[("grade", "a")].tolist() == ["A", "B", 10, "spend"]
    assert table["largest_drop"].notna().tolist() == [True, False, False]


def test_the_largest_drop_is_of_customers_in_both():
    then = pd.DataFrame({"spend": [30.0, 20, 5], "pay": [10.0, 10, None]}, ["a", "b", "c"])
    now = pd.DataFrame({"spend": [25.0, 20, 9], "pay": [2.0, 11, None]}, ["a", "b", "d"])
    assert counts.largest_drop(then, now).to_dict() == {"a": "pay"}


def test_few_customers_on_the_earlier_day_are_noted(transitions):
    (note,) = transitions.notes
    assert (note.code, note.have) == ("moves_few_customers", 3)


class Rules:
    """Stands in for classification rules: A from a spend of 50, the only part of the grade."""

    cards: ClassVar = {"retail": (SimpleNamespace(grades=["A", "B"]), {})}
    naming = SimpleNamespace(rules=SimpleNamespace(segments=["best", "rest"]))

    def classes(self, measures):
        grade = measures["spend"].ge(50).map({True: "A", False: "B"})
        return pd.DataFrame({"grade": grade, "rfm": "best", "life_cycle": "mature"})

    def parts(self, measures):
        return measures[["spend"]]


def test_both_days_and_all_draws_are_classed_by_the_same_rules():
    before, after = (pd.DataFrame({"spend": each}, list("ab")) for each in ([60, 10], [40, 70]))
    net_sales = pd.Series([1.0, 2.0], list("ab"))
    found = counts.compare(Rules(), before, after, [before, after], net_sales)
    assert found.before["grade"].tolist() == ["A", "B"]
    assert found.after["grade"].tolist() == ["B", "A"]
    assert [each["grade"].tolist() for each in found.drawn] == [["A", "B"], ["B", "A"]]
    assert found.largest_drop.to_dict() == {"a": "spend"}
    assert found.matrix("grade").set_index(["before", "after"]).loc[("A", "B"), "net_sales"] == 1
    by_later = found.after.assign(grade=["B", "B"])
    effect = found.threshold_effect(by_later, "grade")
    assert effect[["before", "after", "n_customers"]].to_numpy().tolist() == [["A", "B", 1]]


def test_customers_are_measured_as_if_each_draw_had_followed(monkeypatch):
    class Records:
        def __init__(self, spend):
            self.spend = spend

        def with_copied_days(self, draws, before):
            return (Records(self.spend + copies) for copies in draws)

        def measures(self, day):
            return pd.DataFrame({"spend": [self.spend], "day": [day]})

        def in_period(self, day, days):
            return pd.DataFrame({"period_orders": [days], "period_sales": [self.spend]})

    index = lambda people, cards: people.assign(loyalty_index=cards)  # noqa: E731
    monkeypatch.setattr(counts.class_table.loyalty, "add_index", index)
    drawn = counts.remeasure(Records(1), [10, 20], "then", "now", 365, "cards")
    rows = [each.iloc[0].tolist() for each in drawn]
    assert rows == [[n, "now", 365, n, "cards"] for n in (11, 21)]


def test_grades_stay_in_the_order_of_the_scorecard_even_if_nobody_had_the_best():
    """Nobody was Gold; by the alphabet, or by first appearance, Gold would not come first."""
    order = ["Gold", "Silver", "Bronze"]
    before = pd.DataFrame({"grade": ["Silver", "Bronze", "Bronze"]}, list("abc"))
    after = pd.DataFrame({"grade": ["Gold", "Silver", "not_graded"]}, list("abc"))
    columns = {"rfm": "loyal", "life_cycle": "mature"}
    found = counts.Transitions(
        before.assign(**columns), after.assign(**columns), [], pd.Series(dtype=object),
        pd.Series(1.0, list("abc")),
        {"grade": order, "rfm": ["loyal"], "life_cycle": ["mature"]},
    )  # fmt: skip
    table = counts.transitions_table(found)
    for written in (table, table.sort_index()):
        rows = counts.select(written, "grade", order).reset_index()
        assert list(dict.fromkeys([*rows["before"], *rows["after"]])) == [*order, "not_graded"]
    assert rows["n_customers"].sum() == 3

"""Who moved, as a reader finds it."""

import numpy as np
import pandas as pd

from cvm_analysis.report import transitions as transitions_tables
from cvm_analysis.report.writer import Writer
from cvm_analysis.segments.transitions import transition_matrix

EN = Writer("en", "CNY")


def moves(expected=(280.0, 120.0, 0.0, 0.0)):
    rows = [("A", "A", "stayed", 250), ("A", "B", "fell", 150), ("B", "A", "rose", 90),
            ("not_yet", "B", "other", 30)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["before", "after", "move", "n_customers"])
    return table.assign(expected=expected).set_index(["before", "after"])


def falls(**of):
    return transition_matrix.compare_downgrades(moves(**of).reset_index())


def test_moves_are_said_beside_those_of_chance():
    said = transitions_tables.summary(EN, moves()).html
    assert "Downgraded: 150. Upgraded: 90." in said
    assert "about 120 downgrades and 0 upgrades" in said
    alone = transitions_tables.summary(EN, moves(expected=np.nan)).html
    assert "Downgraded: 150. Upgraded: 90." in alone and "is unknown" in alone


def test_the_range_of_chance_is_that_of_a_share_of_so_many():
    html = transitions_tables.downgrade_rates(EN, falls(), "grade").html
    low, high = (0.3 + sign * 1.96 * np.sqrt(0.3 * 0.7 / 400) for sign in (-1, 1))
    assert "38%" in html and f"{low:.0%} to {high:.0%}" in html
    assert (
        " to " not in transitions_tables.downgrade_rates(EN, falls(expected=np.nan), "grade").html
    )


def test_who_fell_is_named_with_the_reason():
    index = pd.MultiIndex.from_tuples(
        [("grade", "C1"), ("grade", "C2"), ("rfm", "C1")], names=["scheme", "customer_id"]
    )
    fallen = pd.DataFrame(
        {"before": ["A", "A", "loyal"], "after": ["B", "C", "lost"], "net_sales": [5.0, 9.0, 5.0],
         "largest_drop": ["spend", "margin", None]}, index,
    )  # fmt: skip
    people = pd.DataFrame(
        {
            "net_sales_365d": [1.0, 2.0],
            "net_sales_change_365d": [-4.0, -7.0],
            "days_since_last": [90, 80],
        },
        index=["C1", "C2"],
    )
    html = transitions_tables.downgrades(EN, fallen, people, "grade", 1).html
    assert "C2" in html and "Margin" in html and "-\u2060¥7" in html and "C1" not in html
    assert "Lost" in transitions_tables.downgrades(EN, fallen, people, "rfm", 5).html
    assert (
        "No customer was downgraded"
        in transitions_tables.downgrades(EN, fallen, people, "life_cycle", 5).html
    )


def test_moved_limits_are_counted():
    table = pd.DataFrame({"n_customers": [3, 2]})
    assert "5 customers (2.5%)" in transitions_tables.threshold_effect(EN, table, 200).html


def test_conversions_stand_beside_chance():
    upgrades = pd.DataFrame(
        {"customer_type": ["retail"], "before": ["mid"], "n_customers": [40], "n_rose": [12.0]}
    ).assign(n_expected=7.5, rose=0.3, low=0.1, high=0.25)
    html = transitions_tables.conversions(EN, upgrades, "frequency").html
    for text in ("Retail customers", "Mid", "40", "12", "7.5", "30%", "10% to 25%"):
        assert text in html
    nobody = transitions_tables.conversions(EN, upgrades.iloc[:0], "frequency").html
    assert "Too few customers" in nobody


def test_where_nobody_fell_the_sentence_says_zero():
    said = transitions_tables.summary(EN, moves().drop(index=("A", "B"))).html
    assert "Downgraded: 0. Upgraded: 90." in said


def test_an_account_whose_sales_rose_does_not_lead_the_list_of_falls():
    index = pd.MultiIndex.from_product([["grade"], ["C1", "C2", "C3"]])
    fallen = pd.DataFrame(
        {"before": "A", "after": "B", "net_sales": [9.0, 5.0, 1.0], "largest_drop": "spend"},
        index.set_names(["scheme", "customer_id"]),
    )
    people = pd.DataFrame(
        {
            "net_sales_365d": 1.0,
            "net_sales_change_365d": [50.0, -4.0, -7.0],
            "days_since_last": 90,
        },
        index=["C1", "C2", "C3"],
    )
    html = transitions_tables.downgrades(EN, fallen, people, "grade", 3).html
    assert html.index("C3") < html.index("C2") < html.index("C1")

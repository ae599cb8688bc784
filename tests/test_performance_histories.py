"""Who bought, stayed and came, by hand; feedback of each year, where it was recorded."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.performance import decomposition, figures, histories, periods, totals

AS_OF = dt.date(2025, 12, 31)
NONE = pd.DataFrame(columns=["customer_id", "at", "kind", "score"])


def years(n):
    return periods.years(AS_OF, dt.date(2026 - n, 1, 1))


def orders(**bought):
    """Sums of customers who bought once in each of the years named (0 is the last one)."""
    rows = [(name, year, 1, 10.0) for name, each in bought.items() for year in each]
    return pd.DataFrame(rows, columns=["customer_id", "period", "n_orders", "net_sales"])


def test_a_year_consists_of_who_stayed_and_who_came():
    sums = orders(stayed=(0, 1), came=(0,), left=(1, 2), back=(0, 2), old=(1, 2))
    found = histories.join(sums, years(3), NONE)
    assert found["bought"].sum().tolist() == [3, 3, 3]
    assert found["kept"].sum().tolist()[:2] == [1, 2] and found["kept"][2].isna().all()
    assert found["bought_before"].sum().tolist()[:2] == [3, 3]
    assert found["is_new"][0].to_dict() == dict(back=1, came=1, left=0, old=0, stayed=0)
    assert found["is_new"][1].to_dict() == dict(back=0, came=0, left=0, old=0, stayed=1)
    assert found["is_new"][2].isna().all()
    assert found["net_sales"].loc["back"].tolist() == [10, 0, 10]


@pytest.mark.parametrize(("n", "look_back"), [(2, 1), (3, 1), (4, 1), (5, 2)])
def test_a_customer_is_new_by_as_many_years_before_in_each_year(n, look_back):
    """Who bought every third year is new in each by two years, in none by three."""
    every = {f"gap{gap}": tuple(range(0, n, gap)) for gap in (1, 2, 3)}
    is_new = histories.join(orders(**every), years(n), NONE)["is_new"]
    known = [year for year in range(n) if is_new[year].notna().all()]
    assert known == list(range(n - look_back))
    assert (is_new.loc["gap1", known] == 0).all()
    assert is_new.loc["gap2", 0] == (look_back < 2)
    assert is_new.loc["gap3", 0] == 1


def feedback(rows):
    return pd.DataFrame(rows, columns=["customer_id", "at", "kind", "score"])


def test_complaints_and_answers_count_in_the_year_they_were_given():
    given = feedback(
        [("a", "2024-01-05", "complaint", np.nan), ("a", "2025-01-01", "complaint", np.nan),
         ("b", "2025-12-31", "complaint", np.nan), ("b", "2025-03-01", "nps", 9),
         ("b", "2025-06-01", "nps", 7), ("a", "2025-06-01", "nps", 6),
         ("a", "2024-12-31", "nps", 10), ("a", "2025-06-02", "csat", 5),
         ("a", "2025-06-03", "nps", np.nan)]
    )  # fmt: skip
    found = histories.join(orders(a=(0, 1), b=(0, 1)), years(2), given)
    assert found["n_complaints"].to_numpy().tolist() == [[1, 1], [1, 0]]
    assert found["n_answers"].to_numpy().tolist() == [[1, 1], [2, 0]]
    assert found["nps_balance"].to_numpy().tolist() == [[-1, 1], [1, 0]]


def test_a_customer_who_only_complained_counts():
    given = feedback([("c", "2025-06-01", "complaint", np.nan)])
    found = histories.join(orders(a=(0,)), years(1), given)
    assert found["n_complaints"][0].to_dict() == {"a": 0, "c": 1}
    assert found.loc["c", ("bought", 0)] == 0


def test_years_before_complaints_were_recorded_are_empty():
    """From July 2024, one a day: none in 2024's first half was not for lack of any."""
    days = pd.date_range("2024-07-01", "2025-12-31")
    given = feedback([("a", day, "complaint", np.nan) for day in days])
    found = histories.join(orders(a=(0, 1)), years(2), given)["n_complaints"]
    assert found.loc["a", 0] == 365 and np.isnan(found.loc["a", 1])


def test_a_year_that_began_with_few_complaints_counts():
    """Four in two years: that none came until August 2024 can be chance."""
    days = ["2024-08-01", "2025-02-01", "2025-05-01", "2025-11-01"]
    given = feedback([("a", day, "complaint", np.nan) for day in days])
    found = histories.join(orders(a=(0, 1)), years(2), given)["n_complaints"]
    assert found.loc["a"].tolist() == [3, 1]


def test_without_feedback_or_a_whole_year_there_is_none():
    assert "n_complaints" not in histories.join(orders(a=(0,)), years(1), NONE)
    assert histories.join(orders(), years(0), NONE).empty


def test_a_region_that_sold_nothing_in_these_years_has_no_rows():
    sums = pd.DataFrame(columns=["customer_id", "period", "net_sales", "n_orders"])
    feedback = pd.DataFrame({"customer_id": ["a"], "at": ["2025-03-01"], "kind": ["complaint"]})
    found = histories.join(sums, years(3), feedback)
    assert found.empty and totals.draw(found, pd.Series({"a": "retail"})) == {}
    assert figures.compare({}).empty and decomposition.decompose({}).empty

"""Rankings of the list: what was lost, what each list held of it, and which one is chosen."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.churn import list_rankings, watchlist
from cvm_analysis.churn.learning import Snapshot
from cvm_analysis.churn.list_rankings import BEST, ListRules

DAY = dt.date(2025, 6, 30)
RULES = ListRules(win_back_days=180, horizon_days=73, horizon_weeks=52, margin_share=0.5)


def compared():
    """Forty customers due today, one too silent; the list has two places (3 % of 41)."""
    ids = [f"c{i:02}" for i in range(41)]
    customers = pd.DataFrame(
        {"days_since_last": [20.0] * 40 + [180.0], "contact_on": pd.Timestamp(DAY)}, index=ids
    )
    value = pd.Series([500.0, 400, 300, *[10.0] * 37, 9e9], ids)
    yearly = watchlist.YearlyMargin(value, value)
    stake = pd.Series([0.0, 0, 50, 60, *[1.0] * 37], ids)
    risk = pd.Series([0.1, 0.9, 0.9, *[0.5] * 38], ids)
    inactive = pd.Series([0, 1, 1, *[1] * 38], ids)
    scores = list_rankings.score(stake, risk, yearly, 73)
    return list_rankings.compare(customers, scores, inactive, yearly, DAY, RULES)


def test_margin_lost_is_a_fifth_of_a_year_of_those_within_the_limit_who_stayed_away():
    trial = compared()
    assert trial.lost["c00"] == 0 and trial.lost["c01"] == 400 / 5
    assert len(trial.lost) == 40 and "c40" not in trial.lost.index


def test_each_ranking_lists_its_first_and_the_best_list_knows_what_came():
    listed = compared().listed
    found = {name: sorted(listed.index[listed[name]]) for name in listed}
    assert found == {
        "last_year": ["c00", "c01"],
        "margin_at_stake": ["c02", "c03"],
        "expected_loss": ["c01", "c02"],
        BEST: ["c01", "c02"],
    }


def test_lists_are_measured_in_customers_and_in_margin():
    found = list_rankings.measure(compared())
    lost = (400 + 300 + 37 * 10) / 5
    assert found["lost"].tolist() == pytest.approx([lost] * 4)
    assert found.loc["last_year", ["listed", "listed_inactive"]].tolist() == [2, 1]
    assert found["listed_lost"].tolist() == pytest.approx([80, 62, 140, 140])
    assert found["customers"].eq(40).all() and found["inactive"].eq(39).all()


def test_customers_of_equal_value_are_a_twentieth_of_the_customers():
    """Groups of two by value: the first two by value are one who came and one who did not."""
    trial = compared()
    distinct = trial._replace(value=pd.Series(np.arange(40.0)[::-1], trial.value.index))
    found = list_rankings.measure(distinct)["inactive_of_equal_value"]
    assert found["last_year"] == 1.0 and found["margin_at_stake"] == 2.0


def test_the_naive_ranking_stays_unless_another_is_clearly_better():
    better = compared()
    many = [better._replace(listed=better.listed.rename(index=lambda i, k=k: f"{k}{i}"),
                            lost=better.lost.rename(index=lambda i, k=k: f"{k}{i}"))
            for k in range(30)]  # fmt: skip
    assert list_rankings.choose(many) == ("expected_loss", [])
    assert list_rankings.choose(many[:4])[0] == "last_year"  # better, within noise
    alike = [each._replace(lost=each.lost * 0) for each in many]
    assert list_rankings.choose(alike) == ("last_year", [])


def test_too_few_landmarks_leave_the_naive_ranking_and_a_note():
    ranking, (note,) = list_rankings.choose([compared()] * 3)
    assert ranking == "last_year" and (note.code, note.have) == ("list_ranking_not_compared", 3)


def test_the_last_landmark_does_not_choose():
    """All landmarks but the last are alike; the last alone would choose another ranking."""
    better = compared()
    alike = better._replace(lost=better.lost * 0)
    assert list_rankings.choose([*[alike] * 4, better]) == ("last_year", [])


def test_landmarks_end_a_horizon_ago_and_earlier_ones_were_over_by_then():
    customers = pd.DataFrame(index=["a"])
    days = [DAY - dt.timedelta(days=back) for back in (400, 300, 200, 180, 90, 0)]
    known = [Snapshot(day, customers) for day in days]
    used = list_rankings.landmarks_to_compare(known, DAY, 90, most=3)
    assert [(DAY - each.day).days for each in used] == [200 + 0, 180, 90]
    assert list_rankings.landmarks_to_compare(known, DAY, 100) == []


def test_the_table_of_backtests_gives_the_measures_back():
    trial = compared()
    rows = list_rankings.backtest_rows([trial], "expected_loss", 73)
    assert (rows["part"] == "watchlist").all()
    table = rows.set_index(["part", "horizon_days", "model", "metric"]).sort_index()
    found = list_rankings.from_backtest(table)
    assert found.index.tolist() == [*list_rankings.RANKINGS, BEST]
    assert found.index[found["is_chosen"]].tolist() == ["expected_loss"]
    measured = list_rankings.measure(trial)
    pd.testing.assert_frame_equal(
        found[list(measured)], measured, check_dtype=False, check_names=False
    )
    assert list_rankings.from_backtest(table.rename({"watchlist": "churn"})).empty
    assert list_rankings.backtest_rows([], "last_year", 73).empty


def people(n=60):
    """Customers who bought every 10 days, silent for 0 to 59 days."""
    ids = [f"p{i:02}" for i in range(n)]
    silent = np.arange(n)
    return pd.DataFrame(
        {
            "customer_type": "retail", "x": 9.0, "gap_median_days": 10.0, "gap_last_days": 10.0,
            "last_order": [pd.Timestamp(DAY) - pd.Timedelta(days=int(d)) for d in silent],
            "days_since_last": silent, "net_sales_365d": 100.0, "net_sales_change_365d": 50.0,
        },
        index=pd.Index(ids, name="customer_id"),
    )  # fmt: skip


def worth(customers):
    return pd.DataFrame(
        {"p_alive": 0.5, "expected_orders": 3.0, "expected_margin": 10.0, "margin_at_stake": 7.0},
        index=customers.index,
    )


def test_a_past_list_is_drawn_up_and_compared_with_what_came():
    customers = people()
    risk = pd.DataFrame({"p_no_purchase_73d": np.linspace(0, 1, 60)}, customers.index)
    year = pd.DataFrame({"net_sales": 200.0}, customers.index)
    came = pd.DataFrame({"customer_id": ["p59"], "day": [DAY + dt.timedelta(days=73)]})
    known = Snapshot(DAY, customers, risk)
    (trial,) = list_rankings.backtest([known], [worth(customers)], [year], came, RULES)
    assert trial.inactive.sum() == 59 and trial.inactive["p59"] == 0
    assert trial.lost["p00"] == pytest.approx(200 * 0.5 / 5)
    assert sorted(trial.listed.index[trial.listed["expected_loss"]]) == ["p58", "p59"]


def test_a_landmark_without_a_purchase_model_compares_what_it_can():
    customers = people()
    year = pd.DataFrame({"net_sales": 200.0}, customers.index)
    came = pd.DataFrame({"customer_id": ["p00"], "day": [DAY + dt.timedelta(days=5)]})
    nothing = worth(customers).head(0)
    (trial,) = list_rankings.backtest([Snapshot(DAY, customers)], [nothing], [year], came, RULES)
    assert trial.listed["last_year"].sum() == 2
    assert not trial.listed[["margin_at_stake", "expected_loss"]].any(axis=None)


def test_today_only_candidates_have_a_priority():
    customers = people()
    churn = pd.DataFrame({"churn_risk": 0.5}, customers.index)
    stake = worth(customers)["margin_at_stake"]
    year = pd.DataFrame({"net_sales": 200.0}, customers.index)
    rules = RULES._replace(win_back_days=40)
    found = list_rankings.add_list(churn, customers, stake, year, "expected_loss", DAY, rules)
    assert found["list_priority"].notna().tolist() == [i < 40 for i in range(60)]
    assert found["list_priority"].dropna().tolist() == pytest.approx([0.5 * 100 / 5] * 40)
    assert found["sales_change"].eq(1.0).all() and found["margin_at_stake"].eq(7).all()
    assert found.loc["p00", "next_order_on"] == pd.Timestamp(DAY) + pd.Timedelta(days=10)


def test_a_handful_of_customers_keeps_the_naive_ranking_and_says_why():
    nobody = pd.Series(dtype=float)
    empty = pd.DataFrame(columns=[*list_rankings.RANKINGS, BEST], dtype=bool)
    trials = [list_rankings.ListTrial(DAY, nobody, nobody, nobody, empty)] * 5
    chosen, notes = list_rankings.choose(trials)
    assert chosen == list_rankings.RANKINGS[0]
    assert [(note.code, note.have) for note in notes] == [("list_ranking_not_compared", 0.0)]

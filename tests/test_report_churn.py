"""Who is leaving, as a reader finds it: the list, how good it was, what goes with it."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.churn import cohorts
from cvm_analysis.churn.list_rankings import BEST, RANKINGS
from cvm_analysis.report import churn as churn_tables
from cvm_analysis.report.writer import Writer
from cvm_analysis.survival import logrank
from cvm_analysis.texts import languages, words

EN = Writer(words("en", horizon_weeks=52), "EUR")
DAY = dt.date(2025, 12, 31)


def listed(ids=("C1", "C2")):
    return pd.DataFrame(
        {
            "rank": [1, 2],
            "margin_at_stake": [1200.0, 30.0],
            "churn_risk": [0.4, 0.75],
            "contact_on": pd.to_datetime(["2025-12-31", "2026-01-14"]),
            "next_order_on": pd.to_datetime(["2025-11-30", "2026-02-01"]),
            "sales_change": [-0.25, np.nan],
            "reason_1": ["silence_gaps", None],
            "reason_1_value": [3.2, np.nan],
            "reason_2": ["complaint_days", None],
            "reason_2_value": [40.0, np.nan],
        },
        index=pd.Index(ids, name="customer_id"),
    )


def text(block):
    """Its text, without the joiners that keep a minus with its figure."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", block.html)).replace("\u2060", "")


def test_the_list_says_what_is_at_risk_why_and_by_when():
    said = text(churn_tables.watchlist(EN, listed(), DAY))
    reasons = "3.2 usual intervals without an order, complaint open for 40 days"
    assert (
        f"C1 €1,200 {reasons} 40% now Nov 30, 2025 -25% C2 €30 – 75% Jan 14, 2026 Feb 1, 2026 –"
        in said
    )
    assert "Action" not in said


def test_the_action_is_shown_where_it_is_known():
    more = listed().assign(action=["reminder", None])
    said = text(churn_tables.watchlist(EN, more, DAY))
    assert "days. Action: reminder." in said
    assert said.count("Action:") == 1


@pytest.mark.parametrize("language", languages())
def test_names_are_text_and_no_code_is_shown(language):
    writer = Writer(words(language, horizon_weeks=52), "EUR")
    html = churn_tables.watchlist(writer, listed(["<b>C1</b>", "C2"]), DAY).html
    assert "&lt;b&gt;C1&lt;/b&gt;" in html and "<b>C1" not in html
    assert "silence_gaps" not in html and "€1,200" in html


def test_an_empty_list_says_so():
    assert "no" in text(churn_tables.watchlist(EN, listed().head(0), DAY)).lower()


def past_lists(chosen):
    """A list of 50, 42 % of whom stayed away, against 30 % of customers of equal value."""
    names = [*RANKINGS, BEST]
    table = pd.DataFrame(
        {
            "listed": 50.0, "listed_inactive": [10.0, 15, 21, 50], "lost": 1e6,
            "inactive_of_equal_value": 15.0, "listed_lost": [2e5, 1e5, 3e5, 6e5],
        },
        index=pd.Index(names, name="model"),
    )  # fmt: skip
    return table.assign(is_chosen=[name == chosen for name in names])


def test_a_past_list_is_compared_with_customers_of_equal_value_and_the_best():
    said = text(churn_tables.list_precision(EN, past_lists("expected_loss"), 91))
    assert "ranked by this figure: Churn risk × yearly margin." in said
    assert "3 months earlier, the same rules would have listed 50 customers" in said
    assert "21 (42%) placed no order in the next 3 months" in said
    assert "of equal value it would have been 30%" in said
    assert "held 30% of the margin then lost" in said and "would have held 60%" in said
    naive = text(churn_tables.list_precision(EN, past_lists("last_year"), 91))
    assert "ranked by last year" in naive and "held 20%" in naive


def test_a_list_that_could_not_be_tested_says_so():
    none = "too short to test such a list"
    assert none in text(churn_tables.list_precision(EN, pd.DataFrame(), 91))
    empty = past_lists("last_year").assign(listed=0.0)
    assert none in text(churn_tables.list_precision(EN, empty, 91))
    assert none in text(churn_tables.list_rankings(EN, pd.DataFrame()))


@pytest.mark.parametrize("language", languages())
def test_rankings_are_compared_in_a_table(language):
    html = churn_tables.list_rankings(Writer(language, "EUR"), past_lists("last_year")).html
    assert all(figure in html for figure in ("20.0%", "10.0%", "30.0%", "60.0%"))
    assert not any(name in html for name in ("expected_loss", "best_possible"))


def test_overdue_accounts_are_shown_by_type():
    counts = pd.DataFrame(
        {"n_customers": [40, 5], "overdue": [10, 1], "overdue_share": [0.25, 0.2],
         "net_sales_365d": [1000.0, 9000], "sales_change": [0.1, np.nan]}, ["retail", "dealer"],
    )  # fmt: skip
    said = text(churn_tables.by_type(EN, counts))
    assert "Retail customers 40 10 25% €1,000 10% Dealers 5 1 20% €9,000 –" in said


def hazards(of="buyers", **mean_over):
    rows = {"rate": (1.4, 1.2, 1.6), "silence_gaps": (0.6, 0.5, 0.7), "nps": (1.0, 0.9, 1.1)}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["hazard_ratio", "low", "high"])
    table = table.rename_axis("feature").reset_index()
    table["mean_over"] = table["feature"].map(mean_over)
    return table.assign(event=of, position=table.index).set_index(["event", "position"])


def test_what_the_data_tell_is_said_and_the_rest_is_named():
    said = text(churn_tables.hazard_ratios(EN, hazards(), "buyers"))
    assert "Twice as many purchase days a year: 40% more likely to return" in said
    assert "Twice as long without an order: 40% less likely to return in any week" in said
    assert "(95% interval: 30% to 50%)" in said
    assert "No clear effect: Likelihood to recommend." in said
    assert "an average" not in said and "Each line compares two customers" in said


def test_a_feature_without_a_ratio_is_named():
    table = hazards()
    row = table.iloc[[2]].assign(feature="rate_trend", hazard_ratio=np.nan, low=np.nan, high=np.nan)
    said = text(churn_tables.hazard_ratios(EN, pd.concat([table, row]), "buyers"))
    assert "customers hardly differ in: Recent purchase rate" in said
    assert "No clear effect: Likelihood to recommend." in said


def test_a_ratio_that_is_a_mean_says_of_what():
    table = hazards(silence_gaps="values", rate="time", nps="time")
    said = text(churn_tables.hazard_ratios(EN, table, "buyers"))
    assert "range; the figure is an average: Inactivity, in usual intervals." in said
    assert "over time; the figure is an average: Purchase days per year." in said


def test_ratios_of_contracts_and_of_no_model():
    ends = hazards("contracts").assign(feature=["late_installation", "a", "b"])
    said = text(churn_tables.hazard_ratios(EN, ends, "contracts"))
    assert "Floor installed late: 40% more likely to end in any week" in said
    assert "Each line compares two contracts" in said
    assert "No model could be fitted" in text(churn_tables.hazard_ratios(EN, ends, "buyers"))
    unclear = text(churn_tables.hazard_ratios(EN, hazards().tail(1), "buyers"))
    assert "No clear effect: Likelihood to recommend" in unclear and "hazard ratio" not in unclear


def test_tenths_say_how_much_of_all_silence_each_holds():
    table = pd.DataFrame(
        {"bin": [1, 2], "n": [100, 100], "predicted": [0.22, 0.7], "actual": [0.2, 0.6]}
    )
    said = text(churn_tables.calibration(EN, table))
    assert "2 100 70% 60% 1.50 75% 1 100 22% 20% 0.50 100%" in said
    assert "untested" in text(churn_tables.calibration(EN, pd.DataFrame()))
    assert "–" in text(churn_tables.calibration(EN, table.assign(actual=0.0)))


def test_a_change_is_said_with_its_parts():
    groups = pd.DataFrame(
        {"n_before": [10, 10], "inactive_before": [0.2, np.nan], "n_now": [30, 10],
         "inactive_now": [0.256, 0.1], "change": [0.056, np.nan]}, index=["web", "shop"],
    )  # fmt: skip
    said = text(churn_tables.change(EN, cohorts.Change(groups, 0.2, 0.21, -0.04, 0.05), 180))
    assert "20.0% placed no order in the next 180 days" in said
    assert "21.0% in the second: +1.0 points" in said
    assert "within groups account for -4.0 points" in said and "between groups for +5.0" in said
    assert "web 30 20.0% 25.6% 5.6 shop 10 – 10.0% –" in said


def trusted(part, horizons, metrics):
    """Rows of table trust: a chosen model and a rival that is a little worse."""
    rows = [
        (part, days, model, metric, value - worse, model == "cox")
        for days in horizons
        for model, worse in (("recency", 0.1), ("cox", 0.0))
        for metric, value in metrics.items()
    ]
    names = ["part", "horizon_days", "model", "metric", "value", "is_chosen"]
    return pd.DataFrame(rows, columns=names).set_index(names[:4])


def test_trust_is_shown_by_days_ahead_the_chosen_forecast_first():
    trust = trusted("churn", (90, 180), {"auc": 0.84, "brier": 0.14})
    html = churn_tables.backtest(EN, trust).html
    places = [html.index(f"{days} days: {m}") for days in (90, 180) for m in ("Cox", "Recency")]
    assert places == sorted(places) and html.count("✓") == 2
    assert "0.840" in html and "0.740" in html
    alone = churn_tables.backtest(EN, trust, ("boosted",)).html
    assert "Recency" not in alone and alone.count("Cox") == 2
    assert "untested" in churn_tables.backtest(EN, trusted("value", (90,), {"mae": 1.0})).html


def test_how_long_customers_stay_stands_beside_its_range_and_the_test():
    means = pd.DataFrame(
        {
            "segment": ["store", "web"], "n": [40, 30], "events": [10, 5], "until": [730.0] * 2,
            "mean": [500.0, np.nan], "std_error": [10.0, np.nan], "low": [480.0, np.nan],
            "high": [520.0, np.nan],
        }
    )  # fmt: skip
    html = churn_tables.restricted_mean(EN, means, logrank.LogRank(9.0, 1, 0.003)).html
    assert "480 to 520" in html and "differ by more than chance" in html and "p = 0.003" in html
    assert (
        "p &lt; 0.001"
        in churn_tables.restricted_mean(EN, means, logrank.LogRank(90.0, 1, 2e-21)).html
    )
    html = churn_tables.restricted_mean(EN, means, logrank.LogRank(0.1, 1, 0.75)).html
    assert "do not differ by more than chance" in html
    assert (
        "No lapse threshold"
        in churn_tables.restricted_mean(EN, means.head(0), logrank.LogRank(0, 0, 1)).html
    )


def test_what_cannot_be_compared_is_not_said_to_be_alike():
    means = pd.DataFrame(
        {
            "segment": ["all"], "n": [4], "events": [1], "until": [730.0], "mean": [500.0],
            "std_error": [10.0], "low": [480.0], "high": [520.0],
        }
    )  # fmt: skip
    said = text(churn_tables.restricted_mean(EN, means, logrank.LogRank(np.nan, 0, np.nan)))
    assert "no two groups to compare" in said and "chance" not in said
    nobody = cohorts.Change(pd.DataFrame(), np.nan, 0.5, np.nan, np.nan)
    assert "too short to compare" in text(churn_tables.change(EN, nobody, 180))

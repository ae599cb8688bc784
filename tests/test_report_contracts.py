"""When contracts end, as a reader finds it: how many, which first, why, and how well foretold."""

import numpy as np
import pandas as pd
from test_report_churn import DAY, EN, text, trusted

from cvm_analysis.report import contracts as contracts_tables


def p_end():
    return pd.DataFrame(
        {
            "p_end_90d": [0.1, 0.5, 0.4],
            "p_end_180d": [0.2, 0.6, 0.7],
            "p_end_365d": [0.4, 0.9, None],
        },
        index=["C1", "C2", "C3"],
    )


def test_contracts_that_will_end_are_the_sum_of_probabilities():
    many = pd.concat([p_end()] * 10, ignore_index=True)
    said = text(contracts_tables.expected_ends(EN, many))
    of_30, of_20 = "of 30 customers", "of 20 customers"
    for figure in (f"90 days 10 {of_30}", f"180 days 15 {of_30}", f"365 days 13 {of_20}"):
        assert figure in said
    assert "no running contracts" in text(contracts_tables.expected_ends(EN, p_end().head(0)))
    unknown = text(contracts_tables.expected_ends(EN, p_end() * np.nan))
    assert "–" in unknown and "of 0" in unknown


def test_the_headline_counts_those_under_contract_and_those_who_should_leave():
    said = text(contracts_tables.headline(EN, p_end()))
    assert (
        "3 customers" in said and "Of the 2 with a forecast, 1 are" in said and "12 months" in said
    )
    unknown = text(contracts_tables.headline(EN, p_end() * np.nan))
    assert "3 customers" in unknown and "cannot be forecast" in unknown
    assert contracts_tables.figures(p_end()) == {"n_under_contract": 3, "expected_ends": 1.3}
    assert np.isnan(contracts_tables.figures(p_end() * np.nan)["expected_ends"])


def test_the_likeliest_to_end_come_first():
    said = text(contracts_tables.next_to_end(EN, p_end(), 2))
    assert said.index("C2") < said.index("C3") and "C1" not in said and "–" in said
    assert "no running contracts" in text(contracts_tables.next_to_end(EN, p_end().head(0), 2))


def test_contracts_that_were_foretold_are_scored_or_said_to_be_untested():
    metrics = {"n_contracts": 400.0, "n_ended": 60.0, "mean_auc": 0.66, "integrated_brier": 0.11}
    html = contracts_tables.backtest(EN, trusted("contracts", (365,), metrics)).html
    assert "0.660" in html and "0.110" in html and "400" in html
    assert "untested" in contracts_tables.backtest(EN, trusted("churn", (90,), metrics)).html


def test_time_ratios_are_named_by_their_feature():
    times = pd.DataFrame({"time_ratio": [0.7], "low": [0.6], "high": [0.8]}, index=["late_share"])
    html = contracts_tables.time_ratios(EN, times).html
    assert "0.70" in html and "0.60" in html and "0.80" in html and "Duration ratio" in html
    assert "No model could be fitted" in contracts_tables.time_ratios(EN, times.head(0)).html


def test_what_sets_contracts_apart_is_said_with_its_adjusted_p():
    table = pd.DataFrame(
        {
            "feature": ["late_share", "nps", "grade"], "chisq": [22.04, 3.1, np.nan],
            "df": [1, 2, 0], "p": [2.7e-6, 0.21, np.nan], "p_adjusted": [8e-6, 0.424, np.nan],
        }
    )  # fmt: skip
    said = text(contracts_tables.feature_tests(EN, table))
    assert "Share delivered late 22.0 p &lt; 0.001 Likelihood to recommend 3.1 p = 0.424" in said
    assert "Grade – –" in said
    assert "no two groups" in text(contracts_tables.feature_tests(EN, table.head(0)))


def due_table():
    return p_end().assign(
        due_on=pd.to_datetime(["2026-03-31", "2026-04-02", None]),
        p_renewal=[0.5, 0.9, np.nan],
        monthly_value=[10.0, 20.0, np.nan],
        renewal_value=[120.0, 240.0, np.nan],
        expected_revenue=[100.0, 200.0, np.nan],
    )


def test_contracts_due_within_90_days_have_their_money():
    """From 31 December 2025 on, 31 March is the ninetieth day."""
    said = text(contracts_tables.due_soon(EN, due_table(), DAY))
    assert "within 90 days 1 of 3 customers" in said
    assert "€10 " in said and "€120 " in said and "€60 " in said
    unknown = contracts_tables.due_soon(EN, due_table().assign(monthly_value=np.nan), DAY)
    assert "monthly value – " in text(unknown)
    assert "neither a term" in text(contracts_tables.due_soon(EN, p_end(), DAY))


def test_renewal_forecasts_are_shown_by_term_the_best_first():
    rows = pd.DataFrame(
        [("renewals", 365, "constant_retention", "log_score", -0.5, False),
         ("renewals", 365, "constant_retention", "n_due", 90.0, False),
         ("renewals", 365, "shifted_beta_geometric", "log_score", -0.4, True),
         ("renewals", 365, "shifted_beta_geometric", "n_due", 90.0, True)],
        columns=["part", "horizon_days", "model", "metric", "value", "is_chosen"],
    ).set_index(["part", "horizon_days", "model", "metric"])  # fmt: skip
    said = text(contracts_tables.renewal_forecasts(EN, rows))
    assert said.index("Shifted beta-geometric") < said.index("Constant renewal rate")
    assert "✓ 90 -0.4000" in said and "rate 90 -0.5000" in said
    other = trusted("churn", (90,), {"auc": 0.6})
    assert "no term" in text(contracts_tables.renewal_forecasts(EN, other))


def test_without_contracts_there_is_no_part_on_them():
    assert contracts_tables.chapter(EN, p_end().head(0), DAY).html == ""
    html = contracts_tables.chapter(EN, due_table(), DAY).html
    assert html.startswith('<h2 class="cvm-section folded">') and "Under contract" in html

"""Four sentences on trust, each figure by hand; no measure that only an analyst knows."""

import re

import numpy as np
import pandas as pd
import pytest
from test_report_churn import text, trusted

from cvm_analysis.report import trust
from cvm_analysis.report.trust import Trust
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import TABLES, empty
from cvm_analysis.texts import languages, words

EN = Writer(words("en", horizon_weeks=52), "EUR")


def table(name, rows):
    key = list(TABLES[name].key)
    return pd.DataFrame(rows, columns=list(TABLES[name].columns)).set_index(key)


QUALITY = table(
    "quality",
    [
        {"check": check, "table": name, "level": level, "n_rows": n, "share": n / 15_600}
        for check, name, level, n in (
            ("no_amount", "transactions", "error", 56),
            ("repeated_line", "transactions", "error", 100),
            ("return", "transactions", "info", 900),
            ("in_the_future", "points", "error", 5),
        )
    ],
)
CUSTOMERS = pd.DataFrame({"n_orders": [1, 2, 3, 4, 0], "margin_total": [1.0, 2, 3, 4, np.nan]})
BACKTEST = pd.concat(
    [
        trusted("value", (182,), {"forecast_total": 1000.0, "actual_total": 980.0, "mae": 5.0}),
        trusted("value_dealer", (182,), {"forecast_total": 50.0, "actual_total": 20.0}),
        trusted("churn", (180,), {"auc": 0.8}),
    ]
)
TOTALS = pd.DataFrame(
    {"expected_margin_low": [1.2e6], "expected_margin_high": [1.9e6]}, index=["all"]
)
RISK = pd.DataFrame(
    {
        "n": 100,
        "predicted": [0.1, 0.3, 0.5, 0.7],
        "actual": [0.15, 0.45, 0.4, 0.71],
        "low": [0.05, 0.2, 0.4, 0.62],
        "high": [0.15, 0.4, 0.6, 0.78],
    },
    pd.Index([1, 2, 3, 4], name="bin"),
)
RISK.attrs["horizon_days"] = 180
ACTIONS = table(
    "actions",
    [
        {"customer_id": who, "action": "call", "expected_gain": gain, "evidence": evidence,
         "arm": arm, "in_plan": in_plan, "counts_gain": counts}
        for who, gain, evidence, arm, in_plan, counts in (
            ("a", 30.0, "measured_with_control", None, True, True),
            ("b", 70.0, "assumed", "treated", True, True),
            ("c", 900.0, "assumed", "control", True, True),
            ("d", 900.0, "assumed", None, False, True),
            ("e", 900.0, "assumed", None, True, False),
        )
    ],
)  # fmt: skip
RESULTS = table(
    "campaign_results",
    [
        {"campaign_id": code, "segment": segment, "status": status}
        for code, segment, status in (
            ("X", "all", "measured"), ("X", "loyal", "measured"), ("Y", "all", "not_measured"),
        )
    ],
)  # fmt: skip
WHOLE = Trust(QUALITY, CUSTOMERS, BACKTEST, TOTALS, RISK, ACTIONS, RESULTS)
ASSUMED = WHOLE._replace(actions=ACTIONS.assign(evidence="elsewhere"))
SHORT = WHOLE._replace(
    backtest=BACKTEST[BACKTEST["is_chosen"] & False], risk_calibration=empty("risk_calibration")
)


def test_what_is_set_aside_are_the_order_lines_that_break_a_rule():
    """56 and 100 of 15,600 lines; returns count, and points are no order lines."""
    said = text(trust.show(EN, WHOLE))
    assert "156 of 15,600 order lines read (1.0%) were faulty and are left out" in said
    clean = WHOLE._replace(quality=QUALITY.assign(n_rows=0, share=0.0))
    assert "no order line had to be left out" in text(trust.show(EN, clean))


def test_a_margin_without_costs_is_said_to_be_assumed():
    """One of the four who bought; who never bought has no margin to know."""
    assert "margin is assumed" not in text(trust.show(EN, WHOLE))
    one = CUSTOMERS.assign(margin_total=[np.nan, 2, 3, 4, np.nan])
    for customers, share in ((one, "25%"), (one.drop(columns="margin_total"), "100%")):
        said = text(trust.show(EN, WHOLE._replace(customers=customers)))
        assert f"margin is assumed where no cost is recorded, for {share} of customers" in said


def test_forecasts_of_all_types_are_compared_with_what_came():
    """1,000 + 50 forecast, 980 + 20 came: 5% too high."""
    said = text(trust.show(EN, WHOLE))
    assert "last 6 months of the records 1,050 purchases were forecast and 1,000 came" in said
    assert "5% too high" in said and "between €1.2M and €1.9M" in said
    low = BACKTEST.assign(value=BACKTEST["value"].where(BACKTEST["value"] != 1000, 850))
    assert "10% too low" in text(trust.show(EN, WHOLE._replace(backtest=low)))
    exact = BACKTEST.assign(value=BACKTEST["value"].where(BACKTEST["value"] != 1000, 950))
    assert "1,000 came, as forecast" in text(trust.show(EN, WHOLE._replace(backtest=exact)))


def test_a_risk_group_is_right_within_its_band_ends_included():
    said = text(trust.show(EN, WHOLE))
    assert "right in 3 of 4 risk groups, too low in 1 and too high in 0" in said
    assert "180 days" in said
    less = RISK.assign(actual=[0.04, 0.3, 0.5, 0.5])
    less.attrs["horizon_days"] = 180
    said = text(trust.show(EN, WHOLE._replace(risk_calibration=less)))
    assert "right in 2 of 4 risk groups, too low in 0 and too high in 2" in said


def test_gains_are_measured_or_assumed():
    """Of 100 planned, counted and not left to a control group, 30 are measured."""
    said = text(trust.show(EN, WHOLE))
    assert "30% of the plan" in said and "rests on measured effects" in said
    said = text(trust.show(EN, ASSUMED))
    assert "assumptions; measured against a control group so far: 1 campaign." in said
    nothing = WHOLE._replace(actions=ACTIONS.head(0))
    assert "No action is planned" in text(trust.show(EN, nothing))


def test_the_heading_sums_up():
    assert trust.heading(EN, WHOLE) == (
        "Purchases were forecast 5% too high, the churn risk was right in 3 of 4 groups, and "
        "30% of the planned gain is measured"
    )
    assert trust.heading(EN, SHORT._replace(actions=ASSUMED.actions)) == (
        "Sales are counted; no forecast could be tested on the past, and gains of actions are "
        "still assumed"
    )
    no_risk = SHORT._replace(backtest=BACKTEST, actions=ACTIONS.head(0))
    assert trust.heading(EN, no_risk) == (
        "Purchases were forecast 5% too high; the churn risk is untested, and no gain is claimed"
    )


def test_what_could_not_be_tested_is_said_to_be_untested():
    said = text(trust.show(EN, SHORT))
    assert "too short to test the forecast" in said and "€1.2M to €1.9M as a guess" in said
    assert "too short a history, to test the churn risk here" in said


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("given", [WHOLE, ASSUMED, SHORT])
def test_four_sentences_without_a_word_of_statistics(language, given):
    writer = Writer(words(language, horizon_weeks=52), "EUR")
    html = trust.show(writer, given).html
    cells = re.findall("<td [^>]*>(.*?)</td>", html)
    assert len(cells) == 4
    for cell in cells:
        assert len(re.findall(r"[.。](?!\d)", cell)) == 1, cell
    assert not re.search("AUC|Brier|log score|hazard|布里尔|对数", html)

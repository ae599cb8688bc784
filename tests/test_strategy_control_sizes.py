"""Which actions get a control group; sizes by the textbook formula, computed here again."""

import datetime as dt

import numpy as np
import pandas as pd
from scipy.stats import norm

from cvm_analysis.strategy import control_sizes
from cvm_analysis.strategy.catalogue import Action, Effect, Success
from cvm_analysis.strategy.conditions import read
from cvm_analysis.strategy.effects import Effect as Known

TODAY = dt.date(2025, 12, 31)
Z = norm.ppf(0.975) + norm.ppf(0.8)


def action(measure, on, share=0.2):
    return Action(
        code="mail",
        when=read({"column": "n_orders", "at_least": 1}),
        owner="sales",
        channel=("phone",),
        cost=1.0,
        control_share=share,
        success=Success(measure=measure, within_days=90),
        effect=Effect(on=on, low=0.0, likely=0.05, high=0.1),
    )


def planned(n, forecast=0.3, base=100.0):
    ids = [f"C{i:05d}" for i in range(n)]
    return pd.DataFrame({"customer_id": ids, "action": "mail", "base": base, "forecast": forecast})


NOTHING = pd.DataFrame({"customer_id": [], "day": [], "amount": []})


def find(rows, of, effect, daily=NOTHING, lists=12):
    known = {"mail": Known(effect, 0.01, "assumed")}
    return control_sizes.find(rows, [of], known, daily, TODAY, 364, lists)


def test_a_share_of_purchases_needs_the_customers_of_the_textbook():
    found = find(planned(1_000), action("purchase", "purchase"), 0.05)
    variance = 0.3 * 0.7 / 0.2 + 0.35 * 0.65 / 0.8
    assert found.loc["mail", "needed"] == np.ceil(Z**2 * variance / 0.05**2)
    assert found.loc["mail", "lists"] == np.ceil(found.loc["mail", "needed"] / 1_000)
    assert found.loc["mail", "share"] == 0.2


def test_where_a_year_is_too_short_nobody_is_left_out():
    found = find(planned(50), action("purchase", "purchase"), 0.05)
    assert found.loc["mail", "share"] == 0.0 and np.isnan(found.loc["mail", "lists"])
    assert find(planned(50), action("purchase", "purchase"), 0.05, lists=1000).loc["mail", "share"]


def test_margin_counts_the_part_of_the_gain_within_the_window():
    """Half of the customers spent 400 in the last window, unlike any time before."""
    rows = planned(200)
    bought = rows["customer_id"].iloc[::2]
    daily = pd.DataFrame(
        {"customer_id": bought, "day": pd.Timestamp("2025-12-01"), "amount": 400.0}
    )
    found = find(rows, action("margin", "expected_margin"), 0.5, daily, lists=1e9)
    sd, gain = np.std([400.0, 0.0] * 100, ddof=1), 100 * 0.5 * 90 / 364
    variance = sd**2 / 0.2 + sd**2 / 0.8
    assert found.loc["mail", "needed"] == np.ceil(Z**2 * variance / gain**2)


def test_the_spread_of_a_handful_says_nothing():
    found = find(planned(29), action("margin", "expected_margin"), 0.5, lists=1e9)
    assert np.isinf(found.loc["mail", "needed"]) and found.loc["mail", "share"] == 0.0


def test_actions_without_a_control_share_are_not_listed():
    assert find(planned(50), action("purchase", "purchase", share=0.0), 0.05).empty


def test_prospects_without_a_forecast_are_not_left_out():
    found = find(planned(500, forecast=np.nan), action("purchase", "purchase"), 0.05)
    assert np.isinf(found.loc["mail", "needed"]) and found.loc["mail", "share"] == 0.0


def test_no_expected_effect_cannot_be_measured():
    assert np.isinf(find(planned(500), action("purchase", "purchase"), 0.0).loc["mail", "needed"])

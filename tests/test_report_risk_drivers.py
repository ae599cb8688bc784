"""Reasons and ratios read like sentences, in both languages, for every feature there is."""

import pytest

from cvm_analysis.churn import features
from cvm_analysis.report import risk_drivers as risk_drivers_tables
from cvm_analysis.texts import languages, words

EN, ZH = words("en"), words("zh")
CONTRACT_FLAGS = ["complaint_first_month", "late_installation", "no_maintenance_plan"]


@pytest.mark.parametrize(
    ("code", "value", "said"),
    [
        ("silence_gaps", 3.21, "3.2 usual intervals without an order"),
        ("silence_gaps", 0.4, "40% of the usual interval without an order"),
        ("silence_gaps", 0.98, "one usual interval without an order"),
        ("silence_gaps", 0.0, "ordered on the last day"),
        ("complaint_days", 40.0, "complaint open for 40 days"),
        ("complaint_days", 1.0, "complaint open for one day"),
        ("complaint_days", 0.0, "no open complaint"),
        ("complaints_open", 2.0, "2 open complaints"),
        ("n_categories", 4.0, "buys in 4 categories"),
        ("n_categories", 1.0, "buys in one category"),
        ("only_once", 1.0, "bought only once"),
        ("only_once", 0.0, "bought more than once"),
        ("late_share", 0.25, "25% delivered late"),
        ("return_share", 0.0, "no returns"),
        ("net_sales_per_order", 1234.5, "spends €1,230 per order"),
        ("rate_trend", 0.5, "purchase rate down to 50%"),
        ("rate_trend", 1.0, "purchase rate unchanged"),
        ("rate", 1234.56, "buys on 1,234.6 days a year"),
        ("channel=dealer_shop", 1.0, "first bought through dealer_shop"),
        ("channel=web", 0.0, "did not first buy through web"),
        ("shoe_size", 43.0, "Shoe size: 43"),
        ("grade", 2.0, "grade"),
        ("silence_gaps", None, "Inactivity, in usual intervals"),
        ("rate", float("nan"), "Purchase days per year"),
    ],
)
def test_a_reason_says_what_holds(code, value, said):
    assert risk_drivers_tables.reason(code, value, EN, "EUR") == said


def test_reasons_stand_in_their_order_and_empty_ones_are_left_out():
    row = {
        "reason_1": "late_share", "reason_1_value": 0.5, "reason_2": "silence_gaps",
        "reason_2_value": 0.5, "reason_3": None, "reason_3_value": float("nan"),
    }  # fmt: skip
    assert risk_drivers_tables.describe(row, EN, "EUR") == (
        "50% delivered late, 50% of the usual interval without an order"
    )
    assert (
        risk_drivers_tables.describe(row, ZH, "EUR")
        == "50%的订单延误送达、未下单时间仅为平时间隔的50%"
    )
    assert risk_drivers_tables.describe({"reason_1": None}, EN, "EUR") == ""


def test_where_the_days_are_known_the_time_without_an_order_is_told_in_days():
    row = {"reason_1": "silence_gaps", "reason_1_value": 3.0, "days_since_last": 54}
    assert risk_drivers_tables.describe(row, EN, "EUR") == "54 days without an order, usually 18"
    assert risk_drivers_tables.describe({**row, "days_since_last": 1}, EN, "EUR").startswith(
        "1 day without"
    )
    ordered_today = {**row, "reason_1_value": 0.0, "days_since_last": 0}
    assert risk_drivers_tables.describe(ordered_today, EN, "EUR") == "ordered on the last day"


@pytest.mark.parametrize("language", languages())
def test_every_feature_has_words_for_every_value(language):
    say = words(language)
    for feature in [*features.STEPS, "channel=web", "unheard_of"]:
        for value in (0.0, 0.3, 1.0, 2.5, 400.0):
            said = risk_drivers_tables.reason(feature, value, say, "CNY")
            assert said and not set("{_=") & set(said), feature


@pytest.mark.parametrize("language", languages())
def test_every_feature_is_named_and_its_step(language):
    say = words(language)
    for code in [*features.STEPS, *CONTRACT_FLAGS]:
        assert say.entries[f"features.{code}"].endswith((")", "）"))
        assert f"feature_steps.{code}" in say
    for code in features.STEPS:
        assert set(say.section(f"risk_drivers.{code}")) & {"other", "yes"}


def row(ratio, low, high):
    return {"hazard_ratio": ratio, "low": low, "high": high, "coef": -0.5}


def test_a_ratio_is_a_sentence():
    assert risk_drivers_tables.ratio("silence_gaps", row(0.6, 0.55, 0.66), EN) == (
        "Twice as long without an order: 40% less likely to return in any week (95% interval: 34% "
        "to 45%)."
    )
    assert risk_drivers_tables.ratio("late_installation", row(1.5, 1.2, 1.9), EN, "contracts") == (
        "Floor installed late: 50% more likely to end in any week (95% interval: 20% to 90%)."
    )
    assert "One more of Shoe size: 2.0 times as likely to return" in risk_drivers_tables.ratio(
        "shoe_size", row(2, 1.5, 3), EN
    )
    assert "through web instead" in risk_drivers_tables.ratio("channel=web", row(2, 1.5, 3), EN)
    assert risk_drivers_tables.ratio("silence_gaps", row(0.6, 0.55, 0.66), ZH).startswith(
        words("zh")("feature_steps.silence_gaps")
    )

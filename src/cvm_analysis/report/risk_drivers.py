"""Risk drivers and hazard ratios in words: "54 days without an order, usually 18"."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cvm_analysis.texts import Words

# How the plain value of a feature is written; a feature that is not here is a plain number.
DIGITS = dict.fromkeys(("silence_gaps", "rate", "rate_trend", "spend_trend", "satisfaction"), 1)
SHARES = ("discount_share", "return_share", "late_share")
MONEY = ("net_sales_per_order",)


def describe(row: Mapping[str, Any], say: Words, currency: str) -> str:
    """Write what raises a customer's risk, the strongest first.

    row : reason_1, reason_1_value, reason_2, ... of table `churn`; with
        days_since_last, if any, the time without an order is written in days
    """
    codes = [key for key in row if key.startswith("reason_") and not key.endswith("_value")]
    given = [(row[key], row.get(f"{key}_value")) for key in codes if isinstance(row[key], str)]
    days = row.get("days_since_last")
    return say.listed(reason(code, value, say, currency, days) for code, value in given)


def reason(
    feature: str, value: float | None, say: Words, currency: str, days: float | None = None
) -> str:
    """Write one reason: what holds for the customer.

    value : the feature's plain value; days : since the last order
    """
    if value is None or math.isnan(value):
        return say.feature(feature, step=False)
    if feature == "silence_gaps" and days and value:
        usual = say.number(days / value)
        return say("risk_drivers.silence_gaps.days", days=say.count("days", days), usual=usual)
    attribute, _, level = feature.partition("=")
    known = attribute if level else feature
    form = _form(known, round(value, DIGITS.get(feature, 0)), value, say)
    if form is None:
        label = say.feature(feature, step=False)
        return say("report.risk_drivers.other", name=label, value=say.short(value))
    written = say.percent(value) if form == "less" else _written(feature, value, say, currency)
    return say(f"risk_drivers.{known}.{form}", value=written, level=say.level(attribute, level))


def _form(feature: str, shown: float, value: float, say: Words) -> str | None:
    """Which wording fits: yes or no; none, one, less than one, or any other number."""
    forms = say.section(f"risk_drivers.{feature}")
    if "yes" in forms:
        return "yes" if value >= 0.5 else "no"
    fitting = {"zero": value == 0, "one": shown == 1, "less": shown < 1, "other": True}
    return next((form for form, fits in fitting.items() if fits and form in forms), None)


def _written(feature: str, value: float, say: Words, currency: str) -> str:
    if feature in SHARES:
        return say.percent(value)
    if feature in MONEY:
        return say.short(value, currency)
    return say.number(value, DIGITS.get(feature, 0))


def ratio(feature: str, row: Mapping[str, float], say: Words, of: str = "buyers") -> str:
    """Write what a hazard ratio means: by how much one step changes the chance of the event.

    row : hazard_ratio, low, high (95 %); of : whose event, buyers (they come back) or contracts
    """
    ratio, low, high = row["hazard_ratio"], row["low"], row["high"]
    key, step = f"report.hazard_ratios.{of}", _step(feature, say)
    if ratio >= 2:
        times = {"ratio": ratio, "low": low, "high": high}
        return say(f"{key}.many", step=step, **{k: say.number(v, 1) for k, v in times.items()})
    changes = sorted((abs(low - 1), abs(high - 1)))
    percent = dict(zip(("low", "high"), map(say.percent, changes), strict=True))
    way = "faster" if ratio > 1 else "slower"
    return say(f"{key}.{way}", step=step, change=say.percent(abs(ratio - 1)), **percent)


def _step(feature: str, say: Words) -> str:
    attribute, _, level = feature.partition("=")
    if level and f"feature_steps.{attribute}" in say:
        return say(f"feature_steps.{attribute}", level=say.level(attribute, level))
    if f"feature_steps.{feature}" in say:
        return say(f"feature_steps.{feature}")
    return say("feature_steps.other", name=say.feature(feature, step=False))

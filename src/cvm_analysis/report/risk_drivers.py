"""Reasons and hazard ratios in words: "silent 3.2 times as long as usual (+)"."""

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
    """Write a customer's reasons one after the other, the one that moves the risk most first.

    row : reason_1, reason_1_value, reason_2, ... as churn.reasons.of makes them
    """
    codes = [key for key in row if key.startswith("reason_") and not key.endswith("_value")]
    given = [(row[key], row.get(f"{key}_value")) for key in codes if isinstance(row[key], str)]
    return say.listed(reason(code, value, say, currency) for code, value in given)


def reason(code: str, value: float | None, say: Words, currency: str) -> str:
    """Write one reason: what holds for the customer, and whether it raises (+) the risk.

    code : the feature and `+` or `-`; value : the feature's plain value
    """
    sign = "plus" if code.endswith("+") else "minus"
    return say(f"leaving.{sign}", reason=_holds(code[:-1], value, say, currency))


def _holds(feature: str, value: float | None, say: Words, currency: str) -> str:
    if value is None or math.isnan(value):
        return name(feature, say)
    attribute, _, level = feature.partition("=")
    known = attribute if level else feature
    form = _form(known, round(value, DIGITS.get(feature, 0)), value, say)
    if form is None:
        return say("leaving.other", name=name(feature, say), value=say.short(value))
    written = say.percent(value) if form == "less" else _written(feature, value, say, currency)
    return say(f"reasons.{known}.{form}", value=written, level=say.level(attribute, level))


def _form(feature: str, shown: float, value: float, say: Words) -> str | None:
    """Which wording fits: yes or no; none, one, less than one, or any other number."""
    forms = say.section(f"reasons.{feature}")
    if "yes" in forms:
        return "yes" if value >= 0.5 else "no"
    fitting = {"zero": value == 0, "one": shown == 1, "less": shown < 1, "other": True}
    return next((form for form, fits in fitting.items() if fits and form in forms), None)


def _written(feature: str, value: float, say: Words, currency: str) -> str:
    if feature in SHARES:
        return say.percent(value)
    if feature in MONEY:
        return say.money(value, currency)
    return say.number(value, DIGITS.get(feature, 0))


def name(feature: str, say: Words) -> str:
    """Name a feature without its step; what the texts do not know is made readable."""
    attribute, _, level = feature.partition("=")
    if level and f"features.{attribute}" in say:
        found = say(f"features.{attribute}", level=say.level(attribute, level))
    elif f"features.{feature}" in say:
        found = say(f"features.{feature}")
    else:
        found = _readable(feature[0].upper() + feature[1:])
    return found.partition(" (")[0].partition("（")[0]


def ratio(feature: str, row: Mapping[str, float], say: Words, of: str = "buyers") -> str:
    """Write what a hazard ratio means: who differs in what, and at which pace the event comes.

    row : hazard_ratio, low, high (95 %); of : whose event, buyers (they come back) or contracts
    """
    way = "faster" if row["hazard_ratio"] > 1 else "slower"
    figures = {key: say.number(row[column], 2) for key, column in _FIGURES.items()}
    return say(f"leaving.pace.{of}.{way}", who=_who(feature, say), **figures)


_FIGURES = {"ratio": "hazard_ratio", "low": "low", "high": "high"}


def _who(feature: str, say: Words) -> str:
    attribute, _, level = feature.partition("=")
    if level and f"who.{attribute}" in say:
        return say(f"who.{attribute}", level=say.level(attribute, level))
    if f"who.{feature}" in say:
        return say(f"who.{feature}")
    return say("who.other", name=name(feature, say))


def _readable(code: str) -> str:
    return code.replace("_", " ")

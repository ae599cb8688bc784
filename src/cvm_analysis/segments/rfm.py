"""RFM: recency, frequency and monetary scores, and a name for every combination of them.

Scores follow `1 + floor(bins x share strictly worse)`. Names are rules over the scores; `prove`
shows that every combination has exactly one name before any customer gets one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.errors import ConfigError
from cvm_analysis.segments import scores

PROSPECT = "prospect"
LETTERS = ("r", "f", "m")
Rules = Mapping[str, Mapping[Any, str | int]]
Cuts = Mapping[str, Sequence[float]]


def measures(customers: pd.DataFrame) -> pd.DataFrame:
    """One row per customer who bought: what r, f and m measure, larger being better.

    r : minus days since the last purchase; f : orders; m : spend net of returns
    """
    bought = customers[customers["n_orders"] > 0]
    return pd.DataFrame(
        {
            "r": -bought["days_since_last"].astype(float),
            "f": bought["n_orders"].astype(float),
            "m": bought["spend_total"].astype(float),
        }
    )


def cut_points(customers: pd.DataFrame, bins: int = 5) -> dict[str, list[float]]:
    """Find from which value on the scores 2, 3, ... `bins` are given; NaN where ties allow none."""
    parts = [(i, bins) for i in range(1, bins)]
    return {name: scores.cut_points(values, parts) for name, values in measures(customers).items()}


def score(customers: pd.DataFrame, bins: int = 5, cuts: Cuts | None = None) -> pd.DataFrame:
    """Score each customer who bought from 1 to `bins` on recency, frequency and monetary value.

    Parameters
    ----------
    customers : one row per customer, indexed by customer_id
        days_since_last : days from the last purchase to as_of; n_orders : 1 or more, others are
        left out; spend_total : net of returns, in the config's currency
    bins : number of groups; customers with equal values always share a score
    cuts : cut points of another group of customers (the company); None: these customers' own

    Returns
    -------
    One row per customer who bought; columns r, f, m : int, where `bins` is best.
    """
    cuts = cuts or cut_points(customers, bins)
    return measures(customers).apply(lambda values: scores.score(values, cuts[values.name]))


def empty_bins(customers: pd.DataFrame, cuts: Cuts) -> dict[str, list[int]]:
    """Name, per letter, the scores that nobody here gets; letters without such are left out."""
    found = {name: scores.empty_bins(v, cuts[name]) for name, v in measures(customers).items()}
    return {name: bins for name, bins in found.items() if bins}


def grid(scored: pd.DataFrame, bins: int = 5) -> pd.DataFrame:
    """Count customers per pair of scores: one row per r, one column per f, from 1 to `bins`.

    A score that nobody here gets is empty, not nought.
    """
    every = range(1, bins + 1)
    return pd.crosstab(scored["r"], scored["f"]).reindex(index=every, columns=every)


def name(scored: pd.DataFrame, customers: pd.DataFrame, rules: Rules, bins: int = 5) -> pd.Series:
    """Name the segment of every customer: by the rules; `prospect` for who never bought."""
    prove(rules, bins)
    named = pd.Series(PROSPECT, index=customers.index, name="rfm", dtype=object)
    for segment, rule in rules.items():
        allowed = _allowed(rule, bins)
        fits = np.logical_and.reduce([scored[c].isin(allowed[c]) for c in LETTERS])
        named.loc[scored.index[fits]] = segment
    return named


def prove(rules: Rules, bins: int = 5) -> None:
    """Raise ConfigError unless every combination of scores has exactly one name.

    The message counts the combinations, shows the first, and says which names it has.
    """
    allowed = {segment: _allowed(rule, bins) for segment, rule in rules.items()}
    holes, overlaps = [], []
    for combination in itertools.product(range(1, bins + 1), repeat=3):
        names = [
            segment
            for segment, sets in allowed.items()
            if all(v in sets[c] for c, v in zip(LETTERS, combination, strict=True))
        ]
        shown = "r{} f{} m{}".format(*combination)
        if not names:
            holes.append(shown)
        elif len(names) > 1:
            overlaps.append(f"{shown} ({' and '.join(names)})")
    said = [
        f"{len(found):,} of {bins**3:,} combinations of scores have {what} name, "
        f"the first {found[0]}"
        for found, what in ((holes, "no"), (overlaps, "more than one"))
        if found
    ]
    if said:
        raise ConfigError("rfm.segments: " + "; ".join(said))


def _allowed(rule: Mapping[Any, str | int], bins: int) -> dict[str, set[int]]:
    return {c: _range(rule[c], bins) if c in rule else set(range(1, bins + 1)) for c in LETTERS}


def _range(text: str | int, bins: int) -> set[int]:
    first, _, last = str(text).partition("-")
    if not first.isdigit() or (last and not last.isdigit()):
        raise ConfigError(f"rfm.segments: '{text}' is no score; write 4 or 4-5")
    found = set(range(int(first), int(last or first) + 1))
    if not found or not found <= set(range(1, bins + 1)):
        raise ConfigError(f"rfm.segments: '{text}' is outside the scores 1 to {bins}")
    return found

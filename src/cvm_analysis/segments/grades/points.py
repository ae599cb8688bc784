"""Points per indicator of a scorecard, and the score of each customer.

score = sum of weight x points / sum of weight, over the known indicators of that customer. Equal
values always have equal points, and a better value never lowers the score.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.segments import scores
from cvm_analysis.segments.grades.scorecard import LEAVE_OUT, ROUNDING, Band, Indicator, Scorecard

DECIMALS = 9  # of a score: 70 points are 70, however the parts were added up


def fit_bins(card: Scorecard, measures: pd.DataFrame) -> Scorecard:
    """Learn the bands of each indicator with `bins` from these customers; others stay as written.

    The group 0, 1, ... n - 1 of a value is floor(n x share of customers strictly worse), and has
    100 x group / (n - 1) points. Ties make groups impossible; an indicator with only one group left
    has empty bands and is left out for all.

    measures : one row per customer; those with a missing value are not counted

    Raises InputError: values that are infinite or no numbers
    """
    found = values(card, measures)
    return replace(
        card,
        indicators=tuple(
            replace(each, bands=_learned(each, found[each.code], each.bins)) if each.bins else each
            for each in card.indicators
        ),
    )


def values(card: Scorecard, measures: pd.DataFrame) -> pd.DataFrame:
    """One row per customer, one column per indicator: its value, NaN if missing.

    The value of a word is its points. Also missing: a column that this business lacks, a share
    whose divisor `per` is not above 0, and a word that has no points.

    Raises InputError: values that are infinite or no numbers, with how many
    """
    return pd.DataFrame(_read(card, measures), index=measures.index)


def _read(card: Scorecard, measures: pd.DataFrame) -> dict[str, np.ndarray]:
    """Read the value of each indicator by its code; as `values`."""
    needed = {each.column: each.code for each in card.indicators if each.points is None}
    needed |= {each.per: each.code for each in card.indicators if each.per}
    read = {column: numbers(measures, column) for column in needed}
    wrong = [f"{needed[column]}: {problem}" for column in needed for problem in read[column][1]]
    if wrong:
        raise InputError("measures that cannot be graded\n  " + "\n  ".join(wrong))
    found = {}
    for each in card.indicators:
        if each.points is not None:
            found[each.code] = _words(measures, each.column).map(each.points).to_numpy(float)
            continue
        found[each.code] = read[each.column][0]
        if each.per:
            divisor = read[each.per][0]
            found[each.code] = found[each.code] / np.where(divisor > 0, divisor, np.nan)
    return found


def assign_points(card: Scorecard, measures: pd.DataFrame) -> pd.DataFrame:
    """One row per customer, one column per indicator: its points, 0..100; NaN if left out.

    Raises
    ------
    ConfigError : an indicator with `bins` that was not fitted
    InputError : values that are infinite or no numbers
    """
    unfitted = [each.code for each in card.indicators if each.bins and each.bands is None]
    if unfitted:
        raise ConfigError(f"{', '.join(unfitted)}: no bands were learned yet; call points.fit_bins")
    found = _read(card, measures)
    scored = {each.code: _points(each, found[each.code]) for each in card.indicators}
    return pd.DataFrame(scored, index=measures.index)


def contributions(card: Scorecard, points: pd.DataFrame) -> pd.DataFrame:
    """One row per customer, one column per indicator: its part of the score, in points.

    weight x points / known weight. A row adds up to the score; NaN where the indicator was left
    out, and everywhere if the customer is not graded.

    points : one row per customer, as `assign_points` makes them
    """
    weights = np.array([each.weight for each in card.indicators])
    own = points[[each.code for each in card.indicators]].astype(float)
    known = known_weight(card, points).to_numpy()
    divisor = np.where(known >= card.min_weight - ROUNDING, known, np.nan)
    parts = own.to_numpy().T * weights[:, None] / divisor  # one row per indicator
    return pd.DataFrame(parts.T, own.index, own.columns)


def known_weight(card: Scorecard, points: pd.DataFrame) -> pd.Series:
    """Sum, per customer, the weights of the indicators with points: in [0, 1]."""
    weights = np.array([each.weight for each in card.indicators])
    known = points[[each.code for each in card.indicators]].notna().to_numpy()
    return pd.Series(known @ weights, index=points.index, name="known_weight")


def score(card: Scorecard, measures: pd.DataFrame) -> pd.Series:
    """Score each customer from 0 to 100, 100 being best; NaN if not graded.

    Raises as `assign_points` does.
    """
    parts = contributions(card, assign_points(card, measures))
    return parts.sum(axis=1, min_count=1).round(DECIMALS).rename("score")


def unknown_words(card: Scorecard, measures: pd.DataFrame) -> pd.DataFrame:
    """List the words that have no points: indicator, word, n_customers, the most frequent first."""
    found = [
        words[~words.isin(list(each.points)) & words.notna()].value_counts().to_frame("n_customers")
        .rename_axis("word").reset_index().assign(indicator=each.code)
        for each in card.indicators
        if each.points is not None
        for words in [_words(measures, each.column)]
    ]  # fmt: skip
    columns = ["indicator", "word", "n_customers"]
    return pd.concat(found)[columns] if found else pd.DataFrame(columns=columns)


def numbers(measures: pd.DataFrame, column: str) -> tuple[np.ndarray, list[str]]:
    """Read a column as floats, NaN if there is none, and list what is wrong with it."""
    if column not in measures:
        return np.full(len(measures), np.nan), []
    raw = measures[column]
    if raw.dtype.kind in "mM":
        return np.full(len(measures), np.nan), [f"{column} holds times, not numbers"]
    found = pd.to_numeric(raw, errors="coerce").to_numpy(float)
    texts = int((np.isnan(found) & raw.notna().to_numpy()).sum())
    infinite = int(np.isinf(found).sum())
    return found, [
        f"{count:,} of {len(raw):,} values of {column} are {what}; correct them or leave them out"
        for count, what in ((texts, "no numbers"), (infinite, "infinite"))
        if count
    ]


def _words(measures: pd.DataFrame, column: str) -> pd.Series:
    """A column as words, None if missing or if there is no such column."""
    if column not in measures:
        return pd.Series(None, measures.index, dtype=object)
    values = measures[column]
    return values.astype(object).where(values.notna()).map(str, na_action="ignore")


def _learned(each: Indicator, found: pd.Series, bins: int) -> tuple[Band, ...]:
    sign = 1 if each.better == "high" else -1
    cuts = scores.cut_points(sign * found, [(group, bins) for group in range(1, bins)])
    reached = {
        sign * cut + 0.0: 100 * group / (bins - 1)
        for group, cut in enumerate(cuts, start=1)
        if not math.isnan(cut)
    }
    return tuple(sorted(reached.items()))


def _points(each: Indicator, found: np.ndarray) -> np.ndarray:
    missing = np.nan if each.missing == LEAVE_OUT else float(each.missing)
    if each.points is not None:
        points = found
    elif each.scale is not None:
        worst, best = each.scale
        points = 100 * np.clip((found - worst) / (best - worst), 0, 1)
    elif each.bands:
        points = _in_bands(each, found, each.bands)
    else:
        return np.full(len(found), np.nan)
    return np.where(np.isnan(found), missing, points)


def _in_bands(each: Indicator, found: np.ndarray, bands: Iterable[Band]) -> np.ndarray:
    edges, points = np.array(list(bands), dtype=float).T
    if each.better == "high":
        return np.append(0.0, points)[np.searchsorted(edges, found, side="right")]
    return np.append(points, 0.0)[np.searchsorted(edges, found, side="left")]

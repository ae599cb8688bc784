"""Does the same thing drive each segment? Hazard ratios of coming back, segment by segment.

Cox's model is fitted within each segment as it is published (`cox.fit_plain`), with every feature
that was known of all customers, so that a ratio says the same in each: of two customers of the
segment who differ in this one thing, who comes back sooner. A segment with too few events for all
the features is left out: adjusted for fewer it would differ for that alone.

A customer may be in several segments at different landmarks, so the ratios of two segments are not
quite independent. And segments are themselves cut by recency, frequency and spend: where an effect
bends over its values, or changes with time, segments that stand at different places of the curve
have different ratios for that alone.

Source: Cochran (1954), "The Combination of Estimates from Different Experiments", Biometrics 10(1),
101-129.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cvm_analysis.churn.challengers import Rows
from cvm_analysis.errors import FitError
from cvm_analysis.minimum_data import shortfalls
from cvm_analysis.survival import cox, kaplan_meier, logrank

COLUMNS = ["segment", "feature", "n", "customers", "events", "hazard_ratio", "low", "high"]
TESTED = ["segments", "q", "df", "p", "slowest", "fastest"]
_CLEAR = 0.05  # adjusted p below which segments are said to differ


def hazard_ratios(
    rows: Rows | None, segments: Mapping[dt.date, pd.Series], features: Sequence[str]
) -> pd.DataFrame:
    """Fit Cox's model within each segment, and give the ratios of some features.

    Parameters
    ----------
    rows : what was known at landmarks and what came (`Learned.rows`); None: nothing was learned
    segments : landmark -> segment of each customer, indexed by customer_id, as of that day and by
        that day's own limits; rows without one take no part
    features : the features to tell; none: nothing is fitted

    Returns
    -------
    One row per segment and feature, segments with the most events first; COLUMNS
        n, customers, events : of the segment, among those learned from (`learning.sample_rows`):
            rows, customers, rows whose customer came back
        hazard_ratio, low, high : of coming back, per step of the feature, and its 95 % interval,
            errors clustered by customer; regions, where there are several, have baselines of their
            own. Empty where the segment has too few events for all features, or cannot tell this
            one (all alike in it, or told by those before it)
    """
    found = _each(rows, _segment(rows, segments), features) if rows and features else []
    table = pd.DataFrame(found, columns=COLUMNS)
    return table.astype(dict.fromkeys(COLUMNS[-3:], float))


def _segment(rows: Rows, segments: Mapping[dt.date, pd.Series]) -> pd.Series:
    """Each row's segment at its landmark, empty where it has none."""
    found = pd.Series(None, rows.customers.index, dtype=object)
    for day, named in segments.items():
        own = rows.customers[rows.day == pd.Timestamp(day)]
        found[own.index] = own.map(named)
    return found


def _each(rows: Rows, segment: pd.Series, features: Sequence[str]) -> list[tuple]:
    events = (rows.outcome["event"] == 1).groupby(segment).sum()
    order = events.sort_index().sort_values(ascending=False, kind="stable").index
    return [each for name in order for each in _of(rows, segment == name, str(name), features)]


def _of(rows: Rows, own: pd.Series, name: str, features: Sequence[str]) -> list[tuple]:
    """The ratios of one segment, whose rows are `own`."""
    customers, outcome = rows.customers[own], rows.outcome[own]
    counts = (len(outcome), customers.nunique(), int(outcome["event"].sum()))
    told = _hazards(rows, own, features).reindex(features)[COLUMNS[-3:]]
    return [
        (name, feature, *counts, *row)
        for feature, row in zip(features, told.to_numpy(), strict=True)
    ]


def _hazards(rows: Rows, own: pd.Series, features: Sequence[str]) -> pd.DataFrame:
    """Hazard ratios within a segment; no row where it cannot tell them."""
    nothing = pd.DataFrame(columns=COLUMNS[-3:])
    customers, outcome, group = rows.customers[own], rows.outcome[own], rows.group[own]
    returns = customers[outcome["event"] == 1].nunique()
    if shortfalls("churn_model", buyers=customers.nunique(), returns=returns):
        return nothing
    order = [*features, *rows.features.columns.difference(features, sort=False)]
    strata = group if group.nunique() > 1 else None
    try:
        found = cox.fit_plain(rows.features.loc[own, order], outcome, customers, strata)
    except FitError:
        return nothing
    return nothing if "few_events" in found.dropped.values() else found.hazards


def test_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Test of each feature whether its ratios differ between segments by more than chance.

    Cochran's Q: the squared distances of the logarithms from their mean, each weighed by its
    precision; of ratios that are alike in truth it has a chi-squared distribution. The segments
    are taken as independent, which they are not quite: a customer may be in several, which makes p
    too large. Intervals clustered by customer are short where customers are few, which makes it too
    small.

    Parameters
    ----------
    table : as `hazard_ratios`; rows without a ratio take no part

    Returns
    -------
    One row per feature, in the order of the table, indexed by it
        segments : how many have a ratio; with fewer than two all that follows is empty
        q, df, p : of the test
        p_adjusted : for the number of features (Holm)
        slowest, fastest : the segments with the least and the greatest ratio
    """
    found = {feature: _q(rows) for feature, rows in table.groupby("feature", sort=False)}
    tested = pd.DataFrame.from_dict(found, "index", columns=TESTED)
    tested.insert(4, "p_adjusted", logrank.holm(tested["p"]))
    return tested.rename_axis("feature")


def _q(rows: pd.DataFrame) -> tuple[int, float, float, float, str | None, str | None]:
    from scipy import stats

    told = rows.dropna(subset="hazard_ratio").set_index("segment").sort_index()
    n = len(told)
    if n < 2:
        return n, np.nan, np.nan, np.nan, None, None
    effects = np.log(told["hazard_ratio"])
    errors = np.log(told["high"] / told["low"]) / (2 * kaplan_meier.Z)
    apart = (effects - np.average(effects, weights=errors**-2)) / errors
    q = float((apart**2).sum())
    ends = str(effects.idxmin()), str(effects.idxmax())
    return n, q, n - 1, float(stats.chi2.sf(q, n - 1)), *ends


def differing_features(tested: pd.DataFrame) -> list[str]:
    """The features whose ratios differ between segments by more than chance; as
    `test_differences`."""
    return [str(name) for name in tested.index[tested["p_adjusted"] < _CLEAR]]

"""Hazard ratios of a return, segment by segment: does the same feature matter in each?

Cox's model is fitted within each segment (`cox.fit_plain`) with the same features, so that ratios
compare. Segments with too few events for all features are left out.

Limits: a customer may be in several segments at different landmarks, so segments are not quite
independent. Segments are cut by recency, frequency and spend; where an effect varies over these,
or over time, ratios of segments differ for that reason alone.

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
_RATIO = COLUMNS[-3:]
_LEVEL = 0.05  # adjusted p below which segments differ


def hazard_ratios(
    rows: Rows | None, segments: Mapping[dt.date, pd.Series], features: Sequence[str]
) -> pd.DataFrame:
    """Fit Cox's model within each segment.

    Parameters
    ----------
    rows : features and outcomes at landmarks (`Learned.rows`); None: no model was fitted
    segments : landmark -> segment of each customer by that day's cut points, indexed by
        customer_id; rows without a segment are left out
    features : the features to report

    Returns
    -------
    One row per segment and feature, segments with the most events first; COLUMNS
        n, customers, events : rows, customers and returns of the segment, after sampling
            (`learning.sample_rows`)
        hazard_ratio, low, high : of a return per step of the feature, with its 95 % interval;
            errors clustered by customer, a baseline per region. Empty where the segment has too
            few events for all features, or its data do not identify this one
    """
    found = _fit_segments(rows, segments, features) if rows and features else []
    table = pd.DataFrame(found, columns=COLUMNS)
    return table.astype(dict.fromkeys(_RATIO, float))


def _fit_segments(
    rows: Rows, segments: Mapping[dt.date, pd.Series], features: Sequence[str]
) -> list[tuple]:
    segment = pd.Series(None, rows.customers.index, dtype=object)
    for day, of_customer in segments.items():
        own = rows.customers[rows.day == pd.Timestamp(day)]
        segment[own.index] = own.map(of_customer)
    events = (rows.outcome["event"] == 1).groupby(segment).sum()
    order = events.sort_index().sort_values(ascending=False, kind="stable").index
    found = []
    for name in order:
        own = segment == name
        counts = (int(own.sum()), rows.customers[own].nunique(), int(events[name]))
        ratios = _fit_segment(rows, own, features).reindex(features)[_RATIO]
        for feature, ratio in zip(features, ratios.to_numpy(), strict=True):
            found.append((str(name), feature, *counts, *ratio))
    return found


def _fit_segment(rows: Rows, own: pd.Series, features: Sequence[str]) -> pd.DataFrame:
    """Hazard ratios of one segment; no rows where it has too few events."""
    nothing = pd.DataFrame(columns=_RATIO)
    customers, outcome, group = rows.customers[own], rows.outcome[own], rows.group[own]
    returns = customers[outcome["event"] == 1].nunique()
    if shortfalls("churn_model", buyers=customers.nunique(), returns=returns):
        return nothing
    order = [*features, *rows.features.columns.difference(features, sort=False)]
    strata = group if group.nunique() > 1 else None
    try:
        model = cox.fit_plain(rows.features.loc[own, order], outcome, customers, strata)
    except FitError:
        return nothing
    return nothing if "few_events" in model.dropped.values() else model.hazards


def test_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Test for each feature whether its ratios differ between segments (Cochran's Q).

    Q is the sum of squared distances of the log ratios from their mean, weighted by precision.
    It takes segments as independent. Customers in several segments make p too large; intervals
    clustered over few customers are too short and make it too small.

    table : as `hazard_ratios` returns; rows without a ratio are left out

    Returns
    -------
    One row per feature, indexed by it, in the order of the table
        segments : number with a ratio; with fewer than two the other columns are empty
        q, df, p : of the test
        p_adjusted : for the number of features (Holm)
        slowest, fastest : segments with the smallest and largest ratio
    """
    found = {feature: _cochran_q(rows) for feature, rows in table.groupby("feature", sort=False)}
    tested = pd.DataFrame.from_dict(found, "index", columns=TESTED)
    tested.insert(4, "p_adjusted", logrank.holm(tested["p"]))
    return tested.rename_axis("feature")


def _cochran_q(rows: pd.DataFrame) -> tuple[int, float, float, float, str | None, str | None]:
    from scipy import stats

    fitted = rows.dropna(subset="hazard_ratio").set_index("segment").sort_index()
    n = len(fitted)
    if n < 2:
        return n, np.nan, np.nan, np.nan, None, None
    effects = np.log(fitted["hazard_ratio"])
    errors = np.log(fitted["high"] / fitted["low"]) / (2 * kaplan_meier.Z)
    z_score = (effects - np.average(effects, weights=errors**-2)) / errors
    q = float((z_score**2).sum())
    p = float(stats.chi2.sf(q, n - 1))
    return n, q, n - 1, p, str(effects.idxmin()), str(effects.idxmax())


def differing_features(tested: pd.DataFrame) -> list[str]:
    """Features whose ratios differ between segments; tested : as `test_differences` returns."""
    return [str(name) for name in tested.index[tested["p_adjusted"] < _LEVEL]]

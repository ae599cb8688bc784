"""Does the same thing drive each segment? Hazard ratios of coming back, segment by segment.

Cox's model is fitted within each segment as it is published (`survival.plain`), with every feature
the model of all customers looks at, so that a ratio means what it means there: of two customers of
the segment who differ in this one thing, who comes back sooner.

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
from contextlib import suppress

import numpy as np
import pandas as pd

from cvm_analysis.churn import curves, groups
from cvm_analysis.churn.challengers import Rows
from cvm_analysis.churn.hazards import survival
from cvm_analysis.errors import FitError
from cvm_analysis.least_data import lacking

COLUMNS = ["segment", "feature", "n", "customers", "events", "hazard_ratio", "low", "high"]
TESTED = ["segments", "q", "df", "p", "slowest", "fastest"]
_CLEAR = 0.05  # adjusted p below which segments are said to differ


def ratios(
    rows: Rows | None, segments: Mapping[dt.date, pd.Series], features: Sequence[str]
) -> pd.DataFrame:
    """Fit Cox's model within each segment, and give the ratios of some features.

    Parameters
    ----------
    rows : what was known at landmarks and what came (`Learned.rows`); None: nothing was learned
    segments : landmark -> segment of each customer, indexed by customer_id, as of that day and by
        that day's own limits; rows without one take no part
    features : the features to tell, in order of preference; the first to stay where a segment has
        too few events for all, and alone where it can be fitted with no others

    Returns
    -------
    One row per segment and feature, segments with the most events first; COLUMNS
        n, customers, events : of the segment: rows, customers, rows whose customer came back
        hazard_ratio, low, high : of coming back, per step of the feature, and its 95 % interval,
            errors clustered by customer; regions, where there are several, have baselines of their
            own. Empty where the segment has too few customers who came back, or cannot tell this
            feature (all alike in it, or told by those before it)
    """
    found = [] if rows is None else _each(rows, _segment(rows, segments), features)
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
    customers, outcome = rows.customers[own], rows.outcome[own]
    returns = customers[outcome["event"] == 1].nunique()
    if lacking("churn_model", buyers=customers.nunique(), returns=returns):
        return nothing
    asked = [name for name in features if name in rows.features]
    others = [name for name in rows.features if name not in asked]
    group = rows.group[own]
    strata = group if group.nunique() > 1 else None
    for columns in ([*asked, *others], asked):
        with suppress(FitError):
            told = rows.features.loc[own, columns]
            return survival.plain(told, outcome, customers, strata).hazards
    return nothing


def differing(table: pd.DataFrame) -> pd.DataFrame:
    """Test of each feature whether its ratios differ between segments by more than chance.

    Cochran's Q: the squared distances of the logarithms from their mean, each weighed by its
    precision; of ratios that are alike in truth it has a chi-squared distribution. The segments
    are taken as independent, which they are not quite: a customer may be in several. Intervals
    clustered by customer are a little short where customers are few, so p is a little small.

    Parameters
    ----------
    table : as `ratios`; rows without a ratio take no part

    Returns
    -------
    One row per feature, in the order of the table, indexed by it
        segments : how many have a ratio; with fewer than two all that follows is empty
        q, df, p : of the test
        p_adjusted : for the number of features (Holm)
        slowest, fastest : the segments furthest below and above the mean, in standard errors
    """
    found = {feature: _q(rows) for feature, rows in table.groupby("feature", sort=False)}
    tested = pd.DataFrame.from_dict(found, "index", columns=TESTED)
    tested.insert(4, "p_adjusted", groups.holm(tested["p"]))
    return tested.rename_axis("feature")


def _q(rows: pd.DataFrame) -> tuple[int, float, float, float, str | None, str | None]:
    from scipy import stats

    told = rows.dropna(subset="hazard_ratio").set_index("segment").sort_index()
    n = len(told)
    if n < 2:
        return n, np.nan, np.nan, np.nan, None, None
    effects = np.log(told["hazard_ratio"])
    errors = np.log(told["high"] / told["low"]) / (2 * curves.Z)
    apart = (effects - np.average(effects, weights=errors**-2)) / errors
    q = float((apart**2).sum())
    ends = str(apart.idxmin()), str(apart.idxmax())
    return n, q, n - 1, float(stats.chi2.sf(q, n - 1)), *ends


def unlike(tested: pd.DataFrame) -> list[str]:
    """The features whose ratios differ between segments by more than chance; as `differing`."""
    return [str(name) for name in tested.index[tested["p_adjusted"] < _CLEAR]]

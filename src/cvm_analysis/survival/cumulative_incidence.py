"""Cumulative incidence of competing events: of a lead to be won or lost, of points to be used.

An event of one cause ends the row for all others: a lost lead is not censored, since it can no
longer be won. One less Kaplan-Meier with the others as censored would overstate every cause.

Sources: [1] Aalen & Johansen (1978), "An Empirical Transition Matrix for Non-homogeneous Markov
Chains Based on Censored Observations", Scandinavian Journal of Statistics 5(3), 141-150.
[2] Marubini & Valsecchi (1995), "Analysing Survival Data from Clinical Trials and Observational
Studies", Wiley, chapter 10: the variance by the delta method. With F the incidence, S the share
without any event just before t_i, n_i at risk, d_i events, of the cause e_i:

    sum (F(t) - F(t_i))^2 d_i / (n_i (n_i - d_i)) + sum S^2 (n_i - e_i) e_i / n_i^3
    - 2 sum (F(t) - F(t_i)) S e_i / n_i^2                        over the t_i up to t

Own code because lifelines moves tied times at random.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.survival import kaplan_meier

_COLUMNS = ["segment", "cause", "duration", "incidence", "low", "high", "n_at_risk"]


def cumulative_incidence(
    outcome: pd.DataFrame, groups: pd.Series | None = None, step: float = 1
) -> pd.DataFrame:
    """Estimate the share of each group with an event of each cause ([1]).

    Parameters
    ----------
    outcome : one row each; duration (any one unit), cause (a code; empty: censored); optional
        `entry`: duration from which on the row was observed (absent: 0)
    groups : each row's segment, same index; None: one segment named `all`
    step : distance of the curves' points, in the unit of duration

    Returns
    -------
    One row per segment, cause (of any segment) and point: segment, cause, duration (0, step,
    2 step, ... as far as observed), incidence, low, high (95 %, log-log of 1 - incidence, as of
    `kaplan_meier`), n_at_risk. The incidences and the share without an event sum to 1.

    Raises
    ------
    InputError : an impossible duration or entry, or a row without a segment
    """
    return _by_segment(outcome, groups, lambda rows: _grid(rows, step))


def incidence_at(
    outcome: pd.DataFrame, horizon: float, groups: pd.Series | None = None
) -> pd.DataFrame:
    """Estimate the incidences at one duration; as `cumulative_incidence`, with one point.

    Incidences of a segment that was not observed so far are empty, unless all its rows had ended.
    """
    found = _by_segment(outcome, groups, lambda rows: np.array([float(horizon)]))
    longest = _longest(outcome, groups)
    short = found["segment"].map(longest) < horizon
    found.loc[short, ["incidence", "low", "high"]] = np.nan
    return found


def _longest(outcome: pd.DataFrame, groups: pd.Series | None) -> pd.Series:
    """Longest duration at risk of each segment; infinite where nobody is left without an event."""
    segment = pd.Series("all", outcome.index) if groups is None else groups
    last = outcome["duration"].groupby(segment.to_numpy()).transform("max") == outcome["duration"]
    ended = ~(outcome["cause"].isna() & last).groupby(segment.to_numpy()).any()
    return outcome["duration"].groupby(segment.to_numpy()).max().astype(float).mask(ended, np.inf)


def aalen_johansen(outcome: pd.DataFrame, cause: str) -> pd.DataFrame:
    """Compute the incidence of one cause of one group, one row per distinct event time, in order.

    outcome : as `cumulative_incidence` takes it, checked

    Returns
    -------
    duration, n_at_risk, events (of all causes), events_of_cause, survival (without any event, just
    after that time), incidence (just after that time), variance (of the incidence, [2]).
    """
    any_event = outcome.assign(event=outcome["cause"].notna().astype(float))
    curve = kaplan_meier.product_limit(any_event)
    own = outcome.loc[outcome["cause"] == cause, "duration"]
    times, counts = np.unique(own.to_numpy(float), return_counts=True)
    e = np.zeros(len(curve))
    e[np.searchsorted(curve["duration"], times)] = counts
    n, d = (curve[name].to_numpy(float) for name in ("n_at_risk", "events"))
    before = np.concatenate([[1.0], curve["survival"].to_numpy()[:-1]])
    incidence = np.cumsum(before * e / n)
    return curve.drop(columns="variance").assign(
        events_of_cause=e, incidence=incidence, variance=_variance(n, d, e, before, incidence)
    )


def _variance(n: Array, d: Array, e: Array, before: Array, incidence: Array) -> Array:
    """The sums of [2], with (F(t) - F(t_i)) multiplied out so that they are running sums."""
    left = n - d  # where nobody is left, F no longer changes: the term is 0
    a = np.divide(d, n * left, out=np.zeros(len(n)), where=left > 0)
    b = before**2 * (n - e) * e / n**3
    c = before * e / n**2

    def running(x: Array) -> Array:
        return np.cumsum(x)

    f = incidence
    first = f**2 * running(a) - 2 * f * running(f * a) + running(f**2 * a)
    return np.maximum(first + running(b) - 2 * (f * running(c) - running(f * c)), 0.0)


def _by_segment(
    outcome: pd.DataFrame, groups: pd.Series | None, points: Callable[[pd.DataFrame], Array]
) -> pd.DataFrame:
    checked = kaplan_meier.check_outcome(
        outcome.assign(event=outcome["cause"].notna().astype(float)), outcome.index
    ).assign(cause=outcome["cause"])
    causes = sorted(outcome["cause"].dropna().unique())
    if groups is not None:
        kaplan_meier.check_groups("groups", groups, outcome.index)
    segments = ["all"] * len(checked) if groups is None else groups.to_numpy()
    tables = [
        _curve(rows, cause, points(rows)).assign(segment=segment, cause=cause)
        for segment, rows in checked.groupby(np.asarray(segments, dtype=object))
        for cause in causes
    ]
    if not tables:
        return pd.DataFrame(columns=_COLUMNS)
    return pd.concat(tables, ignore_index=True)[_COLUMNS]


def _grid(rows: pd.DataFrame, step: float) -> Array:
    begin, observed = kaplan_meier.observed_range(rows)
    points = np.arange(0, observed["duration"].max() + step * 1e-9, step)
    return points[points >= begin]


def _curve(rows: pd.DataFrame, cause: str, points: Array) -> pd.DataFrame:
    _, observed = kaplan_meier.observed_range(rows)
    found = aalen_johansen(observed, cause)
    place = np.searchsorted(found["duration"], points, side="right")
    incidence = np.concatenate([[0.0], found["incidence"]])[place]
    variance = np.concatenate([[0.0], found["variance"]])[place]
    low, high = _log_log(incidence, variance)
    return pd.DataFrame(
        {
            "duration": points,
            "incidence": incidence,
            "low": low,
            "high": high,
            "n_at_risk": kaplan_meier.at_risk(observed, points),
        }
    )


def _log_log(incidence: Array, variance: Array) -> tuple[Array, Array]:
    """95 % interval on the scale of log(-log(1 - F)); that of `kaplan_meier` where one cause is."""
    rest = 1 - incidence
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.exp(kaplan_meier.Z * np.sqrt(variance) / (rest * np.abs(np.log(rest))))
        low, high = 1 - rest ** (1 / reach), 1 - rest**reach
    return np.where(incidence == 0, 0.0, low), np.where(incidence == 0, 0.0, high)

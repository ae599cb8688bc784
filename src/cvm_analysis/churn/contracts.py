"""When contracts end. The end is observed, so the forecast is a probability of ending.

A hazard ratio above 1: the contract ends sooner. Ratios do not shrink as those of no purchase do
(see `survival.cox`), except by unobserved differences between contracts: those likely to end leave
first, and a planted ratio of 2.0 came out as 1.65.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.errors import FitError, InputError
from cvm_analysis.minimum_data import Note
from cvm_analysis.survival import cox as cox_model
from cvm_analysis.survival import kaplan_meier, logrank, weibull_aft

PART = "contracts"
DAYS = (90, 180, 365)
_MIN_LONGEST, _MOST_ENDED = 10, 0.9  # of the contracts of the longest duration; see `_inverted`
_MAX_GROUPS = 5  # a feature with more values is not compared by log-rank test
_NO_HAZARDS = pd.DataFrame(columns=["hazard_ratio", "low", "high"])
_NO_TIMES = pd.DataFrame(columns=["time_ratio", "low", "high"])


class Study(NamedTuple):
    """How long contracts last, what shortens them, and which may end next; `study` makes one."""

    spans: pd.DataFrame  # one row per contract, as `durations` returns
    hazards: pd.DataFrame  # hazard ratios of ending, as `Cox.hazards`; empty: no model
    p_end: pd.DataFrame  # one row per customer with a running contract, columns of contract_churn
    notes: list[Note]
    times: pd.DataFrame  # time ratios, as `Aft.times`; empty: no model
    compared: pd.DataFrame  # as `compare` returns
    cox: cox_model.Cox | None
    aft: weibull_aft.Aft | None


def study(contracts: pd.DataFrame, as_of: dt.date, first_day: dt.date | None = None) -> Study:
    """Analyse all contracts known on a day; a note names what the data do not support.

    contracts : one row per contract, columns of table `contracts`, and numbers known at the start.
        Of several running contracts of a customer the one most likely to end counts.
    first_day : as for `durations`
    """
    known = contracts[pd.to_datetime(contracts["started_on"]) <= pd.Timestamp(as_of)]
    spans, notes = durations(known, as_of, first_day)
    filled = features(known.loc[spans.index])
    running = spans.index[spans["event"] == 0]
    tenure = spans.loc[running, "duration"]
    cox = aft = None
    if spans["event"].any():
        cox, aft, more = _models(filled, spans)
        ends = (
            p_end(cox, filled.loc[running], tenure) if cox else p_end_without_model(spans, tenure)
        )
        notes += more + _limits(spans, ends)
    else:
        notes += [Note(PART, "no_contract_ended", float(len(spans)))] if len(spans) else []
        ends = pd.DataFrame(index=running, columns=[f"p_end_{h}d" for h in DAYS], dtype=float)
    customers = spans["customer_id"].reindex(ends.index)
    return Study(
        spans=spans,
        hazards=cox.hazards if cox else _NO_HAZARDS,
        p_end=ends.groupby(customers).max().rename_axis("customer_id"),
        notes=notes,
        times=aft.times if aft else _NO_TIMES,
        compared=compare(_numbers(known.loc[spans.index]), spans),
        cox=cox,
        aft=aft,
    )


def compare(features: pd.DataFrame, spans: pd.DataFrame) -> pd.DataFrame:
    """Compare durations by each feature with two to five values (log-rank test, Holm).

    features : one row per contract of `spans`; rows where the feature is empty are left out

    One row per feature: feature, chisq, df, p, p_adjusted; see `logrank.logrank`.
    """
    few = [name for name in features if 2 <= features[name].nunique() <= _MAX_GROUPS]
    known = {name: features[name].dropna() for name in few}
    found = [(name, *logrank.logrank(spans.loc[v.index], v)) for name, v in known.items()]
    table = pd.DataFrame(found, columns=["feature", *logrank.LogRank._fields])
    return table.assign(p_adjusted=logrank.holm(table["p"]))


def features(known: pd.DataFrame) -> pd.DataFrame:
    """Select the numbers of each contract; an empty one becomes the median, 0 if all are empty."""
    numbers = _numbers(known)
    return numbers.fillna(numbers.median()).fillna(0.0)


def _numbers(known: pd.DataFrame) -> pd.DataFrame:
    numbers = known.select_dtypes("number").drop(columns="tenure", errors="ignore")
    return numbers.astype(float).replace([np.inf, -np.inf], np.nan)


def _models(
    features: pd.DataFrame, spans: pd.DataFrame
) -> tuple[cox_model.Cox | None, weibull_aft.Aft | None, list[Note]]:
    """Cox's model, and Weibull's with the features that Cox's kept; notes of what is left out."""
    try:
        cox = fit(features, spans)
    except FitError:
        return None, None, [Note(PART, "contracts_without_model", float(spans["event"].sum()))]
    n_dropped = len(cox.dropped)
    notes = [Note(PART, "contract_features_left_out", float(n_dropped))] if n_dropped else []
    try:
        return cox, weibull_aft.fit(features[list(cox.means.index)], spans), notes
    except FitError:
        return cox, None, [*notes, Note(PART, "no_time_ratios")]


def _limits(spans: pd.DataFrame, ends: pd.DataFrame) -> list[Note]:
    """Notes where no contract runs, none has run for long enough, or none was observed young."""
    notes = []
    if ends.empty:
        notes.append(Note(PART, "all_contracts_ended", float(len(spans))))
    too_long = [h for h in DAYS if len(ends) and ends[f"p_end_{h}d"].isna().all()]
    if too_long:
        longest = float(spans["duration"].max())
        notes.append(Note(PART, "horizon_beyond_contracts", longest, float(too_long[0])))
    begin, _ = kaplan_meier.observed_range(spans)
    if begin > 0:
        notes.append(Note(PART, "curve_starts_late", begin))
    return notes + _inverted(spans)


def _inverted(spans: pd.DataFrame) -> list[Note]:
    """Note that nearly all of the longest contracts ended, as where the status is inverted.

    Contracts of the longest duration are usually those that still run; only of a fixed term do all
    end there.
    """
    longest = spans[spans["duration"] == spans["duration"].max()]
    n_ended = int(longest["event"].sum())
    if len(longest) < _MIN_LONGEST or n_ended < _MOST_ENDED * len(longest):
        return []
    return [Note(PART, "longest_contracts_ended", float(n_ended), float(len(longest)))]


def durations(
    contracts: pd.DataFrame, as_of: dt.date, first_day: dt.date | None = None
) -> tuple[pd.DataFrame, list[Note]]:
    """Compute how long each contract that had started by `as_of` has lasted, as known that day.

    Parameters
    ----------
    contracts : one row per contract: customer_id, started_on, ended_on (empty: running); an end
        after `as_of` is not yet known. Where there is observed_from, the contract is observed from
        that day on: it is known only because it lasted until then (late entry), and without this
        such contracts would seem to last too long
    as_of : the last day that counts
    first_day : the day the records start, for contracts without observed_from; None: all are known
        from their start. If no contract ended before it, those that started before it are observed
        from it on. If some ended before it, all are known from their start

    Returns
    -------
    One row per contract, same index: customer_id, duration (days, 0 or more), event (1: ended);
    with late entry also `entry`, the days before observation. And notes: `zero_durations` counts
    contracts of less than a day (kept), `seen_late` those with late entry, `ended_unobserved` those
    left out because they had ended before they would have been observed.

    Raises
    ------
    InputError : no start, or an end before it, or records that start after `as_of`
    """
    start, end = (pd.to_datetime(contracts[name]) for name in ("started_on", "ended_on"))
    bad = start.isna() | (end < start)
    if bad.any():
        raise InputError(
            f"contracts: {bad.sum():,} of {len(contracts):,} have no started_on or end before it "
            f"(the first: {contracts['customer_id'][bad].iloc[0]}); correct them"
        )
    if first_day is not None and first_day > as_of:
        raise InputError(f"contracts: the records start on {first_day}, after {as_of}")
    day = pd.Timestamp(as_of)
    started, ended = start <= day, end <= day
    spans = pd.DataFrame(
        {
            "customer_id": contracts["customer_id"],
            "duration": (end.where(ended, day) - start).dt.days,
            "event": ended.astype(int),
        }
    )
    entry = _entry(contracts, start, end, first_day)
    unobserved = started & (entry > 0) & (entry >= spans["duration"])
    kept = started & ~unobserved
    late = int((entry[kept] > 0).sum())
    spans = (spans.assign(entry=entry) if late else spans)[kept]
    counts = {
        "zero_durations": int((spans["duration"] == 0).sum()),
        "seen_late": late,
        "ended_unobserved": int(unobserved.sum()),
    }
    return spans, [Note(PART, code, n) for code, n in counts.items() if n]


def _entry(
    contracts: pd.DataFrame, start: pd.Series, end: pd.Series, first_day: dt.date | None
) -> pd.Series:
    """Days each contract had lasted before it was observed; 0: observed from its start.

    An end on the first day is in the records, so observation starts on the day before.
    """
    entry = pd.Series(0, start.index)
    if first_day is not None and not (end < pd.Timestamp(first_day)).any():
        entry = ((pd.Timestamp(first_day) - start).dt.days - 1).clip(lower=0)
    if "observed_from" not in contracts:
        return entry
    declared = pd.to_datetime(contracts["observed_from"])
    return (declared - start).dt.days.clip(lower=0).fillna(entry).astype(int)


def fit(features: pd.DataFrame, spans: pd.DataFrame) -> cox_model.Cox:
    """Fit Cox's model to the time until contracts end.

    features : one row per contract of `spans`, numbers known at its start; later ones would leak
        the future. Errors and `dropped` as for `cox.fit`
    spans : as `durations` returns; errors are clustered if a customer has several contracts
    """
    customers = spans.get("customer_id")
    several = customers is not None and customers.duplicated().any()
    return cox_model.fit(features, spans, customers if several else None)


def p_end(
    model: cox_model.Cox | weibull_aft.Aft,
    features: pd.DataFrame,
    tenure: pd.Series,
    days: Sequence[int] = DAYS,
) -> pd.DataFrame:
    """Forecast the probability that a running contract ends within h: 1 - S(t + h) / S(t).

    tenure : t, in the unit the model was fitted in

    Returns
    -------
    Index of `features`; columns p_end_<h>d, in [0, 1], rising with h; by Cox's model empty where
    t + h is longer than any observed contract.
    """
    return _ends(model.survival(features, days, after=tenure), days)


def p_end_without_model(
    spans: pd.DataFrame, tenure: pd.Series, days: Sequence[int] = DAYS
) -> pd.DataFrame:
    """Forecast as `p_end`, by tenure alone (Kaplan-Meier)."""
    begin, observed = kaplan_meier.observed_range(kaplan_meier.check_outcome(spans, spans.index))
    times = np.add.outer(tenure.to_numpy(float), np.array([0, *days], dtype=float))
    found = kaplan_meier.survival_at(kaplan_meier.product_limit(observed), times)
    found[(times < begin) | (times > observed["duration"].max())] = np.nan
    start = np.where(found[:, :1] > 0, found[:, :1], np.nan)
    return _ends(pd.DataFrame(found[:, 1:] / start, tenure.index), days)


def _ends(survival: pd.DataFrame, days: Sequence[int]) -> pd.DataFrame:
    return (1 - survival).set_axis([f"p_end_{h}d" for h in days], axis=1)

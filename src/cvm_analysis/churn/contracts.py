"""When contracts end: here the event is seen, and a probability of ending means what it says.

A ratio above 1 means the contract ends sooner. Silence as the event would shrink ratios (see
`survival`); the day a contract ends does not. Contracts that differ in ways no feature tells still
do: with such differences a planted ratio of 2.0 came out as 1.65, for whoever is likely to leave is
gone first.
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
_FEW = 5  # values up to which the values of a feature are groups of contracts


class Study(NamedTuple):
    """What the contracts say: how long they last, what makes them end, which may end next."""

    spans: pd.DataFrame  # one row per contract, as `durations` gives
    hazards: pd.DataFrame  # hazard ratios of ending, as survival.Cox has them; empty: no model
    p_end: pd.DataFrame  # one row per customer with a running contract, columns of contract_churn
    notes: list[Note]
    times: pd.DataFrame  # time ratios beside the hazard ratios, as accelerated.Aft; empty: no model
    compared: pd.DataFrame  # log-rank test of each feature of few values, as `compare` gives
    cox: cox_model.Cox | None
    aft: weibull_aft.Aft | None


def study(contracts: pd.DataFrame, as_of: dt.date, first_day: dt.date | None = None) -> Study:
    """Study all contracts known on a day; what is too little for a model goes without, with a note.

    contracts : one row per contract: customer_id, started_on, ended_on, and numbers known at the
        start; no rows where the business has none. Of several running contracts of one customer
        the one most likely to end counts, and errors are clustered by customer.
    first_day : as for `durations`
    """
    known = contracts[pd.to_datetime(contracts["started_on"]) <= pd.Timestamp(as_of)]
    spans, notes = durations(known, as_of, first_day)
    told = features(known)
    running = spans.index[spans["event"] == 0]
    tenure, ended = spans.loc[running, "duration"], int(spans["event"].sum())
    cox = aft = None
    compared = compare(_numbers(known), spans)
    if not ended:
        notes += [Note(PART, "no_contract_ended", float(len(spans)))] if len(spans) else []
        ends = no_probability(running)
    else:
        cox, aft, more = _models(told, spans)
        notes += more
        ends = p_end(cox, told.loc[running], tenure) if cox else p_end_without_model(spans, tenure)
        notes += _unseen(spans, ends)
    hazards = _NO_HAZARDS if cox is None else cox.hazards
    times = _NO_TIMES if aft is None else aft.times
    return Study(spans, hazards, _by_customer(ends, spans), notes, times, compared, cox, aft)


def compare(features: pd.DataFrame, spans: pd.DataFrame) -> pd.DataFrame:
    """Log-rank test of each feature that has up to five values, adjusted for their number (Holm).

    features : one row per contract of `spans`; where one is not known the contract takes no part

    One row per feature: feature, chisq, df, p, p_adjusted; see `groups.logrank`.
    """
    few = [name for name in features if 2 <= features[name].nunique() <= _FEW]
    known = {name: features[name].dropna() for name in few}
    found = [(name, *logrank.logrank(spans.loc[v.index], v)) for name, v in known.items()]
    table = pd.DataFrame(found, columns=["feature", *logrank.LogRank._fields])
    return table.assign(p_adjusted=logrank.holm(table["p"]))


def no_probability(running: pd.Index) -> pd.DataFrame:
    """No probability for anyone: there is nothing to take it from."""
    return pd.DataFrame(index=running, columns=[f"p_end_{h}d" for h in DAYS], dtype=float)


def features(known: pd.DataFrame) -> pd.DataFrame:
    """The numbers of each contract; an unknown one is the median, 0 where nobody knows any."""
    numbers = _numbers(known)
    return numbers.fillna(numbers.median()).fillna(0.0)


def _numbers(known: pd.DataFrame) -> pd.DataFrame:
    return known.select_dtypes("number").astype(float).replace([np.inf, -np.inf], np.nan)


def _models(
    features: pd.DataFrame, spans: pd.DataFrame
) -> tuple[cox_model.Cox | None, weibull_aft.Aft | None, list[Note]]:
    """Cox's model, and Weibull's of the features that it could keep; notes of what is left out."""
    try:
        cox = fit(features, spans)
    except FitError:
        return None, None, [Note(PART, "contracts_without_model", float(spans["event"].sum()))]
    left = len(cox.dropped)
    notes = [Note(PART, "contract_features_left_out", float(left))] if left else []
    try:
        return cox, weibull_aft.fit(features[list(cox.means.index)], spans), notes
    except FitError:
        return cox, None, [*notes, Note(PART, "no_time_ratios")]


def _unseen(spans: pd.DataFrame, ends: pd.DataFrame) -> list[Note]:
    """What nothing can be said about: the next contract to end, long horizons, young contracts."""
    notes = []
    if ends.empty:
        notes.append(Note(PART, "all_contracts_ended", float(len(spans))))
    nobody = [h for h in DAYS if len(ends) and ends[f"p_end_{h}d"].isna().all()]
    if nobody:
        longest = float(spans["duration"].max())
        notes.append(Note(PART, "horizon_beyond_contracts", longest, float(nobody[0])))
    begin, _ = kaplan_meier.observed_range(spans)
    if begin > 0:
        notes.append(Note(PART, "curve_starts_late", begin))
    return notes


def _by_customer(ends: pd.DataFrame, spans: pd.DataFrame) -> pd.DataFrame:
    return ends.groupby(spans["customer_id"].reindex(ends.index)).max().rename_axis("customer_id")


_NO_HAZARDS = pd.DataFrame(columns=["hazard_ratio", "low", "high"])
_NO_TIMES = pd.DataFrame(columns=["time_ratio", "low", "high"])


def durations(
    contracts: pd.DataFrame, as_of: dt.date, first_day: dt.date | None = None
) -> tuple[pd.DataFrame, list[Note]]:
    """How long each contract that had begun by `as_of` has lasted, as was known that day.

    Parameters
    ----------
    contracts : one row per contract: customer_id, started_on, ended_on (empty: running); an end
        later than `as_of` is not yet known
    as_of : the last day that counts
    first_day : the day the records begin. Where no contract ended before it, those that began
        before it are known only because they had lasted until then: counted from their start they
        would seem to last too long, so they are watched from that day on (late entry). Where some
        did end before it, the contracts are known from further back, and all from their start.
        None: all are known from their start

    Returns
    -------
    One row per contract, same index: customer_id, duration (days, 0 or more), event (1: ended);
    with late entry also `entry`, the days it had lasted before it was watched. And notes:
    `zero_durations` counts contracts of less than a day; they are kept, those running say nothing
    yet, those ended count as ended. `seen_late` counts contracts that were seen late.

    Raises
    ------
    InputError : no start, or an end before it, or records that begin after `as_of`
    """
    start, end = (pd.to_datetime(contracts[name]) for name in ("started_on", "ended_on"))
    bad = start.isna() | (end < start)
    if bad.any():
        raise InputError(
            f"contracts: {bad.sum():,} of {len(contracts):,} have no started_on or end before it "
            f"(the first: {contracts['customer_id'][bad].iloc[0]}); correct them"
        )
    if first_day is not None and first_day > as_of:
        raise InputError(f"contracts: the records begin on {first_day}, after {as_of}")
    day = pd.Timestamp(as_of)
    begun, ended = start <= day, end <= day
    spans = pd.DataFrame(
        {
            "customer_id": contracts["customer_id"],
            "duration": (end.where(ended, day) - start).dt.days,
            "event": ended.astype(int),
        }
    )
    entry = _entry(start, end, first_day)
    late = int((entry[begun] > 0).sum())
    spans = (spans.assign(entry=entry) if late else spans)[begun]
    return spans, _zero(spans) + ([Note(PART, "seen_late", late)] if late else [])


def _entry(start: pd.Series, end: pd.Series, first_day: dt.date | None) -> pd.Series:
    """The days each contract had lasted on the eve of the records; 0 where it is known throughout.

    One that ended on the first day was seen to end, so watching begins on the day before.
    """
    if first_day is None or (end < pd.Timestamp(first_day)).any():
        return pd.Series(0, start.index)
    return ((pd.Timestamp(first_day) - start).dt.days - 1).clip(lower=0)


def durations_from_tenure(tenure: pd.Series, ended: pd.Series) -> tuple[pd.DataFrame, list[Note]]:
    """The same from a table that only says how long and whether: tenure (any one unit), ended.

    Returns one row per contract, same index: duration, event; and the note of `durations`.
    """
    if tenure.isna().any() or (tenure < 0).any() or ended.isna().any():
        raise InputError(
            f"{(~(tenure >= 0) | ended.isna()).sum():,} of {len(tenure):,} contracts have no "
            "tenure of 0 or more, or do not say whether they ended; correct them"
        )
    spans = pd.DataFrame({"duration": tenure, "event": ended.astype(int)})
    return spans, _zero(spans)


def fit(features: pd.DataFrame, spans: pd.DataFrame) -> cox_model.Cox:
    """Fit Cox's model (Efron ties, no penalty) to the time until contracts end.

    features : one row per contract of `spans`, numbers known when it began; what became known or
        changed later looks into the future. Errors and `dropped` as for `survival.fit`.
    spans : as `durations` or `durations_from_tenure` give; where a customer has several contracts
        the errors are clustered by customer
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
    """Probability that a running contract ends within h, given how long it has lasted.

    1 - S(t + h) / S(t) at the contract's tenure t, in the unit the model was fitted in.

    Returns
    -------
    Index of `features`; columns p_end_<h>d, in [0, 1], rising with h; of Cox's model empty where
    t + h is longer than any contract observed.
    """
    return _ends(model.survival(features, days, after=tenure), days)


def p_end_without_model(
    spans: pd.DataFrame, tenure: pd.Series, days: Sequence[int] = DAYS
) -> pd.DataFrame:
    """The same where contracts are too few for a model: all alike but for tenure (Kaplan-Meier)."""
    begin, seen = kaplan_meier.observed_range(kaplan_meier.check_outcome(spans, spans.index))
    times = np.add.outer(tenure.to_numpy(float), np.array([0, *days], dtype=float))
    found = kaplan_meier.survival_at(kaplan_meier.product_limit(seen), times)
    found[(times < begin) | (times > seen["duration"].max())] = np.nan
    start = np.where(found[:, :1] > 0, found[:, :1], np.nan)
    return _ends(pd.DataFrame(found[:, 1:] / start, tenure.index), days)


def _ends(survival: pd.DataFrame, days: Sequence[int]) -> pd.DataFrame:
    return (1 - survival).set_axis([f"p_end_{h}d" for h in days], axis=1)


def _zero(spans: pd.DataFrame) -> list[Note]:
    count = int((spans["duration"] == 0).sum())
    return [Note(PART, "zero_durations", count)] if count else []

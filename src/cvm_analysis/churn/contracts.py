"""When contracts end: here the event is seen, and a probability of ending means what it says.

A ratio above 1 means the contract ends sooner. Silence as the event would shrink ratios (see
`survival`); the day a contract ends does not. Contracts that differ in ways no feature tells still
do: with such differences a planted ratio of 2.0 came out as 1.51, for whoever is likely to leave is
gone first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.churn import curves, survival
from cvm_analysis.errors import FitError, InputError
from cvm_analysis.least_data import Note

DAYS = (90, 180, 365)


class Study(NamedTuple):
    """What the contracts say: how long they last, what makes them end, which may end next."""

    spans: pd.DataFrame  # one row per contract: customer_id, duration (days), event
    hazards: pd.DataFrame  # hazard ratios of ending, as survival.Cox has them; empty: no model
    p_end: pd.DataFrame  # one row per customer with a running contract, columns of contract_churn
    notes: list[Note]


def study(contracts: pd.DataFrame, as_of: dt.date) -> Study:
    """Study all contracts known on a day; what is too little for a model goes without, with a note.

    contracts : one row per contract: customer_id, started_on, ended_on, and numbers known at the
        start; no rows where the business has none. Of several running contracts of one customer
        the one most likely to end counts.
    """
    known = contracts[pd.to_datetime(contracts["started_on"]) <= pd.Timestamp(as_of)]
    spans, notes = durations(known, as_of)
    numbers = known.select_dtypes("number").astype(float)
    features = numbers.fillna(numbers.median())
    running = spans.index[spans["event"] == 0]
    tenure = spans.loc[running, "duration"]
    if spans.empty:
        return Study(spans, _NO_HAZARDS, _by_customer(p_none(running), spans), notes)
    try:
        model = fit(features, spans)
    except FitError:
        notes = [*notes, Note("contracts", "contracts_without_model", float(spans["event"].sum()))]
        return Study(spans, _NO_HAZARDS, _by_customer(p_end_alike(spans, tenure), spans), notes)
    ends = p_end(model, features.loc[running], tenure)
    return Study(spans, model.hazards, _by_customer(ends, spans), notes)


def p_none(running: pd.Index) -> pd.DataFrame:
    """No probability for anyone: there is nothing to take it from."""
    return pd.DataFrame(index=running, columns=[f"p_end_{h}d" for h in DAYS], dtype=float)


def _by_customer(ends: pd.DataFrame, spans: pd.DataFrame) -> pd.DataFrame:
    return ends.groupby(spans["customer_id"].reindex(ends.index)).max().rename_axis("customer_id")


_NO_HAZARDS = pd.DataFrame(columns=["hazard_ratio", "low", "high"])


def durations(contracts: pd.DataFrame, as_of: dt.date) -> tuple[pd.DataFrame, list[Note]]:
    """How long each contract that had begun by `as_of` has lasted, as was known that day.

    Parameters
    ----------
    contracts : one row per contract: customer_id, started_on, ended_on (empty: running); an end
        later than `as_of` is not yet known
    as_of : the last day that counts

    Returns
    -------
    One row per contract, same index: customer_id, duration (days, 0 or more), event (1: ended).
    And a note `zero_durations` that counts contracts of less than a day; they are kept, those
    running say nothing yet, those ended count as ended.

    Raises
    ------
    InputError : no start, or an end before it
    """
    start, end = (pd.to_datetime(contracts[name]) for name in ("started_on", "ended_on"))
    bad = start.isna() | (end < start)
    if bad.any():
        raise InputError(
            f"contracts: {bad.sum():,} of {len(contracts):,} have no started_on or end before it "
            f"(the first: {contracts['customer_id'][bad].iloc[0]}); correct them"
        )
    day = pd.Timestamp(as_of)
    begun, ended = start <= day, end <= day
    spans = pd.DataFrame(
        {
            "customer_id": contracts["customer_id"],
            "duration": (end.where(ended, day) - start).dt.days,
            "event": ended.astype(int),
        }
    )[begun]
    return spans, _zero(spans)


def of_tenure(tenure: pd.Series, ended: pd.Series) -> tuple[pd.DataFrame, list[Note]]:
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


def kaplan_meier(
    spans: pd.DataFrame, groups: pd.Series | None = None, step: float = 1
) -> pd.DataFrame:
    """The share of contracts still running, by how long they lasted; see `curves.kaplan_meier`.

    One row per segment and duration: segment, duration, survival, low, high, n_at_risk.
    """
    return curves.kaplan_meier(spans, groups, step)


def fit(features: pd.DataFrame, spans: pd.DataFrame) -> survival.Cox:
    """Fit Cox's model (Efron ties, no penalty) to the time until contracts end.

    features : one row per contract of `spans`, numbers known when it began; what became known or
        changed later looks into the future. Errors and `dropped` as for `survival.fit`.
    """
    return survival.fit(features, spans)


def p_end(
    model: survival.Cox, features: pd.DataFrame, tenure: pd.Series, days: Sequence[int] = DAYS
) -> pd.DataFrame:
    """Probability that a running contract ends within h, given how long it has lasted.

    1 - S(t + h) / S(t) at the contract's tenure t, in the unit the model was fitted in.

    Returns
    -------
    Index of `features`; columns p_end_<h>d, in [0, 1], rising with h; empty where t + h is longer
    than any contract observed.
    """
    return _ends(model.survival(features, days, after=tenure), days)


def p_end_alike(spans: pd.DataFrame, tenure: pd.Series, days: Sequence[int] = DAYS) -> pd.DataFrame:
    """The same where contracts are too few for a model: all alike but for tenure (Kaplan-Meier)."""
    from lifelines import KaplanMeierFitter

    km = KaplanMeierFitter().fit(spans["duration"], spans["event"])
    times = np.add.outer(tenure.to_numpy(float), np.array([0, *days], dtype=float))
    found = km.predict(times.ravel()).to_numpy().reshape(times.shape)
    found[times > spans["duration"].max()] = np.nan
    start = np.where(found[:, :1] > 0, found[:, :1], np.nan)
    return _ends(pd.DataFrame(found[:, 1:] / start, tenure.index), days)


def _ends(survival: pd.DataFrame, days: Sequence[int]) -> pd.DataFrame:
    return (1 - survival).set_axis([f"p_end_{h}d" for h in days], axis=1)


def _zero(spans: pd.DataFrame) -> list[Note]:
    count = int((spans["duration"] == 0).sum())
    return [Note("contracts", "zero_durations", count)] if count else []

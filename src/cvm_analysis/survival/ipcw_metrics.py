"""How good forecasts of an ending are when some were lost sight of before it could be observed.

Whoever is censored before a time is neither an ending nor a survivor of it. Those who were watched
long enough stand in for them: each ending by the time, and each still running then, weighs
1 / G, where G is the probability of still being watched that long (Kaplan-Meier of the censoring,
in the training outcome). This holds if censoring has nothing to do with the forecast. At equal
durations endings come before censorings, and G(t) counts the censorings at t as gone, as
scikit-survival has it.

Sources: Uno, Cai, Tian & Wei (2007), "Evaluating Prediction Rules for t-Year Survivors with
Censored Regression Models", JASA 102, 527-537. Graf, Schmoor, Sauerbrei & Schumacher (1999),
"Assessment and Comparison of Prognostic Classification Schemes for Survival Data", Statistics in
Medicine 18, 2529-2545.

lifelines has no such scores. scikit-survival has, to 6e-15 the same (benchmarks/churn_metrics.py);
they are taken here because it is under the GPL, which a package under the MIT licence must not ask
for.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Bools
from cvm_analysis.errors import InputError
from cvm_analysis.survival import kaplan_meier


def score(
    survival: Mapping[str, pd.DataFrame], outcome: pd.DataFrame, training: pd.DataFrame
) -> pd.DataFrame:
    """How good each forecast of survival was, all times together.

    Parameters
    ----------
    survival : model -> probability of lasting longer than t, one row per contract and one column
        per time t, named by it (unit of duration); not from a model that has observed these outcomes
    outcome : one row per contract, same index, any order; duration (0 or more), event (1: ended)
    training : outcome of the contracts that the models were fitted to; the censoring's source

    Returns
    -------
    One row per model and metric: model, metric, value.
        n_contracts, n_ended : counts
        mean_auc : AUC(t) weighted by how many end near t; 0.5 is guessing
        integrated_brier : Brier(t) averaged from the first time to the last; the lower, the better

    Raises
    ------
    InputError : as for `auc`
    """
    table = score_by_time(survival, outcome, training)
    rows = []
    for model, found in table.groupby("model", sort=False):
        values = {
            "n_contracts": len(outcome),
            "n_ended": int(outcome["event"].sum()),
            "mean_auc": mean_auc(found.set_index("time")["auc"], outcome),
            "integrated_brier": integrated_brier(found.set_index("time")["brier"]),
        }
        rows += [(model, metric, float(value)) for metric, value in values.items()]
    return pd.DataFrame(rows, columns=["model", "metric", "value"])


def score_by_time(
    survival: Mapping[str, pd.DataFrame], outcome: pd.DataFrame, training: pd.DataFrame
) -> pd.DataFrame:
    """How good each forecast was at each time; arguments as for `score`.

    One row per model and time: model, time, auc, brier.
    """
    tables = [
        pd.DataFrame({"auc": auc(-p, outcome, training), "brier": brier(p, outcome, training)})
        .reset_index()
        .assign(model=model)
        for model, p in survival.items()
    ]
    columns = ["model", "time", "auc", "brier"]
    return (
        pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)
    )


def auc(risk: pd.DataFrame, outcome: pd.DataFrame, training: pd.DataFrame) -> pd.Series:
    """The chance that what ended by t had the higher risk than what lasted longer ([Uno]).

    Parameters
    ----------
    risk : one row per contract, one column per time t, named by it; the higher, the sooner the
        end. Only the order counts; equal risks count half. 1 - survival at t will do
    outcome, training : as for `score`

    Returns
    -------
    One value per time, in order of time; empty where nothing had ended yet.

    Raises
    ------
    InputError : other rows, empty values, impossible outcomes, late entry, or times that are not
        within 0 to below the longest duration, or at which nobody of the training was still watched
    """
    given, duration, weight, _ = _weighed(risk, outcome, training)
    found = {t: _auc(given[t].to_numpy(), duration, weight, t) for t in given}
    return pd.Series(found, dtype=float, name="auc").rename_axis("time")


def _auc(risk: Array, duration: Array, weight: Array, time: float) -> float:
    ended = (duration <= time) & (weight > 0)
    lasted = np.sort(risk[duration > time])
    right = np.searchsorted(lasted, risk[ended]) + np.searchsorted(lasted, risk[ended], "right")
    return (
        float(np.average(right / 2 / len(lasted), weights=weight[ended])) if any(ended) else np.nan
    )


def mean_auc(auc: pd.Series, outcome: pd.DataFrame) -> float:
    """AUC(t) averaged over the times, weighted by the share that ended since the time before.

    The shares are Kaplan-Meier's in `outcome`. NaN if nothing had ended by the last time.
    """
    still = kaplan_meier.survival_at(
        kaplan_meier.product_limit(outcome[["duration", "event"]]), auc.index.to_numpy(float)
    )
    fell = -np.diff(still, prepend=1.0)
    return float((auc * fell).sum() / fell.sum()) if fell.sum() > 0 else np.nan


def brier(survival: pd.DataFrame, outcome: pd.DataFrame, training: pd.DataFrame) -> pd.Series:
    """Mean squared error of the probability of lasting longer than t ([Graf]); lower is better.

    Arguments and errors as for `auc`, `survival` in [0, 1]; always saying 0.5 scores 0.25.

    Returns
    -------
    One value per time, in order of time.
    """
    given, duration, weight, watched = _weighed(survival, outcome, training)
    outside = int(((given < 0) | (given > 1)).sum().sum())
    if outside:
        raise InputError(f"{outside:,} of {given.size:,} forecasts of survival are not in [0, 1]")
    found = {}
    for t, p in given.items():
        ended, lasted = weight * (duration <= t), (duration > t) / watched[t]
        found[t] = float(np.mean(ended * p**2 + lasted * (1 - p) ** 2))
    return pd.Series(found, dtype=float, name="brier").rename_axis("time")


def integrated_brier(brier: pd.Series) -> float:
    """Brier(t) averaged from the first time to the last (trapezoids); of one time its own."""
    at = brier.index.to_numpy(float)
    if len(at) == 1:
        return float(brier.iloc[0])
    return float(np.trapezoid(brier.to_numpy(), at) / (at[-1] - at[0]))


def score_times(outcome: pd.DataFrame, training: pd.DataFrame, points: int = 20) -> list[float]:
    """Times to score at: even steps over the middle nine tenths of the endings in `outcome`.

    Only those that `auc` and `brier` accept; none if nothing has ended.
    """
    ended = outcome.loc[outcome["event"] == 1, "duration"].to_numpy(float)
    if not len(ended):
        return []
    first, last = float(np.quantile(ended, 0.05)), float(np.quantile(ended, 0.95))
    even = np.unique(np.linspace(first, last, points))
    return even[_within(even, outcome, training)].tolist()


def _weighed(
    forecast: pd.DataFrame, outcome: pd.DataFrame, training: pd.DataFrame
) -> tuple[pd.DataFrame, Array, Array, dict[float, float]]:
    """The forecast by time and in the order of `outcome`; durations, weights, G at each time.

    A weight is 1 / G at the end of what ended, and 0 for what was not observed to end.
    """
    _check(forecast, outcome, training)
    given = forecast.loc[outcome.index].sort_index(axis="columns").astype(float)
    duration, event = (outcome[name].to_numpy(float) for name in ("duration", "event"))
    watched = _still_watched(training, duration)
    weight = np.divide(event, watched, out=np.zeros(len(event)), where=watched > 0)
    at = _still_watched(training, given.columns.to_numpy(float))
    return given, duration, weight, dict(zip(given.columns, at, strict=True))


def _still_watched(outcome: pd.DataFrame, at: Array) -> Array:
    """Kaplan-Meier of the censoring: the share not yet censored just after each time of `at`.

    Who ends and who is censored at one time: the ends come first.
    """
    durations, row = np.unique(outcome["duration"].to_numpy(float), return_inverse=True)
    all_here = np.bincount(row)
    ended = np.bincount(row, weights=outcome["event"])
    there = all_here[::-1].cumsum()[::-1]
    left, of = all_here - ended, there - ended
    steps = np.cumprod(1 - np.divide(left, of, out=np.zeros(len(of)), where=left > 0))
    return np.concatenate([[1.0], steps])[np.searchsorted(durations, at, side="right")]


def _within(at: Array, outcome: pd.DataFrame, training: pd.DataFrame) -> Bools:
    """Whether a time can be scored: somebody lasts longer, and somebody was still watched."""
    return (
        (at >= 0)
        & (at < outcome["duration"].max())
        & (at <= training["duration"].max())
        & (_still_watched(training, at) > 0)
    )


def _check(forecast: pd.DataFrame, outcome: pd.DataFrame, training: pd.DataFrame) -> None:
    """All that is wrong, in one message."""
    wrong = []
    for name, table in (("outcome", outcome), ("training", training)):
        kaplan_meier.check_outcome(table, table.index)
        late = int((table["entry"] > 0).sum()) if "entry" in table else 0
        if late:
            wrong.append(f"{late:,} of {len(table):,} rows of the {name} were not observed from 0 on")
        elif table.empty:
            wrong.append(f"the {name} has no rows")
    others = len(outcome.index.symmetric_difference(forecast.index))
    if others or not (forecast.index.is_unique and outcome.index.is_unique):
        wrong.append(f"{others:,} rows are only in the forecast or the outcome, or some are twice")
    if forecast.isna().any(axis=None) or forecast.empty:
        wrong.append(f"{forecast.isna().sum().sum():,} of {forecast.size:,} forecasts are empty")
    at = forecast.columns.to_numpy(float)
    outside = at[~_within(at, outcome, training)]
    if len(outside):
        wrong.append(
            f"{len(outside)} of {len(at)} times ({', '.join(f'{t:g}' for t in outside[:5])}) are "
            f"outside what was watched; take times from 0 to below {outcome['duration'].max():g}, "
            f"the longest of the outcome, and {training['duration'].max():g}, of the training"
        )
    if wrong:
        raise InputError("forecasts under censoring cannot be scored: " + "; ".join(wrong))

"""AUC and Brier score of survival forecasts under censoring (IPCW).

A row censored before a time has no known outcome there. Rows observed for long enough get the
weight 1 / G instead, where G is the probability of not being censored by then (Kaplan-Meier of the
censoring, in the training outcome). This holds if censoring is independent of the forecast. Events
come before censorings at the same time.

Sources: [Uno] Uno, Cai, Tian & Wei (2007), "Evaluating Prediction Rules for t-Year Survivors with
Censored Regression Models", JASA 102, 527-537. [Graf] Graf, Schmoor, Sauerbrei & Schumacher (1999),
"Assessment and Comparison of Prognostic Classification Schemes for Survival Data", Statistics in
Medicine 18, 2529-2545.

Own code because lifelines has no such scores, and scikit-survival is under the GPL, which a package
under the MIT licence must not depend on; its scores are the same to 6e-15
(benchmarks/churn_metrics.py).
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
    """Score each forecast of survival, over all times.

    Parameters
    ----------
    survival : model -> probability of lasting longer than t, one row per contract and one column
        per time t, named by it (unit of duration); by a model that has not seen these outcomes
    outcome : one row per contract, same index; duration (0 or more), event (1: ended)
    training : outcome of the contracts the models were fitted to, for the censoring

    Returns
    -------
    One row per model and metric: model, metric, value.
        n_contracts, n_ended : counts
        mean_auc : AUC(t) weighted by how many end near t; 0.5 is guessing
        integrated_brier : Brier(t) averaged from the first time to the last; lower is better

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
    """Score each forecast at each time: model, time, auc, brier; arguments as for `score`."""
    tables = [
        pd.DataFrame({"auc": auc(-p, outcome, training), "brier": brier(p, outcome, training)})
        .reset_index()
        .assign(model=model)
        for model, p in survival.items()
    ]
    columns = ["model", "time", "auc", "brier"]
    return pd.concat(tables)[columns] if tables else pd.DataFrame(columns=columns)


def auc(risk: pd.DataFrame, outcome: pd.DataFrame, training: pd.DataFrame) -> pd.Series:
    """Compute the chance that contracts ended by t had a higher risk than those that last ([Uno]).

    Parameters
    ----------
    risk : one row per contract, one column per time t, named by it; higher: ends sooner. Ties count
        half
    outcome, training : as for `score`

    Returns
    -------
    One value per time, in order of time; empty where nothing had ended yet.

    Raises
    ------
    InputError : other rows, empty values, impossible outcomes, late entry, or times outside the
        observed range
    """
    given, duration, weight, _ = _weights(risk, outcome, training)
    found = {t: _auc(given[t].to_numpy(), duration, weight, t) for t in given}
    return pd.Series(found, dtype=float, name="auc").rename_axis("time")


def _auc(risk: Array, duration: Array, weight: Array, time: float) -> float:
    risk = round_ties(risk)
    ended = (duration <= time) & (weight > 0)
    lasted = np.sort(risk[duration > time])
    right = np.searchsorted(lasted, risk[ended]) + np.searchsorted(lasted, risk[ended], "right")
    if not any(ended):
        return np.nan
    return float(np.average(right / 2 / len(lasted), weights=weight[ended]))


def round_ties(risk: Array) -> Array:
    """Round risks to 12 significant digits before they are ranked.

    Risks that are equal but for the order of a sum differ in the last digit, from one process to
    the next; AUC counts ties half, so it would differ by far more.
    """
    size = np.abs(risk)
    digits = 11 - np.floor(np.log10(size, where=size > 0, out=np.zeros_like(size)))
    scale = 10.0 ** np.clip(digits, -300, 300)
    return np.round(risk * scale) / scale


def mean_auc(auc: pd.Series, outcome: pd.DataFrame) -> float:
    """Average AUC(t) over the times, weighted by the Kaplan-Meier share that ended since the last.

    NaN if nothing had ended by the last time.
    """
    curve = kaplan_meier.product_limit(outcome[["duration", "event"]])
    still = kaplan_meier.survival_at(curve, auc.index.to_numpy(float))
    ended = -np.diff(still, prepend=1.0)
    return float((auc * ended).sum() / ended.sum()) if ended.sum() > 0 else np.nan


def brier(survival: pd.DataFrame, outcome: pd.DataFrame, training: pd.DataFrame) -> pd.Series:
    """Compute the mean squared error of the probability of lasting longer than t ([Graf]).

    Arguments and errors as for `auc`, `survival` in [0, 1]. One value per time, in order; lower is
    better, 0.25 is always saying 0.5.
    """
    given, duration, weight, uncensored = _weights(survival, outcome, training)
    outside = int(((given < 0) | (given > 1)).sum().sum())
    if outside:
        raise InputError(f"{outside:,} of {given.size:,} forecasts of survival are not in [0, 1]")
    found = {}
    for t, p in given.items():
        ended, lasted = weight * (duration <= t), (duration > t) / uncensored[t]
        found[t] = float(np.mean(ended * p**2 + lasted * (1 - p) ** 2))
    return pd.Series(found, dtype=float, name="brier").rename_axis("time")


def integrated_brier(brier: pd.Series) -> float:
    """Average Brier(t) from the first time to the last (trapezoids); of one time its own."""
    at = brier.index.to_numpy(float)
    if len(at) == 1:
        return float(brier.iloc[0])
    return float(np.trapezoid(brier.to_numpy(), at) / (at[-1] - at[0]))


def _weights(
    forecast: pd.DataFrame, outcome: pd.DataFrame, training: pd.DataFrame
) -> tuple[pd.DataFrame, Array, Array, dict[float, float]]:
    """The forecast by time, in the order of `outcome`; durations, weights, G at each time.

    A weight is 1 / G at the end of an ended contract, else 0.
    """
    _check(forecast, outcome, training)
    given = forecast.loc[outcome.index].sort_index(axis="columns").astype(float)
    duration, event = (outcome[name].to_numpy(float) for name in ("duration", "event"))
    uncensored = _uncensored_share(training, duration)
    weight = np.divide(event, uncensored, out=np.zeros(len(event)), where=uncensored > 0)
    at = _uncensored_share(training, given.columns.to_numpy(float))
    return given, duration, weight, dict(zip(given.columns, at, strict=True))


def _uncensored_share(outcome: pd.DataFrame, at: Array) -> Array:
    """Share not yet censored just after each time (Kaplan-Meier); events come first at ties."""
    durations, row = np.unique(outcome["duration"].to_numpy(float), return_inverse=True)
    ending = np.bincount(row)
    events = np.bincount(row, weights=outcome["event"])
    at_risk = ending[::-1].cumsum()[::-1] - events
    censored = ending - events
    share = np.divide(censored, at_risk, out=np.zeros(len(at_risk)), where=censored > 0)
    steps = np.cumprod(1 - share)
    return np.concatenate([[1.0], steps])[np.searchsorted(durations, at, side="right")]


def _within(at: Array, outcome: pd.DataFrame, training: pd.DataFrame) -> Bools:
    """Whether a time can be scored: some rows last longer, and some are uncensored."""
    return (
        (at >= 0)
        & (at < outcome["duration"].max())
        & (at <= training["duration"].max())
        & (_uncensored_share(training, at) > 0)
    )


def _check(forecast: pd.DataFrame, outcome: pd.DataFrame, training: pd.DataFrame) -> None:
    """All that is wrong, in one message."""
    wrong = []
    for name, table in (("outcome", outcome), ("training", training)):
        kaplan_meier.check_outcome(table, table.index)
        late = int((table["entry"] > 0).sum()) if "entry" in table else 0
        if late:
            wrong.append(
                f"{late:,} of {len(table):,} rows of the {name} were not observed from 0 on"
            )
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
            f"outside the observed range; take times from 0 to below "
            f"{outcome['duration'].max():g}, the longest of the outcome, and "
            f"{training['duration'].max():g}, of the training"
        )
    if wrong:
        raise InputError("forecasts under censoring cannot be scored: " + "; ".join(wrong))

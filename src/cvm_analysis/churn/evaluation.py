"""Probabilities against what happened, on customers and days the model had not seen.

Which model to use is chosen as for purchases (`clv.holdout.choose`): the squared error of a
probability is Brier's score.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError

_SURE = 1e-9  # nearer to 0 or 1 than this, a probability counts as this near


def silent(outcome: pd.DataFrame, horizon_days: int) -> pd.Series:
    """1 for each customer without a purchase within the horizon after the landmark, else 0.

    outcome : duration (days), event (1: bought again), as `landmarks.outcome` gives

    Raises
    ------
    InputError : some were watched for less than the horizon
    """
    back = (outcome["event"] == 1) & (outcome["duration"] <= horizon_days)
    short = int((~back & (outcome["duration"] < horizon_days)).sum())
    if short:
        raise InputError(
            f"{short:,} of {len(outcome):,} customers were watched for less than {horizon_days} "
            "days; take an earlier landmark or a shorter horizon"
        )
    return (~back).astype(int).rename("silent")


def score(p_silent: Mapping[str, pd.Series], silent: pd.Series) -> pd.DataFrame:
    """How good each forecast of silence was.

    Parameters
    ----------
    p_silent : model -> probability of silence within the horizon, indexed by customer_id
    silent : 1 if silent, 0 if they bought, for the same customers

    Returns
    -------
    One row per model and metric: model, metric, value.
        n_customers, n_silent : counts
        auc : chance that a silent customer had the higher probability; 0.5 is guessing; empty if
            all or none were silent
        brier : mean squared error; the lower, the better
        log_loss : mean -log of what was given to what happened; the lower, the better
        calibration_slope, calibration_intercept : of a logistic regression of silence on the
            logit of the probability; ideal are 1 and 0; a slope below 1: forecasts too extreme;
            empty where forecasts or outcomes are all equal

    Raises
    ------
    InputError : no customers, other customers, or values that are no probability
    """
    rows = [
        {"model": model, "metric": metric, "value": float(value)}
        for model, p in _aligned(p_silent, silent).items()
        for metric, value in _metrics(p, silent).items()
    ]
    return pd.DataFrame(rows, columns=["model", "metric", "value"])


def calibration(p_silent: pd.Series, silent: pd.Series, bins: int = 10) -> pd.DataFrame:
    """Predicted and actual share of silence, in groups of equal size from low to high risk.

    Customers with equal probabilities share a group, so there may be fewer than `bins`.

    Returns
    -------
    One row per group: bin (1 is the lowest risk), n, predicted (mean probability), actual (share
    silent), low, high : where the share falls 95 times of 100 if every probability is right.
    """
    p = _aligned({"p_silent": p_silent}, silent)["p_silent"]
    group = np.ceil(p.rank(method="max") * bins / len(p)).astype(int)
    table = pd.DataFrame({"p": p, "silent": silent, "variance": p * (1 - p)}).groupby(group)
    n, predicted = table.size(), table["p"].mean()
    reach = 1.96 * np.sqrt(table["variance"].sum()) / n
    found = pd.DataFrame(
        {
            "n": n,
            "predicted": predicted,
            "actual": table["silent"].mean(),
            "low": (predicted - reach).clip(lower=0),
            "high": (predicted + reach).clip(upper=1),
        }
    )
    found.insert(0, "bin", range(1, len(found) + 1))
    return found.reset_index(drop=True)


def recency_rule(
    days_since_last: pd.Series, silent: pd.Series, later: pd.Series, bins: int = 10
) -> pd.Series:
    """The forecast to beat: recency alone.

    Parameters
    ----------
    days_since_last, silent : at the training landmark, and whether silence followed
    later : days_since_last of the customers to forecast, at a later landmark

    Returns
    -------
    One value per row of `later`: the share silent in its tenth of recency in training, one customer
    of the mean added to each tenth so that no share is 0 or 1.
    """
    edges = np.unique(days_since_last.quantile(np.arange(1, bins) / bins).to_numpy(float))
    group = np.searchsorted(edges, days_since_last.to_numpy(float))
    met = silent.reindex(days_since_last.index).groupby(group)
    shares = (met.sum() + silent.mean()) / (met.size() + 1)
    shares = shares.reindex(range(len(edges) + 1)).ffill().bfill().to_numpy()
    tenth = np.searchsorted(edges, later.to_numpy(float))
    return pd.Series(shares[tenth], later.index, name="recency")


def _metrics(p: pd.Series, silent: pd.Series) -> dict[str, float]:
    n, events = len(silent), int(silent.sum())
    pairs = events * (n - events)
    ranks = p.rank()[silent == 1].sum() - events * (events + 1) / 2
    inside = p.clip(_SURE, 1 - _SURE)
    given = inside.where(silent == 1, 1 - inside)
    slope, intercept = _recalibrated(inside, silent) if pairs and p.nunique() > 1 else (np.nan,) * 2
    return {
        "n_customers": n,
        "n_silent": events,
        "auc": ranks / pairs if pairs else np.nan,
        "brier": ((p - silent) ** 2).mean(),
        "log_loss": -np.log(given).mean(),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
    }


def _recalibrated(p: pd.Series, silent: pd.Series) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    logit = np.log(p / (1 - p)).to_numpy()[:, None]
    found = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(logit, silent.to_numpy())
    return float(found.coef_[0, 0]), float(found.intercept_[0])


def _aligned(p_silent: Mapping[str, pd.Series], silent: pd.Series) -> dict[str, pd.Series]:
    """The forecasts in the order of `silent`; all that is wrong in one message."""
    wrong = [] if len(silent) and silent.isin([0, 1]).all() else ["some or all outcomes are empty"]
    for model, p in p_silent.items():
        others = len(silent.index.symmetric_difference(p.index))
        if others or not p.index.is_unique:
            wrong.append(f"{model}: {others:,} customers are only in the forecast or the outcome")
        elif not p.between(0, 1).all():
            wrong.append(f"{model}: {(~p.between(0, 1)).sum():,} of {len(p):,} are not in [0, 1]")
    if wrong:
        raise InputError("forecasts of silence cannot be scored: " + "; ".join(wrong))
    return {model: p.reindex(silent.index).astype(float) for model, p in p_silent.items()}

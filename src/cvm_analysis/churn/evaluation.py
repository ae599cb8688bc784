"""Scores of forecast probabilities against outcomes the model had not seen.

Calibration slope and intercept: Cox (1958), "Two Further Applications of a Model for Binary
Regression", Biometrika 45(3/4), 562-565. This regression is fitted here rather than by
scikit-learn, whose solvers stop in the fifth digit and give no standard errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from cvm_analysis.arrays import Array
from cvm_analysis.backtest.choice import align, captured_share
from cvm_analysis.errors import InputError
from cvm_analysis.survival.ipcw_metrics import round_ties
from cvm_analysis.survival.kaplan_meier import Z

BEST_TENTH = 0.1
_MIN_P = 1e-9  # probabilities are clipped to [1e-9, 1 - 1e-9]
_MAX_ITERATIONS = 50  # of Newton's method; calibrated forecasts need about five
_MAX_STEP = 2.0
_TOLERANCE = 1e-10
_MIN_DETERMINANT = 1e-12  # of the information per row; below it there is no maximum


def score(p_no_purchase: Mapping[str, pd.Series], inactive: pd.Series) -> pd.DataFrame:
    """Score each forecast of no purchase.

    Parameters
    ----------
    p_no_purchase : model -> probability of no purchase within the horizon, indexed by customer_id
    inactive : 1 without a purchase, else 0, for the same customers

    Returns
    -------
    One row per model and metric: model, metric, value.
        n_customers, n_inactive : counts
        auc : chance that an inactive customer had the higher probability; 0.5 is guessing; empty
            if all outcomes are equal
        brier : mean squared error; lower is better
        log_loss : mean -log of the probability given to the outcome; lower is better
        top_decile_lift : inactive share in the tenth at the highest risk / inactive share of all;
            1 is no help. Ties at the edge count in part; empty if nobody was inactive
        calibration_slope, calibration_intercept : logistic regression of the outcome on the logit
            of the probability; ideal are 1 and 0; a slope below 1: forecasts too extreme
        calibration_slope_low, calibration_slope_high, and the same of the intercept : 95 %
            interval, customers being independent; all empty where there is no maximum

    Raises
    ------
    InputError : no customers, other customers, or values outside [0, 1]
    """
    rows = [
        {"model": model, "metric": metric, "value": float(value)}
        for model, p in _aligned(p_no_purchase, inactive).items()
        for metric, value in _metrics(p, inactive).items()
    ]
    return pd.DataFrame(rows, columns=["model", "metric", "value"])


def calibration(p_no_purchase: pd.Series, inactive: pd.Series, bins: int = 10) -> pd.DataFrame:
    """Compare predicted and actual share of no purchase, in equal groups from low to high risk.

    Equal probabilities share a group, so there may be fewer than `bins`.

    Returns
    -------
    One row per group: bin (1 is the lowest risk), n, predicted (mean probability), actual
    (inactive share), low, high (95 % band of the share if every probability is right).
    """
    p = _aligned({"p_no_purchase": p_no_purchase}, inactive)["p_no_purchase"]
    group = np.ceil(p.rank(method="max") * bins / len(p)).astype(int)
    table = pd.DataFrame({"p": p, "inactive": inactive, "variance": p * (1 - p)}).groupby(group)
    n, predicted = table.size(), table["p"].mean()
    reach = Z * np.sqrt(table["variance"].sum()) / n
    found = pd.DataFrame(
        {
            "n": n,
            "predicted": predicted,
            "actual": table["inactive"].mean(),
            "low": (predicted - reach).clip(lower=0),
            "high": (predicted + reach).clip(upper=1),
        }
    )
    found.insert(0, "bin", range(1, len(found) + 1))
    return found.reset_index(drop=True)


def log_score(p_no_purchase: pd.Series, inactive: pd.Series) -> pd.Series:
    """Compute the log of the probability given to each customer's outcome; 0 is best.

    p_no_purchase, inactive (1 or 0) : of the same customers, in the same order
    """
    inside = _clip(p_no_purchase)
    return np.log(inside.where(inactive == 1, 1 - inside))


def lift(p_no_purchase: pd.Series, inactive: pd.Series) -> float:
    """Compute the top-decile lift; see `score`."""
    rounded = pd.Series(round_ties(p_no_purchase.to_numpy(float)), p_no_purchase.index)
    return captured_share(rounded, inactive, BEST_TENTH) / BEST_TENTH


def recalibration(p_no_purchase: Array, inactive: Array) -> tuple[Array, Array]:
    """Regress the outcome on the logit of the probability.

    Returns
    -------
    (intercept, slope) and their standard errors; all empty where the probabilities or the outcomes
    are all equal, or the probabilities separate the outcomes
    """
    unknown = np.full(2, np.nan), np.full(2, np.nan)
    if len(np.unique(inactive)) < 2 or len(np.unique(p_no_purchase)) < 2:
        return unknown
    x = np.column_stack([np.ones(len(p_no_purchase)), logit(p_no_purchase)])
    found = regression(x, inactive)
    return unknown if found is None else (found[0], np.sqrt(np.diag(np.linalg.inv(found[1]))))


def regression(x: Array, inactive: Array, shrinkage: float = 0.0) -> tuple[Array, Array] | None:
    """Fit a logistic regression by Newton's method, starting from intercept 0 and slope 1.

    x : a column of ones, one of logits, further columns
    shrinkage : ridge penalty per row on the further columns

    Returns
    -------
    The coefficients and their information matrix, or None where there is no maximum
    """
    at = np.eye(x.shape[1])[1]
    penalty = np.diag([0.0, 0.0] + [shrinkage * len(x)] * (x.shape[1] - 2))
    for _ in range(_MAX_ITERATIONS):
        p = expit(x @ at)
        information = (x * (p * (1 - p))[:, None]).T @ x + penalty
        if not np.linalg.det(information[:2, :2]) > _MIN_DETERMINANT * len(x) ** 2:
            return None
        step = np.linalg.solve(information, x.T @ (inactive - p) - penalty @ at)
        at = at + step * min(1.0, _MAX_STEP / np.abs(step).max(initial=_MIN_P))
        if np.abs(step).max() < _TOLERANCE:
            return at, information
    return None


def logit(p: Array) -> Array:
    """Compute the log odds of probabilities, clipped to [1e-9, 1 - 1e-9]."""
    inside = _clip(p)
    return np.log(inside / (1 - inside))


def _clip(p: Any) -> Any:
    return np.clip(p, _MIN_P, 1 - _MIN_P)


def _metrics(p: pd.Series, inactive: pd.Series) -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    n, events = len(inactive), int(inactive.sum())
    found = {
        "n_customers": n,
        "n_inactive": events,
        "auc": roc_auc_score(inactive, round_ties(p.to_numpy())) if 0 < events < n else np.nan,
        "brier": ((p - inactive) ** 2).mean(),
        "log_loss": -log_score(p, inactive).mean(),
        "top_decile_lift": lift(p, inactive),
    }
    values, errors = recalibration(p.to_numpy(), inactive.to_numpy(float))
    for k, name in ((1, "slope"), (0, "intercept")):
        found[f"calibration_{name}"] = values[k]
        found[f"calibration_{name}_low"] = values[k] - Z * errors[k]
        found[f"calibration_{name}_high"] = values[k] + Z * errors[k]
    return found


def _aligned(p_no_purchase: Mapping[str, pd.Series], inactive: pd.Series) -> dict[str, pd.Series]:
    """The forecasts in the order of `inactive`; InputError if they cannot be scored."""
    given = align(p_no_purchase, inactive.where(inactive.isin([0, 1])))
    outside = {model: int((~p.between(0, 1)).sum()) for model, p in given.items()}
    wrong = [f"{m}: {n:,} of {len(inactive):,} are not in [0, 1]" for m, n in outside.items() if n]
    if wrong:
        raise InputError("churn forecasts cannot be scored: " + "; ".join(wrong))
    return given

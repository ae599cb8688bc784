"""Probabilities against what happened, on customers and days the model had not seen.

Calibration slope and intercept: Cox (1958), "Two Further Applications of a Model for Binary
Regression", Biometrika 45(3/4), 562-565. That regression is fitted here and not by scikit-learn,
whose solvers stop in the fifth digit and give no standard errors.
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
from cvm_analysis.survival.kaplan_meier import Z

BEST_TENTH = 0.1
_SURE = 1e-9  # nearer to 0 or 1 than this, a probability counts as this near
_STEPS = 50  # of Newton's method; calibrated forecasts need about five
_FARTHEST = 2.0  # one step
_NEAR = 1e-10  # a step this short is the last
_FLAT = 1e-12  # determinant of the information per row, squared, from which there is no maximum


def score(p_no_purchase: Mapping[str, pd.Series], silent: pd.Series) -> pd.DataFrame:
    """How good each forecast of silence was.

    Parameters
    ----------
    p_no_purchase : model -> probability of silence within the horizon, indexed by customer_id
    silent : 1 if silent, 0 if they bought, for the same customers

    Returns
    -------
    One row per model and metric: model, metric, value.
        n_customers, n_silent : counts
        auc : chance that a silent customer had the higher probability; 0.5 is guessing; empty if
            all or none were silent
        brier : mean squared error; the lower, the better
        log_loss : mean -log of what was given to what happened; the lower, the better
        top_decile_lift : share silent in the tenth at the highest risk / share silent of all; 1 is
            no help. Of equal probabilities at the edge each counts in part; empty if none was
            silent
        calibration_slope, calibration_intercept : of a logistic regression of silence on the
            logit of the probability; ideal are 1 and 0; a slope below 1: forecasts too extreme
        calibration_slope_low, calibration_slope_high, and the same of the intercept : where they
            lie with 95 % confidence, customers being independent; all empty where forecasts or
            outcomes are all equal, or the forecasts part the outcomes entirely

    Raises
    ------
    InputError : no customers, other customers, or values that are no probability
    """
    rows = [
        {"model": model, "metric": metric, "value": float(value)}
        for model, p in _aligned(p_no_purchase, silent).items()
        for metric, value in _metrics(p, silent).items()
    ]
    return pd.DataFrame(rows, columns=["model", "metric", "value"])


def calibration(p_no_purchase: pd.Series, silent: pd.Series, bins: int = 10) -> pd.DataFrame:
    """Predicted and actual share of silence, in groups of equal size from low to high risk.

    Customers with equal probabilities share a group, so there may be fewer than `bins`.

    Returns
    -------
    One row per group: bin (1 is the lowest risk), n, predicted (mean probability), actual (share
    silent), low, high : where the share falls 95 times of 100 if every probability is right.
    """
    p = _aligned({"p_no_purchase": p_no_purchase}, silent)["p_no_purchase"]
    group = np.ceil(p.rank(method="max") * bins / len(p)).astype(int)
    table = pd.DataFrame({"p": p, "silent": silent, "variance": p * (1 - p)}).groupby(group)
    n, predicted = table.size(), table["p"].mean()
    reach = Z * np.sqrt(table["variance"].sum()) / n
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


def log_score(p_no_purchase: pd.Series, silent: pd.Series) -> pd.Series:
    """Log of the probability given to what happened, customer by customer; 0 is the best.

    p_no_purchase, silent : of the same customers, in the same order; silent is 1 or 0
    """
    inside = _inside(p_no_purchase)
    return np.log(inside.where(silent == 1, 1 - inside))


def lift(p_no_purchase: pd.Series, silent: pd.Series) -> float:
    """Share silent in the tenth at the highest risk / share silent of all; see `score`."""
    return captured_share(p_no_purchase, silent, BEST_TENTH) / BEST_TENTH


def recalibration(p_no_purchase: Array, silent: Array) -> tuple[Array, Array]:
    """Regress silence on the logit of the probability.

    Returns
    -------
    (intercept, slope) and their standard errors; all empty where the probabilities or the outcomes
    are all equal, or the outcomes are parted by the probabilities, so that there is no maximum
    """
    unknown = np.full(2, np.nan), np.full(2, np.nan)
    if len(np.unique(silent)) < 2 or len(np.unique(p_no_purchase)) < 2:
        return unknown
    found = regression(np.column_stack([np.ones(len(p_no_purchase)), logit(p_no_purchase)]), silent)
    return unknown if found is None else (found[0], np.sqrt(np.diag(np.linalg.inv(found[1]))))


def regression(x: Array, silent: Array, drawn: float = 0.0) -> tuple[Array, Array] | None:
    """Logistic regression by Newton's method, from intercept 0 and slope 1 on.

    x : ones, logits, and whatever else shifts the odds
    drawn : weight per row that draws what else there is to nought

    Returns
    -------
    The coefficients and their information, or None where there is no maximum
    """
    at = np.eye(x.shape[1])[1]
    penalty = np.diag([0.0, 0.0] + [drawn * len(x)] * (x.shape[1] - 2))
    for _ in range(_STEPS):
        p = expit(x @ at)
        information = (x * (p * (1 - p))[:, None]).T @ x + penalty
        if not np.linalg.det(information[:2, :2]) > _FLAT * len(x) ** 2:
            return None
        step = np.linalg.solve(information, x.T @ (silent - p) - penalty @ at)
        at = at + step * min(1.0, _FARTHEST / np.abs(step).max(initial=_SURE))
        if np.abs(step).max() < _NEAR:
            return at, information
    return None


def logit(p: Array) -> Array:
    """Log odds of probabilities; nearer to 0 or 1 than 1e-9 counts as this near."""
    inside = _inside(p)
    return np.log(inside / (1 - inside))


def _inside(p: Any) -> Any:
    """Probabilities no nearer to 0 or 1 than 1e-9."""
    return np.clip(p, _SURE, 1 - _SURE)


def _metrics(p: pd.Series, silent: pd.Series) -> dict[str, float]:
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    n, events = len(silent), int(silent.sum())
    found = {
        "n_customers": n,
        "n_silent": events,
        "auc": roc_auc_score(silent, p) if 0 < events < n else np.nan,
        "brier": brier_score_loss(silent, p, labels=[0, 1]),
        "log_loss": log_loss(silent, _inside(p), labels=[0, 1]),
        "top_decile_lift": lift(p, silent),
    }
    (at, slope), errors = recalibration(p.to_numpy(), silent.to_numpy(float))
    for name, value, error in (("slope", slope, errors[1]), ("intercept", at, errors[0])):
        found[f"calibration_{name}"] = value
        found[f"calibration_{name}_low"] = value - Z * error
        found[f"calibration_{name}_high"] = value + Z * error
    return found


def _aligned(p_no_purchase: Mapping[str, pd.Series], silent: pd.Series) -> dict[str, pd.Series]:
    """The forecasts in the order of `silent`; InputError if they cannot be scored."""
    given = align(p_no_purchase, silent.where(silent.isin([0, 1])))
    outside = {model: int((~p.between(0, 1)).sum()) for model, p in given.items()}
    wrong = [f"{m}: {n:,} of {len(silent):,} are not in [0, 1]" for m, n in outside.items() if n]
    if wrong:
        raise InputError("churn forecasts cannot be scored: " + "; ".join(wrong))
    return given

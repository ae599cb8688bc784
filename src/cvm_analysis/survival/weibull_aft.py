"""Weibull's accelerated failure time model, fitted by lifelines.

A time ratio of 0.8: everything happens after 0.8 of the time. log T = intercept + features b +
error / shape, so S(t) = exp(-(t / scale)^shape) with log scale = intercept + features b. The hazard
ratio is the time ratio to the power of -shape. Beyond lifelines: checks before the fit, an exact
maximum, and durations of 0.

Source: Kalbfleisch & Prentice (2002), "The Statistical Analysis of Failure Time Data", 2nd ed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.errors import FitError, InputError
from cvm_analysis.survival import feature_selection, kaplan_meier

_MIN_EIGENVALUE = 1e-8  # of the correlations; below it features are collinear
_PRECISE = {"ftol": 1e-12, "maxiter": 1000}  # lifelines' own stops in the fifth digit


@dataclass(frozen=True)
class Aft:
    """A fitted model; `fit` makes one.

    `times` has one row per feature, strongest first, indexed by feature:
        time_ratio : of the time to the event, per step of 1; above 1: the event comes later
        low, high : its 95 % interval
        coef, std_error : logarithm of time_ratio
    """

    times: pd.DataFrame
    intercept: float  # log of the scale, in the unit of duration, where all features are 0
    shape: float  # above 1: the hazard grows with age; below 1: it falls
    n: int
    events: int
    log_likelihood: float
    aic: float
    max_duration: float  # longest observed; forecasts beyond it rest on Weibull's form

    def scale(self, features: pd.DataFrame) -> pd.Series:
        """Compute the time, in the unit of duration, by which 63 % (1 - 1/e) had the event."""
        coef = self.times["coef"]
        absent = [name for name in coef.index if name not in features]
        if absent:
            raise InputError(f"the model was fitted with {', '.join(absent)}; the data lack it")
        return np.exp(
            self.intercept + feature_selection.check_numeric(features[coef.index]) @ coef
        ).rename("scale")

    def median(self, features: pd.DataFrame) -> pd.Series:
        """Compute the time by which half of rows like each one have had the event."""
        return (self.scale(features) * np.log(2) ** (1 / self.shape)).rename("median")

    def survival(
        self, features: pd.DataFrame, ahead: Sequence[float], after: pd.Series | None = None
    ) -> pd.DataFrame:
        """Forecast S(after + h) / S(after) for each row and each h of `ahead`, as columns.

        after : how long the row has already lasted (same index); None: 0
        """
        start = 0.0 if after is None else after.reindex(features.index)
        scale = self.scale(features)
        hazard = (start / scale) ** self.shape
        return pd.DataFrame(
            {h: np.exp(hazard - ((start + h) / scale) ** self.shape) for h in ahead}, features.index
        )


def fit(features: pd.DataFrame, outcome: pd.DataFrame) -> Aft:
    """Fit by maximum likelihood.

    Parameters
    ----------
    features : one row per contract or customer, numbers known at the start; may have no columns
    outcome : same index; duration (0 or more, any one unit), event (1 or 0), optional entry:
        duration from which on the row was observed. Censored rows of duration 0 are left out; an
        event at 0 counts as half of the shortest duration above 0, since Weibull times are above 0

    Raises
    ------
    InputError : other rows in the outcome, empty values or impossible durations
    FitError : too few events, constant or collinear features, or no maximum
    """
    rows, observed = (
        feature_selection.check_numeric(features),
        kaplan_meier.check_outcome(outcome, features.index),
    )
    used = ((observed["duration"] > 0) | (observed["event"] == 1)).to_numpy()
    rows, observed = rows[used], _above_zero(observed[used])
    _check_identified(rows, observed)
    return _result(_estimate(rows, observed), rows, observed)


def _above_zero(observed: pd.DataFrame) -> pd.DataFrame:
    lasted = observed["duration"]
    return observed.assign(duration=lasted.mask(lasted == 0, lasted[lasted > 0].min() / 2))


def _check_identified(rows: pd.DataFrame, observed: pd.DataFrame) -> None:
    """FitError for fewer events than effects, and for constant or collinear features."""
    events = int(observed["event"].sum())
    if events <= rows.shape[1] + 1 or observed["duration"].nunique() < 2:
        raise FitError(
            f"{events:,} events among {len(rows):,} rows that lasted cannot identify the shape "
            f"and {rows.shape[1]} features; use more rows, fewer features, or Kaplan-Meier's curve"
        )
    same = [str(name) for name in rows if rows[name].nunique() < 2]
    alike = (
        not same and rows.shape[1] > 0 and np.linalg.eigvalsh(rows.corr()).min() < _MIN_EIGENVALUE
    )
    if same or alike:
        what = f"{', '.join(same)} do not vary" if same else "some features follow from the others"
        raise FitError(f"among {len(rows):,} rows {what}; leave them out")


def _estimate(rows: pd.DataFrame, observed: pd.DataFrame) -> Any:
    """Fit by lifelines to centred features, named by position."""
    from lifelines import WeibullAFTFitter
    from lifelines.exceptions import ConvergenceError

    names = [f"x{place}" for place in range(rows.shape[1])]
    table = (rows - rows.mean()).set_axis(names, axis=1).reset_index(drop=True)
    table[observed.columns] = observed.to_numpy()
    entry = "entry" if "entry" in observed else None
    try:
        fitter = WeibullAFTFitter().fit(
            table, "duration", "event", entry_col=entry, fit_options=_PRECISE
        )
    except (ConvergenceError, np.linalg.LinAlgError) as error:
        raise FitError(_no_maximum(rows, observed, "the likelihood grows without end")) from error
    places = [("lambda_", f"x{place}") for place in range(rows.shape[1])]
    unclear = feature_selection.unidentified(
        fitter.standard_errors_[places].set_axis(rows.columns), rows
    )
    if unclear or not np.isfinite(fitter.standard_errors_).all():
        effects = ", ".join(unclear) or "time"
        raise FitError(_no_maximum(rows, observed, f"any effect fits of {effects}"))
    return fitter


def _no_maximum(rows: pd.DataFrame, observed: pd.DataFrame, why: str) -> str:
    return (
        f"Weibull's model found no maximum on {len(rows):,} rows with "
        f"{observed['event'].sum():,.0f} events and {', '.join(map(str, rows)) or 'no features'}: "
        f"{why}; leave out some features"
    )


def _result(fitter: Any, rows: pd.DataFrame, observed: pd.DataFrame) -> Aft:
    places = [("lambda_", f"x{place}") for place in range(rows.shape[1])]
    coef = pd.Series(fitter.params_[places].to_numpy(), rows.columns)
    error = fitter.standard_errors_[places].to_numpy()
    reach = kaplan_meier.Z * error
    times = pd.DataFrame(
        {
            "time_ratio": np.exp(coef),
            "low": np.exp(coef - reach),
            "high": np.exp(coef + reach),
            "coef": coef,
            "std_error": error,
        }
    ).rename_axis("feature")
    strength = (coef * rows.std()).abs().sort_values(ascending=False, kind="stable")
    return Aft(
        times=times.loc[strength.index],
        intercept=float(fitter.params_[("lambda_", "Intercept")] - rows.mean() @ coef),
        shape=float(np.exp(fitter.params_[("rho_", "Intercept")])),
        n=len(rows),
        events=int(observed["event"].sum()),
        log_likelihood=float(fitter.log_likelihood_),
        aic=float(fitter.AIC_),
        max_duration=float(observed["duration"].max()),
    )

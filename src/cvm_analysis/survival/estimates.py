"""One maximum of Cox's partial likelihood by lifelines, and what follows from its risk sets."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.errors import FitError
from cvm_analysis.survival import (
    clustered_errors,
    kaplan_meier,
    proportional_hazards_test,
    risk_sets,
    splines,
)
from cvm_analysis.survival.risk_sets import RiskSets

_EXACT = {"step_size": 1.0, "precision": 1e-12, "r_precision": 1e-15}  # lifelines stops at 1e-7


@dataclass(frozen=True)
class Estimate:
    """The coefficients for a choice of features, splines and strata; `estimate` makes one."""

    rows: pd.DataFrame  # the features
    observed: pd.DataFrame  # the same rows: entry, duration, event, stratum
    nonlinear: splines.Knots
    coef: pd.Series  # of each term, per step of 1
    fitter: Any  # lifelines' model

    @cached_property
    def terms(self) -> pd.DataFrame:
        """The features and the spline terms of nonlinear ones, less their means."""
        return splines.terms(self.rows, self.nonlinear) - self.means

    @cached_property
    def means(self) -> pd.Series:
        """Of each term."""
        return splines.terms(self.rows, self.nonlinear).mean()

    @cached_property
    def log_hazard(self) -> Array:
        """Of each row, against the mean of all terms."""
        return self.terms.to_numpy() @ self.coef.to_numpy()

    @cached_property
    def sets(self) -> list[RiskSets]:
        """Of each stratum with an event."""
        return risk_sets.build(self.terms.to_numpy(), self.log_hazard, self.observed)

    @property
    def term_features(self) -> pd.Series:
        """The feature each term belongs to, indexed by term."""
        return splines.term_feature(self.rows, self.nonlinear)

    @cached_property
    def tested(self) -> pd.DataFrame:
        """Tests of proportional hazards, as `proportional_hazards_test.test` returns."""
        return proportional_hazards_test.test(self.sets, self.term_features, self.observed)

    def ratios(self, customers: pd.Series | None) -> pd.DataFrame:
        """One row per feature: coef (log hazard per step of 1), std_error.

        Of a nonlinear feature the mean step between its outer knots.
        """
        weights = pd.DataFrame(0.0, list(self.rows), list(self.term_features.index))
        for name in self.rows:
            weights.loc[name, name] = 1.0
            if name in self.nonlinear:
                ends = pd.DataFrame({name: [self.nonlinear[name][0], self.nonlinear[name][-1]]})
                wide = splines.terms(ends, self.nonlinear)
                weights.loc[name, wide.columns] = (wide.iloc[1] - wide.iloc[0]) / np.ptp(ends[name])
        w = weights.to_numpy()
        error = np.sqrt(np.diag(w @ self.covariance(customers) @ w.T))
        return pd.DataFrame({"coef": weights @ self.coef, "std_error": error})

    def covariance(self, customers: pd.Series | None) -> Array:
        """Of the coefficients; clustered by customer if given."""
        if customers is not None:
            return clustered_errors.covariance(self.sets, customers)
        return np.asarray(np.linalg.inv(risk_sets.total(self.sets)[1]))


def estimate(rows: pd.DataFrame, observed: pd.DataFrame, nonlinear: splines.Knots) -> Estimate:
    """Maximise Cox's partial likelihood; FitError where it has no maximum.

    rows : the features, numbers that vary within some stratum, not collinear
    observed : the same rows: entry (-inf: from the start), duration, event, stratum
    nonlinear : features with a spline, and their knots
    """
    from lifelines.exceptions import ConvergenceError, ConvergenceWarning

    table = splines.terms(rows, nonlinear).assign(
        _duration=observed["duration"], _event=observed["event"]
    )
    columns: dict[str, Any] = {}
    if observed["stratum"].nunique() > 1:
        table, columns = table.assign(_stratum=observed["stratum"]), {"strata": ["_stratum"]}
    if np.isfinite(observed["entry"]).any():
        table["_entry"], columns["entry_col"] = observed["entry"].clip(lower=-1.0), "_entry"
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "Column", ConvergenceWarning
            )  # `uninformative` drops these
            fitter = _fitter().fit(table, "_duration", "_event", **columns, fit_options=_EXACT)
    except (ConvergenceError, np.linalg.LinAlgError) as error:
        raise FitError(
            f"Cox's model found no maximum on {len(rows):,} rows with {', '.join(rows)}; leave out "
            f"some features ({str(error).splitlines()[0]})"
        ) from error
    return Estimate(rows, observed, nonlinear, fitter.params_, fitter)


def _fitter() -> Any:
    """Make lifelines' model: with our derivatives, without medians, forecasts and baseline."""
    from lifelines.fitters.coxph_fitter import SemiParametricPHFitter

    class Fitter(SemiParametricPHFitter):
        def _compute_central_values_of_raw_training_data(self, *_: Any) -> None: ...

        def predict_partial_hazard(self, rows: pd.DataFrame) -> pd.Series:
            return pd.Series(np.nan, range(len(rows)))

        def _compute_baseline_hazards(self, *_: Any) -> pd.DataFrame:
            return pd.DataFrame()

        def _choose_gradient_calculator(self, *_: Any) -> Any:
            return _derive

    return Fitter()


def _derive(
    x: pd.DataFrame,
    duration: pd.Series,
    event: pd.Series,
    _: pd.Series,
    entry: pd.Series | None,
    coef: Array,
) -> tuple[Array, Array, float]:
    """Hessian, gradient and log likelihood of a stratum, as lifelines asks for them; no weights."""
    observed = pd.DataFrame({"duration": duration, "event": event, "stratum": 0})
    observed["entry"] = -np.inf if entry is None else entry
    values = x.to_numpy()
    with np.errstate(all="ignore"):  # without a maximum steps go too far: lifelines says so
        sets = risk_sets.build(values, values @ coef, observed)
        if not sets:
            return np.zeros((len(coef), len(coef))), np.zeros(len(coef)), 0.0
        gradient, information = risk_sets.total(sets)
        return -information, gradient, sum(part.log_likelihood for part in sets)


def prepare_outcome(
    outcome: pd.DataFrame, index: pd.Index, strata: pd.Series | None
) -> tuple[pd.Index | None, pd.DataFrame]:
    """Check the outcome; return the codes of the strata, and one row each: entry, duration, event,
    stratum (a number). entry is -inf for rows observed from the start.
    """
    observed = kaplan_meier.check_outcome(outcome, index)
    entry = observed["entry"] if "entry" in observed else pd.Series(0.0, index)
    observed = observed.assign(entry=entry.where(entry > 0, -np.inf), stratum=0)
    if strata is None:
        return None, observed
    kaplan_meier.check_groups("strata", strata, index)
    code, known = pd.factorize(pd.Index(strata), sort=True)
    return known, observed.assign(stratum=code)


def hazards(ratios: pd.DataFrame, spread: pd.Series) -> pd.DataFrame:
    """Make the table `Cox.hazards`: one row per feature, strongest first.

    ratios : one row per feature: coef, std_error, further columns
    spread : the features' standard deviations
    """
    coef, error = ratios["coef"], ratios["std_error"]
    table = pd.DataFrame(
        {
            "hazard_ratio": np.exp(coef),
            "low": np.exp(coef - kaplan_meier.Z * error),
            "high": np.exp(coef + kaplan_meier.Z * error),
            "hazard_ratio_sd": np.exp(coef * spread[ratios.index]),
            **ratios,
        }
    ).rename_axis("feature")
    strength = (coef * spread[ratios.index]).abs()
    return table.loc[strength.sort_values(ascending=False, kind="stable").index]

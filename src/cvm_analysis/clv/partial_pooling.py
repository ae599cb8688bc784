"""Partial pooling for small regions: own customers plus prior data from all the others.

Forty customers do not identify five parameters. A power prior adds the others' histories to the
region's own, counted together as `kappa` customers: each with the weight kappa / (number of
others). With kappa 0 the region stands alone; a larger kappa makes it more like the rest. With
thousands of customers the region's own fit hardly changes, whatever kappa is. (Shrinking the
parameters themselves fails where one of them diverges.)

kappa is chosen at an earlier date: each fit to the histories up to that date is scored by the mean
log probability of the region's own later purchases (`predictive_distribution.log_score`), since in
use, too, the model forecasts the future of known customers. The final fit uses all data of today.
With a dozen customers 0 may look best by chance, and is then most costly: so it is no default.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.clv import histories
from cvm_analysis.errors import FitError, InputError

KAPPAS = (30.0, 100.0, 300.0, 1000.0)  # customers
DEFAULT_KAPPA = 100.0  # without an earlier date to choose by, or with too few customers


class PriorData(NamedTuple):
    """Histories of other regions, counted together as `kappa` customers."""

    others: pd.DataFrame  # one row per distinct history: x, t_x, T (weeks), n
    kappa: float

    def own_share(self, n_own: float) -> float:
        """Own customers / (own + prior), in [0, 1]."""
        return n_own / (n_own + self.kappa)


@dataclass(frozen=True)
class PooledFit:
    """A model fitted to own histories and prior data; `fit` makes one."""

    model: Any  # its n_customers, aic and bic count the prior data too
    kappa: float
    scores: pd.Series  # mean held-out score by kappa, NaN if the fit failed


def fit(
    module: Any,
    own: pd.DataFrame,
    others: pd.DataFrame,
    kappas: Sequence[float] = KAPPAS,
    score: Callable[[Any], pd.Series] | None = None,
) -> PooledFit:
    """Fit with each kappa and keep the one with the best score; of equal ones the smallest.

    Choose at an earlier date with a score; then fit to all data with that kappa and no score.

    Parameters
    ----------
    module : of a model, or its record; its `fit` takes fractional n
    own, others : one row per history: x, t_x, T (weeks), and optionally n customers who share it
        (1 if absent); others exclude the own ones and may be rounded to weeks, which is faster
    kappas : customers, 0 or more; at most the number of the others counts
    score : a fitted model -> a score of each own customer, the higher the better, on an outcome
        after the histories

    Raises
    ------
    InputError : impossible histories or kappas, or several kappas and no score
    FitError : nothing could be fitted with any kappa
    """
    if not len(kappas) or not all(0 <= kappa < np.inf for kappa in kappas):
        raise InputError(f"kappas are {list(kappas)}; give numbers of customers, 0 or more")
    if score is None and len(kappas) > 1:
        raise InputError(f"{len(kappas)} kappas and no score to choose by; give one or the other")
    n_own, n_others = (float(histories.arrays(h).n.sum()) for h in (own, others))
    models, scores = {}, {}
    for kappa in sorted({min(float(kappa), n_others) for kappa in kappas}):
        try:
            models[kappa] = module.fit(combine(own, others, kappa))
        except FitError:
            scores[kappa] = np.nan
            continue
        scores[kappa] = float(score(models[kappa]).mean()) if score else np.nan
    if not models:
        raise FitError(
            f"no fit to {n_own:,.0f} own customers with kappas {list(kappas)}; add a larger one"
        )
    best = max(models, key=lambda kappa: (scores[kappa], -kappa)) if score else next(iter(models))
    by_kappa = pd.Series(scores, name="score").rename_axis("kappa")
    return PooledFit(models[best], best, by_kappa)


def combine(own: pd.DataFrame, others: pd.DataFrame, kappa: float) -> pd.DataFrame:
    """Combine own histories and the others', weighted to count as `kappa` customers.

    One row per distinct history, sorted: x, t_x, T (weeks), n (customers, also fractions).
    """
    mine, theirs = (pd.DataFrame(histories.arrays(h)._asdict()) for h in (own, others))
    share = kappa / theirs["n"].sum() if len(theirs) else 0.0
    tables = [mine] if share == 0 else [mine, theirs.assign(n=theirs["n"] * share)]
    return pd.concat(tables).groupby(["x", "t_x", "T"])["n"].sum().reset_index()

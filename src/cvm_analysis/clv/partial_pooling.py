"""Small regions borrow strength: own customers, and a few customers' worth of all the others.

A region with forty customers cannot tell five parameters, or tells them wildly. A power prior adds
the others' histories to its own, all together counted as `kappa` customers: each with the fraction
kappa / (number of others). With kappa 0 the region stands alone; the larger kappa, the more it is
like the rest. A region of thousands keeps nearly its own fit, whatever kappa is. (Shrinking the
parameters themselves fails where one of them runs off to infinity.)

kappa is chosen by how well the model foretold, at an earlier date, what the region's own customers
then did: fitted to histories up to that date, scored by the mean log probability of the purchases
that came (`counts.log_score`). Held out in time, not by customers: what is forecast in use is the
future of customers who are known, and in a small region folds of customers would leave even less to
fit. Then fit again on everything known today, with the kappa chosen. A dozen customers are too few
to choose well: standing alone may look best by luck, and costs most where it is not. So 0 is not
among the kappas tried unless asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.clv import histories
from cvm_analysis.errors import FitError, InputError

KAPPAS = (30.0, 100.0, 300.0, 1000.0)  # customers' worth of the others
USUAL = 100.0  # where there was no earlier date to choose by, or there were too few customers


class PriorData(NamedTuple):
    """What others lend a small region: their histories, counted as `kappa` customers together."""

    others: pd.DataFrame  # one row per distinct history: x, t_x, T (weeks), n
    kappa: float

    def own_share(self, n_own: float) -> float:
        """Own customers / (own + borrowed), in [0, 1]."""
        return n_own / (n_own + self.kappa)


@dataclass(frozen=True)
class PooledFit:
    """A model fitted to own and borrowed histories; `fit` makes one."""

    model: Any  # its n_customers, aic and bic count the borrowed ones too
    kappa: float  # customers' worth of the others' histories
    scores: pd.Series  # mean held-out score of each kappa tried, NaN where nothing could be fitted


def fit(
    module: Any,
    own: pd.DataFrame,
    others: pd.DataFrame,
    kappas: Sequence[float] = KAPPAS,
    score: Callable[[Any], pd.Series] | None = None,
) -> PooledFit:
    """Fit with each kappa and keep the one that scores best; of equal ones the smallest.

    Choose at an earlier date, then fit on everything, with one kappa and without score::

        then = pooled.fit(pareto_nbd, own_then, others_then, score=score)
        now = pooled.fit(pareto_nbd, own_now, others_now, [then.kappa])

    Parameters
    ----------
    module : of a model, or its record, whose `fit` is called with fractions of customers
    own, others : one row per history: x, t_x, T (weeks), and optionally n customers who share it
        (1 if absent); others without the own ones. Histories by the week (`histories.distinct`)
        are enough for others, and far fewer.
    kappas : customers' worth of the others, 0 or more; more than there are count as all of them
    score : a fitted model -> a value of each own customer, the higher the better, of an outcome
        after the histories: `lambda m: counts.log_score(m, own_customers, weeks, came)`

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
            f"nothing could be fitted to {n_own:,.0f} own customers with any of the kappas "
            f"{list(kappas)}; add a larger one"
        )
    best = max(models, key=lambda kappa: (scores[kappa], -kappa)) if score else next(iter(models))
    by_kappa = pd.Series(scores, name="score").rename_axis("kappa")
    return PooledFit(models[best], best, by_kappa)


def combine(own: pd.DataFrame, others: pd.DataFrame, kappa: float) -> pd.DataFrame:
    """Own histories and `kappa` customers' worth of the others', as one table.

    One row per distinct history, sorted: x, t_x, T (weeks), n (customers, also fractions).
    """
    mine, theirs = (pd.DataFrame(histories.arrays(h)._asdict()) for h in (own, others))
    share = kappa / theirs["n"].sum() if len(theirs) else 0.0
    tables = [mine] if share == 0 else [mine, theirs.assign(n=theirs["n"] * share)]
    return pd.concat(tables).groupby(["x", "t_x", "T"])["n"].sum().reset_index()

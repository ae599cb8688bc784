"""Sums over customers, and how much they vary with who happens to be a customer.

Each draw of the bootstrap counts every customer as often as an independent Poisson variable with
mean 1 says, so that the number of customers varies as well. Sources: Hanley & MacGibbon (2006),
"Creating non-parametric bootstrap samples using Poisson frequencies", Computer Methods and Programs
in Biomedicine 83(1), 57-62; Chamandy, Muralidharan, Najmi & Naidu (2012), "Estimating uncertainty
for massive data streams", Google technical report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import erfc

from cvm_analysis.arrays import Array
from cvm_analysis.tables import ALL

DRAWS = 400
LEVEL = 0.9  # of intervals
LEAST_KNOWN = 0.9  # of the draws, for an interval
FALSE_FINDS = 0.05  # of what is called beyond chance
_SEED = 0
_ROWS = 10_000  # customers weighted at a time: 32 MB


@dataclass(frozen=True)
class Totals:
    """Sums over customers of one type; the first of each is as it was, the others are draws.

    sums : (measure, year) -> one value per draw, after the value itself
    n_years : years of the log, from 0, the last one
    """

    sums: Mapping[tuple[str, int], Array]
    n_years: int

    def has(self, measure: str) -> bool:
        """Tell whether any customer has something of a measure in any year."""
        return any(np.nan_to_num(self.year(measure, year)).any() for year in range(self.n_years))

    def year(self, measure: str, year: int) -> Array:
        """Give a measure's sums of a year; all empty if the log does not reach back so far."""
        return self.sums.get((measure, year), np.full(DRAWS + 1, np.nan))


def draw(histories: pd.DataFrame, types: pd.Series) -> dict[str, Totals]:
    """Sum the measures of customers of each type, and of `all`; with DRAWS draws of each.

    histories : from performance.histories.join; types : customer_type by customer_id
    """
    rng = np.random.default_rng(_SEED)
    kinds = types.reindex(histories.index)
    found = {str(kind): _weigh(rows, rng) for kind, rows in histories.groupby(kinds)}
    if found:
        found[ALL] = np.sum(list(found.values()), axis=0)
    n_years = histories.columns.get_level_values(1).nunique()
    names = [(str(measure), int(year)) for measure, year in histories.columns]
    return {
        kind: Totals(dict(zip(names, sums.T, strict=True)), n_years) for kind, sums in found.items()
    }


def _weigh(rows: pd.DataFrame, rng: np.random.Generator) -> Array:
    """One row per draw, after that of the sums themselves; one column per measure and year."""
    values = rows.to_numpy(float)
    drawn = np.zeros((DRAWS, values.shape[1]))
    for start in range(0, len(values), _ROWS):
        part = values[start : start + _ROWS]
        drawn += rng.poisson(1.0, (DRAWS, len(part))).astype(float) @ part
    return np.vstack([values.sum(axis=0), drawn])


def describe(changes: Array) -> dict[str, float]:
    """Give the interval of a change and the p value of none.

    changes : the change itself, then that of each draw

    Returns
    -------
    low, high : quantiles of the draws; p_value : two-sided, by the normal distribution with the
    standard deviation of the draws, which tells smaller ones than a few hundred draws can. All are
    empty if the change is, or if more than a tenth of the draws have none (of two customers, one
    draw in seven counts neither).
    """
    change, draws = changes[0], changes[1:][np.isfinite(changes[1:])]
    if not np.isfinite(change) or len(draws) < LEAST_KNOWN * DRAWS:
        return {"low": np.nan, "high": np.nan, "p_value": np.nan}
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    sd = float(draws.std(ddof=1))
    p_value = float(erfc(abs(change) / sd / np.sqrt(2))) if sd > 0 else 1.0
    return {"low": float(low), "high": float(high), "p_value": p_value}


def find_beyond_chance(p_values: pd.Series) -> pd.Series:
    """Tell which changes are none of chance, few of them wrongly: FALSE_FINDS of them at most.

    Source: Benjamini & Hochberg (1995), "Controlling the false discovery rate", Journal of the
    Royal Statistical Society B 57(1), 289-300. A change without a p value is not one.
    """
    from scipy.stats import false_discovery_control  # slow to load

    known = p_values.dropna()
    corrected = pd.Series(false_discovery_control(known), known.index) if len(known) else known
    return corrected.reindex(p_values.index).le(FALSE_FINDS)

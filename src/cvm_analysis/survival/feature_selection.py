"""Features whose effects the data identify; the others are left out, each with its reason.

Own code because lifelines fails or warns on such features and drops none.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError

_MAX_R2 = 0.99  # on the features before it; above, a feature is collinear
_MAX_ERROR = 3.0  # standard error per standard deviation; above, an effect is not identified
_MAX_EFFECT = float(np.log(1000))  # log ratio per step; above, an effect is not one of the data
_ROUNDING = 1e-9  # a spread this small relative to the values is rounding


def check_numeric(features: pd.DataFrame) -> pd.DataFrame:
    """Return the features as numbers; InputError if some are empty or infinite."""
    rows = features.astype(float)
    empty = rows.columns[~np.isfinite(rows).all()]
    if len(empty):
        raise InputError(f"empty or infinite values in {', '.join(empty)}; fill them first")
    return rows


def uninformative(rows: pd.DataFrame, observed: pd.DataFrame, max_features: int) -> dict[str, str]:
    """Find features to leave out before the fit, each with the reason.

    Parameters
    ----------
    rows : one row each, numbers; in order of preference
    observed : the same rows: event (1 or 0), stratum (only rows of one stratum are compared)
    max_features : that the number of events allows

    Returns
    -------
    feature -> constant (in every stratum), one_sided (constant among the events, so its ratio is
    unbounded), collinear (with those before it), few_events (more than max_features).
    """
    with_event = rows[(observed["event"] == 1).to_numpy()]
    within = _within_strata(rows, observed["stratum"])
    varies = within.abs().max() > _ROUNDING * rows.abs().max()
    varies_in_events = with_event.max() > with_event.min()
    dropped = dict.fromkeys(rows.columns[~varies], "constant")
    dropped |= dict.fromkeys(rows.columns[varies & ~varies_in_events], "one_sided")
    dropped |= dict.fromkeys(_collinear(within.drop(columns=list(dropped))), "collinear")
    left = [name for name in rows if name not in dropped]
    return dropped | dict.fromkeys(left[max_features:], "few_events")


def unidentified(std_errors: pd.Series, rows: pd.DataFrame) -> list[str]:
    """Find features with very large standard errors: any ratio fits the data."""
    large = (std_errors * rows.std()).fillna(np.inf) > _MAX_ERROR
    return list(large.index[large])


def diverged(coefficients: pd.Series) -> list[str]:
    """Find features with a ratio no step can have: they vary too little to tell one.

    coefficients : log hazard ratio per step of 1
    """
    return list(coefficients.index[~(coefficients.abs() < _MAX_EFFECT)])


def _within_strata(rows: pd.DataFrame, stratum: pd.Series) -> pd.DataFrame:
    """Each feature less its mean in the stratum."""
    if stratum.nunique() < 2:
        return rows - rows.mean()
    return rows - rows.groupby(stratum.to_numpy()).transform("mean")


def _collinear(within: pd.DataFrame) -> list[str]:
    names = list(within)
    correlation = pd.DataFrame(np.atleast_2d(np.corrcoef(within, rowvar=False)), names, names)
    independent: list[str] = []
    collinear: list[str] = []
    for name in names:
        known = correlation.loc[independent, independent].to_numpy()
        own = correlation.loc[independent, name].to_numpy()
        r2 = own @ np.linalg.lstsq(known, own, rcond=None)[0] if independent else 0.0
        (collinear if r2 > _MAX_R2 else independent).append(name)
    return collinear

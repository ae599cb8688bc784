"""Which features the data can tell the effect of; the others are left out, each with its reason."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError

_EXPLAINED = 0.99  # R squared on the features before it from which a feature says nothing new
_UNKNOWN = 3.0  # standard error, per standard deviation, from which data do not tell an effect
_SAME = 1e-9  # a spread this small beside the values themselves is rounding


def check_numeric(features: pd.DataFrame) -> pd.DataFrame:
    """The features as numbers; InputError if some are empty or infinite."""
    rows = features.astype(float)
    empty = rows.columns[~np.isfinite(rows).all()]
    if len(empty):
        raise InputError(f"empty or infinite values in {', '.join(empty)}; fill them first")
    return rows


def uninformative(rows: pd.DataFrame, observed: pd.DataFrame, room: int) -> dict[str, str]:
    """Features that tell nothing, or too much for the events there are, each with the reason.

    Parameters
    ----------
    rows : one row each, numbers; in order of preference
    observed : the same rows: event (1 or 0), stratum (only rows of one stratum are compared)
    room : how many features the events can tell

    Returns
    -------
    feature -> constant (in every stratum), one_sided (constant among the events, so its ratio has
    no bound), collinear (told by those before it), few_events (no room left).
    """
    happened = rows[(observed["event"] == 1).to_numpy()]
    within = _within(rows, observed["stratum"])
    large = within.abs().max() > _SAME * rows.abs().max()
    varied = happened.max() > happened.min()
    dropped = dict.fromkeys(rows.columns[~large], "constant")
    dropped |= dict.fromkeys(rows.columns[large & ~varied], "one_sided")
    dropped |= dict.fromkeys(_told_by_others(within.drop(columns=list(dropped))), "collinear")
    kept = [name for name in rows if name not in dropped]
    return dropped | dict.fromkeys(kept[room:], "few_events")


def unidentified(std_errors: pd.Series, rows: pd.DataFrame) -> list[str]:
    """Features of which the data bear any ratio: their standard errors are boundless."""
    vague = (std_errors * rows.std()).fillna(np.inf) > _UNKNOWN
    return list(vague.index[vague])


def _within(rows: pd.DataFrame, stratum: pd.Series) -> pd.DataFrame:
    """What is left of each feature when the mean of its stratum is taken off."""
    if stratum.nunique() < 2:
        return rows - rows.mean()
    return rows - rows.groupby(stratum.to_numpy()).transform("mean")


def _told_by_others(within: pd.DataFrame) -> list[str]:
    names = list(within)
    alike = pd.DataFrame(np.atleast_2d(np.corrcoef(within, rowvar=False)), names, names)
    kept: list[str] = []
    told: list[str] = []
    for name in names:
        known, own = alike.loc[kept, kept].to_numpy(), alike.loc[kept, name].to_numpy()
        explained = own @ np.linalg.lstsq(known, own, rcond=None)[0] if kept else 0.0
        (told if explained > _EXPLAINED else kept).append(name)
    return told

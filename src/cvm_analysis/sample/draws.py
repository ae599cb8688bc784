"""Random numbers and days: what every part of the invented company draws with.

A day is a number: days after the start of FIRST_DAY, whole ones being midnights.
"""

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import FIRST_DAY, N_DAYS


def stream(seed: int, *names: str) -> np.random.Generator:
    """Random numbers of their own for each named part: a new part leaves the others as they are."""
    return np.random.default_rng([seed, *"/".join(names).encode()])


def dates(days: np.ndarray | pd.Series) -> pd.Series:
    """Whole dates of days; a fresh index."""
    whole = np.floor(np.asarray(days, dtype=float)).astype("timedelta64[D]")
    return pd.Series(np.datetime64(FIRST_DAY) + whole)


def known_dates(days: np.ndarray | pd.Series) -> pd.Series:
    """Whole dates of days up to AS_OF, empty for later ones: they have not happened yet."""
    days = np.asarray(days, dtype=float)
    return dates(np.minimum(days, N_DAYS)).mask(days >= N_DAYS)


def opening_hours(days: np.ndarray | pd.Series, rng: np.random.Generator) -> pd.Series:
    """Moments between 9:00 and 21:00 of these days; a fresh index."""
    seconds = rng.integers(9 * 3600, 21 * 3600, len(days))
    return dates(days) + pd.to_timedelta(seconds, unit="s")

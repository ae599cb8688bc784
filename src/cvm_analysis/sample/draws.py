"""Random numbers and days of the invented company.

A day is a number: days since the start of FIRST_DAY; whole numbers are midnights.
"""

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import FIRST_DAY, N_DAYS


def stream(seed: int, *names: str) -> np.random.Generator:
    """A random generator for each named part, so that new parts do not change the others."""
    return np.random.default_rng([seed, *"/".join(names).encode()])


def dates(days: np.ndarray | pd.Series) -> pd.Series:
    """Dates of days, with a new index."""
    whole = np.floor(np.asarray(days, dtype=float)).astype("timedelta64[D]")
    return pd.Series(np.datetime64(FIRST_DAY) + whole)


def known_dates(days: np.ndarray | pd.Series) -> pd.Series:
    """Dates of days up to AS_OF, empty for later ones."""
    days = np.asarray(days, dtype=float)
    return dates(np.minimum(days, N_DAYS)).mask(days >= N_DAYS)


def opening_hours(days: np.ndarray | pd.Series, rng: np.random.Generator) -> pd.Series:
    """Times between 9:00 and 21:00 on these days, with a new index."""
    seconds = rng.integers(9 * 3600, 21 * 3600, len(days))
    return dates(days) + pd.to_timedelta(seconds, unit="s")

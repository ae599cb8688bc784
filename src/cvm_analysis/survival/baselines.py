"""The hazard that all rows share, as a step function of time; for each stratum its own.

Source: Therneau & Grambsch (2000), section 10.2: the sum over the events of 1 / the hazards of
those at risk, ties after Efron. lifelines sums it as if there were neither ties nor late entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.survival import risk_sets

ALL = -1  # the code of rows whose stratum is not known


@dataclass(frozen=True)
class Steps:
    """A cumulative hazard that was watched until some time."""

    times: Array
    heights: Array  # one more than times: 0 before the first
    until: float

    def value_at(self, times: Array) -> Array:
        """The cumulative hazard at each time."""
        return self.heights[np.searchsorted(self.times, times, side="right")]


@dataclass(frozen=True)
class Baseline:
    """The cumulative hazard of a row whose log hazard is 0; `estimate` makes one.

    A stratum has its own as far as it was watched. From there on, and from the start where it is
    not known or had too few events, the hazard goes on as that of all rows together.
    """

    every: Steps
    strata: Mapping[int, Steps]

    def value_at(self, times: Array, code: Ints | None = None) -> Array:
        """The cumulative hazard at each time; code: each row's stratum, None: no strata."""
        found = self.every.value_at(times)
        for stratum, own in self.strata.items() if code is not None else ():
            rows = code == stratum
            watched = np.minimum(times[rows], own.until)
            found[rows] += own.value_at(watched) - self.every.value_at(watched)
        return found


def estimate(log_hazard: Array, observed: pd.DataFrame, least: int) -> Baseline:
    """The baseline of a fitted model.

    Parameters
    ----------
    log_hazard : of each row
    observed : one row each: entry, duration, event, stratum (a number, 0 or more)
    least : events a stratum needs for a baseline of its own
    """
    together = _steps(log_hazard, observed.assign(stratum=0), np.inf)
    events, longest = (
        observed.groupby("stratum")["event"].sum(),
        observed.groupby("stratum")["duration"].max(),
    )
    if len(events) < 2:
        return Baseline(together, {})
    own = {
        int(stratum): _steps(log_hazard[rows], observed.iloc[rows], longest[stratum])
        for stratum, rows in observed.groupby("stratum").indices.items()
        if events[stratum] >= least
    }
    return Baseline(together, own)


def _steps(log_hazard: Array, observed: pd.DataFrame, until: float) -> Steps:
    (one,) = risk_sets.build(np.empty((len(observed), 0)), log_hazard, observed)
    return Steps(one.times, np.concatenate([[0.0], np.cumsum(one.hazard[0])]), until)

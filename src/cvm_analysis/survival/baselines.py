"""The baseline hazard of Cox's model as a step function of time, one per stratum.

Source: Therneau & Grambsch (2000), section 10.2: the sum over events of 1 / the summed hazards of
the rows at risk, ties after Efron. Own code because lifelines ignores ties and late entry in this
sum, and has no pooled baseline for strata it did not see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.survival import risk_sets


@dataclass(frozen=True)
class Steps:
    """A cumulative hazard, observed until `end`."""

    times: Array
    values: Array  # one more than times: 0 before the first
    end: float

    def value_at(self, times: Array) -> Array:
        """Return the cumulative hazard at each time."""
        return self.values[np.searchsorted(self.times, times, side="right")]


@dataclass(frozen=True)
class Baseline:
    """The cumulative hazard of a row with log hazard 0; `estimate` makes one.

    A stratum follows its own steps as far as it was observed, then the pooled ones. A stratum that
    is unknown or has too few events follows the pooled steps from the start.
    """

    pooled: Steps
    strata: Mapping[int, Steps]

    def value_at(self, times: Array, code: Ints | None = None) -> Array:
        """Return the cumulative hazard at each time; code : each row's stratum, None: pooled."""
        found = self.pooled.value_at(times)
        for stratum, own in self.strata.items() if code is not None else ():
            rows = code == stratum
            inside = np.minimum(times[rows], own.end)
            found[rows] += own.value_at(inside) - self.pooled.value_at(inside)
        return found


def estimate(log_hazard: Array, observed: pd.DataFrame, min_events: int) -> Baseline:
    """Estimate the baseline of a fitted model.

    Parameters
    ----------
    log_hazard : of each row
    observed : one row each: entry, duration, event, stratum (a number, 0 or more)
    min_events : that a stratum needs for its own baseline
    """
    pooled = _steps(log_hazard, observed.assign(stratum=0), np.inf)
    strata = observed.groupby("stratum")
    events, longest = strata["event"].sum(), strata["duration"].max()
    if len(events) < 2:
        return Baseline(pooled, {})
    own = {
        int(stratum): _steps(log_hazard[rows], observed.iloc[rows], longest[stratum])
        for stratum, rows in strata.indices.items()
        if events[stratum] >= min_events
    }
    return Baseline(pooled, own)


def _steps(log_hazard: Array, observed: pd.DataFrame, end: float) -> Steps:
    (one,) = risk_sets.build(np.empty((len(observed), 0)), log_hazard, observed)
    return Steps(one.times, np.concatenate([[0.0], np.cumsum(one.hazard[0])]), end)

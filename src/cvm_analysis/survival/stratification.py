"""Strata of Cox's model: strata given, and features cut into strata.

A feature whose effect changes over time is cut into groups, each with its own baseline. Own code
because lifelines takes strata only as given, cuts no features, and rejects new strata in forecasts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Ints
from cvm_analysis.errors import FitError, InputError
from cvm_analysis.survival import estimates, proportional_hazards_test
from cvm_analysis.survival.estimates import Estimate

MAX_FEATURES = 2  # cut into strata

Cuts = dict[str, tuple[float, ...]]  # feature -> the values at which its next group begins


@dataclass(frozen=True)
class Groups:
    """The strata of a fitted model."""

    known: pd.Index | None  # codes of the strata given; None: none were
    cuts: Cuts

    def code(self, rows: pd.DataFrame, strata: pd.Series | None) -> Ints | None:
        """Number each row's stratum; -1: not given or not in the training; None: no strata."""
        if self.known is None and not self.cuts:
            return None
        code = np.zeros(len(rows), dtype=np.intp)
        if self.known is not None:
            if strata is None:
                return code - 1
            if not strata.index.equals(rows.index):
                raise InputError(
                    "the model was fitted with strata: give the stratum of each of the "
                    f"{len(rows):,} rows, in their order"
                )
            code = self.known.get_indexer(pd.Index(strata))
        for name, cuts in self.cuts.items():
            code = np.where(code < 0, -1, group(code, rows[name], cuts))
        return code


def group(code: Ints, values: pd.Series, cuts: tuple[float, ...]) -> Ints:
    """Split the strata `code` by the values of a feature."""
    return code * (len(cuts) + 1) + np.searchsorted(cuts, values.to_numpy(), side="right")


def stratify_nonproportional(first: Estimate, min_events: int) -> tuple[Estimate, Cuts]:
    """Cut features that fail the test of proportional hazards into strata, worst first.

    Parameters
    ----------
    first : the model without such strata
    min_events : of each stratum, or the feature is not cut

    Returns
    -------
    The model with up to two features cut, and the cuts. A feature cut at every value is no longer a
    term of the model; one cut into thirds still has an effect within them.
    """
    current, cuts = first, Cuts()
    while len(cuts) < MAX_FEATURES:
        for name in proportional_hazards_test.nonproportional(current.tested):
            split = None if name in cuts else _split(current, name, min_events)
            if split is not None:
                cuts[name] = proportional_hazards_test.cut_points(current.rows[name])
                current = split
                break
        else:
            break
    return current, cuts


def _split(current: Estimate, name: str, min_events: int) -> Estimate | None:
    """The model with one more feature cut into strata; None where the data do not support it."""
    values = current.rows[name]
    cuts = proportional_hazards_test.cut_points(values)
    stratum = group(current.observed["stratum"].to_numpy(), values, cuts)
    observed = current.observed.assign(stratum=stratum)
    dropped = [name] if values.nunique() == len(cuts) + 1 else []
    rows = current.rows.drop(columns=dropped)
    if not cuts or rows.empty or observed.groupby("stratum")["event"].sum().min() < min_events:
        return None
    nonlinear = {f: at for f, at in current.nonlinear.items() if f not in dropped}
    try:
        return estimates.estimate(rows, observed, nonlinear)
    except FitError:
        return None

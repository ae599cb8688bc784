"""Rows whose hazards have shapes of their own: strata given, and features made into strata.

A feature whose force changes with time is cut into groups, each with its own baseline: within a
group time may do what it likes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Ints
from cvm_analysis.errors import FitError, InputError
from cvm_analysis.survival import estimates, proportional_hazards_test
from cvm_analysis.survival.estimates import Estimate

MAX_FEATURES = 2  # features made into strata

Cuts = dict[str, tuple[float, ...]]  # feature -> the values at which its next group begins


@dataclass(frozen=True)
class Groups:
    """How a row finds its stratum."""

    known: pd.Index | None  # codes of the strata given; None: none were
    cuts: Cuts

    def code(self, rows: pd.DataFrame, strata: pd.Series | None) -> Ints | None:
        """Each row's number; -1 if its stratum is not told, or was not in training.

        None if there are no strata.
        """
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
    """The strata `code`, each parted by the values of a feature."""
    return code * (len(cuts) + 1) + np.searchsorted(cuts, values.to_numpy(), side="right")


def stratify_nonproportional(first: Estimate, least: int) -> tuple[Estimate, Cuts]:
    """Make features that fail the test of proportional hazards into strata, worst first.

    Parameters
    ----------
    first : the model without such strata
    least : events that each stratum must keep, or the feature is not cut

    Returns
    -------
    The model with up to two features cut into groups, and where. A feature of few values, cut value
    by value, is no longer a term of it; one cut into thirds still acts within them.
    """
    now, cuts = first, Cuts()
    while len(cuts) < MAX_FEATURES:
        for name in proportional_hazards_test.nonproportional(now.tested):
            parted = None if name in cuts else _parted(now, name, least)
            if parted is not None:
                now, cuts = (
                    parted,
                    {**cuts, name: proportional_hazards_test.cut_points(now.rows[name])},
                )
                break
        else:
            break
    return now, cuts


def _parted(now: Estimate, name: str, least: int) -> Estimate | None:
    """The model with a feature cut into groups; None where the data cannot carry it."""
    values = now.rows[name]
    cuts = proportional_hazards_test.cut_points(values)
    observed = now.observed.assign(stratum=group(now.observed["stratum"].to_numpy(), values, cuts))
    gone = [name] if values.nunique() == len(cuts) + 1 else []
    rows = now.rows.drop(columns=gone)
    if not cuts or rows.empty or observed.groupby("stratum")["event"].sum().min() < least:
        return None
    try:
        return estimates.estimate(
            rows, observed, {f: at for f, at in now.nonlinear.items() if f not in gone}
        )
    except FitError:
        return None

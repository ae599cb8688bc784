"""How often a model puts two rows in the right order: Harrell's concordance.

Source: Harrell et al. (1982), "Evaluating the Yield of Medical Tests", JAMA 247, 2543-2546. Counted
without looking at each pair, in time n log n. Those of lifelines and scikit-survival know neither
late entry nor strata.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Ints

_DIGITS = 10  # log hazards that agree so far are equal


def index(log_hazard: Array, observed: pd.DataFrame) -> float:
    """Share of pairs in which the row with the earlier event had the greater hazard.

    A pair counts if one row had the event while the other was at risk and stayed without it; pairs
    of equal hazard count half. Only rows of one stratum are compared.

    Parameters
    ----------
    log_hazard : what the model says of each row
    observed : one row each: entry (-inf: from the start), duration, event, stratum

    Returns
    -------
    0 to 1, 0.5 is chance; NaN if no pair can be compared.
    """
    right = pairs = 0.0
    for rows in observed.groupby("stratum").indices.values():
        less, equal, more = _stratum(log_hazard[rows], observed.iloc[rows])
        right, pairs = right + less + equal / 2, pairs + less + equal + more
    return right / pairs if pairs else np.nan


def _stratum(log_hazard: Array, observed: pd.DataFrame) -> tuple[int, int, int]:
    """Pairs whose other row had the lesser, an equal, a greater hazard than the one with event."""
    event = observed["event"].to_numpy() == 1
    times, time = np.unique(observed["duration"], return_inverse=True)
    missed = np.searchsorted(times, observed["entry"].to_numpy(), side="right") - 1
    rank = np.unique(log_hazard.round(_DIGITS), return_inverse=True)[1]
    asked = 2 * time[event]
    stayed = _beyond(2 * time + ~event, rank, asked, rank[event])
    absent = _beyond(2 * missed + 1, rank, asked, rank[event])
    less, equal, every = (int((a - b).sum()) for a, b in zip(stayed, absent, strict=True))
    return less, equal, every - less - equal


def _beyond(place: Ints, rank: Ints, asked: Ints, asked_rank: Ints) -> tuple[Ints, Ints, Ints]:
    """For each one asked: how many lie at a later place with a lesser rank, an equal one, any.

    The ranks, latest place first, are parted by their bits from the highest on (a wavelet matrix);
    who lies at a later place stays one run, [low, high), all the way down.
    """
    order = np.argsort(-place, kind="stable")
    values = rank[order]
    high = np.searchsorted(-place[order], -asked, side="left")
    low, less, every = np.zeros_like(high), np.zeros_like(high), high
    for bit in range(int(rank.max()).bit_length() - 1, -1, -1):
        zero = (values >> bit) & 1 == 0
        zeros = np.concatenate([[0], np.cumsum(zero)])
        ones = (asked_rank >> bit) & 1 == 1
        less = less + np.where(ones, zeros[high] - zeros[low], 0)
        low, high = (np.where(ones, zeros[-1] + at - zeros[at], zeros[at]) for at in (low, high))
        values = np.concatenate([values[zero], values[~zero]])
    return less, high - low, every

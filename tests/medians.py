"""Medians of Kaplan-Meier curves, to compare the curves with published ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cvm_analysis.survival.kaplan_meier import observed_range, product_limit, split_by_group


def medians(outcome: pd.DataFrame, groups: pd.Series | None = None) -> pd.DataFrame:
    """Median duration of each group, arguments as for `kaplan_meier.kaplan_meier`.

    One row per segment: segment, n, events, median (unit of duration; the middle where the curve
    lies at one half for a while; empty if never reached, or if the begin was not watched).
    """
    rows = []
    for segment, part in split_by_group(outcome, groups):
        begin, observed = observed_range(part)
        median = np.nan if begin > 0 else _median(product_limit(observed))
        rows.append((segment, len(part), int(part["event"].sum()), median))
    return pd.DataFrame(rows, columns=["segment", "n", "events", "median"])


def _median(table: pd.DataFrame) -> float:
    times, survival = table["duration"].to_numpy(), table["survival"].to_numpy()
    half = np.flatnonzero(survival < 0.5 + 1e-9)
    lower = np.flatnonzero(survival < 0.5 - 1e-9)
    if not len(half):
        return np.nan
    return float((times[half[0]] + times[lower[0] if len(lower) else half[0]]) / 2)

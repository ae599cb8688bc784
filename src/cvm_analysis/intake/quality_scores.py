"""How good the raw data are, by region and column, and whether they get better.

A column's score is the share of the rows read that no rule excluded for it, and whose cell no rule
emptied: 1 is best. A row that breaks several rules counts for the first one that excludes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

KEY = ["region", "table", "column"]


def score(quality: pd.DataFrame) -> pd.DataFrame:
    """One row per region, table and column that rules check: KEY, score in [0, 1].

    quality : table `quality` with column region
    """
    faults = quality[quality["level"].isin(["error", "warn"])]
    lost = faults.groupby(KEY, as_index=False)["share"].sum()
    return lost.assign(score=(1 - lost["share"]).clip(lower=0).round(6)).drop(columns="share")


def compare(now: pd.DataFrame, history: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Add what the score was, the worst columns first.

    Parameters
    ----------
    now : as `score` gives it
    history : of earlier prepares, the last one last: `scores`, rows of KEY and score

    Returns
    -------
    KEY, score, before (at the last prepare), mean_before (of all), change (score less mean_before)
    """
    earlier = [pd.DataFrame(each["scores"], columns=[*KEY, "score"]) for each in history]
    past = pd.concat(earlier or [now.iloc[:0]]).groupby(KEY)["score"]
    then = pd.DataFrame({"before": past.last(), "mean_before": past.mean()})
    found = now.merge(then.reset_index(), on=KEY, how="left")
    found = found.assign(change=(found["score"] - found["mean_before"]).round(6))
    return found.sort_values(["score", *KEY], ignore_index=True)

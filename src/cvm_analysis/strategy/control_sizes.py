"""Which actions get a control group: those whose lists of a year can show the expected effect.

A list of one month is seldom large enough, so the lists of a year are pooled. Where not even these
suffice, nobody is left out: a control group that cannot measure costs its gain for nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cvm_analysis.strategy import sample_size
from cvm_analysis.strategy.catalogue import PURCHASE, Action
from cvm_analysis.strategy.effects import Effect
from cvm_analysis.strategy.outcomes import Criterion, add_outcomes

LEAST = 30  # customers whose spread of margins says something; with fewer, no group is drawn


def find(
    planned: pd.DataFrame,
    actions: Sequence[Action],
    effects: Mapping[str, Effect],
    daily: pd.DataFrame,
    as_of: dt.date,
    horizon_days: float,
    lists_per_year: float,
) -> pd.DataFrame:
    """Find for each action the customers that a test needs, and the share that is left out.

    Parameters
    ----------
    planned : rows of table `actions` that are in the plan
    daily : margin by customer and day, as `Prepared.daily_margin`
    horizon_days : of the expected margin
    lists_per_year : how many lists are pooled at most

    Returns
    -------
    One row per action of the plan with a control_share, its index: n_customers of this list, needed
    (both arms together, infinity without an expected effect), lists (that must be pooled; empty:
    more than a year has), share: control_share where it can be measured, else 0.
    """
    by_code = {action.code: action for action in actions if action.control_share > 0}
    rows = {}
    for code, each in planned.reset_index().groupby("action"):
        if action := by_code.get(str(code)):
            needed = _needed(action, each, effects[action.code].mean, daily, as_of, horizon_days)
            lists = sample_size.count_rounds(needed, len(each), lists_per_year)
            share = action.control_share if lists is not None else 0.0
            rows[code] = (len(each), needed, np.nan if lists is None else lists, share)
    columns = ["n_customers", "needed", "lists", "share"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("action")


def _needed(
    action: Action,
    rows: pd.DataFrame,
    effect: float,
    daily: pd.DataFrame,
    as_of: dt.date,
    horizon_days: float,
) -> float:
    window, share = action.success.within_days, action.control_share
    gain = rows["base"].mean() * effect  # money per customer
    if action.success.measure == PURCHASE:
        baseline = float(rows["forecast"].mean())
        if np.isnan(baseline):
            return np.inf  # nobody of them has a forecast: prospects
        points = effect if action.effect.on == PURCHASE else effect * baseline
        return sample_size.needed(PURCHASE, baseline, points, share)
    of_window = gain if action.effect.on == PURCHASE else gain * window / horizon_days
    if len(rows) < LEAST:
        return np.inf
    past = _past(action, rows, daily, as_of)
    spread = sample_size.find_residual_sd(past["outcome"], past["before"])
    return sample_size.needed("margin", spread, of_window, share)


def _past(action: Action, rows: pd.DataFrame, daily: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Margin of each customer in the last window, and before it, as of a campaign just over."""
    window = action.success.within_days
    start = pd.Timestamp(as_of) - pd.Timedelta(days=window - 1)
    members = rows[["customer_id"]].assign(action=action.code, at=start)
    criteria = {action.code: Criterion("margin", window, action.effect.on)}
    return add_outcomes(members, {"margin": daily}, criteria)

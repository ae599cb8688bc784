"""Totals of purchases and margin by segment, and how far they may be off.

Each customer's future is simulated (`simulation`), parameters included, and summed by segment: one
total per draw. The common error (`common_error`) is kept beside it, and multiplied in at the end.
So the totals of regions can be added draw by draw: the company's range comes from joint draws, not
from the limits of its regions. A draw has one set of parameters, one member of a pool and one error
of the company for all customers, in every region.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv import common_error
from cvm_analysis.clv.intervals import CHUNK, DRAWS, LEVEL, check_level, interval, spend_forecast
from cvm_analysis.clv.naive import OwnMean
from cvm_analysis.clv.numerics import simulation
from cvm_analysis.clv.numerics.simulation import HISTORY, SEED, Forecast, has_distribution

KEY = ["region", "segment", "draw"]


def draw(
    customers: pd.DataFrame,
    values: pd.DataFrame,
    models: Mapping[str, Any],
    spends: Mapping[str, Any],
    horizon_weeks: float,
    segment: pd.Series,
    region: str,
    errors: tuple[Iterable[Sequence], Iterable[Sequence]] = ((), ()),
    factor: float = 1.0,
    draws: int = DRAWS,
) -> pd.DataFrame:
    """Draw the totals of each segment: table `value_draws`.

    Parameters
    ----------
    customers, values, models, spends, horizon_weeks : as for `intervals.customer_intervals`. A
        forecast without a distribution counts as the mean of Poisson numbers of purchases
    segment : of each customer_id; customers without one do not count
    region : key of the region, or `all`
    errors : past errors of the company, and of this region (`common_error.draw`)
    factor : by which all totals are multiplied, as `values` were (`company_factor`)

    Returns
    -------
    One row per region, segment and draw, its index.
        purchases, margin : of the segment within the horizon, before the common error
        company_error, region_error, n_past_periods : as `common_error.draw` gives them

    Raises
    ------
    InputError : too few draws, or past errors that are no numbers
    """
    check_level(LEVEL, draws)
    kept = values[segment.reindex(values.index).notna()]
    group = segment.loc[kept.index]
    totals = {name: np.zeros((2, draws)) for name in sorted(group.unique())}
    kind = customers.loc[kept.index, "customer_type"]
    for (name, code), rows in kept.groupby([group, kind]):
        forecast = spend_forecast(customers, rows, spends[code])
        mean = rows["expected_orders"] / factor
        both = models[code], spends[code]
        totals[name] += _simulate(forecast, mean, both, horizon_weeks, draws, f"{name} {code}")
    found = {
        (region, name): pd.DataFrame({"purchases": total[0] * factor, "margin": total[1] * factor})
        for name, total in totals.items()
    }
    error = common_error.draw(*errors, region, draws)
    if not found:
        return pd.DataFrame(columns=[*KEY, "purchases", "margin", *error]).set_index(KEY)
    return pd.concat(found, names=KEY).join(error, on="draw")


def estimate(
    draws: pd.DataFrame, values: pd.DataFrame, segment: pd.Series, level: float = LEVEL
) -> pd.DataFrame:
    """Estimate the totals of segments, and of `all` together, with their ranges: `value_totals`.

    Parameters
    ----------
    draws : table `value_draws` of one region, or of all the regions of a company
    values : table `value` of the same customers: expected_margin, expected_orders
    segment : of each customer_id; customers without one do not count
    level : probability of an outcome within the range

    Returns
    -------
    One row per segment, sorted, and `all`, its index: n_customers; expected_margin,
    expected_orders (sums of values), each followed by its _low and _high; n_past_periods: past
    totals that the common error rests on, the fewest of any region; 0: it is a prior alone.
    """
    check_level(level, DRAWS)
    factor = np.exp(draws["company_error"] + draws["region_error"])
    drawn = draws[["purchases", "margin"]].mul(factor, axis=0)
    by_segment = drawn.groupby(level=["segment", "draw"]).sum()
    everything = by_segment.groupby(level="draw").sum()
    group = segment.reindex(values.index)
    rows = {}
    for name, these in [*values.groupby(group), ("all", values[group.notna()])]:
        total = everything if name == "all" else by_segment.loc[name]
        margin, orders = (_ends(total[column], level) for column in ("margin", "purchases"))
        rows[name] = [
            *(len(these), these["expected_margin"].sum(), *margin),
            *(these["expected_orders"].sum(), *orders),
        ]  # fmt: skip
    columns = ["n_customers"] + [
        f"{name}{end}"
        for name in ("expected_margin", "expected_orders")
        for end in ("", "_low", "_high")
    ]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    periods = draws["n_past_periods"].min() if len(draws) else 0
    return table.assign(n_past_periods=int(periods)).rename_axis("segment")


def total_variance(h: pd.DataFrame, model: Any, horizon_weeks: float, expected: pd.Series) -> float:
    """The variance that a model gives to the log of a total of purchases.

    h : one row per customer: x, t_x, T (weeks); expected : purchases of each. A total of 0 counts
    as half a purchase.
    """
    draws = 3 * simulation.PARAMETER_SETS
    rows = h.assign(spend_per_repeat_day=np.nan)
    one = Forecast(rows[HISTORY].astype(float), np.ones(len(rows)))
    both = model, OwnMean(1.0)
    total, _ = _simulate(one, expected, both, horizon_weeks, draws, "past")
    return float(np.log(np.maximum(total, common_error.LEAST)).var())


def _ends(total: pd.Series, level: float) -> tuple[Any, Any]:
    """The ends of the range of a total; empty without draws."""
    return interval(total.to_numpy(float), level) if len(total) else (np.nan, np.nan)


def _simulate(
    forecast: Forecast,
    mean: pd.Series,
    models: tuple[Any, Any],
    horizon: float,
    draws: int,
    stream: str,
) -> Array:
    """Purchases and margin (down) of all rows together, one column per draw."""
    keys = [forecast.margin_per_spend, *(forecast.h[name].fillna(-1) for name in HISTORY)]
    order = np.lexsort(keys)  # the order of the input does not matter
    rows = Forecast(forecast.h.iloc[order], forecast.margin_per_spend[order])
    mean = mean.to_numpy(float)[order]
    total, size = np.zeros((2, draws)), max(1, CHUNK // draws)
    for start in range(0, len(order), size):
        part = Forecast(*(column[start : start + size] for column in rows))
        seed = zlib.crc32(f"{stream} {start}".encode())
        if has_distribution(models[0]):
            drawn = simulation.simulate(part, models, horizon, draws, seed)
        else:
            drawn = _simulate_poisson(part, mean[start : start + size], models[1], draws, seed)
        total += np.stack([each.sum(axis=0) for each in drawn])
    return total


def _simulate_poisson(
    forecast: Forecast, mean: Array, spend: Any, draws: int, seed: int
) -> tuple[Array, Array]:
    rng = np.random.default_rng((SEED, seed))
    bought = rng.poisson(mean[:, None], (len(mean), draws)).astype(float)
    spent = spend.draw_spend(forecast.h, bought, rng)
    return bought, spent * forecast.margin_per_spend[:, None]

"""A seasonal factor for the best model's forecast: purchases by time of the year, and the model.

The models spread purchases evenly over the year. So the repeat purchases of the last two to five
years are counted by season (4 weeks, 13 a year, counted back from the last day) and divided by
those the model expected of the customers known by then. The level of each year is taken out, with
the trend between years; what remains is the season. Seasons with few purchases are shrunk to 1, by
how far the same season differs between years: the credibility of Bühlmann & Straub (1970),
"Glaubwürdigkeit für Schadensätze", Mitteilungen der VSVM 70, 111-133. The factor of a period is
the mean over its days, so over a year it is 1.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv import purchase_model
from cvm_analysis.clv.common_error import LEAST
from cvm_analysis.clv.dispersed import Dispersed
from cvm_analysis.clv.numerics import dispersion

YEAR = 52  # weeks, as of all horizons; five of them begin 6 days early
LENGTH = 4  # weeks of a season
_SEASONS = YEAR // LENGTH
_YEARS = (2, 5)  # fewest and most that a season is learned from


@dataclass(frozen=True)
class Season:
    """Purchases in each season as a multiple of the year's mean; `learn` makes one."""

    factors: tuple[
        float, ...
    ]  # of the 4 weeks after the last day, the next 4, ...; their mean is 1

    def factor(self, weeks: float | None, rate: float = 0.0, after: float = 0.0) -> float:
        """The mean over a period, each day discounted at a continuous `rate` per week.

        weeks : length of the period; None: no end
        after : weeks from the last day learned from to the period's begin; below 0: before it
        """
        length = YEAR if weeks is None else weeks  # without an end, every year has the same mean
        inner = LENGTH * np.arange(np.floor(after / LENGTH) + 1, np.ceil((after + length) / LENGTH))
        edges = np.concatenate([[after], inner, [after + length]])
        width = np.diff(edges) if rate == 0 else -np.diff(np.exp(-rate * (edges - after)))
        if not width.sum() > 0:
            return 1.0
        season = np.floor((edges[:-1] + edges[1:]) / 2 / LENGTH).astype(int) % _SEASONS
        return float(np.average(np.array(self.factors)[season], weights=width))


@dataclass(frozen=True)
class Seasonal:
    """A model's forecast times the factor of the period ahead; `fit` makes one."""

    code: ClassVar[str] = "seasonal"

    default: Any
    season: Season  # learned up to the day on which the histories end

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """Probability of not having dropped out, by the default model."""
        return self.default.p_alive(h)

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week of each row of h while alive, in the mean of a year."""
        return self.default.purchase_rate(h)

    def expected_purchases(self, h: pd.DataFrame, horizon: float) -> pd.Series:
        """Expected purchases in the `horizon` weeks after T, for each row of h."""
        return self.default.expected_purchases(h, horizon) * self.season.factor(horizon)

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """As `purchase_model.DropOut.discounted_purchases`."""
        found = self.default.discounted_purchases(h, rate, horizon)
        return found * self.season.factor(horizon, rate)


def fit(
    default: Any,
    days: pd.DataFrame,
    date: dt.date,
    expected: pd.Series,
    actual: pd.Series,
    weeks: float,
) -> Dispersed | None:
    """Fit the season to the purchases up to a day, and the dispersion to the last period.

    None where no season can be learned (see `learn`), or nobody bought in the last period.

    Parameters
    ----------
    default : a model whose new customers begin with their first purchase, fitted on the day
    days : customer_id, day with a purchase; none after the day
    expected : purchases of each customer in the `weeks` up to the day, by the same kind of model
        one period earlier
    actual : what they bought; same index
    """
    season = learn(default, days, date)
    if not season or not actual.sum() > 0:
        return None
    scatter = dispersion.fit(expected * season.factor(weeks, after=-weeks), actual)
    return Dispersed(Seasonal(default, season), scatter, weeks)


def learn(model: Any, days: pd.DataFrame, date: dt.date) -> Season | None:
    """Learn the seasons from all purchases up to a day.

    None with less than 104 weeks from the first purchase to the day, or if nobody bought again.
    """
    by_day = purchase_model.repeats_by_day(model, days, date)
    per_year = 7 * YEAR
    years = min(len(by_day) // per_year, _YEARS[1])
    if years < _YEARS[0]:
        return None
    shape = years, _SEASONS, 7 * LENGTH
    bought, wanted = (
        by_day[side].to_numpy(float)[-years * per_year :].reshape(shape).sum(axis=2)
        for side in ("actual", "expected")
    )
    if not bought.sum() > 0:
        return None
    usual = wanted * _level(bought.sum(axis=1), wanted.sum(axis=1))
    index = bought.sum(axis=0) / usual.sum(axis=0)
    shrunk = _shrink(index / index.mean(), bought / usual, usual)
    return Season(tuple(map(float, shrunk / shrunk.mean())))


def _level(bought: Array, wanted: Array) -> Array:
    """Actual / expected purchases of each year (down), as a smooth curve over its seasons.

    Between the middles of two years its logarithm is a straight line, which goes on at both ends.
    """
    logs = np.log(np.maximum(bought, LEAST) / wanted)
    ends = 2 * logs[0] - logs[1], 2 * logs[-1] - logs[-2]
    middles = np.arange(-1, len(logs) + 1) * _SEASONS + _SEASONS // 2
    curve = np.interp(np.arange(logs.size * _SEASONS), middles, [ends[0], *logs, ends[1]])
    return np.exp(curve).reshape(len(logs), _SEASONS)


def _shrink(index: Array, by_year: Array, weight: Array) -> Array:
    """Shrink each season's index to 1 by its credibility.

    by_year : index of each year (down) and season; weight : the purchases expected in it. Chance
    alone is never taken to be less than that of Poisson numbers.
    """
    years, seasons = by_year.shape
    within = (weight * (by_year - index) ** 2).sum() / ((years - 1) * (seasons - 1))
    within, total = max(1.0, within), weight.sum(axis=0)
    between = (total * (index - 1) ** 2).sum() - (seasons - 1) * within
    between = max(0.0, between / (total.sum() - (total**2).sum() / total.sum()))
    return 1 + total * between / (total * between + within) * (index - 1)

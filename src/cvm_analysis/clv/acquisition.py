"""Does the log begin with the business, or in the middle of it? The inflow of new customers tells.

A log that begins in mid-business first meets the customers who were there already, each when next
they buy: many in the first weeks, fewer and fewer after, until only those are left who really are
new. "First seen" is then not "first bought": models that count from the first purchase misread that
first wave, and no curve of new customers may be drawn from it.

The rule. Weeks are counted from the first day of the data to the last week with anyone first seen
(a panel recruited within a few weeks is not a wave), full weeks only. The first 4 weeks are held
against the largest 4 weeks in a row from the 14th week on, the first 13 against the largest 13 from
the 27th on. It is a wave if, in either, the first weeks brought at least twice as many, by more
than 4 standard errors (counts vary more than by chance alone: their dispersion is measured from
week to week), and more than a twentieth of all customers. A wave ends when as many weeks in a row
bring no more than the largest later ones.

How often it errs, of 1,000 simulated logs each, 2 to 100 new customers a week on average, 30 to 160
weeks, counts Poisson or 5 times as dispersed: steady inflow 0 and 0 taken for a wave; growing or
falling by a third a year 0 and 1; with a season of +-50 % that begins at its height, 0 and 0 in
logs of a year or more, 47 and 53 in logs of 30 to 51 weeks. In so short a log that begins with four
weeks of 2.5 times the usual inflow, 509 and 138: less than a year cannot tell a season that more
than doubles the inflow from a wave. Of 200 logs each cut out of an NBD business of 1,000 customers
in mid-course, where old customers buy every 10 weeks or more often, all are recognised (91 % of
those of 200 customers), though it wins up to its whole number anew each year. Where they buy every
26 weeks, 99 % are if it wins a fifth of its number, none if it wins its whole number: then most of
those first seen are in fact new.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.minimum_data import Note

_AFTER = {4: 13, 13: 26}  # weeks at the start that may be a wave: weeks before the later ones
_TIMES, _ERRORS, _SHARE = 2.0, 4.0, 0.05


@dataclass(frozen=True)
class Acquisition:
    """Customers first seen per week, and whether the first of them were there before; see
    `detect`."""

    weekly: pd.Series  # customers first seen in each full week, indexed by its first day
    is_left_truncated: bool
    until: dt.date | None  # the last day of the first wave; None without one
    share: float  # of all customers: first seen up to `until`; 0 without a wave

    def notes(self) -> list[Note]:
        """`left_truncation`, with the percentage of customers in the wave, or nothing."""
        if not self.is_left_truncated:
            return []
        return [Note("value", "left_truncation", float(round(100 * self.share)))]

    def new_customers(self, first_orders: pd.Series) -> pd.Index:
        """Customers whose first purchase is known to be one: seen first after the wave, if any."""
        days = pd.to_datetime(first_orders.dropna())
        return days.index[days > pd.Timestamp(self.until)] if self.until else days.index

    def table(self) -> pd.DataFrame:
        """One row per week, indexed by its first day: n_customers (first seen), is_initial_stock."""
        until = self.until or dt.date.min
        is_initial_stock = [day <= until for day in self.weekly.index]
        return pd.DataFrame(
            {"n_customers": self.weekly, "is_initial_stock": is_initial_stock}, self.weekly.index
        )


def detect(
    first_orders: pd.Series, first_day: dt.date, as_of: dt.date, company: str | None = None
) -> Acquisition:
    """Look whether the data begin in mid-business.

    With a few customers a week no wave can be seen, so a region is told what the company saw.

    Parameters
    ----------
    first_orders : day on which each customer was first seen to buy; empty and later ones do not
        count
    first_day : the first day of the data, of all regions
    as_of : the last day that counts
    company : the last day of the first wave of all regions together, as 2025-03-31; empty or None
        without one. The wave of the region lasts at least as long.
    """
    days = pd.to_datetime(first_orders.dropna())
    after = (days - pd.Timestamp(first_day)).dt.days.to_numpy()
    last = (as_of - first_day).days
    after = after[(after >= 0) & (after <= last)]
    counts = np.bincount(after // 7, minlength=1)[: (last + 1) // 7]
    length = max(_wave(counts, weeks) for weeks in _AFTER)
    if company:
        length = max(length, ((dt.date.fromisoformat(company) - first_day).days + 1) // 7)
    starts = [first_day + dt.timedelta(weeks=week) for week in range(len(counts))]
    weekly = pd.Series(counts, pd.Index(starts, name="week"), name="n_customers", dtype=int)
    share = float(counts[:length].sum() / max(len(after), 1))
    until = first_day + dt.timedelta(days=7 * length - 1)
    is_initial_stock = length > 0 and (share > _SHARE or bool(company))
    return Acquisition(
        weekly,
        is_initial_stock,
        until if is_initial_stock else None,
        share if is_initial_stock else 0.0,
    )


def _wave(counts: np.ndarray, window: int) -> int:
    """Weeks in the first wave, looked for by its first `window` weeks; 0 if there is none."""
    later = counts[_AFTER[window] :]
    if len(later) < window or not counts[:window].any():
        return 0
    sums = np.convolve(counts, np.ones(window, int), "valid")
    most = sums[_AFTER[window] :].max()
    dispersion = max(1.0, float(np.mean(np.diff(later) ** 2) / 2 / max(later.mean(), 1e-9)))
    error = np.sqrt(dispersion * (sums[0] + most))
    if sums[0] < _TIMES * most or sums[0] - most < _ERRORS * error:
        return 0
    return int(np.argmax(sums <= most)) + window - 1

"""What each customer did in each year, in numbers that add up over customers."""

from __future__ import annotations

import numpy as np
import pandas as pd

_PROMOTER, _DETRACTOR = 9, 6  # scores from 9, and up to 6
_SLACK = 30  # days of a year without a complaint until complaints count as not yet recorded
_LIKELY = 5  # complaints expected in a time without any: more, and they were not recorded


def join(sums: pd.DataFrame, years: pd.DataFrame, feedback: pd.DataFrame) -> pd.DataFrame:
    """Make one row per customer, with columns (measure, year), from sums by year.

    Parameters
    ----------
    sums : one row per customer and year, from customers.in_periods
    years : from performance.periods.years
    feedback : answers and complaints by as_of: customer_id, at, kind, and score where recorded

    Returns
    -------
    Indexed by customer_id. Measures of `sums`, and
    bought, bought_before, kept : 1 if they bought in the year, the year before, both; else 0
    is_new : 1 if they bought in the year and not in the years before it. As many years before count
        for each year, because customers of a log's first year would be new just because it does not
        reach back: one, and one more for each year of the log after the fourth
    n_complaints, n_answers, nps_balance (promoters less detractors) : where recorded
    A measure that is not known of a year is empty. Without a year or an order, there are no rows.
    """
    if years.empty or sums.empty:
        return pd.DataFrame(columns=pd.MultiIndex.from_arrays([[], []]))
    wide = sums.pivot(index="customer_id", columns="period")
    counted = _count_feedback(feedback, years)
    wide = wide.join(counted, how="outer").fillna(0.0).astype(float)
    names = wide.columns.get_level_values(0).unique()
    every = pd.MultiIndex.from_product([names, years["period"]])
    found = wide.reindex(columns=every, fill_value=0.0)
    found = found.join(_describe_purchases(found["n_orders"])).sort_index()
    if "n_complaints" in names:
        days = feedback.loc[feedback["kind"] == "complaint", "at"]
        unknown = [("n_complaints", year) for year in _find_unrecorded(days, years)]
        found[unknown] = np.nan
    return found


def _describe_purchases(orders: pd.DataFrame) -> pd.DataFrame:
    """Make the measures bought to is_new from the orders of each customer and year."""
    bought = (orders > 0).astype(float)
    n_before = max(1, bought.shape[1] - 3)
    earlier = sum((bought.shift(-n, axis=1) for n in range(1, n_before + 1)), start=0.0 * bought)
    before = bought.shift(-1, axis=1)
    is_new = (bought * (earlier == 0)).where(earlier.notna())
    parts = {"bought": bought, "bought_before": before, "kept": bought * before, "is_new": is_new}
    return pd.concat(parts, axis=1)


def _count_feedback(feedback: pd.DataFrame, years: pd.DataFrame) -> pd.DataFrame:
    """Complaints and answers of each customer and year; kinds that nobody gave have no columns."""
    rows = feedback.assign(at=pd.to_datetime(feedback["at"]).astype("datetime64[ns]"))
    rows = rows.merge(years, how="cross")
    rows = rows[rows["at"].between(rows["begins"], rows["ends"])]
    score = rows["score"].astype(float) if "score" in rows else pd.Series(np.nan, rows.index)
    score = score.where(rows["kind"] == "nps")
    counts = {
        "n_complaints": (rows["kind"] == "complaint").astype(float),
        "n_answers": score.notna().astype(float),
        "nps_balance": (score >= _PROMOTER).astype(float) - (score <= _DETRACTOR),
    }
    rows = rows[["customer_id", "period"]].assign(**counts)
    measures = ["n_complaints"] * bool(rows["n_complaints"].any())
    measures += ["n_answers", "nps_balance"] * bool(rows["n_answers"].any())
    return rows.pivot_table(index="customer_id", columns="period", values=measures, aggfunc="sum")


def _find_unrecorded(at: pd.Series, years: pd.DataFrame) -> list[int]:
    """Find the years that began long before the first complaint, at the pace of those since."""
    days = pd.to_datetime(at)
    first, last = days.min(), years["ends"].max()
    per_day = len(days) / max((last - first).days, 1)
    late = (first - years["begins"]).dt.days > max(_SLACK, _LIKELY / per_day)
    return years.loc[late, "period"].tolist()

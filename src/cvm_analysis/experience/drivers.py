"""Which dimensions of satisfaction go with coming back and with margin: candidates for a test.

Past days (landmarks) divide what was known (last scores, recency, pace, value) from what came after
them: a purchase within the horizon, and its margin. All dimensions are in one regression, so that
one that only moves with another is not taken for it. Still an association: what moves a score may
move purchases, too, and only a test shows what a change of a dimension brings.

- Scores are standardised, missing ones replaced by what the customer's other scores let expect
  (multivariate normal, EM: Little & Rubin, 2019, "Statistical Analysis with Missing Data", 3rd ed.,
  section 11.2), never by the outcome.
- Purchases by logistic, margins by least squares, both with a small ridge penalty (Hoerl & Kennard,
  1970, Technometrics 12, 55-67) for scores that hardly differ; each landmark has its own intercept.
- A customer has rows at several landmarks: customers are drawn, with all their rows, in one Newton
  step from the estimate (score bootstrap: Kline & Santos, 2012, Journal of Econometric Methods 1,
  23-41). `p_first` is the share of draws in which a dimension has the largest effect.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.experience.answers import NPS, last_scores
from cvm_analysis.experience.surveys import LEVEL
from cvm_analysis.tables import TABLES

OUTCOMES = ("purchase", "margin")
CONTROLS = ("recency", "pace", "value")
LEAST_CUSTOMERS = 100  # with a score at a landmark
LEAST_EVENTS = 30  # rows with a purchase, and rows without
N_DRAWS = 1000
RIDGE = 1.0  # rows' worth of penalty on a standardised coefficient
_PENALTY_OTHERS = 1e-3  # of controls and intercepts: finite where a landmark has no purchase
_CHUNK = 50  # draws that are held at once
_PRIOR_WEEKS = 26.0  # of the pace: a new customer's first week would look too busy
_TOP_MARGIN = 0.99  # margins are cut at this quantile: single large orders
_TABLE = TABLES["drivers"]
_COLUMNS = ("effect", "low", "high", "p_value", "q_value", "p_first")


class Rows(NamedTuple):
    """One row per landmark and customer with a score; `gather` makes them."""

    customers: pd.Series
    landmark: pd.Series
    scores: pd.DataFrame  # last score of each dimension by the landmark; empty: never given
    controls: pd.DataFrame  # recency, pace, value: logarithms, known at the landmark
    purchase: pd.Series  # 1: bought within the horizon
    margin: pd.Series  # within the horizon, in the config's currency


def landmarks(days: Sequence[dt.date], as_of: dt.date, horizon_days: int) -> list[dt.date]:
    """Keep the landmarks whose horizon has passed by as_of."""
    return [day for day in days if day + dt.timedelta(days=horizon_days) <= as_of]


def known_on(daily_margin: pd.DataFrame, days: Sequence[dt.date]) -> dict[dt.date, pd.DataFrame]:
    """Measure customers at each landmark, as table `customers` does, from their days so far.

    daily_margin : one row per customer and day: customer_id, day, sales, purchases (0: a return)

    Returns
    -------
    day -> one row per customer who had bought, indexed by customer_id: days_since_last,
    n_purchase_days, T (weeks since the first), net_sales_365d.
    """
    day = pd.to_datetime(daily_margin["day"], cache=False)
    return {each: _known(daily_margin, day, pd.Timestamp(each)) for each in days}


def _known(daily: pd.DataFrame, day: pd.Series, end: pd.Timestamp) -> pd.DataFrame:
    customers, bought = daily["customer_id"], (day <= end) & (daily["purchases"] > 0)
    found = day[bought].groupby(customers[bought]).agg(["min", "max", "size"])
    recent = (day <= end) & (day > end - pd.Timedelta(days=365))
    sales = daily["sales"][recent].groupby(customers[recent]).sum()
    return pd.DataFrame(
        {
            "days_since_last": (end - found["max"]).dt.days,
            "n_purchase_days": found["size"],
            "T": (end - found["min"]).dt.days / 7,
            "net_sales_365d": sales.reindex(found.index, fill_value=0.0),
        }
    )


def gather(
    answers: pd.DataFrame,
    customers: Mapping[dt.date, pd.DataFrame],
    daily_margin: pd.DataFrame,
    horizon_days: int,
) -> Rows:
    """Collect what was known at each landmark, and what came within the horizon after it.

    Parameters
    ----------
    answers : one row per answer, as `answers.read` returns; those after a landmark do not count
        there, nor does the recommendation score, which sums the dimensions up
    customers : landmark (see `landmarks`) -> customers as known then (`known_on`); those who had
        bought count
    daily_margin : one row per customer and day: customer_id, day, amount, purchases (0: a return)
    """
    rated = answers[answers["dimension"] != NPS]
    dimensions = sorted(rated["dimension"].unique())
    parts = []
    for day, every in customers.items():
        known = every[every["n_purchase_days"] > 0]
        last = last_scores(rated, day).reindex(columns=dimensions)
        last = last[last.index.isin(known.index)]
        after = _outcome(daily_margin, day, horizon_days).reindex(last.index, fill_value=0.0)
        rows = pd.concat([last, controls(known.loc[last.index]), after], axis=1)
        parts.append(rows.rename_axis("customer_id").reset_index().assign(landmark=day))
    columns = ["customer_id", "landmark", *dimensions, *CONTROLS, *OUTCOMES]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return Rows(
        table["customer_id"], table["landmark"], table[dimensions].astype(float),
        table[list(CONTROLS)].astype(float), table["purchase"].astype(float),
        table["margin"].astype(float),
    )  # fmt: skip


def controls(customers: pd.DataFrame) -> pd.DataFrame:
    """Compute recency, pace and value of customers as known on a day, as logarithms.

    recency : of 1 + days since the last purchase
    pace : of purchase days per week, with half a year of prior data
    value : of 1 + net sales of the last 365 days, at least 0
    """
    weeks = customers["T"].astype(float) + _PRIOR_WEEKS
    sales = customers["net_sales_365d"].astype(float).clip(lower=0)
    return pd.DataFrame(
        {
            "recency": np.log1p(customers["days_since_last"].astype(float)),
            "pace": np.log(customers["n_purchase_days"].astype(float) / weeks),
            "value": np.log1p(sales),
        }
    )


def rank(rows: Rows, seed: int = 0) -> pd.DataFrame:
    """Rank the dimensions by what goes with one standard deviation of their score.

    Returns
    -------
    Table `drivers`, best first; no rows of an outcome with too few customers, or too few rows with
    or without a purchase, or of an outcome that does not differ (margin, where hardly anybody comes
    back), and no dimension whose scores do not differ.
    """
    spread = rows.scores.std()
    used = list(spread.index[spread > 0])
    n = rows.customers.nunique()
    events = [rows.purchase.sum(), (1 - rows.purchase).sum()]
    if n < LEAST_CUSTOMERS or min(events) < LEAST_EVENTS or not used:
        return pd.DataFrame(columns=list(_TABLE.columns))
    design = _design(rows, used)
    code, _names = pd.factorize(rows.customers)
    margin = rows.margin.clip(upper=rows.margin.quantile(_TOP_MARGIN)).to_numpy()
    outcomes = {"purchase": rows.purchase.to_numpy(), "margin": margin}
    parts = []
    for name, y in ((name, y) for name, y in outcomes.items() if np.ptp(y) > 0):
        found = _effects(design, y, code, len(used), name == "purchase", seed)
        part = pd.DataFrame(found, columns=list(_COLUMNS)).assign(
            dimension=used, outcome_name=name, n_customers=n, score_sd=spread[used].to_numpy()
        )
        part = part.sort_values("effect", ascending=False, kind="stable", ignore_index=True)
        parts.append(part.assign(rank=part.index + 1))
    return pd.concat(parts, ignore_index=True)[list(_TABLE.columns)]


def _outcome(daily_margin: pd.DataFrame, landmark: dt.date, horizon_days: int) -> pd.DataFrame:
    """Whether each customer bought within the horizon after a landmark, and the margin."""
    day, start = pd.to_datetime(daily_margin["day"], cache=False), pd.Timestamp(landmark)
    within = daily_margin[(day > start) & (day <= start + pd.Timedelta(days=horizon_days))]
    by_customer = within.groupby("customer_id")
    bought = by_customer["purchases"].max().clip(upper=1)
    return pd.DataFrame({"purchase": bought, "margin": by_customer["amount"].sum()}).astype(float)


def _design(rows: Rows, dimensions: Sequence[str]) -> Array:
    """Standardised scores, standardised controls, and one column per landmark."""
    scores = fill(_standardise(rows.scores[list(dimensions)]).to_numpy())
    known = _standardise(rows.controls).fillna(0.0).to_numpy()
    starts = pd.get_dummies(rows.landmark, dtype=float).to_numpy()
    return np.column_stack([scores, known, starts])


def _standardise(table: pd.DataFrame) -> pd.DataFrame:
    spread = table.std()
    return (table - table.mean()) / spread.where(spread > 0, 1.0)


def fill(scores: Array, n_steps: int = 30) -> Array:
    """Replace missing scores by their mean given the customer's other ones (EM).

    scores : rows x dimensions, NaN where missing
    """
    absent = np.isnan(scores)
    patterns, code = np.unique(absent, axis=0, return_inverse=True)
    rows = [np.flatnonzero(code.ravel() == k) for k in range(len(patterns))]
    filled = np.where(absent, np.nanmean(scores, axis=0), scores)
    unexplained = np.zeros(2 * [scores.shape[1]])  # variance of what is missing, given the rest
    for _step in range(n_steps if absent.any() else 0):
        mean = filled.mean(axis=0)
        cov = (filled - mean).T @ (filled - mean) / len(filled) + unexplained
        unexplained = np.zeros_like(cov)
        for gone, at in zip(patterns, rows, strict=True):
            slope = np.linalg.pinv(cov[np.ix_(~gone, ~gone)]) @ cov[np.ix_(~gone, gone)]
            filled[np.ix_(at, gone)] = (
                mean[gone] + (filled[np.ix_(at, ~gone)] - mean[~gone]) @ slope
            )
            rest = cov[np.ix_(gone, gone)] - cov[np.ix_(gone, ~gone)] @ slope
            unexplained[np.ix_(gone, gone)] += rest * len(at) / len(filled)
    return filled


def _effects(
    x: Array, y: Array, customers: Ints, n_dimensions: int, is_logistic: bool, seed: int
) -> Array:
    """Effects of the first columns of x: one row per dimension, columns as _COLUMNS."""
    penalty = np.full(x.shape[1], _PENALTY_OTHERS)
    penalty[:n_dimensions] = RIDGE
    beta, curvature = _fit(x, y, penalty, is_logistic)
    residual = y - _predict(x, beta, is_logistic)
    n = customers.max() + 1
    summed = np.column_stack([np.bincount(customers, row * residual, n) for row in x.T])
    moved = (summed @ np.linalg.inv(curvature))[:, :n_dimensions]  # by each customer
    effect, se = beta[:n_dimensions], np.sqrt((moved**2).sum(axis=0) * n / (n - 1))
    half = float(stats.norm.ppf((1 + LEVEL) / 2)) * se
    p_value = 2 * stats.norm.sf(np.abs(effect) / se)
    q_value = stats.false_discovery_control(p_value)
    first = _share_first(effect, moved, seed)
    return np.column_stack([effect, effect - half, effect + half, p_value, q_value, first])


def _share_first(effect: Array, moved: Array, seed: int) -> Array:
    """Share of draws of customers in which each dimension has the largest effect."""
    rng, n = np.random.default_rng(seed), len(moved)
    first = np.zeros(len(effect))
    for start in range(0, N_DRAWS, _CHUNK):
        size = min(_CHUNK, N_DRAWS - start)
        drawn = rng.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        best = (effect + (times - 1.0) @ moved).argmax(axis=1)
        first += np.bincount(best, minlength=len(effect))
    return first / N_DRAWS


def _fit(x: Array, y: Array, penalty: Array, is_logistic: bool) -> tuple[Array, Array]:
    """Maximise the penalised likelihood by Newton's steps; the coefficients, and its curvature."""
    beta = np.zeros(x.shape[1])
    for _step in range(50):
        fitted = _predict(x, beta, is_logistic)
        weight = fitted * (1 - fitted) if is_logistic else np.ones(len(y))
        curvature = (x * weight[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(curvature, x.T @ (y - fitted) - penalty * beta)
        beta = beta + step
        if np.abs(step).max() < 1e-9 * max(1.0, float(np.abs(beta).max())):
            break
    return beta, curvature


def _predict(x: Array, beta: Array, is_logistic: bool) -> Array:
    found: Array = expit(x @ beta) if is_logistic else x @ beta
    return found

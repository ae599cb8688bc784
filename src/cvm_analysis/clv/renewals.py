"""Renewals of contracts with a term: which forecast to use, who is due when, what is to come.

Time is counted in periods, the contract's own term. Three forecasts of the share who renew: the
shifted beta-geometric model, one rate for each renewal (Kaplan-Meier in periods), and one constant
rate. Per term the one with the best log score on contracts left out of the fit is used; where two
are equal, the simpler.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv import shifted_beta_geometric
from cvm_analysis.clv.shifted_beta_geometric import ShiftedBetaGeometric
from cvm_analysis.errors import FitError

PART = "renewals"
BY_PERIOD, CONSTANT = "retention_by_period", "constant_retention"
DAYS_PER_MONTH = 365.25 / 12
_TOLERANCE = 3  # days: months have 28 to 31
_SCORES = ["term_months", "model", "n_due", "log_score", "is_chosen"]


@dataclass(frozen=True)
class Rates:
    """A rate for each renewal; the last one is for all that follow."""

    code: str
    rates: Array

    def retention(self, period: int | Array) -> Array:
        """Share who renew; period is the number of the renewal, 1 or more."""
        return self.rates[np.minimum(np.asarray(period, int), len(self.rates)) - 1]


Retention = Rates | ShiftedBetaGeometric


def count_periods(contracts: pd.DataFrame, spans: pd.DataFrame) -> pd.DataFrame:
    """Count the renewals of each contract with a term; an end between two renewals is a loss.

    Parameters
    ----------
    contracts : term_months; none without such a column
    spans : as `churn.contracts.durations` returns: duration, event, maybe entry (days)

    Returns
    -------
    Index of `spans`, only contracts with a term: term_months, renewals, lost, entered, as
    `shifted_beta_geometric.fit` takes them.
    """
    if "term_months" not in contracts:
        return pd.DataFrame(columns=["term_months", "renewals", "lost", "entered"], dtype=float)
    term = contracts.loc[spans.index, "term_months"].astype(float)
    term = term[term > 0]
    rows, days = spans.loc[term.index], term * DAYS_PER_MONTH
    lost = rows["event"] == 1
    entry = rows.get("entry", 0.0)
    made = np.floor((rows["duration"] + _TOLERANCE) / days)
    before_end = np.ceil((rows["duration"] - _TOLERANCE) / days) - 1
    renewals = made.where(~lost, before_end.clip(lower=0))
    entered = np.minimum(np.floor((entry + _TOLERANCE) / days), renewals)
    return pd.DataFrame(
        {"term_months": term, "renewals": renewals, "lost": lost, "entered": entered}
    )


def score(periods: pd.DataFrame) -> pd.DataFrame:
    """Score the forecasts on contracts left out of the fit: each half by the other.

    periods : as `count_periods` returns

    Returns
    -------
    One row per term and forecast that could be fitted: term_months, model, n_due (renewals due),
    log_score (mean log probability of what came, per renewal due), is_chosen.
    """
    tables = [_score_term(term, rows) for term, rows in periods.groupby("term_months")]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_SCORES)


def _score_term(term: float, rows: pd.DataFrame) -> pd.DataFrame:
    drawn = np.random.default_rng(0).permutation(len(rows))
    halves = [rows.iloc[np.sort(half)] for half in np.array_split(drawn, 2)]
    pairs = list(zip(halves, halves[::-1], strict=True))
    fitted = [(_fit_all(learned), shifted_beta_geometric.count_renewals(held))
              for learned, held in pairs]  # fmt: skip
    n_due = sum(float(renewed.sum() + ended.sum()) for _, (renewed, ended) in fitted)
    codes = [code for code in fitted[0][0] if code in fitted[1][0]] if n_due else []
    totals = [sum(_log_score(models[code], *counts) for models, counts in fitted) for code in codes]
    scored = pd.DataFrame({"term_months": term, "model": codes, "n_due": n_due})
    scored["log_score"] = np.array(totals) / n_due if n_due else np.nan
    return scored.assign(is_chosen=scored.index == scored["log_score"].argmax() if codes else False)


def _log_score(model: Retention, renewed: Array, ended: Array) -> float:
    rates = model.retention(np.arange(1.0, len(renewed) + 1)) if len(renewed) else np.empty(0)
    return float(renewed @ np.log(rates) + ended @ np.log1p(-rates))


def _fit_all(rows: pd.DataFrame) -> dict[str, Retention]:
    """Fit every forecast, the simplest first; a rate counts one more contract at the mean rate."""
    renewed, ended = shifted_beta_geometric.count_renewals(rows)
    due = renewed + ended
    mean = (renewed.sum() + 0.5) / (due.sum() + 1)
    by_period = np.append((renewed + mean) / (due + 1), mean)
    models: dict[str, Retention] = {
        CONSTANT: Rates(CONSTANT, np.array([mean])),
        BY_PERIOD: Rates(BY_PERIOD, by_period),
    }
    try:
        fitted = shifted_beta_geometric.fit(rows)
    except FitError:
        return models
    return models | {fitted.code: fitted}


def fit(periods: pd.DataFrame, scores: pd.DataFrame) -> dict[float, Retention]:
    """Fit the chosen forecast of each term to all its contracts; scores : as `score` returns."""
    chosen = scores[scores["is_chosen"].astype(bool)].set_index("term_months")["model"]
    terms = periods.groupby("term_months")
    return {term: _fit_all(terms.get_group(term))[code] for term, code in chosen.items()}


def backtest_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores as rows of table `backtest`, part renewals; horizon_days is the term."""
    days = (scores["term_months"].astype(float) * DAYS_PER_MONTH).round().astype(int)
    rows = scores.assign(part=PART, horizon_days=days).drop(columns="term_months")
    keys = ["part", "horizon_days", "model", "is_chosen"]
    return rows.melt(keys, ["n_due", "log_score"], var_name="metric").astype({"value": float})


def forecast(
    contracts: pd.DataFrame,
    spans: pd.DataFrame,
    models: Mapping[float, Retention],
    as_of: dt.date,
    horizon_days: int,
    extracted_on: dt.date,
) -> pd.DataFrame:
    """Forecast the next renewal and the revenue to come of customers with running contracts.

    Parameters
    ----------
    contracts : one row per contract: customer_id, started_on, ended_on, maybe term_months and
        monthly_value
    spans, models : as `count_periods` takes and `fit` returns
    horizon_days : how far ahead revenue counts
    extracted_on : ends after it are agreed ones: nothing is renewed then

    Returns
    -------
    One row per customer with a contract that has a term or an agreed end: due_on (the first of
    them), p_renewal (of that contract; empty for an agreed end), monthly_value and renewal_value
    (one term) of all such contracts, and expected_revenue within the horizon, not discounted: paid
    up to the next renewal, then with the probability of each. Money is empty where it is not known.
    """
    running = contracts.loc[spans.index[spans["event"] == 0]]
    periods = count_periods(contracts, spans).reindex(running.index)
    periods = periods.where(periods["term_months"].isin(list(models)))
    end = pd.to_datetime(running["ended_on"])
    end = end.where(end > pd.Timestamp(extracted_on))
    due = _next_due(pd.to_datetime(running["started_on"]), periods)
    months = _expected_months(periods, models, _months(as_of, due), horizon_days / DAYS_PER_MONTH)
    until_end = _months(as_of, end).clip(upper=horizon_days / DAYS_PER_MONTH)
    monthly = running.get("monthly_value", pd.Series(np.nan, running.index)).astype(float)
    table = pd.DataFrame(
        {
            "customer_id": running["customer_id"],
            "due_on": end.fillna(due),
            "p_renewal": _p_renewing(periods, models, 1).where(end.isna()),
            "monthly_value": monthly,
            "renewal_value": monthly * periods["term_months"],
            "expected_revenue": monthly * until_end.fillna(months),
        }
    )
    return _by_customer(table[table["due_on"].notna()])


def _by_customer(table: pd.DataFrame) -> pd.DataFrame:
    """Take the contract due first, and the money of all."""
    ordered = table.sort_values(["customer_id", "due_on", "p_renewal"], kind="stable")
    first = ordered.drop_duplicates("customer_id").set_index("customer_id")
    money = ["monthly_value", "renewal_value", "expected_revenue"]
    return first[["due_on", "p_renewal"]].join(
        ordered.groupby("customer_id")[money].sum(min_count=1)
    )


def _months(day: dt.date, to: pd.Series) -> pd.Series:
    return (to - pd.Timestamp(day)).dt.days.clip(lower=0) / DAYS_PER_MONTH


def _next_due(start: pd.Series, periods: pd.DataFrame) -> pd.Series:
    """The day on which each contract comes up for its next renewal; empty without a term."""
    months = (periods["term_months"] * (periods["renewals"].astype(float) + 1)).dropna()
    due = pd.Series(pd.NaT, start.index, dtype="datetime64[ns]")
    for n, rows in months.groupby(months):
        due.loc[rows.index] = start.loc[rows.index] + pd.DateOffset(months=round(n))
    return due


def _p_renewing(periods: pd.DataFrame, models: Mapping[float, Retention], nth: int) -> pd.Series:
    """The share of those who have just made the renewal before who make their nth next one."""
    p = pd.Series(np.nan, periods.index)
    for term, rows in periods.groupby("term_months"):
        renewals = rows["renewals"].to_numpy(int)
        p.loc[rows.index] = models[term].retention(renewals + nth)
    return p


def _expected_months(
    periods: pd.DataFrame, models: Mapping[float, Retention], to_due: pd.Series, horizon: float
) -> pd.Series:
    """Expected months under contract within the horizon; empty without a term."""
    term = periods["term_months"].astype(float)
    found, stays = to_due.clip(upper=horizon), pd.Series(1.0, periods.index)
    most = int(np.ceil(horizon / term.min())) if term.notna().any() else 0
    for nth in range(1, most + 1):
        stays *= _p_renewing(periods, models, nth)
        left = horizon - to_due - (nth - 1) * term
        found += stays * np.minimum(left.clip(lower=0), term)
    return found.where(term.notna())

"""Will an open lead be won within the horizon? Logistic regression, if it beats the rate by source.

Learned from what was known of open leads on past days (landmarks, a month apart) and what became of
them within the horizon; a lead that was lost by then was not won. The last third of the days is the
test: the model learned from days whose outcomes were known before it, and is used only if its log
loss is lower than that of the rate by source beyond chance (clustered by lead).

Source: van Houwelingen (2007), "Dynamic Prediction by Landmarking in Event History Analysis",
Scandinavian Journal of Statistics 34(1), 70-85.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from cvm_analysis.arrays import Array
from cvm_analysis.experience import leads as leads_module

SPACING_DAYS = 30  # between landmarks
LEAST_LEADS = 50  # of training and of test, and a fifth as many won
LEAST_OF_CODE = 50  # leads for a source or owner to have a coefficient of its own
_PRIOR = 10.0  # leads at the rate of all that are added to each source


@dataclass(frozen=True)
class Score:
    """The forecast of leads; `fit` makes one.

    log_loss, log_loss_by_source : mean over the test rows; empty if there were too few
    gain : by how much the model's is lower, gain_low : its lower limit of 95 % (one-sided)
    """

    horizon_days: int
    is_model: bool  # else the rate by source is used
    rate: float
    rates: pd.Series
    log_loss: float
    log_loss_by_source: float
    gain: float
    gain_low: float
    n_train: int
    n_test: int
    columns: tuple[str, ...]
    model: Any = None

    def p_won(self, rows: pd.DataFrame) -> pd.Series:
        """Probability that each open lead is won within the horizon; rows : as `known_on`."""
        if self.is_model:
            return _predict(self.model, rows, self.columns)
        return _rate_by_source(rows, self.rates, self.rate)


def known_on(leads: pd.DataFrame, order: Sequence[str], day: dt.date) -> pd.DataFrame:
    """Describe the open leads of a day by what was known then.

    Returns
    -------
    One row per open lead, indexed by lead_id: source, owner, stage (codes), furthest (number of the
    furthest stage), age (days since it came in), in_stage (days), value (empty if unknown).
    Whether it has a customer_id is left out: many systems fill that in once a lead is won.
    """
    found = leads_module.latest(leads, order, day)
    found = found[found["outcome"] == leads_module.OPEN]
    now = pd.Timestamp(day)
    return pd.DataFrame(
        {
            **{name: found[name] for name in ("source", "owner", "stage", "furthest")},
            "age": (now - found["created_on"]).dt.days.astype(float),
            "in_stage": (now - found["stage_at"].fillna(found["created_on"])).dt.days.astype(float),
            "value": found["value"].astype(float),
        }
    )


def fit(leads: pd.DataFrame, order: Sequence[str], as_of: dt.date, horizon_days: int) -> Score:
    """Learn from all past landmarks; the last third of them decides whether the model is used.

    leads : the raw table; order : as `leads.find_stages` returns
    """
    rows = _landmarks(leads, order, as_of, horizon_days)
    days = np.sort(rows["day"].unique())
    test_from = days[len(days) * 2 // 3] if len(days) else pd.NaT
    horizon = pd.Timedelta(days=horizon_days)
    train, test = rows[rows["day"] + horizon <= test_from], rows[rows["day"] >= test_from]
    gain = low = loss = by_source = np.nan
    if _suffices(train) and _suffices(test):
        model, columns = _learn(train)
        p = _predict(model, test, columns)
        base = _rate_by_source(test, *_rates(train))
        losses = [_log_loss(test["won"], each) for each in (p, base)]
        loss, by_source = (float(each.mean()) for each in losses)
        gain, low = _gain(losses[1] - losses[0], test["lead_id"])
    is_model = bool(low > 0)
    final, columns = _learn(rows) if is_model else (None, ())
    rates, rate = _rates(rows)
    return Score(
        horizon_days=horizon_days,
        is_model=is_model,
        rate=rate,
        rates=rates,
        log_loss=loss,
        log_loss_by_source=by_source,
        gain=gain,
        gain_low=low,
        n_train=train["lead_id"].nunique(),
        n_test=test["lead_id"].nunique(),
        columns=columns,
        model=final,
    )


def pipeline(latest: pd.DataFrame, p_won: pd.Series, by: str | None = None) -> pd.DataFrame:
    """Add up what open leads should bring within the horizon.

    latest : as `leads.latest` returns; p_won : by lead_id, of the open ones

    Returns
    -------
    One row per segment, indexed by segment: n_open, n_without_value, value (of all open leads),
    expected_won (number), expected_value. A lead without a value counts with the median of the
    open leads.
    """
    rows = latest.loc[p_won.index]
    value = rows["value"].astype(float)
    filled = value.fillna(value.median())
    segment = rows[by].fillna("unknown") if by else pd.Series("all", rows.index)
    figures = pd.DataFrame(
        {
            "n_open": 1,
            "n_without_value": value.isna().astype(int),
            "value": filled,
            "expected_won": p_won,
            "expected_value": p_won * filled,
        }
    )
    return figures.groupby(segment.rename("segment")).sum()


def _landmarks(
    leads: pd.DataFrame, order: Sequence[str], as_of: dt.date, horizon_days: int
) -> pd.DataFrame:
    """One row per landmark with a known outcome and lead open then; won : 1 or 0."""
    final = leads_module.latest(leads, order, as_of)
    last = pd.Timestamp(as_of) - pd.Timedelta(days=horizon_days)
    first = final["created_on"].min()
    n = max(int((last - first).days // SPACING_DAYS), 0) if len(final) else 0
    tables = []
    for back in range(n, -1, -1) if n else ():
        day = last - pd.Timedelta(days=back * SPACING_DAYS)
        rows = known_on(leads, order, day.date())
        end = final.reindex(rows.index)
        won = (end["outcome"] == "won") & (
            end["closed_on"] <= day + pd.Timedelta(days=horizon_days)
        )
        tables.append(rows.assign(day=day, won=won.astype(float)).reset_index())
    if not tables:
        empty = known_on(leads, order, as_of).iloc[:0].reset_index()
        return empty.assign(day=pd.Series(dtype="datetime64[ns]"), won=pd.Series(dtype=float))
    return pd.concat(tables, ignore_index=True)


def _suffices(rows: pd.DataFrame) -> bool:
    by_lead = rows.groupby("lead_id")["won"].max()
    return len(by_lead) >= LEAST_LEADS and min(by_lead.sum(), (1 - by_lead).sum()) >= (
        LEAST_LEADS / 5
    )


def _rates(rows: pd.DataFrame) -> tuple[pd.Series, float]:
    """Share won by source, and of all; a source of few leads is drawn to the share of all."""
    rate = float(rows["won"].mean()) if len(rows) else np.nan
    by_source = rows.groupby("source")["won"].agg(["sum", "size"])
    return (by_source["sum"] + _PRIOR * rate) / (by_source["size"] + _PRIOR), rate


def _rate_by_source(rows: pd.DataFrame, rates: pd.Series, rate: float) -> pd.Series:
    return rows["source"].map(rates).astype(float).fillna(rate)


def _inputs(rows: pd.DataFrame) -> pd.DataFrame:
    """Numbers for the model: logs of days and money, and a column for each code."""
    per_stage = (rows["age"] - rows["in_stage"]).clip(lower=0) / rows["furthest"].clip(lower=1)
    numbers = pd.DataFrame(
        {
            "furthest": rows["furthest"].astype(float),
            "age": np.log1p(rows["age"].clip(lower=0)),
            "in_stage": np.log1p(rows["in_stage"].clip(lower=0)),
            "days_per_stage": np.log1p(per_stage),
            "value": np.log1p(rows["value"].clip(lower=0).fillna(rows["value"].median()).fillna(0)),
        }
    )
    codes = [
        pd.get_dummies(rows[name], prefix=name, dtype=float)
        for name in ("source", "owner", "stage")
    ]
    return pd.concat([numbers, *codes], axis=1)


def _learn(rows: pd.DataFrame) -> tuple[Any, tuple[str, ...]]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    inputs = _inputs(rows)
    is_code = inputs.columns.str.startswith(("source_", "owner_", "stage_"))
    n_leads = inputs.groupby(rows["lead_id"]).max().sum()
    rare = is_code & (n_leads < LEAST_OF_CODE).to_numpy()
    inputs = inputs.loc[:, ~rare]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1_000))
    return model.fit(inputs.to_numpy(), rows["won"]), tuple(inputs.columns)


def _predict(model: Any, rows: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    if rows.empty:
        return pd.Series(dtype=float, index=rows.index)
    inputs = _inputs(rows).reindex(columns=list(columns), fill_value=0.0)
    return pd.Series(model.predict_proba(inputs.to_numpy())[:, 1], rows.index)


def _log_loss(won: pd.Series, p: pd.Series) -> pd.Series:
    p = p.clip(1e-4, 1 - 1e-4)
    return -(won * np.log(p) + (1 - won) * np.log(1 - p))


def _gain(difference: pd.Series, lead: pd.Series) -> tuple[float, float]:
    """Mean gain per row, and its lower limit of 95 % (one-sided), clustered by lead."""
    mean = float(difference.mean())
    by_lead: Array = (difference - mean).groupby(lead.to_numpy()).sum().to_numpy()
    n = len(by_lead)
    error = float(np.sqrt((by_lead**2).sum() * n / (n - 1))) / len(difference)
    return mean, mean - float(norm.ppf(0.95)) * error

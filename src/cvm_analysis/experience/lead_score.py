"""Will an open lead be won within the horizon? The rate by source, or a score that beats it.

Learned from what was known of open leads on past days (landmarks, a month apart) and what became of
them within the horizon; a lead that was lost by then was not won. The last third of the days is the
test: each score learned from days whose outcomes were known before it. A logistic regression is
used only if its log loss is lower than that of the rate by source beyond chance (clustered by
lead); a scorecard, if the config has one, only if it beats the one of the two that is in use.
The points of a scorecard become probabilities by a logistic regression on its score alone.

Source: van Houwelingen (2007), "Dynamic Prediction by Landmarking in Event History Analysis",
Scandinavian Journal of Statistics 34(1), 70-85.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from cvm_analysis.arrays import Array
from cvm_analysis.experience import clustered_auc
from cvm_analysis.experience import leads as leads_module
from cvm_analysis.segments.grades import grade as grade_module
from cvm_analysis.segments.grades import points, scorecard
from cvm_analysis.segments.grades.scorecard import Scorecard
from cvm_analysis.tables import TABLES

SPACING_DAYS = 30  # between landmarks
LEAST_LEADS = 50  # of training and of test, and a fifth as many won
LEAST_OF_CODE = 50  # leads for a source or owner to have a coefficient of its own
_MOST_ROWS = 500_000  # stages of leads and days that are held at once
_PRIOR = 10.0  # leads at the rate of all that are added to each source


Forecast = Callable[[pd.DataFrame], pd.Series]  # rows as `known_on` -> probability of being won
SOURCE, MODEL, SCORECARD = "source", "model", "scorecard"


@dataclass(frozen=True)
class Score:
    """The forecast of leads; `fit` makes one.

    used : source (the rate by source), model or scorecard
    rate : share won within the horizon of all leads that were open at a landmark
    tested : table `lead_scores`, in the order of the test; no rows if there were too few leads
    card : the scorecard, fitted to all landmarks; None: the config has none
    """

    horizon_days: int
    used: str
    rate: float
    tested: pd.DataFrame
    n_train: int
    n_test: int
    p_won: Forecast  # by the score in use
    card: Scorecard | None = None


def known_on(leads: pd.DataFrame, order: Sequence[str], day: dt.date) -> pd.DataFrame:
    """Describe the open leads of a day by what was known then.

    Returns
    -------
    One row per open lead, indexed by lead_id: source, owner, stage (codes), furthest (number of the
    furthest stage), age (days since it came in), in_stage (days), value (empty if unknown).
    Whether it has a customer_id is left out: many systems fill that in once a lead is won.
    """
    return _open_leads(leads_module.latest_on(leads, order, [day])).droplevel("day")


def _open_leads(found: pd.DataFrame) -> pd.DataFrame:
    """What `known_on` tells, of each day and lead; found : as `leads.latest_on`."""
    found = found[found["outcome"] == leads_module.OPEN]
    now = found.index.get_level_values("day").to_series(found.index)
    return pd.DataFrame(
        {
            **{name: found[name] for name in ("source", "owner", "stage", "furthest")},
            "age": (now - found["created_on"]).dt.days.astype(float),
            "in_stage": (now - found["stage_at"].fillna(found["created_on"])).dt.days.astype(float),
            "value": found["value"].astype(float),
        }
    )


def fit(
    leads: pd.DataFrame,
    order: Sequence[str],
    as_of: dt.date,
    horizon_days: int,
    cards: Sequence[Scorecard] = (),
) -> Score:
    """Learn from all past landmarks; the last third of them decides which score is used.

    leads : the raw table; order : as `leads.find_stages` returns
    cards : versions of the scorecard of leads; the one that is valid on as_of counts
    """
    rows = _landmarks(leads, order, as_of, horizon_days)
    days = np.sort(rows["day"].unique())
    test_from = days[len(days) * 2 // 3] if len(days) else pd.NaT
    horizon = pd.Timedelta(days=horizon_days)
    train, test = rows[rows["day"] + horizon <= test_from], rows[rows["day"] >= test_from]
    begun = [card for card in cards if card.valid_from <= as_of]
    card = scorecard.valid_on(begun, as_of) if begun else None
    ways = {SOURCE: _by_source, MODEL: _by_model}
    if card is not None:
        ways[SCORECARD] = partial(_by_card, card)
    tested = _test(ways, train, test)
    used = next(iter(tested.index[tested["is_used"]]), SOURCE)
    return Score(
        horizon_days=horizon_days,
        used=used,
        rate=float(rows["won"].mean()) if len(rows) else np.nan,
        tested=tested,
        n_train=train["lead_id"].nunique(),
        n_test=test["lead_id"].nunique(),
        p_won=ways[used](rows),
        card=points.fit_bins(card, rows) if card is not None else None,
    )


def grade(score: Score, rows: pd.DataFrame) -> pd.DataFrame:
    """Grade open leads by the scorecard, whichever score is in use.

    rows : as `known_on`

    Returns
    -------
    Same index; score (0 to 100, empty: too little is known), grade (`not_graded` then). No columns
    without a scorecard.
    """
    if score.card is None:
        return rows[[]]
    found = points.score(score.card, rows)
    grades = grade_module.assign(found, grade_module.thresholds(score.card, found))
    return pd.DataFrame({"score": found, "grade": grades})


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
    horizon = pd.Timedelta(days=horizon_days)
    last = pd.Timestamp(as_of) - horizon
    first = final["created_on"].min()
    n = max(int((last - first).days // SPACING_DAYS), 0) if len(final) else 0
    days = [last - pd.Timedelta(days=back * SPACING_DAYS) for back in range(n, -1, -1) if n]
    size = max(1, _MOST_ROWS // max(1, len(leads)))
    tables = [
        _open_leads(leads_module.latest_on(leads, order, days[start : start + size]))
        for start in range(0, len(days) or 1, size)
    ]
    rows = pd.concat(tables).reset_index()
    end = final.reindex(rows["lead_id"])
    within = end["closed_on"].to_numpy() <= (rows["day"] + horizon).to_numpy()
    return rows.assign(won=((end["outcome"] == "won").to_numpy() & within).astype(float))


def _suffices(rows: pd.DataFrame) -> bool:
    by_lead = rows.groupby("lead_id")["won"].max()
    return len(by_lead) >= LEAST_LEADS and min(by_lead.sum(), (1 - by_lead).sum()) >= (
        LEAST_LEADS / 5
    )


def _test(
    ways: Mapping[str, Callable[[pd.DataFrame], Forecast]], train: pd.DataFrame, test: pd.DataFrame
) -> pd.DataFrame:
    """Test each score on later rows: table `lead_scores`; the last that beats those before is used.

    ways : score -> learns from rows how to forecast others; the first is used unless it is beaten
    """
    columns = [name for name in TABLES["lead_scores"].columns if name != "lead_score"]
    if not (_suffices(train) and _suffices(test)):
        return pd.DataFrame(columns=columns).rename_axis("lead_score")
    won, lead = test["won"], test["lead_id"]
    used, losses, found = next(iter(ways)), {}, {}
    for name, learn in ways.items():
        p = learn(train)(test)
        losses[name] = _log_loss(won, p)
        auc = clustered_auc.estimate(p, won == 1, lead)
        gain = low = np.nan
        if name != used:
            gain, low = _gain(losses[used] - losses[name], lead)
        if low > 0:
            used = name
        found[name] = (losses[name].mean(), gain, low, auc.auc, auc.low, auc.high)
    names = ["log_loss", "improvement", "improvement_low", "auc", "auc_low", "auc_high"]
    table = pd.DataFrame.from_dict(found, orient="index", columns=names).rename_axis("lead_score")
    table = table.assign(n_leads=lead.nunique(), is_used=table.index == used)
    return table[columns]


def _by_source(rows: pd.DataFrame) -> Forecast:
    """Learn the share won by source; a source of few leads is drawn to the share of all."""
    rate = float(rows["won"].mean()) if len(rows) else np.nan
    by_source = rows.groupby("source")["won"].agg(["sum", "size"])
    rates = (by_source["sum"] + _PRIOR * rate) / (by_source["size"] + _PRIOR)
    return lambda others: others["source"].map(rates).astype(float).fillna(rate)


def _by_model(rows: pd.DataFrame) -> Forecast:
    model, columns = _learn(rows)
    return lambda others: _predict(model, others, columns)


def _by_card(card: Scorecard, rows: pd.DataFrame) -> Forecast:
    """Learn how often leads of a score were won; one without a score has the rate by source."""
    from sklearn.linear_model import LogisticRegression

    fitted, by_source = points.fit_bins(card, rows), _by_source(rows)
    score = points.score(fitted, rows) / 100
    known = score.notna()
    if rows.loc[known, "won"].nunique() < 2:
        return by_source
    model = LogisticRegression(C=np.inf).fit(score[known].to_frame(), rows.loc[known, "won"])

    def forecast(others: pd.DataFrame) -> pd.Series:
        score = points.score(fitted, others) / 100
        found, known = by_source(others), score.notna()
        if known.any():
            found[known] = model.predict_proba(score[known].to_frame())[:, 1]
        return found

    return forecast


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

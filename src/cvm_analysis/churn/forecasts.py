"""Who will stay silent: the model tried on a past it had not seen, beside recency alone.

Cox's model learns at one landmark and is tried at the next, where all of its outcome is new. It is
used unless it could not be fitted, or recency alone was clearly better in an earlier trial.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from cvm_analysis import choice
from cvm_analysis.churn import evaluation, landmarks, lapse, survival
from cvm_analysis.errors import FitError
from cvm_analysis.least_data import Note, lacking

PART = "churn"
DAYS = (90, 180, 365)
COX, RECENCY, NONE = "cox", "recency", "none"


class Learned(NamedTuple):
    """What one landmark teaches: its customers, what came after, and the model (None: no fit)."""

    customers: pd.DataFrame
    outcome: pd.DataFrame
    model: survival.Cox | None
    notes: list[Note]

    @property
    def hazards(self) -> pd.DataFrame:
        """Hazard ratios of buying again, strongest first; no row where no model was fitted."""
        nothing = pd.DataFrame(columns=["hazard_ratio", "low", "high"])
        return self.model.hazards if self.model else nothing

    def recency(self, horizon_days: int, later: pd.DataFrame) -> pd.Series:
        """Forecast the customers of a later date by recency alone."""
        silent = evaluation.silent(self.outcome, horizon_days)
        return evaluation.recency_rule(
            self.customers["days_since_last"], silent, later["days_since_last"]
        )


class Trial(NamedTuple):
    """Forecasts of silence made at a landmark, and what happened: one value per customer."""

    p_silent: dict[str, pd.Series]
    silent: pd.Series


def learn(
    customers: pd.DataFrame, purchase_days: pd.DataFrame, landmark: dt.date, until: dt.date
) -> Learned:
    """Fit Cox's model at a landmark to what came until a later day.

    customers : who is modelled, one row each, as of the landmark
    purchase_days : customer_id, day with a purchase
    """
    came = landmarks.next_days(purchase_days, landmark, until).reindex(customers.index)
    outcome = landmarks.outcome(came, (until - landmark).days)
    notes = lacking("churn_model", buyers=len(customers), returns=outcome["event"].sum())
    model = None
    if not notes:
        try:
            model = survival.fit(landmarks.features(customers), outcome)
        except FitError:
            notes = [Note(PART, "cox_not_fitted")]
    return Learned(customers, outcome, model, notes)


def trial(
    known: Sequence[pd.DataFrame],
    purchase_days: pd.DataFrame,
    marks: Sequence[dt.date],
    horizon_days: int,
) -> Trial:
    """Learn at one landmark and try it at the next, whose outcome is all new.

    Parameters
    ----------
    known : who is modelled as of two landmarks, one row each; fewer give an empty Trial
    purchase_days : customer_id, day with a purchase
    marks : the two landmarks
    """
    if len(marks) < 2 or min(map(len, known)) == 0:
        return Trial({}, pd.Series(dtype=int))
    (before, now), (start, landmark) = known, marks
    learned = learn(before, purchase_days, start, landmark)
    until = landmark + dt.timedelta(days=horizon_days)
    came = landmarks.next_days(purchase_days, landmark, until).reindex(now.index)
    silent = evaluation.silent(landmarks.outcome(came, horizon_days), horizon_days)
    found = {RECENCY: learned.recency(horizon_days, now)}
    if learned.model:
        p = learned.model.p_silent(landmarks.features(now), [horizon_days])
        found = {COX: p.iloc[:, 0], **found}
    return Trial(found, silent)


def choose(tried: Trial) -> str:
    """Take Cox's model unless recency alone was clearly nearer (Brier, two standard errors).

    tried : the trial of earlier landmarks, not the one that is reported
    """
    if not tried.p_silent:
        return COX
    return choice.choose(tried.p_silent, tried.silent.astype(float), COX, (COX, RECENCY))


def report(tried: Trial, chosen: str, horizon_days: int) -> pd.DataFrame:
    """Score a trial; columns of table `trust`, no row for an empty Trial."""
    scores = pd.DataFrame(columns=["model", "metric", "value"])
    if tried.p_silent:
        scores = evaluation.score(tried.p_silent, tried.silent)
    return scores.assign(part=PART, horizon_days=horizon_days, is_chosen=scores["model"] == chosen)


def calibration(tried: Trial, chosen: str) -> pd.DataFrame:
    """Predicted and actual share silent in tenths of risk; see `evaluation.calibration`."""
    if chosen not in tried.p_silent:
        return pd.DataFrame()
    return evaluation.calibration(tried.p_silent[chosen], tried.silent)


def of(
    learned: Learned,
    customers: pd.DataFrame,
    chosen: str,
    bound_days: int | None,
    horizon_days: int,
    days: Sequence[int] = DAYS,
) -> pd.DataFrame:
    """Forecast the silence of today's customers; columns of table `churn`.

    learned : from the latest landmark; where nobody had bought by then the forecast is empty
    customers : who is modelled, one row each, as of today
    bound_days : silence from which a customer counts as lapsed; None: not known
    """
    model, table = NONE, pd.DataFrame(index=customers.index)
    if learned.model and chosen == COX:
        features = landmarks.features(customers)
        every = sorted({*days, horizon_days})
        table = learned.model.p_silent(features, every).join(learned.model.reasons(features))
        table["churn_risk"] = table[f"p_silent_{horizon_days}d"]
        model = COX
    elif len(learned.customers):
        risk = learned.recency(horizon_days, customers)
        table = pd.DataFrame({"churn_risk": risk, f"p_silent_{horizon_days}d": risk})
        model = RECENCY
    wanted = [f"p_silent_{h}d" for h in days] + ["churn_risk"] + [f"reason_{i}" for i in (1, 2, 3)]
    table = table.reindex(columns=wanted)
    silence = customers["days_since_last"]
    lapsed = lapse.lapsed(silence, bound_days) if bound_days else pd.Series(pd.NA, silence.index)
    table.insert(0, "model", model)
    table.insert(1, "lapsed", lapsed.astype("boolean"))
    return table

"""Forecasts of silence learned at a day from several landmarks before it.

One row per customer and landmark, one below the other; what came is watched until the day and no
further. Each forecast is then set right by its own landmarks (`recalibration`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.churn import challengers, ensemble, features, landmarks, recalibration
from cvm_analysis.churn.challengers import Rows
from cvm_analysis.errors import FitError
from cvm_analysis.minimum_data import Note, shortfalls
from cvm_analysis.survival import cox as cox_model

PART = "churn"
MOST_ROWS = 100_000  # to learn from


class Snapshot(NamedTuple):
    """Who was modelled on a day, and what was known of them then: one row per customer."""

    day: dt.date
    customers: pd.DataFrame  # columns of table `customers`; all had bought
    value: pd.DataFrame | None = None  # p_no_purchase_<h>d of the value model fitted that day
    grade: pd.Series | None = None  # rank of the grade of that day, the larger the better


def gather(
    days: Sequence[dt.date],
    customers: Sequence[pd.DataFrame],
    value: Sequence[pd.DataFrame],
    grades: Sequence[pd.Series],
) -> list[Snapshot]:
    """Gather what was known on several days; one element a day in each argument, as in Known."""
    return [Snapshot(*each) for each in zip(days, customers, value, grades, strict=True)]


class CoxForecast(NamedTuple):
    """Cox's model, asked for rows; regions have baselines of their own where there are several."""

    cox: cox_model.Cox
    by_group: bool

    def p_no_purchase(self, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
        """Probability of no purchase within each horizon; empty beyond what was observed."""
        return self.cox.p_no_purchase(rows.features, days, rows.group if self.by_group else None)


class Learned(NamedTuple):
    """What was learned by a day: model -> forecast, and what sets it right."""

    models: Mapping[str, Any]
    right: Mapping[str, recalibration.Recalibration]
    like: list[str]  # names of the features
    notes: list[Note]
    rows: Rows | None = None  # what it was learned from, with outcome; None where nothing was

    @property
    def cox(self) -> cox_model.Cox | None:
        """Cox's model, for hazard ratios and reasons; None where it was not fitted."""
        found = self.models.get("cox")
        return found.cox if found else None

    @property
    def hazards(self) -> pd.DataFrame:
        """Hazard ratios of buying again, strongest first; no row where no model was fitted."""
        nothing = pd.DataFrame(columns=["hazard_ratio", "low", "high"])
        return self.cox.hazards if self.cox else nothing

    def features(self, known: Snapshot) -> pd.DataFrame:
        """The features of a day's customers, as Cox's model takes them."""
        found = features.build(known.customers, known.grade, self.like)
        return found.reindex(columns=self.like).fillna(0.0)

    def forecast(self, code: str, known: Snapshot, days: Sequence[int]) -> pd.DataFrame:
        """Forecast the silence of a day's customers; columns p_no_purchase_<h>d. Linear in
        customers."""
        rows = _rows([known], [self.features(known)])
        p = self.right[code].apply(self.models[code].p_no_purchase(rows, days), rows.day)
        return p.set_axis(known.customers.index)


def learn(
    known: Sequence[Snapshot], purchase_days: pd.DataFrame, day: dt.date, horizons: Sequence[int]
) -> Learned:
    """Learn every forecast from the landmarks before a day.

    Of more than MOST_ROWS rows some customers are drawn by a hash of their ids, with all their
    rows: learning from a share s of the customers makes standard errors 1 / sqrt(s) wider (from a
    million customers and eleven landmarks ten times), and calibration as exact as that many rows
    make it. All customers are scored.

    Parameters
    ----------
    known : what was known at landmarks; those before `day` count, where anybody was known
    purchase_days : customer_id, day with a purchase; what came after `day` does not count
    horizons : days ahead to be set right
    """
    past = sample_rows([each for each in known if each.day < day and len(each.customers)])
    if not past:
        return Learned({}, {}, [], shortfalls("churn_model", buyers=0))
    like = _known_throughout(past)
    learned = Learned({}, {}, like, [])
    since = pd.to_datetime(purchase_days["day"]).min()
    theirs = set().union(*(each.customers.index for each in past))
    purchase_days = purchase_days[purchase_days["customer_id"].isin(theirs)]
    rows = _rows(past, [learned.features(each) for each in past])
    outcomes = landmarks.stack(purchase_days, {e.day: e.customers.index for e in past}, day)
    came = pd.concat([no_purchase(each, purchase_days, day, horizons) for each in past])
    rows = rows._replace(
        outcome=outcomes.set_axis(rows.day.index), silent=came.set_axis(rows.day.index)
    )
    models, notes = _models(rows, horizons)
    years = (pd.Timestamp(day) - since).days / recalibration.YEAR
    right = {code: _right(model, rows, horizons, years) for code, model in models.items()}
    return Learned(models, right, like, notes, rows)


def _known_throughout(past: Sequence[Snapshot]) -> list[str]:
    """The features that somebody had at every landmark; others would tell the landmarks apart."""
    like = list(features.build(past[-1].customers, past[-1].grade))
    for each in past:
        plain = features.readable(each.customers, each.grade, like)
        like = [name for name in like if plain[name].notna().any()]
    return like


def no_purchase(
    known: Snapshot, purchase_days: pd.DataFrame, until: dt.date, horizons: Sequence[int]
) -> pd.DataFrame:
    """Whether silence followed: columns p_no_purchase_<h>d, 1 or 0, empty if not known by
    `until`."""
    came = landmarks.next_days(purchase_days, known.day, until).reindex(known.customers.index)
    told = {
        name: (~(came <= each)).astype(float)
        if known.day + dt.timedelta(days=each) <= until
        else pd.Series(np.nan, came.index)
        for each, name in zip(horizons, challengers.column_names(horizons), strict=True)
    }
    return pd.DataFrame(told, came.index)


def sample_rows(known: Sequence[Snapshot], most: int = MOST_ROWS) -> list[Snapshot]:
    """Draw customers by a hash of their ids, so that about `most` rows are left; all if fewer.

    The same customers at every landmark and in every run.
    """
    n = sum(len(each.customers) for each in known)
    if n <= most:
        return list(known)
    kept = []
    for each in known:
        ids = each.customers.index
        at = pd.util.hash_array(ids.astype(str).to_numpy(object)) / 2.0**64
        kept.append(each._replace(customers=each.customers[at < most / n]))
    return [each for each in kept if len(each.customers)]


def _rows(known: Sequence[Snapshot], features: Sequence[pd.DataFrame]) -> Rows:
    """What was known on several days, one below the other, without what came."""
    stacked = pd.concat([each.customers["days_since_last"] for each in known])
    rows = pd.RangeIndex(len(stacked))
    values = [
        pd.DataFrame(index=each.customers.index)
        if each.value is None
        else each.value.reindex(each.customers.index)
        for each in known
    ]
    regions = [each.customers.get("region", _none(each.customers)) for each in known]
    days = np.repeat([pd.Timestamp(each.day) for each in known], [len(e.customers) for e in known])
    return Rows(
        customers=pd.Series(stacked.index, rows),
        day=pd.Series(days, rows),
        group=pd.concat(regions).astype(object).set_axis(rows),
        features=pd.concat(features).set_axis(rows),
        recency=stacked.astype(float).set_axis(rows),
        value=pd.concat(values).set_axis(rows),
        outcome=pd.DataFrame(index=rows),
        silent=pd.DataFrame(index=rows),
    )


def _none(customers: pd.DataFrame) -> pd.Series:
    return pd.Series(None, customers.index, dtype=object)


def _models(rows: Rows, horizons: Sequence[int]) -> tuple[dict[str, Any], list[Note]]:
    """Every forecast that these rows bear, and a note for each that they do not."""
    returns = int(rows.customers[rows.outcome["event"] == 1].nunique())
    notes = shortfalls("churn_model", buyers=rows.customers.nunique(), returns=returns)
    models: dict[str, Any] = {}
    if not notes:
        try:
            several = rows.group.nunique() > 1
            strata = rows.group if several else None
            fitted = cox_model.fit(rows.features, rows.outcome, rows.customers, strata)
            models["cox"] = CoxForecast(fitted, several)
            left = float(len(fitted.dropped))
            notes = [Note(PART, "features_left_out", left)] if left else []
        except FitError:
            notes = [Note(PART, "cox_not_fitted")]
        grown = challengers.fit_boosted(rows)
        models |= {"boosted": grown} if grown else {}
    if rows.value.notna().any(axis=None):
        models["value_model"] = challengers.ValueModel()
    if len(models) > 1:
        models["mean"] = ensemble.fit(list(models.values()), rows, horizons)
    return models | {"recency": challengers.fit_recency(rows)}, notes


def _right(
    model: Any, rows: Rows, horizons: Sequence[int], years: float
) -> recalibration.Recalibration:
    told = ensemble.cross_fitted(model, rows, horizons)
    return recalibration.fit(told, rows.silent, rows.day, years)

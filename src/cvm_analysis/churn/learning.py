"""Fit the forecasts of no purchase on a day, to several landmarks before it.

One row per customer and landmark, with outcomes up to the day. Each forecast is then recalibrated
on the same landmarks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.churn import challengers, ensemble, features, landmarks, recalibration
from cvm_analysis.churn.challengers import Rows
from cvm_analysis.errors import FitError
from cvm_analysis.minimum_data import Note, shortfalls
from cvm_analysis.survival import cox as cox_model

PART = "churn"
MAX_ROWS = 100_000  # to fit


@dataclass(frozen=True)
class Snapshot:
    """The modelled customers of a day, as known then: one row per customer."""

    day: dt.date
    customers: pd.DataFrame  # columns of table `customers`; all had bought
    value: pd.DataFrame | None = None  # p_no_purchase_<h>d of the purchase model of that day
    grade: pd.Series | None = None  # rank of the grade of that day, larger is better
    share: float = 1.0  # of the modelled customers of that day; less: a sample

    @cached_property
    def readable(self) -> pd.DataFrame:
        """Features as `features.readable` builds them, without columns of types and channels."""
        return features.readable(self.customers, self.grade, names=())

    @cached_property
    def converted(self) -> pd.DataFrame:
        """The same in the model's units."""
        return features.convert(self.readable)


def gather(
    days: Sequence[dt.date],
    customers: Sequence[pd.DataFrame],
    value: Sequence[pd.DataFrame],
    grades: Sequence[pd.Series],
    share: float = 1.0,
) -> list[Snapshot]:
    """Make a Snapshot of each day from one element a day in each argument.

    share : of all customers, on every day but the last
    """
    shares = [share] * (len(days) - 1) + [1.0]
    return [Snapshot(*each) for each in zip(days, customers, value, grades, shares, strict=True)]


class CoxForecast(NamedTuple):
    """Cox's model; each region has its own baseline if there are several."""

    cox: cox_model.Cox
    by_group: bool

    def p_no_purchase(self, rows: Rows, days: Sequence[int]) -> pd.DataFrame:
        """Forecast; empty beyond the longest observed duration."""
        strata = rows.group if self.by_group else None
        survival = self.cox.survival(rows.features, days, strata=strata)
        return survival.set_axis(challengers.column_names(days), axis=1)


class Learned(NamedTuple):
    """The forecasts fitted on a day, and their recalibrations; `learn` makes one."""

    models: Mapping[str, Any]
    recalibrations: Mapping[str, recalibration.Recalibration]
    feature_names: list[str]
    notes: list[Note]
    rows: Rows | None = None  # training rows; None without landmarks

    @property
    def cox(self) -> cox_model.Cox | None:
        """Cox's model; None where it was not fitted."""
        found = self.models.get("cox")
        return found.cox if found else None

    @property
    def hazards(self) -> pd.DataFrame:
        """Hazard ratios of a return, strongest first; no row without a model."""
        nothing = pd.DataFrame(columns=["hazard_ratio", "low", "high"])
        return self.cox.hazards if self.cox else nothing

    def features(self, known: Snapshot) -> pd.DataFrame:
        """Build the features of a day's customers, as the models take them."""
        levels = pd.DataFrame(features.levels(known.customers, self.feature_names), dtype=float)
        found = known.converted.join(levels)
        return found.reindex(columns=self.feature_names).fillna(0.0)

    def forecast(self, code: str, known: Snapshot, days: Sequence[int]) -> pd.DataFrame:
        """Forecast no purchase of a day's customers; columns p_no_purchase_<h>d.

        days : ascending; a forecast never rises with them, since no purchase within a longer time
            includes none within a shorter one. Empty where the model does not reach.
        """
        rows = _rows([known], [self.features(known)])
        model = self.models[code]
        p = self.recalibrations[code].apply(model.p_no_purchase(rows, days), rows.day)
        if isinstance(model, ensemble.Mean):
            p = ensemble.add_member(model, p, challengers.ValueModel().p_no_purchase(rows, days))
        return p.cummin(axis=1).set_axis(known.customers.index)


def learn(
    known: Sequence[Snapshot], purchase_days: pd.DataFrame, day: dt.date, horizons: Sequence[int]
) -> Learned:
    """Fit every forecast to the landmarks before a day.

    Above MAX_ROWS rows, customers are sampled by a hash of their ids, with all their rows: a share
    s makes standard errors 1 / sqrt(s) wider. All customers are scored.

    Parameters
    ----------
    known : one per landmark; those before `day` with enough customers count (`minimum_data`).
        Without any, only the purchase model forecasts, as it is
    purchase_days : customer_id, day with a purchase; days after `day` do not count
    horizons : days ahead to be recalibrated
    """
    few = {each.day: _few_customers(each, known) for each in known if each.day < day}
    past = sample_rows([each for each in known if few.get(each.day) == []])
    if not past:
        now = [each.value for each in known if each.day == day]
        return _not_learned(now, list(few.values())[-1] if few else [])
    names = _known_throughout(past)
    learned = Learned({}, {}, names, [])
    since = pd.to_datetime(purchase_days["day"]).min()
    sampled = set().union(*(each.customers.index for each in past))
    purchase_days = purchase_days[purchase_days["customer_id"].isin(sampled)]
    rows = _rows(past, [learned.features(each) for each in past])
    outcomes = landmarks.stack(purchase_days, {e.day: e.customers.index for e in past}, day)
    inactive = pd.concat([no_purchase(each, purchase_days, day, horizons) for each in past])
    index = rows.day.index
    rows = rows._replace(outcome=outcomes.set_axis(index), inactive=inactive.set_axis(index))
    models, notes = _models(rows, horizons)
    years = (pd.Timestamp(day) - since).days / recalibration.YEAR
    recalibrations = {
        code: recalibration.fit(
            ensemble.cross_fitted(model, rows, horizons), rows.inactive, rows.day, years
        )
        for code, model in models.items()
    }
    return Learned(models, recalibrations, names, notes, rows)


def _few_customers(landmark: Snapshot, known: Sequence[Snapshot]) -> list[Note]:
    """What a landmark lacks to be learned from; the largest number of customers is to forecast."""
    n, most = len(landmark.customers), max(len(each.customers) / each.share for each in known)
    percent = 100 * n / landmark.share / max(most, 1)
    return shortfalls("churn_landmark", buyers=n, percent=percent)


def _not_learned(values: Sequence[pd.DataFrame | None], few: list[Note]) -> Learned:
    """The forecasts that need no landmark: the purchase model, if that day has one."""
    notes = few or shortfalls("churn_landmark", buyers=0)
    if not any(each is not None and len(each.columns) for each in values):
        return Learned({}, {}, [], notes)
    models = {"value_model": challengers.ValueModel()}
    return Learned(models, {"value_model": recalibration.Recalibration()}, [], notes)


def _known_throughout(past: Sequence[Snapshot]) -> list[str]:
    """Features with values at every landmark; others would identify the landmark."""
    names = [*past[-1].readable, *features.levels(past[-1].customers)]
    unknown = set().union(*(each.readable.columns[each.readable.isna().all()] for each in past))
    return [name for name in names if name not in unknown]


def no_purchase(
    known: Snapshot, purchase_days: pd.DataFrame, until: dt.date, horizons: Sequence[int]
) -> pd.DataFrame:
    """Find who did not buy: columns p_no_purchase_<h>d, 1 or 0, empty if unknown at `until`."""
    next_days = landmarks.next_days(purchase_days, known.day, until).reindex(known.customers.index)
    table = pd.DataFrame(np.nan, next_days.index, challengers.column_names(horizons))
    for each, name in zip(horizons, table, strict=True):
        if known.day + dt.timedelta(days=each) <= until:
            table[name] = (~(next_days <= each)).astype(float)
    return table


def sample_rows(known: Sequence[Snapshot], max_rows: int = MAX_ROWS) -> list[Snapshot]:
    """Sample customers by a hash of their ids, so that about `max_rows` rows are left.

    The same customers at every landmark and in every run.
    """
    n = sum(len(each.customers) for each in known)
    if n <= max_rows:
        return list(known)
    sampled = []
    for each in known:
        ids = each.customers.index
        at = pd.util.hash_array(ids.astype(str).to_numpy(object)) / 2.0**64
        sampled.append(replace(each, customers=each.customers[at < max_rows / n]))
    return [each for each in sampled if len(each.customers)]


def _rows(known: Sequence[Snapshot], features: Sequence[pd.DataFrame]) -> Rows:
    """Stack the features of several days, without outcomes."""
    stacked = pd.concat([each.customers["days_since_last"] for each in known])
    rows = pd.RangeIndex(len(stacked))
    values, regions = [], []
    for each in known:
        index = each.customers.index
        values.append(
            pd.DataFrame(index=index) if each.value is None else each.value.reindex(index)
        )
        no_region = pd.Series(None, index, dtype=object)
        regions.append(each.customers.get("region", no_region))
    days = pd.DatetimeIndex([each.day for each in known]).repeat([len(e.customers) for e in known])
    return Rows(
        customers=pd.Series(stacked.index, rows),
        day=pd.Series(days, rows),
        group=pd.concat(regions).astype(object).set_axis(rows),
        features=pd.concat(features).set_axis(rows),
        recency=stacked.astype(float).set_axis(rows),
        value=pd.concat(values).set_axis(rows),
        outcome=pd.DataFrame(index=rows),
        inactive=pd.DataFrame(index=rows),
    )


def _models(rows: Rows, horizons: Sequence[int]) -> tuple[dict[str, Any], list[Note]]:
    """Fit every forecast the rows support, with a note for each that they do not."""
    returns = int(rows.customers[rows.outcome["event"] == 1].nunique())
    notes = shortfalls("churn_model", buyers=rows.customers.nunique(), returns=returns)
    models: dict[str, Any] = {}
    if not notes:
        try:
            several = rows.group.nunique() > 1
            strata = rows.group if several else None
            fitted = cox_model.fit(rows.features, rows.outcome, rows.customers, strata)
            models["cox"] = CoxForecast(fitted, several)
            n_dropped = float(len(fitted.dropped))
            notes = [Note(PART, "features_left_out", n_dropped)] if n_dropped else []
        except FitError:
            notes = [Note(PART, "cox_not_fitted")]
        boosted = challengers.fit_boosted(rows)
        models |= {"boosted": boosted} if boosted else {}
    learned = list(models.values())
    if rows.value.notna().any(axis=None):
        models["value_model"] = challengers.ValueModel()
    if learned and len(models) > 1:
        models["mean"] = ensemble.fit(learned, rows, horizons)
    return models | {"recency": challengers.fit_recency(rows)}, notes

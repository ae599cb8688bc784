"""Cox's model of the time to an event; lifelines estimates it.

Source: Cox (1972), "Regression Models and Life-Tables", JRSS B 34(2), 187-220; ties after Efron
(1977), JASA 72, 557-565. No penalty: one of 0.1 shrinks coefficients by a sixth.

Read the ratios as "who comes back sooner", not as causes of leaving, and as too small for that.
Silence mixes leaving with a slow rhythm: where drop-out had a planted ratio of 2.0, models of
silence found 1.22 after 13 weeks, 1.58 after 26 and 1.88 after 52, and their 95 % intervals held
2.0 in 0, 5 and 89 of 100 runs (benchmarks/churn_ratios.py). An interval tells the sampling error.

The model supposes that each feature acts on the logarithm of the hazard along a straight line, and
with the same force all along. `fit` tests both and changes the model where they fail; `fit_plain`
is the model as it stands in publications.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.errors import FitError, InputError
from cvm_analysis.survival import (
    baselines,
    concordance,
    estimates,
    feature_selection,
    proportional_hazards_test,
    splines,
    stratification,
)
from cvm_analysis.survival.estimates import Estimate

_GROUP = 3  # a stratum made of a feature needs the events of so many features


@dataclass(frozen=True)
class Cox:
    """A fitted model; `fit` and `fit_plain` make one.

    `hazards` has one row per feature kept, strongest first, indexed by feature:
        hazard_ratio : of the event, per step of 1; above 1: the event comes sooner. Of a nonlinear
            feature the mean over the range between its outer knots; of a stratified one the mean
            over time, from the model before it was stratified
        low, high : its 95 % interval
        hazard_ratio_sd : the same per standard deviation of the feature, to compare features
        coef, std_error : logarithm of hazard_ratio; errors clustered where customers were given
        proportional_p : of the test that the feature acts with the same force all along, in the
            model as it now is; small is bad
    """

    hazards: pd.DataFrame
    dropped: dict[str, str]  # feature -> constant, one_sided, collinear, few_events, unidentified
    nonlinear: dict[str, tuple[float, ...]]  # feature -> knots of its spline
    stratified: dict[str, tuple[float, ...]]  # feature -> where it is cut into groups
    not_proportional: tuple[str, ...]  # features that still fail the test and drift, worst first
    proportional: pd.DataFrame  # the tests before stratifying; see `proportional.test`
    n: int  # rows
    events: int
    log_likelihood: float  # partial
    concordance: float  # in-sample; 0.5 is chance
    max_duration: float  # longest duration observed; nothing is said beyond it
    means: pd.Series  # of each feature kept, in training: the average customer
    terms: pd.DataFrame = field(repr=False)  # one row each: feature, coef (forecasts), told
    groups: stratification.Groups = field(repr=False)
    baseline: baselines.Baseline = field(repr=False)  # of the average row
    fitter: Any = field(repr=False)  # lifelines' model

    @property
    def time_varying(self) -> tuple[str, ...]:
        """Features whose ratio is but a mean over time."""
        return (*self.stratified, *self.not_proportional)

    def survival(
        self,
        features: pd.DataFrame,
        ahead: Sequence[float],
        after: pd.Series | None = None,
        strata: pd.Series | None = None,
    ) -> pd.DataFrame:
        """S(after + h) / S(after) for every row of features and every h of `ahead`, as columns.

        after : how long the row has already lasted without the event (same index); None: nothing
            is known, S(h). Empty where after + h is beyond what was observed.
        strata : the code of each row, if the model was fitted with strata; one that was not there
            then, or had too few events, has the hazard of all together; None: so have all rows
        """
        rows = self._used(features)
        begun = np.zeros(len(rows)) if after is None else after.reindex(rows.index).to_numpy(float)
        until = np.add.outer(begun, np.asarray(ahead, dtype=float))
        code = self.groups.code(rows, strata)
        met = self.baseline.value_at(until, code)
        if after is not None:
            met -= self.baseline.value_at(begun, code)[:, None]
        ratio = np.exp(self._terms(rows) @ self.terms["coef"].to_numpy())[:, None]
        table = pd.DataFrame(np.exp(-met * ratio), index=rows.index, columns=list(ahead))
        return table.where(until <= self.max_duration)

    def p_no_purchase(
        self, features: pd.DataFrame, days: Sequence[int], strata: pd.Series | None = None
    ) -> pd.DataFrame:
        """Probability of no purchase within h days after the landmark, for each h of `days`.

        Returns
        -------
        One row per customer of `features` (as of any landmark); columns p_no_purchase_<h>d, in [0,
        1], falling with h; empty where h is beyond what was observed in training.
        """
        names = [f"p_no_purchase_{h}d" for h in days]
        return self.survival(features, days, strata=strata).set_axis(names, axis=1)

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the log hazard of the event, against the average customer.

        One row per row of features, one column per feature kept, in the order of the fit; 0 where
        the feature has its mean of the training.
        """
        rows = self._used(features)
        parts = self._terms(rows) * self.terms["contribution"].to_numpy()
        of = self.terms["feature"].to_numpy()
        sums = {name: parts[:, of == name].sum(axis=1) for name in self.means.index}
        return pd.DataFrame(sums, index=rows.index)

    def effect(self, feature: str, values: Sequence[float]) -> pd.Series:
        """Hazard ratio of the event at some values of a feature against its mean in training.

        Indexed by value; what a nonlinear effect looks like.
        """
        if feature not in self.means.index:
            known = ", ".join(self.means.index)
            raise InputError(f"the model has no feature {feature}; it has {known}")
        at = pd.Index(values, name=feature, dtype=float)
        rows = pd.DataFrame([self.means] * len(at), index=at).assign(**{feature: at})
        return np.exp(self.contributions(rows)[feature]).rename("hazard_ratio")

    def _terms(self, rows: pd.DataFrame) -> Array:
        average = splines.terms(self.means.to_frame().T, self.nonlinear).to_numpy()
        return splines.terms(rows, self.nonlinear).to_numpy() - average

    def _used(self, features: pd.DataFrame) -> pd.DataFrame:
        """The columns the model takes, as numbers; InputError if one is absent or empty."""
        names = list(self.means.index)
        absent = [name for name in names if name not in features]
        if absent:
            raise InputError(f"the model was fitted with {', '.join(absent)}; the data lack it")
        return feature_selection.check_numeric(features[names])


def fit(
    features: pd.DataFrame,
    outcome: pd.DataFrame,
    customers: pd.Series | None = None,
    strata: pd.Series | None = None,
    events_per_feature: int = 10,
) -> Cox:
    """Fit Cox's model, with as many features as the data can tell, nonlinear and stratified as they ask.

    A feature whose effect bends gets a restricted cubic spline (`splines.nonlinear_features` says
    when). One whose force changes with time is cut into groups with baselines of their own, two at
    most (`proportional_hazards_test.nonproportional` says when); what still fails is in
    `not_proportional`. Both tests take rows as independent, so with several rows per customer they
    find more than there is; the size they also ask for holds them back.

    Parameters
    ----------
    features : one row per customer, landmark or contract, numbers; in order of preference
    outcome : same index; duration (0 or more, any one unit), event (1 or 0); optional `entry`, the
        duration from which on the row was watched (0, or less than its duration)
    customers : customer_id of each row, where one may have several: the errors are clustered by it
    strata : a code per row, with a baseline of its own (a region, a channel)
    events_per_feature : with fewer, the last features are dropped

    Returns
    -------
    A Cox. `dropped` says which features were left out and why: constant; one_sided (constant among
    the events, so its ratio has no bound); collinear (told by those before it); few_events;
    unidentified (the data bear any ratio).

    Raises
    ------
    InputError : other rows in the outcome, empty values or impossible durations
    FitError : too few events, or no feature left, or no maximum

    Late entry costs lifelines time in rows x distinct durations of events; all else is linear.
    """
    known, first, dropped = _straight(features, outcome, customers, strata, events_per_feature)
    first = _bent(first, events_per_feature)
    last, cuts = stratification.stratify_nonproportional(first, _GROUP * events_per_feature)
    groups = stratification.Groups(known, cuts)
    return _result(first, last, groups, dropped, customers, events_per_feature)


def fit_plain(
    features: pd.DataFrame,
    outcome: pd.DataFrame,
    customers: pd.Series | None = None,
    strata: pd.Series | None = None,
    events_per_feature: int = 10,
) -> Cox:
    """Fit Cox's model as it is published: straight effects, no strata but those given.

    Arguments, results and errors as for `fit`; `not_proportional` says what it gets wrong.
    """
    known, first, dropped = _straight(features, outcome, customers, strata, events_per_feature)
    groups = stratification.Groups(known, {})
    return _result(first, first, groups, dropped, customers, events_per_feature)


def _straight(
    features: pd.DataFrame,
    outcome: pd.DataFrame,
    customers: pd.Series | None,
    strata: pd.Series | None,
    events_per_feature: int,
) -> tuple[pd.Index | None, Estimate, dict[str, str]]:
    """The strata given, the plain estimate with the features that tell something, the others."""
    rows = feature_selection.check_numeric(features)
    known, observed = estimates.prepare_outcome(outcome, rows.index, strata)
    if customers is not None:
        estimates.check_codes("customers", customers, rows.index)
    events = int(observed["event"].sum())
    if events < events_per_feature:
        raise FitError(
            f"{events:,} events among {len(rows):,} rows; one feature needs {events_per_feature}: "
            "use longer outcomes, more customers or a simpler forecast"
        )
    dropped = feature_selection.uninformative(rows, observed, events // events_per_feature)
    while len(kept := [name for name in rows if name not in dropped]):
        found = estimates.estimate(rows[kept], observed, {})
        vague = feature_selection.unidentified(found.fitter.standard_errors_, rows[kept])
        if not vague:
            return known, found, dropped
        dropped |= dict.fromkeys(vague, "unidentified")
    reasons = ", ".join(f"{name}: {reason}" for name, reason in dropped.items()) or "none given"
    raise FitError(f"no feature is left to explain {events:,} events ({reasons})")


def _bent(straight: Estimate, events_per_feature: int) -> Estimate:
    """The model with the bends its features ask for, if the data carry them."""
    rows, observed = straight.rows, straight.observed
    room = int(observed["event"].sum()) // events_per_feature - rows.shape[1]
    nonlinear = splines.nonlinear_features(rows, straight.log_hazard, observed, room)
    try:
        return estimates.estimate(rows, observed, nonlinear) if nonlinear else straight
    except FitError:
        return straight


def _result(
    first: Estimate,
    last: Estimate,
    groups: stratification.Groups,
    dropped: dict[str, str],
    customers: pd.Series | None,
    events_per_feature: int,
) -> Cox:
    """Of features made into strata the first model says the ratio, of all others the last."""
    parted, ratios = list(groups.cuts), last.ratios(customers)
    if parted:
        others = ratios.drop(index=parted, errors="ignore")
        ratios = pd.concat([others, first.ratios(customers).loc[parted]])
    terms = pd.DataFrame({"feature": first.term_features, "coef": last.coef, "contribution": last.coef})
    terms = terms.loc[first.term_features.index].fillna({"coef": 0.0})
    terms["contribution"] = terms["contribution"].where(~terms["feature"].isin(parted), first.coef)
    p = last.tested["p"].reindex(ratios.index).fillna(first.tested["p"])
    means = first.rows.mean()
    centre = splines.terms(means[list(last.rows)].to_frame().T, last.nonlinear).iloc[0]
    against = last.log_hazard + float((last.means - centre) @ last.coef)
    return Cox(
        hazards=estimates.hazards(ratios.assign(proportional_p=p), first.rows.std()),
        dropped=dropped,
        nonlinear=first.nonlinear,
        stratified=groups.cuts,
        not_proportional=tuple(proportional_hazards_test.nonproportional(last.tested)),
        proportional=first.tested,
        n=len(first.rows),
        events=int(first.observed["event"].sum()),
        log_likelihood=float(last.fitter.log_likelihood_),
        concordance=concordance.index(last.log_hazard, last.observed),
        max_duration=float(first.observed["duration"].max()),
        means=means,
        terms=terms,
        groups=groups,
        baseline=baselines.estimate(against, last.observed, events_per_feature),
        fitter=last.fitter,
    )

"""Recommendation (NPS) and satisfaction by dimension: figures, changes, groups that stand out.

The net promoter score is the share of answers of 9 or 10 less the share of 0 to 6, here from -100
to 100; satisfaction is the mean of scores from 1 to 5. A customer may answer several times, so that
errors are clustered by customer (Liang & Zeger, 1986, Biometrika 73, 13-22).

Two intervals, for two questions. `low` and `high` take those who answered as a sample of all the
customers the business might have: for changes, and for comparing groups. `period_low` and
`period_high` only describe the known customers of one closed period, of whom those who answered are
a part, so that the variance is smaller by 1 - n / N (Cochran, 1977, "Sampling Techniques", 3rd ed.,
section 2.6). Neither says anything about those who never answer: see `nonresponse`.

With few answers the variance of a net promoter score may be zero by luck. Its intervals and tests
count one promoter and one detractor more (Bonett & Price, 2012, Journal of Educational and
Behavioral Statistics 37, 479-488: the score is a difference of two shares of the same answers).

Changes and groups of one period are many comparisons: their p values are corrected together
(Benjamini & Hochberg, 1995, JRSS B 57, 289-300).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.experience.answers import NPS, SCALES
from cvm_analysis.tables import TABLES

ALL = "all"  # the group, and its only level, that is everybody
LEAST_CUSTOMERS = 10  # who answered, for an interval or a comparison
LEVEL = 0.95
_PROMOTER, _DETRACTOR = 9, 6  # from, up to
_SATISFIED, _DISSATISFIED = 4, 2
_TABLE = TABLES["survey_scores"]


def scores(
    answers: pd.DataFrame, period_days: int, groups: Sequence[str], asked: pd.DataFrame | None
) -> pd.DataFrame:
    """Compute the figures of each dimension, group and period, and their differences.

    Parameters
    ----------
    answers : one row per answer with a period (`answers.add_period`)
        customer_id, dimension, score, until
        weight : of the customer in that period (`nonresponse.weights`); optional
        <group> : level of the customer, a column for each of `groups`; empty: in none
    period_days : length of the periods
    groups : columns of `answers` and `asked`, such as segment, region, channel
    asked : one row per customer and period who could answer: customer_id, until, the groups. None:
        not known, and no interval that only describes the period

    Returns
    -------
    Table `survey_scores`. Comparisons with the period before and with all other customers of the
    period are empty with fewer than LEAST_CUSTOMERS on either side.
    """
    coded = answers.assign(code=pd.factorize(answers["customer_id"])[0])
    figures: list[dict[str, Any]] = []
    for group in (ALL, *groups):
        rows, known = _levels(coded, group), None if asked is None else _levels(asked, group)
        sizes = None if known is None else _count_known(rows, known)
        for dimension, part in rows.groupby("dimension", sort=True):
            samples = _samples(part, str(dimension))
            for (level, until), own in samples.items():
                size = None if sizes is None else sizes[level, until]
                row = {"dimension": dimension, "group": group, "level": level, "until": until}
                before = samples.get((level, until - pd.Timedelta(days=period_days)))
                row |= describe(own, size) | _compare(own, before, "change")
                figures.append(row | _compare(own, _others(samples, level, until), "rest"))
    table = _correct(pd.DataFrame(figures, columns=list(_TABLE.columns)))
    types = {c: "float64" for c in table if _TABLE.columns[c].kind in ("number", "share")}
    return table.assign(period_days=period_days).astype(types)


class Sample(NamedTuple):
    """The answers of one dimension, level and period; one element per answer."""

    customers: Ints  # a code for each customer, the same in all samples
    values: Array  # -100, 0, 100, or a satisfaction score
    weights: Array
    is_nps: bool

    @property
    def n_customers(self) -> int:
        """How many customers answered."""
        return len(np.unique(self.customers))

    def adjusted(self) -> Sample:
        """Add a promoter and a detractor of mean weight to a net promoter score; for errors."""
        if not self.is_nps:
            return self
        weights = np.full(2, self.weights.mean())
        return self._replace(
            customers=np.append(self.customers, [-1, -2]),
            values=np.append(self.values, [100.0, -100.0]),
            weights=np.append(self.weights, weights),
        )


def describe(sample: Sample, n_known: int | None = None) -> dict[str, float]:
    """Compute the figures of one sample: columns n_answers to period_high of `survey_scores`.

    n_known : customers of the closed period who are described, answered or not; None: not known
    """
    values, weights = sample.values, sample.weights
    score, n = float(np.average(values, weights=weights)), sample.n_customers
    top, bottom = (100, -100) if sample.is_nps else (_SATISFIED, _DISSATISFIED)
    by_customer = weights[np.unique(sample.customers, return_index=True)[1]]
    found = {
        "n_answers": len(values),
        "n_customers": n,
        "effective_n": float(by_customer.sum() ** 2 / (by_customer**2).sum()),
        "score": score,
        "unweighted": float(values.mean()),
        "top_share": float(np.average(values >= top, weights=weights)),
        "bottom_share": float(np.average(values <= bottom, weights=weights)),
    }
    centre, _customers, influence = _influence(sample.adjusted())
    se = float(np.sqrt((influence**2).sum()))
    if n < LEAST_CUSTOMERS or se == 0:
        return found
    found |= {"se": se} | _interval(centre, se, n, sample.is_nps, "")
    if n_known is not None:
        unseen = 1 - n / n_known
        nearer = score + unseen * (centre - score)  # the whole: the score itself
        found |= _interval(nearer, se * np.sqrt(unseen), n, sample.is_nps, "period_")
    return found


def compare(one: Sample, other: Sample | None) -> Difference | None:
    """Compare two samples, which may share customers; None with too few customers or no spread."""
    if other is None or min(one.n_customers, other.n_customers) < LEAST_CUSTOMERS:
        return None
    mean, customers, influence = _influence(one.adjusted())
    mean_other, others, influence_other = _influence(other.adjusted())
    others = np.where(others < 0, others - 2, others)  # added answers are nobody's
    _, code = np.unique(np.concatenate([customers, others]), return_inverse=True)
    se = float(
        np.sqrt((np.bincount(code, np.concatenate([influence, -influence_other])) ** 2).sum())
    )
    if se == 0:
        return None
    freedom = _freedom(influence, influence_other)
    half = float(special.stdtrit(freedom, (1 + LEVEL) / 2)) * se
    centre = mean - mean_other
    p_value = float(2 * special.stdtr(freedom, -abs(centre) / se))
    effect = np.average(one.values, weights=one.weights)
    effect -= np.average(other.values, weights=other.weights)
    return Difference(float(effect), centre - half, centre + half, p_value)


class Difference(NamedTuple):
    """One sample less another: as observed, its interval of 95 %, and its p value."""

    effect: float
    low: float
    high: float
    p_value: float


def _influence(sample: Sample) -> tuple[float, Ints, Array]:
    """The weighted mean, and how far each customer moves it (their squares sum to the variance)."""
    customers, code = np.unique(sample.customers, return_inverse=True)
    total = sample.weights.sum()
    mean = float(sample.weights @ sample.values / total)
    moved = np.bincount(code, sample.weights * (sample.values - mean)) / total
    n = len(customers)
    return mean, customers, moved * np.sqrt(n / max(n - 1, 1))


def _freedom(one: Array, other: Array) -> float:
    """Degrees of freedom of a difference (Welch, 1947, Biometrika 34, 28-35)."""
    a, b = (one**2).sum(), (other**2).sum()
    return float((a + b) ** 2 / (a**2 / (len(one) - 1) + b**2 / (len(other) - 1)))


def _interval(centre: float, se: float, n: int, is_nps: bool, start: str) -> dict[str, float]:
    half = float(special.stdtrit(n - 1, (1 + LEVEL) / 2)) * se
    least, most = (-100, 100) if is_nps else SCALES["csat"]
    return {f"{start}low": max(least, centre - half), f"{start}high": min(most, centre + half)}


def _levels(rows: pd.DataFrame, group: str) -> pd.DataFrame:
    """Add column `level`; without the rows of customers in none."""
    if group == ALL:
        return rows.assign(level=ALL)
    known = rows[rows[group].notna()]
    return known.assign(level=known[group].astype(str))


def _count_known(rows: pd.DataFrame, known: pd.DataFrame) -> dict[tuple[str, Any], int]:
    """Count the customers of each level and period who were asked, or answered all the same."""
    columns = ["level", "until", "customer_id"]
    everyone = pd.concat([rows[columns], known[columns]]).drop_duplicates()
    return dict(everyone.groupby(["level", "until"]).size())


def _samples(rows: pd.DataFrame, dimension: str) -> dict[tuple[str, Any], Sample]:
    """Split the answers of a dimension by level and period."""
    is_nps = dimension == NPS
    score = rows["score"].to_numpy(float)
    values = 100.0 * (score >= _PROMOTER) - 100.0 * (score <= _DETRACTOR) if is_nps else score
    weights = rows["weight"].to_numpy(float) if "weight" in rows else np.ones(len(rows))
    code = rows["code"].to_numpy()
    return {
        (str(level), until): Sample(code[at], values[at], weights[at], is_nps)
        for (level, until), at in rows.groupby(["level", "until"], sort=True).indices.items()
    }


def _others(samples: dict[tuple[str, Any], Sample], level: str, until: Any) -> Sample | None:
    """Join the samples of all other levels in the same period; None if there are none."""
    parts = [each for (name, day), each in samples.items() if day == until and name != level]
    if not parts:
        return None
    code, values, weights = (np.concatenate([each[k] for each in parts]) for k in range(3))
    return Sample(code, values, weights, parts[0].is_nps)


def _compare(own: Sample, other: Sample | None, name: str) -> dict[str, float]:
    found = compare(own, other)
    if found is None:
        return {}
    columns = (f"score_{name}", f"{name}_low", f"{name}_high", f"{name}_p")
    return dict(zip(columns, found, strict=True))


def _correct(table: pd.DataFrame) -> pd.DataFrame:
    """Add q values, corrected for all comparisons of a period together, and ranks of levels.

    Rank 0: too few customers for an interval, or no other level.
    """
    from scipy.stats import false_discovery_control  # slow to load; settings import this module

    table = table.reset_index(drop=True)
    for name in ("change", "rest"):
        tested = table[table[f"{name}_p"].notna()]
        table[f"{name}_q"] = (
            tested.groupby("until")[f"{name}_p"]
            .transform(lambda p: false_discovery_control(p.astype(float)))
            .reindex(table.index)
        )
    ranked = table[table["low"].notna() & (table["group"] != ALL)]
    by_period = ranked.groupby(["dimension", "group", "until"])["score"]
    rank = by_period.rank(method="min", ascending=False).where(by_period.transform("size") > 1)
    return table.assign(rank=rank.reindex(table.index).fillna(0).astype(int))

"""Grades of all customers on their review dates, and today.

On every review date each customer type is graded by the version of its scorecard valid on that day,
from what was known on that day; `policy` then decides the effective grade. Groups of equal size
(`bins`) are learned once per version, so that history stays the same from run to run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from cvm_analysis.minimum_data import Note
from cvm_analysis.segments.grades import grade, next_grade, points, policy, scorecard
from cvm_analysis.segments.grades.scorecard import Scorecard
from cvm_analysis.tables import TABLES
from cvm_analysis.typed import settings

FULL_YEAR = dt.timedelta(days=365)  # of data, which measures of the last 365 days need

Cards = Mapping[str, Sequence[Scorecard]]
Measures = Callable[[dt.date], pd.DataFrame]
Reference = Mapping[str, Any]  # JSON: type -> version (ISO day) -> {bands, limits by ISO day}
Scored = tuple[Scorecard, pd.Series, Mapping[str, float]]  # card, scores, thresholds of one day

_KINDS: Mapping[str, Any] = {
    "text": object,
    "date": "datetime64[s]",
    **dict.fromkeys(("number", "money", "count"), float),
}
_CHANGE = dict(indicator="change", value="change_from", to_value="change_to", cost="change_cost")


@settings
class Reviews:
    """On which days customers are graded anew: on `dates`, else at the `last` quarter ends."""

    last: Annotated[int, Field(ge=1)] = 8
    dates: tuple[dt.date, ...] = ()


USUAL = Reviews()


@dataclass(frozen=True)
class Graded:
    """The customers of one type on one day by one scorecard; tables have one row per customer.

    card : fitted; thresholds : grade -> least score, best first; measures : as given;
    points : per indicator, 0..100, NaN: left out; scores : 0..100, NaN: not graded
    """

    card: Scorecard
    thresholds: Mapping[str, float]
    measures: pd.DataFrame = field(repr=False)
    points: pd.DataFrame = field(repr=False)
    scores: pd.Series = field(repr=False)

    @property
    def contributions(self) -> pd.DataFrame:
        """Part of the score of each indicator, in points; see `points.contributions`."""
        return points.contributions(self.card, self.points)


@dataclass(frozen=True)
class Reviewed:
    """The result of `review`.

    types : customer_type of every customer who has bought by as_of
    cards : as given; the first version of a type that none is valid for yet is among them
    today : per customer type with a valid scorecard, as of as_of, which need not be a review date;
        without rows if no customer of the type has bought
    history : table `grade_history`: one row per customer and review date by which they had bought:
        customer_id, day, score, score_grade, grade, review_decision (see `policy.replay`)
    policy : by which grades changed
    reference : learned bands and thresholds per type and version, plain JSON; those of region `all`
        are the company's
    notes : how many customers have no scorecard, and how many have words without points
    """

    as_of: dt.date
    types: pd.Series = field(repr=False)
    cards: Cards = field(repr=False)
    today: Mapping[str, Graded] = field(repr=False)
    history: pd.DataFrame = field(repr=False)
    policy: policy.Policy
    reference: dict[str, Any] = field(repr=False)
    notes: list[Note]

    @property
    def most_common_type(self) -> str:
        """The type with a valid scorecard that most customers have; without any, with a scorecard.

        Of types with equally many customers it is the first by name.
        """
        counts = self.types.value_counts()
        return max(sorted(self.today or self.cards), key=lambda kind: counts.get(kind, 0))

    @property
    def orders(self) -> dict[str, list[str]]:
        """The grades of each type with a valid scorecard, best first."""
        return {kind: list(each.card.grades) for kind, each in self.today.items()}

    def graded(self, customer_type: str) -> Graded:
        """The customers of a type today; nobody, by its first scorecard, if none is valid yet."""
        if customer_type in self.today:
            return self.today[customer_type]
        first = min(self.cards[customer_type], key=lambda card: card.valid_from)
        nobody = pd.DataFrame(index=self.types.index[:0], columns=["net_sales"], dtype=float)
        card = points.fit_bins(first, nobody)
        scores, assigned = points.score(card, nobody), points.assign_points(card, nobody)
        return Graded(card, grade.thresholds(card, scores), nobody, assigned, scores)


def dates(as_of: dt.date, first_day: dt.date, rule: Reviews = USUAL) -> Sequence[dt.date]:
    """List the days asked for, or the quarter ends up to `as_of` from the first day of data."""
    quarters = pd.date_range(first_day, as_of, freq="QE")
    return rule.dates or [day.date() for day in quarters][-rule.last :]


def scale_day(valid_from: dt.date, first_day: dt.date, as_of: dt.date) -> dt.date:
    """Find the day whose customers the `bins` of a scorecard's version are fitted to.

    The day the version became valid, but not before a year of data, and not after `as_of`; so once
    there is a year of data it is the same in every later run.
    """
    return min(as_of, max(valid_from, first_day + FULL_YEAR))


def review(
    cards: Cards,
    measures: Measures,
    as_of: dt.date,
    days: Iterable[dt.date],
    first_day: dt.date,
    rules: policy.Policy,
    company: Reference | None = None,
) -> Reviewed:
    """Grade all customers who have bought (n_orders > 0), on every review date and today.

    A type is graded from the day its first scorecard is valid; customers without one are counted
    in a note. A later first review may give another grade where `rules` keep grades.

    cards : customer type -> versions of its scorecard
    measures : day -> one row per customer as of that day, indexed by customer_id: customer_type,
        n_orders, and the columns of the scorecards. Called once per day
    as_of : the last day that counts
    days : review dates; those before first_day or after as_of are skipped
    first_day : of the data
    rules : how slowly grades change
    company : the `reference` of region `all`, used where it has bands and thresholds

    Raises
    ------
    ConfigError, InputError : a scorecard or the policy is impossible, or a measure is no number
    """
    now = measures(as_of).sort_index()
    on_day = cache(lambda day: now if day == as_of else _needed(measures(day), cards))
    types = now.loc[now["n_orders"] > 0, "customer_type"].astype(object)
    review_days = sorted({day for day in days if first_day <= day <= as_of})
    today: dict[str, Graded] = {}
    reference: dict[str, Any] = {}
    histories = []
    for customer_type in sorted(cards):
        begun = [card for card in cards[customer_type] if card.valid_from <= as_of]
        if not begun:
            continue
        buyers = partial(_buyers, on_day, customer_type)
        own = (company or {}).get(customer_type, {})
        versions = [_fit(card, buyers, own, first_day, as_of) for card in begun]
        first = min(card.valid_from for card in versions)
        by_day = {
            d: _score(versions, buyers(d), own, d) for d in [*review_days, as_of] if d >= first
        }
        card, scores, thresholds = by_day[as_of]
        rows = buyers(as_of)
        assigned = points.assign_points(card, rows)
        today[customer_type] = Graded(card, thresholds, rows, assigned, scores)
        past = {day: by_day[day] for day in review_days if day in by_day}
        histories.append(_history(past, rules))
        reference[customer_type] = _reference(versions, by_day)
    history = _table(histories, "grade_history")
    without = int((~types.isin(list(today))).sum())
    words = [points.unknown_words(each.card, each.measures) for each in today.values()]
    unknown = sum(int(each["n_customers"].sum()) for each in words)
    counts = {"no_scorecard": without, "unknown_words": unknown}
    notes = [Note("grades", code, float(n)) for code, n in counts.items() if n]
    return Reviewed(as_of, types, cards, today, history, rules, reference, notes)


def grades(reviewed: Reviewed) -> pd.DataFrame:
    """Make table `grades`: one row per customer who has bought.

    The effective grade is that of the last review; a customer without a score at any review who has
    one today is graded by it, since as_of. The next grade is the one above it, by today's scorecard
    and thresholds: points_to_next is zero if the score is enough for it and only the review is to
    come. `change` and the columns after it are the cheapest change of one value that suffices.
    """
    history, rules = reviewed.history, reviewed.policy
    last = history.groupby("customer_id")[["grade", "review_decision"]].last()
    today = [_today(each, last["grade"], rules.margin) for each in reviewed.today.values()]
    today = _table(today, "grades").set_index("customer_id").reindex(reviewed.types.index)
    last = last.reindex(today.index)
    score_grade = today["score_grade"].fillna(grade.NOT_GRADED)
    assigned = history[history["review_decision"].isin(policy.GIVEN)]
    since = assigned.groupby("customer_id")["day"].last().reindex(today.index)
    first = since.isna() & today["score"].notna()
    decision = last["review_decision"].mask(first, policy.FIRST)
    reviews_to_rise = policy.reviews_to_rise(history, rules).reindex(today.index).fillna(1)
    columns = {
        "customer_type": reviewed.types,
        "score_grade": score_grade,
        "grade": last["grade"].mask(first, score_grade).fillna(grade.NOT_GRADED),
        "since": since.mask(first, pd.Timestamp(reviewed.as_of)),
        "review_decision": decision.fillna(grade.NOT_GRADED),
        "reviews_to_next": reviews_to_rise.where(today["next_grade"].notna()),
    }
    return _table([today.assign(**columns).rename_axis("customer_id").reset_index()], "grades")


def grade_points(reviewed: Reviewed) -> pd.DataFrame:
    """Make table `grade_points`: one row per graded customer and indicator of their scorecard."""
    return _table([_points(each) for each in reviewed.today.values()], "grade_points")


def _needed(measures: pd.DataFrame, cards: Cards) -> pd.DataFrame:
    """The columns that a review uses; of past days no others stay in memory."""
    indicators = [i for versions in cards.values() for card in versions for i in card.indicators]
    names = {"customer_type", "n_orders"} | {n for i in indicators for n in (i.column, i.per)}
    return measures[[column for column in measures if column in names]]


def _buyers(measures: Measures, customer_type: str, day: dt.date) -> pd.DataFrame:
    """The customers of a type who have bought by a day."""
    rows = measures(day)
    return rows[(rows["customer_type"] == customer_type) & (rows["n_orders"] > 0)]


def _fit(
    card: Scorecard, buyers: Measures, company: Reference, first_day: dt.date, as_of: dt.date
) -> Scorecard:
    """The version with the company's bands, or fitted to these customers.

    Where no customer of this type had bought by the scale day, to those of today.
    """
    bands = company.get(card.valid_from.isoformat(), {}).get("bands")
    if bands is not None:
        return scorecard.with_bands(card, bands)
    if all(each.bins is None for each in card.indicators):
        return card
    then = buyers(scale_day(card.valid_from, first_day, as_of))
    return points.fit_bins(card, buyers(as_of) if then.empty else then)


def _score(
    versions: Sequence[Scorecard], rows: pd.DataFrame, company: Reference, day: dt.date
) -> Scored:
    card = scorecard.valid_on(versions, day)
    scores = points.score(card, rows)
    thresholds = company.get(card.valid_from.isoformat(), {}).get("limits", {})
    return card, scores, thresholds.get(day.isoformat()) or grade.thresholds(card, scores)


def _history(past: Mapping[dt.date, Scored], rules: policy.Policy) -> pd.DataFrame:
    """Replay one type's reviews; a customer is in it from the first review they had bought by."""
    if not past:
        return pd.DataFrame()
    scores = pd.DataFrame({pd.Timestamp(day): each[1] for day, each in past.items()})
    bought = [scores.index.isin(each[1].index) for each in past.values()]
    replayed = policy.replay(scores, [each[2] for each in past.values()], rules)
    replayed["score"] = scores.to_numpy().ravel()
    return replayed[np.column_stack(bought).ravel()].reset_index()


def _reference(versions: Sequence[Scorecard], by_day: Mapping[dt.date, Scored]) -> dict[str, Any]:
    """What other customers need to be graded alike: bands and thresholds of each version."""
    found: dict[str, Any] = {
        card.valid_from.isoformat(): {"bands": scorecard.bands(card), "limits": {}}
        for card in versions
    }
    for day, (card, _, thresholds) in by_day.items():
        found[card.valid_from.isoformat()]["limits"][day.isoformat()] = dict(thresholds)
    return found


def _today(graded: Graded, last: pd.Series, margin: float) -> pd.DataFrame:
    """Scores of one type today, and the next grade above the last one; see `next_grade`."""
    card, scores, thresholds = graded.card, graded.scores, graded.thresholds
    columns = {"version": pd.Timestamp(card.valid_from), "score": scores}
    columns["score_grade"] = grade.assign(scores, thresholds)
    above = next_grade.find_next(scores.dropna(), last, thresholds, margin)
    missing = (above["score_needed"] - scores.dropna()).clip(lower=0).round(points.DECIMALS)
    change = next_grade.cheapest(card, graded.measures, scores, above["score_needed"])
    table = pd.DataFrame(columns).join(above[["next_grade"]].assign(points_to_next=missing))
    return table.join(change.rename(columns=_CHANGE)).rename_axis("customer_id").reset_index()


def _points(graded: Graded) -> pd.DataFrame:
    """One row per graded customer and indicator, the customers in order."""
    customers = graded.scores.index[graded.scores.notna()].rename("customer_id")
    cells = {
        "value": points.values(graded.card, graded.measures),
        "points": graded.points,
        "contribution": graded.contributions,
    }
    index = pd.MultiIndex.from_product([customers, graded.points.columns.rename("indicator")])
    flat = {name: each.loc[customers].to_numpy().ravel() for name, each in cells.items()}
    return pd.DataFrame(flat, index).reset_index()


def _table(parts: Sequence[pd.DataFrame], name: str) -> pd.DataFrame:
    """The parts as one table of this name, sorted by customer; empty if there are none."""
    kinds = {column: _KINDS[spec.kind] for column, spec in TABLES[name].columns.items()}
    typed = [part.reindex(columns=list(kinds)).astype(kinds) for part in parts]
    if not typed:
        return pd.DataFrame({column: pd.Series(dtype=kind) for column, kind in kinds.items()})
    return pd.concat(typed).sort_values("customer_id", kind="stable", ignore_index=True)

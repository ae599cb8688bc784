"""RFM: recency, frequency and monetary scores, and a name for every combination of them.

Cut points are learned from the customers, by one of two rules, or written in the config. Names are
rules over the scores; `check_rules` ensures that every combination has one.

Source of the rule `quantile_plus_one`: the R package rfm 0.3.0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from cvm_analysis.errors import ConfigError
from cvm_analysis.minimum_data import Note
from cvm_analysis.segments import rfm_names, scores
from cvm_analysis.segments.rfm_names import LETTERS, Matching, Problem, Rules
from cvm_analysis.typed import settings

PROSPECT = "prospect"
PART = "segments"
EMPTY_SCORES = {  # by letter: the code of a note
    "r": "empty_recency_scores",
    "f": "empty_frequency_scores",
    "m": "empty_monetary_scores",
}
Cuts = Mapping[str, Sequence[float]]
Rule = Literal["share_worse", "quantile_plus_one"]
Monetary = Literal["total", "mean"]


@settings
class Rfm:
    """How customers are scored, and how combinations of scores are named.

    segments : name -> scores that have it
    bins : scores go from 1 to this
    matching : `exactly_one`: no combination of scores may have two names; `first`: the first rule
        that fits counts, and a last rule without letters covers the rest
    written_for : the number of bins the rules count in, if not `bins`; see `rfm_names.match`
    monetary : m is the total net sales, or those per order
    rule : how cut points are found; see `cut_points`
    cut_points : of the `company`, of the `region`, or as `written_cut_points` takes them
    """

    segments: Rules = Field(default_factory=dict)
    bins: Annotated[int, Field(ge=2, le=10)] = 5
    matching: Matching = "exactly_one"
    written_for: Annotated[int | None, Field(ge=2, le=10)] = None
    monetary: Monetary = "total"
    rule: Rule = "share_worse"
    cut_points: Literal["company", "region"] | Mapping[str, tuple[float, ...]] = "company"

    def find_problems(self) -> list[Problem]:
        """List all that is wrong with the names and with the cut points."""
        at = self.written_for or self.bins
        found = rfm_names.find_problems(self.segments, at, self.matching)
        return found + find_cut_problems(self._written, self.bins)

    def find_cut_points(self, customers: pd.DataFrame) -> dict[str, list[float]]:
        """Use the cut points that are written, and find the others; see `cut_points`."""
        found = cut_points(customers, self.bins, self.rule, self.monetary)
        return found | written_cut_points(self._written, self.bins)

    @property
    def _written(self) -> Mapping[str, Sequence[float]]:
        return {} if isinstance(self.cut_points, str) else self.cut_points


USUAL = Rfm()
_MONETARY = {"total": "net_sales", "mean": "net_sales_per_order"}


def measures(customers: pd.DataFrame, monetary: Monetary = USUAL.monetary) -> pd.DataFrame:
    """One row per customer who bought: r, f and m, larger being better.

    r : minus days since the last purchase; f : orders; m : net sales, in total or per order

    Raises InputError: one of them is empty or infinite for a customer who bought
    """
    columns = ["days_since_last", "n_orders", _MONETARY[monetary]]
    scores.check_finite(customers[["n_orders"]])
    bought = customers.loc[customers["n_orders"] > 0, columns].astype(float)
    scores.check_finite(bought)
    bought.columns = pd.Index(LETTERS)
    return bought.assign(r=-bought["r"])


def cut_points(
    customers: pd.DataFrame,
    bins: int = USUAL.bins,
    rule: Rule = USUAL.rule,
    monetary: Monetary = USUAL.monetary,
) -> dict[str, list[float]]:
    """Find the least value of the scores 2, 3, ... `bins`; NaN where ties allow none.

    customers : one row per customer, as for `score`
    rule : `share_worse`: the score is 1 + floor(bins x share strictly worse), so that ties never
        raise a score; only the most recent customers always have the best r, however many they
        are, for nobody bought later. `quantile_plus_one`: a score begins one day, order or unit of
        money above the quantile, as in the R package rfm, so that ties may
    monetary : m is the total net sales, or those per order

    Returns
    -------
    For each of r, f and m the cut points, rising; those of r are minus days.
    """
    parts = [(i, bins) for i in range(1, bins)]
    better = measures(customers, monetary)
    if rule == "share_worse":
        found = {letter: scores.cut_points(values, parts) for letter, values in better.items()}
        latest = float(better["r"].max())
        return found | {"r": [latest if math.isnan(cut) else cut for cut in found["r"]]}
    found = {letter: scores.quantiles(better[letter], parts) for letter in ("f", "m")}
    days = scores.quantiles(-better["r"], parts)
    fewer = [-float(np.ceil(d + 1) - 1) for d in reversed(days)]  # days are whole: below 6.4 is 6
    return {"r": fewer} | {letter: [q + 1 for q in cuts] for letter, cuts in found.items()}


def written_cut_points(lists: Mapping[str, Sequence[float]], bins: int) -> dict[str, list[float]]:
    """Convert cut points as written: what a customer must reach for 2, 3, ... `bins`.

    lists : by letter; r: at most so many days, falling; f: at least so many orders, m: at least so
        much net sales, both rising; a letter may be left out

    Raises ConfigError: an unknown letter, too many or too few numbers, or in the wrong order
    """
    _refuse("cut_points", find_cut_problems(lists, bins))
    sign = {"r": -1.0, "f": 1.0, "m": 1.0}
    return {c: [sign[c] * float(cut) for cut in lists[c]] for c in LETTERS if c in lists}


def find_cut_problems(lists: Mapping[str, Sequence[float]], bins: int) -> list[Problem]:
    """List all that is wrong with cut points, as for `written_cut_points`."""
    found: list[Problem] = []
    for letter, cuts in lists.items():
        at, sign = ("cut_points", letter), -1 if letter == "r" else 1
        if letter not in LETTERS:
            found.append((at, f"'{letter}' is no score; write r, f or m"))
        elif len(cuts) != bins - 1:
            found.append((at, f"{letter}: {bins} scores need {bins - 1} numbers, not {len(cuts)}"))
        elif not all(math.isfinite(c) for c in cuts):
            found.append((at, f"{letter}: every cut point must be a finite number"))
        elif any(sign * a >= sign * b for a, b in pairwise(cuts)):
            way = "fall: fewer days are better" if sign < 0 else "rise: more is better"
            found.append((at, f"{letter}: the numbers must {way}"))
    return found


def score(
    customers: pd.DataFrame,
    bins: int = USUAL.bins,
    cuts: Cuts | None = None,
    monetary: Monetary = USUAL.monetary,
) -> pd.DataFrame:
    """Score each customer who bought from 1 to `bins` on recency, frequency and monetary value.

    customers : one row per customer, indexed by customer_id
        days_since_last : days from the last purchase to as_of; n_orders : 1 or more, others are
        left out; net_sales, net_sales_per_order : net of returns, in the config's currency
    bins : number of groups, 2 to 10; customers with equal values always share a score
    cuts : cut points of another group of customers (the company), or written; None: these
        customers' own, by the share strictly worse
    monetary : m is the total net sales, or those per order

    Returns
    -------
    One row per customer who bought; columns r, f, m : int, where `bins` is best.
    """
    better = measures(customers, monetary)
    cuts = cuts or cut_points(customers, bins, monetary=monetary)
    return pd.DataFrame(
        {letter: scores.score(better[letter], cuts[letter]) for letter in LETTERS},
        index=better.index,
    )


def score_ranges(scored: pd.DataFrame, cuts: Cuts) -> pd.DataFrame:
    """Show the least value of each score and its number of customers, in the reader's units.

    Returns
    -------
    One row per score from 1, the worst; columns r : at most so many days; f, m : at least so many
    orders, so much net sales; n_r, n_f, n_m : customers. A value is empty where ties make the score
    impossible, and for score 1.
    """
    every = range(1, len(cuts["r"]) + 2)
    table = pd.DataFrame(index=pd.Index(every, name="score"))
    for letter in LETTERS:
        least = np.asarray(cuts[letter], dtype=float)
        impossible = np.append(least[:-1] == least[1:], [False])
        table[letter] = [np.nan, *np.where(impossible, np.nan, -least if letter == "r" else least)]
        table[f"n_{letter}"] = scored[letter].value_counts().reindex(every, fill_value=0)
    return table


def empty_bins(scored: pd.DataFrame, bins: int = USUAL.bins) -> dict[str, list[int]]:
    """List, per letter, the scores that no customer has; letters without such are left out."""
    counts = {c: np.bincount(scored[c], minlength=bins + 1)[1 : bins + 1] for c in LETTERS}
    return {c: [int(s) for s in 1 + np.flatnonzero(n == 0)] for c, n in counts.items() if 0 in n}


def notes(scored: pd.DataFrame, bins: int = USUAL.bins) -> list[Note]:
    """Note for each letter how many scores no customer has; nothing without customers."""
    empty = empty_bins(scored, bins) if len(scored) else {}
    return [Note(PART, EMPTY_SCORES[letter], float(len(each))) for letter, each in empty.items()]


def grid(scored: pd.DataFrame, bins: int = USUAL.bins) -> pd.DataFrame:
    """Count customers per pair of scores: one row per r, one column per f, from 1 to `bins`.

    A score that no customer has is empty, not zero.
    """
    every = range(1, bins + 1)
    return pd.crosstab(scored["r"], scored["f"]).reindex(index=every, columns=every)


def name(scored: pd.DataFrame, customers: pd.DataFrame, rules: Rfm) -> pd.Series:
    """Name the segment of every customer by the rules; `prospect` if they never bought.

    scored : one row per customer who bought, scores from 1 to the number of bins. With fewer bins
        than the rules are written for, some names stay unused (`rfm_names.unused`).
    """
    check_rules(rules)
    chosen = rfm_names.match(rules.segments, rules.bins, rules.written_for)
    table = np.array(list(rules.segments), dtype=object)[chosen]
    found = table[tuple(scored[letter].to_numpy(int) - 1 for letter in LETTERS)]
    named = pd.Series(found, index=scored.index, name="rfm", dtype=object)
    return named.reindex(customers.index, fill_value=PROSPECT)


def check_activity(named: pd.Series, activity: pd.Series, rules: Rfm) -> pd.Series:
    """Replace the names that are false for a customer's activity; see `rfm_names.Rule`.

    named : name of each customer by the scores, from `name`; activity : of each customer, from
        `classes.activity`; an unknown one leaves the name
    """
    instead = {
        (segment, state): other
        for segment, rule in rules.segments.items()
        for state, other in rule.instead.items()
    }
    pairs = zip(named, activity.reindex(named.index), strict=True)
    found = [instead.get(pair, pair[0]) for pair in pairs]
    return pd.Series(found, index=named.index, name=named.name, dtype=object)


def names_replaced(named: pd.Series, activity: pd.Series, rules: Rfm) -> pd.DataFrame:
    """Show each rule of `check_activity`, with its number of customers; parameters as there.

    Returns
    -------
    One row per segment and activity that replaces it: segment, activity, instead (codes),
    n_customers
    """
    counts = pd.crosstab(named, activity.reindex(named.index))
    rows = [
        (segment, state, other, int(counts[state].get(segment, 0)) if state in counts else 0)
        for segment, rule in rules.segments.items()
        for state, other in rule.instead.items()
    ]
    return pd.DataFrame(rows, columns=["segment", "activity", "instead", "n_customers"])


def name_notes(rules: Rfm, replaced: pd.DataFrame | None = None) -> list[Note]:
    """Note how many names no combination of scores has, and how many customers have another one.

    replaced : as `names_replaced` makes it
    """
    unused = rfm_names.unused(rules.segments, rules.bins, rules.written_for)
    found = [Note(PART, "unused_names", float(len(unused)))] if unused else []
    n = 0 if replaced is None else int(replaced["n_customers"].sum())
    return found + ([Note(PART, "names_replaced", float(n))] if n else [])


def check_rules(rules: Rfm) -> None:
    """Raise ConfigError unless the rules name every combination; see `rfm_names.find_problems`."""
    at = rules.written_for or rules.bins
    _refuse("segments", rfm_names.find_problems(rules.segments, at, rules.matching))


def _refuse(setting: str, found: Sequence[Problem]) -> None:
    if found:
        raise ConfigError(f"rfm.{setting}: " + "; ".join(problem for _, problem in found))

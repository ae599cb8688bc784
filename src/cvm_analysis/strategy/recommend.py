"""Key figures of each segment, and the actions of the catalogue that pay for it.

An action is a candidate for a segment that the catalogue lists, if the segment's figure triggers
it. Its gain is the assumed share of the segment's expected margin; candidates that gain no more
than they cost are left out, the others are ranked by gain less cost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import pandas as pd
from pydantic import Field

from cvm_analysis.errors import ConfigError
from cvm_analysis.tables import TABLES
from cvm_analysis.typed import settings

NO_ACTION = "no_action"
NOT_VALUED = "not_valued"
FIGURES = tuple(c for c in TABLES["segment_summary"].columns if c != "segment")


class Reason(NamedTuple):
    """The figure of a segment that triggers an action, and the threshold it reaches."""

    column: str
    figure: float
    comparison: Literal["at_least", "at_most"]
    threshold: float


@settings
class Trigger:
    """The figure of a segment from which, or up to which, an action applies."""

    column: str
    at_least: float | None = None
    at_most: float | None = None

    def find_reason(self, figure: float) -> Reason | None:
        """Find what triggers the action; None if the figure does not."""
        shown = float(f"{figure:.6g}")
        if self.at_least is not None and figure >= self.at_least:
            return Reason(self.column, shown, "at_least", self.at_least)
        if self.at_most is not None and figure <= self.at_most:
            return Reason(self.column, shown, "at_most", self.at_most)
        return None


@settings
class Action:
    """An action of the catalogue: for which segments, when, at what cost, with what effect.

    cost_per_customer : in the config's currency
    effect : low, likely and high gain as a share of the segment's expected margin
    en, zh : what the action is called in each language
    """

    code: str
    segments: Annotated[tuple[str, ...], Field(min_length=1)]
    when: Trigger
    cost_per_customer: Annotated[float, Field(ge=0)]
    effect: tuple[float, float, float]
    evidence: Literal["assumed", "measured"] = "assumed"
    en: str | None = None
    zh: str | None = None


def add_actions(
    customers: pd.DataFrame, segments: pd.DataFrame, strategy: pd.DataFrame
) -> pd.DataFrame:
    """Add to each customer their segment and grade, and the first action of the segment.

    customers : one row per customer; segments, strategy : the tables of these names

    Returns
    -------
    The same rows with segment, grade and action; empty where the segment has no action.
    """
    first = strategy.xs(1, level="rank")["action"]
    joined = customers.join(segments[["segment", "grade"]])
    return joined.assign(action=joined["segment"].map(first))


def summary(customers: pd.DataFrame, segment: pd.Series, value: pd.DataFrame) -> pd.DataFrame:
    """One row per segment, the largest expected margin first; columns FIGURES.

    A segment whose customers are not valued (project customers, or prospects) has no margin.

    customers, value : tables of these names; `value` may be empty; segment : of each customer
    """
    joined = customers.join(value[["expected_orders", "expected_margin"]])
    groups = joined.assign(repeats=joined["x"] > 0).groupby(segment)
    found = pd.DataFrame(
        {
            "n_customers": groups.size(),
            "net_sales": groups["net_sales"].sum(),
            "expected_margin": groups["expected_margin"].sum(min_count=1),
            "mean_net_sales": groups["net_sales"].mean(),
            "mean_expected_margin": groups["expected_margin"].mean(),
            "mean_expected_orders": groups["expected_orders"].mean(),
            "mean_days_since_last": groups["days_since_last"].mean(),
            "repeat_share": groups["repeats"].mean(),
        }
    ).rename_axis("segment")
    totals = {"share_customers": "n_customers"}
    totals |= {f"share_{column}": column for column in ("net_sales", "expected_margin")}
    for share, total in totals.items():
        found[share] = found[total] / found[total].sum()
    return found[list(FIGURES)].sort_values(["expected_margin", "n_customers"], ascending=False)


def recommend(figures: pd.DataFrame, actions: Sequence[Action], min_segment: int) -> pd.DataFrame:
    """Rank the actions that pay for each segment; columns of table `strategy`.

    figures : one row per segment, as `summary` makes them; actions : the catalogue
    min_segment : segments with fewer customers get no action of their own

    Returns
    -------
    One row per segment and action, rank 1 first; a segment where nothing pays has one row with
    the action `no_action`, one whose customers have no value the action `not_valued`.
    """
    check(actions)
    rows = []
    for segment, row in figures.iterrows():
        enough = row["n_customers"] >= min_segment
        paying = [o for o in _offers(str(segment), row, actions) if o["gain"] > o["cost"]]
        ranked = sorted(paying, key=lambda o: o["cost"] - o["gain"]) if enough else []
        listed = ranked or [_no_offer(segment, row)]
        rows += [{**offer, "rank": i} for i, offer in enumerate(listed, start=1)]
    return pd.DataFrame(rows).set_index(["segment", "rank"])


def check(actions: Sequence[Action]) -> None:
    """Raise ConfigError unless every action has one threshold of a figure, and rising effects."""
    wrong = [
        f"actions.{a.code}: when.column '{a.when.column}' is no figure of a segment; "
        f"known are {', '.join(FIGURES)}"
        for a in actions
        if a.when.column not in FIGURES
    ]
    wrong += [
        f"actions.{a.code}: when needs at_least or at_most, one of the two"
        for a in actions
        if (a.when.at_least is None) == (a.when.at_most is None)
    ]
    wrong += [
        f"actions.{a.code}: effect must rise from low to high, not {list(a.effect)}"
        for a in actions
        if list(a.effect) != sorted(a.effect)
    ]
    if wrong:
        raise ConfigError("\n".join(wrong))


def read_reason(trigger: str) -> Reason:
    """Read column `trigger` of table `strategy` back."""
    return Reason(*json.loads(trigger))


def _offers(segment: str, row: pd.Series, actions: Sequence[Action]) -> Iterator[Mapping[str, Any]]:
    for action in actions:
        reason = action.when.find_reason(row[action.when.column])
        if segment in action.segments and reason:
            low, likely, high = (effect * row["expected_margin"] for effect in action.effect)
            yield {
                "segment": segment,
                "action": action.code,
                "n_customers": int(row["n_customers"]),
                "cost": action.cost_per_customer * row["n_customers"],
                "gain": likely,
                "gain_low": low,
                "gain_high": high,
                "evidence": action.evidence,
                "trigger": json.dumps(reason),
            }


def _no_offer(segment: Any, row: pd.Series) -> dict[str, Any]:
    action = NOT_VALUED if pd.isna(row["mean_expected_margin"]) else NO_ACTION
    found = {"segment": segment, "action": action, "n_customers": int(row["n_customers"])}
    amounts = dict.fromkeys(("cost", "gain", "gain_low", "gain_high"), 0.0)
    return {**found, **amounts, "evidence": "", "trigger": ""}

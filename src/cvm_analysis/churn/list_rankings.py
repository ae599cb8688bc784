"""Which ranking of the watch list would have found most of the margin that was then lost?

Lists are drawn up at past landmarks by several rankings, all of the same length and from the same
candidates, and compared with what happened. Margin lost is counted from orders alone: the margin
of the 365 days up to the last order, for the length of the horizon, of customers within the
win-back limit on that day who bought nothing in the horizon. The best list possible (with
hindsight) shows how much could be found at all.

The naive ranking is used unless another one was clearly better at the earlier landmarks; the last
landmark is only reported.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.backtest import choice
from cvm_analysis.churn import learning, watchlist
from cvm_analysis.churn.learning import Snapshot
from cvm_analysis.minimum_data import Note, shortfalls

PART = "watchlist"
RANKINGS = ("last_year", "margin_at_stake", "expected_loss")  # the first is the naive one
BEST = "best_possible"  # by hindsight
_EQUAL_VALUE_GROUPS = 20


class ListRules(NamedTuple):
    """What the lists of a business have in common, at landmarks and today."""

    win_back_days: int  # customers without an order for so long are no candidates
    horizon_days: int  # of the risk, and of the margin lost
    horizon_weeks: float  # of the margin at stake
    margin_share: float  # of net sales, where a cost is unknown; today's at every landmark


class ListTrial(NamedTuple):
    """The lists of a landmark and what was lost: one row per customer within the limit."""

    day: dt.date
    lost: pd.Series  # margin lost in the horizon, 0 for customers who bought
    inactive: pd.Series  # 1 without a purchase in the horizon, else 0
    value: pd.Series  # margin of the year up to the last order
    listed: pd.DataFrame  # one column per ranking, and BEST: whether on the list


def landmarks_to_compare(
    known: Sequence[Snapshot], as_of: dt.date, horizon_days: int, most: int = 5
) -> list[Snapshot]:
    """Choose landmarks: one horizon ago, and earlier ones whose horizon was over by then.

    known : all landmarks, in order; at most `most` are returned, the latest
    """
    last, ends = as_of - dt.timedelta(days=horizon_days), dt.timedelta(days=horizon_days)
    used = [each for each in known if each.day == last or each.day + ends <= last]
    used = [each for each in used if len(each.customers)]
    return used[-most:] if used and used[-1].day == last else []


def backtest(
    known: Sequence[Snapshot],
    values: Sequence[pd.DataFrame],
    sales: Sequence[pd.DataFrame],
    purchase_days: pd.DataFrame,
    rules: ListRules,
) -> list[ListTrial]:
    """Draw up the lists of past landmarks and count the margin lost; one element a landmark.

    Parameters
    ----------
    known : customers of each landmark, with the purchase model's probability of no purchase
    values : columns of table `value`, by the models of that day
    sales : net sales and margin of the year up to the last order
    purchase_days : customer_id, day with a purchase, up to today
    """
    trials = []
    for each, value, year in zip(known, values, sales, strict=True):
        name = f"p_no_purchase_{rules.horizon_days}d"
        no_forecast = pd.DataFrame(columns=[name], dtype=float)
        risk = (no_forecast if each.value is None else each.value).reindex(columns=[name])[name]
        stake, _ = watchlist.margin_at_stake(value, risk, rules.horizon_weeks, rules.horizon_days)
        yearly = watchlist.yearly_margin(each.customers, year, rules.margin_share)
        due = watchlist.contact_on(each.customers, each.day)
        end = each.day + dt.timedelta(days=rules.horizon_days)
        inactive = learning.no_purchase(each, purchase_days, end, [rules.horizon_days])[name]
        scores = score(stake, risk, yearly, rules.horizon_days)
        customers = each.customers.assign(contact_on=due)
        trials.append(compare(customers, scores, inactive, yearly, each.day, rules))
    return trials


def add_list(
    churn: pd.DataFrame,
    customers: pd.DataFrame,
    stake: pd.Series,
    sales: pd.DataFrame,
    ranking: str,
    day: dt.date,
    rules: ListRules,
) -> pd.DataFrame:
    """Add to today's forecasts what the list is made of, columns of table `churn`.

    Parameters
    ----------
    churn : one row per customer: churn_risk
    customers : of table `customers`
    stake : margin at stake
    sales : net sales and margin of the year up to the last order
    ranking : one of RANKINGS

    Returns
    -------
    churn with margin_at_stake, contact_on, next_order_on, sales_change, and list_priority: the
    figure of the ranking, empty for those who are no candidates.
    """
    yearly = watchlist.yearly_margin(customers, sales, rules.margin_share)
    found = churn.assign(
        margin_at_stake=stake,
        contact_on=watchlist.contact_on(customers, day),
        next_order_on=watchlist.next_order_on(customers),
        sales_change=watchlist.sales_change(customers),
    )
    candidates = watchlist.is_candidate(
        customers.assign(contact_on=found["contact_on"]), day, rules.win_back_days
    )
    priority = score(stake, churn["churn_risk"], yearly, rules.horizon_days)[ranking]
    return found.assign(list_priority=priority.where(candidates))


def score(
    margin_at_stake: pd.Series, risk: pd.Series, yearly: watchlist.YearlyMargin, horizon_days: int
) -> pd.DataFrame:
    """Compute the figure of each ranking, in money; one row per customer, columns RANKINGS.

    last_year : margin of the last 365 days
    margin_at_stake : as given
    expected_loss : risk of no purchase within the horizon x margin of the 365 days up to the last
        order, for the length of the horizon
    """
    index = yearly.last_365d.index
    loss = risk.reindex(index) * yearly.to_last_order * horizon_days / 365
    figures = (yearly.last_365d, margin_at_stake.reindex(index), loss)
    return pd.DataFrame(dict(zip(RANKINGS, figures, strict=True)))


def compare(
    customers: pd.DataFrame,
    scores: pd.DataFrame,
    inactive: pd.Series,
    yearly: watchlist.YearlyMargin,
    day: dt.date,
    rules: ListRules,
) -> ListTrial:
    """Draw up the list of a landmark by each ranking, and count the margin lost.

    Parameters
    ----------
    customers : one row per customer as of the day: days_since_last, contact_on
    scores : of each ranking, as `score` returns
    inactive : 1 for each customer without a purchase within the horizon, else 0
    """
    n = watchlist.list_length(len(customers))
    near = customers[customers["days_since_last"].astype(float) < rules.win_back_days].sort_index()
    value, silent = yearly.to_last_order.reindex(near.index), inactive.reindex(near.index)
    lost = value.clip(lower=0) * rules.horizon_days / 365 * silent
    candidates = near[watchlist.is_candidate(near, day, rules.win_back_days)].index
    figures = scores.reindex(candidates).reindex(near.index)
    listed = {name: _first(priority, n) for name, priority in figures.items()}
    return ListTrial(day, lost, silent, value, pd.DataFrame({**listed, BEST: _first(lost, n)}))


def choose(trials: Sequence[ListTrial]) -> tuple[str, list[Note]]:
    """Choose the ranking by the margin lost that its lists held at all landmarks but the last.

    The naive one stays unless another holds more by more than two standard errors of the paired
    differences, clustered by customer; and with a note where too few landmarks have customers.
    """
    few = shortfalls("list_ranking", landmarks=sum(len(trial.lost) > 0 for trial in trials))
    if few:
        return RANKINGS[0], few
    held = pd.concat([trial.listed.mul(trial.lost, axis=0) for trial in trials[:-1]])
    return choice.choose_by_score(held[list(RANKINGS)], RANKINGS[0], RANKINGS), []


def measure(trial: ListTrial) -> pd.DataFrame:
    """Measure each list of a landmark: one row per ranking, and BEST.

    Columns
        listed, listed_inactive : customers on the list; of them without a purchase
        inactive_of_equal_value : how many without a purchase as many customers of equal value would
            have: those within the limit, in twenty groups by the margin of the year up to the last
            order
        lost, listed_lost : margin lost; of it that of customers on the list
        customers, inactive : all customers within the limit; of them without a purchase
    """
    listed = trial.listed.astype(float)
    position = (trial.value.rank(method="average") - 1) / max(len(trial.value), 1)
    group = np.floor(position * _EQUAL_VALUE_GROUPS)
    usual = trial.inactive.groupby(group).transform("mean")
    found = pd.DataFrame(
        {
            "listed": listed.sum(),
            "listed_inactive": listed.mul(trial.inactive, axis=0).sum(),
            "inactive_of_equal_value": listed.mul(usual, axis=0).sum(),
            "listed_lost": listed.mul(trial.lost, axis=0).sum(),
        }
    )
    of_all = {"lost": trial.lost.sum(), "customers": len(trial.lost)}
    return found.assign(**of_all, inactive=trial.inactive.sum()).rename_axis("model")


def backtest_rows(trials: Sequence[ListTrial], chosen: str, horizon_days: int) -> pd.DataFrame:
    """Measure the lists of the last landmark: rows of table `backtest`, none without landmarks."""
    columns = ["model", "metric", "value"]
    found = measure(trials[-1]) if trials else pd.DataFrame(columns=columns[:0])
    rows = found.reset_index().melt("model", var_name="metric") if trials else found
    rows = rows.reindex(columns=columns)
    is_chosen = (rows["model"] == chosen).astype(bool)
    return rows.assign(part=PART, horizon_days=horizon_days, is_chosen=is_chosen)


def from_backtest(table: pd.DataFrame) -> pd.DataFrame:
    """Read the measures of `measure` from table `backtest`, and is_chosen; no row without any.

    One row per ranking, in the order of RANKINGS and BEST.
    """
    if PART not in table.index.get_level_values("part"):
        return pd.DataFrame()
    rows = table.xs(PART, level="part").droplevel("horizon_days")
    wide = rows["value"].astype(float).unstack("metric")
    used = rows["is_chosen"].astype(bool).groupby("model").first()
    return wide.assign(is_chosen=used).reindex([*RANKINGS, BEST]).dropna(subset="listed")


def _first(priority: pd.Series, n: int) -> pd.Series:
    """Whether each customer is among the first n; those with nothing to lose are not."""
    ranked = watchlist.top_n(priority.to_frame("list_priority"), n)
    return pd.Series(priority.index.isin(ranked.index), priority.index)

"""Whom to save first: the margin that leaving would cost, not the risk alone; and by when.

Value at risk is what leaving will cost over the year ahead, if customers leave as they do. It grows
with what a customer brings, so the best customers have much of it even in the week after a
purchase, when nothing calls for action. `due_before` keeps those whose silence is unusual for
them, now or before the next list; ranked by value at risk they are the list.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.churn import features
from cvm_analysis.churn.forecasts import Trial
from cvm_analysis.errors import InputError
from cvm_analysis.minimum_data import Note

PART = "watchlist"
LIST_DAYS = 30  # from one list to the next


def top_n(customers: pd.DataFrame, n: int) -> pd.DataFrame:
    """The `n` customers to save first, the most value at risk on top.

    customers : one row per customer, indexed by customer_id: margin_at_stake (money) and any
        further columns (grade, segment, action, contact_on); who has nothing at risk, or not
        known, is left out

    Returns
    -------
    At most n rows, the same columns after `rank` (1 is first; ties by customer_id).
    """
    concerned = customers[customers["margin_at_stake"] > 0].sort_index()
    ranked = concerned.sort_values("margin_at_stake", ascending=False, kind="stable").head(n)
    ranked.insert(0, "rank", range(1, len(ranked) + 1))
    return ranked


def due_before(customers: pd.DataFrame, until: dt.date) -> pd.DataFrame:
    """The customers to be contacted by `until`, the day of the next list, at the latest.

    customers : one row per customer: contact_on, as `contact_on` gives it, and any further columns
    """
    return customers[customers["contact_on"] <= pd.Timestamp(until)]


def contact_on(customers: pd.DataFrame, as_of: dt.date, share: float = 0.9) -> pd.Series:
    """The day by which contact makes sense: from then on the customer is late for their own rhythm.

    The usual gap is the customer's own median gap between purchase days, drawn to that of all by
    the weight of two gaps. On a scale of usual gaps, `share` of all customers' last gaps were over
    by some point (never taken below one usual gap): a silence that reaches this point is one that
    few such customers' purchases end. Before it a call reaches people who come anyway.

    Parameters
    ----------
    customers : one row per customer who bought, indexed by customer_id, columns of table
        `customers` as of the day: x, last_order, gap_median_days, gap_last_days
    as_of : contact before this day is no longer possible; who is late already has this day
    share : of gaps that are over by then, in (0, 1)

    Returns
    -------
    One day per customer, as_of or later; empty where nobody bought on two days, so no rhythm is
    known.
    """
    usual = features.usual_gap(customers, customers["gap_median_days"].dropna().median())
    last = customers["gap_last_days"].astype(float)
    late = max(1.0, float((last / usual).quantile(share)))
    days = pd.to_timedelta(np.ceil(late * usual.round(6)), unit="D")
    due = pd.to_datetime(customers["last_order"]) + days
    return due.clip(lower=pd.Timestamp(as_of)).rename("contact_on")


def p_no_purchase_at_constant_rate(orders: pd.Series, weeks: float, horizon_days: int) -> pd.Series:
    """Probability of no purchase within the horizon for who keeps their pace: exp(-pace x time).

    orders : purchases expected within `weeks` by a forecast without drop-out. A customer's pace is
        taken as known; the forecast's own probability is a little higher, and better where there
        is one.
    """
    return np.exp(-orders.astype(float) * horizon_days / (7 * weeks)).rename("at_pace")


def margin_at_stake_without_drop_out(
    worth: pd.DataFrame, churn_risk: pd.Series, at_pace: pd.Series
) -> tuple[pd.DataFrame, list[Note]]:
    """Value at risk of customers whose forecast of purchases knows no drop-out.

    Margin at the customer's pace x the risk of silence beyond what that pace alone implies: who
    buys once a year is often inactive for half a year without having left. Never below 0.

    Parameters
    ----------
    worth : one row per customer, columns of table `value`; only rows with an empty p_alive change
    churn_risk : probability of no purchase within the horizon, by the model of silence
    at_pace : the same, at the customer's pace, without anybody leaving

    Returns
    -------
    worth with margin_at_stake filled in, and a Note that says so and of how many customers.
    """
    without = worth["p_alive"].isna()
    beyond = (churn_risk - at_pace).reindex(worth.index).clip(lower=0)
    at_risk = (worth["expected_margin"] * beyond).clip(lower=0)
    filled = worth["margin_at_stake"].where(~without, at_risk)
    notes = [Note("churn", "at_risk_without_drop_out", float(without.sum()))]
    return worth.assign(margin_at_stake=filled), notes if without.any() else []


def add_margin_at_stake(
    customers: pd.DataFrame,
    worth: pd.DataFrame,
    churn_risk: pd.Series,
    day: dt.date,
    horizon_weeks: float,
    horizon_days: int,
) -> tuple[pd.DataFrame, list[Note]]:
    """What a list is drawn up from: what is at risk, and by when to make contact.

    Parameters
    ----------
    customers, worth : one row per customer as of the day; columns of tables `customers`, `value`
    churn_risk : probability of no purchase within `horizon_days`
    horizon_weeks : over which `worth` counts

    Returns
    -------
    worth with margin_at_stake of everybody and contact_on, and the note where the forecast of
    purchases knows no drop-out.
    """
    pace = p_no_purchase_at_constant_rate(worth["expected_orders"], horizon_weeks, horizon_days)
    priced, notes = margin_at_stake_without_drop_out(worth, churn_risk, pace)
    return priced.assign(contact_on=contact_on(customers, day).reindex(priced.index)), notes


def select(at_stake: pd.DataFrame, day: dt.date, n: int, days: int = LIST_DAYS) -> pd.DataFrame:
    """The list of a day: the `n` with most at risk of those to contact before the next list.

    at_stake : as `add_margin_at_stake` gives it; days : to the next list
    """
    return top_n(due_before(at_stake, day + dt.timedelta(days=days)), n)


class ListPrecision(NamedTuple):
    """How good a past list was: who of it, and who of all, did not come back."""

    listed: int  # customers on the list
    listed_inactive: int  # of them without a purchase within the horizon
    customers: int  # all customers of that day
    inactive: int  # of them without a purchase within the horizon
    value: float  # what the inactive ones would have brought had they stayed, in the currency
    listed_value: float  # of it that of customers on the list

    @property
    def precision(self) -> float:
        """Share of the list that did not come back; empty for an empty list."""
        return self.listed_inactive / self.listed if self.listed else np.nan

    @property
    def recall(self) -> float:
        """Share of those who did not come back that was on the list."""
        return self.listed_inactive / self.inactive if self.inactive else np.nan

    @property
    def base(self) -> float:
        """Share of all customers that did not come back: what a list drawn at random would hold."""
        return self.inactive / self.customers if self.customers else np.nan

    @property
    def value_recall(self) -> float:
        """The same as `recall`, of what they would have brought."""
        return self.listed_value / self.value if self.value > 0 else np.nan


def precision(customers: pd.DataFrame, inactive: pd.Series, listed: pd.Index) -> ListPrecision:
    """Who of a past list, and who of all, stayed inactive.

    Parameters
    ----------
    customers : one row per customer of the past day, by what was known on it:
        expected_margin_if_retained
    inactive : 1 for each of them without a purchase within the horizon after it, else 0
    listed : customer_id of who was on the list: `top_n` of that day's customers

    Raises
    ------
    InputError : the outcomes are of other customers, or not known, or so is the list
    """
    known = inactive.reindex(customers.index)
    bad = int((~known.isin([0, 1])).sum())
    others = len(listed.difference(customers.index))
    if bad or others or len(inactive) != len(customers):
        raise InputError(
            f"{bad:,} of {len(customers):,} customers of that day have no outcome of 0 or 1, "
            f"{len(inactive):,} outcomes were given, and {others:,} on the list are not among them; "
            "take customers, outcomes and list of the same day"
        )
    stayed_away = known == 1
    lost = customers["expected_margin_if_retained"].where(stayed_away).clip(lower=0)
    return ListPrecision(
        listed=len(listed),
        listed_inactive=int(stayed_away[listed].sum()),
        customers=len(customers),
        inactive=int(stayed_away.sum()),
        value=float(lost.sum()),
        listed_value=float(lost[listed].sum()),
    )


def score_list(
    customers: pd.DataFrame,
    worth: pd.DataFrame,
    churn_risk: pd.Series,
    inactive: pd.Series,
    day: dt.date,
    horizon_weeks: float,
    horizon_days: int,
    n: int = 100,
) -> ListPrecision | None:
    """Draw up the list of a past day by what was known then, and see who of it stayed inactive.

    Arguments as for `add_margin_at_stake` and `precision`, all of that day; n : length of the list

    Returns None where nothing was at stake on that day, or nobody can say what was.
    """
    if worth.empty:
        return None
    stake, _ = add_margin_at_stake(customers, worth, churn_risk, day, horizon_weeks, horizon_days)
    on_list = select(stake, day, n).index
    return precision(stake, inactive.reindex(stake.index), on_list) if len(on_list) else None


def backtest(
    trial: Trial | None,
    chosen: str,
    customers: pd.DataFrame,
    worth: pd.DataFrame,
    horizon_weeks: float,
    horizon_days: int,
) -> ListPrecision | None:
    """Try the list on the day of a forecast's trial; None where there was no trial.

    Parameters
    ----------
    trial : of the forecast `chosen` at `horizon_days`
    customers, worth : one row per customer as of the day of the trial; as for `score_list`
    """
    if trial is None:
        return None
    risk = trial.p_no_purchase[chosen]
    return score_list(
        customers, worth, risk, trial.inactive, trial.day, horizon_weeks, horizon_days
    )


def backtest_rows(kept: ListPrecision | None, model: str, horizon_days: int) -> pd.DataFrame:
    """The same as rows of table `backtest`: part watchlist, one row per figure; none for None."""
    figures = {} if kept is None else {name: float(x) for name, x in kept._asdict().items()}
    rows = pd.DataFrame({"metric": list(figures), "value": list(figures.values())})
    return rows.assign(part=PART, model=model, horizon_days=horizon_days, is_chosen=True)


def from_backtest(trust: pd.DataFrame) -> ListPrecision | None:
    """Read it back from table `backtest`; None where it has no such rows."""
    if PART not in trust.index.get_level_values("part"):
        return None
    found = trust.xs(PART, level="part")["value"].droplevel(["horizon_days", "model"]).astype(float)
    counts = {
        name: int(found[name]) for name in ("listed", "listed_inactive", "customers", "inactive")
    }
    return ListPrecision(**counts, value=found["value"], listed_value=found["listed_value"])

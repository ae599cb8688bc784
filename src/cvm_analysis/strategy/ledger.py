"""What came of earlier recommendations, and what that says about the effect of each action.

A list is what the reports of one day recommended of one action. When its window has closed, its
customers are compared, region by region, with the control group drawn for the list: everybody as
assigned, contacted or not (intention to treat), so that nobody's choice of whom to call counts; the
forecasts made before take out how far the groups differ by chance (CUPED, see arm_difference).
Without a control group they are compared with these forecasts themselves, whose common error (all
customers too high or too low together) is then part of the variance. They are never compared with
their own past: customers of a list of overdue ones were better before, and many recover anyway.

Each outcome counts once. A customer who is listed again for an action while a window for it is open
counts for the first of these lists. Effects are computed anew from all lists in every run, so that
a run repeated changes nothing.

Variance of a share compared with forecasts: (s + 1) successes of n + 2, as Agresti & Caffo (2000),
The American Statistician 54(4), 280-288; else a small list in which nobody buys would seem certain.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from cvm_analysis.strategy import arm_difference
from cvm_analysis.strategy.effects import Effect
from cvm_analysis.tables import TABLES

KEY = list(TABLES["ledger"].key)
LIST = ["as_of", "action"]
CONTROL, FORECAST = "control", "forecast"  # what a list is compared with
EVIDENCE = {CONTROL: "measured_with_control", FORECAST: "measured_without"}
LEAST = 2  # customers compared with their forecasts, for a variance
_Z = 1.959964  # of a 95% interval
_FIGURES = ["n_treated", "n_control", "outcome", "outcome_without", "base", "variance", "common_sd"]


def find_forecast_error(value_draws: pd.DataFrame) -> float:
    """Find the standard deviation of the log of the common error of a region's forecasts.

    value_draws : table of this name; empty (nobody has a forecast): not a number
    """
    each = value_draws.groupby(level="draw")[["company_error", "region_error"]].first()
    return float(each.sum(axis=1).std(ddof=0)) if len(each) else np.nan


def to_rows(
    actions: pd.DataFrame, region: str, as_of: dt.date, forecast_error: float
) -> pd.DataFrame:
    """Make the rows of table `ledger` that a report of a region adds.

    actions : table of this name; only what is in the plan was recommended, controls among it
    forecast_error : as `find_forecast_error` gives it

    Returns
    -------
    One row per customer and action, indexed by region, as_of, customer_id and action.
    """
    planned = actions[actions["in_plan"].astype(bool)]
    flat = planned.reset_index().assign(
        region=region, as_of=pd.Timestamp(as_of), forecast_error=forecast_error
    )
    flat["base"] = flat["window_base"]  # outcomes are those of the window
    rows = flat[list(TABLES["ledger"].columns)]
    days = {
        name: pd.to_datetime(rows[name]).astype("datetime64[ns]") for name in ("as_of", "due_on")
    }
    codes = {name: rows[name].astype(object).fillna("") for name in ("arm", "owner", "channel")}
    return rows.assign(**days, **codes).set_index(KEY).sort_index()


def evaluate(
    ledger: pd.DataFrame, contact_log: pd.DataFrame, outcomes: pd.DataFrame, as_of: dt.date
) -> pd.DataFrame:
    """Evaluate earlier lists as of a day: table `ledger_results`.

    Parameters
    ----------
    ledger : table of this name
    contact_log : one row per contact: customer_id, at, action
    outcomes : one row per customer and day: customer_id, day, amount (margin of the day, in the
        config's currency), purchases (1 on a day with a purchase, else 0)
    as_of : the last day that counts; what is dated later is left out

    Returns
    -------
    One row per list, indexed by as_of and action. outcome, outcome_without, effect, low, high and
    base are means per customer, in money or (measure purchase) as shares of customers with a
    purchase; effect_of_base is the effect as a share of the base, or in points of probability.
    """
    today = pd.Timestamp(as_of)
    rows = _with_windows(ledger, today)
    rows = rows.assign(is_done=_is_done(rows, contact_log, today))
    closed = rows[rows["closes_on"] <= today]
    found = _lists(rows).join(_compare(closed, outcomes))
    return _describe(found, today)[list(TABLES["ledger_results"].columns)[len(LIST) :]]


def open_arms(ledger: pd.DataFrame, as_of: dt.date) -> pd.Series:
    """Find the arms that customers keep, as a window of an earlier list is still open.

    Without it a control of one list would be contacted by the next, and the first list would be
    compared with customers who were contacted too.

    ledger : table of this name

    Returns
    -------
    treated, control or empty (no control group), indexed by customer_id and action.
    """
    rows = _with_windows(ledger, pd.Timestamp(as_of))
    rows = rows[rows["is_counted"] & (rows["closes_on"] > pd.Timestamp(as_of))]
    arms: pd.Series = rows.set_index(["customer_id", "action"])["arm"]
    return arms


def measured_effects(results: pd.DataFrame) -> dict[str, Effect]:
    """Pool what all measured lists say about each action, for `effects.combine`.

    Once an action has been measured against a control group, its lists without one no longer
    count. Lists weigh by their size (n_treated x n_control / both, times base squared), not by
    their estimated variance: a list that happens to have no large order would seem precise. The
    common error of forecasts does not even out over lists.

    results : as `evaluate` returns them

    Returns
    -------
    By action, in shares of the base or points of probability; actions never measured are absent.
    """
    usable = results[(results["status"] == "measured") & (results["effect_of_base_sd"] > 0)]
    found = {}
    for action, lists in usable.groupby(level="action"):
        with_control = lists[lists["comparison"] == CONTROL]
        found[str(action)] = _pool(with_control if len(with_control) else lists)
    return found


def _pool(lists: pd.DataFrame) -> Effect:
    """Pool lists of one action that were compared in the same way."""
    comparison = lists["comparison"].iloc[0]
    treated, control = lists["n_treated"], lists["n_control"]
    size = treated * control / (treated + control) if comparison == CONTROL else treated
    weight = size * np.where(lists["measure"] == "purchase", 1.0, lists["base"] ** 2)
    weight = weight / weight.sum()
    common = lists["effect_of_base_common_sd"]
    own = lists["effect_of_base_sd"] ** 2 - common**2
    variance = (weight**2 * own).sum() + (weight * common).sum() ** 2
    return Effect(
        float((weight * lists["effect_of_base"]).sum()),
        float(np.sqrt(variance)),
        EVIDENCE[comparison],
        int(treated.sum()),
        int(control.sum()),
    )


def _with_windows(ledger: pd.DataFrame, today: pd.Timestamp) -> pd.DataFrame:
    """Rows of earlier days with the last day of their window, and whether they count."""
    rows = ledger.reset_index()
    rows = rows[rows["as_of"] < today]
    closes_on = rows["as_of"] + pd.to_timedelta(rows["window_days"], unit="D")
    rows = rows.assign(closes_on=closes_on, is_control=rows["arm"] == "control")
    return rows.assign(is_counted=_is_counted(rows))


def _is_done(rows: pd.DataFrame, contact_log: pd.DataFrame, today: pd.Timestamp) -> pd.Series:
    """Whether the action was done for the customer from the list's day until the window closes."""
    contacts = contact_log[["customer_id", "action", "at"]]
    contacts = contacts.astype({"customer_id": object, "action": object})
    contacts = contacts.assign(at=pd.to_datetime(contacts["at"]).astype("datetime64[ns]"))
    listed = rows[["customer_id", "action", "as_of", "closes_on"]].reset_index(names="row")
    both = listed.merge(contacts[contacts["at"] <= today], on=["customer_id", "action"])
    in_time = (both["at"] >= both["as_of"]) & (both["at"] <= both["closes_on"])
    return pd.Series(rows.index.isin(both.loc[in_time, "row"]), rows.index, dtype=bool)


def _is_counted(rows: pd.DataFrame) -> pd.Series:
    """Whether no earlier list has this customer and action in a window that is still open."""
    counted = pd.Series(True, rows.index)
    busy_until = pd.Series(pd.DatetimeIndex([]), pd.MultiIndex.from_arrays([[], []]))
    for day, listed in rows.groupby("as_of"):
        index = pd.MultiIndex.from_frame(listed[["customer_id", "action"]])
        is_free = ~(busy_until.reindex(index) > day).to_numpy() & ~index.duplicated()
        counted[listed.index] = is_free
        opened = pd.Series(listed["closes_on"].to_numpy(), index)[is_free]
        later = busy_until[busy_until > day]
        busy_until = pd.concat([later, opened]) if len(later) else opened
    return counted


def _lists(rows: pd.DataFrame) -> pd.DataFrame:
    """Count what each list recommended, and what was done of it."""
    flags = pd.DataFrame(
        {
            "n_recommended": ~rows["is_control"],
            "n_done": ~rows["is_control"] & rows["is_done"],
            "n_held_out": rows["is_control"],
            "n_control_done": rows["is_control"] & rows["is_done"],
            "n_counted": rows["is_counted"],
        }
    )
    groups = [rows["as_of"], rows["action"]]
    about = rows.groupby(groups).agg(
        measure=("measure", "first"),
        window_days=("window_days", "max"),
        closes_on=("closes_on", "max"),
    )
    return about.join(flags.astype(int).groupby(groups).sum())


def _compare(closed: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Compare closed lists: one row per list with _FIGURES and `comparison`.

    Regions are compared one by one, as their control groups differ in share, then averaged by
    customers treated. Regions with a control group come first; where none has one, the forecast.
    A region where nothing was done says nothing about the action and is left out.
    """
    worked = closed.assign(is_worked=closed["is_done"] & ~closed["is_control"])
    worked = worked[worked.groupby([*LIST, "region"])["is_worked"].transform("any").astype(bool)]
    rows = worked[worked["is_counted"]]
    rows = rows.assign(outcome=_outcome(rows, outcomes))
    by_control = _average(_with_control(rows)).assign(comparison=CONTROL)
    by_forecast = _average(_with_forecast(rows)).assign(comparison=FORECAST)
    others = by_forecast[~by_forecast.index.isin(by_control.index)]
    return pd.concat([each for each in (by_control, others) if len(each)] or [by_control])


def _outcome(rows: pd.DataFrame, outcomes: pd.DataFrame) -> pd.Series:
    """Margin of each row's window, from the day after the list; or 1 with a purchase, else 0."""
    days = outcomes.assign(day=pd.to_datetime(outcomes["day"]).astype("datetime64[ns]"))
    days = days[days["customer_id"].isin(rows["customer_id"])].astype({"customer_id": object})
    days = days.sort_values("day", ignore_index=True)
    figures = ["amount", "purchases"]
    days[figures] = days[figures].astype(float).fillna(0.0)
    sums = days.groupby("customer_id")[figures].cumsum()
    totals = days[["customer_id", "day"]].join(sums)

    def until(column: str) -> pd.DataFrame:
        asked = rows[["customer_id", column]].rename(columns={column: "day"})
        asked = asked.astype({"day": "datetime64[ns]"}).reset_index(names="row").sort_values("day")
        found = pd.merge_asof(asked, totals, on="day", by="customer_id").set_index("row")
        return found[figures].fillna(0.0).reindex(rows.index)

    within = until("closes_on") - until("as_of")
    bought = (within["purchases"] > 0).astype(float)
    return within["amount"].where(rows["measure"] != "purchase", bought)


def _with_control(rows: pd.DataFrame) -> pd.DataFrame:
    """Compare treated customers with the control group: one row per list and region."""
    both = rows[rows["arm"].isin(["treated", "control"])]
    before = both.groupby([*LIST, "region"])["forecast"].transform("mean")
    both = both.assign(
        treated=~both["is_control"],
        before=both["forecast"].fillna(before).fillna(0.0).astype(float),
        cluster=both["customer_id"],
    )
    found = {}
    for key, each in both.groupby([*LIST, "region"]):
        if effect := arm_difference.find_effect(each, each["measure"].iloc[0]):
            treated = each[each["treated"]]
            outcome, base = treated[["outcome", "base"]].mean()
            sizes = len(treated), len(each) - len(treated)
            found[key] = (*sizes, outcome, outcome - effect[0], base, effect[1] ** 2, 0.0)
    levels = list(zip(*found, strict=True)) or [(), (), ()]
    index = pd.MultiIndex.from_arrays(levels, names=[*LIST, "region"])
    return pd.DataFrame([*found.values()], index, _FIGURES, dtype=float)


def _with_forecast(rows: pd.DataFrame) -> pd.DataFrame:
    """Compare listed customers with their forecasts: one row per list and region."""
    listed = rows[~rows["is_control"] & rows["forecast"].notna() & rows["forecast_error"].notna()]
    groups = listed.groupby([*LIST, "region"])
    figures = _means(listed).rename(columns={"n": "n_treated"})
    difference = _means(listed.assign(outcome=listed["outcome"] - listed["forecast"]))
    about = groups.agg(
        forecast=("forecast", "mean"),
        error=("forecast_error", "mean"),
        measure=("measure", "first"),
    ).reindex(figures.index)
    is_share = about["measure"] == "purchase"
    return figures.assign(
        outcome_without=about["forecast"],
        n_control=0,
        variance=figures["variance"].where(is_share, difference["variance"]),
        common_sd=about["forecast"].abs() * np.sqrt(np.expm1(about["error"] ** 2)),  # lognormal
    )[_FIGURES]


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean outcome and base of each list and region with LEAST customers, and its variance."""
    groups = rows.groupby([*LIST, "region"])
    n, successes = groups.size(), groups["outcome"].sum()
    share = (successes + 1) / (n + 2)
    is_share = groups["measure"].first() == "purchase"
    variance = (groups["outcome"].var() / n).where(~is_share, share * (1 - share) / (n + 2))
    means = groups[["outcome", "base"]].mean()
    return means.assign(n=n, variance=variance)[n >= LEAST]


def _average(regions: pd.DataFrame) -> pd.DataFrame:
    """Average the regions of each list by customers treated; their common errors add up."""
    groups = regions.groupby(level=LIST)
    share = regions["n_treated"] / groups["n_treated"].transform("sum")
    weighted = regions[["outcome", "outcome_without", "base", "common_sd"]].mul(share, axis=0)
    found = weighted.groupby(level=LIST).sum(min_count=1)
    variance = (share**2 * regions["variance"]).groupby(level=LIST).sum()
    sizes = groups[["n_treated", "n_control"]].sum()
    return found.join(sizes).assign(variance=variance)


def _describe(found: pd.DataFrame, today: pd.Timestamp) -> pd.DataFrame:
    """Add effect, interval and status to the figures of each list."""
    is_open = found["closes_on"] > today
    is_measured = found["variance"].notna()
    sd = np.sqrt(found["variance"] + found["common_sd"] ** 2)
    base = found["base"].where(found["base"] > 0).where(found["measure"] != "purchase", 1.0)
    effect = found["outcome"] - found["outcome_without"]
    reasons = [found["n_done"] == 0, found["n_counted"] == 0]
    reason = np.select(
        [is_open | is_measured, *reasons], ["", "nothing_done", "counted_before"], "too_few"
    )
    n_control = found["n_control"].where(is_measured, found["n_held_out"])
    return found.assign(
        effect=effect,
        low=effect - _Z * sd,
        high=effect + _Z * sd,
        effect_of_base=effect / base,
        effect_of_base_sd=sd / base,
        effect_of_base_common_sd=found["common_sd"] / base,
        n_treated=found["n_treated"].fillna(0).astype(int),
        n_control=n_control.fillna(0).astype(int),
        comparison=found["comparison"].fillna(""),
        status=np.select([is_open, is_measured], ["open", "measured"], "not_measured"),
        reason=reason,
    )

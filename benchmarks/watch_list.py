"""How much of the margin lost each ranking of the watch list finds: the invented company.

For each region and its last five landmarks, lists of the same length (3 % of customers, at most
100) from the same candidates (overdue before the next list, last order less than 180 days ago),
with one purchase model per type of customer fitted to the data of that day:

    earlier          margin that customers who are still active may take along (the ranking of
                     version 0.2.0): margin at stake less the part of those who have left
    last_year, margin_at_stake, expected_loss, best_possible : see churn.list_rankings

Lost is counted twice: from orders alone (customers who bought nothing in the horizon), and by the
planted drop-out of truth.json (retail customers who had left by the end of the horizon).

    python benchmarks/watch_list.py
"""

import datetime as dt
import json
from pathlib import Path

import pandas as pd

from cvm_analysis import prepared
from cvm_analysis.churn import forecasts, learning, list_rankings, watchlist
from cvm_analysis.clv import backtest_value, margins
from cvm_analysis.clv.forecasts import with_purchase
from cvm_analysis.settings import Settings, load

EARLIER = "earlier"


def main() -> None:
    """Print the shares of the margin lost: over all landmarks, and at the last."""
    settings = load("config/sample.yaml")
    truth = json.loads(Path("data/sample/truth.json").read_text("utf-8"))
    dropped = {each["customer_id"]: each["dropped_on"] for each in truth["customers"]}
    regions = [key for key in prepared.region_names(settings) if key != "all"]
    found = []
    for region in regions:
        found.append(measure(settings, region, pd.Series(dropped)))
        print(region, "measured", flush=True)
    rows = pd.concat(found)
    last = rows["day"].max()
    for title, some in (("all landmarks", rows), (f"landmark {last}", rows[rows["day"] == last])):
        total = some.groupby("ranking")[["held", "lost", "held_planted", "planted"]].sum()
        counts = some.groupby("ranking")[["listed", "inactive", "equal"]].sum()
        shares = pd.DataFrame(
            {
                "lost by orders": total["held"] / total["lost"],
                "lost by planted drop-out": total["held_planted"] / total["planted"],
                "no order": counts["inactive"] / counts["listed"],
                "no order, equal value": counts["equal"] / counts["listed"],
            }
        )
        print(title, shares.round(3).to_string(), sep="\n")


def measure(settings: Settings, region: str, dropped: pd.Series) -> pd.DataFrame:
    """One row per landmark and ranking of a region: margin lost, and of it that on the list."""
    data, horizon = prepared.open(settings, region), settings.churn.horizon_days
    as_of, weeks = data.last_day, settings.value.horizon_weeks
    plan = forecasts.plan(as_of, data.first_day, horizon)
    days = [day for day in plan.days if day <= as_of - dt.timedelta(days=horizon)][-5:]
    customers = [with_purchase(data.customers(day)) for day in days]
    types = {kind: "pareto_nbd" for each in customers for kind in each["customer_type"].unique()}
    models, _ = backtest_value.fit_on_days(customers, types)
    risks = backtest_value.forecast_no_purchase(customers, models, plan.horizons)
    rate, assumed = settings.value.annual_discount_rate, settings.value.margin
    values = backtest_value.estimate_on_days(customers, models, weeks, rate, assumed)
    sales = [data.year_to_last_order(day) for day in days]
    known = learning.gather(days, customers, risks, [None] * len(days))
    share = margins.share_of_all(customers[-1], assumed)
    rules = list_rankings.ListRules(settings.churn.win_back_days, horizon, weeks, share)
    trials = list_rankings.backtest(known, values, sales, data.purchase_days(as_of), rules)
    found = []
    for trial, people, value in zip(trials, customers, values, strict=True):
        trial = with_earlier(trial, people, value, rules)
        end = pd.Timestamp(trial.day + dt.timedelta(days=horizon))
        left = pd.to_datetime(dropped.reindex(trial.value.index)) <= end
        planted = trial.value.clip(lower=0).where(left, 0.0)
        table = list_rankings.measure(trial)
        found.append(
            pd.DataFrame(
                {
                    "ranking": table.index,
                    "day": trial.day,
                    "held": table["listed_lost"],
                    "lost": table["lost"],
                    "held_planted": trial.listed.mul(planted, axis=0).sum(),
                    "planted": planted.sum(),
                    "listed": table["listed"],
                    "inactive": table["listed_inactive"],
                    "equal": table["inactive_of_equal_value"],
                }
            )
        )
    return pd.concat(found)


def with_earlier(
    trial: list_rankings.ListTrial,
    customers: pd.DataFrame,
    value: pd.DataFrame,
    rules: list_rankings.ListRules,
) -> list_rankings.ListTrial:
    """Add the list by the ranking of version 0.2.0."""
    people = customers.assign(contact_on=watchlist.contact_on(customers, trial.day))
    candidates = people.index[watchlist.is_candidate(people, trial.day, rules.win_back_days)]
    priority = (value["margin_at_stake"] - value["churned_value"]).reindex(candidates)
    n = watchlist.list_length(len(customers))
    listed = watchlist.top_n(priority.to_frame("list_priority"), n).index
    flags = pd.Series(trial.listed.index.isin(listed), trial.listed.index)
    return trial._replace(listed=trial.listed.assign(**{EARLIER: flags}))


if __name__ == "__main__":
    main()

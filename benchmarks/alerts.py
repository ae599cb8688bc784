"""How many alerts does a region get in a year in which nothing changed? Is what did change first?

Draws regions as `cvm sample` does, from 10 years in which the flow of new customers, their pace,
drop-out, late deliveries and complaints stay as they are, and reports the last day from the last
three years: the figures of the year, the alerts of the shipped rules. Then plants one thing in the
last year of such a region. A customer has lapsed 2.5 mean gaps after the last order; at stake are a
tenth of the margin of a year, and all that of those who lapsed.
    python benchmarks/alerts.py [years of each region] [customers of a region over 10 years]
"""

import datetime as dt
import sys
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd

from cvm_analysis import customers as tables
from cvm_analysis.experience import complaints
from cvm_analysis.performance import alerts, figures, histories, periods, totals
from cvm_analysis.performance.alert_rules import Alerts
from cvm_analysis.sample import baskets, business, churn, draws, feedback, retail
from cvm_analysis.sample.draws import stream

DAYS = 3653
AS_OF = business.FIRST_DAY + dt.timedelta(days=DAYS - 1)
LOG_BEGINS = AS_OF - dt.timedelta(days=3 * 365 + 1)
GENERATOR = (retail, churn, draws, feedback, baskets)  # modules that know the number of days
PLANTED = ("shrinking", "late", "complaints", "account", "well", "tiny")
OVERDUE = 2.5  # mean gaps without an order
NOTHING_MISSING = pd.DataFrame(columns=["table", "days"])


def draw(region: business.Region, n: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Order lines and feedback of a steady region, in the last three years."""
    steady = replace(region, growth=0.0)
    people = retail._customers_of(steady, n, stream(seed, "customers", region.key))
    people.insert(0, "customer_id", [f"{i:06}" for i in range(n)])
    life = churn.live(people, steady, seed)
    sold = baskets.lines(life.orders, business.GROUPS, stream(seed, "lines", region.key))
    back = baskets.returns(sold, stream(seed, "returns", region.key))
    lines = pd.concat([sold, back], ignore_index=True)
    lines = lines[lines["ordered_at"] >= pd.Timestamp(LOG_BEGINS)]
    lines = lines.assign(amount=lines["amount"] / 100, cost=lines["cost"] / 100, region=region.key)
    answers = feedback.surveys(life.orders, life.customers, stream(seed, "surveys", region.key))
    complaints = life.complaints.assign(about_product="", about_order="")
    given = feedback.combine(complaints, answers)
    given = given.assign(score=pd.to_numeric(given["score"]))
    return lines, given[given["at"] >= pd.Timestamp(LOG_BEGINS)]


def plant(
    what: str, lines: pd.DataFrame, given: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Change the last year of a region: shrinking, late, complaints, account; else nothing."""
    is_last = lines["ordered_at"] > pd.Timestamp(AS_OF) - pd.Timedelta(365, "D")
    if what == "shrinking":
        gone = lines["customer_id"].map(dict.fromkeys(_some(lines, 0.25, rng), True)).notna()
        return lines[~(is_last & gone)], given
    if what == "late":
        was_late = (lines["delivered_on"] > lines["promised_on"]) & lines["promised_on"].notna()
        share = was_late[is_last].mean()
        more = is_last & (rng.random(len(lines)) < 2 * share / (1 - share)) & ~was_late
        arrived = lines["promised_on"] + pd.to_timedelta(rng.integers(1, 15, len(lines)), unit="D")
        return lines.assign(delivered_on=lines["delivered_on"].mask(more, arrived)), given
    if what == "complaints":
        recent = given[given["at"] > pd.Timestamp(AS_OF) - pd.Timedelta(365, "D")]
        recent = recent[recent["kind"] == "complaint"]
        buyers = lines.loc[is_last, "customer_id"].unique()
        more = pd.concat([recent, recent]).assign(customer_id=rng.choice(buyers, 2 * len(recent)))
        return lines, pd.concat([given, more], ignore_index=True)
    if what == "account":
        before = lines[lines["ordered_at"] < pd.Timestamp(AS_OF) - pd.Timedelta(365, "D")]
        in_time = before[before["delivered_on"] <= before["promised_on"]]
        row = in_time.iloc[[0] * 20].assign(
            customer_id="key", amount=0.006 * before["amount"].sum()
        )
        at = pd.Timestamp(AS_OF) - pd.to_timedelta(370 + 15 * np.arange(20), unit="D")
        row = row.assign(ordered_at=at, order_id=[f"K{i}" for i in range(20)])
        row = row.assign(cost=0.65 * row["amount"])
        return pd.concat([lines, row], ignore_index=True), given
    return lines, given


def _some(lines: pd.DataFrame, share: float, rng: np.random.Generator) -> np.ndarray:
    ids = lines["customer_id"].unique()
    return rng.choice(ids, int(share * len(ids)), replace=False)


def report(lines: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """The alerts of a region."""
    columns = ["customer_id", "region", "ordered_at", "order_id", "amount", "cost"]
    log = ibis.memtable(lines[[*columns, "promised_on", "delivered_on"]])
    log = log.cast({"promised_on": "date", "delivered_on": "date"})
    people = tables.as_of(log, AS_OF).to_pandas().set_index("customer_id")
    years = periods.years(AS_OF, LOG_BEGINS)
    sums = tables.in_periods(log, years, 1.0).to_pandas()
    drawn = totals.draw(histories.join(sums, years, given), pd.Series("retail", people.index))
    late = tables.late_deliveries(log, AS_OF).to_pandas().set_index("customer_id")
    gap = 7 * people["t_x"] / people["x"].where(people["x"] > 0)
    overdue = people["days_since_last"] > OVERDUE * gap.fillna(365)
    people = people.join(late).assign(lapsed=overdue, contact_on=pd.NaT, list_priority=np.nan)
    before = people["net_sales_365d"] - people["net_sales_change_365d"]
    yearly = 0.1 * people["net_sales_365d"]
    people["margin_at_stake"] = 0.35 * yearly.where(~overdue, before + people["net_sales_365d"])
    year = alerts.read_year(figures.compare(drawn), 0.35)
    cases = complaints.cases(given, AS_OF, 90)
    known = people, cases, NOTHING_MISSING
    return alerts.find(year, *known, AS_OF, Alerts(), 14)


def steady(n_years: int, size: int) -> None:
    """Print how many alerts steady regions have, and which."""
    found, active = [], []
    for seed in range(n_years):
        lines, given = draw(business.REGIONS[seed % len(business.REGIONS)], size, seed)
        alerts_ = report(lines, given)
        found.append(alerts_.loc[alerts_["is_alert"], "alert"].tolist())
        last = lines["ordered_at"] > pd.Timestamp(AS_OF) - pd.Timedelta(365, "D")
        active.append(lines.loc[last, "customer_id"].nunique())
    n = pd.Series([len(each) for each in found])
    print(f"{n_years} steady region-years of {np.median(active):,.0f} customers (median)")
    print(n.value_counts().sort_index().rename("region-years by alerts").to_string())
    print(f"mean {n.mean():.2f}, most {n.max()}")
    print(pd.Series([code for each in found for code in each]).value_counts().to_string())


def planted(n_years: int, size: int) -> None:
    """Print which alert comes first where something is planted; of `tiny` nothing should."""
    for what in PLANTED:
        first: list[str] = []
        for seed in range(n_years):
            tiny = what == "tiny"
            region = business.REGIONS[seed % len(business.REGIONS)]
            lines, given = draw(region, 100 if tiny else size, 1000 + seed)
            rng = np.random.default_rng(seed)
            found = report(*plant("shrinking" if tiny else what, lines, given, rng))
            codes = found.loc[found["is_alert"], "alert"].tolist()
            first.append(codes[0] if codes else "none")
        counted = pd.Series(first).value_counts()
        print(f"{what}: " + ", ".join(f"{code} {n}" for code, n in counted.items()))


def extend_log() -> None:
    """Let the generator draw DAYS days."""
    for module in GENERATOR:
        module.N_DAYS = DAYS


def main() -> None:
    """Print both."""
    asked = [int(each) for each in sys.argv[1:]]
    n_years, size = [*asked, *(100, 3000)[len(asked) :]]
    extend_log()
    steady(n_years, size)
    planted(max(1, n_years // 5), size)


if __name__ == "__main__":
    main()

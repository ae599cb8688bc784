"""How many alerts does a region get in a year in which nothing changed?

Draws regions as `cvm sample` does, from 10 years in which the flow of new customers, their pace,
drop-out, late deliveries and complaints stay as they are, and reports the last day from the last
three years: the figures of the year, the alerts of the shipped rules. A customer is overdue 2.5
mean gaps after the last order; nobody has a forecast, so that money is not compared.
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
OVERDUE = 2.5  # mean gaps without an order
NO_REASONS = pd.DataFrame(columns=["action", "kind", "reason"])
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
    given = feedback.combine(life.complaints, answers)
    given = given.assign(score=pd.to_numeric(given["score"]))
    return lines, given[given["at"] >= pd.Timestamp(LOG_BEGINS)]


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
    people = people.join(late).assign(
        lapsed=overdue, contact_on=pd.NaT, list_priority=np.nan, margin_at_stake=1.0
    )
    year = alerts.read_year(figures.compare(drawn), 0.35)
    cases = complaints.cases(given, AS_OF, 90)
    known = people, cases, NOTHING_MISSING, NO_REASONS
    return alerts.find(year, *known, AS_OF, Alerts(), 14)


def main() -> None:
    """Draw the regions, and print how many have how many alerts, and which."""
    asked = [int(each) for each in sys.argv[1:]]
    n_years, size = [*asked, *(100, 3000)[len(asked) :]]
    for module in (retail, churn, draws, feedback, baskets):
        module.N_DAYS = DAYS  # so long do customers come and go
    rows = []
    for seed in range(n_years):
        region = business.REGIONS[seed % len(business.REGIONS)]
        lines, given = draw(region, size, seed)
        found = report(lines, given)
        active = lines.loc[lines["ordered_at"] > pd.Timestamp(AS_OF) - pd.Timedelta(365, "D")]
        codes = found.loc[found["is_alert"], "alert"].tolist()
        rows.append((region.key, active["customer_id"].nunique(), len(codes), ", ".join(codes)))
    table = pd.DataFrame(rows, columns=["region", "customers", "alerts", "which"])
    print(f"{n_years} region-years, {table['customers'].median():,.0f} customers a year (median)")
    print(table["alerts"].value_counts().sort_index().rename("region-years").to_string())
    print(f"mean {table['alerts'].mean():.2f} a region-year, most {table['alerts'].max()}")
    print(pd.Series(", ".join(table["which"]).split(", ")).value_counts().to_string())


if __name__ == "__main__":
    main()

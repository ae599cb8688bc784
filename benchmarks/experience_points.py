"""Do the intervals of breakage, conversion and differences hold what was planted?

Draws small samples of the invented company with known truth: the share of points that is never
used, the share of leads that is won within 90 days (of all and by source), and no difference
between customers who were referred and others. Printed: in how many of the seeds the 95 % interval
holds the truth, and its mean width.

    python benchmarks/experience_points.py [seeds] [customers] [resamples]
"""

import datetime as dt
import sys

import numpy as np
import pandas as pd

from cvm_analysis.experience import breakage, membership, points, referrals
from cvm_analysis.experience import leads as leads_module
from cvm_analysis.sample import churn, retail
from cvm_analysis.sample import leads as sample_leads
from cvm_analysis.sample import points as sample_points
from cvm_analysis.sample import referrals as sample_referrals
from cvm_analysis.sample.business import AS_OF, N_DAYS, REGIONS

WINDOW = 180  # days after the first purchase


def measure(seed: int, n_customers: int, resamples: int) -> pd.DataFrame:
    """Estimate each figure of one sample: truth, estimate, low, high; indexed by name."""
    customers = retail.customers(n_customers, seed)
    lives = [churn.live(customers, region, seed) for region in REGIONS]
    orders = pd.concat([life.orders for life in lives])
    orders = orders[orders["at"] < N_DAYS]
    return pd.DataFrame(
        [
            *_breakage(orders, seed, resamples),
            *_conversion(customers, seed),
            *_differences(customers, orders, seed),
        ],
        columns=["name", "truth", "estimate", "low", "high"],
    ).set_index("name")


def _breakage(orders: pd.DataFrame, seed: int, resamples: int) -> list[tuple]:
    moves = sample_points.movements(orders, seed)
    found = []
    for name, days, until in (
        ("breakage", sample_points.LIFE, AS_OF),
        ("breakage, two years", sample_points.LIFE, AS_OF - dt.timedelta(days=365)),
    ):
        parts = points.match(points.movements(moves, until, days))
        fates = breakage.estimate(parts, until, days, resamples, seed)
        found.append((name, sample_points.breakage(), *fates.breakage))
    return found


def _conversion(customers: pd.DataFrame, seed: int) -> list[tuple]:
    rows = sample_leads.leads(customers, 3 * len(customers), seed)
    rows = rows.assign(customer_id=rows["customer_id"].replace("", None))
    latest = leads_module.latest(rows, sample_leads.STAGES, AS_OF)
    planted = sample_leads.truth()["won_within_horizon"]
    found = []
    for name, by in (("won, all leads", None), ("won, by source", "source")):
        table = leads_module.conversion(latest, sample_leads.HORIZON_DAYS, by)
        found += [
            (name, planted[segment], row["won"], row["won_low"], row["won_high"])
            for segment, row in table.iterrows()
        ]
    return found


def _differences(customers: pd.DataFrame, orders: pd.DataFrame, seed: int) -> list[tuple]:
    day = orders["ordered_at"].dt.normalize()
    bought = orders.assign(day=day, amount=orders["cents"] / 100)
    daily = bought.groupby(["customer_id", "day"], as_index=False)["amount"].sum()
    moves = sample_points.movements(orders, seed)
    joined = moves[moves["kind"] == "earn"].groupby("customer_id")["at"].min()
    brought, _cycles = sample_referrals.referrals(customers, seed)
    chains = referrals.find_chains(brought, AS_OF)
    found = {
        "members, no difference": membership.compare_members(daily, joined, AS_OF, WINDOW),
        "referred, no difference": referrals.compare_referred(daily, chains, AS_OF, WINDOW),
    }
    return [
        (name, 0.0, each.difference, each.low, each.high)
        for name, each in found.items()
        if each is not None
    ]


def main(seeds: int = 100, n_customers: int = 1_000, resamples: int = 299) -> None:
    """Print a line per figure."""
    every = pd.concat([measure(seed, n_customers, resamples) for seed in range(seeds)])
    held = every["truth"].between(every["low"], every["high"])
    for name, rows in every.groupby(level=0):
        inside = held.loc[name]
        print(
            f"{name:<24} held {int(np.sum(inside)):>3} of {len(rows):>3} ({np.mean(inside):.3f}); "
            f"truth {rows['truth'].mean():.4f}, mean estimate {rows['estimate'].mean():.4f}, "
            f"mean width {(rows['high'] - rows['low']).mean():.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))

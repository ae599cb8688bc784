"""How often does the 95 % interval of a hazard ratio of contracts hold the planted one?

Draws the invented company's contracts anew for many seeds and fits them as notebook 05 does.
    python benchmarks/contract_ratios.py [seeds]
"""

import datetime as dt
import sys

import numpy as np
import pandas as pd
from scipy import stats

from cvm_analysis.churn import contracts
from cvm_analysis.sample import contracts as invented
from cvm_analysis.sample import leaving, retail
from cvm_analysis.sample.business import AS_OF, FIRST_DAY, REGIONS

SEED = 20260101
LEVEL = 0.95


def drawn(orders: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Contracts of one seed as the raw files would say on the last day."""
    found = invented.contracts(orders, seed)
    day = [FIRST_DAY + dt.timedelta(days=int(d)) for d in found["started"]]
    end = [FIRST_DAY + dt.timedelta(days=int(d)) for d in found["ended"]]
    known = [e if e <= AS_OF else None for e in end]
    return found.assign(started_on=pd.to_datetime(day), ended_on=pd.to_datetime(known))[
        ["customer_id", "started_on", "ended_on", *invented.HAZARD_RATIOS]
    ]


def main(seeds: int) -> None:
    """Print the coverage of each planted ratio beside the band of a true 95 %."""
    people = retail.customers(12_000, SEED)
    orders = pd.concat([leaving.live(people, region, SEED).orders for region in REGIONS])
    held = dict.fromkeys(invented.HAZARD_RATIOS, 0)
    found: dict[str, list[float]] = {name: [] for name in held}
    for seed in range(seeds):
        hazards = contracts.study(drawn(orders, seed), AS_OF).hazards
        for name, ratio in invented.HAZARD_RATIOS.items():
            row = hazards.loc[name]
            held[name] += row["low"] <= ratio <= row["high"]
            found[name].append(row["hazard_ratio"])
    low, high = stats.binom.interval(0.99, seeds, LEVEL)
    print(f"{seeds} seeds; 99 % of the time {low:.0f} to {high:.0f} intervals hold a true ratio")
    for name, ratio in invented.HAZARD_RATIOS.items():
        mean = np.exp(np.mean(np.log(found[name])))
        print(f"{name:<24} planted {ratio:.2f}  mean {mean:.3f}  held {held[name]}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)

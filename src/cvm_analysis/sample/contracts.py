"""Service contracts (floor maintenance) of some retail customers, and their ends.

The hazard of an end is proportional to a Weibull baseline [1]: the cumulative hazard after t weeks
is (t / scale)^shape times the ratio of each condition that holds. All conditions are known at the
start; complaint_first_month, about the month after the purchase, is independent of feedback.csv.

Source: [1] Bender, Augustin & Blettner (2005), "Generating Survival Times to Simulate Cox
Proportional Hazards Models", Statistics in Medicine 24(11), 1713-1723.
"""

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import N_DAYS
from cvm_analysis.sample.draws import stream

SHARE = 0.22  # of the retail customers
STARTS = (31, 61)  # days from a purchase to the start: from, below
BASELINE = {"shape": 1.2, "scale": 150.0}  # weeks
HAZARD_RATIOS = {"complaint_first_month": 1.9, "late_installation": 1.5, "no_maintenance_plan": 1.7}
PREVALENCE = {"complaint_first_month": 0.20, "late_installation": 0.25, "no_maintenance_plan": 0.40}


def contracts(orders: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Draw contracts that started before AS_OF, at most one per customer.

    One row per contract, in order of start: customer_id, contract_id, started and ended (whole
    days, one or more apart, ended also after AS_OF), and the three conditions as 0 or 1.
    """
    rng = stream(seed, "contracts")
    chosen = orders.iloc[rng.permutation(len(orders))].drop_duplicates("customer_id")
    chosen = chosen[rng.random(len(chosen)) < SHARE]
    n = len(chosen)
    known = {name: (rng.random(n) < share).astype(int) for name, share in PREVALENCE.items()}
    ratio = np.prod([HAZARD_RATIOS[name] ** flags for name, flags in known.items()], axis=0)
    weeks = BASELINE["scale"] * (rng.exponential(size=n) / ratio) ** (1 / BASELINE["shape"])
    started = np.floor(chosen["at"].to_numpy()) + rng.integers(*STARTS, n)
    found = pd.DataFrame(
        {
            "customer_id": chosen["customer_id"].to_numpy(),
            "started": started,
            "ended": started + np.ceil(7 * weeks),
            **known,
        }
    )
    found = found[started < N_DAYS - 1]
    found = found.sort_values(["started", "customer_id"], ignore_index=True)
    found.insert(1, "contract_id", [f"YH{number:06d}" for number in found.index + 1])
    return found

"""How fast is the best split of a budget, and how near to its upper bound?

    python benchmarks/budget.py growth [customers ...]   100,000 and 1,000,000
    python benchmarks/budget.py exact [cases]            50 cases of each size

`growth`: invented customers of ten segments and five value classes, five actions of four owners;
a customer's gains from the actions have the customer's value in common. The budget pays for a
quarter of what the best actions of all would cost, owners have the capacity for half of them. The
plan is compared with the upper bound of the linear program over customers, and with the greedy
plan (largest net gain per unit of cost first). The last column of figures is the most columns in
one linear program.

`exact`: random small cases, compared with every possible plan.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version

import numpy as np
import pandas as pd

from cvm_analysis.strategy import budget, column_generation
from cvm_analysis.strategy.offers import fill

ACTIONS = pd.DataFrame(
    {
        "action": ["call", "visit", "letter", "message", "invitation"],
        "owner": ["sales", "sales", "marketing", "marketing", "shops"],
        "cost": [25.0, 60.0, 3.0, 0.5, 10.0],
        "effect": [0.10, 0.20, 0.03, 0.008, 0.06],
    }
)


def invent(n: int, seed: int = 1) -> pd.DataFrame:
    """Invent candidates of n customers: each of five actions with probability 0.9."""
    draws = np.random.default_rng(seed)
    value = draws.lognormal(5.5, 1.2, n)
    segment, n_actions = draws.integers(0, 10, n), len(ACTIONS)
    effect = ACTIONS["effect"].to_numpy() * draws.lognormal(0, 0.4, (10, n_actions))
    gain = value[:, None] * effect[segment] * draws.lognormal(0, 0.5, (n, n_actions))
    table = pd.DataFrame(
        {
            "customer_id": np.repeat([f"C{i:012}" for i in range(n)], n_actions),
            "segment": np.repeat(segment, n_actions),
            "amount": np.repeat(pd.qcut(value, 5, labels=False), n_actions),
            "kind": "marketing",
            "priority": 1,
            "gain": gain.ravel().round(2),
        }
    )
    for column in ("action", "owner", "cost"):
        table[column] = np.tile(ACTIONS[column].to_numpy(), n)
    return table[draws.random(len(table)) < 0.9].reset_index(drop=True)


def limit(candidates: pd.DataFrame) -> tuple[float, dict[str, int]]:
    """A quarter of the money, and half of the contacts, of a plan without limits."""
    in_plan, plan = budget.choose(candidates, None, {})
    contacts = candidates.loc[in_plan, "owner"].value_counts()
    return round(plan.cost / 4), (contacts // 2).to_dict()


def growth(sizes: list[int]) -> None:
    """Print seconds, distance to the bound and to the greedy plan, and columns."""
    for n in sizes:
        candidates = invent(n)
        money, capacities = limit(candidates)
        most, greedy = 0, 0.0
        relax = column_generation.relax

        def spy(offers: budget.Offers, limits: budget.Array) -> column_generation.Relaxation:
            nonlocal most, greedy
            found = relax(offers, limits)
            most = max(most, found.n_columns)
            return found

        budget.relax = spy
        start = time.perf_counter(), time.process_time()
        in_plan, plan = budget.choose(candidates, money, capacities)
        clock, processors = time.perf_counter() - start[0], time.process_time() - start[1]
        budget.relax = relax
        print(plan, clock, processors, most)


if __name__ == "__main__":
    growth([int(n) for n in sys.argv[2:]] or [100_000, 1_000_000])

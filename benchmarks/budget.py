"""How near is the plan of a budget to its upper bound, and how fast is it found?

    python benchmarks/budget.py growth [customers ...]   10,000, 100,000 and 1,000,000
    python benchmarks/budget.py exact [cases]            200 cases of each kind

`growth`: invented customers of ten segments and five value classes, five actions of three owners,
each possible for nine customers in ten; what a customer gains depends on value, segment and
chance. The money is a quarter of what the plan without limits costs, each owner has the capacity
for half of that plan's contacts. The net gain is compared with the upper bound (no plan has more),
and so are two greedy plans: largest net gain per unit of cost first, and largest net gain first.
Columns: in the largest linear program.

`exact`: five customers, the same actions, random money and capacities; every possible plan is
tried. Amounts are exact, or rounded so that many plans are equal, or each contact has its own cost.

Seconds are wall-clock and CPU time; the latter does not depend on the load of the machine.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from unittest import mock

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.strategy import budget
from cvm_analysis.strategy.column_generation import Relaxation
from cvm_analysis.strategy.offers import Offers

ACTIONS = ["call", "visit", "letter", "message", "invitation"]
OWNERS = ["sales", "sales", "marketing", "marketing", "shops"]
COSTS = [25.0, 60.0, 3.0, 0.5, 10.0]
EFFECTS = [0.10, 0.20, 0.03, 0.008, 0.06]  # of the customer's value
KINDS = ("exact", "rounded", "own costs")


def invent(n: int, seed: int, kind: str = "exact") -> pd.DataFrame:
    """Invent the candidates of n customers."""
    draws = np.random.default_rng(seed)
    value, segment = draws.lognormal(5.5, 1.2, n), draws.integers(0, 10, n)
    effect = EFFECTS * draws.lognormal(0, 0.4, (10, 5))
    gain = value[:, None] * effect[segment] * draws.lognormal(0, 0.5, (n, 5))
    cost = np.tile(COSTS, (n, 1))
    if kind == "own costs":
        cost *= draws.lognormal(0, 0.3, (n, 5))
    table = pd.DataFrame(
        {
            "customer_id": np.repeat([f"C{i:012}" for i in range(n)], 5),
            "action": np.tile(ACTIONS, n),
            "owner": np.tile(OWNERS, n),
            "kind": "marketing",
            "priority": 1,
            "cost": cost.round(2).ravel(),
            "gain": gain.round(-1 if kind == "rounded" else 2).ravel(),
            "segment": np.repeat(segment, 5),
            "amount": np.repeat(np.ceil(5 * pd.Series(value).rank(pct=True)), 5).to_numpy(),
        }
    )
    return table[draws.random(len(table)) < 0.9].reset_index(drop=True)


def growth(sizes: list[int]) -> None:
    """Print seconds, net gain compared with bound and greedy plan, and columns."""
    print(
        "| customers | rows | contacts | wall | CPU | columns "
        "| below the bound | greedy by ratio | greedy by net gain |"
    )
    for n in sizes:
        candidates = invent(n, seed=1)
        in_plan, plan = budget.choose(candidates, None, {})
        money = round(plan.cost / 4)
        capacities = (candidates.loc[in_plan, "owner"].value_counts() // 2).to_dict()
        with record_relaxations() as relaxations:
            wall, cpu = time.perf_counter(), time.process_time()
            _, plan = budget.choose(candidates, money, capacities)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        greedy = [take_greedily(candidates, money, capacities, by) for by in ("ratio", "net")]
        below = " | ".join(f"{1 - net / plan.bound:.1%}" for net in greedy)
        print(
            f"| {n:,} | {len(candidates):,} | {plan.n_contacts:,} | {wall:.1f} s | {cpu:.1f} s "
            f"| {max(found.n_columns for found in relaxations):,} "
            f"| {1 - plan.net_gain / plan.bound:.5%} | {below} |"
        )


@contextlib.contextmanager
def record_relaxations() -> Iterator[list[Relaxation]]:
    """Keep every linear program that is solved meanwhile."""
    found, solve = [], budget.relax

    def relax(offers: Offers, limits: Array) -> Relaxation:
        found.append(solve(offers, limits))
        return found[-1]

    with mock.patch.object(budget, "relax", relax):
        yield found


def take_greedily(
    candidates: pd.DataFrame, money: float, capacities: Mapping[str, int], by: str
) -> float:
    """Sum the net gain of rows taken one by one, the largest first.

    by : net, or ratio: net gain per unit of cost
    """
    net = candidates["gain"] - candidates["cost"]
    rows = candidates.assign(net=net, ratio=net / candidates["cost"])[net > 0]
    rows = rows.sort_values([by, "net"], ascending=False)
    left, total, contacts, customers = money, 0.0, dict(capacities), set()
    columns = (rows[column].tolist() for column in ("customer_id", "owner", "cost", "net"))
    for customer, owner, cost, gain in zip(*columns, strict=True):
        if cost <= left and contacts.get(owner, 1) > 0 and customer not in customers:
            customers.add(customer)
            left, total = left - cost, total + gain
            if owner in contacts:
                contacts[owner] -= 1
    return total


def exact(n_cases: int) -> None:
    """Print how many plans are as good as the best of all possible ones."""
    print("| amounts | cases | equal to the best of all plans | largest shortfall |")
    for kind in KINDS:
        shortfalls = []
        for seed in range(n_cases):
            candidates = invent(5, seed, kind)
            draws = np.random.default_rng(seed)
            money = float(draws.integers(0, 150))
            capacities = {owner: int(draws.integers(0, 4)) for owner in ("sales", "marketing")}
            _, plan = budget.choose(candidates, money, capacities)
            shortfalls.append(try_every_plan(candidates, money, capacities) - plan.net_gain)
        equal = sum(shortfall < 1e-6 for shortfall in shortfalls)
        print(f"| {kind} | {n_cases} | {equal} | {max(*shortfalls, 0):.2f} |")


def try_every_plan(candidates: pd.DataFrame, money: float, capacities: Mapping[str, int]) -> float:
    """Find the largest total net gain by trying every plan."""
    options = [
        [None, *zip(rows["cost"], rows["gain"], rows["owner"], strict=True)]
        for _, rows in candidates.groupby("customer_id")
    ]
    best = 0.0
    for plan in itertools.product(*options):
        taken = [option for option in plan if option]
        owners = [option[2] for option in taken]
        cost = sum(option[0] for option in taken)
        if cost <= money + 1e-9 and all(owners.count(o) <= n for o, n in capacities.items()):
            best = max(best, sum(option[1] for option in taken) - cost)
    return best


def main(asked: list[str]) -> None:
    """Run the benchmark asked for."""
    what, *rest = asked or ["growth"]
    if what == "exact":
        exact(int(rest[0]) if rest else 200)
    else:
        growth([int(n) for n in rest] or [10_000, 100_000, 1_000_000])
    print({each: version(each) for each in ("numpy", "pandas", "scipy")})


if __name__ == "__main__":
    main(sys.argv[1:])

"""Which candidates go ahead, given a budget and capacities, and what more money would bring.

Actions of recovery and service come first; the rest of the money and of the contacts goes to the
marketing actions with the largest total net gain, one per customer at most. The relaxed problem is
solved over groups (segment x value class, `column_generation`); its shares are rounded to whole
customers, compared with two greedy plans, and improved near the margin (`margin_search`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, Self

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Bools, Ints
from cvm_analysis.errors import InputError
from cvm_analysis.strategy.column_generation import profits, relax, round_shares
from cvm_analysis.strategy.margin_search import improve
from cvm_analysis.strategy.offers import Offers, allow_rounding, fill

FIXED = ("recovery", "service")  # in this order, before any marketing


class Reduction(NamedTuple):
    """Why a plan has fewer contacts than it could have.

    no_candidates : there are none
    nothing_pays : no marketing action gains more than it costs; need: how many were tried
    fixed_not_taken : have of the need recovery and service actions were taken
    budget_below_smallest_action : have: money left for marketing; need: cost of the cheapest action
    owner_without_capacity : have: contacts left for marketing, 0; need: customers it would pay for
    """

    code: Literal[
        "no_candidates",
        "nothing_pays",
        "fixed_not_taken",
        "budget_below_smallest_action",
        "owner_without_capacity",
    ]
    have: float = 0.0
    need: float = 0.0
    owner: str | None = None


class Plan(NamedTuple):
    """Totals of a plan, in the config's currency; no plan has a net gain above `bound`."""

    n_contacts: int
    cost: float
    gain: float
    net_gain: float
    bound: float
    reductions: tuple[Reduction, ...]


class _Table(NamedTuple):
    """The candidates as arrays, sorted by customer, cost and action."""

    offers: Offers  # all kinds; customers may have several
    gain: Array
    is_fixed: Bools
    fixed_order: Ints  # rows of recovery and service, the first ones first
    owners: list[str]
    position: Ints  # of each row in the caller's table

    @classmethod
    def read(cls, candidates: pd.DataFrame) -> Self:
        customer, names = pd.factorize(candidates["customer_id"], sort=True)
        action, _ = pd.factorize(candidates["action"], sort=True)
        owner, owners = pd.factorize(candidates["owner"].astype(str), sort=True)
        cost, gain = (candidates[column].to_numpy(float) for column in ("cost", "gain"))
        group = candidates.groupby(["segment", "amount"], dropna=False).ngroup().to_numpy()
        rank = candidates["kind"].map({kind: i for i, kind in enumerate(FIXED)}).to_numpy(float)
        order = np.lexsort((action, cost, customer))
        of_customer = np.zeros(len(names), dtype=np.intp)
        of_customer[customer[order][::-1]] = group[order][::-1]
        net = gain - cost
        offers = Offers(
            customer[order], action[order], owner[order], net[order], cost[order], of_customer
        )
        rank, priority = rank[order], candidates["priority"].to_numpy(float)[order]
        is_fixed = ~np.isnan(rank)
        first = np.lexsort((offers.action, offers.customer, -offers.net, priority, rank))
        return cls(
            offers, gain[order], is_fixed, first[is_fixed[first]], [str(o) for o in owners], order
        )


def choose(
    candidates: pd.DataFrame, budget: float | None, capacities: Mapping[str, int]
) -> tuple[pd.Series, Plan]:
    """Choose the candidates that go ahead.

    Parameters
    ----------
    candidates : one row per customer_id and action, any index
        owner : who makes the contact; kind : recovery, service or marketing
        priority : 1 first; it decides between actions of recovery, and between those of service
        cost, gain : of the contact, gain as expected; in the config's currency
        segment, amount : segment and value class of the customer
    budget : money for all of them; None: no limit
    capacities : contacts that each owner can make; an owner without a figure has no limit

    Returns
    -------
    in_plan on the index of the candidates, and the totals. Recovery comes first, then service, by
    priority, then net gain: each action that fits what is left. Of marketing, nothing that gains
    no more than it costs. Among equals the first customer_id goes ahead.

    Raises InputError for a customer with the same action twice, for costs that are missing or
    negative, for missing gains, and for a negative budget or capacity.
    """
    _check(candidates, budget, capacities)
    return _plan(candidates.index, _Table.read(candidates), budget, capacities)


def curve(
    candidates: pd.DataFrame,
    capacities: Mapping[str, int],
    n_points: int,
    budget: float | None = None,
) -> pd.DataFrame:
    """Compute what each budget brings, from 0 to the cost above which more money adds nothing.

    candidates, capacities : as in `choose`; n_points : budgets at equal distances, 2 or more;
    budget : one more, if it is among them

    Returns
    -------
    One row per budget, a single one where nothing costs: budget, cost, gain, net_gain, n_contacts.
    """
    _check(candidates, None, capacities)
    table = _Table.read(candidates)
    _, everything = _plan(candidates.index, table, None, capacities)
    rows = []
    budgets = np.linspace(0.0, everything.cost, n_points)
    if budget is not None and budget < everything.cost:
        budgets = np.append(budgets, budget)
    for money in np.unique(budgets):
        _, plan = _plan(candidates.index, table, float(money), capacities)
        rows.append((money, plan.cost, plan.gain, plan.net_gain, plan.n_contacts))
    return pd.DataFrame(rows, columns=["budget", "cost", "gain", "net_gain", "n_contacts"])


def allocate(offers: Offers, limits: Array) -> tuple[Ints, float]:
    """Choose one row per customer at most, for the largest total net gain within the limits.

    offers : rows with a net gain above 0 that fit the limits alone

    Returns
    -------
    The rows, and the upper bound of the net gain.
    """
    if not len(offers.net):
        return np.empty(0, dtype=np.intp), 0.0
    relaxation = relax(offers, limits)
    by_profit = np.argsort(-profits(offers, relaxation.prices), kind="stable")
    by_net = np.argsort(-offers.net, kind="stable")
    by_ratio = offers.order_by_ratio()
    orders = [_put_first(round_shares(offers, relaxation), by_profit), by_ratio, by_net]
    plans = [fill(offers, order, limits) for order in orders]
    best = max(plans, key=lambda rows: offers.net[rows].sum())
    gap = relaxation.bound - offers.net[best].sum()
    better = improve(offers, relaxation.prices, limits, gap)
    if better is not None:
        best = fill(offers, _put_first(better, by_ratio), limits)
    return best, max(relaxation.bound, float(offers.net[best].sum()))


def _put_first(rows: Ints, order: Ints) -> Ints:
    is_first = np.zeros(len(order), dtype=bool)
    is_first[rows] = True
    return np.concatenate([order[is_first[order]], order[~is_first[order]]])


def _plan(
    index: pd.Index, table: _Table, budget: float | None, capacities: Mapping[str, int]
) -> tuple[pd.Series, Plan]:
    limits = _limits(table, budget, capacities)
    fixed = _take_fixed(table, limits)
    left = np.maximum(limits - table.offers.use(fixed, len(limits)), 0.0)
    pays = ~table.is_fixed & (table.offers.net > 0)
    has_capacity = left[1 + table.offers.owner] >= 1
    affordable = table.offers.cost <= allow_rounding(left)[0]
    possible = np.flatnonzero(pays & has_capacity & affordable)
    chosen, bound = allocate(table.offers.select(possible), left)
    rows = np.concatenate([fixed, possible[chosen]])
    in_plan = np.zeros(len(index), dtype=bool)
    in_plan[table.position[rows]] = True
    cost, gain = table.offers.cost[rows].sum(), table.gain[rows].sum()
    reductions = tuple(_find_reductions(table, len(fixed), left, pays))
    bound += table.offers.net[fixed].sum()
    plan = Plan(len(rows), float(cost), float(gain), float(gain - cost), float(bound), reductions)
    return pd.Series(in_plan, index, name="in_plan"), plan


def _limits(table: _Table, budget: float | None, capacities: Mapping[str, int]) -> Array:
    """Money, then contacts of each owner; where there is no limit, more than all would use."""
    money = table.offers.cost.sum() + 1.0 if budget is None else budget
    n = len(table.position) + 1
    return np.array([money, *(capacities.get(owner, n) for owner in table.owners)], dtype=float)


def _take_fixed(table: _Table, limits: Array) -> Ints:
    """Take recovery and service in their order; a customer may get several."""
    apart = table.offers._replace(
        customer=np.arange(len(table.position)), group=np.zeros(len(table.position), dtype=np.intp)
    )
    return fill(apart, table.fixed_order, limits)


def _find_reductions(table: _Table, n_fixed: int, left: Array, pays: Bools) -> list[Reduction]:
    """Find why the plan is smaller than it could be.

    left : of each limit for marketing; pays : rows of marketing with a net gain
    """
    if not len(table.position):
        return [Reduction("no_candidates")]
    found = []
    if n_fixed < len(table.fixed_order):
        found.append(Reduction("fixed_not_taken", n_fixed, len(table.fixed_order)))
    if not pays.any() and not table.is_fixed.all():
        found.append(Reduction("nothing_pays", 0, int((~table.is_fixed).sum())))
    has_capacity = left[1 + table.offers.owner] >= 1
    reached = table.offers.cost[pays & has_capacity]
    if len(reached) and reached.min() > allow_rounding(left)[0]:
        found.append(
            Reduction("budget_below_smallest_action", float(left[0]), float(reached.min()))
        )
    for owner in np.unique(table.offers.owner[pays & ~has_capacity]):
        at = pays & (table.offers.owner == owner)
        need = len(np.unique(table.offers.customer[at]))
        found.append(Reduction("owner_without_capacity", 0, need, table.owners[owner]))
    return found


def _check(candidates: pd.DataFrame, budget: float | None, capacities: Mapping[str, int]) -> None:
    """Raise InputError that names everything wrong at once."""
    cost, gain = candidates["cost"], candidates["gain"]
    counts = {
        "rows repeat a customer and action": candidates.duplicated(["customer_id", "action"]),
        "rows have no cost, or a negative one": ~(cost >= 0),
        "rows have no gain": gain.isna(),
    }
    wrong = [f"{int(bad.sum()):,} {what}" for what, bad in counts.items() if bad.any()]
    if budget is not None and not budget >= 0:
        wrong.append(f"the budget is {budget}; it must be 0 or more")
    below = sorted(owner for owner, capacity in capacities.items() if not capacity >= 0)
    if below:
        wrong.append(f"capacities below 0: {', '.join(below)}")
    if wrong:
        raise InputError("candidates of the plan: " + "; ".join(wrong))

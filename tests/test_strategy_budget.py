"""Plans compared with every possible plan, with SciPy's integer program and with a greedy loop."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from cvm_analysis.errors import InputError
from cvm_analysis.strategy import budget
from cvm_analysis.strategy.budget import Reduction

COLUMNS = ["customer_id", "action", "owner", "cost", "gain"]


def table(*rows, kind="marketing", priority=1):
    found = pd.DataFrame(rows, columns=COLUMNS)
    return found.assign(kind=kind, priority=priority, segment="loyal", amount="high")


def invent(seed, n, prices="fixed"):
    """Candidates of n customers: five actions of three owners, some of which do not pay."""
    draws = np.random.default_rng(seed)
    cost = np.tile([25.0, 10.0, 3.0, 0.0, 60.0], (n, 1))
    gain = draws.lognormal(4.5, 1.2, (n, 1)) * [0.4, 0.3, 0.1, 0.02, 0.6]
    gain *= draws.lognormal(0, 0.5, (n, 5))
    if prices == "whole":  # many equal plans
        gain = gain.round(-1)
    if prices == "various":
        cost = (cost * draws.lognormal(0, 0.3, (n, 5))).round(2)
    found = pd.DataFrame(
        {
            "customer_id": np.repeat([f"C{i:04}" for i in range(n)], 5),
            "action": np.tile(["call", "visit", "letter", "message", "party"], n),
            "owner": np.tile(["sales", "sales", "office", "office", "shops"], n),
            "cost": cost.ravel(),
            "gain": gain.round(2).ravel(),
            "kind": "marketing",
            "priority": 1,
            "segment": np.repeat(draws.integers(0, 3, n), 5),
            "amount": np.repeat(draws.integers(0, 2, n), 5),
        }
    )
    return found[draws.random(len(found)) < 0.9]


def limits(candidates, seed):
    """Money and capacities that bind for some seeds, and are missing for others."""
    draws = np.random.default_rng(seed)
    money = [None, 0.2, 0.05, 0.5][seed % 4]
    owners = [[], ["sales"], ["sales", "office", "shops"]][seed // 4 % 3]
    most = candidates["customer_id"].nunique()
    capacities = {owner: int(draws.integers(0, most)) for owner in owners}
    total = candidates.groupby("customer_id")["cost"].max().sum()
    return None if money is None else float(round(money * total)), capacities


def try_every_plan(candidates, money, capacities):
    options = [
        [None, *zip(rows["cost"], rows["gain"], rows["owner"], strict=True)]
        for _, rows in candidates.groupby("customer_id")
    ]
    best = 0.0
    for plan in itertools.product(*options):
        taken = [option for option in plan if option]
        cost = sum(option[0] for option in taken)
        owners = [option[2] for option in taken]
        if (money is None or cost <= money + 1e-9) and all(
            owners.count(owner) <= capacity for owner, capacity in capacities.items()
        ):
            best = max(best, sum(option[1] for option in taken) - cost)
    return best


def solve_integer_program(candidates, money, capacities):
    customer = candidates["customer_id"].factorize()[0]
    rows = [(customer == i, 1) for i in range(customer.max() + 1)]
    rows += [((candidates["owner"] == o).to_numpy(), most) for o, most in capacities.items()]
    rows += [] if money is None else [(candidates["cost"].to_numpy(), money)]
    found = milp(
        (candidates["cost"] - candidates["gain"]).to_numpy(),
        integrality=np.ones(len(candidates)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(
            sparse.csr_array(np.array([row for row, _ in rows], dtype=float)),
            ub=[most for _, most in rows],
        ),
        options={"mip_rel_gap": 0},
    )
    assert found.success
    return -found.fun


def take_greedily(candidates, money, capacities):
    """The better of two plans: largest net gain first, and largest net gain per unit of cost."""
    return max(take_largest(candidates, money, capacities, by) for by in ("net", "ratio"))


def take_largest(candidates, money, capacities, by):
    rows = candidates.assign(net=candidates["gain"] - candidates["cost"]).query("net > 0")
    rows = rows.assign(ratio=rows["net"] / rows["cost"].replace(0, 1e-12))
    left, capacities = np.inf if money is None else money, dict(capacities)
    customers, net = set(), 0.0
    for row in rows.sort_values([by, "net"], ascending=False).itertuples():
        fits = row.cost <= left and capacities.get(row.owner, 1) > 0
        if fits and row.customer_id not in customers:
            customers.add(row.customer_id)
            left, net = left - row.cost, net + row.net
            if row.owner in capacities:
                capacities[row.owner] -= 1
    return net


@pytest.mark.parametrize("prices", ["fixed", "whole", "various"])
def test_small_plans_are_as_good_as_the_best_of_all_possible_ones(prices):
    for seed in range(36):
        candidates = invent(seed, 5, prices)
        money, capacities = limits(candidates, seed)
        _, plan = budget.choose(candidates, money, capacities)
        best = try_every_plan(candidates, money, capacities)
        assert plan.net_gain == pytest.approx(best, abs=1e-6), seed
        assert plan.bound >= best - 1e-6


@pytest.mark.parametrize("prices", ["fixed", "whole", "various"])
def test_plans_for_eighty_customers_reach_the_optimum_of_the_integer_program(prices):
    for seed in range(12):
        candidates = invent(seed, 80, prices)
        money, capacities = limits(candidates, seed)
        _, plan = budget.choose(candidates, money, capacities)
        best = solve_integer_program(candidates, money, capacities)
        assert plan.net_gain == pytest.approx(best, rel=0.0005), seed
        assert plan.bound >= best - 1e-6


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 120),
    prices=st.sampled_from(["fixed", "whole", "various"]),
)
def test_a_plan_keeps_its_limits_and_is_never_below_the_greedy_one(seed, n, prices):
    candidates = invent(seed, n, prices)
    money, capacities = limits(candidates, seed)
    in_plan, plan = budget.choose(candidates, money, capacities)
    rows = candidates[in_plan]
    assert plan.net_gain >= take_greedily(candidates, money, capacities) - 1e-6
    assert plan.net_gain <= plan.bound + 1e-6
    assert not rows["customer_id"].duplicated().any() and (rows["gain"] > rows["cost"]).all()
    assert money is None or rows["cost"].sum() <= money + 1e-6
    contacts = rows["owner"].value_counts()
    assert all(contacts.get(owner, 0) <= most for owner, most in capacities.items())
    assert plan.n_contacts == len(rows)
    assert plan[1:4] == pytest.approx(
        (rows["cost"].sum(), rows["gain"].sum(), (rows["gain"] - rows["cost"]).sum())
    )


def test_many_customers_come_within_a_thousandth_of_the_bound():
    candidates = invent(1, 4000)
    money, capacities = limits(candidates, 10)
    _, plan = budget.choose(candidates, money, capacities)
    assert 0.999 * plan.bound < plan.net_gain <= plan.bound


def test_rounded_shares_alone_are_near_the_bound(monkeypatch):
    monkeypatch.setattr(budget, "improve", lambda *_: None)
    candidates = invent(1, 4000)
    money, capacities = limits(candidates, 10)
    _, plan = budget.choose(candidates, money, capacities)
    assert 0.999 * plan.bound < plan.net_gain <= plan.bound
    assert take_greedily(candidates, money, capacities) < 0.95 * plan.net_gain


def test_the_greedy_plan_is_taken_where_the_shares_lead_to_a_worse_one(monkeypatch):
    monkeypatch.setattr(budget, "improve", lambda *_: None)
    for seed in range(60):
        candidates = invent(seed, 6, "various")
        money, capacities = limits(candidates, seed)
        _, plan = budget.choose(candidates, money, capacities)
        assert plan.net_gain >= take_greedily(candidates, money, capacities) - 1e-6


def test_half_of_equal_customers_get_the_dearer_action():
    """Gains 10 for 1 and 18 for 5, money 3 a customer: (9 + 13) / 2 each is the optimum."""
    rows = [(f"C{i}", *offer) for i in range(40) for offer in CHEAP_AND_DEAR]
    _, plan = budget.choose(table(*rows), 120, {})
    assert plan.cost == 120 and plan.net_gain == pytest.approx(11 * 40)


CHEAP_AND_DEAR = (("letter", "office", 1.0, 10.0), ("call", "sales", 5.0, 18.0))


def test_the_greedy_plan_is_improved_where_small_costs_leave_money_unused():
    """Per unit of cost the letter is best (2 against 1.5), but it leaves no money for the call."""
    candidates = table(("C1", "letter", "office", 1.0, 3.0), ("C2", "call", "sales", 10.0, 25.0))
    in_plan, plan = budget.choose(candidates, 10, {})
    assert in_plan.tolist() == [False, True] and plan.net_gain == 15


def test_nothing_that_gains_no_more_than_it_costs_is_taken():
    candidates = table(("C1", "letter", "office", 5.0, 5.0), ("C2", "letter", "office", 5.0, 4.0))
    in_plan, plan = budget.choose(candidates, None, {})
    assert not in_plan.any() and plan.net_gain == plan.bound == 0
    assert plan.reductions == (Reduction("nothing_pays", 0, 2),)


def test_among_equals_the_first_customers_go_ahead_whatever_the_order_of_rows():
    rows = [(f"C{i}", "call", "sales", 5.0, 8.0) for i in range(30)]
    for seed in range(3):
        candidates = table(*rows).sample(frac=1, random_state=seed)
        in_plan, _ = budget.choose(candidates, 52, {})
        assert sorted(candidates[in_plan]["customer_id"]) == sorted(f"C{i}" for i in range(30))[:10]


def test_the_order_of_rows_changes_nothing():
    candidates = invent(3, 60, "whole")
    money, capacities = limits(candidates, 10)
    in_plan, plan = budget.choose(candidates, money, capacities)
    shuffled = candidates.sample(frac=1, random_state=1)
    again, same = budget.choose(shuffled, money, capacities)
    assert same == plan and again.reindex(candidates.index).equals(in_plan)
    assert again.index.equals(shuffled.index) and again.name == "in_plan"


def test_a_budget_of_decimals_is_used_in_full():
    rows = [(f"C{i}", "letter", "office", 0.1, 1.0) for i in range(3)]
    assert 0.1 + 0.1 + 0.1 > 0.3  # as floating-point numbers
    assert budget.choose(table(*rows), 0.3, {})[1].n_contacts == 3


def with_fixed(*rows):
    """Rows of kind, priority and the columns of `table`."""
    found = table(*(row[2:] for row in rows))
    return found.assign(kind=[row[0] for row in rows], priority=[row[1] for row in rows])


def test_recovery_and_service_come_first_by_priority_then_net_gain():
    candidates = with_fixed(
        ("marketing", 1, "C1", "offer", "sales", 10.0, 100.0),
        ("service", 1, "C2", "renew", "sales", 10.0, 50.0),
        ("recovery", 2, "C3", "apologise", "sales", 10.0, 90.0),
        ("recovery", 1, "C4", "replace", "sales", 10.0, 0.0),
        ("recovery", 2, "C5", "apologise", "sales", 10.0, 95.0),
    )
    taken = [
        candidates[budget.choose(candidates, money, {})[0]]["customer_id"].tolist()
        for money in (10, 20, 30, 40, 50)
    ]
    assert taken[:2] == [["C4"], ["C4", "C5"]]
    assert taken[2:4] == [["C3", "C4", "C5"], ["C2", "C3", "C4", "C5"]]
    assert taken[4] == ["C1", "C2", "C3", "C4", "C5"]
    _, plan = budget.choose(candidates, 20, {})
    assert Reduction("fixed_not_taken", 2, 4) in plan.reductions
    assert plan.net_gain == plan.bound == 95 - 20


def test_recovery_uses_capacity_and_a_customer_may_get_several():
    candidates = with_fixed(
        ("recovery", 1, "C1", "apologise", "sales", 0.0, 0.0),
        ("service", 1, "C1", "renew", "sales", 1.0, 5.0),
        ("marketing", 1, "C2", "offer", "sales", 1.0, 9.0),
        ("marketing", 1, "C3", "offer", "sales", 1.0, 8.0),
        ("marketing", 1, "C3", "letter", "office", 1.0, 2.0),
    )
    in_plan, plan = budget.choose(candidates, None, {"sales": 3})
    assert in_plan.tolist() == [True, True, True, False, True]
    _, plan = budget.choose(candidates, None, {"sales": 2})
    assert plan.reductions == (Reduction("owner_without_capacity", 0, 2, "sales"),)
    _, plan = budget.choose(candidates, None, {"sales": 1})
    assert Reduction("fixed_not_taken", 1, 2) in plan.reductions


def test_a_reduced_plan_says_why():
    candidates = table(
        ("C1", "call", "sales", 25.0, 60.0),
        ("C1", "letter", "office", 3.0, 9.0),
        ("C2", "call", "sales", 25.0, 70.0),
    )
    none, plan = budget.choose(candidates.head(0), 100, {"sales": 1})
    assert plan == (0, 0, 0, 0, 0, (Reduction("no_candidates"),)) and none.empty
    _, plan = budget.choose(candidates, 2.5, {})
    assert plan.n_contacts == 0
    assert plan.reductions == (Reduction("budget_below_smallest_action", 2.5, 3.0),)
    in_plan, plan = budget.choose(candidates, None, {"sales": 0})
    assert in_plan.tolist() == [False, True, False]
    assert plan.reductions == (Reduction("owner_without_capacity", 0, 2, "sales"),)
    _, plan = budget.choose(candidates, 10, {"office": 0})
    assert [reduction.code for reduction in plan.reductions] == [
        "budget_below_smallest_action",
        "owner_without_capacity",
    ]
    assert budget.choose(candidates, None, {})[1].reductions == ()


def test_candidates_and_limits_that_cannot_be_meant_are_refused_all_at_once():
    rows = [("C1", "call", "sales", -1.0, 60.0), ("C1", "call", "sales", np.nan, np.nan)]
    with pytest.raises(InputError) as error:
        budget.choose(table(*rows), -5, {"sales": -1, "office": 2})
    assert str(error.value) == (
        "candidates of the plan: 1 rows repeat a customer and action; 2 rows have no cost, or a "
        "negative one; 1 rows have no gain; the budget is -5; it must be 0 or more; capacities "
        "below 0: sales"
    )


def test_the_curve_is_what_each_budget_brings():
    candidates = invent(5, 40)
    capacities = {"sales": 15}
    found = budget.curve(candidates, capacities, 9)
    _, everything = budget.choose(candidates, None, capacities)
    assert list(found) == ["budget", "cost", "gain", "net_gain", "n_contacts"]
    assert found["budget"].tolist() == pytest.approx(np.linspace(0, everything.cost, 9))
    assert found["net_gain"].iloc[-1] == pytest.approx(everything.net_gain)
    assert (np.diff(found["net_gain"]) >= -1e-9).all() and (found["cost"] <= found["budget"]).all()
    for row in found.itertuples():
        _, plan = budget.choose(candidates, row.budget, capacities)
        assert (row.cost, row.gain, row.net_gain, row.n_contacts) == (*plan[1:4], plan.n_contacts)


def test_a_curve_without_costs_is_one_point():
    found = budget.curve(table(("C1", "message", "office", 0.0, 2.0)), {}, 5)
    assert found.to_numpy().tolist() == [[0, 0, 2, 2, 1]]
    assert budget.curve(table(), {}, 5).to_numpy().tolist() == [[0, 0, 0, 0, 0]]

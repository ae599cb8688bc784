"""The strategy of each group of customers: its actions, their cost, and what they should bring.

The actions of customers (table `actions`) are added up by class. An effect is drawn once per
action, not per customer, so the interval of a group's gain is that of its effects, however many
customers it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from cvm_analysis.strategy import effects
from cvm_analysis.tables import ALL

NO_ACTION, TOGETHER = "no_action", "together"
_ADDED_UP = ("action", "evidence", "cost", "counts_gain", "expected_gain", "base")
SCHEMES = ("segment", "frequency", "amount", "loyalty", "life_cycle", "grade")


class Total(NamedTuple):
    """What actions cost and should bring together, in the config's currency.

    net_gain_low, net_gain_high : limits of it in eight of ten cases, if the effects are as assumed
    p_gain : probability that they bring more than they cost
    """

    n_contacts: int
    cost: float
    gain: float
    net_gain: float
    net_gain_low: float
    net_gain_high: float
    p_gain: float


NOTHING = Total(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def list_classes(segments: pd.DataFrame) -> dict[str, pd.Series]:
    """List the class of each customer by scheme; a grade is named with its type: `dealer.A`.

    Scheme `all` has one class, `all`: the plan as a whole.

    segments : the table of this name
    """
    found = {scheme: segments[scheme] for scheme in SCHEMES[:-1]}
    graded = segments["customer_type"] + "." + segments["grade"]
    return found | {"grade": graded, ALL: pd.Series(ALL, segments.index)}


def summarize(
    actions: pd.DataFrame, classes: Mapping[str, pd.Series], draws: pd.DataFrame, least: int
) -> pd.DataFrame:
    """Add up the planned actions of each class: table `strategy`.

    Parameters
    ----------
    actions : table `actions`
    classes : scheme -> class of each customer_id
    draws : one row per draw, one column per action: its effect (`effects.draw`)
    least : classes with fewer customers are left out

    Returns
    -------
    One row per scheme, class and rank, its index; the highest net gain is rank 1, and rank 0 is all
    actions `together`. A class whose customers get no action has one row, `no_action`, of rank 1.
    """
    planned = select_planned(actions).reset_index()[[*_ADDED_UP, "customer_id"]]
    found = []
    for scheme, of in classes.items():
        sizes = of.value_counts().sort_index()
        sizes = sizes[sizes >= least].rename_axis("class")
        each = planned.assign(**{"class": planned["customer_id"].map(of)})
        ranked = _rank(each[each["class"].isin(sizes.index)], sizes.index, draws)
        found.append(ranked.assign(scheme=scheme, n_members=ranked["class"].map(sizes)))
    key = ["scheme", "class", "rank"]
    columns = [*key, "n_members", "action", "evidence", *Total._fields]
    return pd.concat(found, ignore_index=True)[columns].set_index(key)


def add_up(actions: pd.DataFrame, draws: pd.DataFrame) -> Total:
    """Add up the planned actions of a table `actions`; draws as for `summarize`."""
    planned = select_planned(actions).reset_index().assign(plan=ALL)
    totals = _totals(planned, ["plan"], draws)
    return Total(*totals.iloc[0]) if len(totals) else NOTHING


def add_up_by_action(actions: pd.DataFrame, draws: pd.DataFrame) -> pd.DataFrame:
    """Add up the planned actions: one row per action, the highest net gain first.

    Columns as Total, and kind, owner, due_on and last_due_on (its first and last date), evidence.
    """
    planned = select_planned(actions).reset_index()
    about = planned.groupby("action").agg(
        kind=("kind", "first"),
        owner=("owner", "first"),
        due_on=("due_on", "min"),
        last_due_on=("due_on", "max"),
        evidence=("evidence", "first"),
    )
    ordered = _totals(planned, ["action"], draws).join(about).reset_index()
    return ordered.sort_values(["net_gain", "action"], ascending=[False, True]).set_index("action")


def select_planned(actions: pd.DataFrame) -> pd.DataFrame:
    """Select the actions that are carried out: within the plan, and no control group."""
    return actions[actions["in_plan"].astype(bool) & (actions["arm"].fillna("") != "control")]


def _rank(actions: pd.DataFrame, classes: pd.Index, draws: pd.DataFrame) -> pd.DataFrame:
    """List the actions of each class together and one by one, best first."""
    together = _totals(actions, ["class"], draws).reset_index().assign(action=TOGETHER, evidence="")
    key = ["class", "action"]
    evidence = actions.groupby(key)["evidence"].first()
    each = _totals(actions, key, draws).join(evidence).reset_index()
    each = each.sort_values(["class", "net_gain", "action"], ascending=[True, False, True])
    none = pd.DataFrame({"class": classes.difference(together["class"]), "evidence": ""})
    none = none.assign(action=NO_ACTION, rank=1, **NOTHING._asdict())
    each["rank"] = each.groupby("class").cumcount() + 1
    found = pd.concat([together.assign(rank=0), each, none], ignore_index=True)
    return found.sort_values(["class", "rank"], ignore_index=True)


def _totals(actions: pd.DataFrame, by: list[str], draws: pd.DataFrame) -> pd.DataFrame:
    """Add up actions by these columns: one row per group, columns as Total."""
    counts = actions["counts_gain"].astype(bool)
    worth = actions.assign(
        gain=actions["expected_gain"].where(counts, 0.0),
        base=actions["base"].where(counts, 0.0),
        effect=actions["action"],
    )
    groups = worth.groupby(by)
    table = groups.agg(n_contacts=("cost", "size"), cost=("cost", "sum"), gain=("gain", "sum"))
    table["net_gain"] = table["gain"] - table["cost"]
    base = worth.groupby([*by, "effect"])["base"].sum().unstack("effect", fill_value=0.0)
    net = effects.summarise(effects.draw_net_gain(base, table["cost"], draws))
    return table.assign(net_gain_low=net.low, net_gain_high=net.high, p_gain=net.p_positive)

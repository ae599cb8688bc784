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
    rows = []
    for scheme, of in classes.items():
        sizes = of.value_counts().sort_index()
        each = planned.assign(code=planned["customer_id"].map(of))
        for code in sizes.index[sizes >= least]:
            found = _rank(each[each["code"] == code], draws)
            rows += [
                {"scheme": scheme, "class": code, "n_members": sizes[code], **r} for r in found
            ]
    columns = ["scheme", "class", "rank", "n_members"]
    table = pd.DataFrame(
        rows, columns=None if rows else [*columns, "action", "evidence", *Total._fields]
    )
    return table.set_index(columns[:3])


def add_up(actions: pd.DataFrame, draws: pd.DataFrame) -> Total:
    """Add up the planned actions of a table `actions`; draws as for `summarize`."""
    return _total(select_planned(actions).reset_index(), draws)


def add_up_by_action(actions: pd.DataFrame, draws: pd.DataFrame) -> pd.DataFrame:
    """Add up the planned actions: one row per action, the highest net gain first.

    Columns as Total, and kind, owner, due_on and last_due_on (its first and last date), evidence.
    """
    planned = select_planned(actions).reset_index()
    rows = {code: _total(each, draws)._asdict() for code, each in planned.groupby("action")}
    about = planned.groupby("action").agg(
        kind=("kind", "first"),
        owner=("owner", "first"),
        due_on=("due_on", "min"),
        last_due_on=("due_on", "max"),
        evidence=("evidence", "first"),
    )
    found = pd.DataFrame.from_dict(rows, orient="index", columns=Total._fields)
    ordered = found.rename_axis("action").join(about).reset_index()
    return ordered.sort_values(["net_gain", "action"], ascending=[False, True]).set_index("action")


def select_planned(actions: pd.DataFrame) -> pd.DataFrame:
    """Select the actions that are carried out: within the plan, and no control group."""
    return actions[actions["in_plan"].astype(bool) & (actions["arm"].fillna("") != "control")]


def _rank(actions: pd.DataFrame, draws: pd.DataFrame) -> list[dict[str, object]]:
    """Describe each action of a class, best first."""
    if actions.empty:
        nothing = Total(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        return [{"rank": 1, "action": NO_ACTION, "evidence": "", **nothing._asdict()}]
    found = [
        {"action": code, "evidence": each["evidence"].iloc[0], **_total(each, draws)._asdict()}
        for code, each in actions.groupby("action")
    ]
    found.sort(key=lambda row: (-row["net_gain"], row["action"]))
    together = {"action": TOGETHER, "evidence": "", **_total(actions, draws)._asdict()}
    return [{"rank": rank, **row} for rank, row in enumerate([together, *found])]


def _total(actions: pd.DataFrame, draws: pd.DataFrame) -> Total:
    cost = float(actions["cost"].sum())
    counted = actions[actions["counts_gain"].astype(bool)]
    gain = float(counted["expected_gain"].sum())
    base = counted.groupby("action")["base"].sum()
    net = effects.summarise(effects.draw_net_gain(base, cost, draws))
    return Total(len(actions), cost, gain, gain - cost, net.low, net.high, net.p_positive)

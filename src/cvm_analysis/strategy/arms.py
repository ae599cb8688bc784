"""Control groups: which customers of an action are not contacted, so that its effect is measured.

Drawn by a hash of action, day and customer: the same customer has the same arm whichever region's
plan is made, on whichever machine, and another draw on another day; but a customer keeps the arm of
an earlier list until its window closes, else nothing could be said about that list. Nobody whom
leaving out would harm or wrong is drawn: only marketing to retail customers has control groups.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array

NO_GROUP = ""
KINDS = ("marketing",)  # of actions; recovery and service are owed to everybody
CUSTOMER_TYPES = ("retail",)  # project customers and dealers are few, and know each other


class NoControls(NamedTuple):
    """Why an action has no control group.

    code : no_control_share (its share is 0), no_control_kind (recovery, service, or project
        customers and dealers only), no_control_few_customers (have, below need),
        no_control_not_measurable (no number of customers would do within a year)
    """

    action: str
    code: str
    have: int | None = None
    need: int | None = None


def draw(
    rows: pd.DataFrame,
    shares: Mapping[str, float],
    needed: Mapping[str, float],
    as_of: Any,
    kept: pd.Series | None = None,
) -> tuple[pd.Series, list[NoControls]]:
    """Draw the control group of each action.

    Parameters
    ----------
    rows : one row per customer and action: customer_id, action, kind, customer_type; account_id
        (optional; empty: the customer stands alone): members of an account get one arm
    shares : control share of each action, 0 to 1; 0 for those not named
    needed : customers that a draw must have, by action: the sample size, or where the rounds of a
        year are pooled, its part of one round; infinity: cannot be measured here
    as_of : day of the plan
    kept : arms that are not drawn again, by customer_id and action (`ledger.open_arms`)

    Returns
    -------
    Arm of each row (treated, control; empty: the action has no control group for this customer),
    and for each action without one the reason.
    """
    arm = pd.Series(NO_GROUP, rows.index, name="arm", dtype=object)
    notes = []
    may = rows["kind"].isin(KINDS) & rows["customer_type"].isin(CUSTOMER_TYPES)
    for action, each in rows.groupby("action", sort=True):
        able = each[may.loc[each.index]]
        share, need = shares.get(str(action), 0.0), needed.get(str(action), 0.0)
        if note := _find_reason(str(action), share, need, len(able)):
            notes.append(note)
            continue
        is_control = hash_share(str(action), as_of, _units(able)) < share
        arm[able.index] = np.where(is_control, "control", "treated")
    if kept is not None:
        earlier = kept.reindex(pd.MultiIndex.from_frame(rows[["customer_id", "action"]]))
        arm = arm.where(earlier.isna().to_numpy(), earlier.to_numpy())
    return arm, notes


def _find_reason(action: str, share: float, need: float, have: int) -> NoControls | None:
    if share <= 0:
        return NoControls(action, "no_control_share")
    if have == 0:
        return NoControls(action, "no_control_kind")
    if np.isinf(need):
        return NoControls(action, "no_control_not_measurable", have)
    if have < need:
        return NoControls(action, "no_control_few_customers", have, int(np.ceil(need)))
    return None


def _units(rows: pd.DataFrame) -> pd.Series:
    """What is drawn: the account, else the customer."""
    if "account_id" not in rows:
        return rows["customer_id"]
    account = rows["account_id"]
    return account.where(account.notna() & (account != ""), rows["customer_id"])


def hash_share(action: str, as_of: Any, units: pd.Series) -> Array:
    """Hash each unit to a number that is uniform in [0, 1)."""
    day = pd.Timestamp(as_of).date().isoformat()
    return np.array(
        [
            int.from_bytes(
                hashlib.blake2b(f"{action}|{day}|{unit}".encode(), digest_size=7).digest()
            )
            / 2**56
            for unit in units
        ],
        dtype=float,
    )

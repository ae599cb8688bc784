"""Responses of retail customers to actions: further orders, and the log of what was done.

`draw` plays the market between two reports: of the actions that the earlier one recommended, some
are done; those contacted respond by a planted effect, the control group does not. `write` leaves
two files, further sources of the next report.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.sample import baskets, deliveries
from cvm_analysis.sample.business import FIRST_DAY, GROUPS, N_DAYS, REGIONS
from cvm_analysis.sample.draws import dates, opening_hours, stream

WITHIN = 7  # days from a report to the contact
RESULTS = {"reached": 0.7, "no_answer": 0.3}
SIMULATED = 4_000  # orders of each group, for its margin
KEYS = [group.key for group in GROUPS]
MONEY = ["unit_price", "discount", "amount", "cost"]
LINES = [
    *("customer_id", "ordered_at", "order_id", "product", "category", "quantity", *MONEY),
    *("channel", "promised_on", "delivered_on"),
]
NEEDED = ["customer_id", "action", "arm", "measure", "window_days", "base", "channel", "owner"]
KNOWN = ["customer_id", "region", "group", "order_value"]
CONTACTS = ["customer_id", "at", "action", "channel", "owner", "result", "listed_on"]


class Responses(NamedTuple):
    """Order lines and contacts with our columns, money in CNY; see `draw`."""

    lines: pd.DataFrame
    contacts: pd.DataFrame


def draw(
    actions: pd.DataFrame,
    customers: pd.DataFrame,
    orders: pd.DataFrame,
    effects: Mapping[str, float],
    as_of: date,
    seed: int,
    done: float = 0.85,
) -> Responses:
    """Draw what was done of recommended actions, and what customers bought because of it.

    Effects hold over all who were to be contacted, whatever share was. Of an action measured by
    purchases, the effect is added to the share who buy within the window, by one order of some who
    would not have bought; of one measured by margin, this share of the customer's base is added to
    the margin, in orders of the customer's usual value. Nothing is bought after the sample's last
    day.

    Parameters
    ----------
    actions : one row per customer and action of a report, as table `actions`: customer_id, action,
        arm (control: not contacted), in_plan (others are not done), measure (purchase or margin),
        window_days, base (CNY), channel, owner
    customers : retail customers: customer_id, region and group (keys), order_value (mean, CNY), as
        in truth.json; others do not respond
    orders : what is bought anyway: customer_id, ordered_at
    effects : by action; without one there is none
    as_of : day of the report
    done : share of the plan that is done, controls excepted

    Returns
    -------
    lines : one row per order line; contacts : one row per action that was done
    """
    rng = stream(seed, "responses", as_of.isoformat())
    day = (as_of - FIRST_DAY).days
    listed = actions.loc[actions["in_plan"].astype(bool), NEEDED].reset_index(drop=True)
    listed = listed.merge(customers[KNOWN], on="customer_id", how="left")
    listed["bought_anyway"] = _buys(listed, orders, pd.Timestamp(as_of))
    listed["at"] = day + rng.integers(1, WITHIN + 1, len(listed))
    n = _numbers(listed, listed["action"].map(effects).fillna(0.0).to_numpy(), done, rng)
    is_done = (listed["arm"] != "control").to_numpy() & (rng.random(len(listed)) < done)
    contacts = listed[is_done]
    buyers = contacts.loc[np.repeat(contacts.index, n[is_done])].assign(channel="store")
    bought = draw_orders(buyers, buyers["at"] + 1, day + buyers["window_days"], rng)
    bought = bought[bought["at"] < N_DAYS].reset_index(drop=True)
    bought["order_id"] = [f"Q{as_of:%Y%m%d}{number:06d}" for number in bought.index + 1]
    return Responses(_lines(bought, rng), _contacts(contacts, day, rng))


def draw_orders(
    customers: pd.DataFrame, start: pd.Series, end: pd.Series | int, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw one order of each row between the days `start` and `end`, which is not included.

    customers : customer_id, region and group (keys), channel, order_value (mean, CNY)

    Returns
    -------
    One row per order, in order of time, columns as `retail.orders` and `deliveries.add_deliveries`
    give them, and region. All are delivered in time.
    """
    shape = customers["region"].map({region.key: region.p for region in REGIONS}).to_numpy()
    n = len(customers)
    at = start.to_numpy() + (np.asarray(end) - start.to_numpy()) * rng.random(n)
    found = pd.DataFrame(
        {
            "customer_id": customers["customer_id"].to_numpy(),
            "region": customers["region"].to_numpy(),
            "channel": customers["channel"].to_numpy(),
            "group": customers["group"].map(KEYS.index).to_numpy(dtype=int),
            "at": at,
            "ordered_at": opening_hours(at, rng),
            "cents": np.rint(100 * rng.gamma(shape, customers["order_value"] / shape)).astype(int),
        }
    )
    found = deliveries.add_deliveries(found, 0.0, rng)
    return found.sort_values("ordered_at", kind="stable", ignore_index=True)


def find_chances(
    effect: np.ndarray, bought_anyway: pd.Series, by: pd.Series, contacted: float
) -> np.ndarray:
    """Probability of a response of each row, once contacted, that makes an effect on purchases.

    effect : points of probability, over all rows of the same `by`, contacted or not
    bought_anyway : these do not respond
    contacted : share of the rows
    """
    others = 1 - bought_anyway.astype(float).groupby(by).transform("mean").to_numpy()
    chance = effect / (contacted * np.maximum(others, 1e-9))
    return np.where(bought_anyway, 0.0, chance.clip(0, 1))


def _buys(listed: pd.DataFrame, orders: pd.DataFrame, as_of: pd.Timestamp) -> pd.Series:
    """Whether each row's customer buys anyway in the window after the day of the report."""
    after = orders[["customer_id"]].assign(day=pd.to_datetime(orders["ordered_at"]).dt.normalize())
    first = after[after["day"] > as_of].groupby("customer_id")["day"].min()
    days = (listed["customer_id"].map(first) - as_of).dt.days
    return days <= listed["window_days"]


def _numbers(
    listed: pd.DataFrame, effect: np.ndarray, done: float, rng: np.random.Generator
) -> np.ndarray:
    """Number of orders that each row brings, if its action is done."""
    is_known, is_purchase = listed["group"].notna(), listed["measure"] == "purchase"
    chance = find_chances(effect, listed["bought_anyway"], listed["action"], done)
    by_purchase = rng.random(len(listed)) < chance
    margin = listed["order_value"] * listed["group"].map(_margin_shares())
    mean = (effect * listed["base"] / (done * margin)).fillna(0.0).clip(lower=0.0)
    number = np.where(is_purchase, by_purchase, rng.poisson(mean))
    return np.where(is_known, number, 0).astype(int)


def _margin_shares() -> dict[str, float]:
    """Share of the amount that is margin, by group, from simulated orders."""
    rng = stream(0, "margin of groups")
    group = np.repeat(np.arange(len(GROUPS)), SIMULATED)
    orders = pd.DataFrame({"group": group, "cents": 100_000, "order_id": np.arange(len(group))})
    sums = baskets.lines(orders, GROUPS, rng).groupby("group")[["amount", "cost"]].sum()
    return dict(zip(KEYS, 1 - sums["cost"] / sums["amount"], strict=True))


def _lines(orders: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    if orders.empty:
        return pd.DataFrame(columns=LINES)
    found = baskets.lines(orders, GROUPS, rng)
    return found.assign(**{name: found[name] / 100 for name in MONEY})[LINES]


def _contacts(done: pd.DataFrame, day: int, rng: np.random.Generator) -> pd.DataFrame:
    listed_on = np.full(len(done), day)
    return done.assign(
        at=dates(done["at"]).to_numpy(),
        listed_on=dates(listed_on).to_numpy(),
        result=rng.choice(list(RESULTS), len(done), p=list(RESULTS.values())),
    )[CONTACTS].reset_index(drop=True)


def write(folder: Path, name: str, drawn: Responses) -> dict[str, dict[str, object]]:
    """Write responses_<name>.csv and contacts_<name>.csv to a folder.

    UTF-8, dates are ISO. Returns the source to add to `sources` of a config, by setting: files (an
    absolute path) and columns.
    """
    sources = dict[str, dict[str, object]]()
    for setting, kind, table in (
        ("transactions", "responses", drawn.lines),
        ("contact_log", "contacts", drawn.contacts),
    ):
        path = (folder / f"{kind}_{name}.csv").resolve()
        table.to_csv(path, index=False, lineterminator="\n")
        sources[setting] = {"files": str(path), "columns": {each: each for each in table}}
    return sources

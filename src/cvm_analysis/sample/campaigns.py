"""Campaigns for retail customers: who was assigned, who was contacted, who bought because of it.

One campaign has a control group drawn at random. The other treats everybody on its list and has no
effect; without a control group nobody can tell. A response is one order more, of a member who was
contacted and would not have bought within the window: the share of members who buy rises by the
planted effect, counted over all who were assigned. Responses change nothing else: no drop-out, no
complaint, no delivery; customers who had dropped out respond as others do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.sample import responses
from cvm_analysis.sample.business import FIRST_DAY, GROUPS, REGIONS
from cvm_analysis.sample.contacts import CHANNELS, OWNERS, WITHIN
from cvm_analysis.sample.draws import stream

CONTACTED = 0.85  # of the treated
NO_EFFECT: Mapping[str, float] = {}


@dataclass(frozen=True)
class Campaign:
    """A campaign: an action for a list of retail customers, assigned on one day."""

    key: str  # campaign_id
    action: str  # code in strategies.yaml
    assigned_on: date
    window_days: int  # outcomes count from the day of assignment for so many days
    treated: float  # probability of being treated; the others are controls
    cost: float  # CNY per treated customer
    size: float  # members per retail customer of the company, at most
    bought_once_since: int | None = None  # only customers with one order, in so many days before
    effects: Mapping[str, float] = field(default_factory=lambda: NO_EFFECT)  # by group; else 0

    @property
    def starts(self) -> int:
        """Day of assignment, as in `draws`."""
        return (self.assigned_on - FIRST_DAY).days

    @property
    def ends(self) -> int:
        """First day after the window."""
        return self.starts + self.window_days


CAMPAIGNS = (
    Campaign(
        *("SPO-2025-05", "second_purchase_offer", date(2025, 5, 12), 90, 1.0, 4.0, 0.1),
        bought_once_since=120,
    ),
    Campaign(
        *("WB-2025-08", "win_back_offer", date(2025, 8, 4), 90, 0.8, 6.0, 1 / 3),
        effects={"steady_renewers": 0.15, "care_regulars": 0.10, "big_ticket_seasonal": 0.05},
    ),
)


class Drawn(NamedTuple):
    """What was drawn of all campaigns; see `draw`."""

    members: pd.DataFrame
    contacts: pd.DataFrame
    orders: pd.DataFrame


def draw(customers: pd.DataFrame, orders: pd.DataFrame, seed: int) -> Drawn:
    """Draw the members of all campaigns, the contacts with them, and their responses.

    customers, orders : retail customers of all regions and their orders, as `churn.live` gives them

    Returns
    -------
    members : one row per campaign and member: campaign_id, action, customer_id, group (key), arm,
        at (day), cost (CNY), bought_anyway (whether an order of `orders` lies within the window)
    contacts : one row per contact: customer_id, action, at and listed_on (days), channel, owner
    orders : one row per response, as `responses.draw_orders` gives them, order_id and campaign_id
    """
    drawn = [_draw(each, customers, orders, seed) for each in CAMPAIGNS]
    return Drawn(*(pd.concat(part, ignore_index=True) for part in zip(*drawn, strict=True)))


def _draw(campaign: Campaign, customers: pd.DataFrame, orders: pd.DataFrame, seed: int) -> Drawn:
    members = _members(campaign, customers, orders, stream(seed, "campaign", campaign.key))
    rng = stream(seed, "campaign contacts", campaign.key)
    treated = members[members["arm"] == "treated"]
    contacts = _contacts(campaign, treated[rng.random(len(treated)) < CONTACTED], rng)
    rng = stream(seed, "campaign responses", campaign.key)
    chance = contacts["customer_id"].map(_chances(campaign, members)).to_numpy()
    answered = contacts[rng.random(len(contacts)) < chance]
    buyers = answered[["customer_id", "at"]].merge(customers, on="customer_id")
    found = responses.draw_orders(buyers, buyers["at"] + 1, campaign.ends, rng)
    code = found["region"].map({region.key: region.code for region in REGIONS})
    numbers = [f"K{campaign.assigned_on:%y%m}{number:05d}" for number in found.index + 1]
    return Drawn(members, contacts, found.assign(order_id=code + numbers, campaign_id=campaign.key))


def _members(
    campaign: Campaign, customers: pd.DataFrame, orders: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    earlier = orders[orders["at"] < campaign.starts]
    before = earlier.groupby("customer_id")["at"].agg(["size", "min"])
    if (days := campaign.bought_once_since) is not None:
        before = before[(before["size"] == 1) & (before["min"] >= campaign.starts - days)]
    eligible = customers[customers["customer_id"].isin(before.index)]
    n = min(round(campaign.size * len(customers)), len(eligible))
    chosen = eligible.iloc[np.sort(rng.choice(len(eligible), n, replace=False))]
    is_treated = rng.random(n) < campaign.treated
    within = orders["at"].between(campaign.starts, campaign.ends, inclusive="left")
    bought_anyway = chosen["customer_id"].isin(orders.loc[within, "customer_id"])
    return pd.DataFrame(
        {
            "campaign_id": campaign.key,
            "action": campaign.action,
            "customer_id": chosen["customer_id"].to_numpy(),
            "group": chosen["group"].to_numpy(),
            "arm": np.where(is_treated, "treated", "control"),
            "at": campaign.starts,
            "cost": np.where(is_treated, campaign.cost, 0.0),
            "bought_anyway": bought_anyway.to_numpy(),
        }
    )


def _contacts(campaign: Campaign, members: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    n = len(members)
    return pd.DataFrame(
        {
            "customer_id": members["customer_id"].to_numpy(),
            "action": campaign.action,
            "at": campaign.starts + rng.integers(0, WITHIN, n),
            "listed_on": campaign.starts,
            "channel": rng.choice(list(CHANNELS), n, p=list(CHANNELS.values())),
            "owner": rng.choice(OWNERS, n),
        }
    )


def _chances(campaign: Campaign, members: pd.DataFrame) -> pd.Series:
    """Probability that each member responds once contacted, by customer_id."""
    effect = members["group"].map(campaign.effects).fillna(0.0)
    chance = responses.find_chances(
        effect.to_numpy(), members["bought_anyway"], members["group"], CONTACTED
    )
    return pd.Series(chance, members["customer_id"])


def truth(drawn: Drawn) -> dict[str, object]:
    """The content of truth.json on campaigns, by campaign_id; see `folder.make`."""
    return {each.key: _truth(each, drawn) for each in CAMPAIGNS}


def _truth(campaign: Campaign, drawn: Drawn) -> dict[str, object]:
    members = drawn.members[drawn.members["campaign_id"] == campaign.key]
    counts = members["arm"].value_counts()
    by_group = {group.key: campaign.effects.get(group.key, 0.0) for group in GROUPS}
    overall = members["group"].map(by_group).mean() if len(members) else 0.0
    answered = drawn.orders.loc[drawn.orders["campaign_id"] == campaign.key, "order_id"]
    return {
        "action": campaign.action,
        "assigned_on": campaign.assigned_on.isoformat(),
        "window_days": campaign.window_days,
        "treated_share": campaign.treated,
        "contacted_share": CONTACTED,
        "effects": {**by_group, "all": round(float(overall), 6)},
        "n_treated": int(counts.get("treated", 0)),
        "n_control": int(counts.get("control", 0)),
        "orders": sorted(answered),
    }

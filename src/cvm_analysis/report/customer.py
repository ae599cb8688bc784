"""What the page of one customer is made from: rows of a published run, and what is on record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

BUSY, LISTED = 12, 6  # rows of a list shown in the appendix, and in a part of the page


@dataclass(frozen=True)
class Customer:
    """One customer as of a day; `customer_file.read` makes it.

    customer_id : as the page shows it
    facts : column -> value: those of the run's tables with one row per customer, and what
        `strategy.facts` derives from them; None or NaN where unknown
    own : columns of facts that are attributes of the business's own
    grade_points, actions, next_products, follow_ups : the customer's rows of these tables
    orders, days, categories, channels : as `customers.one_customer` makes them
    weekday, month : (number, purchase days on it, all of them), where one stands out
    complaints : as `experience.complaints.cases`; leads : as `experience.leads.latest`
    contacts, contracts : rows of these prepared tables
    consents : channel -> whether consent was given last
    """

    customer_id: str
    as_of: dt.date
    facts: Mapping[str, Any]
    own: Sequence[str]
    grade_points: pd.DataFrame
    actions: pd.DataFrame
    next_products: pd.DataFrame
    follow_ups: pd.DataFrame
    orders: pd.DataFrame
    days: pd.DataFrame
    categories: pd.DataFrame
    channels: pd.DataFrame
    weekday: tuple[int, int, int] | None
    month: tuple[int, int, int] | None
    complaints: pd.DataFrame
    leads: pd.DataFrame
    contacts: pd.DataFrame
    contracts: pd.DataFrame
    consents: Mapping[str, bool]

    def get(self, column: str) -> Any:
        """Return a fact; None where it is unknown or no table has it."""
        value = self.facts.get(column)
        return None if value is None or pd.isna(value) else value

    @property
    def has_bought(self) -> bool:
        """Whether there is any order."""
        return bool(self.get("n_orders"))

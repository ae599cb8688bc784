"""What is exported: four kinds of records, their keys and fields, and what a field holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Kind = Literal["text", "date", "money", "percent", "count", "tags"]

# One row per customer; task (a planned action of a customer, on the list of a day); marketing list
# (an action on a channel); member of a marketing list.
KEYS = {
    "customers": ("customer_id",),
    "tasks": ("task_id",),
    "lists": ("list_id",),
    "members": ("list_id", "customer_id"),
}
FIELDS: Mapping[str, Mapping[str, Kind]] = {
    "customers": {
        "customer_id": "text",
        "region": "text",
        "customer_type": "text",
        "segment": "text",
        "grade": "text",
        "frequency": "text",
        "amount": "text",
        "loyalty": "text",
        "life_cycle": "text",
        "expected_margin": "money",
        "margin_at_stake": "money",
        "churn_risk": "percent",
        "next_action": "text",
        "next_owner": "text",
        "next_due_on": "date",
        "next_product": "text",
        "tags": "tags",
    },
    "tasks": {
        "task_id": "text",
        "customer_id": "text",
        "action": "text",
        "first_step": "text",
        "message": "text",
        "reason": "text",
        "owner": "text",
        "channel": "text",
        "due_on": "date",
        "expected_gain": "money",
        "action_code": "text",
        "owner_code": "text",
        "channel_code": "text",
        "listed_on": "date",
    },
    "lists": {
        "list_id": "text",
        "list_name": "text",
        "action_code": "text",
        "channel_code": "text",
        "n_members": "count",
    },
    "members": {
        "list_id": "text",
        "list_name": "text",
        "customer_id": "text",
        "action_code": "text",
        "channel_code": "text",
        "arm": "text",
        "listed_on": "date",
    },
}

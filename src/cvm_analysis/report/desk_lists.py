"""The list the desk works from: one row per planned action, with room for what was done."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from cvm_analysis.report import strategy
from cvm_analysis.report.writer import Writer
from cvm_analysis.strategy.segment_strategies import select_planned

ORDER = ["owner", "due_on", "customer_id", "rank"]


def actions(
    writer: Writer, actions: pd.DataFrame, customers: pd.DataFrame, as_of: dt.date
) -> pd.DataFrame:
    """List the planned actions in words, by owner and date; control groups are not on it.

    actions, customers : tables of these names

    Returns
    -------
    One row per customer and action: customer_id, city where recorded, action, first_step, message,
    reason, owner, channel, due_on, expected_gain; done_on and result, empty, to be filled in;
    action_code, owner_code, channel_code and listed_on, by which `contact_log` reads it back.
    """
    say = writer.say
    rows = select_planned(actions).reset_index().sort_values(ORDER, ignore_index=True)
    city = customers.get("city", pd.Series(dtype=object)).reindex(rows["customer_id"])
    return pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "city": city.fillna("").to_numpy(),
            "action": [say(f"actions.{code}") for code in rows["action"]],
            "first_step": [say(f"action_steps.{code}") for code in rows["action"]],
            "message": [say(f"action_messages.{code}") for code in rows["action"]],
            "reason": [strategy.why(writer, row) for row in rows.to_dict("records")],
            "owner": [say(f"owners.{code}") for code in rows["owner"]],
            "channel": [say(f"channels.{code}") for code in rows["channel"]],
            "due_on": [day.date().isoformat() for day in pd.to_datetime(rows["due_on"])],
            "expected_gain": rows["expected_gain"].round(2),
            "done_on": "",
            "result": "",
            "action_code": rows["action"],
            "owner_code": rows["owner"],
            "channel_code": rows["channel"],
            "listed_on": as_of.isoformat(),
        }
    )

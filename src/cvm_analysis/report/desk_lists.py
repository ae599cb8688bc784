"""The lists the desk works from: customers due, planned actions, segments.

Each is a table of words, numbers and dates, from which a CSV file and a sheet of a workbook are
made; its columns are headed by what `columns` in the texts says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pandas as pd

from cvm_analysis import tables
from cvm_analysis.churn import watchlist
from cvm_analysis.report import risk_drivers, strategy
from cvm_analysis.report.writer import Writer
from cvm_analysis.strategy.segment_strategies import select_planned

ORDER = ["owner", "due_on", "customer_id", "rank"]
PLACES = ("city", "store")  # of a customer, where recorded
DIGITS = {"money": 2, "share": 4, "number": 2}  # of figures, by their kind
SEGMENT = (
    *("n_customers", "share_customers", "net_sales", "expected_margin", "share_expected_margin"),
    *("mean_expected_margin", "repeat_share", "mean_days_since_last"),
)


def make(
    writer: Writer,
    by_name: Mapping[str, pd.DataFrame],
    by_segment: pd.DataFrame,
    refused: pd.Series,
    as_of: dt.date,
) -> dict[str, pd.DataFrame]:
    """Make all lists: name -> list.

    by_name : tables customers, segments, churn, actions, strategy and next_products
    by_segment : one row per segment, as strategy.segment_figures.summary
    refused : channels that customers refused, as strategy.consent.find_refused
    """
    customers, planned = by_name["customers"], by_name["actions"]
    people = customers.join(by_name["segments"][["segment"]])
    return {
        "watchlist": customers_due(writer, by_name["churn"], people, planned, refused, as_of),
        "actions": actions(writer, planned, customers, by_name["next_products"], as_of),
        "segments": segments(writer, by_segment, by_name["strategy"]),
    }


def customers_due(
    writer: Writer,
    churn: pd.DataFrame,
    customers: pd.DataFrame,
    actions: pd.DataFrame,
    refused: pd.Series,
    as_of: dt.date,
) -> pd.DataFrame:
    """List all customers of the watch list, the most to lose first.

    churn, customers, actions : tables of these names; customers with segment
    refused : channels that customers refused, by customer_id

    Returns
    -------
    One row per customer: rank, customer_id, city and store where recorded, customer_type, segment;
    days_since_last against usual_gap_days; days_overdue since next_order_on, empty if not yet due;
    last_order, contact_on; net_sales_365d, sales_change, churn_risk, margin_at_stake; reasons;
    no_marketing_by, the channels the customer refused; action, first_step, owner and due_on of the
    first planned action. A customer in the control
    group of an action is marked, as a contact would spoil the test.
    """
    listed = watchlist.top_n(churn, len(churn)).join(
        customers.drop(columns=[*churn], errors="ignore")
    )
    listed = strategy.add_first_action(listed, actions)
    say, today = writer.say, pd.Timestamp(as_of)
    last, due = pd.to_datetime(listed["last_order"]), pd.to_datetime(listed["next_order_on"])
    late = (today - due).dt.days
    rows = listed.to_dict("records")
    found = pd.DataFrame(
        {
            "rank": listed["rank"],
            "customer_id": listed.index,
            **{place: listed[place].fillna("") for place in PLACES if place in listed},
            "customer_type": [say(f"types.{code}") for code in listed["customer_type"]],
            "segment": [say(f"segments.{code}") for code in listed["segment"]],
            "days_since_last": listed["days_since_last"],
            "usual_gap_days": (due - last).dt.days,
            "days_overdue": late.where(late > 0),
            "last_order": last,
            "next_order_on": due,
            "contact_on": pd.to_datetime(listed["contact_on"]),
            "net_sales_365d": listed["net_sales_365d"],
            "sales_change": listed["sales_change"],
            "churn_risk": listed["churn_risk"],
            "margin_at_stake": listed["margin_at_stake"],
            "reasons": [risk_drivers.describe(row, say, writer.currency) for row in rows],
            "no_marketing_by": _channels(writer, refused.reindex(listed.index)),
            "action": _actions(writer, listed["action"], actions),
            "first_step": _words(writer, "action_steps", listed["action"]),
            "owner": _words(writer, "owners", listed["owner"]),
            "due_on": pd.to_datetime(listed["due_on"]),
        }
    )
    return _rounded(found.reset_index(drop=True))


def _channels(writer: Writer, codes: pd.Series) -> list[str]:
    """Name the channels of each customer; an empty text where there are none."""
    say = writer.say
    return [say.listed(say(f"channels.{code}") for code in row) for row in codes.fillna("")]


def _actions(writer: Writer, first: pd.Series, actions: pd.DataFrame) -> list[str]:
    """Name the first action of each customer; of a control group, which one not to do."""
    say, flat = writer.say, actions.reset_index().sort_values("rank")
    control = flat[flat["in_plan"].astype(bool) & (flat["arm"] == "control")]
    kept = control.drop_duplicates("customer_id").set_index("customer_id")["action"]
    names = _words(writer, "actions", first)
    spared = _words(writer, "actions", kept.reindex(first.index))
    return [
        name or (say("report.lists.control", action=other) if other else "")
        for name, other in zip(names, spared, strict=True)
    ]


def _words(writer: Writer, section: str, codes: pd.Series) -> list[str]:
    return ["" if pd.isna(code) else writer.say(f"{section}.{code}") for code in codes]


def _rounded(found: pd.DataFrame) -> pd.DataFrame:
    """Round figures by the kind of their column."""
    numbers = found.select_dtypes("float").columns
    return found.round({name: DIGITS.get(tables.kind(name), 0) for name in numbers})


def actions(
    writer: Writer,
    actions: pd.DataFrame,
    customers: pd.DataFrame,
    next_products: pd.DataFrame,
    as_of: dt.date,
) -> pd.DataFrame:
    """List the planned actions in words, by owner and date; control groups are not on it.

    actions, customers, next_products : tables of these names

    Returns
    -------
    One row per customer and action: customer_id, city where recorded, action, first_step, message,
    reason, owner, channel, due_on, expected_gain; done_on and result, empty, to be filled in;
    action_code, owner_code, channel_code and listed_on, by which `contact_log` reads it back.
    """
    say = writer.say
    rows = select_planned(actions).reset_index().sort_values(ORDER, ignore_index=True)
    products = next_products.reset_index()
    first = products[products["rank"] == 1].set_index("customer_id")
    rows["because_of"] = rows["customer_id"].map(first["because_of"])
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
            "due_on": pd.to_datetime(rows["due_on"]),
            "expected_gain": rows["expected_gain"].round(2),
            "done_on": "",
            "result": "",
            "action_code": rows["action"],
            "owner_code": rows["owner"],
            "channel_code": rows["channel"],
            "listed_on": pd.Timestamp(as_of),
        }
    )


def segments(writer: Writer, figures: pd.DataFrame, strategy: pd.DataFrame) -> pd.DataFrame:
    """List the segments, the highest expected margin first, and what to do for each.

    figures : one row per segment, as strategy.segment_figures.summary; strategy : its table

    Returns
    -------
    One row per segment: segment, SEGMENT, the first action by net gain, and the contacts, cost and
    net_gain of all its planned actions; empty for a segment too small to be shown.
    """
    flat = strategy.reset_index()
    own = flat[flat["scheme"] == "segment"].set_index("class")
    first = own[own["rank"] == 1]["action"].reindex(figures.index)
    whole = own[own["rank"] == 0][["n_contacts", "cost", "net_gain"]].reindex(figures.index)
    found = figures[list(SEGMENT)].join(whole)
    found.insert(0, "segment", [writer.say(f"segments.{code}") for code in figures.index])
    found.insert(len(SEGMENT) + 1, "action", _words(writer, "actions", first))
    return _rounded(found.reset_index(drop=True))

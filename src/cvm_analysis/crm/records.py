"""The records of a region from its report's tables, in words.

customers : one row per customer; tasks : the planned actions, as the desk's list has them; members
of marketing lists : planned marketing actions of customers who agreed, or need not agree. Control
groups are in none of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

import pandas as pd

from cvm_analysis.report import desk_lists
from cvm_analysis.report.writer import Writer
from cvm_analysis.strategy.catalogue import MARKETING
from cvm_analysis.strategy.consent import GIVEN, NOT_NEEDED
from cvm_analysis.strategy.segment_strategies import select_planned
from cvm_analysis.texts import Words

Tables = Mapping[str, pd.DataFrame]
SECTIONS = {  # of the texts, by column of codes
    **{"customer_type": "types", "segment": "segments", "grade": "grades"},
    **dict.fromkeys(("frequency", "amount", "loyalty", "life_cycle"), "classes"),
    **{"next_action": "actions", "next_owner": "owners"},
}
TAGS = ("segment", "life_cycle", "loyalty")  # whose words are tags; and the watch list


def make(writer: Writer, tables: Tables, region: str, as_of: dt.date) -> dict[str, pd.DataFrame]:
    """Make the records of a region: kind -> table with the columns of `fields.FIELDS`.

    tables : customers, segments, value, churn, actions and next_products, each indexed by its key;
        region : its name
    """
    members = _members(writer.say, tables["actions"], as_of)
    return {
        "customers": _customers(writer.say, tables, region),
        "tasks": _tasks(writer, tables, as_of),
        "lists": _lists(members),
        "members": members,
    }


def _customers(say: Words, tables: Tables, region: str) -> pd.DataFrame:
    people, churn = tables["segments"], tables["churn"]
    figures = tables["value"][["expected_margin"]].join(
        churn[["margin_at_stake", "churn_risk", "list_priority"]], how="outer"
    )
    found = people.join(figures).join(_next_actions(tables["actions"]))
    found["churn_risk"] = 100 * found["churn_risk"]
    found["next_product"] = _next_products(tables["next_products"]).reindex(found.index)
    for column, section in SECTIONS.items():
        found[column] = _say_codes(say, section, found[column])
    found["next_product"] = _translate(
        found["next_product"], lambda name: say.level("product", name)
    )
    due = say("report.lists.watchlist")
    tags = found[list(TAGS)].assign(due=found["list_priority"].notna().map({True: due, False: ""}))
    found["tags"] = [tuple(filter(None, dict.fromkeys(row))) for row in tags.to_numpy()]
    return found.assign(region=region).reset_index()


def _next_actions(actions: pd.DataFrame) -> pd.DataFrame:
    """The first planned action of each customer."""
    planned = select_planned(actions).reset_index().sort_values(["customer_id", "rank"])
    first = planned.drop_duplicates("customer_id").set_index("customer_id")
    named = {"action": "next_action", "owner": "next_owner", "due_on": "next_due_on"}
    return first[list(named)].rename(columns=named)


def _next_products(found: pd.DataFrame) -> pd.Series:
    """The first product of each customer."""
    first = found.reset_index().sort_values(["customer_id", "rank"])
    return first.drop_duplicates("customer_id").set_index("customer_id")["product"]


def _tasks(writer: Writer, tables: Tables, as_of: dt.date) -> pd.DataFrame:
    tasks = desk_lists.actions(
        writer, tables["actions"], tables["customers"], tables["next_products"], as_of
    )
    return tasks.assign(
        task_id=tasks["customer_id"] + "-" + tasks["action_code"] + f"-{as_of:%Y%m%d}"
    )


def _members(say: Words, actions: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    rows = select_planned(actions).reset_index()
    agreed = rows["consent"].isin([GIVEN, NOT_NEEDED])
    rows = rows[agreed & (rows["kind"] == MARKETING)].sort_values(["action", "channel"])
    rows = rows.rename(columns={"action": "action_code", "channel": "channel_code"})
    action = _say_codes(say, "actions", rows["action_code"])
    channel = _say_codes(say, "channels", rows["channel_code"])
    return rows.assign(
        list_id=rows["action_code"] + "-" + rows["channel_code"],
        list_name=action + " - " + channel,
        arm="treated",
        listed_on=pd.Timestamp(as_of),
    )


def _lists(members: pd.DataFrame) -> pd.DataFrame:
    by = ["list_id", "list_name", "action_code", "channel_code"]
    return members.groupby(by).size().rename("n_members").reset_index()


def add_up(parts: list[dict[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    """Put the records of regions together; a marketing list is that of all regions."""
    records = {kind: pd.concat([p[kind] for p in parts], ignore_index=True) for kind in parts[0]}
    return records | {"lists": _lists(records["members"])}


def _say_codes(say: Words, section: str, codes: pd.Series) -> pd.Series:
    return _translate(codes, lambda code: say(f"{section}.{code}"))


def _translate(codes: pd.Series, say: Callable[[str], str]) -> pd.Series:
    """Say each code in words, each distinct one once; an empty one is an empty text."""
    numbers, distinct = pd.factorize(codes)
    said = pd.array([*(say(code) for code in distinct), ""], dtype=object)
    return pd.Series(said[numbers], codes.index, dtype=object)

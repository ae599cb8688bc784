"""A small business with published reports made by hand, for the tests of exports to a CRM.

Two regions, n (a customer for each situation) and s. Owners and actions are those of
config/strategies.yaml.
"""

import json

import pandas as pd
from published_reports import publish
from small_business import NAMED, write

from cvm_analysis.intake.pseudonyms import pseudonyms
from cvm_analysis.settings import load

KEY = "a key for tests, no secret"
DAY = "2025-12-31"
RAW = [f"{1380000 + i}" for i in range(16)]  # 12 of region n, 4 of region s
IDS = pseudonyms(RAW, KEY.encode())
NORTH, SOUTH = IDS[:12], IDS[12:]
SALES = "customer_id,ordered_at,amount,sold_in\n" + "".join(
    f"{raw},2025-{month:02}-15,{10 + i},{'Nord' if i < 12 else 'Sud'}\n"
    for i, raw in enumerate(RAW)
    for month in (1, 7, 11)
)
# customer (number), action, rank, kind, channel, owner, arm, consent, in_plan
ACTIONS = [
    *((i, "call_overdue", 1, "marketing", "phone", "stores", "treated", "given", True)
      for i in range(8)),
    (8, "call_overdue", 1, "marketing", "phone", "stores", "control", "given", True),
    (9, "call_overdue", 1, "marketing", "phone", "stores", "treated", "given", False),
    (10, "call_overdue", 1, "marketing", "phone", "stores", "treated", "not_recorded", True),
    (0, "close_complaint", 2, "recovery", "phone", "service", "", "not_needed", True),
    (12, "call_overdue", 1, "marketing", "phone", "stores", "treated", "given", True),
    (13, "second_purchase_offer", 1, "marketing", "sms", "marketing", "", "given", True),
    (14, "close_complaint", 1, "recovery", "phone", "service", "", "not_needed", True),
]  # fmt: skip


def business(folder, **more):
    """Write the files of the business and its reports; its settings are given."""
    config = write(folder, NAMED, {"sales.csv": SALES}, pseudonyms="on", **more)
    config.write_text(f"exports: exports\n{config.read_text('utf-8')}", "utf-8")
    (folder / "reports").mkdir()
    publish_tables(folder / "reports", "n", tables(NORTH))
    publish_tables(folder / "reports", "s", tables(SOUTH))
    return load(config)


def publish_tables(out, region, by_name, day=DAY):
    """Publish a report with these tables."""
    names = {"n": {"en": "North", "zh": "北"}, "s": {"en": "South", "zh": "南"}}[region]
    more = {"names": names, "business": "Small", "timezone": "UTC"}
    folder = publish(out, region, day, **more)
    (folder / "desk" / "tables").mkdir(parents=True)
    for name, table in by_name.items():
        table.to_parquet(folder / "desk" / "tables" / f"{name}.parquet", index=False)
    return folder


def tables(ids, day=DAY, **products):
    """The tables of a report; products : customer number -> next product."""
    number = {each: i for i, each in enumerate(IDS)}
    n = [number[each] for each in ids]
    people = pd.DataFrame({"customer_id": ids})
    segments = people.assign(
        **{"customer_type": "retail", "segment": "champions", "grade": "A", "rfm": "champions"},
        **{"frequency": "high", "amount": "mid", "loyalty": "loyal", "life_cycle": "mature"},
    )
    return {
        "customers": people.assign(city="=Rome", n_orders=3),
        "segments": segments,
        "value": people.assign(expected_margin=[100.4 + i for i in n], margin_at_stake=1.0),
        "churn": people.assign(
            margin_at_stake=[10.0 * i for i in n],
            churn_risk=[i / 100 for i in n],
            list_priority=[1.0 if i % 2 else None for i in n],
        ),
        "actions": actions(ids, day),
        "next_products": _products(products),
    }


def actions(ids, day=DAY):
    """Table `actions` of these customers."""
    columns = ["n", "action", "rank", "kind", "channel", "owner", "arm", "consent", "in_plan"]
    rows = pd.DataFrame(ACTIONS, columns=columns)
    rows.insert(0, "customer_id", [IDS[i] for i in rows.pop("n")])
    rows = rows[rows["customer_id"].isin(ids)]
    due = pd.Timestamp(day) + pd.Timedelta(days=14)
    more = {"reason": "days_since_last", "reason_value": 60.0, "reason_text": None}
    more |= {"due_on": due, "expected_gain": 12.3, "cost": 2.0, "measure": "margin"}
    more |= {"window_days": 90, "window_base": 50.0, "forecast": 40.0, "evidence": "assumed"}
    return rows.assign(**more)


def _products(products):
    rows = [(IDS[int(n.removeprefix("c"))], 1, name) for n, name in products.items()]
    return pd.DataFrame(rows, columns=["customer_id", "rank", "product"]).assign(because_of="x")


def manifest(link):
    return json.loads((link / "run.json").read_text())

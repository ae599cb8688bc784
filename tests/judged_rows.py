"""Hand-made rows of a raw table, judged by its rules."""

import datetime as dt
from io import StringIO

import ibis
import pandas as pd

from cvm_analysis.intake import parsing, rules, table_rules

DAY = dt.date(2026, 1, 1)
ACTIONS = ("call", "letter")


def judged(duplicates="quarantine", formats=None, **columns):
    n = len(next(iter(columns.values())))
    raw = pd.DataFrame(
        {
            "file": "f.csv",
            "line": range(2, n + 2),
            "repeated": False,
            "ragged": False,
            "customer_id": "c",
            "ordered_at": "2025-03-04",
            "amount": "1",
        }
        | columns
    )
    table = parsing.parse_columns(ibis.memtable(raw), "transactions", formats or {})
    repeated = ibis.memtable(raw[["line", "repeated"]])
    table = table.join(repeated, "line")
    table = table.mutate(region=ibis.literal("east"), counted_in=ibis.literal("east"))
    return rules.apply(table, table_rules.rules_for("transactions", DAY, duplicates))


def judged_file(text, table):
    """Every row of a file of a table, by line, with what was counted and rejected."""
    raw = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)
    repeated = raw.duplicated()
    raw = raw.assign(file="f.csv", line=raw.index + 2, ragged=False, repeated=repeated)
    rows = parsing.parse_columns(ibis.memtable(raw), table, {})
    rows = rows.join(ibis.memtable(raw[["line", "repeated"]]), "line")
    rows = rows.mutate(region=ibis.literal("east"), counted_in=ibis.literal("east"))
    asked = table_rules.rules_for(table, DAY, actions=ACTIONS)
    checked = rules.apply(rows, asked)
    counted = rules.count(checked, asked, table).set_index(["region", "check"]).loc["all"]
    bad = rules.quarantine(checked, asked).to_pandas().set_index("line").sort_index()
    return checked.to_pandas().set_index("line"), counted, bad

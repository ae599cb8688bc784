"""What decides which rows are accepted: a rule judges every row of a table.

A rule of level `error` sends the row to quarantine; `filter` leaves it out as the config asks;
`warn` accepts it (the cell is empty); `info` only counts. A row that breaks several rules is
excluded under the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import ibis
import pandas as pd
from ibis import ir

from cvm_analysis.tables import ALL, own

ANYWHERE = ("mentions",)  # tables whose rows may have no region; those count for `all` alone
PLACES = ("sold_in", "region")  # columns that say where a row belongs
# Columns that stay as they are while cells are parsed.
CARRIED = (
    *("nth", "row", "key", "ragged"),
    *("left_out", "refund_share", "currency", "unmatched"),
)
Level = Literal["error", "filter", "warn", "info"]
Broken = Callable[[ir.Table], ir.BooleanValue]  # whether rows break a rule
EXCLUDED = ("error", "filter")  # levels of rows that are not accepted


class Rule(NamedTuple):
    """A rule: its name, its column, its level, and when a row breaks it."""

    name: str
    column: str
    level: Level
    broken: Broken


def counting(t: ir.Table) -> list[str]:
    """What parts rows that count from rows that are left out: these repeat none that counts."""
    return ["left_out"] if "left_out" in t.columns else []


def repeats(*columns: str) -> Broken:
    """Whether a row is equal to an earlier one in these columns."""

    def broken(t: ir.Table) -> ir.BooleanValue:
        order = ibis.window(group_by=[*columns, *counting(t)], order_by=["file", "line"])
        return ibis.row_number().over(order) > 0

    return broken


def apply(rows: ir.Table, rules: list[Rule]) -> ir.Table:
    """Add `rule`: the name of the first rule that excludes a row, empty if accepted.

    Also `breaks <rule>` for each other rule. Of rows that will be accepted the texts of the cells
    are not kept.
    """
    errors = [rule for rule in rules if rule.level in EXCLUDED]
    others = [rule for rule in rules if rule.level not in EXCLUDED]
    broken = {f"_{i}": rule.broken(rows).fill_null(False) for i, rule in enumerate(errors)}
    found = {_breaks(rule): rule.broken(rows).fill_null(False) for rule in others}
    marked = rows.mutate(**broken, **found)
    cases = [(marked[f"_{i}"], rule.name) for i, rule in enumerate(errors)]
    judged = marked.mutate(rule=ibis.cases(*cases, else_=ibis.null("string"))).drop(*broken)
    is_shown = judged.rule.notnull()
    place = next((name for name in PLACES if name in judged.columns), None)
    is_shown |= judged[place].isnull() if place else True  # may yet be without a region
    texts = {f"{name}_text": _cell_text(judged, name) for name in judged.columns
             if f"{name}_text" in judged.columns}  # fmt: skip
    return judged.mutate(**{c: ibis.ifelse(is_shown, text, None) for c, text in texts.items()})


def _cell_text(rows: ir.Table, name: str) -> ir.StringValue:
    """The text of a cell; of a typed one that could be read, its value."""
    text = rows[f"{name}_text"]
    return text if rows[name].type().is_string() else text.coalesce(rows[name].cast("string"))


def _breaks(rule: Rule) -> str:
    return f"breaks {rule.name}"


def count(checked: ir.Table, rules: list[Rule], table: str) -> pd.DataFrame:
    """Count the rows that break each rule: one row per region and rule, and per rule of `all`.

    Columns as table `quality`, and region. A rule of level error or filter counts the rows that it
    excludes; warn and info count accepted rows. A row is counted in the region `counted_in`;
    without one, only in `all`.
    """
    accepted = checked.rule.isnull()
    broken = {
        rule.name: (checked.rule == rule.name)
        if rule.level in EXCLUDED
        else _is_broken(checked, rule) & accepted
        for rule in rules
    }
    found = {name: each.fill_null(False) for name, each in broken.items()}
    is_read = ~checked.refunded if "refunded" in checked.columns else ibis.literal(True)
    marked = checked.select("counted_in", is_read=is_read, **found)
    sums = (
        marked.group_by(region=marked.counted_in)
        .aggregate(n_read=marked.is_read.sum(), **{name: marked[name].sum() for name in broken})
        .to_pandas()
        .set_index("region")
    )
    regions = sums[sums.index.notna()].sort_index()
    whole = sums.sum().to_frame(ALL).T
    return pd.DataFrame(
        [
            (
                region,
                r.name,
                table,
                own.outside(r.column),
                r.level,
                n[r.name],
                n[r.name] / n["n_read"],
            )
            for region, n in pd.concat([whole, regions]).astype(int).iterrows()
            for r in rules
        ],
        columns=["region", "check", "table", "column", "level", "n_rows", "share"],
    )


def _is_broken(checked: ir.Table, rule: Rule) -> ir.BooleanValue:
    """Whether rows break a rule: as `apply` found, or one that was added since."""
    known = _breaks(rule)
    return checked[known] if known in checked.columns else rule.broken(checked)


def quarantine(checked: ir.Table, rules: list[Rule]) -> ir.Table:
    """One row per rejected line: file, line, rule, column, value; ids are not shown."""
    left_out = [rule.name for rule in rules if rule.level == "filter"]
    bad = checked.filter(checked.rule.notnull(), ~checked.rule.isin(left_out))
    columns = ibis.cases(*((bad.rule == rule.name, own.outside(rule.column)) for rule in rules))
    shown = [rule for rule in rules if rule.column not in ("customer_id", "line")]
    shown = [rule for rule in shown if f"{rule.column}_text" in bad.columns]
    values = ibis.cases(
        *((bad.rule == rule.name, bad[f"{rule.column}_text"]) for rule in shown),
        else_=ibis.null("string"),
    )
    return bad.select("file", "line", "rule", column=columns, value=values)

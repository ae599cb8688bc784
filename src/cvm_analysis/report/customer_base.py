"""The customer base by demographics: one table per attribute that is recorded."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts.groups import name_group

SHOWN = {"n_customers": "number", "share_customers": "percent", "net_sales_365d": "money"}
SHOWN |= {"share_net_sales": "percent", "active_share": "percent"}


def chapter(writer: Writer, base: pd.DataFrame, min_shown: int) -> Block:
    """Show how many customers of each group there are, and what they bought.

    base : as segments.customer_base.describe with this min_shown
    """
    attributes = base.index.get_level_values("attribute").unique()
    if attributes.empty:
        least = writer.say.count("customers", min_shown)
        return writer.note("report.customer_base.nothing_recorded", customers=least)
    return blocks.join([_table(writer, base.loc[name], str(name)) for name in attributes])


def _table(writer: Writer, groups: pd.DataFrame, attribute: str) -> Block:
    """One row per group of an attribute, under its name."""
    say = writer.say
    names = [name_group(say, attribute, str(code)) for code in groups.index]
    return blocks.table(
        groups.set_axis(pd.Index(names)),
        SHOWN,
        say,
        writer.currency,
        labels={"active_share": say("report.customer_base.active_share")},
        id=f"base-{attribute}",
        caption=_name(writer, attribute),
    )


def _name(writer: Writer, attribute: str) -> str:
    """Name an attribute; one of the business's own as the config calls it, else by its header."""
    say = writer.say
    keys = (f"report.customer_base.attributes.{attribute}", f"columns.{attribute}")
    return next((say(key) for key in keys if key in say), say.measure(attribute))

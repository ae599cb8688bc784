"""Differences between segments, in sentences."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from cvm_analysis.churn import by_segment
from cvm_analysis.report import blocks
from cvm_analysis.report import risk_drivers as risk_drivers_tables
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts import Words


def hazard_ratios(
    manager: Writer, table: pd.DataFrame, tested: pd.DataFrame, means: Collection[str] = ()
) -> Block:
    """Say which effects differ between segments; arguments as for `sentences`."""
    said = sentences(table, tested, manager.say, means)
    return blocks.join([blocks.note(text, manager.language) for text in said])


def sentences(
    table: pd.DataFrame, tested: pd.DataFrame, say: Words, means: Collection[str] = ()
) -> list[str]:
    """Say which effects differ between segments, and where the data are insufficient.

    Parameters
    ----------
    table : one row per segment and feature, as churn.by_segment.ratios
    tested : one row per feature, as churn.by_segment.differing
    means : features whose ratio is but a mean, over their values or over time; of those that differ
        it is said that this alone may be why
    """
    told = table.dropna(subset="hazard_ratio")
    silent = [code for code in table["segment"].unique() if code not in set(told["segment"])]
    too_few = [say(f"segments.{code}") for code in silent]
    if told.empty:
        few = say("leaving.by_segment.too_few", names=say.listed(too_few))
        return [few] if too_few else [say("leaving.by_segment.unsure")]
    unlike = by_segment.differing_features(tested)
    untested = tested.index[tested["p"].isna()]
    named = {
        "alike": [f for f in tested.index if f not in unlike and f not in untested],
        "untested": untested,
        "means": [f for f in unlike if f in means],
    }
    said = {
        code: [risk_drivers_tables.name(str(f), say) for f in codes]
        for code, codes in named.items()
    }
    listed = {key: say.listed(names) for key, names in (said | {"too_few": too_few}).items()}
    rows = say.listed(_row(told[told["feature"] == f], tested.loc[f], say) for f in unlike)
    first = [say("leaving.by_segment.unlike", rows=rows)] if unlike else []
    more = [say(f"leaving.by_segment.{k}", names=names) for k, names in listed.items() if names]
    return first + more


def _row(told: pd.DataFrame, tested: pd.Series, say: Words) -> str:
    """Name a feature and the two segments that stand out most, each with its ratio."""
    ratios = told.set_index("segment")["hazard_ratio"]
    slowest, fastest = tested["slowest"], tested["fastest"]
    return say(
        "leaving.by_segment.row",
        feature=risk_drivers_tables.name(str(tested.name), say),
        slowest=say(f"segments.{slowest}"),
        low=say.number(ratios[slowest], 2),
        fastest=say(f"segments.{fastest}"),
        high=say.number(ratios[fastest], 2),
    )

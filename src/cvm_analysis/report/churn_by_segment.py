"""Differences between segments, in sentences."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from cvm_analysis.churn import by_segment
from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts import Words


def hazard_ratios(
    writer: Writer, table: pd.DataFrame, tested: pd.DataFrame, means: Collection[str] = ()
) -> Block:
    """Say which effects differ between segments; arguments as for `sentences`."""
    said = sentences(table, tested, writer.say, means)
    return blocks.join([blocks.note(text, writer.language) for text in said])


def sentences(
    table: pd.DataFrame, tested: pd.DataFrame, say: Words, means: Collection[str] = ()
) -> list[str]:
    """Say which effects differ between segments, and where the data are insufficient.

    Parameters
    ----------
    table : one row per segment and feature, as churn.by_segment.ratios
    tested : one row per feature, as churn.by_segment.differing
    means : features whose ratio is an average over their values or over time, which alone may
        explain a difference
    """
    estimated = table.dropna(subset="hazard_ratio")
    absent = pd.Index(table["segment"].unique()).difference(estimated["segment"], sort=False)
    too_few = [say(f"segments.{code}") for code in absent]
    if estimated.empty:
        few = say("report.churn_by_segment.too_few", names=say.listed(too_few))
        return [few] if too_few else [say("report.churn_by_segment.unsure")]
    differing = by_segment.differing_features(tested)
    untested = tested.index[tested["p"].isna()]
    groups = {
        "alike": [f for f in tested.index if f not in differing and f not in untested],
        "untested": untested,
        "means": [f for f in differing if f in means],
    }
    names = {key: [say.feature(str(f), step=False) for f in g] for key, g in groups.items()}
    listed = {key: say.listed(each) for key, each in (names | {"too_few": too_few}).items()}
    by_feature = {f: estimated[estimated["feature"] == f] for f in differing}
    rows = say.listed(_row(ratios, tested.loc[f], say) for f, ratios in by_feature.items())
    first = [say("report.churn_by_segment.differing", rows=rows)] if differing else []
    more = [
        say(f"report.churn_by_segment.{k}", names=names) for k, names in listed.items() if names
    ]
    return first + more


def _row(table: pd.DataFrame, tested: pd.Series, say: Words) -> str:
    """Name a feature and the two segments that stand out most, each with its ratio."""
    ratios = table.set_index("segment")["hazard_ratio"]
    slowest, fastest = tested["slowest"], tested["fastest"]
    return say(
        "report.churn_by_segment.row",
        feature=say.feature(str(tested.name), step=False),
        slowest=say(f"segments.{slowest}"),
        low=say.number(ratios[slowest], 2),
        fastest=say(f"segments.{fastest}"),
        high=say.number(ratios[fastest], 2),
    )

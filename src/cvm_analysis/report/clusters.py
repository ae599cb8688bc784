"""Clusters in tables and sentences: measures, number, stability and members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from cvm_analysis.report import blocks, cluster_words
from cvm_analysis.report.blocks import Block
from cvm_analysis.report.writer import Writer
from cvm_analysis.segments.clusters import tables
from cvm_analysis.segments.clusters.assignment import Clusters
from cvm_analysis.segments.clusters.names import Matched


def formed_by(writer: Writer, used: Iterable[str], left_out: Mapping[str, str]) -> Block:
    """Say which measures form the clusters, which were left out, and why."""
    return blocks.note(cluster_words.formed_by(used, left_out, writer.say), writer.language)


def scanned_k(writer: Writer, table: pd.DataFrame) -> Block:
    """Show one row per number of clusters tested; table as `Clusters.table`."""
    formats = {"silhouette": "number:2", "null_silhouette": "number:2", "smallest": "number"}
    return writer.table(table.set_axis(table.index.astype(str)), formats)


def structure(writer: Writer, found: Clusters) -> Block:
    """Say whether the clusters are distinct groups, or why there is only one."""
    if found.k == 1:
        return writer.notes(found.notes)
    code, show = ("structure", blocks.note) if found.is_structure else ("cut", blocks.warning)
    figures = {"silhouette": found.silhouette, "bar": found.threshold}
    written = {name: writer.say.number(value, 2) for name, value in figures.items()}
    return show(writer.say(f"report.clusters.{code}", **written), writer.language)


def rules(writer: Writer, figures: pd.DataFrame, value: pd.Series | None = None) -> Block:
    """Show one row per cluster: rule in words, size, money, precision and stability.

    figures : table `cluster_summary`; value : of each cluster, in the currency, where known
    """
    say = writer.say
    said = [cluster_words.rule(each, say, writer.currency) for each in tables.conditions(figures)]
    table = figures.assign(rule=said)
    if value is not None:
        table["expected_margin"] = value
    table.index = pd.Index([cluster_words.name(code, say) for code in table.index])
    money = {c: "money" for c in ("net_sales", "expected_margin") if c in table}
    trust = {"precision": "percent", "stability": "words:report.clusters.stability"}
    shown = {"rule": "text", **trust, "n_customers": "number", **money}
    return writer.table(table, shown, id="clusters")


def renamed(writer: Writer, matched: Matched) -> Block:
    """Show the shift of each cluster since the earlier date, and the share of members retained."""
    table = matched.matches.set_axis(
        [cluster_words.name(code, writer.say) for code in matched.matches.index]
    )
    formats = {"distance": "number:2", "retained_share": "percent"}
    return writer.table(table, formats)

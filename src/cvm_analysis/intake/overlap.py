"""Files that cover the same days: found, and taken once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
from ibis import ir

from cvm_analysis.errors import InputError
from cvm_analysis.intake.status import IN_NEWER_FILE

SHARED = 0.5  # of the rows of common days that two files share: more, and one repeats the other
MIN_SHARED = 20  # rows
SAME = ("customer_id", "order_id", "product_id", "product", "amount")  # alike in both files


def leave_older_out(con: Any, rows: ir.Table, files: Sequence[str], name: str) -> ir.Table:
    """Of each day that several of `files` cover, leave out all but the newest file's rows.

    The newest file is the one with the latest row; of several, the last by name. `name` is that of
    a table that is created.
    """
    dated = rows.filter(rows.file.isin(files), rows.ordered_at.notnull())
    days = dated.group_by("file", day=dated.ordered_at.date()).aggregate(
        latest=dated.ordered_at.max()
    )
    last = days.group_by("file").aggregate(last=days.latest.max())
    order = ibis.window(group_by="day", order_by=[ibis.desc("last"), ibis.desc("file")])
    ranked = days.join(last, "file").mutate(nth=ibis.row_number().over(order))
    older = ranked.filter(ranked.nth > 0).select(older_file="file", older_day="day")
    older = con.create_table(name, older.to_pyarrow())
    on = [rows.file == older.older_file, rows.ordered_at.date() == older.older_day]
    joined = rows.left_join(older, on)
    repeated = joined.older_file.notnull().ifelse(ibis.literal(IN_NEWER_FILE), None)
    return joined.mutate(left_out=joined.left_out.coalesce(repeated)).drop(*older.columns)


def refuse_repeated(rows: ir.Table, files: Sequence[str]) -> None:
    """Raise InputError if two of `files` repeat each other on common days.

    They do if more than SHARED of the rows that the smaller one has on those days are in both.
    """
    dated = rows.filter(rows.file.isin(files), rows.ordered_at.notnull())
    counting = dated.filter(dated.left_out.isnull())
    cells = [counting[name].cast("string").fill_null("") for name in SAME]
    key = ibis.literal("\x1f").join([counting.ordered_at.cast("string"), *cells])
    lines = counting.select("file", day=counting.ordered_at.date(), key=key.hash()).distinct()
    per_day = lines.group_by("file", "day").aggregate(n=lines.count())
    other = per_day.view()
    both = per_day.join(other, [per_day.day == other.day, per_day.file < other.file])
    common = both.group_by(a="file", b="file_right").aggregate(
        n=ibis.least(both.n.sum(), both.n_right.sum()),
        n_days=both.count(),
        first=both.day.min(),
        last=both.day.max(),
    )
    twin = lines.view()
    same = lines.join(twin, [lines.key == twin.key, lines.file < twin.file])
    shared = same.group_by(a="file", b="file_right").aggregate(n_shared=same.count())
    found = common.join(shared, ["a", "b"])
    found = found.filter(found.n_shared >= MIN_SHARED, found.n_shared > SHARED * found.n)
    pairs = found.order_by("a", "b").to_pandas()
    if len(pairs):
        said = [
            f"{row.b}: {row.n_shared:,} of {row.n:,} rows are in {row.a}, too, on {row.n_days:,} "
            f"days from {str(row.first)[:10]} to {str(row.last)[:10]}"
            for row in pairs.itertuples()
        ]
        raise InputError(
            "\n".join(said) + "\n  take such days once: make the files one source by a pattern "
            "(files: sales_*.csv) with `overlap: newest`; or `overlap: keep` if they are right"
        )

"""Draft horizons that the files are long enough for, and the margin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from cvm_analysis.churn.lapse import Churn
from cvm_analysis.clv.value import Value
from cvm_analysis.draft.infer import Guess
from cvm_analysis.draft.preview import Dates
from cvm_analysis.draft.yaml_comments import line

WEEK = 7
DATED = {"transactions": "ordered_at", "contracts": "started_on"}


def horizons(main: Sequence[Guess]) -> Iterator[str]:
    """Write `value` and, for a short log, `churn`.

    A forecast is tested on a past period of its length, with as long a one before it: its horizon
    is at most half of the log. Churn is learnt at several days: at most a third. The holdout of
    grades is a quarter.
    """
    default, span = Value(), _span(main)
    weeks = span.days // WEEK if span else 4 * default.holdout_weeks
    horizon = max(min(weeks // 2, default.horizon_weeks), 1)
    holdout = max(min(weeks // 4, default.holdout_weeks), 1)
    is_short = horizon < default.horizon_weeks
    length = f"the files span {weeks * WEEK if span is None else span.days} days"
    settings = f"horizon_weeks: {horizon}, holdout_weeks: {holdout}"
    if main and all("cost" in each.columns for each in main):
        yield line(f"value: {{{settings}}}", guessed=length if is_short else "")
    else:
        yield line(
            f"value: {{{settings}, margin: {default.margin:.2f}}}",
            guessed=length if is_short else "",
            check="margin, the share of spend that you keep; the files have no cost",
        )
    days = max(weeks * WEEK // 3, WEEK)
    if days < Churn().horizon_days:
        yield line(f"churn: {{horizon_days: {days}}}", guessed=length)


def _span(main: Sequence[Guess]) -> dt.timedelta | None:
    """From the first to the last date of the files; None if none is dated."""
    found = [dates for each in main if (dates := find_dates(each))]
    if not found:
        return None
    return max(each.last for each in found) - min(each.first for each in found)


def find_dates(each: Guess) -> Dates | None:
    """The dates of a file's rows, if they were found."""
    column = each.columns.get(DATED.get(each.table, ""))
    return column.dates if column else None

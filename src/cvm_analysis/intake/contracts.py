"""Contracts whose table holds tenure and status instead of dates, or not all contracts.

A tenure counts back from the last day that counts, on which those that ended are taken to have
ended: how long each lasted is right, the days themselves are not known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import ibis
import pandas as pd
from ibis import ir

from cvm_analysis.errors import LISTED, InputError
from cvm_analysis.settings import ContractSource, Settings

DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12}
ENDED, RUNNING = "ended", "running"
ADDED = {"started_on", "ended_on", "observed_from"}  # columns that `add_dates` fills


def replace_words(
    text: ir.Table, values: Mapping[str, Mapping[str, float]], decimal: str | None = None
) -> ir.Table:
    """Replace the words of a cell by the number they stand for, as text; others stay."""
    sign = "," if decimal == "comma" else "."
    coded = {
        column: text[column].strip().cases(
            *((word, f"{number:g}".replace(".", sign)) for word, number in meant.items()),
            else_=text[column],
        )
        for column, meant in values.items()
    }  # fmt: skip
    return text.mutate(**coded)


def read_tenure(rows: ir.Table, source: ContractSource) -> ir.Table:
    """Turn tenure into days and status into `ended` or `running`; add what the table covers.

    entry : days a contract had lasted before it would have been seen to end; recent_days : length
        of the last period, of dated contracts of recent leavers; both empty if not declared
    """
    tenure, unit = rows.tenure.cast("float64"), DAYS[source.time_in or "days"]
    status = rows.status.isin(source.ended).ifelse(ENDED, RUNNING)
    entry, recent_days = ibis.null("int64"), ibis.null("int64")
    if source.covers == "all":
        entry = ibis.literal(0, "int64")
    elif source.recent is not None:
        entry = ((tenure - source.recent).clip(lower=0) * unit).floor().cast("int64")
        recent_days = ibis.literal(int(source.recent * unit), "int64")
    return rows.mutate(
        tenure=(tenure * unit).floor().cast("int64"),
        status=rows.status.isnull().ifelse(ibis.null("string"), status),
        entry=entry,
        recent_days=recent_days,
    )


def check_status(rows: ir.Table, settings: Settings) -> None:
    """Raise InputError if a table of tenures holds no ended or no running contract."""
    known = rows.filter(rows.tenure.notnull(), rows.status.notnull())
    counted = known.status_text.value_counts(name="n").order_by("status_text").to_pandas()
    found = set(known.select("status").distinct().to_pandas()["status"])
    if len(counted) and len(found) < 2:
        words = ", ".join(_list_words(counted))
        raise InputError(
            f"{settings.where(settings.path, 'sources', 'contracts')}: all contracts of the "
            f"table of tenures are {found.pop()}; the status is {words}; name in `ended` the words "
            "of those that have ended"
        )


def _list_words(counted: pd.DataFrame) -> Iterator[str]:
    """The words of several contracts with their numbers; other cells may be personal."""
    known = counted[counted["n"] > 1]
    if len(known) > LISTED:
        yield f"one of {len(known):,} words, such as are no status"
        return
    yield from (f"'{word}' {n:,}" for word, n in known.itertuples(index=False))
    if others := len(counted) - len(known):
        yield f"{others:,} words that stand once"


def find_span(rows: ir.Table, extracted_on: dt.date) -> tuple[dt.date, dt.date]:
    """Find the first and last day of accepted contracts, for a business without sales.

    The last day is that of the last start or end by `extracted_on`; of tenures, `extracted_on`.
    """
    accepted = rows.filter(rows.rule.isnull())
    known_end = (accepted.ended_on <= extracted_on).ifelse(accepted.ended_on, ibis.null("date"))
    found = accepted.aggregate(
        first=accepted.started_on.min(),
        last=ibis.greatest(accepted.started_on.max(), known_end.max()),
        longest=accepted.tenure.max(),
    ).to_pandas()
    first, last, longest = (found.iloc[0][name] for name in ("first", "last", "longest"))
    days = [_date(day) for day in (first, last) if day == day and day is not None]
    if longest == longest and longest is not None:
        days += [extracted_on - dt.timedelta(days=int(longest)), extracted_on]
    return min(days), max(days)


def add_dates(rows: ir.Table, as_of: dt.date) -> ir.Table:
    """Fill the days of contracts given by tenure, and the day from which each was observed."""
    day = ibis.literal(as_of, "date")
    started = rows.started_on.coalesce(day - rows.tenure.as_interval("D"))
    ended = rows.ended_on.coalesce((rows.status == ENDED).ifelse(day, ibis.null("date")))
    entered = started + rows.entry.as_interval("D")
    window = day - rows.recent_days.as_interval("D")
    observed = rows.observed_from.coalesce(entered, window)
    return rows.mutate(started_on=started, ended_on=ended, observed_from=observed)


def _date(day: object) -> dt.date:
    return day.date() if isinstance(day, dt.datetime) else day  # type: ignore[return-value]

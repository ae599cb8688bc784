"""Open the prepared tables: of a region, of all, of all others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import ibis
import pandas as pd

from cvm_analysis import engine, opened
from cvm_analysis.prepared.region import Prepared, Where, to_pandas
from cvm_analysis.prepared.stamps import check_region, count_if_sampled, days, recorded
from cvm_analysis.queries import Queries
from cvm_analysis.settings import Settings
from cvm_analysis.tables import ALL, FROM_FILES, own

SAMPLE = "sample"  # the tables of some customers, from whom a very large company learns


def open(settings: Settings, region: str) -> Prepared:
    """Open the prepared tables of a region or of `all`; InputError lists the regions.

    Of `all` with more customers than can be analysed together, these are the tables of a sample of
    them: see `intake.company_sample`.
    """
    found: Prepared | None = opened.find(settings, region)
    return found or _open_region(settings, region)


def open_before_fork(settings: Settings, region: str) -> None:
    """Open tables for processes forked from this one, where `open` finds them; nothing is asked.

    On Spark each process opens its own.
    """
    if settings.business.engine is None:
        con = engine.connect_before_fork()
        tables = _open_region(settings, region, con)
        tables.compile_queries()
        opened.keep(settings, region, con, tables)


def _open_region(settings: Settings, region: str, con: Any = None) -> Prepared:
    n_customers = count_if_sampled(settings) if region == ALL else None
    if n_customers is None:
        return _open(
            settings, region, lambda table: (table.region == region) | (region == ALL), con=con
        )
    sample = _open(settings, ALL, lambda _: ibis.literal(value=True), SAMPLE, con)
    return replace(sample, n_in_company=n_customers)


def everyone(settings: Settings) -> Prepared:
    """Open the prepared tables of `all` with every customer, however many they are."""
    return _open(settings, ALL, lambda _: ibis.literal(value=True))


def other_regions(settings: Settings, region: str) -> Prepared:
    """Open the tables of all other regions, for partial pooling; none for `all`."""
    return _open(settings, region, lambda table: (table.region != region) & (region != ALL))


def _open(
    settings: Settings, region: str, where: Where, part: str = "", con: Any = None
) -> Prepared:
    """Open the rows of a region; con : None: a connection of their own."""
    stamp = recorded(settings)
    check_region(settings, region)
    first_day, last_day, extracted_on = days(stamp)
    if con is None:
        con = engine.connect(settings.business.engine, settings.prepared)

    def table(name: str, where: Where = where) -> Any:
        rows = engine.read(con, settings.prepared / part / name)
        if rows is None:
            return None
        added = own.to_outside(rows.columns)
        covered = [name for name in added if name in rows.columns]
        return rows.filter(where(rows)).drop(*covered).rename(added)

    tables = {name: table(name) for name in FROM_FILES}

    def load(name: str) -> pd.DataFrame:  # referrals of all regions: chains leave their region
        rows = table(name, lambda _: ibis.literal(value=True)) if name == "referrals" else None
        return to_pandas(name, tables[name] if rows is None else rows)

    return Prepared(
        region=region,
        names=stamp["regions"].get(region, {}),
        first_day=first_day,
        last_day=last_day,
        extracted_on=extracted_on,
        **tables,
        imported=stamp["imported"],
        folder=settings.prepared,
        queries=Queries(),
        experience=_experience(settings, load),
    )


def _experience(
    settings: Settings, load: Callable[[str], pd.DataFrame]
) -> Callable[[dt.date], pd.DataFrame]:
    """Measure the experience on a day as far as the config uses it; load : reads a raw table."""
    columns = settings.measures
    if not columns:
        none = pd.DataFrame(index=pd.Index([], name="customer_id", dtype=object))
        return lambda _: none
    from cvm_analysis.experience import measures  # loads scipy

    read, rules = cache(load), (settings.segments.period_days, settings.business.points)
    return cache(lambda day: measures.measure(read, columns, day, *rules))

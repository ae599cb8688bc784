"""The prepared tables of a region, as Ibis: what every analysis starts from."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cvm_analysis.errors import InputError
from cvm_analysis.settings import Settings
from cvm_analysis.tables import ALL, TABLES

if TYPE_CHECKING:
    import pandas as pd
    from ibis import ir

    from cvm_analysis.queries import Queries

STAMP = "prepared.json"


@dataclass(frozen=True)
class Prepared:
    """What `prepare` left for one region; `open` makes one.

    The tables are Ibis tables with a column region; all but `transactions` are None where the
    business (or the region) has no such records. `imported` names the imported figures of all
    regions; `quality` has one row per check of all raw files.
    """

    region: str
    names: dict[str, str]
    first_day: dt.date
    last_day: dt.date
    extracted_on: dt.date
    transactions: ir.Table
    customers_raw: ir.Table | None
    feedback: ir.Table | None
    contracts: ir.Table | None
    indicators: ir.Table | None
    imported: list[str]
    quality: pd.DataFrame
    queries: Queries

    def customers(self, date: dt.date) -> pd.DataFrame:
        """One row per customer as of a day, from what was known then; indexed by customer_id."""
        from cvm_analysis.customers import as_of

        def query(day: ir.DateValue) -> ir.Table:
            return as_of(self.transactions, day, self.customers_raw, self.feedback)

        return self.queries.ask(query, date).set_index("customer_id")

    def measures(self, date: dt.date) -> pd.DataFrame:
        """Join to customers(date) the imported figures known then, as `indicators.<name>`."""
        from cvm_analysis.customers import latest

        people, figures = self.customers(date), self.indicators
        if figures is None:
            return people
        known = self.queries.ask(lambda day: latest(figures, day), date)
        wide = known.pivot(index="customer_id", columns="name", values="value").astype(float)
        return people.join(wide.reindex(columns=self.imported).add_prefix("indicators."))

    def mix(self, columns: Sequence[str], date: dt.date) -> pd.DataFrame:
        """Share of each customer's spend by columns of order lines: `category:flooring`, ...

        One row per customer with a known value of any; the shares of a column are in [0, 1] and
        add up to 1. A column that the lines do not have is left out.
        """
        import pandas as pd

        from cvm_analysis.customers import mix

        found = [pd.DataFrame(index=pd.Index([], name="customer_id", dtype=object))]
        for column in columns:
            if column in self.transactions.columns:
                spent = mix(self.transactions, column, date).to_pandas()
                wide = spent.pivot(index="customer_id", columns=column, values="spend").fillna(0.0)
                shares = wide.div(wide.sum(axis=1), axis=0).rename_axis(columns=None)
                found.append(shares.add_prefix(f"{column}:"))
        return pd.concat(found, axis=1)

    def with_copied_days(
        self, draws: Iterable[pd.DataFrame], before: dt.date
    ) -> Iterator[Prepared]:
        """Give these tables as if customers had repeated days of their past after `before`.

        One for each of `draws`, good until the next is asked for. A draw has one row per day
        repeated: customer_id, copy_of, day.
        """
        from cvm_analysis.customers import with_copied_days

        con = self.transactions.get_backend()
        for copies in draws:
            days = con.create_table("copies", copies, temp=True, overwrite=True)
            days = days.cast({"copy_of": "date", "day": "date"})
            yield replace(self, transactions=with_copied_days(self.transactions, days, before))

    def purchase_days(self, date: dt.date) -> pd.DataFrame:
        """One row per customer and day with a purchase up to a day: customer_id, day."""
        from cvm_analysis.customers import purchase_days

        return purchase_days(self.transactions, date).to_pandas()

    def histories(self, date: dt.date) -> pd.DataFrame:
        """One row per customer who bought by a day, indexed by customer_id: what models ask for.

        customer_type (retail where not recorded), x, t_x, T (weeks); far quicker than `customers`.
        """
        import ibis

        from cvm_analysis.customers import histories

        def query(day: ir.DateValue) -> ir.Table:
            seen = histories(self.transactions, day).select("customer_id", "x", "t_x", "T")
            kind = ibis.null("string")
            if self.customers_raw is not None and "customer_type" in self.customers_raw.columns:
                recorded = self.customers_raw.select("customer_id", "customer_type")
                seen = seen.left_join(recorded, "customer_id").drop("customer_id_right")
                kind = seen.customer_type
            return seen.mutate(customer_type=kind.fill_null("retail")).order_by("customer_id")

        return self.queries.ask(query, date).set_index("customer_id")

    def to_pandas(self, name: str) -> pd.DataFrame:
        """Bring a table into pandas; no rows, but its columns, where there is none."""
        import pandas as pd

        table = getattr(self, name)
        if table is None:
            return pd.DataFrame(columns=list(TABLES[name].columns))
        numbers = [column for column, kind in table.schema().items() if kind.is_decimal()]
        return table.cast(dict.fromkeys(numbers, "float64")).to_pandas()

    def day(self, as_of: str = "") -> dt.date:
        """Read an as_of parameter; empty is the last day with a sale in any region."""
        return _day(as_of, self.first_day, self.last_day, self.extracted_on)


def stamp(settings: Settings) -> dict[str, Any]:
    """Read what `prepare` recorded (files, regions and their names, days); empty if never run."""
    path = settings.prepared / STAMP
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def imported(settings: Settings) -> list[str]:
    """Name the imported figures that some customer has, in any region."""
    return _stamp(settings)["imported"]


def region_names(settings: Settings) -> dict[str, dict[str, str]]:
    """Name `all` and every prepared region: key -> language -> name."""
    from cvm_analysis import texts

    every = {each: texts.words(each)("report.all_regions") for each in texts.languages()}
    return {ALL: every, **_stamp(settings)["regions"]}


def resolve_day(settings: Settings, as_of: str = "") -> dt.date:
    """Read an as_of parameter; empty is the last day with a sale in any region.

    Raises
    ------
    InputError : no ISO date, or outside the data
    """
    known = _stamp(settings)
    days = (dt.date.fromisoformat(known[name]) for name in ("first_day", "as_of", "extracted_on"))
    return _day(as_of, *days)


def _day(as_of: str, first_day: dt.date, last_day: dt.date, extracted_on: dt.date) -> dt.date:
    if not as_of:
        return last_day
    try:
        asked = dt.date.fromisoformat(as_of)
    except ValueError:
        raise InputError(f"as_of '{as_of}' is not a date; write it as {last_day}") from None
    if not first_day <= asked <= extracted_on:
        raise InputError(
            f"as_of {asked} is outside the data ({first_day} to {last_day}); choose another day"
        )
    return asked


def open(settings: Settings, region: str) -> Prepared:
    """Open the prepared tables of a region, or of `all`; InputError names the regions there are."""
    return _open(settings, region, lambda table: (table.region == region) | (region == ALL))


def other_regions(settings: Settings, region: str) -> Prepared:
    """Open the tables of all regions but one: those who may lend it theirs. `all` has no others."""
    return _open(settings, region, lambda table: (table.region != region) & (region != ALL))


def _open(settings: Settings, region: str, kept: Callable[[ir.Table], ir.BooleanValue]) -> Prepared:
    import ibis
    import pandas as pd

    from cvm_analysis.queries import Queries

    known = _stamp(settings)
    check_region(settings, region)
    con = ibis.duckdb.connect()

    def table(name: str) -> Any:
        files = sorted((settings.prepared / name).glob("region=*/*.parquet"))
        if not files:
            return None
        every = con.read_parquet(files, hive_partitioning=True, hive_types_autocast=False)
        return every.filter(kept(every))

    return Prepared(
        region=region,
        names=known["regions"].get(region, {}),
        first_day=dt.date.fromisoformat(known["first_day"]),
        last_day=dt.date.fromisoformat(known["as_of"]),
        extracted_on=dt.date.fromisoformat(known["extracted_on"]),
        transactions=table("transactions"),
        **{name: table(name) for name in ("customers_raw", "feedback", "contracts", "indicators")},
        imported=known["imported"],
        quality=pd.read_parquet(settings.prepared / "quality.parquet"),
        queries=Queries(),
    )


def check_region(settings: Settings, region: str) -> None:
    """Raise InputError unless the region is `all` or a prepared one."""
    regions = _stamp(settings)["regions"]
    if region not in (ALL, *regions):
        raise InputError(f"no region '{region}'; there are {', '.join((ALL, *regions))}")


def _stamp(settings: Settings) -> dict[str, Any]:
    known = stamp(settings)
    if not known:
        raise InputError(
            f"{settings.prepared}: no prepared tables; run `cvm prepare {settings.path}`"
        )
    return known

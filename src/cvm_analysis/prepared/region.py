"""The prepared tables of a region, and what is asked of them as of a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import ibis
import pandas as pd
from ibis import ir

from cvm_analysis import customers
from cvm_analysis.customers import sample
from cvm_analysis.customers.service import Days
from cvm_analysis.minimum_data import Note
from cvm_analysis.queries import DAY, Queries
from cvm_analysis.tables import FROM_FILES, IMPORTED, TABLES, kind

MOST_LEARNED_FROM = 200_000  # customers of a region, at each of a dozen earlier days
Where = Callable[[ir.Table], ir.BooleanValue]  # which rows of a table
DATED = {  # table -> the day that tells whether it is still being recorded
    "transactions": "ordered_at",
    "contracts": "started_on",
    "leads": "created_on",
    **dict.fromkeys(("feedback", "indicators", "campaign_members", "contact_log"), "at"),
    **dict.fromkeys(("consents", "points", "referrals", "mentions"), "at"),
}


@dataclass(frozen=True)
class Prepared:
    """The prepared tables of one region; see `open`.

    Tables have a column region; they are None if there are no such records. Mentions without a
    customer have no region: they are in `all` only.
    `imported` names the imported indicators of all regions. `last_day` is the last complete day
    over all regions. `experience` measures on a day what scorecards and the loyalty index use of
    `experience.measures`. `n_in_company` counts the customers of a company of whom these are a
    sample; None: these are all. `share` is that of the customers that `sample` kept.
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
    campaign_members: ir.Table | None
    contact_log: ir.Table | None
    consents: ir.Table | None
    points: ir.Table | None
    referrals: ir.Table | None
    leads: ir.Table | None
    mentions: ir.Table | None
    imported: list[str]
    folder: Path
    queries: Queries
    experience: Callable[[dt.date], pd.DataFrame]
    n_in_company: int | None = None
    share: float = 1.0

    def customers(self, date: dt.date) -> pd.DataFrame:
        """One row per customer as of a day, indexed by customer_id."""
        return self.queries.ask_table(self._customers, date).set_index("customer_id")

    @cached_property
    def quality(self) -> pd.DataFrame:
        """One row per check of this region's raw rows; columns as table `quality`."""
        found = pd.read_parquet(self.folder / "quality.parquet")
        return found[found["region"] == self.region].drop(columns="region").reset_index(drop=True)

    @cached_property
    def _customers(self) -> ir.Table:
        return customers.as_of(self.transactions, DAY, self.customers_raw, self.feedback)

    def compile_queries(self) -> None:
        """Compile what every notebook asks, without asking it."""
        if self.transactions is not None:  # None: of a business with contracts alone
            self.queries.store(self._customers)
        if self._latest is not None:
            self.queries.store(self._latest)

    def measures(self, date: dt.date) -> pd.DataFrame:
        """Add to customers(date) what else scorecards may use, as known on that day.

        Imported indicators as `indicators.<name>`, and the measures of the experience that the
        config uses. Counts are 0 where nothing is recorded; other figures are empty.
        """
        table, more = self.add_indicators(self.customers(date), date), self.experience(date)
        counts = [name for name in more if kind(name) == "count"]
        table = table.drop(columns=[name for name in more if name in table]).join(more)
        return table.fillna(dict.fromkeys(counts, 0.0))

    def add_indicators(self, table: pd.DataFrame, date: dt.date) -> pd.DataFrame:
        """Add the imported indicators of a day to a table of one row per customer."""
        if (latest := self._latest) is None:
            return table
        values = self.queries.ask_table(latest, date)
        wide = values.pivot(index="customer_id", columns="name", values="value").astype(float)
        return table.join(wide.reindex(columns=self.imported).add_prefix(IMPORTED))

    @cached_property
    def _latest(self) -> ir.Table | None:
        return None if self.indicators is None else customers.latest(self.indicators, DAY)

    def late_deliveries(self, date: dt.date) -> pd.DataFrame:
        """Days since each customer's last late delivery, indexed by customer_id: days_since_late.

        See `customers.late_deliveries`; without dates of delivery there are no rows.
        """
        transactions = self.transactions
        if not {"promised_on", "delivered_on"} <= set(transactions.columns):
            none = pd.Index([], name="customer_id", dtype=object)
            return pd.DataFrame({"days_since_late": []}, none, dtype=float)
        late = self.queries.ask(lambda day: customers.late_deliveries(transactions, day), date)
        return late.set_index("customer_id").astype(float)

    def deliveries(self, date: dt.date, days: int) -> pd.DataFrame:
        """Deliveries due and late in the last `days` days, indexed by customer_id.

        n_due, n_late (order lines, see `customers.count_deliveries`); no row without such records.
        """
        transactions = self.transactions
        if not {"promised_on", "delivered_on"} <= set(transactions.columns):
            found = pd.DataFrame(columns=["customer_id", "n_due", "n_late"])
        else:
            found = customers.count_deliveries(transactions, date, days).to_pandas()
        return found.set_index("customer_id").astype(int)

    def service_due(
        self,
        date: dt.date,
        warranty: Days,
        maintenance: Days,
        done_by: Collection[str],
        answered: Collection[str],
    ) -> pd.DataFrame:
        """Days to maintenance and to the end of a warranty, indexed by customer_id.

        See `customers.service_due`; no column where nothing has a warranty or needs maintenance.
        """
        if not warranty and not maintenance:
            return pd.DataFrame(index=pd.Index([], name="customer_id", dtype=object))
        rules = warranty, maintenance, self.contact_log, done_by, answered
        found = customers.service_due(self.transactions, date, *rules).to_pandas()
        return found.set_index("customer_id").astype(float)

    def in_period(self, date: dt.date, days: int) -> pd.DataFrame:
        """One row per customer with a line in the last `days` days, indexed by customer_id.

        period_orders (count), period_sales (net of returns, in the config's currency)
        """

        def query(day: ir.DateValue) -> ir.Table:
            return customers.in_period(self.transactions, day, days)

        return self.queries.ask(query, date).set_index("customer_id")

    def in_periods(self, periods: pd.DataFrame, margin_share: float) -> pd.DataFrame:
        """One row per customer and period with an order line; see customers.in_periods."""
        return customers.in_periods(self.transactions, periods, margin_share).to_pandas()

    def mix(self, columns: Sequence[str], date: dt.date) -> pd.DataFrame:
        """Share of each customer's spend by columns of order lines: `category:flooring`, ...

        One row per customer with a value in any of them; the shares of a column are in [0, 1] and
        sum to 1. Columns that the order lines do not have are omitted.
        """
        found = [pd.DataFrame(index=pd.Index([], name="customer_id", dtype=object))]
        for column in columns:
            if column in self.transactions.columns:
                spent = customers.mix(self.transactions, column, date).to_pandas()
                wide = spent.pivot(index="customer_id", columns=column, values="spend").fillna(0.0)
                shares = wide.div(wide.sum(axis=1), axis=0).rename_axis(columns=None)
                found.append(shares.add_prefix(f"{column}:"))
        return pd.concat(found, axis=1)

    def with_copied_days(
        self, draws: Iterable[pd.DataFrame], before: dt.date
    ) -> Iterator[Prepared]:
        """Yield tables in which customers repeat earlier days after `before`, one for each draw.

        A draw has one row per repeated day: customer_id, copy_of, day. Each result is valid until
        the next one.
        """
        con, copied = self.transactions.get_backend(), customers.with_copied_days
        queries, drawn = replace(self.queries, max_rows=0), None  # all draws have one name
        for copies in draws:
            typed = copies.astype({"customer_id": "string"})  # a draw may have no row
            rows = ibis.memtable(typed)
            days = con.create_view("copies", rows, overwrite=True)
            if drawn is None:
                days = days.cast({"copy_of": "date", "day": "date"})
                transactions = copied(self.transactions, days, before)
                drawn = replace(self, transactions=transactions, queries=queries)
            yield drawn

    def sample(self, types: pd.Series) -> Prepared:
        """Keep some of very many customers, enough to learn from at earlier days.

        They are about 100,000, and all of the recorded types that have no more than so many.

        types : customer_type of these customers; up to MOST_LEARNED_FROM, all are kept
        """
        if len(types) <= MOST_LEARNED_FROM:
            return self
        counts, raw = types.value_counts(), self.customers_raw
        rare = counts[counts <= sample.SIZE]

        def where(table: ir.Table) -> ir.BooleanValue:
            drawn = sample.is_in(table.customer_id, len(types))
            if raw is None or rare.empty:
                return drawn
            kept = raw.filter(raw.customer_type.isin(list(rare.index)))
            return drawn | table.customer_id.isin(kept.customer_id)

        drawn = sample.SIZE / len(types)
        share = drawn + (1 - drawn) * float(rare.sum()) / len(types)
        return replace(self, **self._filtered(where), share=share)

    def _filtered(self, where: Where) -> dict[str, ir.Table]:
        """Keep some of the customers in every table that names them."""
        tables = {name: getattr(self, name) for name in FROM_FILES}
        return {
            name: table.filter(where(table))
            for name, table in tables.items()
            if table is not None and "customer_id" in table.columns
        }

    def notes(self, part: str) -> list[Note]:
        """Note, of a sample, how many percent of the customers it has."""
        percent = float(round(100 * self.share))
        return [Note(part, "learned_from_some", percent)] if self.share < 1 else []

    def purchase_days(self, date: dt.date) -> pd.DataFrame:
        """One row per customer and day with a purchase by `date`: customer_id, day."""
        return customers.purchase_days(self.transactions, date).to_pandas()

    def daily_margin(
        self, date: dt.date, margin_share: float | None, of: Iterable[str] | None = None
    ) -> pd.DataFrame:
        """Margin of each customer and day by `date`: customer_id, day, amount, sales, purchases.

        margin_share : of net sales, where a line has no cost; None: all of them are margin
        of : customer_ids; None: of every customer
        """
        share, transactions = 1.0 if margin_share is None else margin_share, self.transactions
        if of is not None:
            asked = pd.DataFrame({"customer_id": pd.unique(pd.Series(of, dtype="string"))})
            transactions = transactions.semi_join(ibis.memtable(asked), "customer_id")
        return customers.daily_margin(transactions, date, share).to_pandas()

    def year_to_last_order(self, date: dt.date) -> pd.DataFrame:
        """Net sales and margin of each customer's year up to the last order, by customer_id."""

        def query(day: ir.DateValue) -> ir.Table:
            return customers.year_to_last_order(self.transactions, day)

        return self.queries.ask(query, date).set_index("customer_id")

    def net_sales(self, date: dt.date) -> pd.Series:
        """Net sales of each customer who bought or returned by `date`, by customer_id."""
        rows = customers.net_sales(self.transactions, date).to_pandas()
        return rows.set_index("customer_id")["net_sales"]

    def largest_days(self, date: dt.date, most: int = 3) -> pd.DataFrame:
        """The largest purchase days by `date`: customer_id, day, amount (gross), largest first."""
        return customers.largest_days(self.transactions, date, most).to_pandas()

    def histories(self, date: dt.date) -> pd.DataFrame:
        """One row per customer who bought by `date`, indexed by customer_id.

        The input of purchase models, much faster than `customers`: customer_type (retail if not
        recorded), x, t_x, T (weeks).
        """

        def query(day: ir.DateValue) -> ir.Table:
            bought = customers.histories(self.transactions, day).drop("spend_per_repeat_day")
            kind = ibis.null("string")
            if self.customers_raw is not None and "customer_type" in self.customers_raw.columns:
                recorded = self.customers_raw.select("customer_id", "customer_type")
                bought = bought.left_join(recorded, "customer_id").drop("customer_id_right")
                kind = bought.customer_type
            return bought.mutate(customer_type=kind.fill_null("retail")).order_by("customer_id")

        return self.queries.ask(query, date).set_index("customer_id")

    def of_customer(self, customer_id: str, date: dt.date) -> dict[str, pd.DataFrame]:
        """Load what is on record of one customer by a day, by name of the table.

        transactions as `customers.lines_of`; feedback, contracts, contact_log, consents and leads
        as they are, empty without such records. Contracts may end later.
        """
        found = {"transactions": customers.lines_of(self.transactions, customer_id, date)}
        for name in ("feedback", "contracts", "contact_log", "consents", "leads"):
            found[name] = table = getattr(self, name)
            if table is not None:
                day = table[DATED[name]].cast("date")
                found[name] = table.filter(table.customer_id == customer_id, day <= date)
        return {name: to_pandas(name, table) for name, table in found.items()}

    def row_days(self, date: dt.date) -> pd.DataFrame:
        """Days by `date` on which each kind of data has rows: table, day."""
        found = []
        for name, column in DATED.items():
            table = getattr(self, name)
            if table is not None and column in table.columns:
                day = table[column].cast("date")
                days = table.select(day=day).filter(lambda t: t.day <= date).distinct()
                found.append(days.to_pandas().sort_values("day").assign(table=name))
        return pd.concat(found, ignore_index=True)

    def baskets(self, date: dt.date, exclude: Sequence[str] = ()) -> pd.DataFrame:
        """What each order had by `date`, one row per product; see customers.baskets.

        Texts are categorical, as there are many rows; none where lines name neither products nor
        categories.
        """
        if not {*customers.NAMED} & set(self.transactions.columns):
            columns = ["customer_id", "basket", "product", "at", "margin"]
            return pd.DataFrame(columns=columns).astype({"at": "datetime64[ns]", "margin": float})
        rows = customers.baskets(self.transactions, date, exclude).to_pyarrow()
        return rows.to_pandas(strings_to_categorical=True)

    def feedback_by(self, date: dt.date) -> pd.DataFrame:
        """Answers and complaints known on a day; a complaint closed later is still open."""
        table = self.to_pandas("feedback").drop(columns="region", errors="ignore")
        known = table[pd.to_datetime(table["at"]) <= pd.Timestamp(date)]
        if "closed_at" in known:
            closed = pd.to_datetime(known["closed_at"])
            known = known.assign(closed_at=closed.where(closed <= pd.Timestamp(date)))
        return known

    def mentions_by(self, date: dt.date) -> pd.DataFrame:
        """Mentions up to a day; those without a customer are in `all` only."""
        table = self.to_pandas("mentions").drop(columns="region", errors="ignore")
        return table[pd.to_datetime(table["at"]) <= pd.Timestamp(date)]

    def to_pandas(self, name: str) -> pd.DataFrame:
        """Load a table into pandas; a missing one has its columns and no rows."""
        return to_pandas(name, getattr(self, name))


def to_pandas(name: str, table: ir.Table | None) -> pd.DataFrame:
    """Load a table into pandas, money as a fraction; a missing one has its columns and no rows."""
    if table is None:
        return pd.DataFrame(columns=list(TABLES[name].columns))
    numbers = [column for column, kind in table.schema().items() if kind.is_decimal()]
    return table.cast(dict.fromkeys(numbers, "float64")).to_pandas()

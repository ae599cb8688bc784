"""The settings of a config as types: keys, kinds and defaults."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
)

from cvm_analysis import file_names
from cvm_analysis.churn.lapse import Churn
from cvm_analysis.clv.value import Value
from cvm_analysis.experience.complaints import Experience
from cvm_analysis.experience.leads import Leads
from cvm_analysis.experience.membership import Level, check_levels
from cvm_analysis.experience.points import Points
from cvm_analysis.notifications.channels import Notify
from cvm_analysis.performance.alert_rules import Alerts
from cvm_analysis.products.baskets import Products
from cvm_analysis.settings.column_rules import ColumnRule
from cvm_analysis.settings.gates import Gates
from cvm_analysis.strategy.service import Service
from cvm_analysis.typed import Cell, read_off


def _check_key(given: str) -> str:
    """Region keys become folder names."""
    if not given or file_names.key(given) != given:
        raise ValueError("use lower-case letters and digits of any script, and - between them")
    return given


def _check_url(given: str | None) -> str | None:
    """A folder on this machine is named under `prepared` instead."""
    if given is not None and not re.fullmatch(r"[a-z][a-z0-9+.-]*://\S+", given):
        raise ValueError("write a URL such as s3://bucket/folder")
    return given


Share = Annotated[float, Field(ge=0, le=1)]
RegionKey = Annotated[str, AfterValidator(_check_key)]
TAGS = ("Region", "DiscoveredRegions", "[key]")  # parts of an error's place not in the file


class Strict(BaseModel):
    """A group of settings: frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid")


class Wording(Strict):
    """The name of a code in each language."""

    en: str | None = None
    zh: str | None = None


class Names(Strict):
    """A name in each language."""

    en: str
    zh: str


class Region(Names):
    """A region: the raw values that stand for it, and its names."""

    match: tuple[str, ...] = ()


class DiscoveredRegions(Strict):
    """Regions from a raw column; those with few customers are pooled into one."""

    from_: str = Field(alias="from")
    pool_below: int = Field(0, ge=0)
    pooled: Names = Names(en="Other", zh="其他")


def _kind_of_regions(given: Any) -> str:
    found = isinstance(given, DiscoveredRegions) or (isinstance(given, dict) and "from" in given)
    return "DiscoveredRegions" if found else "Region"


Regions = Annotated[
    Annotated[dict[RegionKey, Region], Tag("Region")]
    | Annotated[DiscoveredRegions, Tag("DiscoveredRegions")],
    Discriminator(_kind_of_regions),
]


def _write_number(given: Any) -> Any:
    """YAML reads 2025 as a number; sheets are often called so."""
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given


def _read_engine(given: Any) -> Any:
    """Read `duckdb` as no master, `spark: URL` as the URL of its master."""
    if given == "duckdb":
        return None
    master = given.get("spark") if isinstance(given, dict) and len(given) == 1 else None
    if not re.fullmatch(r"local\[([1-9]\d*|\*)\]|spark://[^\s/]+:\d+", str(master)):
        raise ValueError("write duckdb, or `spark: local[2]`, or `spark: spark://host:7077`")
    return master


def _list_words(given: Any) -> Any:
    """Read `[paid, shipped]`, or `paid` alone, as the words that are meant."""
    listed = [given] if isinstance(given, str | int | float) else given
    return {"only": listed} if isinstance(listed, list | tuple) else listed


class Words(Strict):
    """Cells of a column, in any case: those listed, or all but those listed."""

    only: tuple[Cell, ...] = ()
    not_: tuple[Cell, ...] = Field((), alias="not")


Filter = dict[str, Annotated[Words, BeforeValidator(_list_words)]]  # by the file's header


class Place(Strict):
    """Where rows are: in files, or in a table or query of a database."""

    files: str = ""
    source: str = ""  # the URL of a database
    table: str | None = None
    query: str | None = None
    encoding: str | None = None
    delimiter: Literal["comma", "semicolon", "tab", "pipe", "spaces"] | None = None
    decimal: Literal["point", "comma"] | None = None  # in numbers written as text
    sheet: Annotated[str | None, BeforeValidator(_write_number)] = None  # of a workbook


class Join(Place):
    """Another file or table with one row per key, whose columns are added to the source's rows.

    on : the header of the key in both, or the source's header -> the header there
    prefix : their headers are called `<prefix>.<header>` in the source
    """

    on: str | dict[str, str]
    prefix: str = ""
    where: Filter = {}

    @property
    def keys(self) -> dict[str, str]:
        """The source's headers of the key -> those of the joined file."""
        return {self.on: self.on} if isinstance(self.on, str) else self.on


class Refunds(Strict):
    """Which rows were paid back: by a status in full, or by amounts of the order in part."""

    when: Filter = {}
    amount: str | None = None  # header: money paid back of the order
    of: str | None = None  # header: money paid for the order


class Source(Place):
    """Raw rows of one layout: where they are, their columns by our names, and which count."""

    region: RegionKey | None = None
    columns: dict[str, str]
    formats: dict[str, str] = {}  # strptime patterns of dates that are not ISO
    codes: dict[str, dict[Cell, Cell]] = {}  # column -> word of the file, or "*" -> our code
    join: tuple[Join, ...] = ()
    fill_by: str | None = None  # header of the order: its later lines take its first line's cells
    where: Filter = {}  # rows that count
    test_orders: Filter = {}  # rows that do not
    not_products: Filter = {}
    refunds: Refunds | None = None
    currency: str | None = None  # header of the currency of each row
    overlap: Literal["newest", "keep"] | None = None  # days that two of the files cover


class CustomerSource(Source):
    """Customer records; `mask` names columns of the file with personal details.

    `identifiers` names others that the rules of identity compare, and their columns. The values of
    both are masked in texts, and written to no table.
    """

    mask: tuple[str, ...] = ()
    identifiers: dict[str, str] = {}


class ContractSource(Source):
    """Contracts with their dates, or with tenure and status on the day the files were taken."""

    time_in: Literal["days", "weeks", "months"] | None = None  # of tenure and `recent`: days
    ended: tuple[Cell, ...] = ()  # words in the column status of contracts that have ended
    covers: Literal["all", "recent"] | None = None  # all contracts, or only recent leavers
    recent: float | None = Field(None, gt=0)  # ... who ended within so many days, weeks or months
    values: dict[str, dict[Cell, float]] = {}  # column -> text of a cell -> the number it means


class Sources(Strict):
    """The raw tables; transactions or contracts are needed."""

    transactions: tuple[Source, ...] = ()
    customers: tuple[CustomerSource, ...] = ()
    feedback: tuple[Source, ...] = ()
    contracts: tuple[ContractSource, ...] = ()
    indicators: tuple[Source, ...] = ()
    campaign_members: tuple[Source, ...] = ()
    contact_log: tuple[Source, ...] = ()
    consents: tuple[Source, ...] = ()
    points: tuple[Source, ...] = ()
    referrals: tuple[Source, ...] = ()
    leads: tuple[Source, ...] = ()
    mentions: tuple[Source, ...] = ()

    @property
    def main_table(self) -> str:
        """The table that says how long the data reach and where customers belong."""
        return "transactions" if self.transactions else "contracts"

    def by_table(self) -> dict[str, tuple[str, tuple[Source, ...]]]:
        """Map each raw table to its setting and its sources."""
        named = {"customers_raw" if k == "customers" else k: k for k in type(self).model_fields}
        return {table: (setting, getattr(self, setting)) for table, setting in named.items()}


class Rules(Strict):
    """How to treat odd rows, and the share of bad rows that stops `prepare`."""

    duplicates: Literal["keep", "quarantine"] = "keep"
    returns: Literal["net"] = "net"
    columns: tuple[ColumnRule, ...] = ()
    stop_above: dict[str, Share] = {"default": 0.02}


class Business(Strict):
    """The content of a config file."""

    business: str
    currency: str = Field(pattern="^[A-Z]{3}$")
    rates: str | None = None  # file of exchange rates into it
    timezone: str = "UTC"
    pseudonyms: bool = True
    extracted_on: dt.date | None = None
    prepared: str | None = None
    prepared_url: Annotated[str | None, AfterValidator(_check_url)] = None  # a copy of them
    ledger: str | None = None
    exports: str | None = None
    engine: Annotated[str | None, BeforeValidator(_read_engine)] = None  # the master of a Spark
    pdf: Annotated[Literal["auto", "off"], BeforeValidator(read_off)] = "auto"
    regions: Regions
    sources: Sources
    rules: Rules = Rules()
    gates: Gates = Gates()
    identity: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...] = ()  # one person
    segments: str = "segments.yaml"
    scorecards: str = "scorecards.yaml"
    strategies: str = "strategies.yaml"
    plan: str | None = None
    report_segments: dict[str, Literal["rfm", "grade"]] = {"retail": "rfm"}  # other types: grade
    compare_days: int = Field(91, gt=0)  # the period of changes that are reported
    min_shown: int = Field(5, ge=1)  # the report shows no group of fewer customers by demographics
    value: Value = Value()
    churn: Churn = Churn()
    experience: Experience = Experience()
    points: Points = Points()
    products: Products = Products()
    leads: Leads = Leads()
    alerts: Alerts = Alerts()
    notify: Notify = Notify()
    service: Service = {}
    levels: Annotated[tuple[Level, ...], AfterValidator(check_levels)] = ()
    words: dict[str, dict[str, Wording]] = {}  # section of the texts, or column -> code -> name

"""The settings of a config as types: keys, kinds and defaults."""

from __future__ import annotations

import datetime as dt
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

from cvm_analysis.churn.lapse import Churn
from cvm_analysis.clv.value import Value
from cvm_analysis.experience.complaints import Experience
from cvm_analysis.experience.leads import Leads
from cvm_analysis.experience.membership import Level, check_levels
from cvm_analysis.experience.points import Points
from cvm_analysis.performance.alert_rules import Alerts

Share = Annotated[float, Field(ge=0, le=1)]
RegionKey = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
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


class Source(Strict):
    """Raw files of one layout: their path, and their columns by our names."""

    files: str
    region: RegionKey | None = None
    encoding: str | None = None
    delimiter: Literal["comma", "semicolon", "tab", "pipe", "spaces"] | None = None
    decimal: Literal["point", "comma"] | None = None  # in numbers written as text
    sheet: Annotated[str | None, BeforeValidator(_write_number)] = None  # of a workbook
    columns: dict[str, str]
    formats: dict[str, str] = {}  # strptime patterns of dates that are not ISO


def _refuse_yes(given: Any) -> Any:
    """YAML reads Yes, No, on and off as true and false; the text in the file is lost."""
    if isinstance(given, bool):
        raise ValueError("write Yes, No, True, False, On and Off in quotes")
    return str(given) if isinstance(given, int | float) else given


def _read_off(given: Any) -> Any:
    """YAML reads off as false."""
    return "off" if given is False else given


Cell = Annotated[str, BeforeValidator(_refuse_yes)]


class CustomerSource(Source):
    """Customer records; `mask` names columns of the file with personal details.

    Their values are masked in texts, and written to no table.
    """

    mask: tuple[str, ...] = ()


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
    stop_above: dict[str, Share] = {"default": 0.02}


class Business(Strict):
    """The content of a config file."""

    business: str
    currency: str = Field(pattern="^[A-Z]{3}$")
    timezone: str = "UTC"
    pseudonyms: bool = True
    extracted_on: dt.date | None = None
    prepared: str | None = None
    ledger: str | None = None
    pdf: Annotated[Literal["auto", "off"], BeforeValidator(_read_off)] = "auto"
    regions: Regions
    sources: Sources
    rules: Rules = Rules()
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
    leads: Leads = Leads()
    alerts: Alerts = Alerts()
    levels: Annotated[tuple[Level, ...], AfterValidator(check_levels)] = ()
    words: dict[str, dict[str, Wording]] = {}  # section of the texts, or column -> code -> name

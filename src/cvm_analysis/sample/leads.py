"""Leads: enquiries that are won or lost at constant rates, or still open.

A lead is hot or not; hot ones are won sooner and move through the stages faster, so a stage tells
more than the source. The share won within t days, by source, is a mean of two

    w / (w + l) (1 - exp(-(w + l) t))        w, l: rates of being won and lost per day
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import N_DAYS, REGIONS
from cvm_analysis.sample.draws import dates, known_dates, stream

PER_CUSTOMER = 1 / 6  # leads for each retail customer
HOT = 0.4  # share of leads
HOT_WINS, HOT_LOSES = 4.0, 0.5  # times the rates of the others
LOST = 0.010  # per day
STAGES = ("new", "visit", "quote", "contract")
DAYS_TO_NEXT = {True: 4.0, False: 40.0}  # mean, of hot leads and others
VALUE = (9.2, 0.7)  # CNY, of the logarithm: mean, standard deviation
WITHOUT_VALUE = 0.1
KNOWN_CUSTOMERS = 0.25  # leads of customers that the company has
HORIZON_DAYS = 90


@dataclass(frozen=True)
class Source:
    """Where leads come from, and how often they are won."""

    key: str
    share: float
    won: float  # per day, of leads that are not hot


SOURCES = (
    Source("web", 0.40, 0.0040),
    Source("fair", 0.20, 0.0060),
    Source("referral", 0.25, 0.0110),
    Source("cold_call", 0.15, 0.0015),
)


def won_within(source: Source, days: float) -> float:
    """The planted share of a source's leads that is won within so many days."""
    found = 0.0
    for share, wins, loses in ((HOT, HOT_WINS, HOT_LOSES), (1 - HOT, 1.0, 1.0)):
        w, both = source.won * wins, source.won * wins + LOST * loses
        found += share * w / both * (1 - np.exp(-both * days))
    return float(found)


def leads(customers: pd.DataFrame, n_retail: int, seed: int) -> pd.DataFrame:
    """Draw the leads of all regions by AS_OF.

    customers : of all types: customer_id, region, first_at (day); leads of a customer come after
        the first purchase
    n_retail : number of retail customers

    Returns
    -------
    One row per lead and stage entered by AS_OF, in order of day: lead_id, created_on, source,
    owner, stage, stage_at, value (CNY, empty in some), customer_id (empty in most), closed_on
    (empty: open), outcome, region (key). All rows of a closed lead say how it ended.
    """
    rng = stream(seed, "leads")
    n = max(1, round(n_retail * PER_CUSTOMER))
    number = rng.choice(len(SOURCES), n, p=[each.share for each in SOURCES])
    region = rng.choice(len(REGIONS), n, p=_region_shares())
    is_hot = rng.random(n) < HOT
    won = np.array([each.won for each in SOURCES])[number] * np.where(is_hot, HOT_WINS, 1.0)
    lost = LOST * np.where(is_hot, HOT_LOSES, 1.0)
    created = np.sort(np.floor(N_DAYS * rng.random(n)))
    closed = created + np.ceil(rng.exponential(size=n) / (won + lost))
    is_won = rng.random(n) < won / (won + lost)
    value = np.round(rng.lognormal(*VALUE, n), -1)
    person = rng.integers(1, 4, n)
    found = pd.DataFrame(
        {
            "lead_id": [f"XS{each:06d}" for each in range(1, n + 1)],
            "created": created,
            "closed": closed,
            "source": np.array([each.key for each in SOURCES])[number],
            "region": np.array([each.key for each in REGIONS])[region],
            "owner": [f"{REGIONS[r].code}-{k}" for r, k in zip(region, person, strict=True)],
            "value": np.where(rng.random(n) < WITHOUT_VALUE, np.nan, value),
            "outcome": np.where(closed < N_DAYS, np.where(is_won, "won", "lost"), ""),
            "customer_id": _known(customers, region, created, rng),
        }
    )
    rows = pd.concat(_stages(found, is_hot, rng))
    rows = rows.sort_values(["at", "lead_id"], kind="stable", ignore_index=True)
    rows = rows.assign(
        created_on=dates(rows["created"]),
        stage_at=dates(rows["at"]),
        closed_on=known_dates(rows["closed"]),
    )
    return rows.drop(columns=["created", "closed", "at"])


def _region_shares() -> np.ndarray:
    shares = np.array([region.share for region in REGIONS])
    return shares / shares.sum()


def _known(
    customers: pd.DataFrame, region: np.ndarray, created: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Customers of some leads: of the same region, who had bought before."""
    found = np.full(len(created), "", dtype=object)
    by_region = {
        key: own.sort_values("first_at", kind="stable") for key, own in customers.groupby("region")
    }
    for i in np.flatnonzero(rng.random(len(created)) < KNOWN_CUSTOMERS):
        own = by_region[REGIONS[region[i]].key]
        n_before = int(np.searchsorted(own["first_at"], created[i]))
        draw = rng.random()
        if n_before:
            found[i] = own["customer_id"].iloc[int(draw * n_before)]
    return found


def _stages(
    found: pd.DataFrame, is_hot: np.ndarray, rng: np.random.Generator
) -> list[pd.DataFrame]:
    """Rows of each stage that leads entered before they closed and by AS_OF."""
    mean = np.where(is_hot, DAYS_TO_NEXT[True], DAYS_TO_NEXT[False])
    at, rows = found["created"].to_numpy(), []
    for stage in STAGES:
        is_in = (at < np.minimum(found["closed"], N_DAYS)) | (at == found["created"])
        rows.append(found.assign(stage=stage, at=at)[is_in])
        at = at + np.ceil(mean * rng.exponential(size=len(found)))
    return rows


def truth() -> dict[str, object]:
    """The content of truth.json on leads; see `folder.make`."""
    by_source = {each.key: won_within(each, HORIZON_DAYS) for each in SOURCES}
    overall = sum(each.share * by_source[each.key] for each in SOURCES)
    return {
        "stages": STAGES,
        "horizon_days": HORIZON_DAYS,
        "won_within_horizon": {key: round(each, 6) for key, each in by_source.items()}
        | {"all": round(overall, 6)},
        "hot_share": HOT,
    }

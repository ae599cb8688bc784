"""Half-yearly indicators of project customers and dealers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import FIRST_DAY, N_DAYS
from cvm_analysis.sample.draws import dates, stream


@dataclass(frozen=True)
class Indicator:
    """An indicator of one type of customer, between low and high.

    per_order_value : if not 0, the mean per CNY of the customer's usual order; spread is then a
        share of the mean
    """

    customer_type: str
    name: str
    mean: float
    spread: float  # between customers; a tenth of it between dates
    low: float
    high: float
    digits: int = 0
    unknown: float = 0.0  # share of customers without it
    per_order_value: float = 0.0


SHARES = ("market_share", "share_of_wallet")
INDICATORS = (
    Indicator("project", "project_size", 0, 0.3, 50, 1e6, per_order_value=0.1),  # square metres
    Indicator("project", "payment_days", 62, 22, 5, 180),
    Indicator("project", "credit_score", 68, 12, 20, 100),
    Indicator("project", "influence", 3.0, 1.0, 1, 5),  # 1 to 5
    Indicator("project", "potential", 3.2, 0.9, 1, 5),  # 1 to 5
    Indicator("project", "share_of_wallet", 0.25, 0.10, 0.02, 1.0, 2, unknown=0.5),
    Indicator("dealer", "sales_target", 0, 0.2, 5_000, 1e8, per_order_value=4.0),  # CNY a year
    Indicator("dealer", "growth", 0.06, 0.15, -0.6, 1.5, 3),  # from year to year
    Indicator("dealer", "market_share", 0.12, 0.06, 0.01, 0.6, 3, unknown=0.3),
    Indicator("dealer", "share_of_wallet", 0.35, 0.12, 0.03, 1.0, 2, unknown=0.4),
    Indicator("dealer", "satisfaction", 3.9, 0.5, 1, 5, 1),  # 1 to 5
    Indicator("dealer", "payment_days", 38, 14, 0, 120),
)


def indicators(customers: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Draw all indicators at the end of every half-year since a customer's first purchase.

    One row per customer, date and indicator, in order of customer and date: customer_id, at (date),
    name, value (text).
    """
    ends = pd.date_range(FIRST_DAY, periods=N_DAYS, freq="D")
    ends = ends[ends.is_quarter_end & ends.month.isin([6, 12])]
    drawn = pd.concat([_draw(each, customers, ends, seed) for each in INDICATORS])
    return drawn.sort_values(["customer_id", "at"], kind="stable", ignore_index=True)


def truth() -> dict[str, dict[str, dict[str, float]]]:
    """The content of truth.json on indicators that are shares: name -> customer type -> figures."""
    shares = [each for each in INDICATORS if each.name in SHARES]
    return {
        name: {
            each.customer_type: {
                "mean": each.mean, "spread": each.spread, "known": 1 - each.unknown
            }
            for each in shares
            if each.name == name
        }
        for name in SHARES
    }  # fmt: skip


def _draw(
    indicator: Indicator, customers: pd.DataFrame, ends: pd.DatetimeIndex, seed: int
) -> pd.DataFrame:
    rng = stream(seed, "indicators", indicator.customer_type, indicator.name)
    customers = customers[customers["customer_type"] == indicator.customer_type]
    customers = customers[rng.random(len(customers)) >= indicator.unknown].reset_index(drop=True)
    mean = indicator.per_order_value * customers["order_value"] + indicator.mean
    spread = indicator.spread * (mean if indicator.per_order_value else 1.0)
    level = mean + spread * rng.standard_normal(len(customers))
    rows = np.tile(np.arange(len(customers)), len(ends))
    noise = np.tile(0.1 * spread * np.ones(len(customers)), len(ends))
    value = level.to_numpy()[rows] + noise * rng.standard_normal(len(rows))
    value = value.clip(indicator.low, indicator.high)
    table = pd.DataFrame(
        {
            "customer_id": customers["customer_id"].to_numpy()[rows],
            "at": np.repeat(ends, len(customers)),
            "name": indicator.name,
            "value": np.char.mod(f"%.{indicator.digits}f", value),
        }
    )
    first = dates(customers["first_at"]).to_numpy()[rows]
    return table[table["at"].to_numpy() >= first]

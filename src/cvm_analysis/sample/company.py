"""The whole company: draw every part, write every raw file, return the truth about them."""

import hashlib
from pathlib import Path

import pandas as pd

from cvm_analysis.sample import (
    baskets,
    churn,
    contracts,
    deliveries,
    feedback,
    files,
    indicators,
    retail,
    trade,
    truth,
)
from cvm_analysis.sample.business import GROUPS, REGIONS, Region
from cvm_analysis.sample.draws import stream

Truth = dict[str, object]


def write(folder: Path, n_customers: int, seed: int) -> Truth:
    """Write folder/raw/ and return the content of truth.json, but for `made_by`."""
    (folder / "raw").mkdir()
    customers = retail.customers(n_customers, seed)
    firms = trade.customers(n_customers, seed)
    regions, sales = {}, {}
    lives = [churn.live(customers, region, seed) for region in REGIONS]
    for region, life in zip(REGIONS, lives, strict=True):
        path = f"raw/sales_{region.key}.csv"
        orders, purchases, returns = _sold(life.orders, firms, region, seed)
        regions[region.key] = truth.region(region, orders, returns)
        sales[path] = files.write_sales(folder / path, purchases, returns, region, seed)
    customers, orders, complaints = (pd.concat(part) for part in zip(*lives, strict=True))
    others = _write_others(folder / "raw", customers, orders, complaints, firms, seed)
    written = (sales | others).items()
    return {
        **truth.company_parameters(),
        "regions": regions,
        "files": {path: {**each, "sha256": _sha256(folder / path)} for path, each in written},
        "customers": truth.customers(customers, orders),
        "trade": truth.trade(firms),
    }


def _sold(
    retail_orders: pd.DataFrame, firms: pd.DataFrame, region: Region, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """All orders of a region with customer_type, their lines, and the returned lines."""
    firm_orders = deliveries.add_deliveries(
        trade.orders(firms, region, seed), region.late, stream(seed, "trade deliveries", region.key)
    )
    retail_orders = retail_orders.assign(customer_type="retail")
    lines = baskets.lines(retail_orders, GROUPS, stream(seed, "lines", region.key))
    firm_lines = baskets.lines(firm_orders, trade.TRADES, stream(seed, "trade lines", region.key))
    back = baskets.returns(lines, stream(seed, "returns", region.key))
    firm_back = baskets.returns(firm_lines, stream(seed, "trade returns", region.key))
    return (
        pd.concat([retail_orders, firm_orders], ignore_index=True),
        pd.concat([lines, firm_lines], ignore_index=True),
        pd.concat([back, firm_back], ignore_index=True),
    )


def _write_others(
    raw: Path,
    customers: pd.DataFrame,
    orders: pd.DataFrame,
    complaints: pd.DataFrame,
    firms: pd.DataFrame,
    seed: int,
) -> dict[str, Truth]:
    """Write the files of the whole company."""
    all_customers = pd.concat([customers.assign(customer_type="retail"), firms])
    answers = feedback.surveys(orders, customers, stream(seed, "surveys"))
    given = feedback.combine(complaints, answers)
    signed = contracts.contracts(orders, seed)
    counted = indicators.indicators(firms, seed)
    return {
        "raw/customers.csv": files.write_customers(raw / "customers.csv", all_customers),
        "raw/feedback.csv": files.write_feedback(raw / "feedback.csv", given, seed),
        "raw/contracts.csv": files.write_contracts(raw / "contracts.csv", signed),
        "raw/indicators.csv": files.write_indicators(raw / "indicators.csv", counted),
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

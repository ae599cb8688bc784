"""The raw files as a company has them: foreign headers, several encodings, some dirt."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import CUSTOMERS, EXTRACTED_ON, REGIONS, Region
from cvm_analysis.sample.retail import stream

MONEY = ["unit_price", "discount", "amount", "cost"]
SHARE_OF_DUPLICATES = 0.004
SHARE_WITHOUT_CUSTOMER = 0.006
TEXT_FOR_AN_AMOUNT = "见附件"
NO_SUCH_DAY = "2024-02-30"


def write_sales(
    path: Path, purchases: pd.DataFrame, returns: pd.DataFrame, region: Region, seed: int
) -> dict[str, object]:
    """Write one region's sales file, one row per order line, and say what is in it.

    Returns
    -------
    encoding, n_rows (header excluded), n_purchases and n_returns (clean lines), dirt (kind ->
    number of lines) and dirt_lines (kind -> line numbers in the file, where the header is line 1;
    of two identical lines the later one is the duplicate)
    """
    clean = pd.concat([purchases, returns]).sort_values("ordered_at", kind="stable")
    clean = _as_text(clean.reset_index(drop=True), region.layout.dates)
    table = _with_dirt(clean, region, stream(seed, "dirt", region.key))
    headers = region.layout.headers
    _write(path, table[list(headers)].rename(columns=headers), region.layout.encoding)
    kinds = table.groupby("dirt").indices
    dirt_lines = {kind: [int(row) + 2 for row in rows] for kind, rows in kinds.items() if kind}
    return {
        "encoding": region.layout.encoding,
        "n_rows": len(table),
        "n_purchases": len(purchases),
        "n_returns": len(returns),
        "dirt": {kind: len(rows) for kind, rows in dirt_lines.items()},
        "dirt_lines": dirt_lines,
    }


def _as_text(table: pd.DataFrame, dates: str) -> pd.DataFrame:
    money = {column: np.char.mod("%.2f", table[column].to_numpy() / 100) for column in MONEY}
    return table.assign(
        **money,
        quantity=table["quantity"].astype(str),
        ordered_at=table["ordered_at"].dt.strftime(dates),
    )


def _with_dirt(clean: pd.DataFrame, region: Region, rng: np.random.Generator) -> pd.DataFrame:
    """Put dirty lines between the clean ones, which stay; column dirt names their kind."""
    bought = clean.index[~clean["amount"].str.startswith("-")]

    def some(kind: str, n: int, **changed: str) -> pd.DataFrame:
        rows = clean.loc[np.sort(rng.choice(bought, n, replace=False))].assign(dirt=kind)
        if kind == "duplicate":
            return rows
        numbers = [f"{region.code}{kind[0].upper()}{number:06d}" for number in range(1, n + 1)]
        return rows.assign(order_id=numbers, **changed)

    future = EXTRACTED_ON + timedelta(days=int(rng.integers(10, 300)))
    n_twice = max(1, round(SHARE_OF_DUPLICATES * len(clean)))
    n_nobody = max(1, round(SHARE_WITHOUT_CUSTOMER * len(clean)))
    dirt = [
        some("duplicate", n_twice),
        some("missing_customer_id", n_nobody, customer_id=""),
        some("future_date", 1, ordered_at=future.strftime(region.layout.dates)),
        some("amount_is_text", 1, amount=TEXT_FOR_AN_AMOUNT),
        some("no_such_date", 1, ordered_at=NO_SUCH_DAY),
    ]
    together = pd.concat([clean.assign(dirt=""), *dirt])
    return together.sort_index(kind="stable").reset_index(drop=True)


def write_customers(path: Path, people: pd.DataFrame) -> dict[str, object]:
    """Write customers.csv, one row per customer in order of id, and say what is in it."""
    table = people.assign(
        customer_type="retail",
        region=people["region"].map({region.key: region.zh for region in REGIONS}),
        joined_on=people["joined_on"].dt.strftime(CUSTOMERS.dates),
        birth_date=people["birth_date"].dt.strftime(CUSTOMERS.dates),
    ).sort_values("customer_id")
    table = table[list(CUSTOMERS.headers)].rename(columns=CUSTOMERS.headers)
    _write(path, table, CUSTOMERS.encoding)
    return {"encoding": CUSTOMERS.encoding, "n_rows": len(table)}


def _write(path: Path, table: pd.DataFrame, encoding: str) -> None:
    table.to_csv(path, index=False, encoding=encoding, lineterminator="\n")

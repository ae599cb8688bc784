"""The sample folder: raw files and truth.json, made once and left alone while nothing changed."""

import dataclasses
import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from cvm_analysis import __version__
from cvm_analysis.errors import InputError
from cvm_analysis.sample import files, retail
from cvm_analysis.sample.business import (
    AS_OF,
    BIG,
    EXTRACTED_ON,
    FIRST_DAY,
    FREQUENT,
    GROUPS,
    N_DAYS,
    REGIONS,
)

LEAST_CUSTOMERS = 100
PARAMETERS = ("growth", "r", "alpha", "s", "beta", "p", "q", "gamma")


def make(folder: Path, n_customers: int = 12_000, seed: int = 20260101) -> None:
    """Write the invented company's raw files and what is true of them.

    Leaves an identical sample (same size, seed, package version and bytes) as it is; otherwise
    builds a new one beside `folder` and swaps it in.

    Parameters
    ----------
    folder : gets raw/sales_<region>.csv, raw/customers.csv and truth.json
    n_customers : retail customers of all regions together, 100 or more
    seed : the same seed makes the same bytes

    truth.json holds
        made_by : version, seed, n_customers
        first_day, as_of, extracted_on : ISO dates
        groups : what defines each planted group and what it buys
        regions : by key, the planted parameters (weeks, CNY) and plain totals of clean purchases
        files : by path, encoding, sha256, number of rows, returns and dirt of each kind
        customers : one record per customer: customer_id, region, group, purchase_rate and
            drop_out_rate (per week), order_value (CNY), first_order, dropped_on (null: still
            active at as_of), amounts (CNY, each order's draw in order of time)

    Raises
    ------
    InputError : too few customers, or `folder` holds something else than a sample
    """
    if n_customers < LEAST_CUSTOMERS:
        raise InputError(f"sample of {n_customers} customers: make {LEAST_CUSTOMERS} or more")
    folder = Path(folder).resolve()
    made_by = {"version": __version__, "seed": seed, "n_customers": n_customers}
    if _is_made(folder, made_by):
        return
    _refuse_to_overwrite(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".sample-", dir=folder.parent) as beside:
        new = Path(beside) / "new"
        _build(new, made_by, n_customers, seed)
        if folder.exists():
            folder.rename(Path(beside) / "old")
        new.rename(folder)


def _build(folder: Path, made_by: dict[str, object], n_customers: int, seed: int) -> None:
    raw = folder / "raw"
    raw.mkdir(parents=True)
    people = retail.customers(n_customers, seed)
    written, regions, orders = _sell(people, raw, seed)
    written["raw/customers.csv"] = files.write_customers(raw / "customers.csv", people)
    truth: dict[str, object] = {
        "made_by": made_by,
        "first_day": FIRST_DAY.isoformat(),
        "as_of": AS_OF.isoformat(),
        "extracted_on": EXTRACTED_ON.isoformat(),
        "groups": _groups(),
        "regions": regions,
        "files": {path: {**of, "sha256": _sha256(folder / path)} for path, of in written.items()},
        "customers": _customers(people, orders),
    }
    _write_truth(folder / "truth.json", truth)


def _sell(
    people: pd.DataFrame, raw: Path, seed: int
) -> tuple[dict[str, dict[str, object]], dict[str, dict[str, object]], pd.DataFrame]:
    """Write every region's sales; what each file holds, what each region is, and all orders."""
    written: dict[str, dict[str, object]] = {}
    regions: dict[str, dict[str, object]] = {}
    every = []
    for region in REGIONS:
        orders = retail.orders(people, region, seed)
        lines = retail.lines(orders, region, seed)
        returns = retail.returns(lines, region, seed)
        name = f"sales_{region.key}.csv"
        written[f"raw/{name}"] = files.write_sales(raw / name, lines, returns, region, seed)
        regions[region.key] = {
            "parameters": {parameter: getattr(region, parameter) for parameter in PARAMETERS},
            "totals": _totals(orders, returns),
        }
        every.append(orders)
    return written, regions, pd.concat(every)


def _totals(orders: pd.DataFrame, returns: pd.DataFrame) -> dict[str, object]:
    return {
        "n_customers": orders["customer_id"].nunique(),
        "n_orders": len(orders),
        "spend_gross": int(orders["cents"].sum()) / 100,
        "spend_total": int(orders["cents"].sum() + returns["amount"].sum()) / 100,
    }


def _groups() -> dict[str, object]:
    limits = {"frequent_above_per_week": FREQUENT, "big_above_cny": BIG}
    return {group.key: {**dataclasses.asdict(group), **limits} for group in GROUPS}


def _customers(people: pd.DataFrame, orders: pd.DataFrame) -> list[dict[str, object]]:
    amounts = (orders["cents"] / 100).groupby(orders["customer_id"]).agg(list)
    has_left = people["left_at"] < N_DAYS
    known = people[["customer_id", "region", "group"]].assign(
        purchase_rate=people["purchase_rate"].round(6),
        drop_out_rate=people["drop_out_rate"].round(6),
        order_value=people["order_value"].round(2),
        first_order=retail.dates(people["first_at"]).dt.strftime("%Y-%m-%d"),
        dropped_on=retail.dates(people["left_at"].clip(upper=N_DAYS)).dt.strftime("%Y-%m-%d"),
        amounts=people["customer_id"].map(amounts),
    )
    known["dropped_on"] = known["dropped_on"].where(has_left, None)
    return known.to_dict("records")


def _write_truth(path: Path, truth: dict[str, object]) -> None:
    parts = [f'"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in truth.items()]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _truth(folder: Path) -> dict[str, dict]:
    try:
        truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return truth if isinstance(truth, dict) and "made_by" in truth else {}


def _is_made(folder: Path, made_by: dict[str, object]) -> bool:
    truth = _truth(folder)
    return truth.get("made_by") == made_by and all(
        (folder / path).is_file() and _sha256(folder / path) == said["sha256"]
        for path, said in truth["files"].items()
    )


def _refuse_to_overwrite(folder: Path) -> None:
    if not folder.exists():
        return
    ours = {"truth.json", *_truth(folder).get("files", {})}
    found = [folder] if folder.is_file() else [path for path in folder.rglob("*") if path.is_file()]
    others = sorted(
        str(p.relative_to(folder)) for p in found if p.relative_to(folder).as_posix() not in ours
    )
    if others:
        raise InputError(
            f"{folder}: a sample would replace {len(others)} other files there, the first"
            f" {others[0]!r}; name another folder, or move them away"
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

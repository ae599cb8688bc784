"""Five sources, start to finish: `cvm init`, at most three edits, prepared tables and reports.

Their customers, orders and net sales are those that pandas finds in the raw files. One report is
made here, by an installed wheel; `make sources` makes all five.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import invented_shops
import own_project
import pandas as pd
import postgres_server
import pytest
import yaml
from own_project import CONFIG, MOST_EDITS, MOST_LINES, cvm

from cvm_analysis import customers, prepared
from cvm_analysis.settings import load

RAW = Path("data/raw")
LINES = invented_shops.order_lines()
OLIST = ("order_items", "orders", "customers", "products", "order_payments", "order_reviews")


class Source(NamedTuple):
    """What a newcomer types and edits, and the rows that count, read by pandas.

    rows : customer, order, at (local time), amount
    """

    arguments: list[str]
    edits: dict[str, str]
    rows: pd.DataFrame


def counted(rows, counts, customer, order, at, amount):
    """The rows that count; some do not, which the source must tell."""
    assert 0 < counts.sum() < len(rows)
    named = {"customer": rows[customer], "order": rows[order], "at": at, "amount": amount}
    return pd.DataFrame(named)[counts]


def shopify(data_set):
    path = RAW / "orders_export.csv"
    path.write_bytes(invented_shops.shopify(LINES))
    rows = pd.read_csv(path)
    of_order = ["Financial Status", "Total", "Refunded Amount"]
    rows[of_order] = rows.groupby("Name")[of_order].ffill()
    at = pd.to_datetime(rows["Created at"], utc=True).dt.tz_convert("America/New_York")
    kept = 1 - rows["Refunded Amount"] / rows["Total"]
    amount = rows["Lineitem quantity"] * rows["Lineitem price"] * kept
    assert (kept < 1).any()
    paid = rows["Financial Status"] != "voided"
    rows = counted(rows, paid, "Email", "Name", at.dt.tz_localize(None), amount)
    return Source([str(path)], {"timezone": "America/New_York"}, rows)


def olist(data_set):
    raw = data_set("olist").parent
    read = {name: pd.read_csv(raw / f"olist_{name}_dataset.csv") for name in OLIST[:3]}
    rows = read["order_items"].merge(read["orders"], on="order_id", how="left")
    rows = rows.merge(read["customers"], on="customer_id", how="left")
    counts = ~rows["order_status"].isin(["canceled", "unavailable"])
    at = pd.to_datetime(rows["order_purchase_timestamp"])
    paths = [raw / f"olist_{name}_dataset.csv" for name in OLIST]
    paths.append(raw / "product_category_name_translation.csv")
    edits = {"currency": "BRL", "timezone": "America/Sao_Paulo"}
    rows = counted(rows, counts, "customer_unique_id", "order_id", at, rows["price"])
    return Source([*map(str, paths)], edits, rows)


def chinese(data_set):
    path = RAW / "订单.csv"
    path.write_bytes(invented_shops.chinese(LINES))
    rows = pd.read_csv(path, encoding="gb18030", dtype=str)
    at = pd.to_datetime(rows["下单时间"], format="%Y/%m/%d %H:%M")
    amount = rows["实付金额"].str.removeprefix("¥").astype(float)
    rows = counted(rows, rows["订单状态"] != "已取消", "会员号", "订单编号", at, amount)
    return Source([str(path)], {"business": "宁波地板"}, rows)


def german(data_set):
    path = RAW / "bestellungen.csv"
    path.write_bytes(invented_shops.german(LINES))
    rows = pd.read_csv(path, sep=";", encoding="cp1252", dtype=str)
    at = pd.to_datetime(rows["Bestelldatum"], format="%d.%m.%Y %H:%M")
    amount = rows["Gesamtbetrag"].str.removesuffix(" €").str.replace(".", "").str.replace(",", ".")
    counts = rows["Bestellstatus"] != "storniert"
    rows = counted(rows, counts, "Kundennummer", "Bestellnummer", at, amount.astype(float))
    return Source([str(path)], {"timezone": "Europe/Berlin"}, rows)


@pytest.fixture(scope="module")
def server():
    """The URL of a PostgreSQL server with the orders."""
    with postgres_server.owned() as (url, con):
        invented_shops.fill_postgres(con, LINES)
        yield url


@pytest.fixture
def postgres(server, monkeypatch):
    """A maker of the source, with the password where PostgreSQL looks for it."""
    monkeypatch.setenv("PGUSER", "owner")
    monkeypatch.setenv("PGPASSWORD", postgres_server.PASSWORD)

    def make(data_set):
        amount = LINES["pieces"] * LINES["price"]
        rows = counted(LINES, ~LINES["is_cancelled"], "customer", "order", LINES["at"], amount)
        edits = {"currency": "GBP", "timezone": "Europe/London"}
        return Source([server, "--table", "shop.order_lines"], edits, rows)

    return make


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A company's folder, as `cvm new` starts it."""
    own_project.enter(tmp_path / "mine", monkeypatch)


def configure(drafted, edits):
    """Write the draft with edited lines."""
    assert len(edits) <= MOST_EDITS
    lines = drafted.splitlines()
    for setting, value in edits.items():
        places = [i for i, line in enumerate(lines) if line.startswith(f"{setting}:")]
        lines[slice(*(places[0], places[0] + 1) if places else (3, 3))] = [f"{setting}: {value}"]
    assert len(lines) <= MOST_LINES
    CONFIG.write_text("\n".join(lines) + "\n", "utf-8")


def expected(rows, day):
    """Number of customers and orders, and net sales, up to a day."""
    past = rows[rows["at"] < pd.Timestamp(day) + pd.Timedelta(days=1)]
    sales = pytest.approx(past["amount"].sum(), abs=0.01)
    return past["customer"].nunique(), past["order"].nunique(), sales


def figures(table):
    """The same, of a table of customers."""
    return len(table), int(table["n_orders"].sum()), float(table["net_sales"].sum())


def prepare(source):
    """Draft, edit and prepare; the table of customers, its day, and the regions."""
    configure(cvm("init", *source.arguments), source.edits)
    cvm("prepare", str(CONFIG))
    settings = load(CONFIG)
    day = prepared.stamp(settings)["as_of"]
    lines = prepared.open(settings, "all").transactions
    made = customers.as_of(lines, pd.Timestamp(day).date()).to_pandas()
    return made, day, prepared.region_names(settings)


def test_postgres_comes_to_prepared_tables(mine, postgres, data_set):
    source = postgres(data_set)
    made, day, _ = prepare(source)
    assert figures(made) == expected(source.rows, day)


@pytest.mark.parametrize("make", [shopify, olist, chinese])
def test_a_file_comes_to_prepared_tables(mine, data_set, make):
    source = make(data_set)
    made, day, regions = prepare(source)
    assert figures(made) == expected(source.rows, day)
    assert len(regions) > 2 and "main" not in regions
    assert make is not chinese or [*regions] == ["all", "江苏省", "浙江省"]


def report(cvm, source):
    """Draft, edit and run; the published table of customers, its day, and the settings."""
    edits = {**source.edits, "pdf": "off"}
    configure(cvm("init", *source.arguments), edits)
    cvm("run", str(CONFIG), "--out", "reports", "--region", "all", "--language", "en")
    (folder,) = Path("reports/all").glob("2*-*-*")
    (page,) = (folder / "share").glob("*.html")
    assert yaml.safe_load(CONFIG.read_text("utf-8"))["business"].replace(" ", "-") in page.name
    return pd.read_parquet(folder / "desk" / "tables" / "customers.parquet"), folder.name


@pytest.mark.slow
def test_a_report_from_postgres(mine, postgres, data_set):
    source = postgres(data_set)
    made, day = report(cvm, source)
    assert figures(made) == expected(source.rows, day)


def test_a_report_from_a_german_list_by_an_installed_wheel(wheel, tmp_path, monkeypatch, data_set):
    """Its own notebooks, rule files and program, in a folder that was empty."""

    def installed(*arguments):
        program = [sys.executable, "-P", wheel / "bin" / "cvm", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(wheel)}
        done = subprocess.run(program, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    monkeypatch.chdir(tmp_path)
    installed("new", "mine")
    monkeypatch.chdir("mine")
    monkeypatch.setenv("CVM_KEY", Path("key").read_text().strip())
    source = german(data_set)
    made, day = report(installed, source)
    assert figures(made) == expected(source.rows, day)


@pytest.mark.slow
@pytest.mark.parametrize("make", [shopify, olist, chinese])
def test_a_report_from_a_file(mine, data_set, make):
    source = make(data_set)
    made, day = report(cvm, source)
    assert figures(made) == expected(source.rows, day)

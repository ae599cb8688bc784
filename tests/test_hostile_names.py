"""Hundreds of hostile names go through as text: none is lost, none is run.

The whole way to reports, in a browser, is slow: `make sources`.
"""

import csv
import random
import zipfile
from pathlib import Path

import browser
import own_project
import pandas as pd
import pytest
import raw_business
from hostile_names import BARE, NAMES
from own_project import CONFIG, cvm

from cvm_analysis import customer_file, file_names, prepared
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.settings import load

SOURCE = """
files: sales.csv
columns: {customer_id: customer, order_id: order, ordered_at: date, amount: amount, sold_in: shop,
          product: product, category: category}
"""
SHOPS = BARE[::12]
STARTED = "iframe, base, [onload], [onerror], [onmouseover], a[href*=example], img[src=x]"


def sales():
    """Order lines of two years, 1 to 8 a customer, each name also a product; SHOPS sell them."""
    draw = random.Random(1)
    days = pd.date_range("2024-01-01", "2025-12-31").strftime("%Y-%m-%d")
    rows = [
        (name, f"{number}-{nth}", draw.choice(days), draw.randint(5, 500), draw.choice(SHOPS))
        for number, name in enumerate(NAMES)
        for nth in range(draw.randint(1, 8))
    ]
    table = pd.DataFrame(rows, columns=["customer", "order", "date", "amount", "shop"])
    return table.assign(product=table["customer"], category=draw.choices(NAMES, k=len(table)))


def test_there_are_hundreds():
    assert len(NAMES) >= 300 and len({name.strip() for name in NAMES}) == len(NAMES)


def test_each_name_is_a_customer_a_product_and_a_shop_as_written(tmp_path):
    rows = sales()
    path = raw_business.write(tmp_path, SOURCE, {"sales.csv": rows.to_csv(index=False)})
    text = path.read_text("utf-8").replace("{main: {en: Main, zh: 主区域}}", "{from: shop}")
    path.write_text(text, "utf-8")
    settings = load(path)
    prepare(settings)
    found = pd.read_parquet(settings.prepared / "transactions")
    for ours, theirs in (
        ("customer_id", "customer"),
        ("product", "product"),
        ("category", "category"),
    ):
        assert set(found[ours]) == set(rows[theirs])
    assert found["amount"].astype(float).sum() == rows["amount"].sum()
    names = prepared.region_names(settings)
    assert sorted(each["en"] for each in names.values()) == sorted(["All regions", *SHOPS])
    assert all(key == file_names.key(key) and key.isprintable() for key in names)
    assert {each.name for each in tmp_path.iterdir() if each.name[0] != "."} == {
        *("mine.yaml", "sales.csv", "prepared", "segments.yaml", "scorecards.yaml"),
        "strategies.yaml",
    }


def test_a_draft_of_hostile_headers_is_a_config_that_reads_them(tmp_path, monkeypatch):
    own_project.enter(tmp_path / "mine", monkeypatch)
    headers = [name for name in BARE if name.strip() == name and "customer" not in name]
    own = pd.DataFrame([["x"] * len(headers)] * 40, columns=headers)
    table = pd.concat(
        [sales()[["customer", "date", "amount"]].head(40), own],
        axis=1,
    )
    path = Path("data/raw/sales '{{7*7}}' $(touch hacked).csv")
    table.to_csv(path, index=False)
    drafted = cvm("init", str(path))
    CONFIG.write_text(drafted, "utf-8")
    (source,) = load(CONFIG).business.sources.transactions
    assert source.columns["customer_id"] == "customer" and source.files.endswith(path.name)
    cvm("prepare", str(CONFIG))
    assert not [path for path in Path().rglob("*") if path.stem == "hacked"]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A company's folder with reports of `all` and one region."""
    folder = tmp_path_factory.mktemp("company") / "mine"
    with pytest.MonkeyPatch.context() as patch:
        own_project.enter(folder, patch)
        sales().to_csv("data/raw/sales.csv", index=False)
        drafted = cvm("init", "data/raw/sales.csv")
        edits = {"pseudonyms": "off", "pdf": "off", "business": "'Ann & <b>Co</b>'"}
        kept = [x for x in drafted.splitlines() if x.partition(":")[0] not in edits]
        lines = [*(f"{name}: {value}" for name, value in edits.items()), *kept]
        CONFIG.write_text("\n".join(lines) + "\n", "utf-8")
        cvm("prepare", str(CONFIG))
        key = prepared.region_keys(load(CONFIG))[0]
        asked = ("--region", "all", "--region", key, "--language", "en", "--language", "zh")
        cvm("run", str(CONFIG), "--prepared", "--out", "reports", *asked)
        yield folder


@pytest.mark.slow
def test_no_page_runs_shows_or_loads_what_a_name_says(published, tmp_path):
    pages = sorted((published / "reports").rglob("*.html"))
    who = [*NAMES[:6], *NAMES[30:36]]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(published)
        made = [customer_file.write(CONFIG, each, Path("reports"), ["en"]) for each in who]
    pages += [published / path for paths in made for path in paths]
    assert len(pages) >= 4 + 3 + len(who)
    with browser.opened(tmp_path / "profile") as tab:
        for page in pages:
            tab.open(page, browser.DESKTOP)
            assert tab.value("window.hacked") is None, page
            assert tab.value("document.title") != "hacked", page
            assert (
                tab.value("document.querySelectorAll('iframe,base,svg[onload],img[src=x]').length")
                == 0
            )
            headings = tab.value("[...document.querySelectorAll('h1')].map(h => h.textContent)")
            assert headings and "hacked" not in headings, page
            assert tab.value("document.querySelector('main') !== null"), page


@pytest.mark.slow
def test_no_list_has_a_formula_or_a_link(published):
    (desk,) = (published / "reports" / "all").glob("2*/desk")
    for path in desk.glob("lists/*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        bad = [cell for cell in cells if cell.lstrip()[:1] in tuple("=+@＝") or is_minus(cell)]
        assert bad == [], path
    for path in desk.glob("lists/*.xlsx"):
        parts = zipfile.ZipFile(path)
        sheets = [name for name in parts.namelist() if "/worksheets/" in name]
        for sheet in (parts.read(name).decode() for name in sheets):
            assert "<f>" not in sheet and "<f " not in sheet and "hyperlink" not in sheet
        assert len(sheets) > 2


def is_minus(cell):
    """Whether a cell begins as a negative number and is none."""
    try:
        float(cell)
    except ValueError:
        return cell.lstrip()[:1] == "-"
    return False


@pytest.mark.slow
def test_nothing_is_written_elsewhere_and_all_customers_are_in_the_report(published):
    assert not [path for path in published.parent.rglob("*") if path.stem == "hacked"]
    (folder,) = (published / "reports" / "all").glob("2*")
    people = pd.read_parquet(folder / "desk" / "tables" / "customers.parquet")
    index = people.index if people.index.name == "customer_id" else people["customer_id"]
    assert set(index) == set(NAMES)

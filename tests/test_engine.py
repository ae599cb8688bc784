"""Spark gives the figures of DuckDB; and what is missing for it, one message says.

Tests on Spark are skipped without pyspark or Java; `make spark` runs them.
"""

import datetime as dt
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest
from small_business import small
from tiny_notebooks import is_gone

from cvm_analysis import customers, engine, prepared, settings
from cvm_analysis.customers import sample
from cvm_analysis.errors import InputError
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.performance import periods
from cvm_analysis.prepared import region
from cvm_analysis.tables import FROM_FILES

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "01_customers.ipynb"
MASTER = "local[2]"
DAY, EARLIER = dt.date(2025, 12, 30), dt.date(2024, 6, 30)
YEARS = periods.years(DAY, dt.date(2023, 1, 1))

on_spark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="needs pyspark and Java: make spark",
)


def test_what_spark_needs_and_is_not_installed_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    said = r"^Spark needs pyspark and Java: pip install 'cvm_analysis\[spark\]' and install Java 17"
    with pytest.raises(InputError, match=said):
        engine.connect(MASTER, tmp_path)
    engine.check(None)


def write_lines(draws):
    """Order lines of two regions: returns, lines of zero, cells left empty, late in the day."""
    n = 900
    who = (120 * draws.random(n) ** 2).astype(int)
    ordered = pd.Timestamp("2023-01-01") + pd.to_timedelta(draws.integers(0, 1095, n), "D")
    seconds = draws.choice([0, 1, 43_200, 86_399], n)
    promised = ordered + pd.to_timedelta(draws.integers(1, 9, n), "D")
    delivered = promised + pd.to_timedelta(draws.integers(-3, 4, n), "D")
    amount = np.round(draws.lognormal(4, 1, n), 2)
    amount[draws.random(n) < 0.06] *= -1
    amount[draws.random(n) < 0.02] = 0
    lines = pd.DataFrame(
        {
            "customer_id": [f"c{each:03d}" for each in who],
            "ordered_at": (ordered + pd.to_timedelta(seconds, "s")).strftime("%Y-%m-%d %H:%M:%S"),
            "order_id": [f"o{each}" for each in draws.integers(0, 600, n)],
            "amount": amount,
            "cost": np.round(np.abs(amount) * draws.random(n), 4),
            "discount": np.round(draws.normal(2, 3, n), 2),
            "category": draws.choice(["floors", "Doors", "trim"], n),
            "channel": draws.choice(["web", "store", "Web"], n),
            "promised_on": promised.strftime("%Y-%m-%d"),
            "delivered_on": delivered.strftime("%Y-%m-%d"),
            "land": np.where(who % 3 > 0, "01", "江苏"),
        }
    )
    for column in ("order_id", "cost", "discount", "category", "channel", "delivered_on"):
        lines[column] = lines[column].where(draws.random(n) > 0.1)
    code = draws.integers(0, 20, n)
    lines["product_id"] = pd.Series(code.astype(str)).where(draws.random(n) > 0.1)
    names = [f"Board {each // 2}, {edge}" for each, edge in zip(code, "ab" * n, strict=False)]
    lines["product"] = pd.Series(names).where(draws.random(n) > 0.1)
    return lines.to_csv(index=False)


def write_people(draws):
    joined = pd.Timestamp("2022-06-01") + pd.to_timedelta(draws.integers(0, 1400, 130), "D")
    return pd.DataFrame(
        {
            "customer_id": [f"c{each:03d}" for each in range(130)],
            "land": ["01" if each % 3 else "江苏" for each in range(130)],
            "joined_on": joined.strftime("%Y-%m-%d"),
            "customer_type": draws.choice(["retail", "trade"], 130),
            "born": draws.choice(["1980s", "1990s", ""], 130),
        }
    ).to_csv(index=False)


def write_answers(draws):
    """Scores of which a mean has no end, several a day, and complaints of which some are open."""
    n = 400
    at = pd.Timestamp("2023-06-01") + pd.to_timedelta(draws.integers(0, 900, n), "D")
    kind = draws.choice(["csat", "nps", "complaint"], n)
    closed = (at + pd.to_timedelta(draws.integers(0, 90, n), "D")).strftime("%Y-%m-%d")
    return pd.DataFrame(
        {
            "customer_id": [f"c{each:03d}" for each in draws.integers(0, 40, n)],
            "at": at.strftime("%Y-%m-%d"),
            "kind": kind,
            "score": np.where(kind == "complaint", "", draws.integers(1, 6, n).astype(str)),
            "closed_at": np.where((kind == "complaint") & (draws.random(n) < 0.7), closed, ""),
        }
    ).to_csv(index=False)


def write_indicators(draws):
    """Several values a day, whose mean has no end."""
    n = 300
    return pd.DataFrame(
        {
            "customer_id": [f"c{each:03d}" for each in draws.integers(0, 30, n)],
            "at": draws.choice(["2024-05-01", "2025-01-31", "2025-02-01"], n),
            "name": draws.choice(["visits", "wallet"], n),
            "value": np.round(draws.lognormal(2, 1, n), 4),
        }
    ).to_csv(index=False)


@pytest.fixture(scope="module")
def business(tmp_path_factory):
    draws = np.random.default_rng(20260101)
    others = {"feedback": write_answers(draws), "indicators": write_indicators(draws)}
    folder = tmp_path_factory.mktemp("business")
    lines, people = write_lines(draws), write_people(draws)
    return small(folder, "{from: land}", {"sales.csv": lines}, people, others=others)


def with_spark(settings_):
    return replace(settings_, business=settings_.business.model_copy(update={"engine": MASTER}))


@pytest.fixture(scope="module", params=["all", "江苏"])
def both(request, business):
    """The tables of a region on DuckDB and on Spark."""
    on_duckdb = prepared.open(business, request.param)
    return on_duckdb, prepared.open(with_spark(business), request.param)


def copies(data):
    """Copies of a few purchase days, in three draws of which one is empty."""
    days = data.purchase_days(DAY).sort_values(["customer_id", "day"])
    days = days.rename(columns={"day": "copy_of"}).assign(day=pd.Timestamp("2026-01-15"))
    for draw in data.with_copied_days([days[::7], days[:0], days[::5]], DAY):
        yield draw.customers(dt.date(2026, 2, 1))


def some(data):
    """The customers that are learned from, some of most types and all of a rare one."""
    types = data.customers(DAY)["customer_type"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(region, "MOST_LEARNED_FROM", 1)
        patch.setattr(sample, "SIZE", int(types.value_counts().iloc[-1]))
        found = data.sample(types).customers(DAY)
    assert 0 < len(found) < len(types)
    return found


QUERIES = {
    "customers": lambda data: data.customers(DAY),
    "customers of another day": lambda data: data.customers(EARLIER),
    "measures": lambda data: data.measures(DAY),
    "late_deliveries": lambda data: data.late_deliveries(DAY),
    "deliveries": lambda data: data.deliveries(DAY, 182),
    "service_due": lambda data: data.service_due(
        DAY, {"category": {"flooring": 730}}, {"category": {"care": 180}}, ["welcome"], ["reached"]
    ),
    "in_period": lambda data: data.in_period(DAY, 365),
    "in_periods": lambda data: data.in_periods(YEARS, 0.4),
    "baskets": lambda data: _as_text(data.baskets(DAY, ["Doors", "7"])),
    "mix": lambda data: data.mix(["category", "channel", "product"], DAY),
    "purchase_days": lambda data: data.purchase_days(DAY),
    "daily_margin": lambda data: data.daily_margin(DAY, 0.4),
    "daily_margin of some": lambda data: data.daily_margin(DAY, 0.4, some(data).index[::3]),
    "year_to_last_order": lambda data: data.year_to_last_order(DAY),
    "net_sales": lambda data: data.net_sales(EARLIER).to_frame(),
    "largest_days": lambda data: data.largest_days(DAY),
    "histories": lambda data: data.histories(DAY),
    "row_days": lambda data: data.row_days(DAY),
    "sample": some,
    "feedback_by": lambda data: data.feedback_by(EARLIER),
    "with_copied_days": lambda data: pd.concat(copies(data), keys=range(3)),
    "monthly": lambda data: customers.monthly(data.transactions, DAY).to_pandas(),
    "retention": lambda data: customers.retention(data.transactions, DAY).to_pandas(),
    "rfm_measures": lambda data: customers.rfm_measures(data.transactions, DAY).to_pandas(),
    "spend_per_repeat_day": lambda data: customers.histories(data.transactions, DAY).to_pandas(),
    **{f"to_pandas {name}": lambda data, name=name: data.to_pandas(name) for name in FROM_FILES},
}


def _as_text(table):
    """Categorical texts as plain ones: engines number them differently."""
    texts = table.select_dtypes("category").columns
    return table.astype(dict.fromkeys(texts, object))


UNORDERED = ("purchase_days", "feedback_by", "rfm_measures", "spend_per_repeat_day", "to_pandas")
DECIMALS = {"amount", "sales", "spend", "n", "net_sales", "gross_sales", "returned", "margin"}


def assert_equal(found, expected):
    """The same rows and values: money and counts exactly, other fractions to 1e-9."""
    pd.testing.assert_index_equal(found.index, expected.index)
    assert list(found.columns) == list(expected.columns)
    for name in expected:
        one, other = found[name], expected[name]
        is_fraction = pd.api.types.is_float_dtype(other) and name not in DECIMALS
        how = {"rtol": 1e-9, "atol": 1e-12} if is_fraction else {"check_exact": True}
        # A column of None alone has no type of its own, and times have another unit.
        same_kind = other.isna().all() or one.dtype.kind == other.dtype.kind
        assert same_kind, name
        pd.testing.assert_series_equal(one, other, check_dtype=False, **how)


@on_spark
@pytest.mark.parametrize("query", QUERIES)
def test_a_query_has_the_same_rows_and_values(both, query):
    expected, found = map(QUERIES[query], both)
    if query.startswith(UNORDERED):
        found, expected = (
            each.sort_values(list(each)).reset_index(drop=True) for each in (found, expected)
        )
    assert_equal(found, expected)


@on_spark
def test_what_is_asked_of_all_regions_is_the_same(business):
    spark, columns = with_spark(business), ["born", "customer_type", "first_channel"]
    assert prepared.customer_types(spark) == prepared.customer_types(business)
    assert prepared.count_values(spark, columns) == prepared.count_values(business, columns)
    assert prepared.count_buyers(spark, EARLIER).equals(prepared.count_buyers(business, EARLIER))
    one, two = (prepared.other_regions(each, "01").customers(DAY) for each in (spark, business))
    assert_equal(one, two)


def printed(config, folder):
    """What the notebook of customers prints, cell by cell."""
    asked = {"config": str(config), "region": "01", "run_dir": str(folder / "run")}
    papermill.execute_notebook(NOTEBOOK, folder / "out.ipynb", asked, progress_bar=False)
    cells = nbformat.read(folder / "out.ipynb", 4).cells
    outputs = [each for cell in cells if cell.cell_type == "code" for each in cell.outputs]
    return [each.get("text") or dict(each.data) for each in outputs]


@on_spark
def test_a_notebook_prints_the_same_and_nothing_is_prepared_again(business, tmp_path_factory):
    expected = printed(business.path, tmp_path_factory.mktemp("duckdb"))
    text = business.path.read_text("utf-8")
    try:
        business.path.write_text(f"engine:\n  spark: {MASTER}\n{text}", "utf-8")
        assert settings.load(business.path).business.engine == MASTER
        assert not prepare(settings.load(business.path))
        assert printed(business.path, tmp_path_factory.mktemp("spark")) == expected
    finally:
        business.path.write_text(text, "utf-8")


@on_spark
def test_a_spark_that_does_not_start_is_one_message(tmp_path, monkeypatch):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'Error: UnsupportedClassVersionError 61.0' >&2\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    said = r"^Spark at local\[1\] did not start: Error: UnsupportedClassVersionError 61.0; it needs"
    with pytest.raises(InputError, match=said):
        engine.connect("local[1]", tmp_path)


@on_spark
@pytest.mark.parametrize(
    "place, ending",
    [("TMPDIR", ""), ("CVM_WORK", "; os.kill(os.getpid(), 9)")],
    ids=["end", "kill"],
)
def test_spark_ends_with_its_process_and_leaves_nothing(tmp_path, place, ending):
    """Nothing but what lies in the work folder of a run, which goes with it."""
    code = (
        "import os; from pathlib import Path; from cvm_analysis import engine; "
        "con = engine.connect('local[1]', Path()); con.raw_sql('SELECT 1').collect(); "
        "print(con._session.sparkContext._gateway.proc.pid, flush=True)"
    )
    folders = {name: tmp_path / name for name in ("TMPDIR", "CVM_WORK")}
    for folder in folders.values():
        folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code + ending],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(folders["TMPDIR"]), place: str(folders[place])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert is_gone(int(done.stdout), 20)
    assert (list(folders["TMPDIR"].iterdir()), done.stderr) == ([], "")
    assert {path.name for path in tmp_path.iterdir()} == {"TMPDIR", "CVM_WORK"}


def test_a_notebook_s_engine_spills_beyond_its_memory_into_the_folder_of_the_run(
    tmp_path, monkeypatch
):
    monkeypatch.setenv(engine.IN_RUN, str(tmp_path / "work"))
    con = engine.connect(None, tmp_path)
    asked = "SELECT current_setting('memory_limit'), current_setting('temp_directory')"
    assert con.raw_sql(asked).fetchone() == ("2.7 GiB", str(tmp_path / "work" / "spill"))

"""Figures by hand, and of the sample against pandas; regions add up to the company."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cvm_analysis import prepared, sample
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.performance import (
    concentration,
    decomposition,
    figures,
    histories,
    periods,
    totals,
    trend,
)
from cvm_analysis.settings import load
from cvm_analysis.tables import ALL, TABLES, check

CONFIG = Path(__file__).parent.parent / "config"
REGIONS = ("east", "south", "north", "central", "southwest", "northeast")
SUMS = ["net_sales", "margin", "n_active", "n_new", "n_orders"]


def by_hand():
    """Two customers, three years (0 is the last one)."""
    years = pd.MultiIndex.from_product([
        ("net_sales", "gross_sales", "returned", "n_orders", "bought", "bought_before", "kept",
         "is_new", "n_complaints", "n_answers", "nps_balance"), (0, 1, 2)
    ])  # fmt: skip
    rows = [
        [80, 50, 20, 100, 50, 20, 20, 0, 0, 4, 2, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, np.nan,
         3, 0, 0, 2, 1, 0, -1, 1, 0],
        [0, 30, 0, 0, 30, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, np.nan,
         0, 1, 0, 1, 0, 0, 0, 0, 0],
    ]  # fmt: skip
    return pd.DataFrame(rows, index=["a", "b"], columns=years, dtype=float)


def test_figures_by_hand():
    found = figures.compare(totals.draw(by_hand(), pd.Series("retail", ["a", "b"])))
    check("year_on_year", found.assign(region="east").reset_index())
    rows = found.loc["all"].astype({"value": float})[["value", "before", "before_last"]]
    expected = {
        "net_sales": (80, 80, 20),
        "n_active": (1, 2, 1),
        "kept_share": (0.5, 1, np.nan),
        "n_new": (0, 1, np.nan),
        "n_orders": (4, 3, 1),
        "orders_per_customer": (4, 1.5, 1),
        "value_per_order": (20, 80 / 3, 20),
        "return_share": (0.2, 0, 0),
        "complaints_per_100": (300, 50, 0),
        "nps": (-100 / 3, 100, np.nan),
    }
    assert rows.index.tolist() == list(expected)
    for figure, values in expected.items():
        assert rows.loc[figure].tolist() == pytest.approx(list(values), nan_ok=True), figure


def test_what_nobody_of_a_type_has_in_any_year_is_not_recorded():
    table = by_hand()
    table[[("n_complaints", year) for year in range(3)]] = 0.0
    found = figures.compare(totals.draw(table, pd.Series("retail", ["a", "b"])))
    assert "complaints_per_100" not in found.loc["all"].index


def test_without_a_whole_year_there_are_no_figures():
    assert figures.compare({}).empty
    check("year_on_year", figures.compare({}).assign(region="east").reset_index())


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """The sample business, 400 customers, prepared."""
    folder = tmp_path_factory.mktemp("performance")
    sample.make(folder / "data" / "sample", 400)
    shutil.copytree(CONFIG, folder / "config")
    found = load(folder / "config" / "sample.yaml")
    prepare(found)
    return found


@pytest.fixture(scope="module")
def tables(settings):
    """All tables of each region and of the company: region -> name -> table."""
    return {region: analyse(settings, region) for region in (ALL, *REGIONS)}


def analyse(settings, region):
    data = prepared.open(settings, region)
    date = data.last_day
    types = data.customers(date)["customer_type"]
    years, spans = periods.years(date, data.first_day), periods.trend(date, data.first_day)
    sums, by_period = (data.in_periods(each, settings.value.margin) for each in (years, spans))
    drawn = totals.draw(histories.join(sums, years, data.feedback_by(date)), types)
    return {
        "year_on_year": figures.compare(drawn),
        "sales_change": decomposition.decompose(drawn),
        "sales_trend": trend.summarize(by_period, spans, types),
        "concentration": concentration.concentrate(sums, types),
    }


def test_tables_are_as_described(tables):
    for region, each in tables.items():
        for name, table in each.items():
            beside = {"region": region} if TABLES[name].company == "beside" else {}
            check(name, table.assign(**beside).reset_index())
            assert ALL in table.index.get_level_values("customer_type"), name


def test_regions_add_up_to_the_company(tables):
    """Sums of every type, year and quarter: to a hundredth of a cent."""
    whole = tables[ALL]["sales_trend"]
    parts = [tables[region]["sales_trend"].reindex(whole.index) for region in REGIONS]
    for column in whole.columns.drop("n_days"):
        added = sum(part[column].fillna(0) for part in parts)
        assert added.tolist() == pytest.approx(whole[column].fillna(0).tolist(), abs=1e-4), column
    yearly = tables[ALL]["year_on_year"]
    yearly = yearly[yearly.index.get_level_values("figure").isin(SUMS)]
    parts = [tables[region]["year_on_year"].reindex(yearly.index) for region in REGIONS]
    for column in ("value", "before", "before_last"):
        added = sum(part[column].fillna(0) for part in parts)
        assert added.tolist() == pytest.approx(yearly[column].fillna(0).tolist(), abs=1e-4), column


def test_types_add_up_to_all(tables):
    found = tables[ALL]["year_on_year"]["value"].unstack("figure")[SUMS]
    assert found.drop(index=ALL).sum().tolist() == pytest.approx(found.loc[ALL].tolist())


def test_the_sample_against_pandas(settings, tables):
    """Years 2023 to 2025 of the company, from its order lines and answers alone."""
    data = prepared.open(settings, ALL)
    lines = data.to_pandas("transactions")
    lines["year"] = pd.to_datetime(lines["ordered_at"]).dt.year
    day = pd.to_datetime(lines["ordered_at"]).dt.strftime("%Y-%m-%d")
    lines["order"] = lines["customer_id"] + "/" + lines["order_id"].fillna(day)
    bought = lines[lines["amount"] > 0]
    of_year = {year: set(rows["customer_id"]) for year, rows in bought.groupby("year")}
    sales = lines.groupby("year")["amount"].sum()
    orders = bought.groupby("year")["order"].nunique()
    answers = data.to_pandas("feedback")
    answers["year"] = pd.to_datetime(answers["at"]).dt.year
    complaints = answers[answers["kind"] == "complaint"].groupby("year").size()
    score = answers[answers["kind"] == "nps"].dropna(subset="score").set_index("year")["score"]
    nps = 100 * ((score.astype(float) >= 9).astype(int) - (score.astype(float) <= 6))
    expected = {
        "net_sales": sales,
        "n_active": {year: len(who) for year, who in of_year.items()},
        "kept_share": {
            y: len(of_year[y] & of_year[y - 1]) / len(of_year[y - 1]) for y in (2024, 2025)
        },
        "n_new": {y: len(of_year[y] - of_year[y - 1]) for y in (2024, 2025)},
        "n_orders": orders,
        "value_per_order": sales / orders,
        "return_share": 1 - sales / bought.groupby("year")["amount"].sum(),
        "complaints_per_100": {y: 100 * complaints[y] / len(of_year[y]) for y in (2024, 2025)},
        "nps": nps.groupby(level=0).mean(),
    }  # fmt: skip
    margin = (lines["amount"] - lines["cost"]).fillna(settings.value.margin * lines["amount"])
    expected["margin"] = margin.groupby(lines["year"]).sum()
    found = tables[ALL]["year_on_year"].loc[ALL]
    for figure, values in expected.items():
        assert found.loc[figure, "value"] == pytest.approx(values[2025]), figure
        assert found.loc[figure, "before"] == pytest.approx(values[2024]), figure
    assert found.loc["late_share", "value"] == pytest.approx(late_share(lines, 2025))
    assert found.loc["late_share", "before"] == pytest.approx(late_share(lines, 2024))


def late_share(lines, year):
    """Late deliveries of a year's orders, of those due on its last day, as known then."""
    end = pd.Timestamp(year, 12, 31)
    rows = lines[(lines["year"] == year) & (lines["amount"] > 0)]
    promised, arrived = (pd.to_datetime(rows[each]) for each in ("promised_on", "delivered_on"))
    arrived = arrived.where(arrived <= end)
    due = promised.notna() & (arrived.notna() | (promised < end))
    return (arrived.fillna(end)[due] > promised[due]).mean()

"""The tables of `all` that are its regions' rows, or their sums; all others stay its own."""

import json

import pandas as pd
import pytest

from cvm_analysis import union
from cvm_analysis.errors import InputError
from cvm_analysis.tables import HANDED_IN, TABLES
from cvm_analysis.tables.results import RESULTS


def put(desk, name, rows, **horizon):
    (desk / "tables").mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows, columns=[c for c in TABLES[name].columns if c in rows])
    table.attrs = horizon
    table.to_parquet(desk / "tables" / f"{name}.parquet", index=False)


def get(desk, name):
    return pd.read_parquet(desk / "tables" / f"{name}.parquet")


def ends(*customers, p=0.5):
    shares = {f"p_end_{days}d": [p] * len(customers) for days in (90, 180, 365)}
    return {"customer_id": list(customers), **shares}


def moves(*rows):
    columns = ("scheme", "before", "after", "move", "n_customers", "net_sales", "expected")
    return dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))


@pytest.fixture
def desks(tmp_path):
    return {key: tmp_path / key for key in ("all", "east", "west", "north")}


def unite(desks, *regions):
    union.unite(desks["all"], {key: desks[key] for key in regions})


def test_rows_of_customers_are_those_of_their_regions_sorted_by_key(desks):
    put(desks["all"], "contract_churn", ends("C1", "C2", "C3", p=0.9))
    put(desks["east"], "contract_churn", ends("C3", "C1", p=0.2), horizon_days=365)
    put(desks["west"], "contract_churn", ends("C2", p=0.4), horizon_days=365)
    put(desks["north"], "contract_churn", ends())
    unite(desks, "east", "west", "north")
    found = get(desks["all"], "contract_churn")
    assert found.set_index("customer_id")["p_end_90d"].to_dict() == {
        "C1": 0.2,
        "C2": 0.4,
        "C3": 0.2,
    }
    assert list(found["customer_id"]) == ["C1", "C2", "C3"]
    assert found.attrs == {"horizon_days": 365}
    said = json.loads((desks["all"] / "regions.json").read_text())
    assert said == {"regions": ["east", "west", "north"]}


def test_a_column_that_one_region_lacks_is_empty_there(desks):
    known = {"scheme": ["grade"], "before": ["A"], "after": ["B"], "net_sales": [10.0]}
    put(desks["east"], "downgrades", {**known, "customer_id": ["C1"], "largest_drop": ["spend"]})
    put(desks["west"], "downgrades", {**known, "customer_id": ["C2"]})
    (desks["all"] / "tables").mkdir(parents=True)
    unite(desks, "east", "west")
    found = get(desks["all"], "downgrades").set_index("customer_id")["largest_drop"]
    assert found["C1"] == "spend" and pd.isna(found["C2"])


def test_attributes_of_the_business_stay_in_the_table_of_customers(desks):
    every = {c: [1] for c, column in TABLES["customers"].columns.items() if not column.optional}
    for region, customer in (("east", "C2"), ("west", "C1")):
        table = pd.DataFrame(every | {"customer_id": [customer], "region": [region]})
        (desks[region] / "tables").mkdir(parents=True)
        table["floor"] = f"of {customer}"
        table.to_parquet(desks[region] / "tables" / "customers.parquet", index=False)
    (desks["all"] / "tables").mkdir(parents=True)
    unite(desks, "east", "west")
    assert get(desks["all"], "customers")["floor"].tolist() == ["of C1", "of C2"]


def test_counts_and_sales_of_transitions_add_up_by_key(desks):
    put(desks["all"], "transitions", moves(("grade", "A", "B", "fell", 99, 1.0, 1.0)))
    fell, new = ("grade", "A", "B", "fell"), ("grade", "not_yet", "B", "other")
    put(desks["east"], "transitions", moves((*fell, 3, 100.0, 2.5), (*new, 4, 10.0, None)))
    put(desks["west"], "transitions", moves((*fell, 2, 50.0, 1.25)))
    put(desks["north"], "transitions", moves((*fell, 1, 5.0, None)))  # too few for a chance
    unite(desks, "east", "west", "north")
    found = get(desks["all"], "transitions")
    assert found.iloc[0].tolist() == [*fell, 6, 155.0, 4.75]
    assert found["n_customers"].dtype == "int64"
    assert found["n_customers"].tolist() == [6, 4] and pd.isna(found["expected"][1])


def year(region, *values):
    """Net sales of a region, of all its customers and then of dealers."""
    types = ["all", "dealer"][: len(values)]
    rows = {"region": region, "customer_type": types, "figure": "net_sales", "value": values}
    rows |= {"before": 1.0, "before_last": 1.0, "low": 0.0, "high": 9.0, "p_value": 0.5}
    return pd.DataFrame(rows | {"beyond_chance": False})


def test_what_regions_are_compared_by_stands_beside_the_companys_own(desks):
    """The company's figure is no sum: it keeps its own rows, and gets those of its regions."""
    put(desks["all"], "year_on_year", year("all", 7.0, 3.0))
    put(desks["west"], "year_on_year", year("west", 5.0))
    put(desks["east"], "year_on_year", year("east", 4.0, 1.0))
    unite(desks, "west", "east", "north")
    found = get(desks["all"], "year_on_year").set_index(["region", "customer_type"])["value"]
    assert list(found.items()) == [
        (("all", "all"), 7.0), (("all", "dealer"), 3.0), (("east", "all"), 4.0),
        (("east", "dealer"), 1.0), (("west", "all"), 5.0),
    ]  # fmt: skip


def test_the_companys_own_rows_stay_alone_where_no_region_has_any(desks):
    put(desks["all"], "year_on_year", year("all", 7.0))
    (desks["north"] / "tables").mkdir(parents=True)
    unite(desks, "north")
    assert get(desks["all"], "year_on_year")["region"].tolist() == ["all"]


def test_only_figures_by_which_regions_are_compared_stand_beside_each_other():
    beside = {name: table.key[0] for name, table in TABLES.items() if table.company == "beside"}
    assert beside == {"sales_trend": "region", "year_on_year": "region"}


def test_clusters_stay_the_companys_own_and_without_regions_everything_does(desks):
    cluster = {"customer_id": ["C1"], "cluster": ["c1"]}
    put(desks["all"], "clusters", cluster)
    put(desks["all"], "contract_churn", ends("C1", p=0.9))
    put(desks["east"], "clusters", cluster | {"cluster": ["c2"]})
    unite(desks, "east")
    assert get(desks["all"], "clusters")["cluster"].tolist() == ["c1"]
    unite(desks)
    assert get(desks["all"], "contract_churn")["p_end_90d"].tolist() == [0.9]


def test_a_customer_in_two_regions_is_an_error_not_a_customer_twice(desks):
    put(desks["east"], "contract_churn", ends("C1"))
    put(desks["west"], "contract_churn", ends("C1"))
    with pytest.raises(InputError, match="1 rows repeat a key"):
        unite(desks, "east", "west")


def test_all_tables_of_customers_are_united_but_their_clusters_and_what_a_run_hands_in():
    of_customers = {name for name, table in RESULTS.items() if "customer_id" in table.key}
    united = {name for name, table in TABLES.items() if table.company == "rows"}
    assert of_customers - {"clusters", *HANDED_IN} <= united
    sums = [name for name, table in TABLES.items() if table.company == "sums"]
    assert sums == ["conversions", "transitions", "rates"]


def test_rates_add_up_by_month_and_may_be_of_no_month_at_all(desks):
    months = pd.to_datetime(["2025-01-01", "2025-02-01"])
    key = {"rate": ["retention"] * 2, "segment": ["all"] * 2, "month": months}
    put(desks["all"], "rates", key | {"n_due": [50, 50], "n_kept": [1, 1]})
    put(desks["east"], "rates", key | {"n_due": [10, 12], "n_kept": [9, 12]})
    put(desks["west"], "rates", key | {"n_due": [20, 18], "n_kept": [15, 17]})
    none = {column: [] for column in TABLES["rates"].columns}
    put(desks["north"], "rates", none)
    unite(desks, "east", "west", "north")
    assert get(desks["all"], "rates")[["n_due", "n_kept"]].values.tolist() == [[30, 24], [30, 29]]
    unite(desks, "north")
    found = get(desks["all"], "rates")
    assert list(found) == list(none) and found.empty

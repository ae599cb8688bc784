"""The sample's truth against its files, re-read here with pandas alone, and against its plan."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from cvm_analysis import sample
from cvm_analysis.errors import InputError

CONFIG = Path(__file__).parent.parent / "config" / "sample.yaml"
N = 800
REGIONS = {
    "east": "华东",
    "south": "华南",
    "north": "华北",
    "central": "华中",
    "southwest": "西南",
    "northeast": "东北",
}
ENCODINGS = {  # as the company's systems write them
    "raw/sales_east.csv": "gb18030",
    "raw/sales_south.csv": "utf-8",
    "raw/sales_north.csv": "utf-8-sig",
    "raw/sales_central.csv": "gb18030",
    "raw/sales_southwest.csv": "utf-8",
    "raw/sales_northeast.csv": "utf-8-sig",
    "raw/customers.csv": "utf-8-sig",
}
DIRT = {"duplicate", "missing_customer_id", "future_date", "amount_is_text", "no_such_date"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "sample"
    sample.make(folder, N)
    return folder


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("full") / "sample"
    sample.make(folder)
    return read_truth(folder)


@pytest.fixture(scope="module")
def truth(folder) -> dict:
    return read_truth(folder)


@pytest.fixture(scope="module")
def people(truth) -> pd.DataFrame:
    return people_of(truth)


@pytest.fixture(scope="module")
def sales(folder, truth) -> pd.DataFrame:
    """One row per clean line of all files, by the config's columns; money in cents."""
    return pd.concat([clean_lines(folder, truth, source) for source in sources("transactions")])


def read_truth(folder: Path) -> dict:
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))


def people_of(truth: dict) -> pd.DataFrame:
    people = pd.DataFrame(truth["customers"]).set_index("customer_id")
    for column in ["first_order", "dropped_on"]:
        people[column] = pd.to_datetime(people[column])
    return people


def sources(table: str) -> list[dict]:
    return yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["sources"][table]


def path_of(source: dict) -> str:
    return source["files"].removeprefix("../data/sample/")


def read(folder: Path, source: dict) -> pd.DataFrame:
    """All rows as text, our columns, indexed by line number in the file."""
    path = path_of(source)
    table = pd.read_csv(
        folder / path, encoding=ENCODINGS[path], dtype=str, keep_default_na=False
    ).rename(columns={theirs: ours for ours, theirs in source["columns"].items()})
    return table.set_index(table.index + 2)


def clean_lines(folder: Path, truth: dict, source: dict) -> pd.DataFrame:
    table = read(folder, source)
    dirt = [
        line for lines in truth["files"][path_of(source)]["dirt_lines"].values() for line in lines
    ]
    table = table.drop(index=dirt)
    for column in ["amount", "unit_price", "discount", "cost"]:
        assert table[column].str.fullmatch(r"-?\d+\.\d\d").all(), column
        table[column] = table[column].str.replace(".", "").astype(int)
    return table.assign(
        region=source["region"],
        quantity=table["quantity"].astype(int),
        day=pd.to_datetime(table["ordered_at"].str[:10].str.replace("/", "-"), format="%Y-%m-%d"),
    )


# Files


def test_each_file_is_in_its_encoding_and_no_other(folder, truth):
    assert {path: said["encoding"] for path, said in truth["files"].items()} == ENCODINGS
    for path, encoding in ENCODINGS.items():
        data = (folder / path).read_bytes()
        assert data.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig"), path
        data.decode(encoding)
        if encoding == "gb18030":
            with pytest.raises(UnicodeDecodeError):
                data.decode("utf-8")


def test_the_config_maps_every_column_of_every_file(folder, truth):
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    named = [*config["sources"]["transactions"], *config["sources"]["customers"]]
    assert {path_of(source) for source in named} == set(ENCODINGS)
    for source in named:
        path = path_of(source)
        with (folder / path).open(encoding=ENCODINGS[path]) as file:
            assert set(next(csv.reader(file))) == set(source["columns"].values()), path
        assert (source.get("encoding") == "gb18030") == (ENCODINGS[path] == "gb18030"), path
    assert {key: names["zh"] for key, names in config["regions"].items()} == REGIONS
    assert config["extracted_on"].isoformat() == truth["extracted_on"]


def test_row_counts_are_those_of_the_truth(folder, truth):
    for source in sources("transactions"):
        said = truth["files"][path_of(source)]
        rows = read(folder, source)
        assert len(rows) == said["n_rows"]
        assert said["n_rows"] == said["n_purchases"] + said["n_returns"] + sum(
            said["dirt"].values()
        )
        returned = rows["amount"].str.startswith("-")
        assert returned.sum() == said["n_returns"]
        assert said["n_returns"] > 0


def test_dirt_is_where_the_truth_says_and_nowhere_else(folder, truth):
    known = {person["customer_id"] for person in truth["customers"]}
    for source in sources("transactions"):
        said = truth["files"][path_of(source)]
        rows = read(folder, source)
        day = pd.to_datetime(
            rows["ordered_at"].str[:10].str.replace("/", "-"), format="%Y-%m-%d", errors="coerce"
        )
        found = {
            "duplicate": rows.duplicated(),
            "missing_customer_id": rows["customer_id"] == "",
            "future_date": day > truth["extracted_on"],
            "amount_is_text": rows["amount"] == "见附件",
            "no_such_date": day.isna(),
        }
        lines = {kind: rows.index[is_dirty].tolist() for kind, is_dirty in found.items()}
        assert lines == said["dirt_lines"]
        assert {kind: len(at) for kind, at in lines.items()} == said["dirt"]
        assert set(rows["customer_id"]) - {""} <= known


def test_dirt_stays_well_under_two_percent_at_full_size(full):
    for path, said in full["files"].items():
        if path != "raw/customers.csv":
            assert set(said["dirt"]) == DIRT
            assert max(said["dirt"].values()) < 0.01 * said["n_rows"]
            assert said["dirt"]["duplicate"] > 1


def test_customers_file_has_each_customer_once_with_the_id_as_written(folder, people):
    (source,) = sources("customers")
    rows = read(folder, source).set_index("customer_id")
    assert rows.index.is_unique
    assert set(rows.index) == set(people.index)
    assert len(rows) == N
    length = rows.index.str.len()
    assert set(length) == {8, 18}
    assert (length == 18).sum() == N // 100
    assert rows.index[length == 8].str.startswith("0").all()
    assert (rows["region"] == people["region"].map(REGIONS).loc[rows.index]).all()
    joined = pd.to_datetime(rows["joined_on"], format="%Y-%m-%d")
    assert (joined <= people["first_order"].loc[rows.index]).all()
    assert (rows["customer_type"] == "retail").all()
    assert set(rows["gender"]) == {"female", "male", ""}
    assert 0 < (rows["birth_date"] == "").mean() < 0.2


# Amounts


def test_totals_per_region_are_those_of_the_clean_lines(sales, truth):
    for region, said in truth["regions"].items():
        lines = sales[sales["region"] == region]
        bought = lines[lines["amount"] > 0]
        assert said["totals"] == {
            "n_customers": bought["customer_id"].nunique(),
            "n_orders": bought["order_id"].nunique(),
            "spend_gross": bought["amount"].sum() / 100,
            "spend_total": lines["amount"].sum() / 100,
        }


def test_lines_of_an_order_sum_to_the_draw_to_the_cent(sales, people):
    bought = sales[sales["amount"] > 0]
    orders = bought.groupby(["customer_id", "order_id"])["amount"].agg(["sum", "size"])
    assert orders["size"].between(1, 4).all()
    written = orders.groupby("customer_id")["sum"].agg(list)
    drawn = people["amounts"].map(lambda amounts: [round(100 * amount) for amount in amounts])
    assert written.to_dict() == drawn.to_dict()


def test_amount_is_quantity_times_price_less_discount(sales):
    assert (sales["amount"] == sales["quantity"] * sales["unit_price"] - sales["discount"]).all()
    bought = sales[sales["amount"] > 0]
    assert (bought["discount"] >= 0).all()
    assert (bought["discount"] < 0.16 * bought["quantity"] * bought["unit_price"] + 1).all()


def test_each_category_has_a_margin_of_its_own(sales):
    bought = sales[sales["amount"] > 0]
    list_value = (bought["quantity"] * bought["unit_price"]).groupby(bought["category"]).sum()
    margin = 1 - bought.groupby("category")["cost"].sum() / list_value
    planted = dict(
        flooring=0.34, underlay=0.42, skirting=0.40, adhesive=0.45, care=0.52, tools=0.36
    )
    assert margin.to_dict() == pytest.approx(planted, abs=0.01)


def test_a_return_undoes_a_line_bought_one_to_six_weeks_before(sales):
    columns = ["customer_id", "product", "quantity", "amount", "discount", "cost"]
    back = sales[sales["amount"] < 0].copy()
    back[columns[2:]] = -back[columns[2:]]
    back["order_id"] = back["order_id"].str.removeprefix("R")
    both = back.merge(
        sales[sales["amount"] > 0], on=["order_id", *columns], suffixes=("", "_bought")
    )
    assert len(both) == len(back)
    assert (both["day"] - both["day_bought"]).dt.days.between(7, 42).all()
    assert sales["day"].max() == pd.Timestamp("2025-12-31")


def test_order_values_have_the_planted_mean(full):
    """E(Z) = p gamma / (q - 1); the mean over customers of their mean order estimates it."""
    people = people_of(full)
    parameters = pd.DataFrame({key: of["parameters"] for key, of in full["regions"].items()}).T
    planted = parameters["p"] * parameters["gamma"] / (parameters["q"] - 1)
    relative = people["amounts"].map(np.mean) / people["region"].map(planted)
    assert relative.mean() == pytest.approx(1, abs=3 * relative.sem())
    assert relative.sem() < 0.015


# Purchases


def test_nobody_buys_after_dropping_out_or_before_the_first_order(sales, people):
    days = sales[sales["amount"] > 0].groupby("customer_id")["day"].agg(["min", "max"])
    assert (days["min"] == people["first_order"].loc[days.index]).all()
    silent = people["dropped_on"].dropna()
    assert 0.3 < len(silent) / len(people) < 0.7
    assert (days["max"].loc[silent.index] <= silent).all()
    assert (silent <= pd.Timestamp("2025-12-31")).all()


def test_groups_buy_at_the_rates_drawn_for_them(full):
    """Given rates and active weeks, repeat orders are Poisson with mean rate x weeks.

    Two or three percent of noise, and a little from seasons that were not lived through whole.
    """
    people = people_of(full)
    ends = people["dropped_on"].fillna(pd.Timestamp("2026-01-01"))
    people["expected"] = people["purchase_rate"] * (ends - people["first_order"]).dt.days / 7
    people["repeats"] = people["amounts"].str.len() - 1
    by_group = people.groupby("group")[["repeats", "expected"]].sum()
    ratio = by_group["repeats"] / by_group["expected"]
    assert ratio.to_dict() == pytest.approx(dict.fromkeys(ratio.index, 1), abs=0.06)
    rate = people.groupby("group")["purchase_rate"].mean()
    frequent = rate[["steady_renewers", "care_regulars"]]
    assert frequent.min() > 4 * rate.drop(frequent.index).max()


def test_rates_and_drop_out_have_the_planted_means(full):
    people = people_of(full)
    for key, region in full["regions"].items():
        planted = region["parameters"]
        here = people[people["region"] == key]
        rate, drop_out = here["purchase_rate"], here["drop_out_rate"]
        assert rate.mean() == pytest.approx(planted["r"] / planted["alpha"], abs=3 * rate.sem())
        assert drop_out.mean() == pytest.approx(
            planted["s"] / planted["beta"], abs=3 * drop_out.sem()
        )
        weeks = (pd.Timestamp("2026-01-01") - here["first_order"]).dt.days / 7
        gone = 1 - (planted["beta"] / (planted["beta"] + weeks)) ** planted["s"]
        error = np.sqrt((gone * (1 - gone)).sum()) / len(here)
        assert here["dropped_on"].notna().mean() == pytest.approx(gone.mean(), abs=3 * error)


def test_groups_differ_in_what_they_buy_and_when(sales, people):
    bought = sales[sales["amount"] > 0]
    group = bought["customer_id"].map(people["group"])
    share = pd.crosstab(group, bought["category"], normalize="index")
    assert share["care"].idxmax() == "care_regulars"
    assert share["flooring"].idxmax() == "big_ticket_seasonal"
    in_season = bought["day"].dt.month.isin([3, 4, 5, 9, 10, 11]).groupby(group).mean()
    assert in_season.idxmax() == "big_ticket_seasonal"
    assert in_season.idxmin() == "care_regulars"
    value = people.groupby("group")["order_value"].mean()
    assert value[["big_ticket_seasonal", "steady_renewers"]].min() > 2 * value["care_regulars"]


def test_regions_differ_in_size_and_health(full):
    people = people_of(full)
    assert list(people["region"].value_counts().index) == list(REGIONS)
    assert len(people) == 12_000
    gone = people["dropped_on"].notna().groupby(people["region"]).mean()
    assert gone.idxmax() == "northeast"
    assert gone.idxmin() == "south"
    joined = pd.crosstab(people["region"], people["first_order"].dt.year)
    assert joined.loc["south", 2025] > 1.3 * joined.loc["south", 2024]
    assert joined.loc["northeast", 2025] < 0.8 * joined.loc["northeast", 2024]


# Making it


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_seed_makes_the_same_bytes_and_another_does_not(folder, tmp_path):
    sample.make(tmp_path / "again", N)
    sample.make(tmp_path / "other", N, seed=1)
    assert contents(tmp_path / "again") == contents(folder)
    other = contents(tmp_path / "other")
    assert all(other[path] != data for path, data in contents(folder).items())


def test_an_identical_sample_is_left_alone_and_a_spoilt_one_made_again(folder, tmp_path):
    copy = tmp_path / "sample"
    sample.make(copy, N)
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in copy.rglob("*")}
    sample.make(copy, N)
    assert {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in copy.rglob("*")} == before
    (copy / "raw" / "sales_east.csv").write_text("half a fi")
    sample.make(copy, N)
    assert contents(copy) == contents(folder)
    sample.make(copy, 100)
    assert read_truth(copy)["made_by"]["n_customers"] == 100
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


def test_a_failure_on_the_way_leaves_the_old_sample(folder, tmp_path, monkeypatch):
    copy = tmp_path / "sample"
    sample.make(copy, N)
    monkeypatch.setattr(
        "cvm_analysis.sample.files._write", lambda *_: (_ for _ in ()).throw(OSError)
    )
    with pytest.raises(OSError):
        sample.make(copy, 100)
    assert contents(copy) == contents(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "mine.csv").write_text("mine")
    with pytest.raises(InputError, match=r"1 .*mine\.csv"):
        sample.make(tmp_path / "sample", N)
    assert contents(tmp_path / "sample") == {"mine.csv": b"mine"}


def test_too_few_customers_are_refused(tmp_path):
    with pytest.raises(InputError, match="99"):
        sample.make(tmp_path / "sample", 99)

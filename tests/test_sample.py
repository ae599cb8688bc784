"""The sample's truth against its files, re-read here with pandas alone, and against its plan."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from lifelines import CoxPHFitter, CoxTimeVaryingFitter

from cvm_analysis import sample
from cvm_analysis.errors import InputError
from cvm_analysis.intake import identity

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
    "raw/feedback.csv": "utf-8-sig",
    "raw/contracts.csv": "gb18030",
    "raw/indicators.csv": "utf-8-sig",
    "raw/campaign_members.csv": "utf-8-sig",
    "raw/contact_log.csv": "gb18030",
    "raw/consents.csv": "utf-8-sig",
    "raw/points.csv": "utf-8-sig",
    "raw/referrals.csv": "gb18030",
    "raw/leads.csv": "utf-8-sig",
    "raw/mentions.csv": "utf-8-sig",
}
TABLES = (
    *("transactions", "customers", "feedback", "contracts", "indicators"),
    *("campaign_members", "contact_log", "consents"),
    *("points", "referrals", "leads", "mentions"),
)
AS_OF = pd.Timestamp("2025-12-31")
DIRT = {"duplicate", "missing_customer_id", "future_date", "amount_is_text", "no_such_date"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "sample"
    sample.make(folder, N)
    return folder


@pytest.fixture(scope="module")
def full_folder(whole_sample) -> Path:
    return whole_sample


@pytest.fixture(scope="module")
def full(full_folder) -> dict:
    return read_truth(full_folder)


@pytest.fixture(scope="module")
def full_people(full) -> pd.DataFrame:
    return people_of(full)


@pytest.fixture(scope="module")
def full_orders(full_folder, full) -> pd.DataFrame:
    """One row per order of the full sample: day, promised_on, delivered_on, region, customer_id."""
    every = pd.concat(
        [clean_lines(full_folder, full, source) for source in sources("transactions")]
    )
    return every[every["amount"] > 0].drop_duplicates("order_id").set_index("order_id")


@pytest.fixture(scope="module")
def full_feedback(full_folder, full) -> pd.DataFrame:
    return clean_feedback(full_folder, full)


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
    """Retail customers, one row each."""
    people = pd.DataFrame(truth["customers"]).set_index("customer_id")
    for column in ["first_order", "first_late", "first_complaint", "dropped_on"]:
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


def without_dirt(folder: Path, truth: dict, source: dict) -> pd.DataFrame:
    dirt = truth["files"][path_of(source)]["dirt_lines"]
    return read(folder, source).drop(index=[line for lines in dirt.values() for line in lines])


def clean_feedback(folder: Path, truth: dict) -> pd.DataFrame:
    (source,) = sources("feedback")
    table = without_dirt(folder, truth, source)
    return table.assign(
        score=pd.to_numeric(table["score"]),
        **{column: iso(table[column]) for column in ["at", "closed_at"]},
    )


def iso(dates: pd.Series) -> pd.Series:
    """ISO dates or, from the old ERP, with slashes; empty ones stay empty."""
    return pd.to_datetime(dates.str[:10].str.replace("/", "-").replace("", None), format="%Y-%m-%d")


def first_ids(truth: dict) -> dict[str, str]:
    """The id of the first record, by the second id."""
    return {each["second_id"]: each["customer_id"] for each in truth["second_ids"]["customers"]}


def types_of(truth: dict) -> pd.Series:
    """customer_type by customer_id."""
    retail = pd.Series("retail", index=[each["customer_id"] for each in truth["customers"]])
    return pd.concat(
        [retail, pd.DataFrame(truth["trade"]).set_index("customer_id")["customer_type"]]
    )


def clean_lines(folder: Path, truth: dict, source: dict) -> pd.DataFrame:
    table = without_dirt(folder, truth, source)
    for column in ["amount", "unit_price", "discount", "cost"]:
        assert table[column].str.fullmatch(r"-?\d+\.\d\d").all(), column
        table[column] = table[column].str.replace(".", "").astype(int)
    return table.assign(
        customer_id=table["customer_id"].replace(first_ids(truth)),
        region=source["region"],
        quantity=table["quantity"].astype(int),
        day=iso(table["ordered_at"]),
        promised_on=iso(table["promised_on"]),
        delivered_on=iso(table["delivered_on"]),
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
    named = [source for table in TABLES for source in config["sources"][table]]
    assert {path_of(source) for source in named} == set(ENCODINGS)
    for source in named:
        path = path_of(source)
        with (folder / path).open(encoding=ENCODINGS[path]) as file:
            named = {*source["columns"].values(), *source.get("mask", ())}
            named |= set(source.get("identifiers", {}).values())
            assert set(next(csv.reader(file))) == named, path
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
    known = {*types_of(truth).index, *first_ids(truth)}
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


def test_feedback_has_a_few_unreadable_scores_and_unknown_customers(folder, truth):
    (source,) = sources("feedback")
    rows, said = read(folder, source), truth["files"][path_of(source)]
    answered = rows["kind"] != "complaint"
    found = {
        "unknown_customer": ~rows["customer_id"].isin(types_of(truth).index),
        "unreadable_score": answered & ~rows["score"].str.fullmatch(r"\d+"),
    }
    lines = {kind: rows.index[is_dirty].tolist() for kind, is_dirty in found.items()}
    assert lines == said["dirt_lines"]
    assert {kind: len(at) for kind, at in lines.items()} == said["dirt"]
    assert 0 < sum(said["dirt"].values()) < 0.01 * len(rows) == 0.01 * said["n_rows"]
    clean = clean_feedback(folder, truth)["kind"].value_counts()
    assert clean.to_dict() == {kind: said[f"n_{kind}"] for kind in ["csat", "nps", "complaint"]}


def test_dirt_stays_well_under_two_percent_at_full_size(full):
    for path, said in full["files"].items():
        if path.startswith("raw/sales"):
            assert set(said["dirt"]) == DIRT
            assert max(said["dirt"].values()) < 0.01 * said["n_rows"]
            assert said["dirt"]["duplicate"] > 1


def test_customers_file_has_each_customer_once_with_the_id_as_written(folder, truth, people):
    (source,) = sources("customers")
    every = read(folder, source).set_index("customer_id")
    assert every.index.is_unique
    every = every.drop(index=list(first_ids(truth)))
    assert every["customer_type"].to_dict() == types_of(truth).to_dict()
    rows = every[every["customer_type"] == "retail"]
    assert set(rows.index) == set(people.index)
    assert len(rows) == N
    length = rows.index.str.len()
    assert set(length) == {8, 18}
    assert (length == 18).sum() == N // 100
    assert rows.index[length == 8].str.startswith("0").all()
    assert (rows["region"] == people["region"].map(REGIONS).loc[rows.index]).all()
    joined = pd.to_datetime(rows["joined_on"], format="%Y-%m-%d")
    assert (joined <= people["first_order"].loc[rows.index]).all()
    assert set(rows["gender"]) == {"female", "male", ""}
    assert 0 < (rows["birth_date"] == "").mean() < 0.2
    firms = every.drop(index=rows.index)
    assert (firms[["industry", "company_size"]] != "").all(axis=None)
    assert (firms[["gender", "birth_date"]] == "").all(axis=None)
    assert (rows[["industry", "company_size"]] == "").all(axis=None)


# Second ids


def test_the_rule_of_identity_finds_the_second_ids_and_nobody_else(full_folder, full):
    """At full size, by the config's rule; the second records say nothing that the first deny."""
    business = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    (source,), rules = sources("customers"), business["identity"]
    headers = {theirs: f"as {name}" for name, theirs in source["identifiers"].items()}
    table = read(full_folder, source).rename(columns=headers).replace("", None)
    found = identity.find(table, rules)
    assert found == identity.Merges(first_ids(full)) and len(found.into) == 30


def test_later_orders_are_under_the_second_id(full_folder, full):
    lines = pd.concat([read(full_folder, source) for source in sources("transactions")])
    day = iso(lines["ordered_at"].mask(lines["ordered_at"] == "2024-02-30", ""))
    for each in full["second_ids"]["customers"]:
        before = day[lines["customer_id"] == each["customer_id"]]
        since = day[lines["customer_id"] == each["second_id"]]
        future = pd.Timestamp(full["extracted_on"])
        assert before[before < future].max() <= pd.Timestamp(each["since"]) == since.min()


def test_some_referred_their_second_id(full_folder, full):
    (source,) = sources("referrals")
    first, said = first_ids(full), full["files"][path_of(source)]["dirt_lines"]["self_referral"]
    rows = read(full_folder, source)
    own = rows[rows["referred_id"].isin(first)]
    assert own["customer_id"].tolist() == own["referred_id"].map(first).tolist()
    assert own["customer_id"].tolist() == full["second_ids"]["self_referrals"] and len(own) == 6
    assert set(own.index) < set(said)


# Amounts


def test_totals_per_region_are_those_of_the_clean_lines(sales, truth):
    kind = sales["customer_id"].map(types_of(truth))
    for region, said in truth["regions"].items():
        assert list(said["totals"]) == ["all_types", "retail", "project", "dealer"]
        for which, totals in said["totals"].items():
            lines = sales[(sales["region"] == region) & ((kind == which) | (which == "all_types"))]
            bought = lines[lines["amount"] > 0]
            assert totals == {
                "n_customers": bought["customer_id"].nunique(),
                "n_orders": bought["order_id"].nunique(),
                "gross_sales": bought["amount"].sum() / 100,
                "net_sales": lines["amount"].sum() / 100,
            }


def test_lines_of_an_order_sum_to_the_draw_to_the_cent(sales, people):
    bought = sales[sales["amount"] > 0]
    orders = bought.groupby(["customer_id", "order_id"], sort=False)["amount"].agg(["sum", "size"])
    assert orders["size"].between(1, 4).all()
    written = orders.loc[people.index].groupby("customer_id")["sum"].agg(list)
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


def test_order_values_have_the_planted_mean(full, full_people):
    """E(Z) = p gamma / (q - 1); the mean over customers of their mean order estimates it."""
    people = full_people
    parameters = pd.DataFrame({key: of["parameters"] for key, of in full["regions"].items()}).T
    planted = parameters["p"] * parameters["gamma"] / (parameters["q"] - 1)
    relative = people["amounts"].map(np.mean) / people["region"].map(planted)
    assert relative.mean() == pytest.approx(1, abs=3 * relative.sem())
    assert relative.sem() < 0.015


# Purchases


def response_ids(truth: dict) -> list[str]:
    """Ids of the orders that campaigns brought."""
    return [order for each in truth["campaigns"].values() for order in each["orders"]]


def test_nobody_buys_after_dropping_out_or_before_the_first_order(sales, people, truth):
    """But for responses to campaigns."""
    bought = sales[(sales["amount"] > 0) & sales["customer_id"].isin(people.index)]
    bought = bought[~bought["order_id"].isin(response_ids(truth))]
    days = bought.groupby("customer_id")["day"].agg(["min", "max"])
    assert (days["min"] == people["first_order"].loc[days.index]).all()
    silent = people["dropped_on"].dropna()
    assert 0.3 < len(silent) / len(people) < 0.7
    assert (days["max"].loc[silent.index] <= silent).all()
    assert (silent <= pd.Timestamp("2025-12-31")).all()


def test_groups_buy_at_the_rates_drawn_for_them(full_people):
    """Repeat orders less rate x active weeks are a martingale: their sums agree.

    Two or three percent of noise, and a little from seasons that were not lived through whole.
    """
    people = full_people.copy()
    ends = people["dropped_on"].fillna(pd.Timestamp("2026-01-01"))
    people["expected"] = people["purchase_rate"] * (ends - people["first_order"]).dt.days / 7
    people["repeats"] = people["amounts"].str.len() - 1
    by_group = people.groupby("group")[["repeats", "expected"]].sum()
    ratio = by_group["repeats"] / by_group["expected"]
    assert ratio.to_dict() == pytest.approx(dict.fromkeys(ratio.index, 1), abs=0.06)
    rate = people.groupby("group")["purchase_rate"].mean()
    frequent = rate[["steady_renewers", "care_regulars"]]
    assert frequent.min() > 4 * rate.drop(frequent.index).max()


def test_rates_have_the_planted_means(full, full_people):
    for key, region in full["regions"].items():
        planted = region["parameters"]
        rate = full_people.loc[full_people["region"] == key, "purchase_rate"]
        assert rate.mean() == pytest.approx(planted["r"] / planted["alpha"], abs=3 * rate.sem())


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


def test_regions_differ_in_size_and_health(full_people):
    people = full_people
    assert list(people["region"].value_counts().index) == list(REGIONS)
    assert len(people) == 12_000
    gone = people["dropped_on"].notna().groupby(people["region"]).mean()
    assert gone.idxmax() == "northeast"
    assert gone.idxmin() == "south"
    joined = pd.crosstab(people["region"], people["first_order"].dt.year)
    assert joined.loc["south", 2025] > 1.3 * joined.loc["south", 2024]
    assert joined.loc["northeast", 2025] < 0.8 * joined.loc["northeast", 2024]


# Deliveries and complaints


def test_orders_are_promised_and_delivered_after_they_are_made(sales):
    back = sales["amount"] < 0
    assert sales.loc[back, ["promised_on", "delivered_on"]].isna().all(axis=None)
    orders = sales[~back]
    assert (orders["promised_on"] > orders["day"]).all()
    done = orders.dropna(subset="delivered_on")
    assert (done["delivered_on"] > done["day"]).all()
    assert done["delivered_on"].max() == AS_OF
    due = orders["promised_on"] + pd.Timedelta(days=14) <= AS_OF
    assert orders.loc[due, "delivered_on"].notna().all()
    assert orders["delivered_on"].isna().any()
    assert (orders.groupby("order_id")["delivered_on"].nunique(dropna=False) == 1).all()


def test_each_region_keeps_its_planted_share_of_promises(full, full_orders):
    due = full_orders[full_orders["promised_on"] + pd.Timedelta(days=14) <= AS_OF]
    late = (due["delivered_on"] > due["promised_on"]).groupby(due["region"]).agg(["mean", "sem"])
    for key, region in full["regions"].items():
        planted = region["parameters"]["late"]
        assert late.loc[key, "mean"] == pytest.approx(planted, abs=3 * late.loc[key, "sem"])
    assert late["mean"].idxmax() == "northeast"
    assert late["mean"].idxmin() == "south"


def test_first_late_and_first_complaint_are_those_of_the_files(
    full_people, full_orders, full_feedback
):
    late = full_orders[full_orders["delivered_on"] > full_orders["promised_on"]]
    complaints = full_feedback[full_feedback["kind"] == "complaint"]
    for column, found in [
        ("first_late", late.groupby("customer_id")["delivered_on"].min()),
        ("first_complaint", complaints.groupby("customer_id")["at"].min()),
    ]:
        said = full_people[column].dropna()
        assert said.to_dict() == found[found.index.isin(full_people.index)].to_dict()


def test_complaints_follow_late_deliveries_more_often(
    full, full_people, full_orders, full_feedback
):
    """First orders alone in their first weeks: a complaint within 30 days is about them."""
    orders = full_orders[full_orders["customer_id"].isin(full_people.index)].sort_values("day")
    second = orders.groupby("customer_id")["day"].nth(1)
    second = second.set_axis(orders.loc[second.index, "customer_id"])
    first = orders.drop_duplicates("customer_id").set_index("customer_id")
    until = first["delivered_on"] + pd.Timedelta(days=30)
    alone = (until <= AS_OF) & ~(second.reindex(first.index) <= until)
    first = first[alone]
    complained = full_people["first_complaint"].loc[first.index] <= until[alone]
    late = first["delivered_on"] > first["promised_on"]
    found = complained.groupby(late).agg(["mean", "sem"])
    planted = full["complaints"]["chance_per_order"]
    for is_late, chance in [(False, planted["after_on_time"]), (True, planted["after_late"])]:
        mean, error = found.loc[is_late]
        assert mean == pytest.approx(chance, abs=3 * error)
    assert planted["after_late"] > 4 * planted["after_on_time"]


def test_complaints_have_a_dimension_a_text_and_some_are_open(full_feedback):
    complaints = full_feedback[full_feedback["kind"] == "complaint"]
    dimensions = {"product", "pre_sale", "in_sale", "after_sale", "price"}
    assert set(complaints["dimension"]) == dimensions
    assert (complaints["text"] != "").all()
    assert complaints["score"].isna().all()
    closed = complaints.dropna(subset="closed_at")
    assert (closed["closed_at"] > closed["at"]).all()
    assert closed["closed_at"].max() <= AS_OF
    old = complaints["at"] < AS_OF - pd.Timedelta(days=31)
    assert complaints.loc[old, "closed_at"].notna().mean() == pytest.approx(0.85, abs=0.03)


def test_scores_are_on_their_scales_and_lower_after_bad_experience(full_people, full_feedback):
    answers = full_feedback[full_feedback["kind"] != "complaint"].join(
        full_people, on="customer_id"
    )
    late = answers["first_late"] <= answers["at"]
    complained = answers["first_complaint"] <= answers["at"]
    content = ~late & ~complained
    nps, in_sale = answers["kind"] == "nps", answers["dimension"] == "in_sale"
    assert (answers.loc[nps, "dimension"] == "").all()
    assert (answers.loc[nps, "score"].min(), answers.loc[nps, "score"].max()) == (0, 10)
    assert (answers.loc[~nps, "score"].min(), answers.loc[~nps, "score"].max()) == (1, 5)
    mean = answers["score"]
    assert mean[nps & complained].mean() < mean[nps & content].mean() - 1.5
    assert mean[nps & late].mean() < mean[nps & content].mean() - 1.5
    assert mean[in_sale & late].mean() < mean[in_sale & content].mean() - 0.8
    by_dimension = mean[~nps & content].groupby(answers["dimension"]).mean()
    assert by_dimension.idxmin() == "price"
    assert len(by_dimension) == 5


# Leaving


def spells(people: pd.DataFrame) -> pd.DataFrame:
    """One row per customer and time with the same experience: start, stop (days), gone, 0 or 1s."""
    ends = (people["dropped_on"] + pd.Timedelta(days=1)).fillna(AS_OF + pd.Timedelta(days=1))
    length = (ends - people["first_order"]).dt.days
    since = {
        name: (people[f"first_{name}"] - people["first_order"]).dt.days.fillna(np.inf)
        for name in ["late", "complaint"]
    }
    changes = np.sort(np.c_[0 * length, since["late"], since["complaint"], length], axis=1)
    changes = np.minimum(changes, length.to_numpy()[:, None])
    found = []
    for start, stop in zip(changes.T[:-1], changes.T[1:], strict=True):
        row = pd.DataFrame({"start": start, "stop": stop, "region": people["region"]})
        row = row.assign(**{name: (at <= start).astype(int) for name, at in since.items()})
        found.append(row.assign(gone=people["dropped_on"].notna() & (stop == length)))
    every = pd.concat(found)
    return every[every["stop"] > every["start"]].rename_axis("id").reset_index()


def test_drop_out_has_the_planted_hazard(full, full_people):
    """Drop-outs less the cumulative planted hazard are a martingale: their sums agree."""
    ratios = full["drop_out"]["hazard_ratios"]
    rows = spells(full_people)
    assert rows["gone"].sum() == full_people["dropped_on"].notna().sum()
    base = rows["region"].map(
        {k: of["parameters"]["drop_out"] for k, of in full["regions"].items()}
    )
    weeks = (rows["stop"] - rows["start"]) / 7
    ratio = ratios["late"] ** rows["late"] * ratios["complaint"] ** rows["complaint"]
    rows["expected"] = base * weeks * ratio
    by_region = rows.groupby("region")[["gone", "expected"]].sum()
    assert (abs(by_region["gone"] - by_region["expected"]) < 3 * by_region["gone"] ** 0.5).all()
    by_experience = rows.groupby(["late", "complaint"])[["gone", "expected"]].sum()
    error = abs(by_experience["gone"] - by_experience["expected"])
    assert (error < 3 * by_experience["gone"] ** 0.5).all()
    assert by_experience["gone"].min() > 100


def test_drop_out_hazard_ratios_are_recovered_from_the_true_dates(full, full_people):
    rows = spells(full_people.iloc[::4])
    fitted = CoxTimeVaryingFitter().fit(
        rows, id_col="id", event_col="gone", start_col="start", stop_col="stop", strata=["region"]
    )
    inside_its_interval(fitted, full["drop_out"]["hazard_ratios"])


def inside_its_interval(fitted, planted: dict[str, float]) -> None:
    assert list(fitted.confidence_intervals_.columns) == ["95% lower-bound", "95% upper-bound"]
    assert set(fitted.params_.index) == set(planted)
    for name, ratio in planted.items():
        low, high = np.exp(fitted.confidence_intervals_.loc[name])
        assert low < ratio < high, name
        assert high < 2 * low  # narrow enough to mean something
        assert low > 1


@pytest.fixture(scope="module")
def contracts(full_folder) -> pd.DataFrame:
    """All contracts of the full sample: T (days up to the end or as_of), ended, three flags."""
    (source,) = sources("contracts")
    rows = read(full_folder, source)
    started, ended = iso(rows["started_on"]), iso(rows["ended_on"])
    flags = ["complaint_first_month", "late_installation", "no_maintenance_plan"]
    assert rows[flags].isin(["0", "1"]).all(axis=None)
    return rows.astype(dict.fromkeys(flags, int)).assign(
        started_on=started, T=(ended.fillna(AS_OF) - started).dt.days, ended=ended.notna()
    )


def test_contract_hazard_ratios_are_recovered_by_cox(full, contracts):
    planted = full["contracts"]["hazard_ratios"]
    rows = contracts[["T", "ended", *planted]]
    inside_its_interval(CoxPHFitter().fit(rows, "T", "ended"), planted)


def test_contracts_end_by_the_planted_baseline(full, contracts):
    """Ends less the cumulative planted hazard are a martingale, at every age."""
    baseline, ratios = (full["contracts"][key] for key in ["baseline", "hazard_ratios"])
    ratio = np.prod([of ** contracts[name] for name, of in ratios.items()], axis=0)
    for weeks in [13, 26, 52, 156]:
        until = np.minimum(contracts["T"] / 7, weeks)
        expected = (ratio * (until / baseline["scale"]) ** baseline["shape"]).sum()
        ended = (contracts["ended"] & (contracts["T"] / 7 <= weeks)).sum()
        assert ended == pytest.approx(expected, abs=3 * expected**0.5)


def test_a_contract_follows_a_purchase_of_a_retail_customer(
    full, full_people, full_orders, contracts
):
    assert len(contracts) == pytest.approx(2_500, abs=100)
    assert len(contracts) == full["files"]["raw/contracts.csv"]["n_rows"]
    assert contracts["ended"].sum() == full["files"]["raw/contracts.csv"]["n_ended"]
    assert contracts[["customer_id", "contract_id"]].apply(lambda ids: ids.is_unique).all()
    assert contracts["customer_id"].isin(full_people.index).all()
    assert (contracts["T"] > 0).all()
    both = contracts.merge(full_orders[["customer_id", "day"]], on="customer_id")
    follows = (both["started_on"] - both["day"]).dt.days.between(31, 60)
    assert follows.groupby(both["contract_id"]).any().all()


# Project customers and dealers


def test_there_are_so_many_customers_of_each_type(full):
    assert types_of(full).value_counts().to_dict() == dict(retail=12_000, project=300, dealer=80)
    said = full["files"]["raw/customers.csv"]
    assert (said["n_retail"], said["n_project"], said["n_dealer"]) == (12_000, 300, 80)


def test_project_customers_buy_rarely_and_much(full_folder, full, full_orders):
    cents = pd.concat([clean_lines(full_folder, full, each) for each in sources("transactions")])
    bought = cents[cents["amount"] > 0]
    kind = full_orders["customer_id"].map(types_of(full))
    amount = bought.groupby("order_id")["amount"].sum() / 100
    median = amount.groupby(kind).median()
    assert median["project"] > median["dealer"] > 4 * median["retail"]
    orders = full_orders.groupby(kind)["customer_id"].agg(["size", "nunique"])
    assert (orders["size"] / orders["nunique"]).loc[["project", "dealer"]].between(3, 12).all()
    share = pd.crosstab(
        bought["customer_id"].map(types_of(full)), bought["category"], normalize="index"
    )
    assert share["flooring"].idxmax() == "project"
    first = full_orders.groupby("customer_id")["day"].min()
    said = pd.DataFrame(full["trade"]).set_index("customer_id")
    assert (pd.to_datetime(said["first_order"]) == first.loc[said.index]).all()
    region = full_orders.drop_duplicates("customer_id").set_index("customer_id")["region"]
    assert (said["region"] == region.loc[said.index]).all()


def test_indicators_are_those_of_the_type_and_some_dealers_tell_no_share(full_folder, full):
    (source,) = sources("indicators")
    rows, said = read(full_folder, source), full["files"]["raw/indicators.csv"]
    assert len(rows) == said["n_rows"]
    rows = rows.drop(index=[line for each in said["dirt_lines"].values() for line in each])
    kind = rows["customer_id"].map(types_of(full))
    assert rows.groupby(kind)["name"].agg(set).to_dict() == {
        "project": {"project_size", "payment_days", "credit_score", "influence", "potential"}
        | {"share_of_wallet"},
        "dealer": {"sales_target", "growth", "market_share", "satisfaction", "payment_days"}
        | {"share_of_wallet"},
    }
    assert not rows.duplicated(["customer_id", "at", "name"]).any()
    told = rows.groupby(["name", kind])["customer_id"].nunique()
    assert told.loc["growth", "dealer"] == 80
    assert 40 < told.loc["market_share", "dealer"] < 72
    first = pd.DataFrame(full["trade"]).set_index("customer_id")["first_order"]
    assert (rows["at"] >= rows["customer_id"].map(first)).all()
    assert rows["at"].max() == "2025-12-31"
    percent = rows["value"].str.endswith("%")
    assert set(rows.loc[percent, "name"]) == {"share_of_wallet"}
    of_wallet = rows["name"] == "share_of_wallet"
    assert percent[of_wallet].mean() == pytest.approx(0.15, abs=0.04)
    value = rows["value"].str.rstrip("%").astype(float) / np.where(percent, 100, 1)
    assert value[of_wallet].between(0.02, 1).all()
    value = value.groupby(rows["name"]).agg(["min", "max"])
    assert value.loc["potential", "min"] >= 1
    assert value.loc["potential", "max"] <= 5
    assert value.loc["credit_score", "max"] <= 100
    assert value.loc["growth", "min"] < 0 < value.loc["growth", "max"]


def test_dirt_of_indicators_is_where_the_truth_says(full_folder, full):
    (source,) = sources("indicators")
    rows, said = read(full_folder, source), full["files"]["raw/indicators.csv"]
    of_wallet = rows["name"] == "share_of_wallet"
    number = pd.to_numeric(rows["value"], errors="coerce")
    found = {
        "no_value": rows["value"] == "不详",
        "percent_without_sign": of_wallet & (number > 1),
        "unknown_customer": ~rows["customer_id"].isin(types_of(full).index),
    }
    lines = {kind: rows.index[is_dirty].tolist() for kind, is_dirty in found.items()}
    assert lines == said["dirt_lines"] and all(lines.values())
    assert {kind: len(at) for kind, at in lines.items()} == said["dirt"]


def test_complaints_name_an_order_of_the_customer_and_a_product_of_it(
    full_folder, full, full_feedback
):
    lines = pd.concat(
        [clean_lines(full_folder, full, source) for source in sources("transactions")]
    )
    complaints = full_feedback[full_feedback["kind"] == "complaint"]
    others = full_feedback[full_feedback["kind"] != "complaint"]
    assert not others[["about_product", "about_order"]].any(axis=None)
    named = complaints[complaints["about_order"] != ""]
    planted = full["complaints"]
    assert len(named) / len(complaints) == pytest.approx(planted["names_order"], abs=0.02)
    order = lines.drop_duplicates("order_id").set_index("order_id")
    assert (order.loc[named["about_order"], "customer_id"].to_numpy() == named["customer_id"]).all()
    known = set(zip(lines["order_id"], lines["product"], strict=True))
    known |= set(zip(lines["order_id"], lines["category"], strict=True))
    both = named[named["about_product"] != ""]
    assert set(zip(both["about_order"], both["about_product"], strict=True)) <= known
    names = (complaints["about_product"] != "").groupby(complaints["dimension"])
    for dimension, share in names.mean().items():
        chance = planted["names_product"].get(dimension, 0)
        error = np.sqrt(chance * (1 - chance) / names.size()[dimension])
        assert share == pytest.approx(chance, abs=3 * error)
    assert both["about_product"].isin(set(lines["category"])).mean() == pytest.approx(
        0.08, abs=0.03
    )


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


def test_an_identical_sample_is_left_alone_and_another_made_again(folder, tmp_path, monkeypatch):
    copy = tmp_path / "sample"
    sample.make(copy, N)
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in copy.rglob("*")}
    sample.make(copy, N)
    assert {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in copy.rglob("*")} == before
    (copy / "raw" / "sales_east.csv").write_text("half a fi")
    sample.make(copy, N)
    assert contents(copy) == contents(folder)
    monkeypatch.setattr("cvm_analysis.sample.folder._code", lambda: "changed")
    sample.make(copy, N)
    assert read_truth(copy)["made_by"]["code"] == "changed"
    sample.make(copy, 100)
    assert read_truth(copy)["made_by"]["n_customers"] == 100
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


def test_a_failure_on_the_way_leaves_the_old_sample(folder, tmp_path, monkeypatch):
    copy = tmp_path / "sample"
    sample.make(copy, N)
    monkeypatch.setattr(
        "cvm_analysis.sample.files._write_table", lambda *_: (_ for _ in ()).throw(OSError)
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

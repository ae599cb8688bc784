"""Nothing that is said of a past day changes with what came after it; what would is caught."""

import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path

import ibis
import pandas as pd
import pytest

from cvm_analysis import prepared, sample
from cvm_analysis.churn import features, leakage
from cvm_analysis.clv import forecasts
from cvm_analysis.customers import as_of
from cvm_analysis.errors import InputError
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.segments import classes as classes_module
from cvm_analysis.segments import rfm
from cvm_analysis.segments.clusters import assignment, measures
from cvm_analysis.segments.clusters import features as compared
from cvm_analysis.segments.grades import grade, points, policy, reviews
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard
from cvm_analysis.settings import load

TABLES = ("transactions", "customers_raw", "feedback", "indicators")
EARLY, LATE = dt.date(2024, 1, 14), dt.date(2025, 7, 4)
CARD = Scorecard(
    "retail",
    dt.date(2020, 1, 1),
    (
        Indicator("spend", "net_sales_365d", 0.6, bins=20),
        Indicator("potential", "net_sales_change_365d", 0.4, bins=20),
    ),
    {"A": 0.1, "B": 0.3, "C": 0.6},
    by_quota=True,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The sample business with 400 customers, all regions."""
    folder = tmp_path_factory.mktemp("business")
    sample.make(folder / "data" / "sample", 400)
    shutil.copytree(Path(__file__).parent.parent / "config", folder / "config")
    settings = load(folder / "config" / "sample.yaml")
    prepare(settings)
    return prepared.open(settings, "all")


@pytest.fixture(scope="module")
def rows(data):
    return {name: data.to_pandas(name) for name in TABLES}


@pytest.fixture(scope="module")
def told(data):
    """Make the region's prepared tables from other rows."""

    def of(rows):
        kinds = {name: dict(getattr(data, name).schema().items()) for name in rows}
        return replace(data, **{n: ibis.memtable(t).cast(kinds[n]) for n, t in rows.items()})

    return of


def bought(people):
    return people[(people["customer_type"] == "retail") & (people["n_orders"] > 0)]


def graded(people):
    """Grade by quota: bins and limits are learned from these customers."""
    retail = bought(people)
    card = points.fit_bins(CARD, retail)
    scores = points.score(card, retail)
    return pd.DataFrame(
        {"score": scores, "grade": grade.assign(scores, grade.thresholds(card, scores))}
    )


def classed(people):
    """Scores and classes, whose cut points are those of these customers."""
    retail = bought(people)
    limits = classes_module.thresholds(retail["net_sales"], high=0.8, mid=0.5)
    classes = classes_module.assign_level(retail["net_sales"], retail["n_orders"] > 0, limits)
    return rfm.score(retail).assign(amount=classes)


def clustered(people):
    compared_by = compared.build(measures.build(people), people)
    return assignment.assign(compared_by, people["net_sales"], 3).to_frame("cluster")


def expected(people):
    """What the models of purchases say, fitted to these customers."""
    buyers = forecasts.with_purchase(people)
    models, _ = forecasts.fit(buyers)
    alive = {f"p_alive.{c}": m.p_alive(buyers) for c, m in models.items() if hasattr(m, "p_alive")}
    orders = {f"orders.{c}": m.expected_purchases(buyers, 26) for c, m in models.items()}
    return pd.DataFrame(alive | orders)


def present(people):
    """Who is there, prospects too, and what their record says."""
    return people[["n_orders", "customer_type", "city"]]


def seen(people):
    """Features, also in plain units, and imported figures."""
    rank = graded(people)["grade"].map({"A": 2.0, "B": 1.0, "C": 0.0})
    plain = features.readable(people).add_prefix("plain.")
    return features.build(people, rank).join(plain).join(people.filter(like="indicators."))


@pytest.mark.parametrize(
    ("day", "builders"),
    [
        (EARLY, [present, seen, graded]),
        (LATE, [present, seen, graded, classed, clustered, expected]),
    ],
    ids=["early", "late"],
)
def test_nothing_known_of_the_sample_changes_with_later_rows(told, rows, day, builders):
    """Features, grades, scores, clusters and models, each made from that day's customers."""

    def build(rows):
        people = told(rows).measures(day)
        return pd.concat(
            [make(people).add_prefix(f"{make.__name__}.") for make in builders], axis=1
        )

    made = build(rows)
    assert {name.split(".")[0] for name in made} == {make.__name__ for make in builders}
    names = {name.removeprefix("seen.").partition("=")[0] for name in made}
    assert set(features.STEPS) <= names and "indicators.growth" in names
    for name in TABLES:
        later = pd.to_datetime(rows[name][leakage.KNOWN_FROM[name]]) > pd.Timestamp(day)
        assert 20 < later.sum() < len(later), name
    leakage.check(build, rows, day)


def test_the_grades_of_a_review_know_nothing_later(data, rows):
    first = data.first_day

    def build(rows):
        lines = ibis.memtable(rows["transactions"]).cast({"amount": "decimal(18, 4)"})
        found = reviews.review(
            {"retail": [CARD]},
            lambda day: as_of(lines, day).to_pandas().set_index("customer_id"),
            LATE, reviews.dates(LATE, first, last=1), first, policy.Policy(margin=2),
        )  # fmt: skip
        return reviews.grades(found)[["score", "score_grade", "grade", "points_to_next"]]

    columns = ["customer_id", "ordered_at", "amount", "region"]
    leakage.check(build, {"transactions": rows["transactions"][columns]}, LATE)


def planted(rows):
    """Purchases of the next half year among honest features."""
    lines = rows["transactions"]
    day = pd.to_datetime(lines["ordered_at"])
    before = lines[day < pd.Timestamp(LATE)].groupby("customer_id")["amount"]
    after = lines[(day > pd.Timestamp(LATE))].groupby("customer_id").size()
    made = before.agg(["sum", "count"])
    return made.assign(to_come=after.reindex(made.index).fillna(0.0))


def test_a_feature_that_knows_the_future_is_caught(rows):
    with pytest.raises(
        InputError, match=r"2025-07-04 .* customers: to_come \(\d+\); make"
    ) as error:
        leakage.check(planted, rows, LATE)
    assert "sum" not in str(error.value) and "count" not in str(error.value)
    leakage.check(lambda rows: planted(rows).drop(columns="to_come"), rows, LATE)


@pytest.mark.parametrize(
    ("table", "column"),
    [("transactions", "delivered_on"), ("feedback", "closed_at"), ("customers_raw", "joined_on")],
)
def test_a_date_that_was_not_known_yet_is_caught(rows, table, column):
    def build(rows):
        day = pd.to_datetime(rows[table][column])
        early = rows[table].assign(known=(day.dt.year < 2026) & day.notna())
        date = pd.to_datetime(early[leakage.KNOWN_FROM[table]])
        if table != "customers_raw":
            early = early[date <= pd.Timestamp(LATE)]
        return early.groupby("customer_id")[["known"]].sum()

    with pytest.raises(InputError, match=r"known|customers"):
        leakage.check(build, rows, LATE)


def by_hand(amounts):
    table = pd.DataFrame({"customer_id": list("abca"), "amount": [1.0, 2.0, 3.0, 4.0]})
    days = ["2025-07-01", "2025-07-04 23:59", "2025-07-05", "2025-07-06"]
    table["ordered_at"] = pd.to_datetime(days, format="mixed")
    return {"transactions": table.assign(**amounts)}


def test_later_rows_are_dropped_or_others_and_the_day_itself_is_known():
    rows = by_hand({"delivered_on": ["2025-07-02", "2025-07-05", "2025-07-06", None]})
    kept = leakage.drop_later(rows, LATE)["transactions"]
    assert kept["customer_id"].tolist() == ["a", "b"]
    assert kept["delivered_on"].isna().tolist() == [False, True]
    other = leakage.replace_later(rows, LATE)["transactions"]
    assert other["customer_id"].tolist() == list("abac")
    assert other["amount"].tolist() == [1, 2, -21, -28]
    assert other["ordered_at"].dt.date.astype(str).tolist()[:2] == ["2025-07-01", "2025-07-04"]
    assert (other["ordered_at"].iloc[2:] > pd.Timestamp("2026-08-01")).all()
    assert rows["transactions"]["amount"].tolist() == [1, 2, 3, 4]


def test_a_customer_who_is_only_there_later_and_a_changed_text_are_told():
    def build(rows):
        best = rows["transactions"].groupby("customer_id")["amount"].agg(["max", "sum"])
        return best.assign(top="top" if best["sum"].max() > 4 else "low")

    message = r"of 3 customers: top \(3\), max \(2\), sum \(2\), customers \(1\); make"
    with pytest.raises(InputError, match=message):
        leakage.check(build, by_hand({}), LATE)


def test_a_table_without_a_known_day_is_refused():
    with pytest.raises(InputError, match="no day is known for rows of quality"):
        leakage.check(lambda rows: rows["quality"], {"quality": pd.DataFrame()}, LATE)


def test_the_record_of_who_bought_before_stays_whatever_it_says_of_joining(rows):
    people = rows["customers_raw"]
    lines = rows["transactions"]
    bought = lines.loc[pd.to_datetime(lines["ordered_at"]) <= pd.Timestamp(LATE), "customer_id"]
    late = people["customer_id"].isin(bought)
    moved = people.assign(joined_on=people["joined_on"].mask(late, pd.Timestamp("2025-12-01")))
    kept = leakage.drop_later(rows | {"customers_raw": moved}, LATE)["customers_raw"]
    assert set(bought) <= set(kept["customer_id"])
    assert len(kept) < len(people)

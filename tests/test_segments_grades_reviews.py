"""Reviews by hand: the grades of each day, by version, bands and thresholds."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cvm_analysis import tables
from cvm_analysis.minimum_data import Note
from cvm_analysis.segments.grades import predictive_power, reviews, versions, weights
from cvm_analysis.segments.grades.policy import Policy
from cvm_analysis.segments.grades.reviews import Reviews
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard

D = dt.date
FIRST_DAY, AS_OF = D(2023, 1, 15), D(2025, 2, 14)
DAYS = [D(2024, 6, 30), D(2024, 9, 30), D(2024, 12, 31)]
LIMITS = {"A": 70.0, "B": 40.0, "C": 0.0}
SPEND = Indicator("spend", "spend", 1.0, scale=(0, 100), unit_cost=2.0)
RETAIL = Scorecard("retail", D(2024, 1, 1), (SPEND,), LIMITS)
QUOTA = replace(
    RETAIL,
    indicators=(replace(SPEND, scale=None, bins=20),),
    grades={"A": 0.2, "B": 0.3, "C": 0.5},
    by_quota=True,
)


def known(rows):
    """A measures function: customer -> type, and spend from each day on."""

    def measures(day):
        found = {}
        for customer, (customer_type, *spends) in rows.items():
            values = [spend for since, spend in spends if since <= day]
            if values:
                n = 0 if values[-1] == "joined" else 1
                spend = values[-1] if n else np.nan
                found[customer] = {"customer_type": customer_type, "n_orders": n, "spend": spend}
        columns = ["customer_type", "n_orders", "spend"]
        return pd.DataFrame.from_dict(found, orient="index", columns=columns)

    return measures


ROWS = {
    "anna": ("retail", (D(2023, 2, 1), 80), (D(2024, 8, 1), 30), (D(2025, 1, 5), 90)),
    "ben": ("retail", (D(2024, 7, 1), "joined"), (D(2024, 12, 31), 50)),
    "cleo": ("retail", (D(2025, 1, 1), 45)),
    "dora": ("dealer", (D(2023, 3, 1), 70)),
    "emil": ("retail", (D(2023, 2, 1), "joined")),
    "fay": ("retail", (D(2023, 2, 1), np.nan), (D(2024, 9, 1), 71)),
}


def review(rows=ROWS, cards=None, as_of=AS_OF, days=DAYS, rules=None, **more):
    cards = {"retail": [RETAIL]} if cards is None else cards
    measures = more.pop("measures", known(rows))
    rules = rules or Policy(notice=1)
    return reviews.review(cards, measures, as_of, days, FIRST_DAY, rules, **more)


def crowd(n=40, seed=4, customer_type="retail"):
    """Customers of different spend, which goes up and down from month to month."""
    random = np.random.default_rng(seed)
    days = [D(2023, 1, 15) + dt.timedelta(days=30 * i) for i in range(30)]
    rows = {}
    for i in range(n):
        first = random.integers(0, 12)
        spends = (random.gamma(2, 50) * random.lognormal(0, 0.3, len(days))).round(2)
        rows[f"c{i:03d}"] = (customer_type, *zip(days[first:], spends[first:], strict=True))
    return rows


def test_the_default_review_dates_are_quarter_ends():
    found = reviews.dates(D(2025, 12, 31), D(2020, 5, 1))
    assert found == [
        D(2024, 3, 31), D(2024, 6, 30), D(2024, 9, 30), D(2024, 12, 31),
        D(2025, 3, 31), D(2025, 6, 30), D(2025, 9, 30), D(2025, 12, 31),
    ]  # fmt: skip
    assert reviews.dates(D(2025, 12, 30), D(2020, 5, 1), Reviews(last=1)) == [D(2025, 9, 30)]
    assert reviews.dates(D(2025, 7, 1), D(2025, 3, 31)) == [D(2025, 3, 31), D(2025, 6, 30)]
    assert reviews.dates(D(2025, 6, 29), D(2025, 4, 1)) == []
    written = Reviews(dates=(D(2025, 5, 1),))
    assert reviews.dates(D(2025, 6, 29), D(2025, 4, 1), written) == (D(2025, 5, 1),)


@pytest.mark.parametrize(
    ("valid_from", "as_of", "expected"),
    [
        (D(2024, 6, 1), D(2025, 1, 1), D(2024, 6, 1)),
        (D(2010, 1, 1), D(2025, 1, 1), D(2024, 1, 15)),
        (D(2010, 1, 1), D(2023, 7, 1), D(2023, 7, 1)),
    ],
)
def test_bins_are_fitted_once_there_is_a_year_of_data(valid_from, as_of, expected):
    assert reviews.scale_day(valid_from, FIRST_DAY, as_of) == expected


def test_the_history_by_hand():
    history = review().history.astype({"day": str}).drop(columns="score")
    assert [tuple(row) for row in history.to_numpy()] == [
        ("anna", "2024-06-30", "A", "A", "first"),
        ("anna", "2024-09-30", "C", "A", "kept_notice"),
        ("anna", "2024-12-31", "C", "C", "down"),
        ("ben", "2024-12-31", "B", "B", "first"),
        ("fay", "2024-06-30", "not_graded", "not_graded", "not_graded"),
        ("fay", "2024-09-30", "A", "A", "first"),
        ("fay", "2024-12-31", "A", "A", "same"),
    ]
    assert list(review().history["score"].dropna()) == [80, 30, 30, 50, 71, 71]


def test_the_grades_of_today_by_hand():
    table = reviews.grades(review()).set_index("customer_id")
    tables.check("grades", table.reset_index())
    assert list(table.index) == ["anna", "ben", "cleo", "dora", "fay"]
    anna = table.loc["anna"]
    assert anna[["score", "score_grade", "grade", "review_decision"]].tolist() == [
        90,
        "A",
        "C",
        "down",
    ]
    assert anna["since"] == pd.Timestamp("2024-12-31")
    assert anna["version"] == pd.Timestamp("2024-01-01")
    next_up = ["next_grade", "points_to_next", "reviews_to_next"]
    assert anna[next_up].tolist() == ["B", 0, 1]  # 90 points are enough: only the review is to come
    assert pd.isna(anna["change"])
    ben = table.loc["ben", ["next_grade", "points_to_next", "change", "change_from"]]
    assert ben.tolist() == ["A", 20, "spend", 50]
    assert table.loc["ben", ["change_to", "change_cost"]].tolist() == [70, 40]
    cleo = table.loc["cleo", ["score_grade", "grade", "since", "review_decision"]]
    assert cleo.tolist() == ["B", "B", pd.Timestamp(AS_OF), "first"]
    dora = table.loc["dora", ["customer_type", "score_grade", "grade", "review_decision"]]
    assert dora.tolist() == ["dealer", "not_graded", "not_graded", "not_graded"]
    assert table.loc["dora", ["version", "score", "since", "next_grade"]].isna().all()
    assert table.loc["fay", "since"] == pd.Timestamp("2024-09-30")


def test_customers_without_a_scorecard_are_counted_in_a_note():
    assert review().notes == [Note("grades", "no_scorecard", 1.0)]
    both = {"retail": [RETAIL], "dealer": [replace(RETAIL, customer_type="dealer")]}
    assert review(cards=both).notes == []
    assert list(review(cards=both).today) == ["dealer", "retail"]
    not_yet = {"retail": [replace(RETAIL, valid_from=D(2025, 3, 1))]}
    assert review(cards=not_yet).notes == [Note("grades", "no_scorecard", 5.0)]


def test_nothing_to_grade_leaves_tables_without_rows():
    nobody = review(rows={"emil": ROWS["emil"]})
    found = {"grades": reviews.grades(nobody), "grade_points": reviews.grade_points(nobody)}
    for name, table in (found | {"grade_history": nobody.history}).items():
        tables.check(name, table)
        assert table.empty
    assert len(reviews.grades(review(cards={}))) == 5


def test_a_business_too_young_for_a_review_is_graded_by_score():
    table = reviews.grades(review(days=[])).set_index("customer_id")
    assert table["grade"].to_dict() == {
        "anna": "A", "ben": "B", "cleo": "B", "dora": "not_graded", "fay": "A",
    }  # fmt: skip
    assert table.loc["anna", ["since", "review_decision"]].tolist() == [
        pd.Timestamp(AS_OF),
        "first",
    ]


def test_each_review_uses_the_version_valid_on_its_day():
    strict = replace(RETAIL, valid_from=D(2024, 12, 31), grades={"A": 90.0, "B": 60.0, "C": 0.0})
    found = review(cards={"retail": [strict, RETAIL]}, rules=Policy())
    fay = found.history[found.history["customer_id"] == "fay"]
    assert list(fay["score_grade"]) == ["not_graded", "A", "B"]
    assert found.today["retail"].card.valid_from == D(2024, 12, 31)
    late = review(cards={"retail": [replace(RETAIL, valid_from=D(2024, 9, 1))]})
    assert set(late.history["day"]) == {pd.Timestamp("2024-09-30"), pd.Timestamp("2024-12-31")}


def test_the_parts_add_up_to_the_score():
    cards = {"retail": [replace(RETAIL, indicators=two_indicators())]}
    found = review(cards=cards)
    table = reviews.grade_points(found)
    tables.check("grade_points", table)
    scores = found.today["retail"].scores.dropna()
    assert len(table) == 2 * len(scores)
    sums = table.groupby("customer_id")["contribution"].sum()
    assert sums.to_dict() == pytest.approx(scores.to_dict())
    ben = table[table["customer_id"] == "ben"].set_index("indicator")
    assert ben.loc["spend"].tolist()[1:] == [50, 50, 50 * 0.75]
    assert ben.loc["orders"].tolist()[1:] == [1, 10, 2.5]


def two_indicators():
    orders = Indicator("orders", "n_orders", 0.25, bands=((1, 10), (5, 100)))
    return (replace(SPEND, weight=0.75), orders)


def test_quotas_are_of_the_customers_of_each_review_date():
    found = review(rows=crowd(), cards={"retail": [QUOTA]}, days=reviews.dates(AS_OF, FIRST_DAY))
    counts = found.history.groupby(["day", "score_grade"]).size().unstack(fill_value=0)
    shares = counts.div(counts.sum(axis=1), axis=0)
    assert (shares["A"] <= 0.2).all() and ((shares["A"] + shares["B"]) <= 0.5).all()
    assert counts["A"].iloc[-1] > 0


def test_a_later_run_does_not_rewrite_history():
    """Scale and limits of a day are those customers', whatever was learned since."""
    days = reviews.dates(AS_OF, FIRST_DAY)
    earlier = review(rows=crowd(), cards={"retail": [QUOTA]}, as_of=D(2024, 10, 1), days=days)
    later = review(rows=crowd(), cards={"retail": [QUOTA]}, days=days)
    shared = later.history[later.history["day"] <= pd.Timestamp("2024-10-01")]
    pd.testing.assert_frame_equal(earlier.history, shared.reset_index(drop=True))
    assert earlier.today["retail"].card == later.today["retail"].card


def test_nothing_after_as_of_is_asked_for_and_each_day_once():
    asked = []

    def measures(day):
        asked.append(day)
        return known(crowd() | {"d": ROWS["dora"]})(day)

    days = [D(2022, 12, 31), *DAYS, AS_OF, D(2025, 3, 31)]
    old = replace(QUOTA, valid_from=D(2010, 1, 1))
    cards = {"retail": [old], "dealer": [replace(old, customer_type="dealer")]}
    review(cards=cards, days=days, measures=measures)
    assert sorted(asked) == [D(2024, 1, 15), *DAYS, AS_OF]


def test_neither_the_order_of_rows_nor_their_names_matter():
    rows = crowd()
    renamed = {f"z{name}": rows[name] for name in reversed(rows)}
    one, other = (review(rows=each, cards={"retail": [QUOTA]}) for each in (rows, renamed))
    for table in (reviews.grades, reviews.grade_points, lambda found: found.history):
        names = table(other).assign(customer_id=lambda t: t["customer_id"].str[1:])
        pd.testing.assert_frame_equal(table(one), names)
    assert json.dumps(one.reference) == json.dumps(other.reference)


def test_a_region_is_graded_by_the_companys_bands_and_thresholds():
    rows = crowd()
    poor = dict(sorted(rows.items(), key=lambda row: row[1][-1][1])[:15])
    cards = {"retail": [QUOTA]}
    company = review(rows=rows, cards=cards)
    agreed = json.loads(json.dumps(company.reference))
    region = review(rows=poor, cards=cards, company=agreed)
    ours = reviews.grades(company)
    ours = ours[ours["customer_id"].isin(poor)].reset_index(drop=True)
    pd.testing.assert_frame_equal(reviews.grades(region), ours)
    assert (ours["score_grade"] != "A").all()
    alone = reviews.grades(review(rows=poor, cards=cards))
    assert (alone["score_grade"] == "A").sum() == 3
    assert json.dumps(region.reference) == json.dumps(agreed)


def test_what_the_company_does_not_have_is_found_among_these_customers():
    cards = {"retail": [QUOTA], "dealer": [replace(QUOTA, customer_type="dealer")]}
    rows = crowd() | {f"d{n}": r for n, r in crowd(seed=9, customer_type="dealer").items()}
    company = {"retail": review(rows=rows, cards=cards).reference["retail"]}
    found = review(rows=rows, cards=cards, company=company)
    pd.testing.assert_frame_equal(
        reviews.grades(found), reviews.grades(review(rows=rows, cards=cards))
    )


def test_a_type_that_began_after_the_scale_day_is_scaled_by_those_of_today():
    late = {name: (kind, *spends[13:]) for name, (kind, *spends) in crowd().items()}
    old = replace(QUOTA, valid_from=D(2023, 6, 1))
    found = review(rows=late, cards={"retail": [old]}, days=[AS_OF])
    assert found.history["score_grade"].value_counts().to_dict() == {"C": 20, "B": 12, "A": 8}


@pytest.mark.parametrize("card", [RETAIL, QUOTA])
def test_a_scorecard_that_is_not_valid_yet_grades_nobody(card):
    """Every step of the notebook works with nobody, and the note says how many are not graded."""
    found = review(cards={"dealer": [card], "retail": [card]}, as_of=D(2023, 6, 1))
    assert found.notes == [Note("grades", "no_scorecard", 3.0)] and not found.today
    assert found.most_common_type == "retail"
    nobody = found.graded("retail")
    assert list(nobody.thresholds) == ["A", "B", "C"] and nobody.scores.empty
    table = reviews.grades(found).set_index("customer_id")
    assert (table["grade"] == "not_graded").all() and reviews.grade_points(found).empty
    assert weights.sensitivity(nobody.card, nobody.points)["n_customers"].eq(0).all()
    stable = weights.stability(nobody.card, nobody.points)
    assert weights.summary(nobody.card, stable)["n_customers"].eq(0).all()
    effect = versions.compare(nobody.card, card, nobody.measures, nobody.measures["net_sales"])
    assert effect.n_customers == 0
    margin = predictive_power.margin_since(nobody.measures, table.assign(net_sales=0.0))
    ranked = predictive_power.rank_indicators(nobody.points, margin)
    assert [note.code for note in predictive_power.notes(ranked)] == ["screening_few_customers"]


def test_a_scorecard_younger_than_the_day_compared_with_grades_only_later():
    """Valid from 2024-01-01: nobody has a grade in 2023, four retail customers have one today."""
    then, now = review(as_of=D(2023, 6, 1), days=[]), review()
    assert then.graded("retail").scores.empty
    assert list(now.graded("retail").scores.index) == ["anna", "ben", "cleo", "fay"]


def test_words_without_points_are_noted():
    scene = Indicator("scene", "customer_type", 0.5, points={"dealer": 80})
    card = replace(RETAIL, indicators=(replace(SPEND, weight=0.5), scene))
    assert Note("grades", "unknown_words", 4.0) in review(cards={"retail": [card]}).notes

"""Measures of the experience on any day: by hand, in a scorecard and a trigger."""

import datetime as dt

import pandas as pd
import pytest
from small_business import small

from cvm_analysis import prepared, validate
from cvm_analysis.errors import ConfigError
from cvm_analysis.experience import answers, complaints, customer_table, measures, points
from cvm_analysis.experience.points import Points
from cvm_analysis.segments.grades import reviews
from cvm_analysis.settings import load
from cvm_analysis.strategy import conditions, facts
from cvm_analysis.validate import prepared_data

EARLIER, TODAY = dt.date(2025, 6, 30), dt.date(2025, 12, 31)
SALES = "customer_id,ordered_at,amount,land\n" + "".join(
    f"{who},2025-01-0{i},10,Nord\n" for i, who in enumerate("abc", 1)
)
FEEDBACK = """customer_id,at,kind,dimension,score,closed_at
a,2025-01-10,csat,delivery,5,
a,2025-08-01,complaint,delivery,,
a,2025-09-01,csat,delivery,2,
a,2025-09-01,csat,delivery,4,
b,2025-03-01,csat,delivery,3,
b,2025-03-01,nps,,9,
"""
POINTS = """customer_id,at,kind,points
a,2025-02-01,earn,100
a,2025-10-01,redeem,40
b,2025-12-01,earn,300
"""
REFERRALS = """customer_id,referred_id,at
a,b,2025-01-01
a,c,2025-07-01
"""
SCORECARDS = """reviews: {dates: [2025-06-30]}
scorecards:
  retail:
    - valid_from: 2010-01-01
      grades: {A: 70, B: 0}
      indicators:
        delivery: {column: satisfaction_delivery, weight: 0.5, scale: [1, 5]}
        complaints: {column: n_complaints, weight: 0.3, better: low, bands: [[0, 100], [1, 50]]}
        points: {column: points_balance, weight: 0.2, scale: [0, 200]}
"""


@pytest.fixture(scope="module")
def business(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measures")
    others = {"feedback": FEEDBACK, "points": POINTS, "referrals": REFERRALS}
    return small(folder, "{from: land}", {"sales.csv": SALES}, others=others)


def with_scorecards(business, text):
    (business.path.parent / "scorecards.yaml").write_text(text, "utf-8")
    return load(business.path)


def raw(name):
    text = {"feedback": FEEDBACK, "points": POINTS, "referrals": REFERRALS}[name]
    rows = [line.split(",") for line in text.splitlines()]
    return pd.DataFrame(rows[1:], columns=rows[0]).replace("", None)


EVERY = ("satisfaction_delivery", "n_answered", "points_balance", "points_redeemed", "n_referred")


@pytest.mark.parametrize(
    ("day", "a", "b"),
    [
        (dt.date(2025, 1, 31), [5, 1, None, None, 1], [None] * 5),
        (EARLIER, [5, None, 100, 0, 1], [3, None, None, None, None]),
        (dt.date(2025, 9, 30), [2, 1, 100, 0, 2], [3, None, None, None, None]),
        (TODAY, [2, None, 60, 40, 2], [3, None, 300, 0, None]),
    ],
)
def test_each_measure_by_hand_on_several_days(day, a, b):
    """Answers count for 60 days; of two scores on one day the lower one is the last."""
    found = measures.measure(raw, EVERY, day, 60, Points()).reindex(["a", "b"])
    found = found.reindex(columns=list(EVERY))
    assert [[None if x != x else x for x in row] for row in found.to_numpy()] == [a, b]


def test_only_what_is_asked_for_and_recorded_is_measured():
    asked = ("points_balance", "satisfaction_price")
    assert list(measures.measure(raw, asked, TODAY, 365, Points())) == ["points_balance"]
    nothing = measures.measure(lambda name: raw(name).head(0), EVERY, TODAY, 365, Points())
    assert nothing.empty and not list(nothing)


def test_a_scorecard_is_scored_by_what_was_known_at_each_review(business):
    """A score of 5 is 100 points, 3 is 50, 2 is 25; one complaint is 50; a balance counts half."""
    settings = with_scorecards(business, SCORECARDS)
    data, rules = prepared.open(settings, "all"), settings.scorecards
    days = reviews.dates(TODAY, data.first_day, rules.reviews)
    asked = rules.scorecards, data.measures, TODAY, days, data.first_day, rules.policy
    reviewed = reviews.review(*asked)
    then = reviewed.history.set_index("customer_id")["score"]
    assert then["a"] == 0.5 * 100 + 0.3 * 100 + 0.2 * 50
    assert then["b"] == pytest.approx((0.5 * 50 + 0.3 * 100) / 0.8)  # had no points yet
    assert then.isna()["c"]  # only the complaints are known: 0.3 of the weight
    now = reviews.grades(reviewed).set_index("customer_id")
    assert now.loc["a", "score"] == 0.5 * 25 + 0.3 * 50 + 0.2 * 30
    assert now.loc["b", "score"] == 0.5 * 50 + 0.3 * 100 + 0.2 * 100
    assert now["score_grade"].to_dict() == {"a": "B", "b": "A", "c": "not_graded"}


def test_an_action_is_triggered_by_the_same_columns(business):
    data = prepared.open(with_scorecards(business, SCORECARDS), "all")
    measured, feedback = data.measures(TODAY), data.feedback_by(TODAY)
    said, cases = answers.read(feedback), complaints.cases(feedback, TODAY, 90)
    nobody = pd.DataFrame({"customer_id": [], "until": []})
    table = customer_table.build(measured.index, said, cases, nobody, TODAY, 365)
    pd.testing.assert_series_equal(
        table["satisfaction_delivery"], measured["satisfaction_delivery"]
    )
    moves = points.movements(data.to_pandas("points"), TODAY, None)
    held = points.totals(moves, points.match(moves), TODAY, None, 30)
    tables = {"customers": measured, "experience": table, "membership": held}
    everything = facts.join(tables, TODAY)
    when = [
        {"column": "satisfaction_delivery", "at_most": 2},
        {"column": "n_complaints", "at_least": 1},
        {"column": "complaint_days", "above": 150},
        {"column": "points_balance", "at_least": 60},
    ]
    called = conditions.evaluate(conditions.read({"all": when}), everything)
    assert called.to_dict() == {"a": True, "b": False, "c": False}


def test_counts_are_zero_where_nothing_is_recorded(business):
    text = SCORECARDS.replace("points_balance", "n_referred")
    measured = prepared.open(with_scorecards(business, text), "all").measures(TODAY)
    assert measured["n_referred"].to_dict() == {"a": 2, "b": 0, "c": 0}


@pytest.mark.parametrize("column", ["points_balanse", "satisfaction_"])
def test_an_unknown_column_is_named_with_its_line(business, column):
    text = SCORECARDS.replace("points_balance", column)
    settings = with_scorecards(business, text)
    line = next(i for i, each in enumerate(text.splitlines(), 1) if column + "," in each)
    with pytest.raises(ConfigError, match=f"scorecards.yaml line {line}: .*no column '{column}'"):
        validate.check(settings.path)


def test_a_dimension_that_nobody_scored_is_named_with_its_line(business):
    text = SCORECARDS.replace("satisfaction_delivery", "satisfaction_delivry")
    settings = with_scorecards(business, text)
    line = next(i for i, each in enumerate(text.splitlines(), 1) if "delivry" in each)
    with pytest.raises(ConfigError) as error:
        prepared_data.check_dimensions(settings)
    assert str(error.value).endswith(
        f"scorecards.yaml line {line}: nobody scored the dimension 'delivry'; "
        "did you mean 'delivery'?"
    )


def test_an_attribute_of_ones_own_gives_way_to_a_measure_of_that_name(tmp_path):
    people = "customer_id,points_balance\na,7\nb,8\n"
    for others, expected in ({"points": POINTS}, [60, 300]), ({}, ["7", "8"]):
        folder = tmp_path / f"n{len(others)}"
        folder.mkdir()
        business = small(folder, "{from: land}", {"sales.csv": SALES}, people, others=others)
        measured = prepared.open(with_scorecards(business, SCORECARDS), "all").measures(TODAY)
        assert measured["points_balance"].tolist()[:2] == expected

"""Points and scores against hand calculations and properties of any fair score."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.segments.grades import points, scorecard
from cvm_analysis.segments.grades.scorecard import Indicator, Scorecard

GRADES = {"A": 70, "B": 40, "C": 0}
SPEND = Indicator("spend", "net_sales_365d", 0.5, bands=((0, 20), (1000, 60), (5000, 100)))
PAYMENT = Indicator(
    "payment", "payment_days", 0.3, better="low", bands=((30, 100), (60, 60), (90, 20))
)
TARGET = Indicator("target", "sales", 0.2, per="goal", scale=(0.5, 1.0))


def card(*indicators, **settings):
    return Scorecard("dealer", dt.date(2024, 1, 1), indicators, GRADES, **settings)


def only(**setting):
    return card(Indicator("x", "x", 1.0, **setting))


def column(*values):
    return pd.DataFrame({"x": values})


def of(measures, **setting):
    return points.assign_points(only(**setting), measures)["x"].tolist()


MEASURES = pd.DataFrame(
    {
        "net_sales_365d": [6000.0, 1000, 999.99, -1, np.nan],
        "payment_days": [10, 30, 31, 91, 60],
        "sales": [100.0, 75, 40, 90, 90],
        "goal": [100.0, 100, 100, 0, np.nan],
    },
    index=list("abcde"),
)
POINTS = pd.DataFrame(
    {
        "spend": [100, 60, 20, 0, np.nan],
        "payment": [100, 100, 60, 0, 60],
        "target": [100, 50, 0, np.nan, np.nan],
    },
    index=list("abcde"),
    dtype=float,
)


def test_bands_and_scales_give_the_points_a_manager_wrote():
    found = points.assign_points(card(SPEND, PAYMENT, TARGET), MEASURES)
    pd.testing.assert_frame_equal(found, POINTS)


def test_the_score_is_the_weighted_mean_of_known_indicators():
    found = points.score(card(SPEND, PAYMENT, TARGET), MEASURES)
    by_hand = [100, 30 + 30 + 10, 10 + 18 + 0, (0 + 0) / 0.8, np.nan]
    assert found.tolist() == pytest.approx(by_hand, nan_ok=True)


def test_seventy_points_are_seventy_however_they_were_added_up():
    parts = [
        Indicator(c, "x", w, scale=(0, 100)) for c, w in zip("abc", (0.1, 0.2, 0.7), strict=True)
    ]
    for value in range(101):
        assert points.score(card(*parts), column(float(value)))[0] == value


def test_too_little_known_weight_is_not_graded():
    measures = MEASURES.assign(payment_days=[np.nan, 1, np.nan, 1, 1])
    three = card(SPEND, PAYMENT, TARGET, min_weight=0.7)
    assert points.score(three, measures).notna().tolist() == [True, True, True, True, False]
    three = card(SPEND, PAYMENT, TARGET, min_weight=0.71)
    assert points.score(three, measures).notna().tolist() == [False, True, False, True, False]


def test_the_least_weight_is_reached_by_weights_that_sum_to_it_in_floats():
    parts = [
        Indicator(c, c, w, scale=(0, 1)) for c, w in zip("abcd", (0.1, 0.7, 0.1, 0.1), strict=True)
    ]
    measures = pd.DataFrame({"a": [1.0], "b": [1.0], "c": [1.0]})
    assert points.score(card(*parts, min_weight=0.9), measures)[0] == 100


def test_missing_may_be_worth_points_and_then_counts_as_known():
    measures = column(np.nan, 5.0)
    assert of(measures, scale=(0, 10), missing=0) == [0, 50]
    assert of(measures, scale=(0, 10), missing=30.0) == [30, 50]
    assert points.score(only(scale=(0, 10), missing=0), measures).tolist() == [0, 50]
    assert points.score(only(scale=(0, 10)), measures).isna().tolist() == [True, False]


@pytest.mark.parametrize("goal", [0, -100, np.nan])
def test_a_share_of_nothing_is_missing(goal):
    measures = pd.DataFrame({"sales": [-90.0], "goal": [goal]})
    assert points.assign_points(card(replace(TARGET, weight=1)), measures)["target"].isna().all()


@pytest.mark.parametrize("missing", ["leave_out", 0])
def test_a_column_the_business_lacks_is_missing_for_all(missing):
    absent = replace(TARGET, missing=missing)
    found = points.assign_points(card(SPEND, PAYMENT, absent), MEASURES.drop(columns="goal"))[
        "target"
    ]
    assert found.tolist() == pytest.approx([np.nan if missing else 0] * 5, nan_ok=True)
    found = points.assign_points(card(SPEND, PAYMENT, absent), MEASURES.drop(columns="sales"))[
        "target"
    ]
    assert found.tolist() == pytest.approx([np.nan if missing else 0] * 5, nan_ok=True)


def test_equal_groups_run_from_zero_to_a_hundred():
    spread = column(*range(10))
    learned = points.fit_bins(only(bins=5), spread)
    assert learned.indicators[0].bands == ((2, 25), (4, 50), (6, 75), (8, 100))
    assert points.assign_points(learned, spread)["x"].tolist() == [
        0,
        0,
        25,
        25,
        50,
        50,
        75,
        75,
        100,
        100,
    ]


def test_where_less_is_better_the_groups_run_the_other_way():
    spread = column(*range(10))
    learned = points.fit_bins(only(bins=5, better="low"), spread)
    assert learned.indicators[0].bands == ((1, 100), (3, 75), (5, 50), (7, 25))
    assert points.assign_points(learned, spread)["x"].tolist() == [
        100,
        100,
        75,
        75,
        50,
        50,
        25,
        25,
        0,
        0,
    ]


def test_ties_make_groups_impossible():
    ones = column(*[1] * 6, 2, 2, 3, 4)  # six of ten bought once: nobody is worse than they are
    learned = points.fit_bins(only(bins=5), ones)
    assert points.assign_points(learned, ones)["x"].tolist() == [0] * 6 + [75, 75, 100, 100]
    assert learned.indicators[0].bands == ((2, 75), (3, 100))


def test_ties_at_the_top_leave_the_best_group_out():
    tied = column(*range(7), 9, 9, 9)
    bands = points.fit_bins(only(bins=5), tied).indicators[0].bands
    assert len(bands) == 3 and bands[-1][1] == 75


@pytest.mark.parametrize("values", [[7.0] * 30, [1.0] * 29 + [0.0], [7.0], [np.nan] * 3, []])
def test_an_indicator_that_does_not_distinguish_customers_is_left_out_for_all(values):
    measures = column(*values).astype(float)
    learned = points.fit_bins(only(bins=5, missing=0), measures)
    assert learned.indicators[0].bands == ()
    assert points.assign_points(learned, measures)["x"].isna().all()
    assert points.score(learned, measures).isna().all()


def test_a_constant_indicator_leaves_the_grade_to_the_others():
    level = Indicator("level", "level", 0.4, bins=5)
    other = Indicator("other", "other", 0.6, scale=(0, 10))
    measures = pd.DataFrame({"level": 3, "other": [0.0, 5, 10]})
    learned = points.fit_bins(card(level, other), measures)
    assert points.score(learned, measures).tolist() == [0, 50, 100]


def test_written_bands_are_not_learned_and_learned_ones_hold_for_other_customers():
    company, region = column(*range(10)), column(0.0, 100.0)
    learned = points.fit_bins(only(bins=5), company)
    used = scorecard.with_bands(only(bins=5), scorecard.bands(learned))
    assert points.assign_points(used, region)["x"].tolist() == [0, 100]
    assert points.fit_bins(card(SPEND), MEASURES) == card(SPEND)


def test_groups_that_were_not_learned_are_an_error():
    with pytest.raises(ConfigError, match=r"x: no bands were learned yet"):
        points.score(only(bins=5), column(1.0))


def test_infinite_values_and_texts_are_named_and_counted_all_at_once():
    measures = MEASURES.assign(
        net_sales_365d=[np.inf, 1, -np.inf, 1, 1], payment_days=["30", "soon", "x", None, 1.5]
    )
    measures["goal"] = pd.Timestamp("2024-01-01")
    with pytest.raises(InputError) as error:
        points.score(card(SPEND, PAYMENT, TARGET), measures)
    said = str(error.value)
    assert "spend: 2 of 5 values of net_sales_365d are infinite" in said
    assert "payment: 2 of 5 values of payment_days are no numbers" in said
    assert "target: goal holds times" in said
    with pytest.raises(InputError, match="infinite"):
        points.fit_bins(only(bins=2), column(np.inf, 1.0))


def test_numbers_may_come_as_pandas_or_decimal_types():
    from decimal import Decimal

    for values in (
        pd.array([5, None], "Int64"),
        pd.array([5.0, None], "Float64"),
        pd.Series([Decimal("5.0"), None], dtype=object),
    ):
        assert of(pd.DataFrame({"x": values}), scale=(0, 10)) == pytest.approx(
            [50, np.nan], nan_ok=True
        )
    assert of(pd.DataFrame({"x": pd.array([True, None], "boolean")}), scale=(0, 1))[0] == 100


@pytest.mark.parametrize("n", [0, 1])
def test_no_customers_and_one_customer_need_no_special_care(n):
    measures = MEASURES.head(n)
    learned = points.fit_bins(card(SPEND, PAYMENT, replace(TARGET, scale=None, bins=5)), measures)
    assert points.score(learned, measures).tolist() == [100][:n]
    assert len(points.contributions(learned, points.assign_points(learned, measures))) == n


def random_case(seed, share_missing=0.2):
    """A settled scorecard of four indicators in all three ways, and 60 customers with ties."""
    rng = np.random.default_rng(seed)
    measures = pd.DataFrame(
        {
            "a": rng.integers(0, 8, 60).astype(float),
            "b": rng.gamma(1, 100, 60),
            "c": rng.integers(-3, 3, 60).astype(float),
            "goal": rng.uniform(1, 50, 60),
            "d": rng.normal(0, 1, 60),
        },
        index=[f"C{i}" for i in range(60)],
    )
    measures = measures.mask(rng.random(measures.shape) < share_missing)
    weights = rng.dirichlet(np.ones(4))
    low = {"better": "low"} if rng.random() < 0.5 else {}
    made = card(
        Indicator("a", "a", weights[0], bins=int(rng.integers(2, 9)), **low),
        Indicator("b", "b", weights[1], per="goal", scale=(0, 10)),
        Indicator("c", "c", weights[2], better="low", bands=((-2, 90), (0, 50), (1, 5))),
        Indicator("d", "d", weights[3], bins=7, missing=10),
        min_weight=0.5,
    )
    return points.fit_bins(made, measures), measures


seeds = st.integers(0, 10_000)


@settings(max_examples=25, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.2, 0.9]))
def test_contributions_add_up_to_the_score(seed, share_missing):
    made, measures = random_case(seed, share_missing)
    given_points = points.assign_points(made, measures)
    parts, score = points.contributions(made, given_points), points.score(made, measures)
    assert parts.sum(axis=1).to_numpy() == pytest.approx(score.fillna(0).to_numpy(), abs=1e-9)
    assert parts[score.isna()].isna().all(axis=None)
    assert (parts.isna() == given_points.isna())[score.notna()].all(axis=None)
    assert score.dropna().between(0, 100).all()


def test_the_score_is_the_mean_of_each_customers_known_points():
    made, measures = random_case(3)
    given_points, score = points.assign_points(made, measures), points.score(made, measures)
    weights = {each.code: each.weight for each in made.indicators}
    for customer, row in given_points.iterrows():
        known = {code: value for code, value in row.items() if not np.isnan(value)}
        total = sum(weights[code] for code in known)
        if total >= 0.5:
            mean = sum(weights[code] * value for code, value in known.items()) / total
            assert score[customer] == pytest.approx(mean, abs=1e-8)
        else:
            assert np.isnan(score[customer])


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(0, 1000))
def test_improving_a_value_never_lowers_the_score(seed, by):
    made, measures = random_case(seed)
    before = points.score(made, measures)
    for each in made.indicators:
        sign = 1 if each.better == "high" else -1
        better = measures.assign(**{each.column: measures[each.column] + sign * by})
        after = points.score(made, better)
        assert (after.isna() == before.isna()).all()
        assert (after >= before)[before.notna()].all()


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_order_and_names_of_customers_change_nothing_and_equals_are_equal(seed):
    made, measures = random_case(seed)
    twice = pd.concat([measures, measures.rename(index="X{}".format)])
    shuffled = twice.sample(frac=1, random_state=seed)
    settled = points.fit_bins(made, shuffled)
    assert settled == made
    score = points.score(settled, shuffled)
    pd.testing.assert_series_equal(score[measures.index], points.score(made, measures))
    copies = score[[f"X{code}" for code in measures.index]]
    assert copies.to_numpy() == pytest.approx(score[measures.index].to_numpy(), nan_ok=True, abs=0)


def test_points_of_groups_agree_with_counting_who_is_worse():
    rng = np.random.default_rng(5)
    spread = column(*rng.integers(0, 30, 400))
    learned = points.fit_bins(only(bins=7), spread)
    share_worse = (spread["x"].rank(method="min") - 1) / len(spread)
    by_counting = np.floor(7 * share_worse + 1e-12) * 100 / 6
    assert points.assign_points(learned, spread)["x"].tolist() == pytest.approx(
        by_counting.tolist()
    )


SCENE = Indicator("scene", "scene", 0.4, points={"commercial": 80, "home": 40})
SIZE = Indicator("size", "size", 0.6, scale=(0, 100))


def test_a_word_has_the_points_written_for_it_and_any_other_is_missing():
    """0.4 x 80 + 0.6 x 50 = 62; without points for the scene the size alone counts: 50."""
    made = card(SCENE, SIZE)
    scene = ["commercial", "home", "office", None, ""]
    measures = pd.DataFrame({"scene": scene, "size": 50.0})
    assert points.assign_points(made, measures)["scene"].fillna(-1).tolist() == [80, 40, -1, -1, -1]
    assert points.score(made, measures).tolist() == [62, 46, 50, 50, 50]
    assert points.score(made, measures.drop(columns="scene")).tolist() == [50] * 5
    unknown = points.unknown_words(made, measures)
    assert unknown.to_numpy().tolist() == [["scene", "office", 1], ["scene", "", 1]]
    least = card(replace(SCENE, missing=0), SIZE)
    assert points.score(least, measures).tolist() == [62, 46, 30, 30, 30]


def test_numbers_that_stand_for_words_are_read_as_words():
    made = card(replace(SCENE, points={"1": 100, "2": 0}, weight=1.0))
    assert points.score(made, pd.DataFrame({"scene": [1, 2]})).tolist() == [100, 0]

"""Hazard ratios by segment: a fit of each by others, Cochran's Q, planted effects, little data."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from scipy import stats
from test_churn_forecasts import LAST, Past
from test_churn_forecasts import invented as invented_log

from cvm_analysis.churn import by_segment, learning
from cvm_analysis.churn.challengers import Rows
from cvm_analysis.errors import FitError
from cvm_analysis.minimum_data import NEEDS
from cvm_analysis.survival import cox

DAYS = [dt.date(2024, 1, 1), dt.date(2024, 4, 1)]
SAME = {"gold": 0.5, "silver": 0.5, "tin": 0.5}
UNLIKE = {"gold": 0.8, "silver": 0.0, "tin": -0.8}


def invented(effects, n=900, seed=5, regions=1):
    """Two landmarks of customers who change segment; `late` acts as planted, `web` alike in all."""
    rng = np.random.default_rng(seed)
    ids = pd.Series([f"c{i:04d}" for i in range(n)] * 2)
    segment = rng.choice(list(effects), 2 * n)
    features = pd.DataFrame(
        {"late": rng.normal(0, 1, 2 * n), "web": rng.integers(0, 2, 2 * n).astype(float)}
    )
    group = rng.choice([f"r{i}" for i in range(regions)], 2 * n)
    slope = pd.Series(segment).map(effects)
    pace = np.exp(-5 + slope * features["late"] + 0.4 * features["web"] + (group == "r1"))
    time = rng.exponential(1 / pace)
    day = pd.Series(np.repeat(pd.to_datetime(DAYS), n))
    outcome = pd.DataFrame(
        {"duration": np.minimum(time, 150.0), "event": (time <= 150).astype(int)}
    )
    rows = Rows(
        customers=ids, day=day, group=pd.Series(group, dtype=object), features=features,
        recency=pd.Series(1.0, ids.index), value=pd.DataFrame(index=ids.index), outcome=outcome,
        inactive=pd.DataFrame(index=ids.index),
    )  # fmt: skip
    named = {d: pd.Series(segment[k * n : (k + 1) * n], ids[:n]) for k, d in enumerate(DAYS)}
    return SimpleNamespace(rows=rows, segments=named, segment=pd.Series(segment))


@pytest.fixture(scope="module")
def case():
    return invented(UNLIKE, regions=2)


@pytest.fixture(scope="module")
def table(case):
    return by_segment.hazard_ratios(case.rows, case.segments, ["late", "web"])


def table_of(coef, error, feature="late"):
    """One feature; segments whose ratios have these logarithms and standard errors."""
    coef, error = np.asarray(coef, float), np.asarray(error, float)
    reach = stats.norm.ppf(0.975) * error
    ends = {"hazard_ratio": np.exp(coef), "low": np.exp(coef - reach), "high": np.exp(coef + reach)}
    names = [f"s{i}" for i in range(len(coef))]
    return pd.DataFrame({"segment": names, "feature": feature, **ends})


def test_each_segment_has_the_ratios_of_a_fit_to_its_rows_alone(case, table):
    """lifelines on the subset, regions as strata, and its own errors clustered by customer."""
    assert list(table) == by_segment.COLUMNS
    for name, found in table.groupby("segment"):
        own = case.segment == name
        rows = case.rows.features[own].join(case.rows.outcome)
        rows = rows.assign(group=case.rows.group, customer=case.rows.customers)
        fitted = CoxPHFitter().fit(
            rows, "duration", "event", strata=["group"], cluster_col="customer"
        )
        printed = fitted.summary.loc[found["feature"]]
        assert found["hazard_ratio"].to_numpy() == pytest.approx(printed["exp(coef)"], rel=1e-5)
        for ours, theirs in {"low": "lower", "high": "upper"}.items():
            column = f"exp(coef) {theirs} 95%"
            assert found[ours].to_numpy() == pytest.approx(printed[column].to_numpy(), rel=1e-5)
        assert set(found["n"]) == {own.sum()}
        assert set(found["customers"]) == {case.rows.customers[own].nunique()}
        assert set(found["events"]) == {case.rows.outcome["event"][own].sum()}


def test_segments_with_the_most_events_come_first_and_features_as_asked(case, table):
    events = table.groupby("segment", sort=False)["events"].first()
    assert list(events) == sorted(events, reverse=True)
    turned = by_segment.hazard_ratios(case.rows, case.segments, ["web", "late"])
    assert list(turned["feature"]) == ["web", "late"] * 3


def test_a_ratio_is_of_two_who_differ_in_nothing_else(case, table):
    """The features that are not shown are in the model all the same."""
    alone = by_segment.hazard_ratios(case.rows, case.segments, ["late"])
    shown = table[table["feature"] == "late"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, shown)


def test_neither_order_of_columns_and_rows_nor_ids_count(case, table):
    order = np.random.default_rng(1).permutation(len(case.segment))
    shuffled = [part.iloc[order].reset_index(drop=True) for part in case.rows]
    rows = Rows(*shuffled)
    ids = {old: f"x{new}" for new, old in enumerate(reversed(rows.customers.unique()))}
    rows = rows._replace(customers=rows.customers.map(ids), features=rows.features[["web", "late"]])
    named = {day: each.rename(ids).iloc[::-1] for day, each in case.segments.items()}
    found = by_segment.hazard_ratios(rows, named, ["late", "web"])
    pd.testing.assert_frame_equal(found, table, rtol=1e-7)


def test_the_segment_is_that_of_the_landmark_and_not_of_another(case, table):
    """With one landmark's segments only its rows count."""
    first = by_segment.hazard_ratios(case.rows, {DAYS[0]: case.segments[DAYS[0]]}, ["late"])
    n = first.set_index("segment")["n"]
    assert n.sum() == len(case.segment) / 2
    assert dict(n) == dict(case.segments[DAYS[0]].value_counts())


def test_a_planted_difference_is_found_and_named(table):
    tested = by_segment.test_differences(table)
    assert by_segment.differing_features(tested) == ["late"]
    late = tested.loc["late"]
    assert (late["slowest"], late["fastest"], late["segments"]) == ("tin", "gold", 3)
    assert late["p_adjusted"] < 1e-6 and tested.loc["web", "p_adjusted"] > 0.05


def test_where_all_act_alike_chance_is_seldom_exceeded():
    p = []
    for seed in range(12):
        case = invented(SAME, n=500, seed=seed)
        found = by_segment.hazard_ratios(case.rows, case.segments, ["late", "web"])
        p += list(by_segment.test_differences(found)["p"])
    assert np.mean(np.array(p) < 0.05) < 0.2 and 0.3 < np.mean(p) < 0.7


def test_q_of_two_is_the_square_of_their_difference_in_standard_errors():
    tested = by_segment.test_differences(table_of([0.3, -0.1], [0.1, 0.2]))
    z = (0.3 - -0.1) / np.hypot(0.1, 0.2)
    assert tested.loc["late", "q"] == pytest.approx(z**2)
    assert tested.loc["late", "p"] == pytest.approx(2 * stats.norm.sf(z))
    assert tested.loc["late", "df"] == 1


def test_q_by_hand():
    """Weights 100, 25, 4 and effects 0.1, 0.5, -0.5 about their mean of 20.5 / 129."""
    tested = by_segment.test_differences(table_of([0.1, 0.5, -0.5], [0.1, 0.2, 0.5]))
    assert tested.loc["late", "q"] == pytest.approx(
        100 * 0.01 + 25 * 0.25 + 4 * 0.25 - 20.5**2 / 129
    )
    assert tested.loc["late", "p"] == pytest.approx(np.exp(-tested.loc["late", "q"] / 2))


def test_equal_effects_have_no_q_whatever_their_precision():
    tested = by_segment.test_differences(table_of([0.4, 0.4, 0.4, 0.4], [0.01, 0.1, 1, 2]))
    assert tested.loc["late", "q"] == pytest.approx(0, abs=1e-12)
    assert tested.loc["late", "p"] == pytest.approx(1)


def test_p_is_adjusted_for_the_number_of_features_that_are_tested():
    parts = [table_of([0, 0.3], [0.1, 0.1], "a"), table_of([0, 0.05], [0.1, 0.1], "b")]
    lone = table_of([0.2], [0.1], "c")
    tested = by_segment.test_differences(pd.concat([*parts, lone]))
    assert list(tested.index) == ["a", "b", "c"]
    assert tested.loc["a", "p_adjusted"] == pytest.approx(2 * tested.loc["a", "p"])
    assert tested.loc["b", "p_adjusted"] == pytest.approx(tested.loc["b", "p"])
    assert tested.loc["c", ["q", "p", "p_adjusted"]].isna().all()
    assert tested.loc["c", "segments"] == 1


def test_a_segment_that_cannot_tell_is_empty_and_spoils_no_other(case, table):
    """One segment nobody came back from, one of a single customer, one with a constant feature."""
    segment = case.segment.copy()
    outcome, features = case.rows.outcome.copy(), case.rows.features.copy()
    tin = segment.index[segment == "tin"]
    segment[tin[:250]], segment[tin[250:251]], segment[tin[251:]] = "lost", "lone", "flat"
    outcome.loc[segment == "lost", "event"] = 0
    features.loc[segment == "flat", "web"] = 1.0
    n = len(segment) // 2
    named = {d: pd.Series(segment[k * n : (k + 1) * n].to_numpy(), case.rows.customers[:n])
             for k, d in enumerate(DAYS)}  # fmt: skip
    rows = case.rows._replace(outcome=outcome, features=features)
    found = by_segment.hazard_ratios(rows, named, ["late", "web"]).set_index(["segment", "feature"])
    empty = found.index[found["hazard_ratio"].isna()]
    assert set(empty) == {
        ("flat", "web"),
        *((s, f) for s in ("lost", "lone") for f in ("late", "web")),
    }
    assert found.loc[("lost", "late"), "events"] == 0 and found.loc[("lone", "late"), "n"] == 1
    kept = table.set_index(["segment", "feature"]).loc["gold"]
    pd.testing.assert_frame_equal(found.loc["gold"], kept)
    assert by_segment.test_differences(found.reset_index()).loc["web", "segments"] == 2


def test_too_few_who_came_back_are_too_few_whatever_their_rows():
    """As for all customers: the least number of customers who returned, not of rows."""
    (least,) = (need.at_least for need in NEEDS["churn_model"] if need.counted == "returns")
    for n, told in ((least - 1, False), (least, True)):
        case = invented({"gold": 0.5}, n=200)
        came = case.rows.customers.isin(case.rows.customers[:n])
        outcome = case.rows.outcome.assign(event=came.astype(int))
        found = by_segment.hazard_ratios(
            case.rows._replace(outcome=outcome), case.segments, ["late"]
        )
        assert found["events"].tolist() == [2 * n]
        assert found["hazard_ratio"].notna().tolist() == [told]


def test_where_a_segment_has_no_maximum_it_is_not_told(case, monkeypatch):
    def fails(*_):
        raise FitError("no maximum")

    monkeypatch.setattr(cox, "fit_plain", fails)
    none = by_segment.hazard_ratios(case.rows, case.segments, ["late", "web"])
    assert len(none) == 6 and none["hazard_ratio"].isna().all() and none["events"].min() > 0


@pytest.mark.parametrize(("share", "told"), [(0.1, False), (0.3, True)])
def test_a_segment_too_small_for_all_features_is_left_out_not_adjusted_for_fewer(share, told):
    """`late` hangs together with the last feature; without it .5 would look like 1.2."""
    case = invented({"gold": 0.5}, n=1200)
    rng = np.random.default_rng(5)
    n = len(case.segment)
    noise = pd.DataFrame(rng.normal(size=(n, 13))).add_prefix("noise")
    last = case.rows.features["late"] + rng.normal(0, 0.7, n)
    pace = np.exp(-5.3 + 0.5 * case.rows.features["late"] + last)
    time = rng.exponential(1 / pace)
    outcome = pd.DataFrame(
        {"duration": np.minimum(time, 150.0), "event": (time <= 150).astype(int)}
    )
    features = case.rows.features.join(noise).assign(last=last)
    ids = case.rows.customers[: n // 2]
    halves = np.split(np.where(rng.random(n) < share, "tin", "gold"), 2)
    named = {day: pd.Series(half, ids) for day, half in zip(DAYS, halves, strict=True)}
    rows = case.rows._replace(features=features, outcome=outcome)
    found = by_segment.hazard_ratios(rows, named, ["late"]).set_index("segment")
    assert bool(pd.notna(found.loc["tin", "hazard_ratio"])) == told
    assert (found.loc["tin", "events"] >= 10 * features.shape[1]) == told
    assert np.log(found["hazard_ratio"].dropna()).to_numpy() == pytest.approx(0.5, abs=0.3)
    if told:
        assert by_segment.differing_features(by_segment.test_differences(found.reset_index())) == []


@pytest.mark.parametrize("features", [[], ["late"]])
def test_nothing_to_learn_from_gives_no_rows(case, features):
    rows = None if features else case.rows
    table = by_segment.hazard_ratios(rows, case.segments, features)
    tested = by_segment.test_differences(table)
    assert table.empty and list(table) == by_segment.COLUMNS
    assert tested.empty and by_segment.differing_features(tested) == []


def test_rows_without_a_segment_are_left_out(case):
    assert by_segment.hazard_ratios(case.rows, {}, ["late"]).empty


def test_what_was_learned_keeps_the_rows_and_what_came_of_them():
    """One row per customer known at each landmark; the first purchase after it, or none yet."""
    past = Past(invented_log(n=60))
    rows = past.today().today.rows
    enough = NEEDS["churn_landmark"][0].at_least
    before = [len(each.customers) for each in past.known if each.day < LAST]
    assert len(rows.day) == sum(n for n in before if n >= enough)
    bought = past.days.assign(day=pd.to_datetime(past.days["day"]))
    for i in range(0, len(rows.day), 37):
        own = bought.loc[bought["customer_id"] == rows.customers[i], "day"]
        later = own[own > rows.day[i]]
        until = later.min() if len(later) else pd.Timestamp(LAST)
        assert rows.outcome["event"][i] == (len(later) > 0)
        assert rows.outcome["duration"][i] == (until - rows.day[i]).days
    assert learning.learn([], past.days, LAST, [90]).rows is None

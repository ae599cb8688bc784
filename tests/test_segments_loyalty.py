"""Loyalty: a better customer never has a lower index; who bought on one day is not loyal."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.segments import loyalty

WEIGHTS = {"repeat": 0.3, "tenure": 0.25, "regularity": 0.2, "breadth": 0.15, "nps": 0.1}
NAN = float("nan")


def customers(rows):
    """x (None: never bought), t_x in weeks, gap_cv, n_categories, nps."""
    columns = ["x", "t_x", "gap_cv", "n_categories", "nps"]
    ids = pd.Index([f"c{i}" for i in range(len(rows))], name="customer_id")
    found = pd.DataFrame(rows, columns=columns, index=ids).astype(float)
    days = (found["x"] + 1).fillna(0)
    return found.assign(n_purchase_days=days, n_orders=days, customer_type="retail")


def fit(table, weights=WEIGHTS):
    return loyalty.fit_cards(table, loyalty.Loyalty(weights=weights))


def classed(table, weights=WEIGHTS):
    found = loyalty.index(table, fit(table, weights))
    limits = loyalty.thresholds(found, "auto", "auto")
    return found, loyalty.assign(table, found, limits)


def test_measures_by_hand():
    table = customers([(4, 10, 0.25, 1, NAN), (0, 0, NAN, 1, NAN), (None, NAN, NAN, NAN, NAN)])
    found = loyalty.measures(table)
    np.testing.assert_allclose(found["repeat_rate"], [4 / 5, 0, NAN])
    np.testing.assert_allclose(found["regularity"], [0.8, NAN, NAN])
    assert found[table.columns.tolist()].equals(table)


def test_the_index_is_the_weighted_mean_of_the_places_in_the_company():
    """Twenty customers, each better than the one before in all: 0, 100 / 19, ... 100."""
    table = customers([(1 + i, i, 20 - i, i, i / 2) for i in range(20)])
    found, names = classed(table)
    np.testing.assert_allclose(found, np.arange(20) * 100 / 19, atol=1e-6)
    best = {"not_loyal": 10, "potentially_loyal": 6, "loyal": 4}
    assert list(names) == [name for name, n in best.items() for _ in range(n)]


def test_unknown_indicators_are_left_out():
    table = customers([(1 + i, i, 20 - i, i, NAN) for i in range(20)])
    without = {"repeat": 1 / 3, "tenure": 5 / 18, "regularity": 2 / 9, "breadth": 1 / 6}
    pd.testing.assert_series_equal(classed(table)[0], classed(table, without)[0])
    pd.testing.assert_series_equal(classed(table.drop(columns="nps"))[0], classed(table)[0])


def test_one_time_buyers_have_an_index_and_are_not_loyal():
    narrow, wide = [(0, 0, NAN, 1, 0)] * 55, [(0, 0, NAN, 9, 10)] * 40  # many categories, a ten
    table = customers([*narrow, *wide, *[(3, 50, 1, 1, 0)] * 5])
    found, names = classed(table)
    assert found.notna().all()
    limits = loyalty.thresholds(found, "auto", "auto")
    assert (found[55:95] >= limits["potentially_loyal"]).all()
    assert set(names[:95]) == {"not_loyal"}
    assert "not_loyal" not in set(classed(table, {"repeat": 0.6, "tenure": 0.4})[1][95:])


def test_prospects_have_no_index():
    table = customers([(3, 50, 1, 1, 0), (None, NAN, NAN, NAN, 10), (0, 0, NAN, 1, 5)])
    found, names = classed(table)
    assert found.isna().tolist() == [False, True, False]
    assert names["c1"] == "prospect" and names.name == "loyalty"


rows = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.integers(0, 20),
        st.sampled_from([0.0, 0.5, 1.0, 2.0]),
        st.integers(1, 4),
        st.sampled_from([NAN, 0, 5, 10]),
    ).map(lambda row: row if row[0] > 1 else (row[0], row[1], NAN, *row[3:])),
    min_size=1,
    max_size=25,
)


@settings(max_examples=30, deadline=None)
@given(rows, st.randoms())
def test_neither_the_order_of_rows_nor_an_id_matters(drawn, random):
    table = customers(drawn)
    shuffled = list(range(len(drawn)))
    random.shuffle(shuffled)
    moved = table.iloc[shuffled].set_axis([f"z{i}" for i in range(len(drawn))])
    found, names = classed(table)
    again, renamed = classed(moved)
    np.testing.assert_array_equal(again, found.iloc[shuffled])
    assert list(renamed) == list(names.iloc[shuffled])
    alike = found.groupby([table[c].fillna(-1) for c in table])
    assert (alike.nunique(dropna=False) == 1).all()
    assert found.dropna().between(0, 100).all()


@settings(max_examples=30, deadline=None)
@given(rows)
def test_a_better_indicator_never_lowers_the_index(drawn):
    table = customers(drawn)
    cards = fit(table)
    found = loyalty.index(table, cards).fillna(-1)
    for column, more in (("x", 1), ("t_x", 3), ("n_categories", 1), ("nps", 2), ("gap_cv", -0.25)):
        better = table.assign(**{column: table[column] + more})
        if column == "x":
            better = better.assign(n_purchase_days=table["n_purchase_days"] + 1)
        assert (loyalty.index(better, cards).fillna(-1) >= found - 1e-9).all()


def test_a_region_is_measured_by_the_groups_of_the_company():
    company = customers([(1 + i, i, 20 - i, i, i / 2) for i in range(20)])
    cards = fit(company)
    region = company.iloc[15:]
    pd.testing.assert_series_equal(
        loyalty.index(region, cards), loyalty.index(company, cards).loc[region.index]
    )
    learned = json.loads(json.dumps(loyalty.scales(cards)))
    again = loyalty.with_scales(loyalty.Loyalty(weights=WEIGHTS), learned)
    pd.testing.assert_series_equal(loyalty.index(region, again), loyalty.index(region, cards))


@pytest.mark.parametrize("n", [0, 1, 30], ids=["nobody", "one", "alike"])
def test_without_differences_no_customer_is_loyal(n):
    found, names = classed(customers([(2, 5, 0.5, 1, 9)] * n))
    assert found.isna().all()
    assert set(names) <= {"not_loyal"}


def test_a_constant_measure_is_left_out():
    table = customers([(1 + i, 7, 20 - i, i, i / 2) for i in range(20)])
    np.testing.assert_allclose(classed(table)[0], np.arange(20) * 100 / 19, atol=1e-6)


def test_an_infinite_measure_is_an_error():
    table = customers([(1, 5, NAN, 1, 5), (2, float("inf"), 1, 1, 5)])
    with pytest.raises(InputError, match="t_x"):
        fit(table)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ({"repeat": 0.5, "tenure": 0.4}, r"weights sum to 0\.9; they must sum to 1"),
        ({"repeat": 1.2, "tenure": -0.2}, "tenure.weight: must be more than 0"),
        ({"repeat": 0.5, "visits": 0.5}, "weights: no indicator visits; write some of repeat"),
        ({"repeat": 0.5, "city": 0.5}, "no indicator city"),  # a text is no measure
        ({}, "none"),
    ],
)
def test_weights_that_cannot_be_used_are_errors(weights, says):
    with pytest.raises(ConfigError, match=says):
        loyalty.card(weights)


def test_thresholds_of_the_config_win_and_must_be_in_order():
    found = pd.Series([10.0, 50, 90, NAN])
    assert loyalty.thresholds(found, 80, 40) == {"potentially_loyal": 40, "loyal": 80}
    with pytest.raises(ConfigError, match="loyal begins at 30, below potentially_loyal"):
        loyalty.thresholds(found, 30, 40)


def test_the_index_becomes_a_column_for_scorecards():
    people = customers([(1 + i, i, 20 - i, i, i / 2) for i in range(20)])
    cards = fit(people)
    found = loyalty.add_index(people, cards)
    pd.testing.assert_series_equal(found["loyalty_index"], loyalty.index(people, cards))
    pd.testing.assert_frame_equal(found.drop(columns="loyalty_index"), people)


def test_the_index_can_be_added_to_what_is_measured_on_a_day():
    table = customers([(1 + i, i, 20 - i, i, i / 2) for i in range(20)])
    cards = fit(table)
    days = {dt.date(2025, 1, 1): table.iloc[:5], dt.date(2025, 6, 1): table}
    measure = loyalty.measure_with_index(days.__getitem__, cards)
    for day, known in days.items():
        assert measure(day)["loyalty_index"].tolist() == loyalty.index(known, cards).tolist()
    own = loyalty.add_own_index(table.iloc[:5], loyalty.Loyalty(weights=WEIGHTS))["loyalty_index"]
    np.testing.assert_allclose(own, np.arange(5) * 400 / 19, atol=1e-6)  # every fourth twentieth


# Customer types


def of_two_types():
    """Twenty households and twenty dealers, who all buy more often than any household."""
    households = customers([(1 + i, i, 20 - i, i, i / 2) for i in range(20)])
    dealers = customers([(50 + i, 200 + i, 20 - i, 30 + i, i / 2) for i in range(20)])
    dealers = dealers.assign(customer_type="dealer").rename(index=lambda c: f"d{c}")
    return households, dealers


def test_each_type_is_compared_with_its_own_customers():
    households, dealers = of_two_types()
    together = pd.concat([households, dealers])
    found = loyalty.index(together, fit(together))
    np.testing.assert_allclose(found, [*np.arange(20) * 100 / 19] * 2, atol=1e-6)


def test_a_type_may_have_weights_of_its_own():
    households, dealers = of_two_types()
    dealers = dealers.assign(satisfaction=np.arange(20.0)[::-1])  # the busiest are least satisfied
    together = pd.concat([households, dealers])
    rules = loyalty.Loyalty(weights=WEIGHTS, weights_of={"dealer": {"satisfaction": 1.0}})
    found = loyalty.index(together, loyalty.fit_cards(together, rules))
    np.testing.assert_allclose(found[:20], np.arange(20) * 100 / 19, atol=1e-6)
    np.testing.assert_allclose(found[20:], np.arange(20)[::-1] * 100 / 19, atol=1e-6)


def test_referrals_count_where_the_config_says_so():
    households, _ = of_two_types()
    imported = households.assign(**{"indicators.referrals": [0.0] * 19 + [3.0]})
    found = loyalty.index(imported, fit(imported, {"indicators.referrals": 1.0}))
    assert found.tolist() == [0.0] * 19 + [100.0]


def test_a_type_without_buyers_on_the_first_day_is_learned_from_the_later_one():
    households, dealers = of_two_types()
    rules = loyalty.Loyalty(weights=WEIGHTS)
    cards = loyalty.fit_cards(households, rules, pd.concat([households.iloc[:5], dealers]))
    assert list(cards) == ["dealer", "retail"]
    assert loyalty.scales(cards)["retail"] == loyalty.scales(fit(households))["retail"]
    only_first = fit(households)
    assert loyalty.index(dealers, only_first).isna().all()

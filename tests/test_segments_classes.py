"""Classes by hand, one customer per rule; crosstabs and disagreements against slow obvious code."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.minimum_data import Note
from cvm_analysis.segments import classes as classes_module
from cvm_analysis.texts import languages, words

NAN, INF = float("nan"), float("inf")


# Levels


def test_levels_are_the_best_half_and_the_best_fifth():
    values = pd.Series(range(1, 11), dtype=float)
    limits = classes_module.thresholds(values, "auto", "auto")
    assert limits == {"mid": 6, "high": 9}
    found = classes_module.assign_level(values, pd.Series(True, values.index), limits)
    assert list(found) == ["low"] * 5 + ["mid"] * 3 + ["high"] * 2


def test_many_one_time_buyers_are_all_low():
    values = pd.Series([1.0] * 70 + [2.0] * 30)
    limits = classes_module.thresholds(values, "auto", "auto")
    assert limits["mid"] == 2
    assert pd.isna(limits["high"])
    found = classes_module.assign_level(values, pd.Series(True, values.index), limits)
    assert set(found[:70]) == {"low"}
    assert set(found[70:]) == {"mid"}


def test_thresholds_of_the_config_win():
    assert classes_module.thresholds(pd.Series([1.0, 2.0]), 7, "auto") == {"mid": 2, "high": 7}


def test_a_high_below_mid_is_an_error():
    with pytest.raises(ConfigError, match=r"high begins at 2, below mid \(5\)"):
        classes_module.thresholds(pd.Series([1.0]), 2, 5)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=20),
    st.sampled_from([NAN, 2.0, 5.0]),
    st.sampled_from([NAN, 2.0, 5.0, 7.0]),
)
def test_a_level_is_the_best_one_that_the_value_reaches(values, mid, high):
    slow = ["high" if v >= high else "mid" if v >= mid else "low" for v in values]
    series = pd.Series(values, dtype=float)
    limits = {"mid": mid, "high": high}
    assert list(classes_module.assign_level(series, pd.Series(True, series.index), limits)) == slow


def test_customers_who_never_bought_are_prospects_and_an_empty_value_is_the_lowest():
    values = pd.Series([0, NAN, NAN, 9.0])
    found = classes_module.assign_level(
        values, pd.Series([False, False, True, True]), {"mid": 1, "high": 5}
    )
    assert list(found) == ["prospect", "prospect", "low", "high"]


@pytest.mark.parametrize("values", [[], [3.0], [3.0] * 10], ids=["none", "one", "alike"])
def test_without_differences_all_are_low(values):
    values = pd.Series(values, dtype=float)
    limits = classes_module.thresholds(values, "auto", "auto")
    assert np.isnan(list(limits.values())).all()
    assert set(classes_module.assign_level(values, pd.Series(True, values.index), limits)) <= {
        "low"
    }


@pytest.mark.parametrize("odd", [NAN, INF])
def test_empty_and_infinite_values_give_no_thresholds(odd):
    with pytest.raises(InputError, match="n_orders: 1 of 2 customers"):
        classes_module.thresholds(pd.Series([1.0, odd], name="n_orders"), "auto", "auto")


# Life cycle


def people(**rows):
    columns = "n_orders net_sales days_since_last T gap_median_days gap_last_days x"
    return pd.DataFrame(rows.values(), index=list(rows), columns=columns.split(), dtype=float)


def test_life_cycle_of_one_customer_per_class():
    table = people(
        prospect=(0, 0, None, None, None, None, None),
        returns_only=(0, -5, None, None, None, None, None),
        new=(1, 5, 30, 30 / 7, None, None, 0),
        lost=(5, 5, 130, 100, 30, 30, 4),
        declining=(5, 5, 70, 100, 30, 30, 4),
        returned=(5, 5, 10, 100, 30, 200, 4),
        growing=(5, 5, 10, 40, 30, 30, 4),
        mature=(5, 5, 10, 100, 30, 30, 4),
    )
    found = classes_module.life_cycle(table, company_gap=60)
    assert found.to_dict() == {name: name for name in table.index}
    assert set(found) == set(classes_module.ORDERS["life_cycle"])


def test_activity_is_measured_in_usual_gaps():
    row = (5, 5, 100, 30, 30, 4)
    table = people(
        **{str(days): (*row[:2], days, *row[2:]) for days in (60, 61, 120, 121)},
        never=(0, 0, None, None, None, None, None),
        first=(1, 5, 90, 13, None, None, 0),
    )
    found = classes_module.activity(table, company_gap=40)
    expected = {"60": "active", "61": "overdue", "120": "overdue", "121": "lapsed"}
    assert found.to_dict() == expected | {"never": None, "first": "overdue"}
    unknown = classes_module.activity(table, company_gap=NAN)
    assert unknown.to_dict() == expected | {"never": None, "first": None}


def once(silence):
    return people(a=(1, 5, silence, silence / 7, None, None, 0))


def test_one_time_buyers_have_the_companys_usual_gap():
    assert classes_module.life_cycle(once(200), company_gap=40).item() == "lost"
    assert classes_module.life_cycle(once(200), company_gap=80).item() == "declining"


def test_one_time_buyers_are_neither_growing_nor_mature():
    assert classes_module.life_cycle(once(200), company_gap=150).item() == "new"
    assert classes_module.life_cycle(once(800), company_gap=450).item() == "new"


def test_recent_first_purchases_make_new_customers_however_often_they_bought():
    table = people(a=(5, 5, 60, 12, 5, 5, 4))
    assert classes_module.life_cycle(table, company_gap=5).item() == "new"
    assert (
        classes_module.life_cycle(table, 5, classes_module.LifeCycle(new_days=80)).item()
        == "declining"
    )


def test_each_customer_has_their_own_usual_gap():
    """The same silence of 100 days: lost for a weekly buyer, nothing for a yearly one."""
    row = (9, 5, 100, 300)
    table = people(weekly=(*row, 7, 7, 8), bimonthly=(*row, 40, 40, 8), yearly=(*row, 360, 360, 8))
    found = classes_module.life_cycle(table, company_gap=7)
    assert found.to_dict() == {"weekly": "lost", "bimonthly": "declining", "yearly": "mature"}


def test_a_few_purchases_in_a_week_make_no_rhythm_that_loses_the_customer():
    daily = people(soon=(5, 5, 40, 100, 1, 1, 4), later=(5, 5, 91, 100, 1, 1, 4))
    found = classes_module.life_cycle(daily, company_gap=60)
    assert found.to_dict() == {"soon": "mature", "later": "lost"}
    back = people(back=(5, 5, 3, 100, 1, 9, 4))  # nine days are no loss to come back from
    assert classes_module.life_cycle(back, company_gap=60).item() == "mature"


def test_a_single_gap_is_no_rhythm_shorter_than_the_companys():
    """Two purchases in two days: not lost before who bought once; a yearly gap is believed."""
    table = people(twice=(2, 5, 200, 60, 1, 1, 1), yearly=(2, 5, 200, 90, 360, 360, 1))
    found = classes_module.life_cycle(table, company_gap=120)
    assert found["twice"] == "mature"
    assert classes_module.life_cycle(table, company_gap=20).to_dict() == {
        "twice": "lost",
        "yearly": "returned",  # the gap of 360 days, by the company's 20
    }


@pytest.mark.parametrize(("gaps", "code"), [((10, 200), "returned"), ((150, 200), "mature")])
def test_returned_customers_are_classed_by_the_gaps_before_the_last(gaps, code):
    table = people(a=(3, 5, 10, 100, sum(gaps) / 2, gaps[-1], 2))
    assert classes_module.life_cycle(table, company_gap=10).item() == code


def test_without_any_gap_inactivity_is_not_classed_but_noted():
    table = once(2000)
    gap = classes_module.usual_gap(table)
    assert classes_module.life_cycle(table, gap).item() == "new"
    assert classes_module.gap_notes(gap) == [Note("segments", "no_usual_gap")]
    assert classes_module.gap_notes(30) == []


@pytest.mark.parametrize("language", languages())
def test_the_note_can_be_read(language):
    assert words(language)("notes.no_usual_gap")


lives = st.builds(
    lambda n, gap, last, silence, more: (
        (n, 5, silence, (silence + more) / 7, gap, last, n - 1)
        if n > 1
        else (1, 5, silence, silence / 7, NAN, NAN, 0)
    ),
    st.integers(1, 6),
    st.integers(1, 300),
    st.integers(1, 900),
    st.integers(0, 1500),
    st.integers(0, 1500),
)
RANK = {"lost": 0, "declining": 1}  # every other class is no worse by silence


@settings(max_examples=80, deadline=None)
@given(st.lists(lives, min_size=1, max_size=20), st.integers(1, 300), st.integers(1, 400))
def test_longer_inactivity_never_improves_the_class(rows, company_gap, longer):
    table = people(**{f"c{i}": row for i, row in enumerate(rows)})
    later = table.assign(
        days_since_last=table["days_since_last"] + longer, T=table["T"] + longer / 7
    )
    before, after = (
        classes_module.life_cycle(each, company_gap).map(lambda code: RANK.get(code, 2))
        for each in (table, later)
    )
    assert (after <= before).all()
    moved = table.iloc[::-1].set_axis([f"z{i}" for i in range(len(table))])
    assert list(classes_module.life_cycle(moved, company_gap))[::-1] == list(
        classes_module.life_cycle(table, company_gap)
    )


def test_life_cycle_without_customers():
    assert classes_module.life_cycle(people().astype(float), company_gap=NAN).empty


@pytest.mark.parametrize("odd", [NAN, INF])
def test_a_buyer_without_a_last_purchase_is_an_error(odd):
    table = people(a=(1, 5, odd, 5, None, None, 0), b=(1, 5, 9, 5, None, None, 0))
    with pytest.raises(InputError, match="days_since_last: 1 of 2 customers"):
        classes_module.life_cycle(table, company_gap=30)


# Together


def test_everyone_carries_a_class_or_their_type():
    index = pd.Index(["a", "b", "c", "d", "e"], name="customer_id")
    all_of = pd.DataFrame(
        {
            "customer_type": ["retail", "dealer", "retail", "project", "project"],
            "n_orders": [1, 2, 0, 0, 0],
            "net_sales": [10, 20, 0, 0, -5],  # e only returned
        },
        index=index,
    )
    scored = pd.DataFrame({"r": [5], "f": [1], "m": [2]}, index=["a"])
    loyalty = pd.Series(["prospect", "loyal"], index=["c", "a"])
    found = classes_module.segment_table(all_of, scored, loyalty=loyalty, amount=loyalty)
    assert list(found) == ["customer_type", "r", "f", "m", "loyalty", "amount"]
    assert list(found["loyalty"]) == ["loyal", "dealer", "prospect", "prospect", "project"]
    assert found["r"].isna().tolist() == [False, True, True, True, True]


levels = st.sampled_from(["high", "mid", "low", "prospect", "dealer"])
stages = st.sampled_from(["mature", "lost", "new", "prospect", "dealer"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(levels, stages, st.integers(-5, 9)), min_size=1, max_size=30))
def test_a_cross_table_counts_every_customer_and_every_amount_once(drawn):
    rows, columns, net_sales = (pd.Series(each) for each in zip(*drawn, strict=True))
    columns = columns.iloc[::-1]  # who is who is said by the index
    counted, summed = (
        classes_module.crosstab(rows, columns),
        classes_module.crosstab(rows, columns, net_sales),
    )
    for row in counted.index:
        for column in counted.columns:
            amounts = [a for r, c, a in drawn if (r, c) == (row, column)]
            assert counted.loc[row, column] == len(amounts)
            assert summed.loc[row, column] == sum(amounts)
    assert set(counted.index) == set(rows) and set(counted.columns) == set(columns)


def test_levels_are_ordered_from_the_best_to_the_worst_in_every_scheme():
    for scheme, order in classes_module.ORDERS.items():
        for name in (scheme, None):
            assert classes_module.best_first(reversed(order), name) == list(order)
    assert classes_module.best_first(["dealer", "low", "prospect", "high"]) == [
        "high",
        "low",
        "prospect",
        "dealer",
    ]
    assert classes_module.best_first(["lost", "new", "x"], "other") == ["new", "lost", "x"]
    assert classes_module.best_first(["b", "a"]) == ["a", "b"]


def test_a_cross_table_has_the_best_at_the_top_left():
    rows = pd.Series(["low", "high", "prospect"], name="amount")
    columns = pd.Series(["not_loyal", "loyal", "prospect"], name="loyalty")
    table = classes_module.crosstab(rows, columns)
    assert list(table.index) == ["high", "low", "prospect"]
    assert list(table.columns) == ["loyal", "not_loyal", "prospect"]
    assert (table.index.name, table.columns.name) == ("amount", "loyalty")
    assert classes_module.crosstab(rows[:0], columns[:0]).empty


PAIRS = [
    (("amount", "high"), ("loyalty", "not_loyal")),
    (("amount", "high"), ("life_cycle", "lost")),
]


def test_disagreements_are_listed_by_net_sales():
    classes = pd.DataFrame(
        {
            "amount": ["high", "high", "high", "low", "high"],
            "loyalty": ["not_loyal", "loyal", "not_loyal", "not_loyal", "loyal"],
            "life_cycle": ["lost", "mature", "new", "lost", "lost"],
        },
        index=pd.Index(list("abcde"), name="customer_id"),
    )
    net_sales = pd.Series([1.0, 2, 3, 4, 5], classes.index, name="net_sales")
    found = classes_module.disagreements(classes, PAIRS, net_sales)
    assert found.to_dict("split")["data"] == [
        ["e", "amount", "high", "life_cycle", "lost", 5],
        ["c", "amount", "high", "loyalty", "not_loyal", 3],
        ["a", "amount", "high", "life_cycle", "lost", 1],
        ["a", "amount", "high", "loyalty", "not_loyal", 1],
    ]
    columns = ["customer_id", "good", "good_level", "bad", "bad_level", "net_sales"]
    assert list(found) == columns
    other = classes_module.disagreements(classes.iloc[::-1], PAIRS[::-1], net_sales)
    pd.testing.assert_frame_equal(other, found)


def test_without_disagreements_the_list_is_empty_with_its_columns():
    classes = pd.DataFrame({"amount": ["low"], "loyalty": ["loyal"], "life_cycle": ["new"]})
    net_sales = pd.Series([1.0])
    for pairs in (PAIRS, []):
        found = classes_module.disagreements(classes, pairs, net_sales)
        assert found.empty and list(found)[-1] == "net_sales"


def test_a_scheme_that_is_not_there_is_an_error():
    with pytest.raises(InputError, match="no scheme grade; there are amount"):
        classes_module.disagreements(
            pd.DataFrame({"amount": ["high"]}),
            [(("grade", "A"), ("amount", "low"))],
            pd.Series([1.0]),
        )

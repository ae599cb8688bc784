"""Features of a landmark: by hand, by another computation, and whatever the rows' order and ids."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis import customers
from cvm_analysis.churn import features

L = dt.date(2025, 6, 30)
DAY = pd.Timestamp(L)


def log(n=500, seed=5):
    rng = np.random.default_rng(seed)
    day = pd.Timestamp("2023-06-30") + pd.to_timedelta(rng.integers(0, 731, n), unit="D")
    amount = np.round(rng.gamma(2, 50, n), 2)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:02d}" for i in rng.integers(0, 80, n)],
            "ordered_at": day,
            "amount": amount * np.where(rng.random(n) < 0.15, -1, 1),
            "discount": np.round(amount * rng.choice([0, 0, 0.1, 0.5], n), 2),
            "region": "east",
            "category": rng.choice(["a", "b", "c"], n),
            "channel": rng.choice(["store", "web", "phone"], n, p=[0.5, 0.4, 0.1]),
        }
    )


def known(rows):
    table = ibis.memtable(rows).cast({"amount": "decimal(18, 4)", "discount": "decimal(18, 4)"})
    return customers.as_of(table, L).to_pandas().set_index("customer_id")


@pytest.fixture(scope="module")
def rows():
    return log()


@pytest.fixture(scope="module")
def people(rows):
    return known(rows)


def one(**values):
    plain = {
        "customer_type": "retail", "n_orders": 3, "n_purchase_days": 3, "x": 2, "T": 50.0,
        "days_since_last": 40, "gap_median_days": 20.0, "net_sales_per_order": 100.0,
        "return_share": 0.0,
    }  # fmt: skip
    return plain | values


def test_features_by_hand():
    """Median gaps 20 and 30: the typical gap is 25 days."""
    table = pd.DataFrame(
        [
            one(),
            one(x=1, n_purchase_days=2, n_orders=2, gap_median_days=30.0, days_since_last=0, T=4.0),
            one(
                x=0, n_purchase_days=1, n_orders=1, gap_median_days=np.nan, days_since_last=75,
                T=0.0, net_sales_per_order=-5.0, return_share=1.3,
            ),
            one(n_orders=0, n_purchase_days=0, x=np.nan, T=np.nan),
        ],
        index=["steady", "new", "once", "prospect"],
    )  # fmt: skip
    found, plain = features.build(table), features.readable(table)
    assert found.index.tolist() == plain.index.tolist() == ["steady", "new", "once"]
    usual = (2 * 20 + 2 * 25) / 4
    assert found["silence_gaps"].tolist() == pytest.approx([np.log2(1 + 40 / usual), 0, 2])
    assert plain["silence_gaps"].tolist() == pytest.approx([40 / usual, 0, 3])
    per_year = 365.25 * np.array([3 / (350 + 25), 2 / (28 + 25), 1 / 25])
    assert found["rate"].tolist() == pytest.approx(np.log2(per_year))
    assert plain["rate"].tolist() == pytest.approx(per_year)
    assert found["tenure_weeks"].tolist() == pytest.approx([np.log2(51), np.log2(5), 0])
    assert plain["tenure_weeks"].tolist() == [50, 4, 0]
    assert found["net_sales_per_order"].tolist() == pytest.approx([np.log2(101), np.log2(101), 0])
    assert plain["net_sales_per_order"].tolist() == [100, 100, -5]
    assert found["only_once"].tolist() == plain["only_once"].tolist() == [0, 0, 1]
    assert found["return_share"].tolist() == [0, 0, 10]
    assert plain["return_share"].tolist() == [0, 0, 1.3]


def test_optional_columns_are_used_where_present():
    table = pd.DataFrame([one(), one(), one()], index=list("abc"))
    assert list(features.build(table)) == [
        "silence_gaps", "rate", "tenure_weeks", "net_sales_per_order", "only_once", "return_share"
    ]  # fmt: skip
    table = table.assign(
        complaints_open=[2, np.nan, 0],
        complaint_days=[31, np.nan, np.nan],
        nps=[9, 4, np.nan],
        satisfaction=np.nan,
        late_share=[0.25, np.nan, 0.75],
        discount_share=[0.0, 0.5, 1.0],
        n_channels=[1, 2, 3],
        city="x",
        channel="y",
    )
    found, plain = features.build(table), features.readable(table)
    assert set(found) == set(plain) <= set(features.STEPS)
    assert found["complaints_open"].tolist() == [2, 0, 0]
    assert found["complaint_days"].tolist() == [5, 0, 0]
    assert plain["complaint_days"].tolist() == [31, 0, 0]
    assert found["nps"].tolist() == [9, 4, 6.5]
    assert plain["nps"].tolist()[:2] == [9, 4] and np.isnan(plain["nps"]["c"])
    assert found["late_share"].tolist() == [2.5, 5, 7.5]
    assert found["discount_share"].tolist() == [0, 5, 10]
    assert found["n_channels"].tolist() == plain["n_channels"].tolist() == [1, 2, 3]
    assert found["satisfaction"].tolist() == [0, 0, 0]  # nobody was asked: constant, never fitted


def test_before_anybody_bought_there_is_no_row(people):
    nobody = people[people["n_orders"] == 0]
    assert len(features.build(nobody)) == len(features.build(people.head(0))) == 0
    assert set(features.build(nobody)) <= set(features.build(people))


def test_where_nobody_bought_twice_a_gap_is_a_year():
    table = pd.DataFrame(
        [one(x=0, n_purchase_days=1, gap_median_days=np.nan, days_since_last=365.25)]
    )
    assert features.build(table)["silence_gaps"].tolist() == [1]


def test_trends_compare_what_came_lately_with_the_customers_own_pace(rows, people):
    """Counted again from the order lines, without the customer table."""
    plain = features.readable(people)
    bought = rows[rows["amount"] > 0]
    typical = people["net_sales_per_order"].where(people["net_sales_per_order"] > 0).median()
    moved = 0
    for customer, lines in rows.groupby("customer_id"):
        if customer not in plain.index:
            continue
        days = bought.loc[bought["customer_id"] == customer, "ordered_at"].drop_duplicates()
        first = days.min()
        seen = (DAY - first).days
        later = days[days > first]
        recent = (later > DAY - pd.Timedelta(days=182)).sum()
        pace = (1 + recent) / (1 + len(later) * 182 / seen) if seen >= 182 else 1
        assert plain.loc[customer, "rate_trend"] == pytest.approx(pace)
        on_first = lines.loc[(lines["ordered_at"] == first) & (lines["amount"] > 0), "amount"].sum()
        after = lines["amount"].sum() - on_first
        year = lines.loc[lines["ordered_at"] > DAY - pd.Timedelta(days=365), "amount"].sum()
        order = lines["amount"].sum() / len(days)
        lent = order if order > 0 else typical
        spend = (max(year, 0) + lent) / (max(after * 365 / seen, 0) + lent) if seen >= 365 else 1
        assert plain.loc[customer, "spend_trend"] == pytest.approx(spend)
        moved += pace != 1 and spend != 1
    assert moved > 50


def test_who_keeps_their_pace_has_no_trend_and_newcomers_have_none():
    steady = [DAY - pd.Timedelta(days=91 * k + 1) for k in range(8, -1, -1)]
    lines = [("steady", day, 10.0) for day in steady]
    lines += [("faded", day, 10.0) for day in steady[:5]]
    lines += [("grown", day, 10.0) for day in [steady[0], *steady[-5:]]]
    lines += [("new", day, 10.0) for day in steady[-2:]]
    lines += [("refunded", day, 10.0) for day in steady[:5]] + [("refunded", DAY, -500.0)]
    table = pd.DataFrame(lines, columns=["customer_id", "ordered_at", "amount"])
    found = features.build(known(table.assign(region="east", discount=0.0)))
    assert found.loc["steady", ["rate_trend", "spend_trend"]].abs().max() < 0.01
    assert found.loc["new", ["rate_trend", "spend_trend"]].tolist() == [0, 0]
    assert (found.loc["grown", ["rate_trend", "spend_trend"]] > 0.3).all()
    assert (found.loc["faded", ["rate_trend", "spend_trend"]] < -0.5).all()
    assert np.isfinite(found.loc["refunded"]).all()


def test_a_trend_of_few_purchases_is_nearer_to_none():
    def faded(n):
        days = {"T": 104.0, "gross_sales": 100.0 * (n + 1), "net_sales": 100.0 * (n + 1)}
        spend = {"net_sales_365d": 0.0, "spend_per_repeat_day": 100.0}
        return one(
            x=n, n_purchase_days=n + 1, n_orders=n + 1, n_purchase_days_182d=0, **days, **spend
        )

    found = features.build(pd.DataFrame([faded(n) for n in (1, 2, 5, 20)]))
    for trend in ("rate_trend", "spend_trend"):
        assert (found[trend] < 0).all() and found[trend].is_monotonic_decreasing


def test_channels_are_held_against_the_most_common_one(rows, people):
    found = features.build(people)
    bought = rows[(rows["amount"] > 0) & (rows["ordered_at"] <= DAY)]
    day = bought.groupby("customer_id")["ordered_at"].transform("min") == bought["ordered_at"]
    first = bought[day].sort_values("channel").groupby("customer_id")["channel"].first()
    sizes = first.value_counts()
    columns = [f"channel={code}" for code in sizes.index[1:]]
    assert [name for name in found if name.startswith("channel")] == columns
    for code in sizes.index[1:]:
        assert (found[f"channel={code}"] == (first == code).reindex(found.index)).all()


def test_later_customers_have_the_columns_a_model_learned_from(people):
    """Among them another channel may be the most common one, or be missing."""
    learned = features.build(people)
    others = people.assign(first_channel=np.where(people["x"] > 3, "web", "fax"))
    found = features.build(others, names=learned)
    assert list(found) == list(learned)
    assert (found["channel=web"] == (others["first_channel"] == "web")).all()
    assert (found["channel=phone"] == 0).all()
    assert [c for c in features.build(others) if c.startswith("channel")] != list(found)[-2:]


def test_channels_that_few_came_through_have_no_column():
    n = 1_000
    used = ["a"] * 300 + ["b"] * 200 + ["c"] * 150 + ["d"] * 120 + ["e"] * 100 + ["f"] * 60
    used += ["g"] * 56 + ["h"] * 9 + [None] * 5
    table = pd.DataFrame([one()] * n).assign(first_channel=used)
    found = [c for c in features.build(table) if c.startswith("channel")]
    assert found == [f"channel={code}" for code in "bcdef"]
    some = table[table["first_channel"].isin(["a", "g", "h"]) | table["first_channel"].isna()]
    assert [c for c in features.build(some) if c.startswith("channel")] == [
        "channel=g",
        "channel=h",
    ]
    assert features.build(some.assign(first_channel=None)).filter(like="channel").empty
    for rare in (9, 10):
        found = features.build(table.assign(first_channel=["a"] * (n - rare) + ["h"] * rare))
        assert ("channel=h" in found) == (rare == 10)


def test_types_are_compared_with_the_most_common_one_and_have_their_own_gap():
    """Two dealers with gaps of 80 and 100: one who bought once waits as long as a dealer does."""
    table = pd.DataFrame(
        [one(), one(), one(), one(gap_median_days=80.0), one(gap_median_days=100.0),
         one(x=0, n_purchase_days=1, gap_median_days=np.nan, days_since_last=90)],
    ).assign(customer_type=["retail"] * 3 + ["dealer"] * 3)  # fmt: skip
    table = pd.concat([table, pd.DataFrame([one()])], ignore_index=True)
    found = features.build(table)
    assert [name for name in found if "type" in name] == ["customer_type=dealer"]
    assert found["customer_type=dealer"].tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert features.readable(table)["silence_gaps"][5] == 1


def test_grades_are_ranks_and_who_has_none_is_in_the_middle(people):
    buyers = people.index[people["n_orders"] > 0]
    rank = pd.Series([0.0, 2.0, 2.0, np.nan], buyers[:4]).sample(frac=1, random_state=2)
    found, plain = features.build(people, grade=rank), features.readable(people, grade=rank)
    assert found.loc[buyers[:4], "grade"].tolist() == [0, 2, 2, 2]
    assert (found["grade"].iloc[4:] == 2).all() and plain["grade"].iloc[3:].isna().all()
    assert "grade" not in features.build(people)


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.booleans())
def test_order_and_names_of_customers_change_nothing(people, random, reverse):
    ids = [f"n{i:03d}" for i in range(len(people))]
    random.shuffle(ids)
    named = people.set_axis(pd.Index(ids, name="customer_id"))
    expected = features.build(people).set_axis(
        pd.Index([ids[people.index.get_loc(c)] for c in features.build(people).index])
    )
    found = features.build(named.sort_index(ascending=reverse))
    pd.testing.assert_frame_equal(found.loc[expected.index], expected, check_names=False)


def test_a_mean_order_of_next_to_nothing_is_no_usual_order(people):
    """Orders and returns that cancel leave rounding: no measure for what came lately."""
    buyers = people.index[people["n_orders"] > 0]
    for rest in (0.0, -3.0, 1e-17, 5e-308):
        some = people.assign(
            net_sales_per_order=people["net_sales_per_order"].mask(people.index == buyers[0], rest)
        )
        found = features.build(some)["spend_trend"]
        assert np.isfinite(found).all()
        zeros = people.assign(
            net_sales_per_order=people["net_sales_per_order"].mask(people.index == buyers[0], 0.0)
        )
        pd.testing.assert_series_equal(found, features.build(zeros)["spend_trend"])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_known_features_are_finite(data):
    money = st.floats(-1e6, 1e6)
    maybe = st.one_of(st.none(), st.floats(0, 1))
    row = st.fixed_dictionaries(
        {
            "n_orders": st.integers(0, 5), "x": st.integers(0, 50), "T": st.floats(0, 600),
            "days_since_last": st.integers(0, 4_000), "n_purchase_days_182d": st.integers(0, 60),
            "gap_median_days": st.one_of(st.none(), st.floats(1, 900)), "net_sales_per_order":
            money,
            "net_sales": money, "gross_sales": st.floats(0.01, 1e6), "net_sales_365d": money,
            "spend_per_repeat_day": st.one_of(st.none(), st.floats(0.01, 1e5)),
            "return_share": st.one_of(st.none(), st.floats(0, 9)), "discount_share": maybe,
            "late_share": maybe, "nps": st.one_of(st.none(), st.integers(0, 10)),
            "first_channel": st.sampled_from(["web", "store", None]),
        }
    )  # fmt: skip
    table = pd.DataFrame(data.draw(st.lists(row, min_size=1, max_size=8)))
    table["n_purchase_days"] = table["x"] + 1
    table["customer_type"] = np.where(table["x"] % 2, "retail", "dealer")
    found = features.build(table)
    assert len(found) == (table["n_orders"] > 0).sum()
    assert np.isfinite(found.to_numpy()).all()

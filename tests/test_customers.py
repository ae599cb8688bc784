"""Order lines by hand -> what is known of each customer on a day, and nothing that came later."""

import datetime as dt
import statistics

import ibis
import pandas as pd
import pytest

from cvm_analysis import customers, tables

DAY = dt.date(2024, 2, 20)
LINES = [  # customer_id, ordered_at, amount, order_id
    ("often", "2024-01-01 09:00", 10, "A1"),
    ("often", "2024-01-01 09:00", 5, "A1"),
    ("often", "2024-01-01 17:30", 20, "A2"),  # a second order on the same day
    ("often", "2024-01-11", 30, "A3"),
    ("often", "2024-02-10", 8, "A4"),
    ("often", "2024-01-20", -4, "A5"),  # a return
    ("often", "2024-01-30", 0, "A6"),  # a gift
    ("often", "2024-02-14", 6, "A7"),
    ("twice", "2024-02-01", 7, "B1"),
    ("twice", "2024-02-08", 9, "B2"),
    ("once", "2024-02-20 23:59:59", 12.5, "C1"),  # on the last day, to its last second
    ("back", "2024-02-10", -3, "D1"),
    ("gift", "2024-02-10", 0, "E1"),
    ("late", "2024-02-21 00:00", 99, "F1"),  # a second too late
]
LATER = [
    ("often", "2024-02-21", 1000, "A8"),
    ("often", "2024-03-01", -500, "A9"),
    ("twice", "2024-02-22", 5, "B3"),
    ("back", "2024-02-25", 5, "D2"),
    ("new", "2024-05-05", 5, "G1"),
]
PEOPLE = [  # customer_id, region, joined_on, city
    ("often", "east", "2023-12-01", "Rom"),
    ("twice", "east", "2024-06-01", "Bonn"),  # the record says later than the first purchase
    ("member", "west", "2024-02-20", "Oslo"),
    ("undated", "west", None, "Lyon"),
    ("future", "west", "2024-02-21", "Graz"),
]
SCHEMA = {
    "customer_id": "string",
    "region": "string",
    "ordered_at": "timestamp",
    "amount": "decimal(18, 4)",
    "order_id": "string",
}


def transactions(lines, **more):
    table = pd.DataFrame(lines, columns=["customer_id", "ordered_at", "amount", "order_id"])
    table["ordered_at"] = pd.to_datetime(table["ordered_at"], format="mixed")
    typed = {name: kind for name, (kind, _) in more.items()}
    cells = {name: values for name, (_, values) in more.items()}
    table = table.assign(region="east", **cells)
    schema = ibis.schema(SCHEMA | typed)
    return ibis.memtable(table[list(schema)]).cast(dict(schema.items()))


def records(people=PEOPLE):
    table = pd.DataFrame(people, columns=["customer_id", "region", "joined_on", "city"])
    table["joined_on"] = pd.to_datetime(table["joined_on"])
    return ibis.memtable(table).cast({"joined_on": "date"})


def test_net_sales_by_a_day():
    found = customers.net_sales(transactions([*LINES, *LATER]), DAY).to_pandas()
    assert dict(found.itertuples(index=False)) == {
        "back": -3, "gift": 0, "often": 75, "once": 12.5, "twice": 16
    }  # fmt: skip


def known(rows, day=DAY, people=None):
    return customers.as_of(rows, day, people).to_pandas().set_index("customer_id")


@pytest.fixture(scope="module")
def people():
    return known(transactions(LINES), DAY, records())


def test_one_row_each_who_bought_returned_or_joined_by_that_day(people):
    assert list(people.index) == sorted(
        ["often", "twice", "once", "back", "gift", "member", "undated"]
    )
    tables.check("customers", people.reset_index())


def test_purchases_are_orders_and_days_with_a_positive_line(people):
    assert people.loc["often", ["n_orders", "n_purchase_days", "x"]].tolist() == [5, 4, 3]
    assert people.loc["once", ["n_orders", "n_purchase_days", "x"]].tolist() == [1, 1, 0]
    assert people.loc[["back", "gift", "member", "undated"], "n_orders"].tolist() == [0, 0, 0, 0]
    assert people.loc[["back", "gift", "member", "undated"], "n_purchase_days"].tolist() == [
        0,
        0,
        0,
        0,
    ]


def test_times_are_weeks_of_seven_days_and_end_on_that_day(people):
    often = people.loc["often"]
    assert (often["first_order"], often["last_order"]) == (
        pd.Timestamp("2024-01-01"),
        pd.Timestamp("2024-02-14"),
    )
    assert often["days_since_last"] == 6
    assert often["t_x"] == pytest.approx(44 / 7) and often["T"] == pytest.approx(50 / 7)
    once = people.loc["once"]
    assert (once["days_since_last"], once["t_x"], once["T"]) == (0, 0, 0)


def test_money_is_net_of_returns_and_per_repeat_day_gross(people):
    often = people.loc["often"]
    assert (often["gross_sales"], often["net_sales"]) == (79, 75)
    assert often["net_sales_per_order"] == pytest.approx(75 / 5)
    assert often["spend_per_repeat_day"] == pytest.approx((30 + 8 + 6) / 3)
    assert often["return_share"] == pytest.approx(4 / 79)
    assert people.loc["twice", "spend_per_repeat_day"] == 9
    assert pd.isna(people.loc["once", "spend_per_repeat_day"])


def test_gaps_are_those_between_purchase_days(people):
    gaps = [10, 30, 4]
    often = people.loc["often"]
    assert (often["gap_median_days"], often["gap_last_days"]) == (10, 4)
    assert often["gap_cv"] == pytest.approx(statistics.stdev(gaps) / statistics.mean(gaps))
    twice = people.loc["twice"]
    assert (twice["gap_median_days"], twice["gap_last_days"]) == (7, 7)
    assert pd.isna(twice["gap_cv"])  # one gap has no spread
    assert people.loc["once", ["gap_median_days", "gap_last_days", "gap_cv"]].isna().all()


def test_equal_gaps_have_no_spread():
    lines = [("a", f"2024-01-{day:02}", 1, str(day)) for day in (1, 8, 15, 22)]
    assert known(transactions(lines)).loc["a", "gap_cv"] == 0


def test_who_only_returned_has_no_purchase_and_a_negative_spend(people):
    back = people.loc["back"]
    assert (back["gross_sales"], back["net_sales"]) == (0, -3)
    assert back[["x", "t_x", "T", "first_order", "last_order", "days_since_last"]].isna().all()
    assert back[["net_sales_per_order", "spend_per_repeat_day", "return_share"]].isna().all()


def test_who_only_joined_has_no_purchase_and_no_spend(people):
    member = people.loc["member"]
    assert (member["region"], member["city"], member["net_sales"]) == ("west", "Oslo", 0)
    assert (
        member[["x", "t_x", "T", "first_order", "days_since_last", "net_sales_per_order"]]
        .isna()
        .all()
    )
    assert people.loc["undated", "city"] == "Lyon"


def test_who_bought_is_known_whatever_the_record_says_of_joining(people):
    assert people.loc["twice", "city"] == "Bonn" and people.loc["twice", "n_orders"] == 2


def test_the_last_day_counts_to_its_last_second(people):
    assert "once" in people.index and "late" not in people.index
    next_day = known(transactions(LINES), dt.date(2024, 2, 21))
    assert "late" in next_day.index and next_day.loc["once", "T"] == pytest.approx(1 / 7)
    assert "future" in known(transactions(LINES), dt.date(2024, 2, 21), records()).index


def test_nothing_that_comes_later_changes_what_is_known(people):
    again = known(transactions([*LATER, *LINES[::-1]]), DAY, records())
    pd.testing.assert_frame_equal(again, people)


def test_cents_are_summed_as_decimals():
    lines = [("a", "2024-01-01", 0.1, str(i)) for i in range(10)]
    assert known(transactions(lines)).loc["a", "gross_sales"] == 1.0


def test_without_order_numbers_a_day_is_an_order():
    rows = transactions(LINES).drop("order_id")
    assert known(rows).loc[["often", "once"], "n_orders"].tolist() == [4, 1]


def test_a_line_without_a_number_is_an_order_of_its_day():
    lines = [
        ("a", "2024-01-01", 1, None),
        ("a", "2024-01-01", 1, None),
        ("a", "2024-01-02", 1, "1"),
    ]
    assert known(transactions(lines)).loc["a", "n_orders"] == 2


def test_margin_is_known_where_every_cost_is():
    lines = [
        ("a", "2024-01-01", 10, "1"),
        ("a", "2024-01-02", -4, "2"),
        ("b", "2024-01-01", 9, "3"),
    ]
    lines += [("b", "2024-01-02", 5, "4")]
    rows = transactions(lines, cost=("decimal(18, 4)", [6, -2, 5, None]))
    margin = known(rows)["margin_total"]
    assert margin["a"] == 6 - 4 and pd.isna(margin["b"])


def test_categories_and_channels_are_those_bought():
    lines = [("a", "2024-01-01", amount, "1") for amount in (10, 5, -5, 1)]
    rows = transactions(
        lines,
        category=("string", ["floor", "glue", "tools", None]),
        channel=("string", ["web", "web", "store", "web"]),
    )
    assert known(rows).loc["a", ["n_categories", "n_channels"]].tolist() == [2, 1]


def test_the_channel_of_acquisition_is_that_of_the_first_purchase():
    lines = [
        ("a", "2024-01-03", 5, "2"),
        ("a", "2024-01-02", -5, "1"),  # a return is no purchase
        ("a", "2024-01-05", 5, "3"),
        ("b", "2024-01-01 18:00", 5, "4"),
        ("b", "2024-01-01 09:00", 5, "5"),  # the same day: the first by name
        ("c", "2024-01-01", 5, "6"),
        ("c", "2024-01-02", 5, "7"),
        ("d", "2024-01-02", -5, "8"),
    ]
    used = ["web", "store", "phone", "phone", "web", None, "web", "web"]
    for order in (1, -1):
        channels = ("string", used[::order])
        found = known(transactions(lines[::order], channel=channels), people=records())
        assert found["first_channel"].dropna().to_dict() == {"a": "web", "b": "phone"}
    assert "first_channel" not in known(transactions(lines))


def test_discounts_are_shares_of_the_list_price_of_what_was_bought():
    lines = [("a", "2024-01-01", amount, "1") for amount in (80, 20, -40, 0)]
    lines += [
        ("b", "2024-01-01", 10, "2"),
        ("c", "2024-01-01", -3, "3"),
        ("d", "2024-01-01", 9, "4"),
    ]
    given = [20, None, -10, 50, -2, 1, 0]  # a return gives its discount back; a surcharge is none
    found = known(transactions(lines, discount=("decimal(18, 4)", given)), people=records())
    assert found.loc["a", "discount_share"] == pytest.approx(20 / (100 + 20))
    assert found.loc[["b", "d"], "discount_share"].tolist() == [0, 0]
    assert found.loc[["c", "member"], "discount_share"].isna().all()
    assert "discount_share" not in known(transactions(lines))


def test_before_anybody_bought_there_is_nobody():
    assert known(transactions(LINES), dt.date(2023, 12, 31)).empty


def test_cdnow_is_as_published(cdnow_log, cdnow):
    """2,357 customers, 2,457 repeat purchases, 1,411 without one by 1997-09-30 (oracle: CDNOW).

    A purchase needs a positive amount here; the eight CDs given away are counted as sold for a
    cent, as the published counts have them.
    """
    log = cdnow_log.assign(
        ordered_at=cdnow_log["date"], amount=cdnow_log["dollars"].clip(lower=0.01), region="us"
    )
    columns = ["customer_id", "region", "ordered_at", "amount"]
    rows = ibis.memtable(log[columns]).cast({"amount": "decimal(18, 4)"})
    found = known(rows, dt.date(1997, 9, 30))
    assert len(found) == 2_357
    assert found["x"].sum() == 2_457 and (found["x"] == 0).sum() == 1_411
    for column in ("x", "t_x", "T"):
        assert found[column].to_numpy() == pytest.approx(cdnow.loc[found.index, column].to_numpy())
    spend = cdnow.loc[found.index, "spend_per_repeat_day"]
    assert (found["spend_per_repeat_day"] - spend).abs().max() < 0.011


# Months and cohorts

SALES = [
    ("a", "2024-01-05", 10, "1"),
    ("a", "2024-01-05", 5, "1"),
    ("b", "2024-01-31 23:00", 20, "2"),
    ("b", "2024-03-01", -20, "3"),  # a month with a return only
    ("a", "2024-04-01", 7, "4"),
    ("c", "2024-04-02", 8, "4"),  # another customer's order may have the same number
    ("a", "2024-07-09", 3, "6"),
    ("b", "2024-07-10", 3, "7"),
    ("a", "2024-07-11", 3, "8"),
]


def test_months_count_customers_orders_and_net_revenue():
    months = customers.monthly(transactions(SALES), dt.date(2024, 4, 1)).to_pandas()
    months["month"] = months["month"].astype(str).str[:10]
    assert months.to_numpy().tolist() == [
        ["2024-01-01", 2, 2, 35.0],
        ["2024-03-01", 0, 0, -20.0],
        ["2024-04-01", 1, 1, 7.0],
    ]


@pytest.mark.parametrize("numbered", [True, False])
def test_orders_of_two_customers_are_two(numbered):
    rows = transactions(SALES if numbered else [(*line[:3], None) for line in SALES])
    rows = rows if numbered else rows.drop("order_id")
    months = customers.monthly(rows, dt.date(2024, 12, 31)).to_pandas()
    assert months["orders"].tolist() == [2, 0, 2, 3]
    assert months["customers"].tolist() == [2, 0, 2, 2]


def cohorts(day):
    rows = customers.retention(transactions(SALES), dt.date.fromisoformat(day)).to_pandas()
    return {(row.cohort, row.later): row.customers for row in rows.itertuples()}


def test_cohorts_count_who_bought_again_by_quarters_later():
    assert cohorts("2024-09-30") == {  # the third quarter is complete
        ("2024Q1", 0): 2,
        ("2024Q1", 1): 1,
        ("2024Q1", 2): 2,
        ("2024Q2", 0): 1,
    }


def test_a_quarter_that_is_not_over_is_left_out_but_for_its_own_cohort():
    assert cohorts("2024-09-29") == {("2024Q1", 0): 2, ("2024Q1", 1): 1, ("2024Q2", 0): 1}
    assert cohorts("2024-04-30") == {("2024Q1", 0): 2, ("2024Q2", 0): 1}
    assert cohorts("2024-01-05") == {("2024Q1", 0): 1}


YEARS = [  # as of 2024-12-31 the last 365 days begin on 2024-01-02, the 365 before on 2023-01-02
    ("a", "2023-01-01", 1000, "1"),  # in neither
    ("a", "2023-01-02", 100, "2"),
    ("a", "2024-01-01", 10, "3"),
    ("a", "2024-01-02", 7, "4"),
    ("a", "2024-01-02", 2, "5"),  # a second order of the day
    ("a", "2024-12-31 23:00", -4, "6"),
    ("b", "2023-06-01", 50, "7"),
]


def test_the_last_365_days_and_how_they_differ_from_those_before():
    people = known(transactions(YEARS), dt.date(2024, 12, 31), records())
    columns = ["net_sales_365d", "n_orders_365d", "net_sales_change_365d"]
    assert people.loc["a", columns].tolist() == [7 + 2 - 4, 2, 5 - 110]
    assert people.loc["b", columns].tolist() == [0, 0, -50]
    assert people.loc["member", columns].tolist() == [0, 0, 0]
    assert "margin_365d" not in people


def test_the_largest_days_add_up_the_lines_of_a_day():
    rows = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "b", "c"],
            "ordered_at": pd.to_datetime(
                [
                    "2025-01-02 09:00",
                    "2025-01-02 18:00",
                    *["2025-01-03 09:00"] * 2,
                    "2025-02-01 09:00",
                ]
            ),
            "amount": [40.0, 30.0, 50.0, -500.0, 900.0],
        }
    )
    found = customers.largest_days(ibis.memtable(rows), dt.date(2025, 1, 31), 3).to_pandas()
    assert found["customer_id"].tolist() == ["a", "b"]
    assert found["amount"].tolist() == [70, 50]
    assert found["day"].astype(str).tolist() == ["2025-01-02", "2025-01-03"]


def test_purchase_days_of_the_last_182_days():
    """As of 2024-12-31 they begin on 2024-07-03."""
    lines = [("a", day, 5, day) for day in ("2024-07-02", "2024-07-03", "2024-12-31 23:00")]
    lines += [("a", "2024-07-03 17:00", 5, "x"), ("a", "2024-08-01", -5, "y")]
    lines += [("b", "2024-07-02", 5, "z"), ("c", "2024-12-01", -5, "w")]
    people = known(transactions(lines), dt.date(2024, 12, 31), records())
    assert people["n_purchase_days_182d"].loc[["a", "b", "c", "member"]].tolist() == [2, 0, 0, 0]


def test_margin_of_the_last_365_days_needs_the_costs_of_those_days_only():
    costs = [None, None, None, 3, 1, -2, None]
    people = known(transactions(YEARS, cost=("decimal(18, 4)", costs)), dt.date(2024, 12, 31))
    assert people.loc["a", "margin_365d"] == 5 - 2
    assert pd.isna(people.loc["a", "margin_total"])
    costs[3] = None
    people = known(transactions(YEARS, cost=("decimal(18, 4)", costs)), dt.date(2024, 12, 31))
    assert pd.isna(people.loc["a", "margin_365d"]) and people.loc["b", "margin_365d"] == 0


def test_an_imported_figure_is_the_latest_one_known():
    rows = [
        ("a", "2024-01-01", "size", 5.0),
        ("a", "2024-03-01", "size", 7.0),
        ("a", "2024-03-02", "size", 9.0),
        ("b", "2024-01-01", "growth", 1.0),
        ("b", "2024-02-01", "growth", -0.5),
        ("c", "2024-03-02", "growth", 0.5),
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "at", "name", "value"])
    figures = ibis.memtable(table.assign(at=pd.to_datetime(table["at"]))).cast({"at": "date"})
    found = customers.latest(figures, dt.date(2024, 3, 1)).to_pandas()
    assert found.to_numpy().tolist() == [["a", "size", 7.0], ["b", "growth", -0.5]]
    twice = pd.concat([table, table.assign(value=table["value"] + 2)])
    again = ibis.memtable(twice.assign(at=pd.to_datetime(twice["at"]))).cast({"at": "date"})
    found = customers.latest(again, dt.date(2024, 3, 1)).to_pandas()
    assert found["value"].tolist() == [8.0, 0.5]  # the mean of the last day


def test_a_mix_adds_up_what_was_bought_of_each_kind():
    kinds = ["x", "y", "x", None, "y", "x", "z", "x", "z"]
    rows = transactions(SALES, category=("string", kinds))
    found = customers.mix(rows, "category", dt.date(2024, 4, 2)).to_pandas()
    assert found.to_numpy().tolist() == [
        ["a", "x", 10],
        ["a", "y", 5 + 7],
        ["b", "x", 20],
        ["c", "x", 8],
    ]


def test_repeated_days_are_bought_again_and_nothing_else_changes():
    copies = pd.DataFrame(
        [("a", "2024-01-05", "2024-05-05"), ("a", "2024-01-05", "2024-05-07"),
         ("b", "2024-01-31", "2024-06-01")],
        columns=["customer_id", "copy_of", "day"],
    )  # fmt: skip
    days = ibis.memtable(copies).cast({"copy_of": "date", "day": "date"})
    late = ("date", [None, "2024-01-09", *[None] * 7])
    rows = transactions(SALES, promised_on=late)
    again = customers.with_copied_days(rows, days, dt.date(2024, 4, 1))
    people = known(again, dt.date(2024, 12, 31))
    assert people["gross_sales"].to_dict() == {"a": 22 + 15 + 15, "b": 20 + 20}
    assert people["net_sales"].to_dict() == {"a": 52, "b": 20}  # returns are not repeated
    assert people["n_orders"].to_dict() == {"a": 2 + 2, "b": 2}
    assert people["n_purchase_days"].to_dict() == {"a": 4, "b": 2}
    promised = again.filter(again.promised_on.notnull()).to_pandas()["promised_on"]
    assert sorted(str(day)[:10] for day in promised) == ["2024-01-09", "2024-05-09", "2024-05-11"]
    before = dt.date(2024, 4, 1)
    pd.testing.assert_frame_equal(known(again, before), known(rows, before))


@pytest.mark.parametrize("numbered", [True, False])
def test_what_rfm_looks_at_is_that_of_the_whole_table(numbered):
    rows = transactions(LINES + LATER)
    rows = rows if numbered else rows.drop("order_id")
    columns = ["days_since_last", "n_orders", "net_sales"]
    quick = customers.rfm_measures(rows, DAY).to_pandas().set_index("customer_id").sort_index()
    whole = known(rows).loc[quick.index, columns]
    pd.testing.assert_frame_equal(quick[columns], whole, check_dtype=False)


def test_histories_are_those_of_the_whole_table():
    """Who never bought has none: returns and gifts, and lines of a later day, do not count."""
    rows = transactions(LINES + LATER)
    columns = ["x", "t_x", "T", "spend_per_repeat_day"]
    quick = customers.histories(rows, DAY).to_pandas().set_index("customer_id").sort_index()
    whole = known(rows)
    whole = whole.loc[whole["n_orders"] > 0, columns].sort_index()
    assert list(quick.index) == ["often", "once", "twice"]
    pd.testing.assert_frame_equal(quick[columns], whole, check_dtype=False)


def test_histories_leave_no_customer_out_and_name_none_twice():
    """They are put together from parts of the customers."""
    ids = [f"customer {number}" for number in range(200)]
    rows = transactions([(each, "2024-02-13", 5, each) for each in ids])
    found = customers.histories(rows, DAY).to_pandas()
    assert sorted(found["customer_id"]) == sorted(ids)
    assert (found["T"] == 1).all()


def feedback(rows):
    table = pd.DataFrame(rows, columns=["customer_id", "at", "kind", "score"])
    return ibis.memtable(table.assign(at=pd.to_datetime(table["at"]))).cast({"at": "date"})


ANSWERS = [
    ("often", "2024-01-05", "nps", 2.0),
    ("often", "2024-02-01", "nps", 9.0),
    ("often", "2024-02-01", "nps", 6.0),
    ("often", "2024-02-01", "nps", 10.0),
    ("often", "2024-02-02", "nps", None),  # no score
    ("often", "2024-02-21", "nps", 0.0),  # later
    ("often", "2024-02-01", "csat", 5.0),
    ("often", "2024-02-01", "csat", 2.0),
    ("often", "2024-01-05", "csat", 2.0),
    ("twice", "2024-02-01", "csat", 4.0),
]


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_recommendation_scores_on_the_last_day_the_lowest_counts(order):
    found = customers.as_of(transactions(LINES), DAY, None, feedback(ANSWERS[::order]))
    people = found.to_pandas().set_index("customer_id")
    assert people.loc["often", ["nps", "satisfaction"]].tolist() == [6.0, 3.0]
    assert pd.isna(people.loc["twice", "nps"]) and people.loc["twice", "satisfaction"] == 4.0
    assert pd.isna(people.loc["once", "satisfaction"])


def test_feedback_without_a_column_of_scores_counts_complaints():
    rows = [("often", "2024-02-01", "complaint", None), ("often", "2024-02-02", "nps", None)]
    without = feedback(rows).drop("score")
    people = customers.as_of(transactions(LINES), DAY, None, without).to_pandas()
    often = people.set_index("customer_id").loc["often"]
    assert often["n_complaints"] == 1 and pd.isna(often["nps"])


def test_a_period_ends_on_the_day_and_has_so_many_days():
    """Ten days up to 2024-02-20 begin on 2024-02-11."""
    found = customers.in_period(transactions(LINES), DAY, 10).to_pandas().set_index("customer_id")
    assert found.loc["often"].tolist() == [1, 6.0]
    assert found.loc["once"].tolist() == [1, 12.5]
    assert sorted(found.index) == ["often", "once"]
    year = customers.in_period(transactions(YEARS), dt.date(2024, 12, 31), 365).to_pandas()
    assert year.to_numpy().tolist() == [["a", 2, 5.0]]


def test_attributes_of_the_business_stand_behind_the_columns_of_the_table():
    """Those of records that are not customers yet are left out; a buyer without a record has none.

    The name may be one that is used on the way, such as taken_off.
    """
    rows = [("often", "east", "commercial", "12"), ("future", "west", "home", "9")]
    raw = pd.DataFrame(rows, columns=["customer_id", "region", "scene", "taken_off"])
    records = ibis.memtable(raw.assign(joined_on=[dt.date(2023, 1, 1), dt.date(2024, 2, 21)]))
    lines = transactions(LINES, discount=("decimal(18, 4)", 0))
    found = customers.as_of(lines, DAY, records).to_pandas().set_index("customer_id")
    assert list(found)[-2:] == ["scene", "taken_off"] and "future" not in found.index
    assert found.loc["often", ["scene", "taken_off"]].tolist() == ["commercial", "12"]
    assert found.loc["twice", ["scene", "taken_off"]].isna().all()
    assert list(found.index) == sorted(found.index)
    tables.check("customers", found.reset_index())


def last_year(lines, day, **more):
    table = customers.year_to_last_order(transactions(lines, **more), dt.date.fromisoformat(day))
    return table.to_pandas().set_index("customer_id")


def test_the_last_year_as_a_customer_ends_with_the_last_order_and_has_365_days():
    lines = [
        ("a", "2023-01-01", 100, "1"),  # 365 days before the last order: a year ago
        ("a", "2023-01-02", 10, "2"),
        ("a", "2024-01-01", 5, "3"),
        ("a", "2024-03-01", -2, "4"),  # returned later
        ("a", "2024-06-01", 900, "5"),  # after the day
        ("b", "2023-05-01", -3, "6"),  # never bought
    ]
    found = last_year(lines, "2024-05-01")
    assert found["net_sales"].to_dict() == {"a": 10 + 5 - 2}
    assert last_year(lines, "2024-06-01").loc["a", "net_sales"] == 5 - 2 + 900


def test_the_margin_of_that_year_is_known_where_every_cost_of_it_is():
    lines = [("a", "2022-01-01", 9, "1"), ("a", "2024-01-01", 5, "2"), ("b", "2024-01-01", 7, "3")]
    found = last_year(lines, "2024-05-01", cost=("decimal(18, 4)", [None, 2, None]))
    assert found["margin"]["a"] == 3 and pd.isna(found["margin"]["b"])
    assert "margin" not in last_year(lines, "2024-05-01")

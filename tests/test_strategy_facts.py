"""Facts of five customers by hand: what is joined, and what is derived from dates and points."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.strategy import facts
from cvm_analysis.strategy.service import Life
from cvm_analysis.tables import TABLES

DAY = dt.date(2025, 12, 31)


def table(index, **columns):
    frame = pd.DataFrame(columns, index=pd.Index(list(index), name="customer_id"))
    dates = [
        c for c in frame if c.endswith("_on") or c in ("first_order", "last_order", "birth_date")
    ]
    return frame.assign(**{c: pd.to_datetime(frame[c]) for c in dates})


CUSTOMERS = table(
    "abcde",
    customer_type=["retail", "retail", "retail", "dealer", "dealer"],
    n_orders=[2, 3, 0, 0, 1],
    net_sales=[100.0, 900.0, 0.0, -5.0, 400.0],
    margin_total=[40.0, 260.0, None, None, None],
    first_order=["2025-12-01", "2024-12-31", None, None, "2025-12-31"],
    last_order=["2025-12-11", "2025-12-21", None, None, "2025-12-31"],
    days_since_last=[20.0, 10.0, None, None, 0.0],
    joined_on=["2025-01-01", None, "2025-12-30", "2025-12-31", None],
    birth_date=["1990-12-31", "1980-01-01", "2000-02-29", None, "1970-12-30"],
    house=["villa", "flat", None, None, None],
)
CHURN = table("ab", next_order_on=["2025-12-16", "2026-02-09"], margin_at_stake=[30.0, 40.0],
              churn_risk=[0.4, 0.1], model="cox")  # fmt: skip
VALUE = table("abe", expected_margin=[50.0, 60.0, 70.0], margin_at_stake=[1.0, 2.0, 3.0],
              model="bg_nbd")  # fmt: skip
CONTRACTS = table("bc", due_on=["2026-01-30", None], p_end_90d=[0.2, 0.3])
LATE = table("ad", days_since_late=[4.0, 90.0])
OWED = table("ab", days_to_service=[-3.0, None], days_to_warranty_end=[None, 40.0])
SAID = table("abd", n_complaints=[1, 0, 0], satisfaction_product=[2.0, None, None],
             last_contact=[None, "2025-12-21", None], best_channel=[None, "phone", None],
             nps=[None, 9.0, None]).astype({"last_contact": "datetime64[ns]"})  # fmt: skip
MOVED = pd.DataFrame(
    {
        "before": ["A", "loyal", "B"],
        "after": ["B", "lost", "C"],
        "largest_drop": ["spend", None, None],
    },
    index=pd.MultiIndex.from_tuples(
        [("grade", "a"), ("rfm", "a"), ("grade", "e")], names=["scheme", "customer_id"]
    ),
)
POINTS = pd.DataFrame(
    {"points": [20.0, 60.0, np.nan, 30.0, 30.0]},
    index=pd.MultiIndex.from_tuples(
        [("a", "spend"), ("a", "growth"), ("a", "nps"), ("e", "spend"), ("e", "growth")],
        names=["customer_id", "indicator"],
    ),
)
PRODUCTS = pd.DataFrame(
    [("a", 1, "oil", "floor"), ("a", 2, "soap", "floor"), ("b", 1, "oil", None)],
    columns=["customer_id", "rank", "product", "because_of"],
).set_index(["customer_id", "rank"])
TABLES_OF_RUN = {
    **{"customers": CUSTOMERS, "churn": CHURN, "value": VALUE, "contract_churn": CONTRACTS},
    **{
        "late_deliveries": LATE,
        "service_due": OWED,
        "experience": SAID,
        "downgrades": MOVED,
        "grade_points": POINTS,
        "next_products": PRODUCTS,
    },
}


@pytest.fixture(scope="module")
def joined():
    return facts.join(TABLES_OF_RUN, DAY, 0.5)


def test_everybody_has_one_row_prospects_too(joined):
    assert joined.index.equals(CUSTOMERS.index)
    assert joined.loc["c", "expected_margin"] != joined.loc["c", "expected_margin"]
    assert joined["house"].tolist()[:2] == ["villa", "flat"]


def test_the_margin_at_stake_is_that_of_the_watch_list(joined):
    assert joined["margin_at_stake"].tolist()[:2] == [30, 40] and "model" not in joined


def test_days_from_and_to_dates(joined):
    def column(name):
        return [None if value != value else value for value in joined[name]]

    assert column("days_since_first") == [30, 365, None, None, 0]
    assert column("days_since_joined") == [364, None, 1, 0, None]
    assert column("usual_gap_days") == [5, 50, None, None, None]
    assert column("days_overdue") == [15, -40, None, None, None]
    assert column("days_to_contract_end") == [None, 30, None, None, None]
    assert column("days_to_service") == [-3, None, None, None, None]
    assert column("days_to_warranty_end") == [None, 40, None, None, None]
    assert column("days_since_late") == [4, None, None, 90, None]
    assert column("days_since_contact") == [None, 10, None, None, None]
    assert column("days_to_birthday") == [0, 1, 59, None, 364]  # 28 February 2026 is 59 days away


@pytest.mark.parametrize(
    ("day", "days"),
    [
        *(("2024-02-28", 1), ("2024-02-29", 0), ("2024-03-01", 364)),
        *(("2027-02-28", 0), ("2027-03-01", 365)),  # 2028 has a 29 February
    ],
)
def test_the_birthday_of_29_february(day, days):
    born = table("a", birth_date=["2000-02-29"], customer_type="retail", n_orders=0, net_sales=0.0)
    found = facts.join({"customers": born}, dt.date.fromisoformat(day))
    assert found.loc["a", "days_to_birthday"] == days


def test_the_margin_of_an_order_is_the_own_or_that_of_the_type(joined):
    """Retail: 300 in 5 orders; the dealer's costs are unknown, so half of net sales."""
    assert joined["order_margin"].tolist() == pytest.approx([20, 260 / 3, 60, 200, 200])


def test_a_type_that_never_bought_has_no_margin_of_an_order():
    found = facts.join({"customers": CUSTOMERS.loc[["a", "d"]]}, DAY)
    assert found["order_margin"].tolist() == pytest.approx([20, np.nan], nan_ok=True)


def test_who_fell_a_grade_and_what_cost_them_most(joined):
    assert joined["fell_from"].dropna().to_dict() == {"a": "A", "e": "B"}
    assert joined["largest_drop"].dropna().to_dict() == {"a": "spend"}


def test_the_weakest_indicator_has_the_fewest_points(joined):
    assert joined["weakest_indicator"].dropna().to_dict() == {"a": "spend", "e": "growth"}
    assert joined["weakest_points"].dropna().to_dict() == {"a": 20, "e": 30}


def test_the_next_product_is_the_first_one_that_something_they_have_speaks_for(joined):
    assert joined["next_product"]["a"] == "oil"
    assert joined["next_product"].drop("a").isna().all(), "of b popularity alone says so"


def test_without_a_table_its_columns_are_absent():
    found = facts.join({"customers": CUSTOMERS.drop(columns="birth_date")}, DAY)
    for column in ("days_overdue", "fell_from", "weakest_points", "days_to_birthday", "due_on"):
        assert column not in found


def test_the_columns_named_as_sources_are_enough_for_any_column(joined):
    for column in joined:
        enough = {n: t.filter(facts.sources([column])) for n, t in TABLES_OF_RUN.items()}
        found = facts.join(enough, DAY, 0.5)[column]
        pd.testing.assert_series_equal(found, joined[column])


def test_an_attribute_that_is_called_like_a_column_of_ours_does_not_take_its_place():
    named = CUSTOMERS.assign(churn_risk="low", fell_from="x")
    found = facts.join(TABLES_OF_RUN | {"customers": named}, DAY)
    assert found["churn_risk"].tolist()[:2] == [0.4, 0.1] and found.loc["a", "fell_from"] == "A"


def test_what_customers_say_and_answer_can_be_asked_for(joined):
    assert joined["best_channel"].dropna().to_dict() == {"b": "phone"}
    assert joined["nps"].dropna().to_dict() == {"b": 9}


def test_every_column_of_the_facts_is_known_by_its_kind(joined):
    kinds = facts.kinds(joined.columns, ["house"])
    assert set(joined) <= set(kinds)
    assert kinds["house"] == "as_recorded" and kinds["satisfaction_product"] == "number"
    assert kinds["days_overdue"] == "days" and kinds["lapsed"] == "yes_no"
    assert "colour" not in kinds and "house" not in facts.kinds([])


@pytest.mark.parametrize(
    ("column", "needs"),
    [
        ("net_sales", ()),
        ("best_channel", ("contact_log.channel", "contact_log.result")),
        ("days_since_contact", ("contact_log.at",)),
        ("points_to_next", ()),  # to the next grade
        ("points_expiring", ("points.points",)),
        ("points_to_level", ("points.points",)),
        ("lead_stage", ("leads.stage",)),
        ("brought_value", ("referrals.referred_id",)),
        ("next_product", ("transactions.product",)),
        ("nps", ("feedback.score",)),
        ("satisfaction_price", ("feedback.score", "feedback.dimension")),
        ("indicators.growth", ("indicators.value",)),
        ("days_to_birthday", ("customers_raw.birth_date",)),
        ("city", ("customers_raw.city",)),
        ("p_end_90d", ("contracts.customer_id",)),
        ("days_since_late", ("transactions.promised_on", "transactions.delivered_on")),
        ("days_to_service", ("service.maintenance_every_days",)),
        ("days_to_warranty_end", ("service.warranty_days",)),
    ],
)
def test_a_column_needs_the_records_it_is_made_from(column, needs):
    assert facts.needs(column) == needs
    for each in needs:
        raw, _, name = each.partition(".")
        known = Life.__dataclass_fields__ if raw == "service" else TABLES[raw].columns
        assert name in known

"""What each order had in it: names of products, orders, days, what is left out."""

import datetime as dt

import ibis
import pandas as pd
import pytest
from small_business import small

from cvm_analysis import customers, prepared

DAY = dt.date(2024, 3, 31)
LINES = [  # customer_id, ordered_at, amount, order_id, product_id, product, category, cost
    ("b", "2024-03-01 10:00", 10, "o2", "22", "Oil", "care", 4),
    ("b", "2024-03-01 10:00", 5, "o2", "22", "oil, new label", "care", 2),
    ("b", "2024-03-01 10:00", 20, "o2", "11", "Floor", "floors", None),
    ("b", "2024-02-01 09:00", 10, "o3", "22", "Oil", "care", 4),
    ("b", "2024-03-01 10:00", 5, "o2", "POST", "Postage", "services", 5),
    ("a", "2024-03-31 23:00", 10, "o1", "33", None, None, 1),
    ("a", "2024-03-02 23:00", 10, "o4", None, "Soap", "care", 1),
    ("a", "2024-03-03 09:00", -10, "o5", "22", "Oil", "care", -4),  # a return
    ("a", "2024-04-01 09:00", 10, "o6", "22", "Oil", "care", 4),  # after DAY
    ("a", "2024-03-04 09:00", 10, "o7", None, None, None, 4),  # nobody knows what
]
COLUMNS = ["customer_id", "ordered_at", "amount", "order_id"]
NAMES = ["product_id", "product", "category"]


def bought(*left_out, exclude=()):
    table = pd.DataFrame(LINES, columns=[*COLUMNS, *NAMES, "cost"])
    table = table.assign(ordered_at=pd.to_datetime(table["ordered_at"]))
    rows = ibis.memtable(table.drop(columns=list(left_out)))
    return customers.baskets(rows, DAY, exclude).to_pandas()


def test_one_row_per_order_and_product_in_order_of_time():
    found = bought()
    shown = found[["customer_id", "basket", "product"]].to_records(index=False).tolist()
    assert shown == [
        ("a", 1, "Soap"),  # o4, without a code
        ("a", 0, "33"),  # o1, without a name
        ("b", 1, "Oil"),  # o3
        ("b", 0, "Floor"),  # o2
        ("b", 0, "Oil"),  # two lines of one code, by its usual name
        ("b", 0, "Postage"),
    ]
    assert found["category"].tolist() == ["care", None, "care", "floors", "care", "services"]
    assert found["margin"].fillna(-1).tolist() == [9, 9, 6, -1, 9, 0]


@pytest.mark.parametrize("word", ["POST", "Postage", "services"])
def test_codes_names_and_categories_can_be_excluded(word):
    assert "Postage" not in set(bought(exclude=(word,))["product"])
    assert len(bought(exclude=(word,))) == 5


@pytest.mark.parametrize(
    ("left_out", "products"),
    [
        (["product_id"], {"Soap", "Oil", "oil, new label", "Floor", "Postage"}),
        (["product"], {"33", "22", "11", "POST"}),
        (["product_id", "product"], {"care", "floors", "services"}),
    ],
)
def test_a_product_is_called_by_what_there_is(left_out, products):
    assert set(bought(*left_out)["product"]) == products


def test_without_order_numbers_a_day_is_an_order_and_without_costs_there_is_no_margin():
    found = bought("order_id", "cost")
    assert found["basket"].tolist() == [0, 1, 0, 1, 1, 1]
    assert found["margin"].isna().all()


def test_prepared_tables_give_them_and_none_where_lines_name_nothing(tmp_path):
    found = {}
    for name, more in (("named", ",product"), ("bare", "")):
        (tmp_path / name).mkdir()
        value = more and ",Oil"
        sales = f"customer_id,land,ordered_at,amount{more}\na,Nord,2024-03-01,10{value}\n"
        business = small(tmp_path / name, "{from: land}", {"sales.csv": sales})
        found[name] = prepared.open(business, "all").baskets(DAY)
    assert found["named"]["product"].tolist() == ["Oil"]
    assert found["bare"].empty and set(found["bare"]) == set(found["named"])

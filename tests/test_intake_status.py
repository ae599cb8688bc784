"""Rows that do not count are left out and counted; refunds are purchases and returns."""

import pandas as pd
import pytest
from raw_business import prepared, write

from cvm_analysis import prepared as prepared_tables
from cvm_analysis import validate
from cvm_analysis.errors import ConfigError
from cvm_analysis.intake.prepare import prepare

ORDERS = """order_id,customer_id,date,amount,status
1,a,2024-01-02,100.00,completed
2,a,2024-01-09,100.00,cancelled
3,b,2024-01-10,50.00,refunded
4,c,2024-01-11,70.00,completed
"""
SOURCE = """
files: orders.csv
region: main
columns: {customer_id: customer_id, order_id: order_id, ordered_at: date, amount: amount}
"""
SHOP = """Name,Email,Financial Status,Refunded Amount,Total,Created at,Item,Pieces,Price
#1,Ann@example.com,paid,0.00,33.00,2024-01-02,Oak,2,10.00
#1,Ann@example.com,,,,2024-01-02,Ash,1,10.00
#2,bob@example.com,partially_refunded,11.00,44.00,2024-01-03,Oak,3,10.00
#2,bob@example.com,,,,2024-01-03,Glue,2,5.00
#3,eve@example.com,voided,0.00,11.00,2024-01-04,Oak,1,10.00
#3,eve@example.com,,,,2024-01-04,Ash,1,1.00
"""
SHOP_SOURCE = """
files: shop.csv
region: main
columns: {customer_id: Email, order_id: Name, ordered_at: Created at, product: Item,
          quantity: Pieces, unit_price: Price}
fill_by: Name
where: {Financial Status: {not: [voided]}}
refunds: {amount: Refunded Amount, of: Total}
"""


def amounts(made):
    """Order and amount of each line, sorted."""
    return sorted(made.lines[["order_id", "amount"]].itertuples(index=False, name=None))


def test_cancelled_orders_are_left_out_and_refunds_are_returns(tmp_path):
    filters = (
        "where: {status: {not: [Cancelled, failed, test]}}\nrefunds: {when: {status: refunded}}"
    )
    made = prepared(tmp_path, SOURCE + filters, {"orders.csv": ORDERS})
    assert amounts(made) == [("1", 100), ("3", -50), ("3", 50), ("4", 70)]
    assert made.found == {"filtered": 1, "refunded": 1, "return": 1}
    assert made.quarantine.empty  # nothing is wrong with them
    stamp = prepared_tables.stamp(made.settings)
    assert (stamp["rows_read"], stamp["rows_accepted"]) == (4, 3)
    quality = prepared_tables.open(made.settings, "main").quality.set_index("check")
    assert quality.loc["filtered", ["level", "share"]].tolist() == ["filter", 0.25]


def test_only_the_listed_status_counts_in_any_case(tmp_path):
    listed = "where: {status: [COMPLETED ]}"
    made = prepared(tmp_path, SOURCE + listed, {"orders.csv": ORDERS})
    assert amounts(made) == [("1", 100), ("4", 70)] and made.found == {"filtered": 2}


def test_a_row_that_does_not_count_may_be_wrong(tmp_path):
    """A cancelled order without a customer is left out; it is not counted as an error."""
    text = ORDERS.replace("2,a,2024-01-09", "2,,2024-01-09")
    made = prepared(tmp_path, SOURCE + "where: {status: {not: [cancelled]}}", {"orders.csv": text})
    assert made.found == {"filtered": 1} and made.quarantine.empty


def test_tests_and_lines_that_are_no_products_are_counted_apart(tmp_path):
    text = ORDERS.replace("status", "status,mode,item").replace("completed", "completed,live,Oak")
    text = text.replace("cancelled", "cancelled,TEST,Oak").replace("refunded", "refunded,,Shipping")
    both = "test_orders: {mode: test}\nnot_products: {item: [shipping, fee]}"
    made = prepared(tmp_path, SOURCE + both, {"orders.csv": text})
    assert amounts(made) == [("1", 100), ("4", 70)]
    assert made.found == {"test_order": 1, "not_a_product": 1}


def test_later_lines_of_an_order_have_its_status_and_its_refund(tmp_path):
    """A quarter of order 2 was paid back: 11 of 44; order 3 is void with both its lines."""
    made = prepared(tmp_path, SHOP_SOURCE, {"shop.csv": SHOP})
    assert amounts(made) == [
        *(("#1", 10), ("#1", 20)),
        *(("#2", -7.5), ("#2", -2.5), ("#2", 10), ("#2", 30)),
    ]
    returns = made.lines[made.lines["amount"] < 0]
    assert sorted(returns["quantity"]) == [-0.75, -0.5]
    assert made.found == {"filtered": 2, "refunded": 2, "return": 2}


def test_later_lines_without_the_order_s_number_belong_to_the_line_above(tmp_path):
    text = "ref,who,day,item,sum,state\nS1,a,2024-01-02,x,5,sale\n,,,y,7,\n"
    text += "S2,b,2024-01-03,x,9,draft\n,,,y,1,\n"
    source = """
    files: orders.csv
    region: main
    columns: {customer_id: who, order_id: ref, ordered_at: day, product: item, amount: sum}
    fill_by: ref
    where: {state: sale}
    """
    made = prepared(tmp_path, source, {"orders.csv": text})
    assert amounts(made) == [("S1", 5), ("S1", 7)] and made.found == {"filtered": 2}
    assert set(made.lines["customer_id"]) == {"a"}


def test_times_of_parquet_are_filled_from_the_orders_first_line(tmp_path):
    day = pd.Timestamp("2024-01-05 10:00")
    rows = {"ref": ["S1", None], "who": ["a", None], "day": [day, None], "item": ["x", "y"]}
    pd.DataFrame(rows | {"sum": [5.0, 7.0]}).to_parquet(tmp_path / "orders.parquet")
    source = """
    files: orders.parquet
    region: main
    columns: {customer_id: who, order_id: ref, ordered_at: day, product: item, amount: sum}
    fill_by: ref
    """
    made = prepared(tmp_path, source, {})
    assert amounts(made) == [("S1", 5), ("S1", 7)] and set(made.lines["ordered_at"]) == {day}


def test_more_paid_back_than_paid_is_the_whole_order(tmp_path):
    text = SHOP.replace("11.00,44.00", "50.00,44.00")
    made = prepared(tmp_path, SHOP_SOURCE, {"shop.csv": text})
    assert made.lines[made.lines["order_id"] == "#2"]["amount"].sum() == 0


def test_repeated_lines_that_were_paid_back_are_no_new_repeats(tmp_path):
    text = ORDERS + "3,b,2024-01-10,50.00,refunded\n"
    source = SOURCE + "refunds: {when: {status: refunded}}"
    made = prepared(tmp_path, source, {"orders.csv": text})
    assert made.found == {"refunded": 2, "return": 2, "repeated_line": 2}
    assert made.lines["amount"].sum() == 270


@pytest.mark.parametrize(
    ("settings", "line", "said"),
    [
        ("where: {Status: [paid]}", 14, "no column 'Status'; did you mean 'status'?"),
        ("refunds: {amount: amount}", 14, "refunds need both `amount` (paid back) and `of`"),
        ("fill_by: order", 14, "has no column 'order'"),
        ("where: {status: [yes]}", 14, "write Yes, No, True, False, On and Off in quotes"),
    ],
)
def test_a_wrong_setting_is_an_error_with_its_line(tmp_path, settings, line, said):
    path = write(tmp_path, SOURCE + settings, {"orders.csv": ORDERS})
    with pytest.raises(ConfigError) as error:
        validate.check(path)
    assert f"{path} line {line}" in str(error.value) and said in str(error.value)


def test_settings_of_order_lines_are_refused_elsewhere(tmp_path):
    path = write(tmp_path, SOURCE, {"orders.csv": ORDERS, "people.csv": "id,city\na,Bonn\n"})
    record = "  customers:\n    - {files: people.csv, columns: {customer_id: id}, currency: city}\n"
    path.write_text(path.read_text("utf-8") + record, "utf-8")
    with pytest.raises(ConfigError, match=r"currency is for order lines"):
        validate.check(path)


def test_a_filter_of_records_leaves_them_out(tmp_path):
    people = "id,city,state\na,Bonn,active\nb,Köln,closed\n"
    path = write(tmp_path, SOURCE, {"orders.csv": ORDERS, "people.csv": people})
    record = (
        "  customers:\n    - {files: people.csv, columns: {customer_id: id, city: city}, "
        "where: {state: active}}\n"
    )
    path.write_text(path.read_text("utf-8") + record, "utf-8")
    settings = validate.check(path)
    prepare(settings)
    assert pd.read_parquet(settings.prepared / "customers_raw")["city"].tolist() == ["Bonn"]

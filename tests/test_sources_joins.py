"""Order lines with their orders, products and payments: each row keeps its own, none twice."""

import pandas as pd
import pytest
from raw_business import CONFIG, prepared, write

from cvm_analysis import prepared as prepared_tables
from cvm_analysis import settings as settings_module
from cvm_analysis import validate
from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.intake.prepare import prepare

LINES = "order,sku,price\n1,oak,10\n1,glue,5\n2,oak,11\n3,tile,7\n"
ORDERS = "order,who,day,state\n1,a,2024-01-02,paid\n2,b,2024-01-03,void\n4,c,2024-01-04,paid\n"
PRODUCTS = "code,name,state\noak,Oak floor,sold\nglue,Glue,sold\n"
PAYMENTS = "order,nth,kind\n1,1,card\n1,2,voucher\n2,1,cash\n"
FILES = {
    "lines.csv": LINES,
    "orders.csv": ORDERS,
    "products.csv": PRODUCTS,
    "payments.csv": PAYMENTS,
}
SOURCE = """
files: lines.csv
region: main
columns: {customer_id: who, order_id: order, ordered_at: day, product: name, amount: price,
          channel: kind}
where: {state: {not: [void]}}
join:
  - {files: orders.csv, on: order}
  - {files: products.csv, on: {sku: code}, prefix: product}
  - {files: payments.csv, on: order, where: {nth: 1}}
"""
GOOD = SOURCE.replace("product: name", "product: product.name")


def test_each_line_has_the_cells_of_its_order_product_and_payment(tmp_path):
    lines = LINES.replace("3,tile,7\n", "1,tile,7\n")
    made = prepared(tmp_path, GOOD, FILES | {"lines.csv": lines})
    found = made.lines[["customer_id", "product", "amount", "channel"]].fillna("-")
    assert found.to_numpy().tolist() == [
        ["a", "Oak floor", 10, "card"],
        ["a", "Glue", 5, "card"],
        ["a", "-", 7, "card"],
    ]
    assert made.found == {"filtered": 1, "unmatched": 1}  # the void order; the tile's product
    notes = prepared_tables.stamp(made.settings)["notes"]
    assert notes == [
        "joined with orders.csv: 0 rows have no match in it; 1 of its rows have none",
        "joined with products.csv: 1 rows have no match in it; 0 of its rows have none",
    ]


def test_lines_by_the_month_are_joined_as_one_file(tmp_path):
    head, *rows = LINES.replace("3,tile,7\n", "").splitlines()
    months = {f"lines_{n}.csv": f"{head}\n{row}\n" for n, row in enumerate(rows)}
    made = prepared(tmp_path, GOOD.replace("lines.csv", "lines_*.csv"), FILES | months)
    assert made.lines["amount"].tolist() == [10, 5]
    assert prepared_tables.stamp(made.settings)["notes"] == [
        "joined with orders.csv: 0 rows have no match in it; 1 of its rows have none",
    ]


def test_headers_may_be_called_as_what_rows_have_beside_them(tmp_path):
    names = {"sku": "key", "price": "row", "state": "line", "nth": "file"}
    source = GOOD.replace("price", "row").replace("nth", "file")
    source = source.replace("sku: code", "key: code").replace("where: {state", "where: {line")
    files = FILES | {"lines.csv": LINES.replace("3,tile,7\n", "")}
    for old, new in names.items():
        files = {name: text.replace(old, new, 1) for name, text in files.items()}
    made = prepared(tmp_path, source, files, "").lines
    assert made[["customer_id", "product", "amount", "channel"]].to_numpy().tolist() == [
        ["a", "Oak floor", 10, "card"],
        ["a", "Glue", 5, "card"],
    ]


def test_a_line_without_an_order_is_kept_and_set_aside_for_what_it_lacks(tmp_path):
    path = write(tmp_path, GOOD, FILES)
    text = path.read_text("utf-8").replace("default: 0", "default: 1")
    path.write_text(text, "utf-8")
    settings = validate.check(path)
    prepare(settings)
    stamp = prepared_tables.stamp(settings)
    assert (stamp["rows_read"], stamp["rows_accepted"]) == (4, 2)
    assert "joined with orders.csv: 1 rows have no match in it" in stamp["notes"][0]
    assert [file["name"] for file in stamp["files"]] == list(FILES)


def test_a_key_in_several_rows_is_an_error_with_counts(tmp_path):
    source = GOOD.replace(", where: {nth: 1}", "")
    with pytest.raises(InputError) as error:
        prepared(tmp_path, source, FILES)
    assert (
        "payments.csv: 1 keys of order stand in several rows, 2 in all, the first on line 2; "
        "a joined file needs one row per key" in str(error.value)
    )


def test_a_name_that_two_files_have_needs_a_prefix(tmp_path):
    products = PRODUCTS.replace("name", "kind")
    source = GOOD.replace("product.name", "product.kind").replace(", prefix: product", "")
    source = source.replace("product: product.kind, ", "").replace("where: {state", "where: {day")
    with pytest.raises(InputError, match=r"'kind' is in products\.csv and payments\.csv; give"):
        prepared(tmp_path, source, FILES | {"products.csv": products})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("product: product.name", "product: nme", "has no column 'nme'"),
        ("on: {sku: code}", "on: {sku: cod}", "products.csv: no column 'cod' to join by"),
        ("files: orders.csv", "files: order.csv", "no file "),
        ("on: order, where", "on: ordre, where", "no column 'ordre' to join by; did you mean"),
    ],
)
def test_cvm_check_finds_what_cannot_be_joined(tmp_path, old, new, said):
    path = write(tmp_path, GOOD.replace(old, new), FILES)
    with pytest.raises(ConfigError) as error:
        validate.check(path)
    assert said in str(error.value) and "mine.yaml line" in str(error.value)


def test_a_changed_file_that_is_joined_prepares_anew(tmp_path):
    lines = LINES.replace("3,tile,7\n", "")
    made = prepared(tmp_path, GOOD, FILES | {"lines.csv": lines})
    assert not prepare(made.settings)
    (tmp_path / "products.csv").write_text(PRODUCTS.replace("Glue", "Paste"), "utf-8")
    assert prepare(made.settings)


def test_olist_is_joined_as_its_example_says(data_set, tmp_path, monkeypatch):
    """Its 8,365 items by an independent join in pandas: those of orders that count, their money."""
    folder = data_set("olist").parent
    monkeypatch.setenv("OLIST_DATA", str(folder))
    text = (CONFIG / "examples" / "olist.yaml").read_text("utf-8")
    (tmp_path / "examples").mkdir()
    for name in ("segments", "scorecards", "strategies"):
        (tmp_path / f"{name}.yaml").write_bytes((CONFIG / f"{name}.yaml").read_bytes())
    path = tmp_path / "examples" / "olist.yaml"
    path.write_text(text.replace("../../data", str(tmp_path / "data")), "utf-8")
    settings = validate.check(path)
    prepare(settings)
    lines = pd.read_parquet(settings.prepared / "transactions")
    items, orders, people = (
        pd.read_csv(folder / f"olist_{name}_dataset.csv", dtype=str)
        for name in ("order_items", "orders", "customers")
    )
    both = items.merge(orders, on="order_id").merge(people, on="customer_id")
    both = both[~both["order_status"].isin(["canceled", "unavailable"])]
    spend = both.assign(price=both["price"].astype(float)).groupby("customer_unique_id")["price"]
    found = lines.astype({"amount": float}).groupby("customer_id")["amount"].sum()
    pd.testing.assert_series_equal(
        found.sort_index(), spend.sum().sort_index(), check_names=False, rtol=1e-12
    )


def test_the_example_of_olist_is_a_config(monkeypatch):
    monkeypatch.delenv("OLIST_DATA", raising=False)
    settings = settings_module.load(CONFIG / "examples" / "olist.yaml")
    assert [len(source.join) for source in settings.business.sources.transactions] == [5]


BASKETS = """\
household_id,store_id,basket_id,product_id,quantity,sales_value,retail_disc,coupon_disc,\
coupon_match_disc,week,transaction_timestamp
901,330,31198570044,1000,1,0.50,0.00,0.0,0.0,1,2017-01-01 11:53:26
901,330,31198570044,1001,2,5.98,1.50,0.5,0.0,1,2017-01-01 11:53:26
902,406,31198570047,1001,1,2.99,0.00,0.0,0.0,1,2017-01-01 12:10:28
902,406,31198655051,1002,3,4.50,0.75,0.0,0.0,2,2017-01-09 07:30:27
"""
GOODS = """\
product_id,manufacturer_id,department,brand,product_category,product_type,package_size
1000,2,GROCERY,National,FRZN ICE,ICE - CRUSHED/CUBED,22 LB
1001,69,PRODUCE,Private,APPLES,APPLES GALA (BAG),3 LB
1002,69,GROCERY,Private,BREAD,WHITE BREAD,NA
"""


def test_complete_journey_is_joined_as_its_example_says(tmp_path, monkeypatch):
    """Invented rows in its layout: a basket is an order, and each line has its product's words."""
    for name, content in (("transactions", BASKETS), ("products", GOODS)):
        (tmp_path / f"{name}.csv").write_text(content, "utf-8")
    monkeypatch.setenv("COMPLETEJOURNEY_DATA", str(tmp_path))
    text = (CONFIG / "examples" / "completejourney.yaml").read_text("utf-8")
    text = text.replace("../../data", str(tmp_path / "data")).replace("../", f"{CONFIG}/")
    path = tmp_path / "mine.yaml"
    path.write_text(text, "utf-8")
    settings = validate.check(path)
    prepare(settings)
    lines = pd.read_parquet(settings.prepared / "transactions").astype({"amount": float})
    lines = lines.sort_values("amount")
    assert lines["amount"].tolist() == [0.5, 2.99, 4.5, 5.98]
    assert lines["customer_id"].tolist() == ["901", "902", "902", "901"]
    assert lines["category"].tolist() == ["GROCERY", "PRODUCE", "GROCERY", "PRODUCE"]
    assert lines.groupby("customer_id")["order_id"].nunique().to_dict() == {"901": 1, "902": 2}

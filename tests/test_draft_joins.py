"""Tables of one shop in several files are drafted as joined order lines."""

from pathlib import Path

import pytest
import yaml

from cvm_analysis.draft.draft import draft

ITEMS = "order_id,sku,quantity,price\n" + "".join(
    f"A{i // 2},S{i % 7},{1 + i % 3},{i}.50\n" for i in range(60)
)
ORDERS = "order_id,client,order_date,order_status\n" + "".join(
    f"A{i},p{i % 9},2024-01-{1 + i % 28:02},{'cancelled' if i % 9 == 0 else 'done'}\n"
    for i in range(32)
)
PRODUCTS = "sku,category,cost\n" + "".join(
    f"S{i},{'oak' if i < 4 else 'glue'},1\n" for i in range(7)
)
CLIENTS = "client,gender,state\n" + "".join(f"p{i},{'fm'[i % 2]},{'NS'[i % 2]}\n" for i in range(9))
PAYMENTS = "order_id,number,payment_value\n" + "".join(
    f"A{i // 2},{i % 2},{i}.25\n" for i in range(60)
)


@pytest.fixture
def drafted(tmp_path, monkeypatch):
    """Draft from files of these names and contents; the sources, and the text."""
    monkeypatch.chdir(tmp_path)

    def make(**files):
        for name, content in files.items():
            Path(f"{name}.csv").write_text(content, "utf-8")
        text = draft([Path(f"{name}.csv") for name in files])
        return yaml.load(text, yaml.BaseLoader)["sources"], text

    return make


def test_lines_take_customer_day_and_status_from_their_orders(drafted):
    """A file with two rows per order is left out; a piece's cost is not the line's."""
    found, text = drafted(payments=PAYMENTS, orders=ORDERS, items=ITEMS, products=PRODUCTS)
    (source,) = found["transactions"]
    assert source["files"] == "../items.csv"
    assert source["join"] == [
        {"files": "../orders.csv", "on": "order_id"},
        {"files": "../products.csv", "on": "sku"},
    ]
    assert source["columns"] == {
        "customer_id": "client", "ordered_at": "order_date", "order_id": "order_id",
        "product_id": "sku", "category": "category", "quantity": "quantity",
        "unit_price": "price",
    }  # fmt: skip
    assert source["where"] == {"order_status": {"not": ["cancelled"]}}
    assert "payments.csv is left out" in text and [*found] == ["transactions"]


def test_customer_records_stay_a_table_of_their_own(drafted):
    found, _ = drafted(items=ITEMS, orders=ORDERS, clients=CLIENTS)
    assert [each["files"] for each in found["transactions"][0]["join"]] == ["../orders.csv"]
    assert found["customers"][0]["columns"] == {
        "customer_id": "client", "gender": "gender", "region": "state"
    }  # fmt: skip


def test_complete_lines_take_what_products_add_in_every_file(drafted):
    header = "client,order_date,sku,amount\n"
    year = "".join(f"p{i % 9},2023-01-{1 + i % 28:02},S{i % 7},{i}.50\n" for i in range(60))
    found, _ = drafted(
        old=header + year, new=header + year.replace("2023", "2024"), products=PRODUCTS
    )
    assert [each["files"] for each in found["transactions"]] == ["../old.csv", "../new.csv"]
    for each in found["transactions"]:
        assert each["join"] == [{"files": "../products.csv", "on": "sku"}]
        assert each["columns"]["category"] == "category"


def test_files_whose_keys_do_not_meet_are_not_joined(drafted):
    found, text = drafted(items=ITEMS, orders=ORDERS.replace("A", "B"))
    assert "join" not in found["transactions"][0] and "orders.csv is left out" in text

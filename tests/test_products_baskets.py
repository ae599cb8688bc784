"""Baskets as numbers: order of time, the first purchase, products or categories."""

import pandas as pd
import pytest

from cvm_analysis.products import baskets


def rows(*given, **more):
    columns = ["customer_id", "basket", "at", "product"]
    found = pd.DataFrame(given, columns=columns).assign(margin=1.5, **more)
    return found.assign(at=pd.to_datetime(found["at"]))


GIVEN = rows(
    ("b", "o9", "2024-03-01 10:00", "oil"),
    ("b", "o9", "2024-03-01 10:00", "floor"),
    ("b", "o1", "2024-04-01 09:00", "oil"),
    ("c", "o1", "2024-02-01 09:00", "soap"),
)


def test_customers_and_products_are_numbered_by_name_and_baskets_by_time():
    read = baskets.read(GIVEN)
    assert [*read.customers] == ["b", "c"] and [*read.products] == ["floor", "oil", "soap"]
    assert read.lines["product"].tolist() == [1, 0, 1, 2]
    assert read.lines["basket"].tolist() == [0, 0, 1, 2], "one order number, two customers"
    assert read.first["basket"].tolist() == [0, 0, 2], "the second oil is not new"


def test_categorical_texts_are_numbered_by_name_too():
    typed = GIVEN.astype({"customer_id": "category", "product": "category"})
    assert baskets.read(typed).lines.equals(baskets.read(GIVEN).lines)
    assert [*baskets.read(typed).products] == ["floor", "oil", "soap"]


def test_what_comes_after_a_day_is_left_out():
    early = baskets.read(GIVEN).until(pd.Timestamp("2024-03-01"))
    assert early.lines["product"].tolist() == [1, 0, 2]
    assert [*early.customers] == ["b", "c"], "numbers stay"


@pytest.mark.parametrize(("buyers", "level"), [(30, "product"), (29, "category")])
def test_categories_stand_for_products_that_have_few_buyers(buyers, level):
    each = [(f"c{i}", "o", "2024-01-01", "oil") for i in range(buyers)]
    read = baskets.read(rows(*each, category="care"))
    assert read.level == level and [*read.products] == ["oil" if level == "product" else "care"]


def test_a_category_is_once_in_a_basket_with_the_margin_of_its_products():
    given = rows(*[("b", "o", "2024-01-01", p) for p in ("oil", "soap")], category="care")
    lines = baskets.read(given).lines
    assert len(lines) == 1 and lines["margin"].item() == 3.0


def test_no_lines_are_no_baskets():
    read = baskets.read(rows())
    assert read.lines.empty and not len(read.products)

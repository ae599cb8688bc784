"""Names of places to keys that are safe as folder names, and customers to one region each."""

import re
import unicodedata

import ibis
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cvm_analysis.intake import regions
from cvm_analysis.settings import DiscoveredRegions, Region
from cvm_analysis.settings.shape import RegionKey


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("United Kingdom", "united-kingdom"),
        ("  EIRE ", "eire"),
        ("Trinidad & Tobago", "trinidad-tobago"),
        ("St. John's (old)", "st-john-s-old"),
        ("a" * 40, "a" * 40),
        ("华东", "华东"),
        ("São Tomé", "são-tomé"),
        ("Île-de-France", "île-de-france"),
        ("Санкт-Петербург", "санкт-петербург"),
        ("../x", "x"),
        ("a/b", "a-b"),
    ],
)
def test_plain_names_become_readable_keys(name, key):
    assert regions.slug(name) == key


@pytest.mark.parametrize(
    "name",
    ["All", "all", "ａｌｌ", "..", "", "a" * 41, "维" * 14, "-", "<>"],
)
def test_other_names_become_a_code(name):
    assert re.fullmatch("r-[0-9a-f]{8}", regions.slug(name))


def test_the_code_of_a_name_is_the_start_of_its_sha256():
    assert regions.slug("华东", taken={"华东"}) == "r-142461b1"  # printf 华东 | sha256sum


def test_a_key_that_is_taken_is_not_given_twice():
    assert regions.slug("A-B") == "a-b"
    assert re.fullmatch("r-[0-9a-f]{8}", regions.slug("A B", taken={"a-b"}))


@given(st.text(max_size=60))
@example("..")
@example("ALL")
def test_any_name_becomes_a_region_key(name):
    key = regions.slug(name)
    assert key and key != "all" and len(key.encode()) <= 40
    assert all(c == "-" or unicodedata.category(c)[0] in "LMN" for c in key)
    assert TypeAdapter(RegionKey).validate_python(key) == key


NAMED = {
    "east": Region(match=("华东", "E"), en="East", zh="东部"),
    "west": Region(en="West", zh="西部"),
}


def words(*texts):
    table = ibis.memtable(pd.DataFrame({"text": pd.Series(texts, dtype="string")}))
    found = table.mutate(key=regions.assign_rows(table.text, NAMED)).to_pandas()["key"]
    return [None if pd.isna(key) else key for key in found]


def test_a_region_is_meant_by_its_words_its_key_and_its_names():
    assert words("华东", "E", "east", "East", "东部") == ["east"] * 5
    assert words("West", "西部", "west") == ["west"] * 3
    assert words("north", "e", None) == [None, None, None]


def sales(*rows):
    columns = ["customer_id", "ordered_at", "amount", "sold_in"]
    table = pd.DataFrame(rows, columns=columns)
    table["ordered_at"] = pd.to_datetime(table["ordered_at"])
    table["sold_in"] = table["sold_in"].astype("string")
    return ibis.memtable(table.assign(file="f.csv", line=range(2, len(table) + 2)))


def records(**region_of):
    table = pd.DataFrame({"customer_id": list(region_of), "region": list(region_of.values())})
    return ibis.memtable(table.astype("string"))


def placed(rows, people=None):
    tables = {"transactions": rows} | ({} if people is None else {"customers_raw": people})
    found = regions.assign_customers(tables).to_pandas().set_index("customer_id")["region"]
    assert found.index.is_unique
    return found.dropna().to_dict()


def test_the_first_purchase_decides_not_the_latest_nor_the_most():
    rows = sales(
        ("a", "2025-02-01", 9, "west"),
        ("a", "2025-03-01", 9, "west"),
        ("a", "2025-01-01", 1, "east"),
    )
    assert placed(rows) == {"a": "east"}


def test_what_comes_later_changes_no_region():
    first = [("a", "2025-01-01", 1, "east"), ("b", "2025-01-02", 1, "west")]
    later = [("a", "2025-05-01", 50, "west"), ("b", "2025-05-01", 50, "east")]
    assert placed(sales(*first, *later)) == placed(sales(*first)) == {"a": "east", "b": "west"}


def test_a_purchase_comes_before_a_return_and_the_upper_line_before_the_lower():
    assert placed(sales(("a", "2025-01-01", -1, "west"), ("a", "2025-02-01", 1, "east"))) == {
        "a": "east"
    }
    assert placed(sales(("a", "2025-01-01", -1, "west"))) == {"a": "west"}  # nothing better
    assert placed(sales(("a", "2025-01-01", 1, "west"), ("a", "2025-01-01", 1, "east"))) == {
        "a": "west"
    }


def test_a_record_wins_over_a_purchase_unless_it_is_silent():
    rows = sales(("a", "2025-01-01", 1, "east"), ("b", "2025-01-01", 1, "east"))
    people = records(a="west", b=None, c="west", d=None)
    assert placed(rows, people) == {"a": "west", "b": "east", "c": "west"}


def test_a_contract_places_whom_neither_record_nor_purchase_places():
    rows = sales(("a", "2025-01-01", 1, "east"), ("b", "2025-01-01", 1, None))
    contracts = sales(*((c, "2024-01-01", 1, "north") for c in "abcd"))
    contracts = contracts.rename(started_on="ordered_at").drop("amount")
    tables = {"customers_raw": records(c="west", d=None), "transactions": rows}
    found = regions.assign_customers(tables | {"contracts": contracts}).to_pandas()
    assert dict(found.to_numpy()) == {"a": "east", "b": "north", "c": "west", "d": "north"}


def test_rows_that_name_no_region_leave_the_choice_to_the_next():
    rows = sales(
        ("a", "2025-01-01", 1, None), ("a", "2025-02-01", 1, "east"), ("b", "2025-01-01", 1, None)
    )
    assert placed(rows) == {"a": "east"}


RULE = DiscoveredRegions.model_validate(
    {"from": "Country", "pool_below": 50, "pooled": {"en": "Other countries", "zh": "其他国家"}}
)


def test_regions_of_few_customers_are_pooled():
    keys, names = regions.discover({"France": 87, "Malta": 2, "Japan": 49, "Eire": 50}, RULE)
    assert keys == {
        "France": "france",
        "Malta": "other-countries",
        "Japan": "other-countries",
        "Eire": "eire",
    }
    assert names == {
        "france": {"en": "France", "zh": "France"},
        "eire": {"en": "Eire", "zh": "Eire"},
        "other-countries": {"en": "Other countries", "zh": "其他国家"},
    }


def test_without_small_regions_nothing_is_pooled():
    keys, names = regions.discover({"France": 87}, RULE)
    assert keys == {"France": "france"} and list(names) == ["france"]


def test_names_that_look_alike_stay_apart_and_none_joins_the_pool():
    counts = {"A B": 60, "A-B": 60, "a b": 60, "Other countries": 60, "Zaire": 1}
    keys, names = regions.discover(counts, RULE)
    assert len(set(keys.values())) == 5 and set(names) == set(keys.values())
    assert keys["Zaire"] == "other-countries" != keys["Other countries"]
    again, _ = regions.discover(dict(reversed(counts.items())), RULE)
    assert again == keys

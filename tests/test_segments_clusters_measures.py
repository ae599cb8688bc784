"""Measures of clusters: only what the data have, in its own unit."""

import numpy as np
import pandas as pd
import pytest
from three_kinds import customers

from cvm_analysis.errors import ConfigError
from cvm_analysis.segments.clusters import measures


@pytest.fixture(scope="module")
def people():
    channel = np.resize(["web", "store", None], 600).astype(object)
    return customers().assign(
        channel=channel, joined_on=pd.Timestamp("2024-01-01"), agreed=np.resize([True, False], 600)
    )


@pytest.fixture(scope="module")
def shares(people):
    care = pd.Series(np.linspace(0, 1, len(people)), people.index)
    return pd.DataFrame({"category:care": care, "category:tools": 1 - care}).iloc[10:]


def test_measures_keep_their_units(people):
    measured, first = measures.build(people), people.iloc[0]
    assert list(measured) == [
        "net_sales_per_order",
        "orders_per_year",
        "days_since_last",
        "return_share",
    ]
    assert measured.iloc[0]["orders_per_year"] == pytest.approx(first["n_purchase_days"] / 3)
    assert measured.iloc[0]["days_since_last"] == first["days_since_last"]


def test_only_retail_customers_who_bought_are_grouped(people):
    some = people.head(40).copy()
    some.iloc[0, some.columns.get_loc("n_orders")] = 0
    some.iloc[1, some.columns.get_loc("customer_type")] = "dealer"
    assert list(measures.build(some).index) == list(some.index[2:])


def test_one_purchase_yesterday_is_not_hundreds_a_year(people):
    new = people.head(1).assign(T=1 / 7, n_purchase_days=1)
    assert measures.build(new)["orders_per_year"].item() == 1


def test_numbers_attributes_and_shares_stand_side_by_side(people, shares):
    measured = measures.build(
        people, ["net_sales_per_order"], ["channel", "agreed"], ["category"], shares
    )
    assert list(measured) == [
        "net_sales_per_order",
        "channel",
        "agreed",
        "category:care",
        "category:tools",
    ]
    assert measures.is_attribute(measured["channel"]) and measures.is_attribute(measured["agreed"])
    assert measured["channel"].isna().sum() == 200
    assert measured["category:care"].isna().sum() == 10  # of whom no category is known
    assert not measures.is_attribute(measures.build(people, ["agreed"])["agreed"])


def test_one_error_lists_all_mistakes_with_the_nearest_names(people, shares):
    with pytest.raises(ConfigError) as error:
        measures.build(
            people, ["net_sales_per_ordr", "channel"], ["chanel", "joined_on"], ["brand"], shares
        )
    said = str(error.value)
    assert (
        "measures: 'net_sales_per_ordr' is not in the data; did you mean 'net_sales_per_order'"
        in said
    )
    assert "attributes: 'chanel' is not in the data; did you mean 'channel'" in said
    assert "measures: 'channel'" in said and "attributes: 'joined_on'" in said
    assert "shares_of: 'brand' is not in the data; known are category" in said


def test_shares_without_any_and_nothing_at_all_are_errors(people):
    with pytest.raises(ConfigError, match="'category' is not in the data; there are none"):
        measures.build(people, ["net_sales_per_order"], shares_of=["category"])
    with pytest.raises(ConfigError, match="name at least one"):
        measures.build(people, [])


def test_a_part_belongs_to_a_composition_and_an_imported_figure_does_not():
    assert measures.composition("category:care") == "category"
    assert measures.composition("category:a:b") == "category"
    assert measures.composition("indicators.a:b") is None
    assert measures.composition("net_sales_per_order") is None


def test_measures_the_data_lack_are_left_out_with_the_reason(people, shares):
    asked = measures.Grouping(attributes=("channel",), shares_of=("category", "brand"))
    measured, lacking = measures.select(people.drop(columns="net_sales_per_order"), asked, shares)
    assert list(measured)[:3] == ["orders_per_year", "days_since_last", "channel"]
    assert lacking == {"net_sales_per_order": "missing", "brand": "missing"}
    measured, lacking = measures.select(people, asked, pd.DataFrame(index=people.index))
    assert list(measured) == [*asked.measures, "channel"]
    assert lacking == {"category": "missing", "brand": "missing"}

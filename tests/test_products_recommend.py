"""The next products of each customer: what is sold, new to them, and because of what."""

import invented_baskets
import numpy as np
import pandas as pd
import pytest

from cvm_analysis.products import baskets, recommend, trial
from cvm_analysis.tables import check

END = (invented_baskets.START + pd.Timedelta(days=364)).date()
NONE = pd.Series(dtype=object)
CHOICE = trial.Choice("together", curve=[(0.0, 0.0), (1.0, 0.5)])


@pytest.fixture(scope="module")
def rows():
    return invented_baskets.draw(400, 1, companion=0.9, follows={5: 20})


@pytest.fixture(scope="module")
def found(rows):
    return recommend.recommend(baskets.read(rows), END, NONE, CHOICE)


def test_products_are_new_to_the_customer_and_their_reason_is_not(rows, found):
    check("next_products", found)
    has = set(zip(rows["customer_id"], rows["product"], strict=True))
    pairs = zip(found["customer_id"], found["product"], strict=True)
    reasons = zip(found["customer_id"], found["because_of"], strict=True)
    assert not has & {*pairs} and {*reasons} <= has
    assert set(found["rank"]) == {1, 2, 3} and "margin" not in found


def test_who_has_a_product_is_recommended_what_goes_with_it(rows, found):
    has = rows.groupby("product")["customer_id"].agg(set)
    due = has["p05"] - has["p20"]
    first = found[found["product"].eq("p20") & found["customer_id"].isin(due)]
    assert len(due) > 20 and len(first) >= 0.8 * len(due)
    assert first["because_of"].eq("p05").mean() > 0.9


def test_probability_follows_the_test(found):
    assert found["probability"].between(0, 0.5).all()
    by_rank = found.groupby("rank")["probability"].mean()
    assert by_rank.is_monotonic_decreasing


def test_popularity_has_no_reason(rows):
    choice = trial.Choice("best_sellers")
    popular = recommend.recommend(baskets.read(rows), END, NONE, choice)
    check("next_products", popular)
    assert popular["because_of"].isna().all() and popular["probability"].isna().all()


def test_the_margin_is_the_mean_of_a_basket_in_the_last_year(rows, monkeypatch):
    """A year of 100 days, as the rows are of 364: earlier margins, of a million, do not count."""
    monkeypatch.setattr(recommend, "YEAR", 100)
    is_old = rows["at"] <= pd.Timestamp(END) - pd.Timedelta(days=100)
    margin = np.where(rows["product"] == "p20", rows["customer_id"].str[-1].astype(float), np.nan)
    read = baskets.read(rows.assign(margin=np.where(is_old, 1e6, margin)))
    found = recommend.recommend(read, END, NONE, CHOICE)
    is_known = found["product"].eq("p20")
    mean = np.mean(margin[(rows["product"] == "p20") & ~is_old])
    assert is_known.any() and found.loc[is_known, "margin"].to_numpy() == pytest.approx(mean)
    assert found.loc[~is_known, "margin"].isna().all()


def test_many_customers_are_scored_in_parts(rows, found, monkeypatch):
    monkeypatch.setattr(recommend, "_CHUNK", 50)
    again = recommend.recommend(baskets.read(rows), END, NONE, CHOICE)
    pd.testing.assert_frame_equal(again, found)


def test_who_has_everything_and_a_business_without_products_get_none(rows):
    every = [("all", "o1", f"p{p:02}", pd.Timestamp(END), np.nan) for p in range(40)]
    rows = pd.concat([rows, pd.DataFrame(every, columns=[*rows])], ignore_index=True)
    read = baskets.read(rows[["customer_id", "basket", "product", "at", "margin"]])
    assert "all" not in set(recommend.recommend(read, END, NONE, CHOICE)["customer_id"])
    none = recommend.recommend(baskets.read(rows.head(0)), END, NONE, CHOICE)
    check("next_products", none)
    assert none.empty

"""Scores of products: by hand, with what must not be recommended left out."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.products import baskets, scores

DAY = pd.Timestamp("2025-01-01")
OLD, NEW = DAY - pd.Timedelta(weeks=20), DAY - pd.Timedelta(weeks=2)
GIVEN = [  # customers a to d; `gone` has not been sold for 13 weeks
    ("a", 1, "floor", OLD), ("a", 2, "oil", NEW), ("a", 2, "gone", OLD),
    ("b", 1, "floor", OLD), ("b", 2, "oil", NEW),
    ("c", 1, "floor", NEW),
    ("d", 1, "oil", OLD), ("d", 2, "soap", NEW),
]  # fmt: skip
SEGMENTS = pd.Series({"a": "new", "b": "new", "c": "old", "d": "old"})


@pytest.fixture(scope="module")
def past():
    rows = pd.DataFrame(GIVEN, columns=["customer_id", "basket", "product", "at"])
    rows = rows.assign(margin=np.nan).sort_values(["customer_id", "at"], ignore_index=True)
    later = rows.tail(1).assign(product="floor", at=DAY + pd.Timedelta(days=1), basket=3)
    return scores.learn(baskets.read(pd.concat([rows, later])), DAY, SEGMENTS)


def table(past, method):
    found = scores.score(past, method, np.arange(4))
    names = past.baskets.products[past.products]
    return pd.DataFrame(found, [*"abcd"], names)


def test_scores_are_sums_of_cosines(past):
    """floor: a, b, c; oil: a, b, d; soap: d. Cosine of floor and oil: 2 / sqrt(3 x 3)."""
    found = table(past, "together")
    assert found.loc["c", "oil"] == pytest.approx(2 / 3)
    assert found.loc["b", "soap"] == pytest.approx(1 / np.sqrt(3))
    assert found.loc["d", "floor"] == pytest.approx(2 / 3), "the later floor is not known"


def test_scores_are_shares_who_bought_it_then(past):
    """Of the three with a floor two then bought oil; nobody with oil then bought a floor."""
    found = table(past, "after")
    assert found.loc["c", "oil"] == pytest.approx(2 / 3)
    assert found.loc["d", "floor"] == -np.inf, "nothing speaks for it"


def test_best_sellers_are_those_of_the_last_weeks(past):
    found = table(past, "best_sellers")
    assert found.loc["c", "oil"] == 2 / 4 and found.loc["c", "soap"] == 1 / 4
    assert found.loc["b", "soap"] == 1 / 4


def test_favourites_of_a_segment_lean_towards_all(past):
    found = table(past, "segment_favourites")
    assert found.loc["c", "oil"] == pytest.approx((0 + 10 * 0.5) / (2 + 10))
    assert found.loc["b", "soap"] == pytest.approx((0 + 10 * 0.25) / (2 + 10))


@pytest.mark.parametrize("method", [*scores.ITEM_TO_ITEM, *scores.POPULARITY])
def test_nobody_is_shown_what_they_have_or_what_is_not_sold(past, method):
    found = table(past, method)
    has = [(c, p) for c, _, p, _ in GIVEN]
    assert all(found.loc[pair] == -np.inf for pair in has)
    assert (found["gone"] == -np.inf).all()


def test_the_best_come_first_and_gaps_are_marked():
    given = np.array([[0.2, -np.inf, 0.9], [0.5, 0.5, -np.inf], [-np.inf] * 3])
    assert scores.best(given, 2).tolist() == [[2, 0], [0, 1], [-1, -1]]


def test_the_reason_is_the_product_that_speaks_most_for_it(past):
    names = past.baskets.products[past.products]
    chosen = np.array([names.get_loc("soap")] * 2 + [names.get_loc("oil"), -1])
    found = scores.because_of(past, "together", np.arange(4), chosen)
    assert [names[i] if i >= 0 else None for i in found] == ["oil", "oil", "floor", None]
    assert (scores.because_of(past, "best_sellers", np.arange(4), chosen) == -1).all()

"""What goes with what: counts by hand and by brute force, planted pairs found, chance not."""

import curveball
import invented_baskets
import numpy as np
import pandas as pd
import pytest

from cvm_analysis.products import baskets, pairs
from cvm_analysis.tables import check


def first(*given):
    return pd.DataFrame(given, columns=["customer", "basket", "product"])


def test_counts_by_hand():
    """Customer 0: A, then B and C together; customer 1: C, then A."""
    n, both = pairs.count(first((0, 0, 0), (0, 1, 1), (0, 1, 2), (1, 2, 2), (1, 3, 0)))
    assert n.tolist() == [[2, 1, 1], [0, 1, 1], [1, 1, 2]]
    assert both.tolist() == [[2, 1, 2], [1, 1, 1], [2, 1, 2]]


@pytest.mark.parametrize("at_once", [pairs.ROWS, 7])
def test_counts_by_brute_force(at_once, monkeypatch):
    monkeypatch.setattr(pairs, "ROWS", at_once)
    found = baskets.read(invented_baskets.draw(60, 3, n_products=8)).first
    n, both = pairs.count(found)
    for a in range(8):
        for b in range(8):
            of = [
                (rows.loc[rows["product"] == a, "basket"], rows.loc[rows["product"] == b, "basket"])
                for _, rows in found.groupby("customer")
            ]
            has = [(x.item(), y.item()) for x, y in of if len(x) and len(y)]
            assert n[a, b] == sum(x <= y for x, y in has)
            assert both[a, b] == len(has)


@pytest.fixture(scope="module")
def planted():
    """Half of those who have p05 then buy p20, and half of those with p07 p30."""
    rows = invented_baskets.draw(1500, 1, companion=0.5, follows={5: 20, 7: 30})
    return rows, pairs.find(baskets.read(rows))


def test_planted_pairs_are_found_and_in_their_order(planted):
    _, found = planted
    check("product_pairs", found)
    by = found.set_index(["product", "next_product"])
    strongest = by["lift_low"].nlargest(2).index
    assert set(strongest) == {("p05", "p20"), ("p07", "p30")}
    assert (found["lift_low"] > pairs.LEAST_LIFT).all() and (found["q_value"] <= pairs.Q).all()
    assert ((found["lift_low"] < found["lift"]) & (found["lift"] < found["lift_high"])).all()
    assert ("p20", "p05") not in by.index, "nobody buys p05 because of p20"


def test_figures_of_a_pair_are_those_counted_by_hand(planted):
    rows, found = planted
    pair = found.set_index(["product", "next_product"]).loc[("p05", "p20")]
    at = rows.groupby(["product", "customer_id"])["at"].min()
    both = pd.concat([at["p05"], at["p20"]], axis=1, keys="ab").dropna(subset="a")
    after = (both["b"] >= both["a"]).sum()
    before = (both["b"] < both["a"]).sum()
    assert pair["n_customers"] == after
    assert pair["support"] == pytest.approx(after / rows["customer_id"].nunique())
    assert pair["confidence"] == pytest.approx(after / (len(both) - before))
    assert pair["lift"] == pytest.approx(after / pair["expected"])


def test_shuffles_have_no_pairs(planted):
    """Baskets keep their size and products their number: nothing goes together any more."""
    rows, _ = planted
    found = [len(pairs.find(baskets.read(curveball.shuffle(rows, seed)))) for seed in range(4)]
    assert np.mean(found) <= 1


def test_of_many_pairs_at_the_limit_hardly_any_passes():
    """9,900 counts whose mean is 1.1 times the expected: a test of each would pass some 250."""
    rng = np.random.default_rng(1)
    expected = np.full((100, 100), 10.0)
    passed = [len(pairs._test(rng.poisson(11.0, (100, 100)), expected)) for _ in range(5)]
    assert np.mean(passed) <= 1


def test_a_shuffle_keeps_sizes_and_totals(planted):
    rows, _ = planted
    shuffled = curveball.shuffle(rows, 1)
    keys = ["customer_id", "basket"]
    assert shuffled.groupby(keys).size().equals(rows.groupby(keys).size())
    assert (
        shuffled["product"]
        .value_counts()
        .sort_index()
        .equals(rows["product"].value_counts().sort_index())
    )
    assert not shuffled.duplicated([*keys, "product"]).any()
    assert (shuffled["product"].to_numpy() != rows["product"].to_numpy()).mean() > 0.5


def test_customers_who_only_buy_more_make_no_pairs():
    """A few large customers have everything: by shares alone, all products would go together."""
    rng = np.random.default_rng(2)
    rows = invented_baskets.draw(600, 2)
    large = [
        (f"x{c:03}", f"o{o}", f"p{p:02}", invented_baskets.START + pd.Timedelta(days=7 * o), np.nan)
        for c in range(60)
        for o in range(6)
        for p in rng.choice(40, 5, replace=False)
    ]
    rows = pd.concat([rows, pd.DataFrame(large, columns=[*rows])], ignore_index=True)
    kept = curveball.shuffle(rows, 5)  # so that large ones differ in nothing but their size
    assert len(pairs.find(baskets.read(kept))) <= 1


def test_a_new_product_does_not_follow_everything():
    """p39 is sold from the last quarter on: everything was bought before it."""
    rows = invented_baskets.draw(2000, 4)
    late = rows["at"] >= invented_baskets.START + pd.Timedelta(days=240)
    new = rows["product"].eq("p00") & late
    rows = rows.assign(product=rows["product"].mask(new, "p39"))
    rows = rows[~(rows["product"].eq("p39") & ~late)].drop_duplicates(
        ["customer_id", "basket", "product"]
    )
    found = pairs.find(baskets.read(rows))
    assert (found["next_product"] == "p39").sum() <= 1


def test_few_buyers_give_no_pairs():
    found = pairs.find(baskets.read(invented_baskets.draw(20, 1)))
    check("product_pairs", found)
    assert found.empty

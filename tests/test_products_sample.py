"""Products of the invented company, whose truth is known, and of a real one."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from small_business import CONFIG

from cvm_analysis import prepared
from cvm_analysis import settings as settings_module
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.products import baskets, pairs, recommend, trial
from cvm_analysis.sample import baskets as sample_baskets
from cvm_analysis.sample import churn, retail
from cvm_analysis.sample.business import AS_OF, GROUPS, REGIONS
from cvm_analysis.sample.draws import stream

NONE = pd.Series(dtype=object)


@pytest.fixture(scope="module")
def sold():
    """Order lines of the retail customers of one region, before any file is written."""
    east = REGIONS[0]
    customers = retail.customers(6000, seed=1)
    _, orders, _ = churn.live(customers, east, seed=1)
    return sample_baskets.lines(orders, GROUPS, stream(1, "lines", east.key))


def rows(lines, product):
    names = {"order_id": "basket", product: "product", "ordered_at": "at"}
    found = lines[["customer_id", *names]].rename(columns=names).assign(margin=np.nan)
    found = found.drop_duplicates(["customer_id", "basket", "product"])
    return found.sort_values(["customer_id", "at"], ignore_index=True)


def test_what_goes_together_is_what_the_same_groups_of_customers_like(sold):
    """The truth: each group has its own mix of categories, and draws their products alike.

    By chance a pair of categories is drawn sum(share w_a) sum(share w_b) times; a group's customers
    draw it w_a w_b times.
    """
    mixes = pd.DataFrame([g.categories for g in GROUPS])
    mixes = mixes.div(mixes.sum(axis=1), axis=0)
    share = np.bincount(sold["group"], minlength=len(GROUPS)) / len(sold)
    mean = mixes.mul(share, axis=0).sum()
    lift = (mixes.T.mul(share) @ mixes).div(mean, axis=0).div(mean, axis=1)
    category = sample_baskets.PRODUCTS.set_index("product")["category"]
    found = pairs.find(baskets.read(rows(sold, "product")))
    of = {(category[p.product], category[p.next_product]) for p in found.itertuples()}
    assert {(c, c) for c in ("flooring", "skirting", "care")} <= of  # each is a group's favourite
    assert {("flooring", "underlay"), ("underlay", "flooring")} <= of
    assert all(lift.loc[pair] > 1 for pair in of)


def test_item_to_item_beats_best_sellers_there_and_favours_what_the_group_likes(sold):
    read = baskets.read(rows(sold, "product"))
    tested = trial.run(read, AS_OF, lambda day: NONE)
    said = trial.summarize(tested.table)
    assert said.is_used and said.ratio > 1.5 and said.ratio_low > 1.1
    found = recommend.recommend(read, AS_OF, NONE, tested.choice)
    first = found[found["rank"] == 1].set_index("customer_id")["product"]
    category = first.map(sample_baskets.PRODUCTS.set_index("product")["category"])
    group = sold.groupby("customer_id")["group"].first().reindex(first.index)
    of_group = pd.crosstab(group, category, normalize="index")
    likes = [max(g.categories, key=g.categories.get) for g in GROUPS]
    assert all(of_group.loc[i, likes[i]] > 1.5 * (category == likes[i]).mean() for i in range(4))


@pytest.mark.slow
def test_online_retail_is_recommended_better_than_best_sellers_and_without_postage(
    data_set, tmp_path, monkeypatch
):
    """13 weeks to 8 December 2011: hits at 10 of the next new basket."""
    monkeypatch.setenv("CVM_DATA", str(data_set("online_retail").parent))
    text = (CONFIG / "online_retail.yaml").read_text("utf-8")
    for name in ("segments.yaml", "scorecards.yaml", "strategies.yaml"):
        (tmp_path / name).write_text((CONFIG / name).read_text("utf-8"), "utf-8")
    (tmp_path / "online.yaml").write_text(f"{text}prepared: prepared\nledger: ledger\n", "utf-8")
    settings = settings_module.load(tmp_path / "online.yaml")
    prepare(settings)
    day = dt.date(2011, 12, 8)
    bought = prepared.open(settings, "all").baskets(day, settings.business.products.exclude)
    read = baskets.read(bought)
    assert not {"POSTAGE", "Manual", "CARRIAGE", "Discount"} & set(read.products)
    tested = trial.run(read, day, lambda day: NONE)
    said = trial.summarize(tested.table)
    assert said.n_shown == 10 and said.n_customers > 1000 and said.method == "together"
    assert said.is_used and said.ratio >= 1.25 and said.ratio_low > 1.15
    found = pairs.find(read).set_index(["product", "next_product"])["lift_low"]
    assert found["KIDS RAIN MAC BLUE", "KIDS RAIN MAC PINK"] > 10

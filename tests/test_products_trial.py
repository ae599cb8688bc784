"""Whether item to item beats best sellers: found where planted, not where there is nothing."""

import datetime as dt
import json

import invented_baskets
import numpy as np
import pandas as pd
import pytest

from cvm_analysis.products import baskets, scores, trial
from cvm_analysis.tables import TABLES, check

END = (invented_baskets.START + pd.Timedelta(days=364)).date()
PAIRS = {a: a + 20 for a in range(1, 15)}


def nobody(day):
    return pd.Series(dtype=object)


def run(rows, as_of=END, segments_on=nobody):
    return trial.run(baskets.read(rows), as_of, segments_on)


@pytest.fixture(scope="module")
def planted():
    rows = invented_baskets.draw(800, 1, companion=0.5, follows=PAIRS)
    return rows, run(rows)


def test_planted_pairs_beat_best_sellers(planted):
    _, found = planted
    check("product_backtest", found.table)
    said = trial.summarize(found.table)
    assert found.choice.method == said.method in scores.ITEM_TO_ITEM and not found.notes
    assert said.is_used and said.is_clear and said.ratio_low > 1
    assert said.ratio == pytest.approx(said.hit_rate / said.popular_rate)
    assert said.ratio_low < said.ratio < said.ratio_high
    assert trial.summarize(found.table.set_index(["day", "method"])) == said


def test_without_pairs_popularity_is_used():
    for seed in range(4):
        found = run(invented_baskets.draw(500, seed))
        assert found.choice.method in scores.POPULARITY
        assert found.table["is_used"].sum() == found.table["day"].nunique()
        assert not trial.summarize(found.table).is_used


def test_the_method_is_chosen_without_the_last_origin(planted):
    """The last thirteen weeks shuffled: the choice between the two methods stays as it was."""
    rows, found = planted
    last = rows["at"].dt.date > END - dt.timedelta(weeks=trial.WEEKS)
    mixed = rows.assign(product=rows["product"].where(~last, "p00"))
    other = run(mixed.drop_duplicates(["customer_id", "basket", "product"]))
    days = sorted(found.table["day"])[:-1]
    keep = found.table["day"].isin(days[: -len(trial.METHODS) + 1])
    columns = ["day", "method", "hit_rate"]
    assert other.table.loc[keep, columns].equals(found.table.loc[keep, columns])
    assert other.choice.method in scores.POPULARITY, "and the last origin alone decides on its use"


def test_the_method_that_hit_most_before_is_the_one_that_is_judged(planted):
    """Together hits most at the last origin, after at those before: after is judged."""
    table = planted[1].table.assign(is_used=False)
    is_last = table["day"] == table["day"].max()
    table.loc[table["method"] == "together", "hit_rate"] = np.where(is_last, 0.9, 0.1)[::4]
    table.loc[table["method"] == "after", "hit_rate"] = np.where(is_last, 0.1, 0.9)[::4]
    said = trial.summarize(table)
    assert said.method == "after" and said.hit_rate == 0.1 and not said.is_used
    taken = table.assign(is_used=table["method"] == "together")
    assert trial.summarize(taken).method == "together", "but if another one is used, that one"


def test_hit_rates_are_those_counted_by_hand(planted):
    """The best sellers of the last origin, by pandas alone."""
    rows, found = planted
    day = pd.Timestamp(END) - pd.Timedelta(weeks=trial.WEEKS)
    known, later = rows[rows["at"] <= day], rows[rows["at"] > day]
    recent = known[known["at"] > day - pd.Timedelta(weeks=trial.WEEKS)]
    sold = recent.groupby("product")["customer_id"].nunique()
    sold = sold.sort_index().sort_values(ascending=False, kind="stable")
    has = known.groupby("customer_id")["product"].agg(set)
    hits = []
    for customer, bought in later[later["customer_id"].isin(has.index)].groupby("customer_id"):
        new = bought[~bought["product"].isin(has[customer])]
        if len(new):
            basket = set(new.loc[new["basket"] == new["basket"].iloc[0], "product"])
            shown = [p for p in sold.index if p not in has[customer]][: trial.n_shown(len(sold))]
            hits.append(bool(basket & set(shown)))
    row = found.table.set_index(["day", "method"]).loc[(day, "best_sellers")]
    assert row["n_customers"] == len(hits) and row["n_shown"] == trial.n_shown(len(sold))
    assert row["hit_rate"] == pytest.approx(np.mean(hits))


def test_segments_are_those_of_each_origin(planted):
    asked = []
    run(planted[0], segments_on=lambda day: asked.append(day) or nobody(day))
    assert asked == [END - dt.timedelta(weeks=13 * i) for i in (3, 2, 1)]


def test_ten_products_are_shown_or_a_tenth_of_few():
    assert [trial.n_shown(n) for n in (5, 18, 40, 100, 4000)] == [1, 1, 4, 10, 10]


@pytest.mark.parametrize(
    ("customers", "days", "code"),
    [
        (200, 200, "no_product_test_short_history"),
        (25, 364, "no_product_test_few_customers"),
        (0, 1, "no_products"),
    ],
)
def test_what_cannot_be_tested_is_said_and_popularity_used(customers, days, code):
    rows = invented_baskets.draw(customers, 1, days=max(days, 20))
    rows = rows[rows["at"] < invented_baskets.START + pd.Timedelta(days=days)]
    found = run(rows, (invented_baskets.START + pd.Timedelta(days=days)).date())
    assert [note.code for note in found.notes] == [code]
    assert found.choice.method == "best_sellers" and trial.summarize(found.table) is None
    assert set(found.table) <= set(TABLES["product_backtest"].columns)
    assert np.isnan(found.choice.probability(np.array([1.0]))).all()


def test_probabilities_are_the_shares_that_hit(planted):
    """On the last origin itself the mean probability is the share of recommendations that hit."""
    score, right = np.array([1.0, 2, 2, 3, 4, 5]), np.array([0.0, 1, 0, 0, 1, 1])
    curve = trial._calibrate(score, right)
    found = trial.Choice("together", curve=curve).probability(score)
    assert found.mean() == pytest.approx(right.mean())
    assert (np.diff(found) >= 0).all() and found[0] == 0 and found[-1] == 1
    assert found[1:4] == pytest.approx(1 / 3), "they do not rise in the data, so they are one step"


def test_a_region_takes_over_the_company_s_choice_where_its_own_test_points_the_same_way(planted):
    """The choice of the company comes as JSON."""
    rows, found = planted
    company = trial.Choice(**json.loads(json.dumps(found.choice._asdict())))
    few = rows[rows["customer_id"] < "c00150"]
    unsure = run(few)
    assert unsure.choice.method in scores.POPULARITY, "too few to be sure"
    taken = unsure.take_over(company)
    assert taken.choice == company
    assert taken.table.loc[taken.table["is_used"], "method"].eq(company.method).all()
    said = trial.summarize(taken.table)
    assert said.is_used and not said.is_clear and said.ratio >= trial.LEAST_RATIO


def test_a_region_where_it_does_not_hit_or_was_not_tested_keeps_popularity(planted):
    company = planted[1].choice
    for other in (run(invented_baskets.draw(150, 5)), run(invented_baskets.draw(25, 1))):
        assert other.take_over(company).choice == other.choice
    popular = trial.Choice("best_sellers")
    assert planted[1].take_over(popular).choice == company, "its own test is clear"

"""Forecasts of silence beside Cox's: shares counted by hand, planted effects, and poor data."""

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter

from cvm_analysis.churn import challengers
from cvm_analysis.churn.challengers import Rows

HORIZONS = [90, 180]


def made(n=2500, seed=3, landmarks=("2024-01-01", "2024-07-01"), watched=(365, 183)):
    """Customers at two landmarks whose silence hangs on recency, a feature and the region."""
    rng = np.random.default_rng(seed)
    parts = []
    for mark, days in zip(landmarks, watched, strict=True):
        part = pd.DataFrame({"customer": [f"c{i}" for i in range(n)]})
        part["day"], part["recency"] = pd.Timestamp(mark), rng.integers(0, 400, n).astype(float)
        part["score"], part["group"] = rng.normal(size=n), rng.choice(["east", "south"], n)
        rate = np.exp(
            -4.5 - part["recency"] / 200 + 0.5 * part["score"] + (part["group"] == "east")
        )
        time = np.ceil(rng.exponential(1 / rate))
        part["duration"], part["event"] = np.minimum(time, days), (time <= days).astype(int)
        for horizon in HORIZONS:
            part[f"p_no_purchase_{horizon}d"] = (
                (time > horizon).astype(float) if horizon <= days else np.nan
            )
            part[f"value_{horizon}"] = np.exp(-horizon * rate)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def rows(table):
    names = challengers.column_names(HORIZONS)
    return Rows(
        customers=table["customer"],
        day=table["day"],
        group=table["group"],
        features=table[["recency", "score"]],
        recency=table["recency"],
        value=table[[f"value_{h}" for h in HORIZONS]].set_axis(names, axis=1),
        outcome=table[["duration", "event"]],
        inactive=table[names],
    )


@pytest.fixture(scope="module")
def table():
    return made()


def test_the_recency_rule_takes_the_share_of_its_tenth():
    """Two tenths: of 50 who bought 10 days ago 10 stayed inactive, of 50 after 400 days all."""
    day = pd.Timestamp("2024-01-01")
    table = pd.DataFrame({"recency": np.repeat([10.0, 400.0], 50)})
    table["event"] = [1] * 40 + [0] * 60
    table["duration"] = np.where(table["event"] == 1, 30.0, 90.0)
    table = table.assign(customer=range(100), day=day, group=None, score=0.0)
    for horizon in HORIZONS:
        table[f"value_{horizon}"] = 0.5
    table["p_no_purchase_90d"], table["p_no_purchase_180d"] = 1.0 - table["event"], np.nan
    rule = challengers.fit_recency(rows(table))
    asked = table.iloc[[0, 49, 50, 99]].assign(recency=[5.0, 10.0, 400.0, 4000.0])
    found = rule.p_no_purchase(rows(asked), HORIZONS)
    near, far = (10 + 0.6) / 51, (50 + 0.6) / 51
    assert found["p_no_purchase_90d"].tolist() == pytest.approx([near, near, far, far], abs=1e-12)
    assert found["p_no_purchase_180d"].isna().all()


def test_beyond_its_own_watch_a_tenth_goes_on_as_all_do():
    """Watched for 90 days after 400 of silence; others came at the same pace before and after."""
    day = pd.Timestamp("2024-01-01")
    near = pd.DataFrame({"recency": 10.0, "duration": [60.0] * 40 + [120.0] * 30 + [180.0] * 30})
    far = pd.DataFrame({"recency": 400.0, "duration": [60.0] * 10 + [90.0] * 90})
    table = pd.concat([near, far], ignore_index=True).assign(day=day, group=None, score=0.0)
    table["event"] = ((table["duration"] == 60) | (table["duration"] == 120)).astype(int)
    table["customer"] = table.index
    for horizon in HORIZONS:
        table[f"value_{horizon}"], table[f"p_no_purchase_{horizon}d"] = 0.5, np.nan
    p = challengers.fit_recency(rows(table)).p_no_purchase(rows(table), [90, 180]).iloc[-1]
    left, all_later = 0.9, 0.5
    assert p["p_no_purchase_90d"] == pytest.approx((100 * left + 0.75) / 101)
    assert p["p_no_purchase_180d"] == pytest.approx(
        (100 * left * all_later + 0.75 * all_later) / 101
    )


def test_the_recency_rule_is_kaplan_meier_where_the_watch_ends(table):
    found = challengers.fit_recency(rows(table))
    asked = rows(table).recency
    tenth = np.searchsorted(found.edges, asked)
    for each in (0, 4, 9):
        own = table[tenth == each]
        km = KaplanMeierFitter().fit(own["duration"], own["event"]).predict(180)
        p = found.p_no_purchase(rows(own), [180]).iloc[0, 0]
        assert p == pytest.approx(km, abs=1.0 / len(own))


def test_the_value_model_is_handed_on_and_empty_where_it_gave_none(table):
    given = rows(table)
    found = challengers.ValueModel().p_no_purchase(given, [90, 365])
    assert found["p_no_purchase_90d"].tolist() == table["value_90"].tolist()
    assert found["p_no_purchase_365d"].isna().all()


def test_trees_find_what_was_planted_and_beat_recency(table):
    later = rows(made(seed=9, landmarks=("2025-01-01",), watched=(200,)))
    trees, rule = challengers.fit_boosted(rows(table)), challengers.fit_recency(rows(table))
    came = later.inactive["p_no_purchase_180d"]
    error = {
        name: ((model.p_no_purchase(later, [180]).iloc[:, 0] - came) ** 2).mean()
        for name, model in (("trees", trees), ("rule", rule))
    }
    truth = ((later.value["p_no_purchase_180d"] - came) ** 2).mean()
    assert truth < error["trees"] < truth + 0.006 < error["rule"]


def test_without_the_value_model_trees_still_learn(table):
    alone = rows(table)._replace(value=pd.DataFrame(index=table.index))
    p = challengers.fit_boosted(alone).p_no_purchase(alone, [90])["p_no_purchase_90d"]
    inactive = table["p_no_purchase_90d"] == 1
    assert p[inactive].mean() > p[~inactive].mean() + 0.1


@pytest.mark.parametrize("model", [challengers.fit_recency, challengers.fit_boosted])
def test_the_risk_falls_with_the_horizon_for_everybody(table, model):
    p = model(rows(table)).p_no_purchase(rows(table), HORIZONS)
    assert (p.diff(axis=1).iloc[:, 1:] <= 1e-12).all(axis=None)
    assert p.gt(0).all(axis=None)
    assert p.lt(1).all(axis=None)


def test_what_was_learned_of_a_customer_is_not_in_their_own_unseen_forecast():
    """Whose outcome is turned round gets the same forecast from trees that had not seen them."""
    table = made(n=400)
    names, unseen = (
        challengers.column_names(HORIZONS),
        challengers.fit_boosted(rows(table)).out_of_fold,
    )
    assert unseen.notna().equals(rows(table).inactive.notna())
    seen = challengers.fit_boosted(rows(table)).p_no_purchase(rows(table), HORIZONS)
    came = table[names]
    fits = {n: ((p - came) ** 2).mean().mean() for n, p in (("unseen", unseen), ("seen", seen))}
    assert fits["seen"] < fits["unseen"]


def test_all_rows_of_a_customer_are_in_one_part(table):
    part = pd.Series(challengers._folds(rows(table)), table["customer"])
    assert (part.groupby(level=0).nunique() == 1).all()
    assert part.groupby(level=0).first().value_counts().max() <= 834


def test_neither_the_order_of_the_rows_nor_the_ids_count(table):
    other = table.sample(frac=1, random_state=4)
    other["customer"] = "x" + other["customer"].str[::-1]
    for make in (challengers.fit_boosted, challengers.fit_recency):
        p = make(rows(table)).p_no_purchase(rows(table), HORIZONS)
        again = make(rows(other.reset_index(drop=True))).p_no_purchase(rows(table), HORIZONS)
        pd.testing.assert_frame_equal(p, again, atol=1e-12)


@pytest.mark.parametrize("came", [0.0, 1.0])
def test_if_all_came_out_alike_there_are_no_trees_and_the_rule_says_so(table, came):
    alike = table.assign(event=int(1 - came), duration=np.where(came, table["duration"], 20.0))
    alike["duration"] = 365.0 if came else 20.0
    alike[challengers.column_names(HORIZONS)] = came
    assert challengers.fit_boosted(rows(alike)) is None
    p = challengers.fit_recency(rows(alike)).p_no_purchase(rows(alike), HORIZONS)
    assert np.abs(p - came).max(axis=None) < 0.01


def test_one_customer_is_enough_for_the_rule(table):
    one = table.head(1)
    assert challengers.fit_recency(rows(one)).p_no_purchase(rows(one), [90]).shape == (1, 1)


def test_trees_fall_with_the_horizon_even_if_the_last_landmark_was_unlike_the_others(table):
    """All inactive at the first landmark, nobody within the shorter horizon at the second."""
    odd = table.assign(p_no_purchase_180d=table["p_no_purchase_90d"].where(table["duration"] > 400))
    first = odd["day"] == odd["day"].min()
    odd.loc[first, ["p_no_purchase_90d", "p_no_purchase_180d"]] = [np.nan, 1.0]
    odd.loc[~first, ["p_no_purchase_90d", "p_no_purchase_180d"]] = [0.0, np.nan]
    p = challengers.fit_boosted(rows(odd)).p_no_purchase(rows(odd), HORIZONS)
    assert (p["p_no_purchase_180d"] <= p["p_no_purchase_90d"]).all()


def test_trees_say_nothing_beyond_what_they_have_seen(table):
    short = table.assign(p_no_purchase_180d=np.nan)
    p = challengers.fit_boosted(rows(short)).p_no_purchase(rows(table), HORIZONS)
    assert p["p_no_purchase_90d"].notna().all()
    assert p["p_no_purchase_180d"].isna().all()

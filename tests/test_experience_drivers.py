"""Drivers: regressions of others, a slow bootstrap, a planted driver, nothing from the future."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from cvm_analysis.experience import drivers
from cvm_analysis.tables import check

DAYS = [dt.date(2025, 1, 1), dt.date(2025, 4, 1)]
NAMES = ["after_sale", "price", "product"]


def invented(n=500, effect=0.8, seed=1, missing=0.0):
    """Two landmarks; `product` acts, `price` goes along with it, `after_sale` is alone."""
    rng = np.random.default_rng(seed)
    product = rng.normal(size=n)
    price = 0.7 * product + np.sqrt(1 - 0.7**2) * rng.normal(size=n)
    true = np.column_stack([rng.normal(size=n), price, product])
    scores = np.clip(np.rint(3.5 + 1.1 * np.tile(true, (2, 1))), 1, 5)
    scores[rng.random(scores.shape) < missing] = np.nan
    control = rng.normal(size=(2 * n, 3)) - 0.5 * np.tile(product, 2)[:, None]
    logit = effect * np.tile(product, 2) + 0.8 * control[:, 1] - 0.2
    purchase = (rng.random(2 * n) < 1 / (1 + np.exp(-logit))).astype(float)
    return drivers.Rows(
        pd.Series([f"c{i}" for i in range(n)] * 2),
        pd.Series(np.repeat(DAYS, n)),
        pd.DataFrame(scores, columns=NAMES),
        pd.DataFrame(control, columns=drivers.CONTROLS),
        pd.Series(purchase),
        pd.Series(purchase * rng.lognormal(4, 0.5, 2 * n)),
    )


def standardised(rows):
    x = pd.concat([rows.scores, rows.controls], axis=1)
    x = (x - x.mean()) / x.std()
    return x.assign(second=(rows.landmark == DAYS[1]).astype(float))


def of_outcome(rows, name):
    table = drivers.rank(rows)
    return table[table["outcome_name"] == name].set_index("dimension")


def test_effects_are_those_of_a_logistic_and_a_linear_regression():
    rows = invented()
    x = standardised(rows)
    logistic = LogisticRegression(C=1e6, tol=1e-8, max_iter=1000).fit(x, rows.purchase)
    found = of_outcome(rows, "purchase").loc[NAMES, "effect"]
    assert found.to_numpy() == pytest.approx(logistic.coef_[0, :3], abs=0.01)  # ridge of one row
    cut = rows.margin.clip(upper=rows.margin.quantile(0.99))
    linear = LinearRegression().fit(x, cut)
    found = of_outcome(rows, "margin").loc[NAMES, "effect"]
    assert found.to_numpy() == pytest.approx(linear.coef_[:3], rel=0.01, abs=0.05)


@pytest.mark.slow
def test_draws_of_customers_agree_with_a_slow_bootstrap_that_fits_each_draw():
    rows = invented(n=150, effect=0.3)
    x, y, by_customer = standardised(rows).to_numpy(), rows.purchase.to_numpy(), np.arange(150)
    rng, slow = np.random.default_rng(5), []
    for _draw in range(300):
        chosen = rng.choice(by_customer, 150)
        at = np.concatenate([chosen, chosen + 150])
        slow.append(LogisticRegression(C=1.0, max_iter=500).fit(x[at], y[at]).coef_[0, :3])
    first = np.bincount(np.argmax(slow, axis=1), minlength=3) / 300
    found = of_outcome(rows, "purchase").loc[NAMES]
    assert found["p_first"].to_numpy() == pytest.approx(first, abs=0.08)
    width = (found["high"] - found["low"]) / (2 * 1.96)
    assert width.to_numpy() == pytest.approx(np.std(slow, axis=0), rel=0.15)


def test_a_customer_at_more_landmarks_is_no_more_evidence():
    rows = invented(n=200)
    half = drivers.Rows(*(each.iloc[:200] for each in rows))
    again = [pd.concat([each, each], ignore_index=True) for each in half]
    narrow, wide = of_outcome(drivers.Rows(*again), "margin"), of_outcome(half, "margin")
    width = narrow["high"] - narrow["low"]
    assert (width / (wide["high"] - wide["low"])).to_numpy() == pytest.approx(1, abs=0.02)


def test_the_planted_driver_is_first_and_not_what_goes_along_with_it():
    found = of_outcome(invented(missing=0.2), "purchase")
    assert found.loc["product", "rank"] == 1 and found.loc["product", "p_first"] > 0.95
    assert found.loc["product", "q_value"] < 0.01 < 0.05 < found.loc["price", "q_value"]
    assert found["rank"].tolist() == [1, 2, 3] and found["p_first"].sum() == pytest.approx(1)


def test_missing_scores_take_the_mean_that_the_others_let_expect():
    rng = np.random.default_rng(3)
    true = rng.multivariate_normal([0, 0, 0], [[1, 0.8, 0.1], [0.8, 1, 0.1], [0.1, 0.1, 1]], 4000)
    scores = np.where(rng.random(true.shape) < [0.5, 0, 0.1], np.nan, true)
    filled = drivers.fill(scores)
    known = ~np.isnan(scores)
    assert (filled[known] == scores[known]).all()
    gone = ~known[:, 0] & known[:, 2]
    slope = np.linalg.lstsq(true[:, 1:], true[:, 0], rcond=None)[0]
    assert filled[gone, 0] == pytest.approx(true[gone, 1:] @ slope, abs=0.15)
    assert np.corrcoef(filled[~known[:, 0], 0], true[~known[:, 0], 0])[0, 1] > 0.75


ANSWERS = pd.DataFrame(
    {
        "customer_id": ["a", "a", "a", "b", "b", "x"],
        "at": pd.to_datetime(
            ["2024-12-01", "2025-01-02", "2024-12-01", "2025-03-01", "2025-03-01", "2024-12-01"]
        ),
        "dimension": ["price", "price", "product", "price", "nps", "price"],
        "score": [2.0, 5.0, 4.0, 3.0, 10.0, 1.0],
    }
)
KNOWN = pd.DataFrame(
    {"days_since_last": [9, 0], "n_purchase_days": [3, 1], "T": [10.0, 0.0],
     "net_sales_365d": [99.0, -5.0]},
    index=["a", "b"],
)  # fmt: skip
MARGIN = pd.DataFrame(
    {
        "customer_id": ["a", "a", "b", "a", "b"],
        "day": pd.to_datetime(
            ["2025-01-01", "2025-01-02", "2025-01-31", "2025-02-01", "2025-04-20"]
        ),
        "amount": [50.0, 20.0, -4.0, 30.0, 7.0],
        "purchases": [1, 1, 0, 1, 1],
    }
)


def test_rows_hold_what_was_known_and_what_came_by_hand():
    rows = drivers.gather(ANSWERS, dict.fromkeys(DAYS, KNOWN), MARGIN, 30)
    assert rows.customers.tolist() == ["a", "a", "b"]  # b had not answered on the first day
    assert rows.scores["price"].tolist() == [2, 5, 3]  # x is no customer
    assert rows.scores["product"].tolist()[:2] == [4, 4] and "nps" not in rows.scores
    assert rows.purchase.tolist() == [1, 0, 1]
    assert rows.margin.tolist() == [20, 0, 7]  # of the day itself, and after 30 days: not counted
    assert rows.controls.loc[0].tolist() == pytest.approx(np.log([10, 3 / 36, 100]))
    assert rows.controls.loc[2, "value"] == 0


def test_what_is_known_at_a_landmark_by_hand():
    """b's return is no purchase; of the 365 days to 1 January 2026 the first is 2 January 2025."""
    days = [dt.date(2025, 1, 31), dt.date(2026, 1, 1)]
    found = drivers.known_on(MARGIN.assign(sales=2 * MARGIN["amount"]), days)
    assert found[days[0]].to_dict("index") == {
        "a": {"days_since_last": 29, "n_purchase_days": 2, "T": 30 / 7, "net_sales_365d": 140}
    }
    assert found[days[1]].loc["a"].tolist() == [334, 3, 365 / 7, 100]
    assert found[days[1]].loc["b"].tolist() == [256, 1, 256 / 7, 6]


def test_nothing_after_a_landmark_changes_what_was_known_there():
    base = drivers.gather(ANSWERS, {DAYS[0]: KNOWN}, MARGIN, 30)
    later = ANSWERS.assign(score=ANSWERS["score"].where(ANSWERS["at"] < "2025-01-02", 1.0))
    after = MARGIN.assign(amount=MARGIN["amount"].where(MARGIN["day"] <= "2025-01-31", 1e6))
    again = drivers.gather(later, {DAYS[0]: KNOWN}, after, 30)
    for one, other in zip(base, again, strict=True):
        assert one.equals(other)


def test_a_landmark_counts_once_its_horizon_has_passed():
    assert drivers.landmarks(DAYS, dt.date(2025, 5, 1), 30) == DAYS
    assert drivers.landmarks(DAYS, dt.date(2025, 4, 30), 30) == DAYS[:1]


def test_with_little_data_no_driver_is_named():
    few = drivers.Rows(*(each.iloc[:90] for each in invented()))
    check("drivers", drivers.rank(few))
    assert drivers.rank(few).empty
    rows = invented()
    assert drivers.rank(rows._replace(purchase=rows.purchase * 0)).empty
    nobody = drivers.gather(ANSWERS, {}, MARGIN, 30)
    assert drivers.rank(nobody).empty


def test_where_hardly_anybody_comes_back_margin_has_no_drivers():
    """Its upper end is cut where nearly all have none, so that it does not differ."""
    rows = invented()
    ranked = drivers.rank(rows._replace(margin=0 * rows.margin))
    assert set(ranked["outcome_name"]) == {"purchase"}


def test_a_dimension_whose_scores_never_differ_is_left_out():
    rows = invented()
    table = drivers.rank(rows._replace(scores=rows.scores.assign(price=4.0)))
    assert set(table["dimension"]) == {"after_sale", "product"}
    check("drivers", table)


def test_with_recommendation_scores_alone_there_are_no_dimensions_to_rank():
    only = ANSWERS[ANSWERS["dimension"] == "nps"]
    for known in (only, only.head(0)):
        rows = drivers.gather(known, dict.fromkeys(DAYS, KNOWN), MARGIN, 30)
        assert rows.scores.empty and drivers.rank(rows).empty

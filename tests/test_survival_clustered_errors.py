"""Errors clustered by customer: lifelines' where it is right, R's, and the definition."""

import time

import numpy as np
import pandas as pd
import published
import pytest
from published import r_survival
from test_survival_risk_sets import definition

from cvm_analysis.survival import clustered_errors, cox, risk_sets

EXACT = {"step_size": 1.0, "precision": 1e-12, "r_precision": 1e-15}  # else 6 digits of the errors


def several(seed, n=600, ties=False, strata=1):
    """Rows of n / 3 customers who share a pace, and lifelines' frame of the same."""
    rng = np.random.default_rng(seed)
    customers = pd.Series(rng.integers(0, n // 3, n))
    own = rng.normal(size=n // 3)[customers]
    features = pd.DataFrame({"a": own + rng.normal(size=n), "b": rng.integers(0, 2, n) * 1.0})
    duration = rng.exponential(np.exp(-0.5 * features["a"] + 0.4 * features["b"] - 0.8 * own))
    limit = np.quantile(duration, 0.8)
    shown = np.minimum(duration, limit)
    shown = np.ceil(5 * shown) if ties else shown + 1e-9 * rng.random(n)
    outcome = pd.DataFrame({"duration": shown, "event": (duration < limit) * 1.0})
    return features, outcome, customers, pd.Series(rng.integers(0, strata, n))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("strata", [1, 3])
def test_without_ties_errors_are_those_of_lifelines(seed, strata):
    from lifelines import CoxPHFitter

    features, outcome, customers, groups = several(seed, strata=strata)
    found = cox.fit_plain(features, outcome, customers, groups).hazards
    table = features.join(outcome).assign(customer=customers, group=groups)
    theirs = CoxPHFitter().fit(
        table, "duration", "event", cluster_col="customer", strata=["group"], fit_options=EXACT
    )
    errors = found.loc[list(features), "std_error"].to_numpy()
    assert errors == pytest.approx(theirs.standard_errors_.to_numpy(), rel=1e-6)


def test_2000_rows_have_the_errors_of_lifelines():
    from lifelines import CoxPHFitter

    features, outcome, customers, _ = several(5, n=2000)
    found = cox.fit_plain(features, outcome, customers).hazards
    table = features.join(outcome).assign(customer=customers)
    theirs = CoxPHFitter().fit(
        table, "duration", "event", cluster_col="customer", fit_options=EXACT
    )
    errors = found.loc[list(features), "std_error"].to_numpy()
    assert errors == pytest.approx(theirs.standard_errors_.to_numpy(), rel=1e-6)


def test_with_ties_errors_are_those_of_r():
    """R, coxph(robust = TRUE): each man his own cluster. lifelines ignores ties here."""
    model = r_survival.model("rossi", "full_efron")
    men = pd.Series(model.features.index, model.features.index)
    found = cox.fit_plain(model.features, model.outcome, men).hazards
    printed = published.read("cox_coefficients", dataset="rossi", model="full_efron_robust")
    printed = printed.set_index("term")["se"]
    assert found["std_error"][printed.index].to_numpy() == pytest.approx(printed.to_numpy())


@pytest.mark.parametrize("seed", range(3))
def test_errors_are_those_of_the_definition_with_ties_strata_and_late_entry(seed):
    features, outcome, customers, groups = several(seed, 150, ties=True, strata=2)
    late = outcome["duration"].to_numpy() > 2
    outcome = outcome.assign(entry=np.where(late & (customers % 2 == 0), 1.0, 0.0))
    found = cox.fit_plain(features, outcome, customers, groups)
    coef = found.hazards.loc[list(features), "coef"].to_numpy()
    seen = outcome.assign(stratum=groups)[["entry", "duration", "event", "stratum"]]
    seen["entry"] = seen["entry"].where(seen["entry"] > 0, -np.inf)
    x = features.to_numpy() - features.mean().to_numpy()
    scores, _, information, _ = definition(x, x @ coef, seen)
    summed = pd.DataFrame(scores).groupby(customers).sum().to_numpy()
    plain = np.linalg.inv(information)
    wanted = np.sqrt(np.diag(plain @ summed.T @ summed @ plain))
    assert found.hazards.loc[list(features), "std_error"].to_numpy() == pytest.approx(wanted)


def test_a_customer_told_twice_is_no_more_certain():
    """Each row twice: the errors of single rows, where those of independent rows shrink."""
    features, outcome, _, _ = several(2)
    ids = pd.Series(features.index, features.index)
    once = cox.fit_plain(features, outcome, ids).hazards["std_error"]
    both = [pd.concat([table, table], ignore_index=True) for table in (features, outcome, ids)]
    twice = cox.fit_plain(*both).hazards["std_error"]
    naive = cox.fit_plain(both[0], both[1]).hazards["std_error"]
    assert twice.to_numpy() == pytest.approx(once[twice.index].to_numpy(), rel=0.01)
    assert (naive < 0.8 * once[naive.index]).all()


def test_names_and_order_of_customers_do_not_matter():
    features, outcome, customers, _ = several(4, ties=True)
    one = cox.fit_plain(features, outcome, customers).hazards
    turned = features.sample(frac=1, random_state=1).index
    named = ("c" + customers.astype(str)).loc[turned]
    other = cox.fit_plain(features.loc[turned], outcome.loc[turned], named).hazards
    pd.testing.assert_frame_equal(one, other)


def test_100_000_rows_take_seconds_at_most():
    rng = np.random.default_rng(1)
    n = 100_000
    features = pd.DataFrame(rng.normal(size=(n, 12)), columns=[f"x{k}" for k in range(12)])
    seen = pd.DataFrame({"entry": -np.inf, "duration": rng.integers(1, 365, n), "stratum": 0})
    seen["event"] = rng.integers(0, 2, n)
    customers = pd.Series(rng.integers(0, n // 4, n))
    begun = time.process_time()
    sets = risk_sets.build(features.to_numpy(), np.zeros(n), seen)
    found = clustered_errors.covariance(sets, customers)
    assert time.process_time() - begun < 5  # half a second on a machine at rest
    assert found.shape == (12, 12)

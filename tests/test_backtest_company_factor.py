"""The factor between a company's own forecast of the total and the sum of its regions'."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.backtest import company_factor
from cvm_analysis.clv import histories, naive, nbd

TODAY = dt.date(2025, 12, 31)


@pytest.fixture(scope="module")
def people():
    """600 customers of two regions with other rates; 20 customers of a third."""
    rng = np.random.default_rng(3)
    region = np.repeat(["busy", "quiet", "tiny"], [300, 300, 20])
    T = rng.integers(30, 100, 620).astype(float)
    rate = rng.gamma(2, 0.05, 620) * np.where(region == "busy", 3, 1)
    x = rng.poisson(rate * T)
    t_x = np.where(x > 0, np.ceil(T * rng.random(620)), 0.0)
    return pd.DataFrame({"x": x, "t_x": t_x, "T": T, "region": region}, np.arange(620).astype(str))


def types(people, periods):
    model = nbd.fit(histories.distinct(people)[0])
    origins = [
        SimpleNamespace(
            date=TODAY - dt.timedelta(weeks=10 * n), customers=people, models={"nbd": model}
        )
        for n in range(periods, -1, -1)
    ]
    return {"retail": SimpleNamespace(origins=origins, chosen=["nbd"] * len(origins))}


def scores(actual, company, regions):
    return pd.DataFrame({"actual": actual, "company": company, "regions": regions})


def test_better_beyond_noise_or_not():
    better = scores([100, 110, 90, 100], [101, 108, 92, 100], [120, 131, 112, 119])
    assert company_factor.is_company_better(better)
    worse = better.rename(columns={"company": "regions", "regions": "company"})
    assert not company_factor.is_company_better(worse)
    noisy = scores([100, 110, 90, 100], [101, 130, 92, 100], [120, 110, 90, 100])
    assert not company_factor.is_company_better(noisy)
    assert not company_factor.is_company_better(better.head(2))
    same = scores([100, 110, 90], [120, 131, 112], [120, 131, 112])
    assert not company_factor.is_company_better(same)


def test_a_region_is_fitted_anew_if_it_has_enough_customers(people):
    model = nbd.fit(histories.distinct(people)[0])
    busy, tiny = (people[people["region"] == name] for name in ("busy", "tiny"))
    assert company_factor.refit(model, busy).params != model.params
    assert company_factor.refit(model, tiny) is model
    own = naive.OwnRate()
    assert company_factor.refit(own, busy) is own


def test_with_too_few_periods_the_factor_is_1_and_that_is_noted(people):
    days = pd.DataFrame({"customer_id": people.index, "day": pd.Timestamp("2025-12-01")})
    found = company_factor.find(types(people, 2), days, TODAY, 52)
    assert found.value == 1 and len(found.scores) == 2
    assert [note.code for note in found.notes(1.0)] == ["no_company_factor_few_periods"]


def test_the_factor_is_the_companys_total_over_the_sum_of_regions(people, monkeypatch):
    days = pd.DataFrame({"customer_id": people.index, "day": pd.Timestamp("2025-12-01")})
    monkeypatch.setattr(company_factor, "is_company_better", lambda scores: True)
    found = company_factor.find(types(people, 3), days, TODAY, 52)
    totals = []
    for name in ("busy", "quiet", "tiny"):
        rows = people[people["region"] == name]
        model = nbd.fit(histories.distinct(people if name == "tiny" else rows)[0])
        totals.append(model.expected_purchases(rows, 52).sum())
    company = nbd.fit(histories.distinct(people)[0]).expected_purchases(people, 52).sum()
    assert found.value == pytest.approx(company / sum(totals), rel=1e-9)
    assert found.scores["actual"].tolist() == [0, 0, 620] and found.notes(1.0) == []
    assert [(n.code, n.have) for n in found.notes(0.94)] == [("company_factor", 94.0)]


def test_a_single_region_needs_no_factor(people):
    busy = people[people["region"] == "busy"]
    found = company_factor.find(types(busy, 3), pd.DataFrame(), TODAY, 52)
    assert found.value == 1 and found.scores.empty and found.notes(1.0) == []

"""Ranges of parameters: of a likelihood whose ranges are known, of CDNOW, and without drop-out."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2

from cvm_analysis.clv import bg_nbd, histories, pareto_nbd
from cvm_analysis.clv.numerics import profiles


class Two(NamedTuple):
    one: float
    two: float


def test_ranges_of_a_parabola_are_those_of_its_standard_errors():
    covariance = np.array([[0.04, 0.05], [0.05, 0.25]])
    information, top = np.linalg.inv(covariance), np.array([1.0, -2.0])

    def derivatives(logs, _):
        away = logs - top
        return -7 - float(away @ information @ away) / 2, -information @ away, -information

    h = pd.DataFrame({"x": [1], "t_x": [1.0], "T": [2.0]})
    model = SimpleNamespace(params=Two(*np.exp(top)), log_likelihood=-7.0)
    for level, times in ((0.95, 1.959964), (0.5, 0.674490)):
        found = np.log(profiles.intervals(derivatives, model, h, level))
        half = times * np.array([0.2, 0.5])
        assert found["low"].tolist() == pytest.approx((top - half).tolist(), abs=1e-4)
        assert found["high"].tolist() == pytest.approx((top + half).tolist(), abs=1e-4)
    assert found.index.tolist() == ["one", "two"]


@pytest.mark.parametrize("module", [bg_nbd, pareto_nbd])
def test_at_the_ends_the_likelihood_has_fallen_so_far_and_no_further(cdnow, module):
    """The others' best by a search without derivatives."""
    h, _ = histories.distinct(cdnow, "week")
    fitted = module.fit(h)
    ends = profiles.intervals(module.derivatives, fitted, h)
    for place, held in ((2, ends["high"].iloc[2]), (1, ends["low"].iloc[1])):

        def worse(logs, place=place, held=held):
            params = module.Params(*np.exp(np.insert(logs, place, np.log(held))))
            return -module.log_likelihood(params, h)

        start = np.delete(np.log(fitted.params), place)
        rules = {"xatol": 1e-4, "fatol": 1e-4, "initial_simplex": start + 0.3 * np.eye(4, 3)}
        best = -minimize(worse, start, method="Nelder-Mead", options=rules).fun
        assert fitted.log_likelihood - best == pytest.approx(chi2.ppf(0.95, 1) / 2, abs=2e-3)


def test_drop_out_ranges_further_up_than_down(cdnow):
    h, _ = histories.distinct(cdnow)
    fitted = pareto_nbd.fit(h)
    ends = profiles.intervals(pareto_nbd.derivatives, fitted, h)
    up, down = ends["high"] / fitted.params, fitted.params / ends["low"]
    assert (up[["s", "beta"]] > 1.2 * down[["s", "beta"]]).all()
    assert up[["r", "alpha"]].tolist() == pytest.approx(down[["r", "alpha"]].tolist(), rel=0.05)


def test_where_nobody_leaves_drop_out_has_no_upper_bound():
    rng = np.random.default_rng(3)
    T = rng.uniform(25, 100, 400)
    x = rng.poisson(rng.gamma(0.8, 1 / 6, 400) * T)
    last = T * rng.uniform(size=400) ** (1 / np.maximum(x, 1))
    h = pd.DataFrame({"x": x, "t_x": np.where(x > 0, last, 0.0), "T": T})
    ends = profiles.intervals(pareto_nbd.derivatives, pareto_nbd.fit(h), h)
    assert ends.loc["beta"].tolist() == [0, np.inf]
    assert ends.loc["s", "low"] == 0
    assert ends.loc["r", "low"] < 0.8 < ends.loc["r", "high"]

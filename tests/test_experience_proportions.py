"""Wilson's interval: against scipy's own, and the ends that no interval may pass."""

import pandas as pd
import pytest
from scipy.stats import binomtest

from cvm_analysis.experience.proportions import wilson


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (7, 31), (50, 100), (10, 10), (999, 1000)])
def test_the_interval_is_scipys(k, n):
    theirs = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k / n, float(n)) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_a_series_gives_the_same_and_an_unknown_n_gives_none():
    low, high = wilson(pd.Series([0.7, 0.7]), pd.Series([10.0, None]))
    assert (low[0], high[0]) == pytest.approx(wilson(0.7, 10.0))
    assert low.isna().tolist() == high.isna().tolist() == [False, True]

"""Holdout: the measures of the peers, and a choice that needs evidence."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import bg_nbd, histories, holdout


def test_bg_nbd_on_cdnow_scores_as_in_clvtools(cdnow):
    """CLVTools 0.12.1 on the 39 weeks after 1997-09-30."""
    h, _ = histories.distinct(cdnow)
    forecast = bg_nbd.fit(h).expected_purchases(cdnow, 39)
    scores = holdout.score({"bg_nbd": forecast}, cdnow["holdout"])
    assert list(scores) == ["model", "metric", "value"]
    found = scores.set_index("metric")["value"]
    assert found["n_customers"] == 2357
    assert found["actual_total"] == 1882
    assert found["forecast_total"] == pytest.approx(1653.40884, abs=1e-3)
    assert found["bias_total"] == pytest.approx(-228.592 / 1882, abs=1e-6)
    assert found["mae"] == pytest.approx(0.785454, abs=1e-6)
    assert found["rmse"] == pytest.approx(1.607982, abs=1e-6)
    assert found["correlation"] == pytest.approx(0.449287, abs=1e-6)


def test_scores_by_hand():
    actual = pd.Series({"a": 0, "b": 2, "c": 4})
    scores = holdout.score({"m": pd.Series({"c": 1.0, "b": 3.0, "a": 0.0})}, actual)
    found = scores.set_index("metric")["value"]
    assert found["mae"] == pytest.approx(4 / 3)
    assert found["rmse"] == pytest.approx(np.sqrt(10 / 3))
    assert found["bias_total"] == pytest.approx(4 / 6 - 1)
    assert found["correlation"] == pytest.approx(0.5)

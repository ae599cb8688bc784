"""The mean of forecasts: identities of log odds, what is empty, and what was not seen."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_churn_challengers import HORIZONS, made, rows

from cvm_analysis.churn import challengers, ensemble, evaluation

SHARES = st.floats(0.001, 0.999)


class Said:
    """A forecast that says the same of everybody, whatever it is asked."""

    def __init__(self, *shares):
        self.shares = shares

    def p_no_purchase(self, asked, days):
        return pd.DataFrame(
            [self.shares] * len(asked.day), asked.day.index, challengers.column_names(days)
        )


@pytest.fixture(scope="module")
def learned():
    return rows(made(n=400))


def found(learned, *parts):
    return ensemble.fit(parts, learned, HORIZONS).p_no_purchase(learned, HORIZONS)


@settings(deadline=None)
@given(SHARES, SHARES)
def test_odds_are_the_geometric_mean_of_the_odds(p, q):
    three = rows(made(n=3))
    each = found(three, Said(p, p), Said(q, q)).to_numpy()
    odds = np.sqrt(p / (1 - p) * q / (1 - q))
    assert each == pytest.approx(np.full((6, 2), odds / (1 + odds)))


def test_opposite_forecasts_cancel_and_alike_ones_stay(learned):
    assert found(learned, Said(0.2, 0.7), Said(0.8, 0.3)).to_numpy() == pytest.approx(0.5)
    three = found(learned, *[Said(0.2, 0.7)] * 3)
    assert three.iloc[0].tolist() == pytest.approx([0.2, 0.7])


def test_a_horizon_that_one_of_them_cannot_forecast_is_that_of_the_others(learned):
    both = found(learned, Said(0.2, np.nan), Said(0.8, 0.3))
    assert both["p_no_purchase_90d"].to_numpy() == pytest.approx(0.5)
    assert both["p_no_purchase_180d"].to_numpy() == pytest.approx(0.3)
    assert found(learned, Said(0.2, np.nan))["p_no_purchase_180d"].isna().all()


def test_one_that_tells_nothing_of_a_customer_is_left_out(learned):
    inactive = Said(np.nan, np.nan)
    assert found(learned, inactive, Said(0.8, 0.3)).iloc[0].tolist() == pytest.approx([0.8, 0.3])
    assert found(learned, inactive, inactive).isna().all(axis=None)


def test_of_the_training_rows_trees_say_what_they_had_not_seen(learned):
    grown = challengers.fit_boosted(learned)
    mean = ensemble.fit([grown, Said(0.5, 0.5)], learned, HORIZONS)
    halved = evaluation.logit(grown.out_of_fold.to_numpy()) / 2
    assert evaluation.logit(mean.out_of_fold.to_numpy()) == pytest.approx(halved, nan_ok=True)
    told = mean.out_of_fold.notna()
    assert (mean.p_no_purchase(learned, HORIZONS)[told] != mean.out_of_fold)[
        told
    ].mean().min() > 0.9

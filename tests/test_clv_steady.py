"""Customers who go on at their pace: a constant stream of purchases, and its present value."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv.steady import Steady
from cvm_analysis.errors import InputError


class Half(Steady):
    def pace(self, h):
        return pd.Series(0.5, h.index)


def test_a_constant_stream_is_worth_its_integral():
    """0.5 a week for 10 weeks are 5; at 1 % a week 0.5 (1 - e^-0.1) / 0.01, and 50 for ever."""
    h = pd.DataFrame({"x": [1, 2]}, index=["a", "b"])
    assert Half().expected_purchases(h, 10).to_dict() == {"a": 5, "b": 5}
    within = Half().discounted_purchases(h, 0.01, 10)
    assert within.tolist() == pytest.approx([50 * (1 - np.exp(-0.1))] * 2)
    assert Half().discounted_purchases(h, 0.01).tolist() == pytest.approx([50, 50])
    assert Half().p_alive(h).isna().all() and within.index.equals(h.index)
    with pytest.raises(InputError):
        Half().discounted_purchases(h, 0.0)

"""Whom to save first: by value at risk, ties by id."""

import numpy as np
import pandas as pd

from cvm_analysis.churn import watchlist


def test_the_first_to_save_have_most_at_risk():
    customers = pd.DataFrame(
        {"value_at_risk": [5.0, 9, 0, np.nan, 9], "reason_1": list("vwxyz")}, index=list("ebdca")
    )
    found = watchlist.first(customers, 3)
    assert found.index.tolist() == ["a", "b", "e"]
    assert found["rank"].tolist() == [1, 2, 3]
    assert found["reason_1"].tolist() == ["z", "w", "v"]
    assert watchlist.first(customers, 1).index.tolist() == ["a"]
    assert len(watchlist.first(customers, 99)) == 3
    assert "rank" not in customers

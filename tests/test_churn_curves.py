"""Kaplan-Meier: published medians and curves by hand."""

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_waltons

from cvm_analysis.churn import curves
from cvm_analysis.errors import InputError


def test_waltons_medians_are_the_published_ones():
    """lifelines' documentation: 56 days; control 58, miR-137 26; 163 flies, 156 deaths."""
    data = load_waltons()
    outcome = data[["T", "E"]].set_axis(["duration", "event"], axis=1)
    whole = curves.medians(outcome)
    assert whole.iloc[0].tolist() == ["all", 163, 156, 56.0]
    parts = curves.medians(outcome, data["group"]).set_index("segment")["median"]
    assert parts.to_dict() == {"control": 58.0, "miR-137": 26.0}


def test_a_curve_by_hand():
    """Events at 2 and 4 of 4 rows, censored at 3 and 5: S = 3/4, then 3/4 x 1/2."""
    outcome = pd.DataFrame({"duration": [2, 3, 4, 5], "event": [1, 0, 1, 0]})
    curve = curves.kaplan_meier(outcome)
    assert curve["duration"].tolist() == [0, 1, 2, 3, 4, 5]
    assert curve["survival"].tolist() == pytest.approx([1, 1, 0.75, 0.75, 0.375, 0.375])
    assert curve["n_at_risk"].tolist() == [4, 4, 4, 3, 2, 1]
    inside = (curve["low"] <= curve["survival"]) & (curve["survival"] <= curve["high"])
    assert inside.all()
    assert curves.kaplan_meier(outcome, step=2)["duration"].tolist() == [0, 2, 4]
    assert np.isnan(curves.medians(outcome.assign(event=0))["median"][0])


def test_every_row_needs_a_group():
    outcome = pd.DataFrame({"duration": [2, 3], "event": [1, 0]})
    with pytest.raises(InputError, match="1 of 2 rows have none"):
        curves.kaplan_meier(outcome, pd.Series(["a", None]))


def test_a_group_that_is_gone_or_new_has_a_curve_too():
    outcome = pd.DataFrame({"duration": [1, 2, 0], "event": [1, 1, 0]})
    table = curves.kaplan_meier(outcome, pd.Series(["gone", "gone", "new"]))
    assert table["survival"].tolist() == [1, 0.5, 0, 1]

"""What raises a customer's risk most, in order, by hand and against a slow obvious count."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis.churn import risk_drivers
from cvm_analysis.errors import InputError
from cvm_analysis.survival import cox
from cvm_analysis.tables import check

PARTS = pd.DataFrame(
    {"silence": [-0.8, 0.2, 0.0], "rate": [0.5, -0.4, 0.005], "nps": [-3.0, 3.0, -3.0]},
    index=list("abc"),
)
PLAIN = pd.DataFrame(
    {"nps": [1.0, 9, 2], "silence": [3.2, 0.4, 1.0], "rate": [4.0, 1.5, 2.0]}, index=list("abc")
)


def test_the_strongest_come_first_and_what_lowers_the_risk_is_no_reason():
    found = risk_drivers.describe(PARTS, PLAIN, ["silence", "rate"])
    assert found.loc["a", ["reason_1", "reason_1_value"]].tolist() == ["silence", 3.2]
    assert found.loc["b", ["reason_1", "reason_1_value"]].tolist() == ["rate", 1.5]
    assert found[["reason_2", "reason_3"]].isna().all(axis=None)
    more = risk_drivers.describe(PARTS.assign(rate=-0.1), PLAIN, ["silence", "rate"])
    assert more.loc["a", ["reason_1", "reason_2"]].tolist() == ["silence", "rate"]


def test_what_does_not_move_the_risk_or_is_not_told_is_no_reason():
    assert risk_drivers.describe(PARTS, PLAIN, ["silence", "rate"]).loc["c"].isna().all()
    assert risk_drivers.describe(PARTS, PLAIN, ["rate"]).loc["a"].isna().all()
    assert risk_drivers.describe(PARTS, PLAIN, []).isna().all(axis=None)


def test_what_nobody_knows_of_a_customer_is_no_reason():
    plain = PLAIN.assign(rate=[4.0, np.nan, 2.0])
    found = risk_drivers.describe(PARTS, plain, ["silence", "rate"], n=1)
    assert found["reason_1"].tolist() == ["silence", None, None]


@pytest.mark.parametrize(
    ("feature", "reasons"),
    [
        ("silence_gaps", [3.0]),  # three usual gaps; not one that is not over
        ("spend_trend", [0.0, 0.5]),  # half of what it was; not twice
        ("complaint_days", [0.5, 3.0]),  # not without a complaint
        ("channel=web", [0.5, 3.0]),
        ("rate", [0.0, 0.5, 3.0]),
        ("tenure_weeks", []),
        ("customer_type=dealer", []),
    ],
)
def test_a_reason_reads_as_one(feature, reasons):
    plain = pd.DataFrame({feature: [0.0, 0.5, 3.0]})
    found = risk_drivers.describe(plain * 0 - 1, plain, [feature])
    assert found["reason_1_value"].dropna().tolist() == reasons


def test_a_feature_is_told_if_its_interval_leaves_out_one():
    hazards = pd.DataFrame({"low": [0.5, 0.9, 1.1], "high": [0.7, 1.2, 1.3]}, index=list("xyz"))
    assert risk_drivers.significant(hazards) == ["x", "z"]


def test_other_rows_or_no_plain_value_are_refused():
    with pytest.raises(InputError, match="3 customers, values of 2"):
        risk_drivers.describe(PARTS, PLAIN.head(2), ["rate"])
    with pytest.raises(InputError, match="without rate"):
        risk_drivers.describe(PARTS, PLAIN.drop(columns="rate"), ["rate", "nps"])


def slow(parts, plain, told, n):
    """One customer after the other."""
    rows = []
    for i in range(len(parts)):
        felt = [f for f in parts if f in told and parts[f].iloc[i] < -0.01]
        felt = sorted(felt, key=lambda f: -abs(parts[f].iloc[i]))[:n]
        row = {}
        for k in range(n):
            f = felt[k] if k < len(felt) else None
            row[f"reason_{k + 1}"] = f
            row[f"reason_{k + 1}_value"] = plain[f].iloc[i] if f else np.nan
        rows.append(row)
    return pd.DataFrame(rows, parts.index)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_all_at_once_is_the_same_as_one_by_one(seed, features, n):
    rng = np.random.default_rng(seed)
    names = [f"f{i}" for i in range(features)]
    parts = pd.DataFrame(rng.normal(0, 0.3, (7, features)).round(2), columns=names)
    plain = pd.DataFrame(rng.normal(0, 9, (7, features)), columns=names)
    told = names[::2]
    found = risk_drivers.describe(parts, plain, told, n)
    pd.testing.assert_frame_equal(found, slow(parts, plain, told, n), check_dtype=False)
    order = rng.permutation(7)
    again = risk_drivers.describe(parts.iloc[order], plain.iloc[order], told, n)
    pd.testing.assert_frame_equal(again.loc[found.index], found)


def test_ratios_of_both_events_stand_in_one_table_and_say_of_what_they_are_means():
    rng = np.random.default_rng(0)
    known = pd.DataFrame(rng.normal(size=(400, 2)), columns=["weak", "strong"])
    at = rng.exponential(np.exp(-known["strong"] - 0.2 * known["weak"]))
    seen = pd.DataFrame({"duration": np.minimum(at, 2.0), "event": (at < 2.0).astype(int)})
    model = cox.fit(known, seen)
    bent = replace(model, nonlinear={"strong": (0.0, 1.0, 2.0)}, not_proportional=("weak",))
    table = risk_drivers.hazards_table(buyers=bent, contracts=model, nobody=None)
    check("hazards", table)
    assert table["event"].tolist() == ["buyers"] * 2 + ["contracts"] * 2
    assert table["feature"].tolist() == ["strong", "weak"] * 2
    assert table["position"].tolist() == [0, 1] * 2
    assert table["mean_over"].tolist()[:2] == ["values", "time"]
    assert table["mean_over"][2:].isna().all()
    assert table["hazard_ratio"].iloc[0] == model.hazards.loc["strong", "hazard_ratio"]
    check("hazards", risk_drivers.hazards_table(buyers=None))
    wild = risk_drivers.hazards_table(buyers=replace(model, dropped={"wild": "diverged"}))
    assert wild["feature"].tolist() == ["strong", "weak", "wild"]
    assert wild["hazard_ratio"].isna().tolist() == [False, False, True]


def test_without_a_model_there_is_no_reason_and_no_column():
    assert risk_drivers.list_reasons(None, PARTS, PLAIN, PARTS).shape == (3, 0)


def test_reasons_are_those_of_the_model_and_of_what_it_tells():
    model = SimpleNamespace(contributions=lambda features: features)
    hazards = pd.DataFrame({"low": [1.1, 0.5], "high": [1.3, 2.0]}, index=["rate", "silence"])
    found = risk_drivers.list_reasons(model, PARTS, PLAIN, hazards)
    pd.testing.assert_frame_equal(found, risk_drivers.describe(PARTS, PLAIN, ["rate"]))

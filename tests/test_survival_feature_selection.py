"""Which features are left out, and why."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.errors import InputError
from cvm_analysis.survival import feature_selection


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    n = 300
    rows = pd.DataFrame({"a": rng.normal(size=n), "b": rng.integers(0, 2, n) * 1.0})
    seen = pd.DataFrame({"event": rng.integers(0, 2, n), "stratum": rng.integers(0, 2, n)})
    return rows, seen


def test_what_tells_something_is_kept(table):
    assert feature_selection.uninformative(*table, max_features=9) == {}


def test_each_reason(table):
    rows, seen = table
    poor = rows.assign(
        same=1e6 + 1e-4 * rows["a"].mean(),
        never=((seen["event"] == 0) & (rows["a"] > 1)) * 1.0,
        twice=3 - 2 * rows["a"],
        sum=rows["a"] + rows["b"],
        late=np.arange(len(rows)) % 7,
    )
    assert feature_selection.uninformative(poor, seen, max_features=2) == {
        "same": "constant",
        "never": "one_sided",
        "twice": "collinear",
        "sum": "collinear",
        "late": "few_events",
    }


def test_the_feature_that_comes_first_is_kept(table):
    rows, seen = table
    twin = rows.assign(twin=rows["a"])
    assert feature_selection.uninformative(twin, seen, 9) == {"twin": "collinear"}
    assert feature_selection.uninformative(twin[["twin", "b", "a"]], seen, 9) == {"a": "collinear"}


def test_what_the_strata_tell_is_constant(table):
    rows, seen = table
    region = rows.assign(region=5.0 + 2 * seen["stratum"])
    assert feature_selection.uninformative(region, seen, 9) == {"region": "constant"}
    assert feature_selection.uninformative(region, seen.assign(stratum=0), 9) == {}


def test_units_do_not_matter(table):
    rows, seen = table
    rows = rows.assign(cents=rows["a"] * 1e9 + 1e10, tiny=rows["b"] * 1e-9)
    assert feature_selection.uninformative(rows, seen, 9) == {
        "cents": "collinear",
        "tiny": "collinear",
    }
    assert feature_selection.uninformative(rows[["cents", "tiny"]], seen, 9) == {}


def test_a_boundless_error_is_not_told(table):
    rows, _ = table
    errors = pd.Series({"a": 3.1 / rows["a"].std(), "b": 2.9 / rows["b"].std()})
    assert feature_selection.unidentified(errors, rows) == ["a"]
    assert feature_selection.unidentified(errors * np.nan, rows) == ["a", "b"]


def test_empty_values_are_named():
    rows = pd.DataFrame({"a": [1.0, np.nan], "b": [1, 2], "c": [np.inf, 0]})
    with pytest.raises(InputError, match="empty or infinite values in a, c"):
        feature_selection.check_numeric(rows)
    assert feature_selection.check_numeric(rows[["b"]])["b"].dtype == float


def test_a_step_that_multiplies_the_rate_by_more_than_a_thousand_is_no_effect():
    coefficients = pd.Series({"a": np.log(999), "b": np.log(1001), "c": -177.0, "d": np.nan})
    assert feature_selection.diverged(coefficients) == ["b", "c", "d"]

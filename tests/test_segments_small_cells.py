"""Hidden counts: tables by hand, and that no total of the others gives one back."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvm_analysis.segments import small_cells


def hidden(least=5, **counts):
    found = small_cells.hide(pd.Series(counts), least)
    return "".join(found.index[found])


def test_counts_by_hand():
    """Least 5: alone 3 would follow from the total; 3 and 1 would together be known to be 4."""
    assert hidden(a=20, b=6, c=9) == ""
    assert hidden(a=20, b=3, c=9) == "bc"
    assert hidden(a=20, b=3, c=1, d=9) == "bcd"
    assert hidden(a=20, b=3, c=4, d=9) == "bc"
    assert hidden(a=20, b=3, c=0, d=9) == "bd", "that nobody is there is no small count"
    assert hidden(a=4, b=0) == "ab" and hidden(a=4) == "a" and hidden(a=0) == ""


def test_groups_by_hand():
    values = pd.Series([*("a" * 9), *("b" * 6), *("c" * 3), *["unknown"] * 2])
    assert small_cells.pool(values, 5).value_counts().to_dict() == {"a": 9, "b": 6, "other": 5}
    assert small_cells.pool(values[:-1], 5).value_counts().to_dict() == {"a": 9, "other": 10}
    assert small_cells.pool(values[:15], 5).value_counts().to_dict() == {"a": 9, "b": 6}
    assert small_cells.pool(pd.Series(["unknown"] * 3), 5).tolist() == ["other"] * 3
    assert small_cells.pool(values[:0], 5).empty
    assert small_cells.pool(values[:15], 5, 1).value_counts().to_dict() == {"other": 15}


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=8), st.integers(1, 10))
def test_no_total_gives_a_hidden_count_back(counts, least):
    """Whoever knows the total knows the sum of the hidden: of two or more, and not a small one."""
    given = pd.Series(counts)
    is_hidden = small_cells.hide(given, least)
    shown = given[~is_hidden]
    assert not ((shown > 0) & (shown < least)).any()
    if is_hidden.any() and not is_hidden.all():
        assert is_hidden.sum() > 1 and given[is_hidden].sum() >= least


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from([*"abcdefghijkl", "unknown"]), min_size=1, max_size=80),
    st.integers(1, 10),
    st.integers(2, 8),
)
def test_no_pool_leaves_a_small_group(values, least, most):
    every = pd.Series(values)
    pooled = small_cells.pool(every, least, most)
    sizes = pooled.value_counts()
    assert sizes.min() >= min(least, len(every))
    assert len(sizes.drop("unknown", errors="ignore")) <= most
    assert (pooled[pooled != "other"] == every[pooled != "other"]).all()


@pytest.mark.parametrize("least", [1, 2])
def test_with_a_limit_of_one_nothing_is_hidden(least):
    counts = pd.Series([0, 1, 5])
    assert small_cells.hide(counts, least).any() == (least > 1)

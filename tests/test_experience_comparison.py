"""Differences against comparable others: by hand, and against planted ones."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.experience import comparison


def rows(*given):
    return pd.DataFrame(given, columns=["customer_id", "cell", "outcome"])


def test_each_is_compared_with_its_own_cell():
    ours = rows(
        *((f"a{i}", "x", 10.0) for i in range(15)), *((f"b{i}", "y", 4.0) for i in range(5))
    )
    ours = pd.concat([ours, rows(("c", "z", 99.0))])
    others = rows(("o", "x", 6.0), ("p", "x", 8.0), ("q", "y", 1.0), ("r", "y", 1.0), ("s", "z", 0))
    found = comparison.difference(ours, others)
    assert (found.n, found.n_alone) == (20, 1)
    assert found.mean == pytest.approx((15 * 10 + 5 * 4) / 20)
    assert found.mean_others == pytest.approx((15 * 7 + 5 * 1) / 20)
    assert found.difference == pytest.approx((15 * 3 + 5 * 3) / 20)
    # all of the error is that of two others of x: sd 1.414, weight .75, mean of two
    half = 1.959964 * 0.75 * np.sqrt(2) / np.sqrt(2)
    assert found.high - found.difference == pytest.approx(half, rel=1e-6)


def test_too_few_give_nothing():
    ours = rows(*((f"a{i}", "x", 10.0) for i in range(19)))
    assert comparison.difference(ours, rows(("o", "x", 1), ("p", "x", 2))) is None


def test_the_interval_holds_a_planted_difference():
    """Outcomes by cell and customer; others stand in several cells, members do once."""
    held = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        cell, other = rng.integers(0, 10, 150), rng.integers(0, 10, 600)
        common = rng.normal(0, 1, 300)  # of the others: each twice
        ours = pd.DataFrame(
            {"customer_id": [f"m{i}" for i in range(150)], "cell": cell,
             "outcome": cell + 0.5 + rng.normal(0, 1.5, 150)}
        )  # fmt: skip
        theirs = pd.DataFrame(
            {"customer_id": [f"o{i % 300}" for i in range(600)], "cell": other,
             "outcome": other + common[np.arange(600) % 300] + rng.normal(0, 1, 600)}
        )  # fmt: skip
        found = comparison.difference(ours, theirs)
        held += found.low <= 0.5 <= found.high
    assert 183 <= held <= 198


PURCHASES = pd.DataFrame(
    {
        "customer_id": ["a", "a", "a", "b", "b"],
        "day": pd.to_datetime(
            ["2024-01-10", "2024-06-10", "2025-01-20", "2024-06-10", "2024-06-11"]
        ),
        "amount": [100.0, 50, 30, 8, -8],
    }
)


def test_the_state_on_a_day_is_read_from_the_purchases():
    known = comparison.histories(PURCHASES)
    state = known.state(np.array([0, 1]), pd.Timestamp("2024-06-10"), 365)
    assert state["recency"].tolist() == [0, 0]
    assert state["pace"].tolist() == [2, 1]
    assert state["value"].tolist() == [150, 8]
    assert state["outcome"].tolist() == [30, -8]
    later = known.state(np.array([0, 1]), pd.Timestamp("2025-01-15"), 30)
    assert later["recency"].tolist() == [219, 218]
    assert later["value"].tolist() == [50, 0]  # 365 days back: after 16 January 2024
    assert later["outcome"].tolist() == [30, 0]
    assert later["is_old"].tolist() == [True, False] and not state["is_old"].any()
    before = known.state(np.array([0, 1]), pd.Timestamp("2024-01-09"), 10)
    assert before["recency"].tolist() == [-1, -1] and before["outcome"].tolist() == [100, 0]
    after = known.state(np.array([0, 1]), pd.Timestamp("2030-01-01"), 10)
    assert after["pace"].tolist() == [0, 0] and (after["outcome"] == 0).all()


def test_cells_tell_classes_apart_and_know_no_currency():
    state = pd.DataFrame(
        {"recency": [0, 1, 30, 31, 400], "pace": [1, 1, 2, 4, 5], "value": [10.0, 15, 16, 0, -5],
         "is_old": [False, False, False, False, True]}
    )  # fmt: skip
    classes = [(0, 1, 3, 0), (1, 1, 3, 0), (1, 2, 4, 0), (2, 3, 0, 0), (5, 4, 0, 1)]
    expected = [((r * 8 + p) * 64 + v) * 2 + o for r, p, v, o in classes]
    assert comparison.cells(state).tolist() == expected
    assert max(expected) < comparison.N_CELLS

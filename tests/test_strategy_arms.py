"""Control groups: the right customers, the right share, the same draw wherever it is made."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cvm_analysis.strategy import arms
from cvm_analysis.strategy.arms import NoControls

N = 4000


def rows(action="letter", kind="marketing", customer_type="retail", n=N):
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in range(n)],
            "action": action,
            "kind": kind,
            "customer_type": customer_type,
        }
    )


def draw(table, shares=None, needed=None, as_of="2025-12-31"):
    return arms.draw(table, shares or {"letter": 0.2}, needed or {}, as_of)


def test_the_share_is_the_planned_one():
    arm, notes = draw(rows())
    assert not notes and set(arm) == {"treated", "control"}
    n_control = int((arm == "control").sum())
    assert stats.binomtest(n_control, N, 0.2).pvalue > 0.001


def test_hashes_are_uniform_and_unrelated_between_days_and_actions():
    ids = rows()["customer_id"]
    drawn = [
        arms.hash_share(action, day, ids)
        for action, day in (
            ("letter", "2025-12-31"),
            ("letter", "2026-01-31"),
            ("call", "2025-12-31"),
        )
    ]
    for each in drawn:
        assert stats.kstest(each, "uniform").pvalue > 0.001
    assert np.abs(np.corrcoef(drawn)[np.triu_indices(3, 1)]).max() < 0.06


def test_a_customer_has_the_same_arm_in_a_region_and_in_the_company():
    table = rows()
    arm, _ = draw(table)
    part, _ = draw(table.sample(500, random_state=1))
    assert (part == arm[part.index]).all()
    again, _ = draw(pd.concat([table, rows("call")], ignore_index=True))
    assert (again[:N] == arm).all()
    other, _ = draw(table, as_of="2026-01-31")
    assert (other != arm).mean() == pytest.approx(2 * 0.2 * 0.8, abs=0.04)


def test_who_is_in_a_list_whose_window_is_open_keeps_the_arm():
    table = rows(n=1000)
    before, _ = draw(table)
    again, _ = draw(table, as_of="2026-01-31")
    pairs = pd.MultiIndex.from_frame(table[["customer_id", "action"]])
    kept = pd.Series(before.to_numpy(), pairs)[:400]
    arm, notes = arms.draw(table, {"letter": 0.2}, {}, "2026-01-31", kept)
    assert not notes and (arm[:400] == before[:400]).all() and (arm[400:] == again[400:]).all()
    assert (arm[:400] != again[:400]).any()
    other = kept.rename({"letter": "call"}, level="action")
    assert (arms.draw(table, {"letter": 0.2}, {}, "2026-01-31", other)[0] == again).all()
    none = pd.Series("", pairs[:1])
    assert arms.draw(table, {"letter": 0.2}, {}, "2026-01-31", none)[0][0] == "", "without a group"


def test_an_account_has_one_arm():
    table = rows().assign(account_id=[f"A{i // 2}" for i in range(N)])
    table.loc[:1, "account_id"] = [None, ""]
    arm, _ = draw(table)
    assert (arm[2:].groupby(table["account_id"]).nunique() == 1).all()
    assert arm[:2].tolist() == draw(rows())[0][:2].tolist()  # they stand alone


@pytest.mark.parametrize(
    "table",
    [rows(kind="recovery"), rows(kind="service"), rows(customer_type="project"),
     rows(customer_type="dealer")],
)  # fmt: skip
def test_nobody_is_left_out_of_what_is_owed_or_among_project_customers_and_dealers(table):
    arm, notes = draw(table)
    assert (arm == "").all()
    assert notes == [NoControls("letter", "no_control_kind")]


def test_only_retail_customers_of_an_action_are_drawn():
    table = pd.concat([rows(), rows(customer_type="dealer", n=50)], ignore_index=True)
    arm, notes = draw(table)
    assert (arm[N:] == "").all() and (arm[:N] != "").all() and not notes


@pytest.mark.parametrize(
    ("needed", "note"),
    [
        (N, None),
        (N + 0.5, NoControls("letter", "no_control_few_customers", N, N + 1)),
        (math.inf, NoControls("letter", "no_control_not_measurable", N)),
    ],
)
def test_below_the_sample_size_nobody_is_drawn(needed, note):
    arm, notes = draw(rows(), needed={"letter": needed})
    assert (arm == "").all() == (note is not None)
    assert notes == ([note] if note else [])


def test_without_a_control_share_nobody_is_drawn():
    arm, notes = draw(rows("call"))
    assert (arm == "").all() and notes == [NoControls("call", "no_control_share")]


def test_no_rows_have_no_arms():
    arm, notes = draw(rows(n=0))
    assert arm.empty and notes == []

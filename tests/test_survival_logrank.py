"""Log-rank tests and restricted means: R's and other printed figures, and sums by hand."""

import numpy as np
import pandas as pd
import published
import pytest
from lifelines.datasets import load_dd, load_g3, load_lymphoma, load_waltons
from published import r_survival
from scipy import stats

from cvm_analysis.survival import kaplan_meier, logrank


def outcome_of(data, duration, event):
    return pd.DataFrame({"duration": data[duration], "event": data[event].astype(int)})


def test_log_rank_is_that_of_r():
    printed = published.read("logrank", rho=0)
    assert len(printed)
    for row in printed.itertuples():
        rows, outcome = r_survival.study(row.dataset)
        found = logrank.logrank(outcome, rows[row.group])
        assert found.df == row.df
        assert (found.chisq, found.p) == pytest.approx((row.chisq, row.p), rel=1e-9)


def test_log_rank_is_the_published_one():
    """Waltons, dd (two and many groups), g3, lymphoma: lifelines' documentation and tests."""
    flies = load_waltons()
    found = logrank.logrank(outcome_of(flies, "T", "E"), flies["group"])
    assert found.chisq == pytest.approx(122.249, abs=5e-4)
    assert found.p == pytest.approx(2e-28, rel=0.1)
    rulers = load_dd()
    ruled = outcome_of(rulers, "duration", "observed")
    assert logrank.logrank(ruled, rulers["democracy"]).chisq == pytest.approx(260.47, abs=5e-3)
    assert logrank.logrank(ruled, rulers["regime"]).chisq == pytest.approx(322.5991, abs=5e-5)
    patients = load_g3()
    found = logrank.logrank(outcome_of(patients, "time", "event"), patients["group"])
    assert found.p == pytest.approx(0.0138, abs=5e-5)
    patients = load_lymphoma()
    found = logrank.logrank(outcome_of(patients, "Time", "Censor"), patients["Stage_group"])
    assert (found.chisq, found.p) == (
        pytest.approx(6.70971, abs=5e-6),
        pytest.approx(0.0096, abs=5e-5),
    )


@pytest.mark.parametrize(
    ("event", "chisq", "p"),
    [([1] * 6, 0.254237, 0.614107), ([1, 0, 1, 1, 0, 1], 0.384615, 0.535143)],
)
def test_a_log_rank_small_enough_for_a_hand(event, chisq, p):
    """10, 20, 30 against 10, 20, 50; R's survdiff prints these."""
    outcome = pd.DataFrame({"duration": [10, 20, 30, 10, 20, 50], "event": event})
    found = logrank.logrank(outcome, pd.Series(list("aaabbb")))
    assert (found.chisq, found.p) == pytest.approx((chisq, p), abs=5e-7)


def drawn(n=300, seed=3, late=True):
    rng = np.random.default_rng(seed)
    duration, event = rng.integers(1, 60, n), rng.integers(0, 2, n)
    entry = rng.integers(0, 40, n) * rng.integers(0, 2, n) * late
    table = pd.DataFrame({"duration": duration, "event": event, "entry": entry})
    table["group"] = rng.choice(list("abc"), n)
    return table[table["entry"] < table["duration"]].reset_index(drop=True)


def test_late_entry_against_the_sum_over_risk_sets():
    table = drawn()
    two = table[table["group"] != "c"]
    observed = expected = variance = 0.0
    for t in sorted(two.loc[two["event"] == 1, "duration"].unique()):
        there = two[
            (two["entry"] < t) & (two["duration"] >= t)
            | (two["entry"] == 0) & (two["duration"] >= t)
        ]
        d = ((there["duration"] == t) & (there["event"] == 1)).sum()
        n, n_a = len(there), (there["group"] == "a").sum()
        observed += (
            (there["duration"] == t) & (there["event"] == 1) & (there["group"] == "a")
        ).sum()
        expected += d * n_a / n
        variance += d * (n_a / n) * (1 - n_a / n) * (n - d) / (n - 1) if n > 1 else 0
    found = logrank.logrank(two, two["group"])
    assert found.chisq == pytest.approx((observed - expected) ** 2 / variance)
    assert found.df == 1


def test_groups_alike_are_told_apart_once_in_twenty():
    rng = np.random.default_rng(11)
    told = 0
    for _ in range(400):
        life, watched = rng.exponential(10, 90), rng.uniform(5, 25, 90)
        outcome = pd.DataFrame(
            {"duration": np.minimum(life, watched), "event": (life < watched) * 1}
        )
        told += logrank.logrank(outcome, pd.Series(np.repeat(list("abc"), 30))).p < 0.05
    assert stats.binom.cdf(told, 400, 0.05) > 0.001
    assert stats.binom.sf(told - 1, 400, 0.05) > 0.001


def test_neither_the_order_of_rows_nor_the_names_of_groups_matter():
    table = drawn()
    found = logrank.logrank(table, table["group"])
    shuffled = table.sample(frac=1, random_state=1)
    renamed = shuffled["group"].map({"a": "z", "b": "y", "c": "x"})
    other = logrank.logrank(shuffled, renamed)
    assert (other.chisq, other.df, other.p) == pytest.approx(tuple(found))


def test_poor_groups_give_an_empty_test_or_none_of_themselves():
    table = drawn(late=False)
    nothing = logrank.logrank(table, pd.Series("a", table.index))
    assert (np.isnan(nothing.chisq), nothing.df, np.isnan(nothing.p)) == (True, 0, True)
    assert np.isnan(logrank.logrank(table.assign(event=0), table["group"]).p)
    assert np.isnan(logrank.logrank(table.head(0), table["group"].head(0)).p)
    without = table.assign(event=table["event"].where(table["group"] != "c", 0))
    assert logrank.logrank(without, without["group"]).df == 2  # a group without events takes part
    unseen = table.assign(
        duration=table["duration"].where(table["group"] != "c", 0),
        event=table["event"].where(table["group"] != "c", 0),
    )
    two = unseen[unseen["group"] != "c"]
    assert tuple(logrank.logrank(unseen, unseen["group"])) == pytest.approx(
        tuple(logrank.logrank(two, two["group"]))
    )


def test_holm_by_hand():
    """.01 .03 .04 .50 times 4 3 2 1, never falling; an empty one is no test."""
    p = pd.Series([0.01, 0.04, np.nan, 0.03, 0.5], list("abcde"))
    found = logrank.holm(p)
    assert found.index.equals(p.index)
    assert found.drop("c").tolist() == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert np.isnan(found["c"])


def test_restricted_means_are_those_of_r():
    """R's survfit, print.rmean, until the longest time of all curves of a dataset."""
    printed = published.read("km_medians")
    checked = 0
    for (name, group), part in printed.groupby(["dataset", "groups"]):
        rows, outcome = r_survival.study(name)
        code = None if group == "none" else rows[group].map(lambda value: f"{group}={value}")  # noqa: B023
        found = logrank.restricted_mean(outcome, code, until=outcome["duration"].max())
        found = found.set_index("segment").join(part.set_index("stratum")[["rmean", "se_rmean"]])
        known = found.dropna()
        checked += len(known)
        assert known["mean"].to_numpy() == pytest.approx(known["rmean"].to_numpy(), rel=1e-9)
        assert known["std_error"].to_numpy() == pytest.approx(
            known["se_rmean"].to_numpy(), rel=1e-9
        )
        reach = 1.959964 * known["se_rmean"]
        assert known["low"].to_numpy() == pytest.approx(known["rmean"] - reach, rel=1e-6)
    assert (checked, len(printed)) == (12, 13)


def test_beyond_what_was_watched_there_is_no_mean():
    """R holds the last survival of the women until the men's last day; 57 days at .0832."""
    rows, outcome = r_survival.study("lung")
    assert logrank.restricted_mean(outcome, rows["sex"], until=1022)["mean"].isna().tolist() == [
        False,
        True,
    ]
    until = logrank.restricted_mean(outcome, rows["sex"], until=965)
    women = outcome[rows["sex"] == 2]
    last = kaplan_meier.kaplan_meier(women)["survival"].iloc[-1]
    assert until["mean"][1] + 57 * last == pytest.approx(460.647310791935)
    assert logrank.restricted_mean(women, None, until=966)["mean"].isna().all()
    gone = pd.DataFrame({"duration": [1, 3], "event": 1})
    found = logrank.restricted_mean(gone, None, until=10).loc[0, ["mean", "low", "high"]]
    reach = 1.959964 * np.sqrt(0.5)
    assert found.tolist() == pytest.approx([2, 2 - reach, 2 + reach], rel=1e-6)


def test_what_was_not_watched_from_the_begin_has_no_mean():
    outcome = pd.DataFrame({"duration": [5, 9, 12], "event": 1, "entry": [2, 2, 3]})
    found = logrank.restricted_mean(outcome, None, until=9).iloc[0]
    assert found[["mean", "std_error", "low", "high"]].isna().all()
    assert found["n"] == 3


def test_intervals_of_the_restricted_mean_hold_the_truth():
    """Exponential, mean 10, until 15: 10 (1 - exp(-1.5)); half of the rows are watched late."""
    rng = np.random.default_rng(8)
    truth, held = 10 * (1 - np.exp(-1.5)), 0
    for _ in range(300):
        life, watched = rng.exponential(10, 200), rng.uniform(12, 30, 200)
        entry = np.where(np.arange(200) % 2, 0.0, 6.0)
        end = np.minimum(life, watched)
        table = pd.DataFrame({"duration": end, "event": (life < watched) * 1, "entry": entry})
        found = logrank.restricted_mean(table[end > entry], None, until=15).iloc[0]
        held += found["low"] <= truth <= found["high"]
    assert 0.91 * 300 <= held <= 0.98 * 300


def test_no_rows_give_no_means():
    outcome = pd.DataFrame({"duration": [], "event": []})
    assert logrank.restricted_mean(outcome, None, until=9).empty

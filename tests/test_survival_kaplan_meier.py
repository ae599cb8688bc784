"""Kaplan-Meier: the curves of R, published medians, and curves by hand."""

import numpy as np
import pandas as pd
import published
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_dd, load_g3, load_waltons
from medians import medians
from published import r_survival

from cvm_analysis.errors import InputError
from cvm_analysis.survival import kaplan_meier


def grouped(name, group):
    rows, outcome = r_survival.study(name)
    return outcome, None if group == "none" else rows[group].map(lambda value: f"{group}={value}")


def test_every_curve_is_that_of_r():
    """R 4.2.2, survfit: S, its standard error and the numbers at risk, at every third time."""
    printed = published.read("km_curves")
    seen = 0
    for (name, group), part in printed.groupby(["dataset", "groups"]):
        ours = kaplan_meier.kaplan_meier(*grouped(name, group), step=0.5)
        found = part.astype({"time": float}).merge(
            ours, left_on=["stratum", "time"], right_on=["segment", "duration"]
        )
        seen += len(found)
        assert found["survival"].to_numpy() == pytest.approx(found["surv"].to_numpy(), abs=1e-12)
        assert (found["n_at_risk"] == found["n.risk"]).all()
        inside = found[(found["surv"] > 0) & (found["surv"] < 1)]
        reach = 1.959964 * inside["std.err"] / (inside["surv"] * np.log(inside["surv"])).abs()
        for bound, power in (("low", np.exp(reach)), ("high", np.exp(-reach))):
            expected = (inside["surv"] ** power).to_numpy()
            assert inside[bound].to_numpy() == pytest.approx(expected, abs=1e-7)
    assert seen == len(printed)


def test_every_median_and_quartile_is_that_of_r():
    printed = published.read("km_medians")
    for (name, group), part in printed.groupby(["dataset", "groups"]):
        outcome, groups = grouped(name, group)
        found = medians(outcome, groups)
        keys = ["segment", "n", "events", "median"]
        expected = part.rename(columns={"stratum": "segment"})[keys].sort_values("segment")
        pd.testing.assert_frame_equal(found, expected.reset_index(drop=True), check_dtype=False)
        curve = kaplan_meier.kaplan_meier(outcome, groups, step=0.5)
        for _, row in part.iterrows():
            own = curve[curve["segment"] == row["stratum"]].set_index("duration")["survival"]
            for share, quartile in ((0.75, row["q25"]), (0.25, row["q75"])):
                if np.isnan(quartile):
                    assert (own > share).all()
                else:
                    assert own[quartile] <= share + 1e-12
                    assert own[own.index < quartile].iloc[-1] >= share - 1e-12


def test_waltons_medians_are_the_published_ones():
    """lifelines' documentation: 56 days; control 58, miR-137 26; 163 flies, 156 deaths."""
    data = load_waltons()
    outcome = data[["T", "E"]].set_axis(["duration", "event"], axis=1)
    whole = medians(outcome)
    assert whole.iloc[0].tolist() == ["all", 163, 156, 56.0]
    parts = medians(outcome, data["group"]).set_index("segment")["median"]
    assert parts.to_dict() == {"control": 58.0, "miR-137": 26.0}


def test_the_median_of_governments_is_the_published_one():
    """lifelines' documentation: half of all political leaders are gone after 4 years."""
    data = load_dd()
    outcome = data[["duration", "observed"]].set_axis(["duration", "event"], axis=1)
    assert medians(outcome)["median"].tolist() == [4.0]


def test_g3_curves_and_intervals_are_the_printed_ones():
    """Glioma patients of R's coin package; values and log-log intervals in lifelines' tests."""
    data = load_g3()
    outcome = pd.DataFrame({"duration": data["time"], "event": data["event"].astype(int)})
    table = kaplan_meier.kaplan_meier(outcome, data["group"]).set_index(["segment", "duration"])
    found = table.loc["RIT"].loc[[25, 53], "survival"]
    assert found.tolist() == pytest.approx([0.909, 0.779], abs=5e-4)
    found = table.loc["Control"].loc[[9, 19, 32, 34]]
    assert found["survival"].tolist() == pytest.approx([0.833, 0.667, 0.5, 0.333], abs=5e-4)
    assert found["low"].tolist() == pytest.approx([0.2731, 0.1946, 0.1109, 0.0461], abs=5e-5)
    assert found["high"].tolist() == pytest.approx([0.975, 0.904, 0.804, 0.676], abs=5e-4)


def test_a_curve_by_hand():
    """Events at 2 and 4 of 4 rows, censored at 3 and 5: S = 3/4, then 3/4 x 1/2."""
    outcome = pd.DataFrame({"duration": [2, 3, 4, 5], "event": [1, 0, 1, 0]})
    curve = kaplan_meier.kaplan_meier(outcome)
    assert curve["duration"].tolist() == [0, 1, 2, 3, 4, 5]
    assert curve["survival"].tolist() == pytest.approx([1, 1, 0.75, 0.75, 0.375, 0.375])
    assert curve["n_at_risk"].tolist() == [4, 4, 4, 3, 2, 1]
    inside = (curve["low"] <= curve["survival"]) & (curve["survival"] <= curve["high"])
    assert inside.all()
    assert kaplan_meier.kaplan_meier(outcome, step=2)["duration"].tolist() == [0, 2, 4]
    assert np.isnan(medians(outcome.assign(event=0))["median"][0])


def test_late_entry_by_hand():
    """One at risk of two at 3 (the third enters at 3), then of two at 5, of one at 8."""
    outcome = pd.DataFrame({"duration": [3, 5, 9, 8], "event": [1, 1, 0, 1], "entry": [0, 1, 3, 4]})
    curve = kaplan_meier.kaplan_meier(outcome).set_index("duration")
    assert curve.loc[[0, 1, 2, 3, 4, 5, 8], "n_at_risk"].tolist() == [1, 1, 2, 2, 2, 3, 2]
    expected = [1, 1 / 2, 1 / 2, 1 / 2 * 2 / 3, 1 / 2 * 2 / 3 / 2]
    assert curve.loc[[2, 3, 4, 5, 8], "survival"].tolist() == pytest.approx(expected)
    assert medians(outcome)["median"].tolist() == [4.0]  # one half from 3 to 5
    entered_at_once = kaplan_meier.kaplan_meier(outcome.assign(entry=0))
    pd.testing.assert_frame_equal(
        entered_at_once, kaplan_meier.kaplan_meier(outcome.drop(columns="entry"))
    )


def drawn(n=400, seed=1):
    """Whole days, many watched late."""
    rng = np.random.default_rng(seed)
    duration, entry = rng.integers(1, 300, n), rng.integers(0, 200, n) * rng.integers(0, 2, n)
    table = pd.DataFrame({"duration": duration, "event": rng.integers(0, 2, n), "entry": entry})
    return table[table["entry"] < table["duration"]].reset_index(drop=True)


def test_late_entry_is_as_in_lifelines():
    outcome = drawn()
    theirs = KaplanMeierFitter().fit(
        outcome["duration"], outcome["event"], timeline=range(300), entry=outcome["entry"]
    )
    curve = kaplan_meier.kaplan_meier(outcome)
    n = len(curve)
    expected = theirs.survival_function_.iloc[:n, 0].to_numpy()
    assert curve["survival"].to_numpy() == pytest.approx(expected, abs=1e-12)
    bounds = theirs.confidence_interval_.iloc[:n].to_numpy()
    known = curve["survival"].to_numpy() > 0
    assert curve.loc[known, ["low", "high"]].to_numpy() == pytest.approx(bounds[known], abs=1e-12)


def test_whoever_came_in_late_does_not_lengthen_the_curve():
    """Half of the lifetimes are seen only from day 100 on; the truth is exponential, mean 120."""
    rng = np.random.default_rng(5)
    life = rng.exponential(120, 40_000)
    entry = np.where(np.arange(40_000) % 2, 0.0, 100.0)
    rows = pd.DataFrame({"duration": life, "event": 1, "entry": entry})[life > entry]
    found = kaplan_meier.kaplan_meier(rows, step=100).set_index("duration")["survival"]
    naive = kaplan_meier.kaplan_meier(rows.drop(columns="entry"), step=100)["survival"]
    assert found[100] == pytest.approx(np.exp(-100 / 120), abs=0.01)
    assert found[300] == pytest.approx(np.exp(-300 / 120), abs=0.01)
    assert naive[1] > found[100] + 0.05


def test_what_was_not_watched_is_not_drawn():
    """Nobody was seen younger than 10; the two of before 4 had gone when the others entered."""
    outcome = pd.DataFrame(
        {
            "duration": [4, 4, 20, 25, 30, 40],
            "event": [1, 1, 1, 0, 1, 0],
            "entry": [0, 0, 10, 10, 10, 12],
        }
    )
    curve = kaplan_meier.kaplan_meier(outcome, step=5)
    assert curve["duration"].tolist() == [10, 15, 20, 25, 30, 35, 40]
    expected = [1, 1, 0.75, 0.75, 0.375, 0.375, 0.375]
    assert curve["survival"].tolist() == pytest.approx(expected)
    assert medians(outcome)["median"].isna().all()
    assert kaplan_meier.observed_range(outcome)[0] == 10


def test_who_enters_when_the_last_one_leaves_leaves_no_gap():
    """A table of the last month: each row is observed for one month of its age."""
    outcome = pd.DataFrame(
        {"duration": [30, 30, 60, 60, 91, 91], "event": [1, 0] * 3, "entry": [0, 0, 30, 30, 60, 60]}
    )
    begin, rows = kaplan_meier.observed_range(outcome)
    assert begin == 0 and len(rows) == 6
    assert kaplan_meier.product_limit(rows)["survival"].tolist() == [0.5, 0.25, 0.125]


def test_one_old_row_far_out_does_not_hide_the_others():
    outcome = pd.DataFrame(
        {"duration": [2, 3, 4, 900], "event": [1, 0, 1, 0], "entry": [0, 0, 0, 700]}
    )
    pd.testing.assert_frame_equal(
        kaplan_meier.kaplan_meier(outcome),
        kaplan_meier.kaplan_meier(outcome.head(3).drop(columns="entry")),
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_without_censoring_the_median_is_the_median(durations):
    outcome = pd.DataFrame({"duration": durations, "event": 1})
    assert medians(outcome)["median"][0] == np.median(durations)


def test_the_order_of_rows_changes_nothing():
    outcome = drawn(200, seed=2)
    groups = pd.Series(np.where(outcome.index % 3, "a", "b"))
    shuffled = outcome.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        kaplan_meier.kaplan_meier(outcome, groups),
        kaplan_meier.kaplan_meier(shuffled, groups.loc[shuffled.index]),
    )


def test_every_row_needs_a_group():
    outcome = pd.DataFrame({"duration": [2, 3], "event": [1, 0]})
    with pytest.raises(InputError, match="1 of 2 rows have none"):
        kaplan_meier.kaplan_meier(outcome, pd.Series(["a", None]))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"duration": [-2, 3]}, "1 of 2 outcomes"),
        ({"duration": [np.inf, 3]}, "1 of 2 outcomes"),
        ({"event": [1, 2]}, "1 of 2 outcomes"),
        ({"entry": [2, 1]}, "1 of 2 outcomes .* observed only from their end on"),
        ({"entry": [-1, np.nan]}, "2 of 2 outcomes"),
    ],
)
def test_impossible_outcomes_are_refused(broken, said):
    outcome = pd.DataFrame({"duration": [2, 3], "event": [1, 0]}).assign(**broken)
    with pytest.raises(InputError, match=said):
        kaplan_meier.kaplan_meier(outcome)


def test_a_group_that_is_gone_or_new_has_a_curve_too():
    outcome = pd.DataFrame({"duration": [1, 2, 0], "event": [1, 1, 0]})
    table = kaplan_meier.kaplan_meier(outcome, pd.Series(["gone", "gone", "new"]))
    assert table["survival"].tolist() == [1, 0.5, 0, 1]
    assert table.loc[2, ["low", "high"]].isna().all()  # R leaves it empty, too
    assert kaplan_meier.kaplan_meier(outcome.head(0)).empty

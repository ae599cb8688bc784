"""Cumulative incidence: by hand, against lifelines, and against Kaplan-Meier for one cause."""

import warnings

import numpy as np
import pandas as pd
import pytest
from lifelines import AalenJohansenFitter

from cvm_analysis.errors import InputError
from cvm_analysis.survival import cumulative_incidence as ci
from cvm_analysis.survival import kaplan_meier

# Ten leads by hand: days, and how they ended (None: open)
HAND = pd.DataFrame(
    {
        "duration": [1.0, 2, 2, 3, 4, 5, 5, 6, 8, 9],
        "cause": ["won", "lost", None, "won", None, "won", "lost", "lost", None, "won"],
    }
)


def share_at(curve, cause, duration):
    rows = curve[(curve["cause"] == cause) & (curve["duration"] == duration)]
    return rows.iloc[0]


def test_ten_leads_by_hand():
    """At risk 10, 9, 7, 5, 3, 1 at days 1, 2, 3, 5, 6, 9; S before: 1, .9, .8, .8 6/7, ..."""
    curve = ci.cumulative_incidence(HAND)
    won_3 = 1 / 10 + 0.8 * 1 / 7
    s_5 = 0.8 * 6 / 7
    assert share_at(curve, "won", 3)["incidence"] == pytest.approx(won_3)
    assert share_at(curve, "won", 5)["incidence"] == pytest.approx(won_3 + s_5 / 5)
    lost_5 = 0.9 / 9 + s_5 / 5
    assert share_at(curve, "lost", 5)["incidence"] == pytest.approx(lost_5)
    assert share_at(curve, "lost", 7)["incidence"] == pytest.approx(lost_5 + s_5 * 3 / 5 / 3)
    assert share_at(curve, "won", 9)["incidence"] == pytest.approx(
        won_3 + s_5 / 5 + s_5 * (3 / 5) * (2 / 3)
    )
    assert curve.groupby("duration")["incidence"].sum()[9] == pytest.approx(1)


def test_the_variance_by_hand():
    """Won by day 3: F = .1 at day 1 and .1 + .8 / 7 at day 3; the three sums, term by term."""
    f1, f2, f = 0.1, 0.1, 0.1 + 0.8 / 7
    first = (f - f1) ** 2 * 1 / (10 * 9) + (f - f2) ** 2 * 1 / (9 * 8)
    second = 1**2 * 9 * 1 / 10**3 + 0.8**2 * 6 * 1 / 7**3
    third = (f - f1) * 1 * 1 / 10**2
    found = ci.aalen_johansen(HAND, "won").set_index("duration")
    assert found.loc[3, "variance"] == pytest.approx(first + second - 2 * third)


def study(n=400, seed=3, step=0.0):
    rng = np.random.default_rng(seed)
    won, lost, end = rng.exponential(30, n), rng.exponential(20, n), rng.uniform(0, 60, n)
    time = np.minimum(np.minimum(won, lost), end)
    cause = np.where(end == time, None, np.where(won == time, "won", "lost"))
    if step:
        time = np.ceil(time / step) * step
    return pd.DataFrame({"duration": time, "cause": cause})


def test_the_curve_and_its_variance_are_those_of_lifelines():
    rows = study()
    code = rows["cause"].map({"won": 1, "lost": 2}).fillna(0).astype(int)
    for number, cause in ((1, "won"), (2, "lost")):
        theirs = AalenJohansenFitter().fit(rows["duration"], code, event_of_interest=number)
        ours = ci.aalen_johansen(rows, cause).set_index("duration")
        curve = theirs.cumulative_density_.iloc[:, 0].reindex(ours.index)
        assert ours["incidence"].to_numpy() == pytest.approx(curve.to_numpy(), abs=1e-12)
        variance = theirs.variance_.reindex(ours.index).to_numpy()
        assert ours["variance"].to_numpy() == pytest.approx(variance, rel=1e-9, abs=1e-15)


def test_tied_times_are_close_to_lifelines_moved_ones():
    rows = study(step=5.0)
    code = rows["cause"].map({"won": 1, "lost": 2}).fillna(0).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = AalenJohansenFitter(seed=1, calculate_variance=False).fit(
            rows["duration"], code, event_of_interest=1
        )
    found = ci.incidence_at(rows, 30).set_index("cause")["incidence"]
    assert found["won"] == pytest.approx(theirs.predict(30.01), abs=0.01)


def test_with_one_cause_it_is_kaplan_meier_with_its_interval():
    rows = study(step=2.0)
    rows = rows.assign(cause=rows["cause"].where(rows["cause"] == "won"))
    ours = ci.cumulative_incidence(rows)
    km = kaplan_meier.kaplan_meier(rows.assign(event=rows["cause"].notna().astype(int)))
    assert ours["incidence"].to_numpy() == pytest.approx(1 - km["survival"].to_numpy())
    inside = km["survival"].to_numpy() > 0
    assert ours["low"].to_numpy()[inside] == pytest.approx(1 - km["high"].to_numpy()[inside])
    assert ours["high"].to_numpy()[inside] == pytest.approx(1 - km["low"].to_numpy()[inside])


def test_censoring_the_other_cause_would_overstate():
    rows = study(2000)
    won = rows["duration"].where(rows["cause"] == "won")
    alone = kaplan_meier.product_limit(rows.assign(event=won.notna().astype(int)))
    found = ci.incidence_at(rows, 40).set_index("cause")["incidence"]
    # hazards 1/30 and 1/20: won by 40 is .4 (1 - exp(-40 / 12))
    assert found["won"] == pytest.approx(0.4 * (1 - np.exp(-40 / 12)), abs=0.05)
    assert 1 - kaplan_meier.survival_at(alone, 40) > found["won"] + 0.2


def test_late_entry_and_groups():
    rows = study(1500).assign(entry=0.0)
    late = rows["duration"] > 10
    rows.loc[late, "entry"] = 10.0
    found = ci.incidence_at(rows[~late | (rows["entry"] > 0)], 40).set_index("cause")["incidence"]
    assert found["lost"] == pytest.approx(0.6 * (1 - np.exp(-40 / 12)), abs=0.06)
    groups = pd.Series(np.where(rows.index < 500, "a", "b"), rows.index)
    both = ci.incidence_at(rows, 40, groups).set_index(["segment", "cause"])["incidence"]
    alone = ci.incidence_at(rows[:500], 40).set_index("cause")["incidence"]
    assert both["a"].to_dict() == pytest.approx(alone.to_dict())


def test_a_horizon_that_was_not_observed_has_no_figure():
    assert ci.incidence_at(HAND, 30)["incidence"].notna().all()  # all had ended at day 9
    still_open = HAND.assign(cause=HAND["cause"].where(HAND["duration"] < 9))
    assert ci.incidence_at(still_open, 30)["incidence"].isna().all()
    assert ci.cumulative_incidence(HAND[:0]).empty


def test_the_interval_holds_the_truth_in_95_of_100_samples():
    truth = 0.4 * (1 - np.exp(-30 / 12))
    held = 0
    for seed in range(200):
        row = ci.incidence_at(study(150, seed), 30).set_index("cause").loc["won"]
        held += row["low"] <= truth <= row["high"]
    assert 183 <= held <= 198


def test_impossible_rows_are_an_error():
    with pytest.raises(InputError, match="1 of 10 outcomes"):
        ci.cumulative_incidence(HAND.assign(duration=HAND["duration"].where(HAND.index != 4, -1)))

"""Lapses: dated when the silence passes the bound, and a bound that few come back from."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.churn import lapse
from cvm_analysis.errors import FitError

END = dt.date(2025, 12, 31)


def days(**bought):
    """Days of purchase counted from 2025-01-01 (day 0); END is day 364."""
    rows = [(who, pd.Timestamp("2025-01-01") + pd.Timedelta(days=d)) for who in bought
            for d in bought[who]]  # fmt: skip
    return pd.DataFrame(rows, columns=["customer_id", "day"])


def test_a_lapse_is_dated_when_the_silence_passes_the_bound():
    found = lapse.purchase_spells(
        days(a=[0, 10, 310], b=[264], c=[265], d=[0, 100], e=[364]), END, 100
    )
    expected = pd.DataFrame(
        [
            ("a", 1, 0, 110, 1),  # last purchase of the spell on day 10, lapsed on day 110
            ("a", 2, 310, 54, 0),  # came back; still buying
            ("b", 1, 264, 100, 1),  # day 364 is the hundredth without a purchase
            ("c", 1, 265, 99, 0),
            ("d", 1, 0, 200, 1),  # back on the hundredth day itself: no lapse before day 200
            ("e", 1, 364, 0, 0),
        ],
        columns=["customer_id", "spell", "started_on", "duration", "event"],
    )
    start = pd.Timestamp("2025-01-01") + pd.to_timedelta(expected["started_on"], unit="D")
    pd.testing.assert_frame_equal(found, expected.assign(started_on=start), check_dtype=False)


def test_a_lapse_is_never_known_before_it_happens():
    """As of every day, a spell is lapsed exactly if the silence has reached the bound by then."""
    bought = days(a=[0, 30, 170], b=[60])
    for day in (60, 129, 130, 131, 159, 160, 161, 169, 170, 171, 269, 270, 271, 364):
        on = dt.date(2025, 1, 1) + dt.timedelta(days=day)
        found = lapse.purchase_spells(bought, on, 100).groupby("customer_id")["event"].last()
        since = pd.Series({"a": day - (170 if day >= 170 else 30), "b": day - 60})
        assert found.astype(bool).to_dict() == lapse.is_lapsed(since, 100).to_dict(), day


def test_rows_after_the_end_and_their_order_change_nothing():
    bought = days(a=[0, 10, 310], b=[264], d=[0, 100])
    known = lapse.purchase_spells(bought, END, 100)
    later = pd.concat([bought, bought.assign(day=bought["day"] + pd.Timedelta(days=400))])
    pd.testing.assert_frame_equal(lapse.purchase_spells(later.iloc[::-1], END, 100), known)
    pd.testing.assert_frame_equal(
        lapse.purchase_spells(pd.concat([bought, bought]), END, 100), known
    )


def test_who_never_bought_has_not_lapsed():
    assert lapse.is_lapsed(pd.Series([99, 100, np.nan]), 100).tolist() == [False, True, False]


def test_comebacks_by_hand():
    """300 silences watched to the end: 180 of 30 days, 60 of 100, 60 that go on for 500.

    Of the 300 that pass 20 days 240 come back within 100 days; of the 120 that pass 60, 60; of the
    60 that pass 200, none.
    """
    silences = pd.DataFrame(
        {"duration": [30] * 180 + [100] * 60 + [500] * 60, "event": [1] * 240 + [0] * 60}
    )
    found = lapse.candidate_thresholds(silences, thresholds=(20, 60, 200, 450), follow_days=100)
    assert found["threshold_days"].tolist() == [20, 60, 200, 450]
    assert found["n_spells"].tolist() == [300, 120, 60, 60]
    assert found["return_rate"].tolist() == pytest.approx([0.8, 0.5, 0, np.nan], nan_ok=True)
    assert lapse.find_threshold(found) == 200
    assert lapse.find_threshold(found, max_return_rate=0.5) == 60


def test_silences_still_young_do_not_count_as_lost():
    """Half of those watched came back; many that have only just begun change no share."""
    silences = pd.DataFrame({"duration": [50, 500], "event": [1, 0]})
    young = pd.DataFrame({"duration": [45] * 20, "event": 0})
    found = lapse.candidate_thresholds(
        pd.concat([silences, young]), thresholds=(40,), follow_days=100
    )
    assert found["n_spells"].tolist() == [22]
    assert found["return_rate"].tolist() == pytest.approx([0.5])


def test_a_silence_reaches_a_bound_if_that_day_has_no_purchase():
    found = lapse.candidate_thresholds(
        lapse.inactivity_spells(days(a=[0, 100], b=[264]), END), thresholds=(100,)
    )
    assert found["n_spells"].tolist() == [2]  # b's, and the one of a since day 100


def test_silences_by_hand():
    found = lapse.inactivity_spells(days(b=[364], a=[10, 0, 10]), END)
    assert found["customer_id"].tolist() == ["a", "a", "b"]
    assert found["duration"].tolist() == [10, 354, 0]
    assert found["event"].tolist() == [1, 0, 0]


def test_no_bound_is_an_error_that_says_what_to_set():
    slow = pd.DataFrame({"duration": [300] * 5 + [900], "event": [1] * 5 + [0]})
    with pytest.raises(FitError, match=r"90 days: 83%.*set churn\.lapse_days"):
        lapse.find_threshold(lapse.candidate_thresholds(slow, thresholds=(90,)))
    with pytest.raises(FitError, match="history is too short"):
        lapse.find_threshold(lapse.candidate_thresholds(slow, thresholds=(730,)))
    with pytest.raises(FitError, match="history is too short"):
        lapse.find_threshold(lapse.candidate_thresholds(slow.head(0)))


def test_the_bound_of_the_config_wins_and_none_is_noted():
    found = pd.DataFrame(
        {"threshold_days": [90, 180], "n_spells": [80, 40], "return_rate": [0.3, 0.05]}
    )
    assert lapse.choose_threshold(found, 90) == (90, [])
    assert lapse.choose_threshold(found, "auto") == (180, [])
    bound, notes = lapse.choose_threshold(found.head(1), "auto")
    assert bound is None
    assert [note.code for note in notes] == ["no_lapse_threshold"]


def test_without_a_bound_there_are_no_spells():
    spells = lapse.purchase_spells(days(a=[0, 10]), END, None)
    assert spells.empty
    assert list(spells) == ["customer_id", "spell", "started_on", "duration", "event"]
    assert lapse.survival_curves(spells).empty


def test_curves_are_by_segment_and_week():
    spells = lapse.purchase_spells(days(a=[0, 10], b=[264], c=[0, 140, 280]), END, 100)
    found = lapse.survival_curves(spells, pd.Series({"a": "east", "b": "east", "c": "west"}))
    assert list(found)[:3] == ["segment", "week", "survival"]
    east = found[found["segment"] == "east"].set_index("week")["survival"]
    assert east.loc[14] == 1  # day 98: nobody lapses before the bound
    assert east.loc[15] == 0.5  # b on day 100
    assert east.index.max() == 15  # a on day 110, in week 16
    assert lapse.survival_curves(spells)["segment"].unique().tolist() == ["all"]


def test_a_bound_does_not_rest_on_a_handful_of_silences():
    """Of 40 silences of 10 days all ended; of 29 longer ones none, and one more is enough."""
    ended = pd.DataFrame({"duration": [10] * 40, "event": 1})
    few, enough = (
        lapse.candidate_thresholds(
            pd.concat([ended, pd.DataFrame({"duration": [500] * n, "event": 0})]), [30]
        )
        for n in (29, 30)
    )
    assert few["n_spells"].tolist() == [29] and few["return_rate"].tolist() == [0]
    assert lapse.find_threshold(enough) == 30
    with pytest.raises(FitError):
        lapse.find_threshold(few)


def test_the_first_channel_may_not_be_recorded():
    people = pd.DataFrame({"first_channel": ["web", None]}, index=["a", "b"])
    assert lapse.first_channel(people).tolist() == ["web", "unknown"]
    assert lapse.first_channel(people[[]]).tolist() == ["unknown"] * 2

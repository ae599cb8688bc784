"""Waves of old customers are recognised, steady and seasonal inflows are not taken for them."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import acquisition

START = dt.date(2024, 1, 3)
ONLINE_RETAIL = [
    *(423, 291, 158, 13, 14, 121, 93, 103, 116, 91, 68, 93, 119, 109, 78, 113, 93, 85, 100, 87),
    *(43, 36, 89, 66, 72, 44, 57, 65, 65, 43, 36, 43, 42, 44, 55, 36, 35, 39, 34, 40, 56, 68, 96),
    *(72, 110, 74, 80, 77, 82, 87, 79, 59, 36),
]  # customers first seen per week from 2010-12-01; counted from the public file


def first_days(counts):
    """A first purchase on some day of its week for each customer counted."""
    weeks = np.repeat(np.arange(len(counts)), counts)
    days = 7 * weeks + np.arange(len(weeks)) % 7
    ids = [f"C{i:05d}" for i in range(len(weeks))]
    return pd.Series(pd.Timestamp(START) + pd.to_timedelta(days, unit="D"), ids)


def seen(counts, weeks=None):
    end = START + dt.timedelta(weeks=weeks or len(counts)) - dt.timedelta(days=1)
    return acquisition.detect(first_days(counts), START, end)


def test_online_retail_begins_in_mid_business():
    found = seen(ONLINE_RETAIL)
    assert found.is_left_truncated
    assert found.until == START + dt.timedelta(days=5 * 7 - 1)
    assert found.share == pytest.approx(899 / sum(ONLINE_RETAIL))
    assert found.weekly.tolist() == ONLINE_RETAIL
    assert found.weekly.index[1] == START + dt.timedelta(days=7)
    (note,) = found.notes()
    assert note[:3] == ("value", "left_truncation", 21.0)
    table = found.table()
    assert table["is_initial_stock"].tolist() == [True] * 5 + [False] * (len(table) - 5)


def test_a_small_region_uses_the_initial_stock_of_the_company():
    region = [count // 40 for count in ONLINE_RETAIL]
    end = START + dt.timedelta(weeks=len(region)) - dt.timedelta(days=1)
    assert not seen(region).is_left_truncated
    company = seen(ONLINE_RETAIL)
    told = acquisition.detect(first_days(region), START, end, str(company.until))
    assert told.is_left_truncated and told.until == company.until
    assert told.share == pytest.approx(sum(region[:5]) / sum(region))
    assert not acquisition.detect(first_days(region), START, end, "").is_left_truncated


def test_half_a_year_of_online_retail_is_enough():
    assert seen(ONLINE_RETAIL[:30]).is_left_truncated


def test_online_retail_as_published(online_retail):
    first = online_retail.groupby("customer_id")["day"].min()
    found = acquisition.detect(first, dt.date(2010, 12, 1), dt.date(2011, 12, 9))
    assert found.weekly.head(6).tolist() == [423, 291, 158, 13, 14, 121]
    assert found.is_left_truncated and found.until == dt.date(2011, 1, 4)


def test_a_panel_recruited_in_twelve_weeks_is_no_initial_stock(cdnow):
    found = acquisition.detect(cdnow["first_order"], dt.date(1997, 1, 1), dt.date(1997, 9, 30))
    assert not found.is_left_truncated and found.notes() == []
    assert (found.until, found.share) == (None, 0.0)
    assert found.weekly.sum() == len(cdnow) and len(found.weekly) == 12


@pytest.mark.parametrize("dispersion", [1, 5])
@pytest.mark.parametrize("shape", ["steady", "growing", "falling", "season"])
def test_inflows_without_an_initial_stock_give_none(shape, dispersion):
    """About 1 of 1,000 such logs was taken for a wave; none of these 50."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        weeks = int(rng.integers(52, 160))
        years = np.arange(weeks) / 52.18
        form = {
            "steady": years * 0 + 1,
            "growing": np.exp(0.3 * years),
            "falling": np.exp(-0.4 * years),
            "season": 1 + 0.5 * np.cos(2 * np.pi * years),
        }[shape]
        mean = form * np.exp(rng.uniform(np.log(2), np.log(100)))
        rate = mean if dispersion == 1 else rng.gamma(mean / 4, 4)
        assert not seen(rng.poisson(rate)).is_left_truncated


@pytest.mark.parametrize(("gap", "share_new"), [(5, 0.2), (10, 0.2), (10, 0.5), (10, 1.0)])
def test_a_business_cut_in_two_is_recognised(gap, share_new):
    """1,000 old customers who buy every `gap` weeks on average, and as many new a year."""
    rng = np.random.default_rng(2)
    for _ in range(20):
        old = rng.exponential(1 / rng.gamma(1, 1 / gap, 1000))
        counts = np.bincount(old[old < 80].astype(int), minlength=80)
        found = seen(counts + rng.poisson(1000 * share_new / 52, 80))
        assert found.is_left_truncated
        assert found.share > 0.05


def test_a_season_differs_from_an_initial_stock_once_it_returns():
    peaks = 40 * (1 + 1.5 * (np.arange(60) % 52 < 4)).astype(int) + np.arange(60) % 3
    assert not seen(peaks).is_left_truncated


def test_a_region_that_opens_late_has_no_initial_stock():
    assert not seen([0] * 30 + ONLINE_RETAIL).is_left_truncated


def test_too_short_a_log_is_not_judged():
    assert not seen(ONLINE_RETAIL[:16]).is_left_truncated
    assert not seen([5]).is_left_truncated


def test_a_small_initial_stock_gives_no_note():
    counts = [40, 30, 20, 15, *[6] * 1000]
    assert not seen(counts).is_left_truncated
    assert seen(counts[:200]).is_left_truncated


def test_only_full_weeks_and_known_days_count():
    first = first_days([10] * 30)
    end = START + dt.timedelta(days=7 * 20 + 3)
    late = pd.concat([first, pd.Series([pd.NaT], ["prospect"])])
    found = acquisition.detect(late, START, end)
    assert found.weekly.tolist() == [10] * 20


def test_order_and_ids_do_not_matter():
    first = first_days(ONLINE_RETAIL)
    end = START + dt.timedelta(weeks=53)
    mixed = first.sample(frac=1, random_state=3).set_axis(range(len(first)))
    one, other = (acquisition.detect(series, START, end) for series in (first, mixed))
    assert one.weekly.equals(other.weekly) and one.until == other.until


def test_new_customers_are_those_first_seen_after_the_initial_stock():
    weekly = pd.Series(dtype=int)
    days = pd.Series(pd.to_datetime(["2025-01-05", "2025-01-06", None]), ["a", "b", "c"])
    wave = acquisition.Acquisition(weekly, True, dt.date(2025, 1, 5), 0.5)
    assert list(wave.new_customers(days)) == ["b"]
    assert list(acquisition.Acquisition(weekly, False, None, 0.0).new_customers(days)) == ["a", "b"]

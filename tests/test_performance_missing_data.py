"""Data are missing after a gap much longer than those they have had before."""

import datetime as dt

import pandas as pd
import pytest

from cvm_analysis.performance import missing_data

DAY = dt.date(2025, 12, 31)


def recorded(every, until, n=100):
    """Days of one table: every so many days, the last one so many days before DAY."""
    ago = until + every * pd.Series(range(n))
    return pd.DataFrame({"table": "feedback", "day": pd.Timestamp(DAY) - ago * pd.Timedelta("1D")})


@pytest.mark.parametrize(
    ("every", "until", "missing"),
    [
        (1, 89, False),
        (1, 90, True),
        (30, 90, True),  # monthly, three times in a row not there
        (50, 99, False),
        (50, 100, True),
        (91, 181, False),  # quarterly: once is no wonder
        (91, 182, True),
    ],
)
def test_what_came_often_is_missing_soon_and_what_came_seldom_later(every, until, missing):
    found = missing_data.find(recorded(every, until), DAY, 90)
    assert found["days"].tolist() == ([until] if missing else [])


def test_of_several_tables_those_that_stopped_are_named():
    both = pd.concat([recorded(1, 120), recorded(1, 0).assign(table="points")])
    found = missing_data.find(both, DAY, 90)
    assert found.to_dict("list") == {"table": ["feedback"], "days": [120]}


def test_the_number_of_days_is_that_of_the_config_and_may_be_off():
    assert missing_data.find(recorded(1, 45), DAY, 30)["days"].tolist() == [45]
    assert missing_data.find(recorded(1, 400), DAY, None).empty


def test_too_few_days_do_not_tell_how_often_rows_come():
    assert missing_data.find(recorded(1, 120, n=4), DAY, 90).empty
    assert len(missing_data.find(recorded(1, 120, n=5), DAY, 90)) == 1
    nothing = pd.DataFrame({"table": [], "day": []})
    assert missing_data.find(nothing, DAY, 90).empty

"""What ends soon, in a reader's words: contracts, points and levels, each with its figures."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from test_churn_endings import CONTRACTS, VALUE
from test_report_accounts import planned
from test_report_churn import text

from cvm_analysis.report import endings
from cvm_analysis.report.endings import Ending
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts import languages, words

OWN = {
    "en": {
        **{"actions.visit": "Visit", "owners.key": "Key accounts"},
        **{"values.level.gold": "Gold", "values.level.silver": "Silver"},
    }
}
EN = Writer(words("en", OWN, horizon_weeks=52), "EUR")
MEMBERS = pd.DataFrame(
    {
        "points_expiring": [120.0, 0.0, 30.0, np.nan],
        "expires_on": pd.to_datetime(["2026-01-20", "2026-01-02", "2026-01-05", None]),
    },
    index=list("abcd"),
)
NEAR = pd.DataFrame({"n_customers": [2, 1]}, pd.Index(["gold", "silver"], name="next_level"))
WHOLE = Ending(CONTRACTS, VALUE, MEMBERS, NEAR, 0.1, 30, dt.date(2025, 12, 31))
NOTHING = Ending(
    CONTRACTS.head(0), VALUE, MEMBERS.head(0), NEAR.head(0), None, 30, dt.date(2025, 12, 31)
)
NO_TERM = CONTRACTS[["p_end_90d"]]
ACTIONS = planned(("b", "visit", 1, None))


def test_contracts_due_come_first_with_the_money_that_will_probably_be_lost():
    """a: 1,000 with 20% lost; b: 900, all of it."""
    assert endings.heading(EN, WHOLE) == (
        "Contracts worth €1,900 are up for renewal or end within 90 days; €1,100 of it will "
        "probably be lost"
    )
    said = text(endings.show(EN, WHOLE, ACTIONS))
    assert "b Jan 15 €900 0% Visit Key accounts, by Jan 14" in said
    assert "a Mar 31 €1,000 80% No action planned" in said
    assert said.index("b Jan") < said.index("a Mar") and "Dec 31" not in said


def test_contracts_due_without_known_money_are_counted():
    unknown = WHOLE._replace(contract_churn=CONTRACTS.assign(p_renewal=np.nan))
    assert endings.heading(EN, unknown) == ("2 contracts are up for renewal or end within 90 days")


def test_contracts_without_a_term_stand_by_their_customers_margin():
    """Two of ten at 0.5 and 0.1 five times each: 3 contracts, and 5 x (100 + 300)."""
    many = pd.concat([NO_TERM.loc[["a", "b"]]] * 5).set_axis([f"c{i}" for i in range(10)])
    value = pd.DataFrame({"expected_margin": [200.0, 3000] * 5}, many.index)
    ending = WHOLE._replace(contract_churn=many, value=value)
    assert endings.heading(EN, ending) == (
        "3 contracts will probably end within 90 days; their customers should bring €2,000 of "
        "margin in the next 12 months"
    )
    said = text(endings.show(EN, ending, ACTIONS))
    assert "c1 10% €3,000 No action planned" in said and "c0" not in said, "five lines at most"
    without = ending._replace(value=value.head(0))
    assert endings.heading(EN, without) == "3 contracts will probably end within 90 days"


def test_points_and_levels_are_said_after_contracts_or_instead():
    few = WHOLE._replace(contract_churn=NO_TERM)  # 0.6 of a contract
    heading = "2 customers hold 150 points that expire within 30 days, worth €15"
    assert endings.heading(EN, few) == heading
    said = text(endings.show(EN, few, ACTIONS))
    assert f"{heading}. The first expire on Jan 5, 2026." in said
    levels = "At most a tenth is missing to the next level: 2 customers below Gold, 1 customer"
    assert levels in said
    assert endings.heading(EN, few._replace(membership=MEMBERS.head(0))).startswith(levels)
    unpriced = few._replace(point_value=None)
    assert endings.heading(EN, unpriced).endswith("within 30 days")
    no_points = few._replace(membership=MEMBERS[[]])
    assert "points" not in text(endings.show(EN, no_points, ACTIONS))


@pytest.mark.parametrize("language", languages())
def test_a_business_without_contracts_and_points_has_no_such_part(language):
    writer = Writer(words(language, horizon_weeks=52), "EUR")
    assert endings.heading(writer, NOTHING) == ""
    assert endings.show(writer, NOTHING, ACTIONS).html == ""
    assert "p_renewal" not in endings.show(writer, WHOLE, ACTIONS).html

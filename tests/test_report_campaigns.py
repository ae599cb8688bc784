"""What campaigns and lists brought, in words: money or points, or why it is not measured."""

import pandas as pd

from cvm_analysis.report import campaigns
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import TABLES
from cvm_analysis.texts import words

OWN = {"en": {"actions.call": "Call them", "actions.mail": "Send a letter"}}
EN = Writer(words("en", OWN, horizon_weeks=52), "EUR")


def results(*rows):
    table = pd.DataFrame(list(rows), columns=list(TABLES["campaign_results"].columns))
    return table.set_index(["campaign_id", "segment"])


def row(campaign, segment="all", **more):
    usual = {"campaign_id": campaign, "segment": segment, "action": "mail", "status": "measured"}
    usual |= {"measure": "purchase", "n_treated": 800, "n_control": 200, "cost": 800.0}
    return usual | more


def test_a_share_of_buyers_is_written_in_points_and_a_margin_in_money():
    table = results(
        row("A", effect=0.0475, low=0.012, high=0.083),
        row("B", measure="margin", effect=12.3, low=-1.0, high=25.0, net_gain=9040.0),
    )
    html = campaigns.effects(EN, table).html
    assert "4.8 points" in html and "1.2 to 8.3 points" in html
    assert "€12.3" in html and "-\u2060€1 to €25" in html and "€9,040" in html
    assert "A · Send a letter" in html


def test_what_is_not_measured_is_named_with_the_cure():
    table = results(row("A", status="not_measured"), row("B", status="open", action="call"))
    html = campaigns.effects(EN, table).html
    assert (
        "nobody was left out at random: A · Send a letter. Give the action a control_share" in html
    )
    assert "not over: B · Call them" in html
    assert "<table" not in html
    assert "No campaign is recorded" in campaigns.effects(EN, results()).html


def test_segments_show_the_shrunken_effect():
    table = results(
        row("A", effect=0.05, low=0.0, high=0.1),
        row("A", "loyal", effect=0.2, shrunken=0.06, shrunken_low=0.01, shrunken_high=0.11,
            q_value=0.0421),
        row("A", "lost", status="few_customers"),
    )  # fmt: skip
    html = campaigns.by_segment(EN, table).html
    assert "A · Loyal" in html and "6.0 points" in html and "1.0 to 11.0 points" in html
    assert "0.042" in html and "Lost" not in html
    assert "measured by segment" in campaigns.by_segment(EN, table.head(1)).html


def test_lists_say_what_they_are_compared_with_or_why_not():
    columns = list(TABLES["ledger_results"].columns)
    usual = {"measure": "margin", "n_recommended": 50, "n_done": 40, "n_control": 10}
    rows = [
        usual | {"as_of": pd.Timestamp("2025-06-30"), "action": "call", "status": "measured",
                 "comparison": "control", "effect": 7.0, "low": 1.0, "high": 13.0},
        usual | {"as_of": pd.Timestamp("2025-09-30"), "action": "call", "status": "open",
                 "closes_on": pd.Timestamp("2025-12-29")},
        usual | {"as_of": pd.Timestamp("2025-09-30"), "action": "mail", "status": "not_measured",
                 "reason": "nothing_done"},
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns).set_index(["as_of", "action"])
    html = campaigns.earlier_lists(EN, table).html
    assert html.index("Sep 30, 2025 · Call them") < html.index("Jun 30, 2025 · Call them")
    assert "control group" in html and "€1 to €13" in html
    assert "read after Dec 29, 2025" in html and "nothing was done" in html


def test_expected_effects_name_what_they_multiply():
    table = pd.DataFrame(
        {
            "on": ["purchase", "margin_at_stake"],
            "assumed": [0.02, 0.08],
            "effect": [0.03, 0.08],
            "sd": [0.01, 0.05],
            "evidence": ["measured_with_control", "assumed"],
            "n_treated": [800, 0],
        },
        index=pd.Index(["mail", "call"], name="action"),
    )
    html = campaigns.expected(EN, table).html
    assert "2.0 points" in html and "3.0 points" in html and "1.7 to 4.3 points" in html
    assert "8.0% of the margin at stake" in html and "Measured with control group" in html

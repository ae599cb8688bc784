"""Points, members, referrals and leads in words."""

import re

import pandas as pd

from cvm_analysis.report import membership
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import TABLES, empty
from cvm_analysis.texts import words

EN = Writer(words("en", {}, horizon_weeks=52), "EUR")


def table(name, *rows):
    filled = pd.DataFrame(list(rows), columns=list(TABLES[name].columns))
    return filled.set_index(list(TABLES[name].key))


def test_shares_of_points_are_percentages_and_liabilities_are_money():
    rows = [
        {"figure": "breakage", "estimate": 0.52, "low": 0.43, "high": 0.6, "horizon_days": 365,
         "is_final": True, "n_customers": 90},
        {"figure": "face_value", "estimate": 426.0, "horizon_days": 365, "is_final": True,
         "n_customers": 90},
    ]  # fmt: skip
    html = membership.points(EN, table("points_figures", *rows)).html
    assert "52%" in html and "43% to 60%" in html and "€426" in html
    assert "cannot live longer than 12 months" in html
    few = membership.points(EN, table("points_figures", {"figure": "face_value", "estimate": 9.0}))
    assert "Too few customers have points" in few.html
    growing = table("points_figures", *({**row, "is_final": False} for row in rows))
    assert "up to an age of 12 months" in membership.points(EN, growing).html


def test_members_stand_beside_comparable_others_without_a_claim():
    row = {"comparison": "members", "window_days": 180, "n_compared": 79, "mean": 187.0,
           "mean_others": 399.0, "difference": -212.0, "difference_low": -476.0,
           "difference_high": 51.0}  # fmt: skip
    html = membership.comparisons(EN, table("comparisons", row)).html
    assert "Members, after joining" in html and "-\u2060€476 to €51" in html
    assert "not drawn at random" in html


def test_leads_show_how_far_they_come_and_what_comes_of_each_source():
    stages = [
        {"by": "all", "segment": "all", "stage": code, "n_reached": n, "share": n / 100,
         "share_of_last": 1.0, "n_open": 2, "n_lost": 1}
        for code, n in (("visit", 100), ("won", 44))
    ]  # fmt: skip
    rows = [
        {"by": by, "segment": code, "n_leads": 100, "n_won": 44, "n_open": 5, "won": 0.4,
         "won_low": 0.31, "won_high": 0.5, "pipeline_value": 60210.0, "expected_value": 13637.0}
        for by, code in (("all", "all"), ("source", "fair"), ("owner", "Li"))
    ]  # fmt: skip
    html = membership.leads(EN, table("lead_funnel", *stages), table("lead_conversion", *rows)).html
    assert "visit" in html and "Won" in html and "44%" in html
    assert "fair" in html and "31% to 50%" in html and "€13,637" in html and "Li" not in html


def test_only_what_is_due_is_listed_the_most_overdue_first():
    rows = [
        {"lead_id": code, "owner": "Li", "stage": "quote", "value": 10.0,
         "due_on": pd.Timestamp("2025-12-01"), "days_overdue": days}
        for code, days in (("L1", 3), ("L2", 30), ("L3", -2))
    ]  # fmt: skip
    html = membership.follow_ups(EN, table("follow_ups", *rows)).html
    assert html.index("L2") < html.index("L1") and "L3" not in html


def test_follow_ups_have_their_grade_where_leads_have_a_scorecard():
    row = {"lead_id": "L1", "owner": "Li", "stage": "quote", "value": 10.0,
           "due_on": pd.Timestamp("2025-12-01"), "days_overdue": 3}  # fmt: skip
    plain = membership.follow_ups(EN, table("follow_ups", row)).html
    graded = membership.follow_ups(EN, table("follow_ups", row | {"score": 7.0, "grade": "B"})).html
    assert "Grade" in graded and ">B<" in graded and "Grade" not in plain
    unknown = {"score": None, "grade": "not_graded"}
    assert "not_graded" not in membership.follow_ups(EN, table("follow_ups", row | unknown)).html


def test_the_scores_of_leads_say_which_is_in_use_and_their_auc():
    rows = [
        {"lead_score": name, "auc": auc, "auc_low": auc - 0.05, "auc_high": auc + 0.05,
         "n_leads": 110, "is_used": name == "scorecard"}
        for name, auc in (("source", 0.57), ("model", 0.62), ("scorecard", 0.68))
    ]  # fmt: skip
    html = membership.lead_scores(EN, table("lead_scores", *rows)).html
    cells = re.sub(r"<[^>]+>", " ", html)
    assert re.search(r"Scorecard of leads\s+0\.68\s+0\.63 to 0\.73\s+110\s+✓", cells)
    assert re.search(r"Rate by source\s+0\.57\s+0\.52 to 0\.62\s+110\s+Model", cells)
    few = membership.lead_scores(EN, table("lead_scores")).html
    assert "rate by source" in few


def test_referred_customers_are_shown_by_period():
    rows = [
        {"period": pd.Timestamp(day), "n_new": 50, "n_referred_new": n, "share": n / 50,
         "share_low": 0.02, "share_high": 0.2}
        for day, n in (("2025-07-01", 4), ("2025-10-01", 5))
    ]  # fmt: skip
    html = membership.referral_share(EN, table("referral_share", *rows)).html
    assert "Oct 2025" in html and "10%" in html and "2% to 20%" in html


def test_what_is_absent_is_said_in_one_sentence():
    def nothing(name):
        return empty(name).set_index(list(TABLES[name].key))

    funnel, conversion = nothing("lead_funnel"), nothing("lead_conversion")
    for said, block in {
        "No points": membership.points(EN, nothing("points_figures")),
        "Too few members": membership.comparisons(EN, nothing("comparisons")),
        "No new customer": membership.referral_share(EN, nothing("referral_share")),
        "No lead is recorded": membership.leads(EN, funnel, conversion),
        "No contact": membership.follow_ups(EN, nothing("follow_ups")),
    }.items():
        assert said in block.html and "<table" not in block.html

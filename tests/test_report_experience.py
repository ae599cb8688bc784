"""What customers say, in words: scores with their changes, who stands out, complaints, tone."""

import pandas as pd

from cvm_analysis.report import experience
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import TABLES, empty
from cvm_analysis.texts import words

OWN = {"en": {"values.dimension.price": "Price"}}
EN = Writer(words("en", OWN, horizon_weeks=52), "EUR")


def table(name, *rows):
    filled = pd.DataFrame(list(rows), columns=list(TABLES[name].columns))
    return filled.set_index(list(TABLES[name].key))


def score(dimension, group="all", level="all", until="2025-12-31", **more):
    usual = {"dimension": dimension, "group": group, "level": level, "period_days": 365}
    usual |= {"until": pd.Timestamp(until), "n_answers": 40, "effective_n": 31.6}
    return usual | more


SCORES = table(
    "survey_scores",
    score("nps", until="2024-12-31", score=50.0),
    score("price", score=3.456, unweighted=3.5, low=3.2, high=3.7, score_change=0.3, change_q=0.01),
    score("nps", score=-12.4, unweighted=-9.0, low=-20.0, high=-4.0, score_change=-3, change_q=0.4),
    score("nps", "segment", "loyal", score=40.0, score_rest=52.0, rest_low=30, rest_high=70,
          rest_q=0.002),
    score("nps", "segment", "lost", score=-50.0, score_rest=-40.0, rest_q=0.3),
)  # fmt: skip


def test_the_last_period_is_shown_nps_first_and_a_change_within_chance_says_so():
    html = experience.scores(EN, SCORES).html
    assert html.index("NPS") < html.index("Price")
    for written in ("-12", "-20 to -4", "-3 (within chance)"):
        assert written.replace("-", "-\u2060") in html, written
    assert "3.46" in html and "3.20 to 3.70" in html and ">+0.30<" in html
    assert ">50<" not in html, "the period before"


def test_only_what_is_beyond_chance_stands_out():
    html = experience.standing_out(EN, SCORES).html
    assert "Loyal · NPS" in html and "+52" in html and "Lost" not in html
    nobody = SCORES[SCORES["rest_q"].isna()]
    assert "differs from the others" in experience.standing_out(EN, nobody).html


def test_response_rates_begin_with_the_highest():
    rows = [
        {"group": "segment", "level": code, "period_days": 365, "until": pd.Timestamp("2025-12-31"),
         "n_asked": 100, "n_answered": n, "response_rate": n / 100, "low": 0.1, "high": 0.5}
        for code, n in (("lost", 5), ("loyal", 44))
    ]  # fmt: skip
    html = experience.response_rates(EN, table("response_rates", *rows)).html
    assert html.index("Loyal") < html.index("Lost") and "44%" in html and "10% to 50%" in html


def test_dimensions_are_candidates_for_a_test_and_no_causes():
    rows = [
        {"outcome_name": outcome, "dimension": "price", "rank": 1, "effect": effect, "low": low,
         "high": high, "p_first": 0.81, "q_value": 0.02}
        for outcome, effect, low, high in (("purchase", 0.31, 0.1, 0.5), ("margin", 21, 2, 40))
    ]  # fmt: skip
    html = experience.drivers(EN, table("drivers", *rows)).html
    assert "Purchase · Price" in html and "0.31" in html and "0.10 to 0.50" in html
    assert "Margin · Price" in html and "€21" in html and "€2 to €40" in html
    assert "candidates for a test, not causes" in html


def test_complaints_name_the_target_and_the_expected_margin():
    row = {"group": "dimension", "level": "price", "n_complaints": 9, "complaints_open": 2,
           "n_overdue": 1, "complaint_days": 258, "median_days": 17.0, "closed_within": 0.42,
           "repeated_share": 0.1, "expected_margin": 5140.0}  # fmt: skip
    html = experience.complaints(EN, table("complaint_times", row), 14).html
    for said in ("Closed within 14 days", "258", "42%", "€5,140", "Price"):
        assert said in html, said


def test_who_left_is_a_difference_in_points_and_a_dash_where_none_was_compared():
    rows = [
        {"group": "all", "level": "all", "n_matched": 78, "left_share": 0.83,
         "left_share_others": 0.59, "left_difference": 0.247, "low": 0.166, "high": 0.328},
        {"group": "dimension", "level": "price", "n_matched": 5},
    ]  # fmt: skip
    html = experience.after_complaints(EN, table("after_complaints", *rows)).html
    assert "24.7 points" in html and "16.6 to 32.8 points" in html
    assert "– points" not in html


def test_products_are_shown_from_five_complaints_on_the_most_frequent_first():
    rows = [
        {"group": "product", "level": name, "n_complaints": n, "complaints_open": 1}
        for name, n in (("oak", 5), ("pine", 4), ("vinyl", 30))
    ]
    html = experience.complaints_by_product(EN, table("complaint_times", *rows), 14).html
    assert html.index("vinyl") < html.index("oak") and "pine" not in html


def test_channels_are_named_and_segments_without_an_interval_are_left_out():
    rows = [
        {"channel": "phone", "group": "all", "level": "all", "n_contacts": 90, "n_customers": 40,
         "n_results": 80, "answered_share": 0.5875, "low": 0.47, "high": 0.69, "correlation": 0.25},
        {"channel": "phone", "group": "segment", "level": "loyal", "answered_share": 0.4,
         "low": 0.2, "high": 0.6},
        {"channel": "phone", "group": "segment", "level": "lost", "answered_share": 1.0},
        {"channel": "fax", "group": "all", "level": "all", "n_contacts": 2},
    ]  # fmt: skip
    html = experience.contact_channels(EN, table("contact_channels", *rows)).html
    for said in ("Phone · All", "59%", "47% to 69%", "0.25", "Phone · Loyal", "fax · All"):
        assert said in html, said
    assert "Lost" not in html and "not drawn at random" in html


def test_indicators_are_shown_in_their_unit_and_spending_elsewhere_as_money():
    rows = [
        {"indicator": name, "group": "all", "level": "all", "n_customers": 40, "n_outside": 3,
         "average": 0.35, "low": 0.31, "high": 0.39, "spend_elsewhere": money}
        for name, money in (("share_of_wallet", 1234567.0), ("needs", None))
    ]  # fmt: skip
    html = experience.indicator_figures(EN, table("indicator_figures", *rows)).html
    assert "Share of wallet · All" in html and "31% to 39%" in html and "€1,234,567" in html
    assert "Needs · All" in html and "0.31 to 0.39" in html


def test_texts_have_a_tone_only_where_it_passed():
    rows = [
        {"source": code, "n_learned": 900, "n_tested": 300, "auc": 0.91, "auc_low": 0.88,
         "auc_high": 0.94, "sensitivity": 0.9, "specificity": 0.95, "is_used": used}
        for code, used in (("answers", True), ("mentions", False))
    ]  # fmt: skip
    html = experience.tone(EN, pd.DataFrame(rows)).html
    assert html.count("✓") == 1 and "0.88 to 0.94" in html and "Mentions elsewhere" in html


def test_what_is_absent_is_said_in_one_sentence():
    def nothing(name):
        return empty(name).set_index(list(TABLES[name].key))

    absent = {
        "No answer to a survey": experience.scores(EN, nothing("survey_scores")),
        "No answer": experience.response_rates(EN, nothing("response_rates")),
        "Too few customers with a score": experience.drivers(EN, nothing("drivers")),
        "No complaint is recorded": experience.complaints(EN, nothing("complaint_times"), 14),
        "Too few complaints": experience.after_complaints(EN, nothing("after_complaints")),
        "No product has five": experience.complaints_by_product(EN, nothing("complaint_times"), 14),
        "No contact with a channel": experience.contact_channels(EN, nothing("contact_channels")),
        "No indicator is imported": experience.indicator_figures(EN, nothing("indicator_figures")),
        "Too few scored texts": experience.tone(EN, pd.DataFrame()),
        "No month has": experience.tone_shares(EN, pd.DataFrame()),
        "No word stands out": experience.topics(EN, pd.DataFrame()),
    }
    for said, block in absent.items():
        assert said in block.html and "<table" not in block.html

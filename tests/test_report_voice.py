"""What customers say in brief: the heading, what to look at first, and what waits, by hand."""

import numpy as np
import pytest
from test_report_churn import text
from test_report_experience import score, table

from cvm_analysis.report import voice
from cvm_analysis.report.voice import Voice
from cvm_analysis.report.writer import Writer
from cvm_analysis.tables import empty
from cvm_analysis.texts import languages, words

OWN = {
    "en": {
        f"values.{key}": name
        for key, name in {
            "dimension.price": "Price", "dimension.product": "Product", "dimension.help": "Help",
            "city.b": "Berlin", "region.north": "North",
        }.items()
    }
}  # fmt: skip
EN = Writer(words("en", OWN, horizon_weeks=52), "EUR")
SCORES = table(
    "survey_scores",
    score("nps", score=12.4, low=5.0, high=19.6, score_change=-9.0, change_q=0.2),
    score("price", score=3.456, score_change=-0.3, change_q=0.01),
    score("product", score=4.0, score_change=0.25, change_q=0.01),
    score("help", score=3.9),
    score("nps", until="2024-12-31", score=50.0),
)
DRIVERS = table(
    "drivers",
    *(
        {"outcome_name": outcome, "dimension": dimension, "rank": rank, "p_first": share}
        for outcome, dimension, rank, share in (
            ("purchase", "help", 1, 0.6), ("purchase", "price", 2, 0.31),
            ("purchase", "product", 3, 0.09), ("margin", "product", 1, 0.99),
        )
    ),
)  # fmt: skip
COMPLAINTS = table(
    "complaint_times",
    *(
        {"group": group, "level": level, "complaints_open": n, "n_overdue": late,
         "expected_margin": money}
        for group, level, n, late, money in (
            ("all", "all", 9, 7, 67_600.0), ("dimension", "price", 2, 1, 600.0),
            ("dimension", "product", 7, 6, 67_000.0), ("region", "north", 9, 7, 67_600.0),
        )
    ),
)  # fmt: skip
LATE = table(
    "late_deliveries",
    *(
        {"group": group, "level": level, "period_days": 365, "n_due": due, "n_late": n,
         "late_share": n / due,
         "low": low, "high": high, "q_value": q}
        for group, level, due, n, low, high, q in (
            ("all", "all", 2000, 240, 0.1, 0.14, np.nan), ("city", "a", 1500, 120, 0.06, 0.1, 0.01),
            ("city", "b", 500, 120, 0.19, 0.29, 0.01), ("region", "north", 2000, 240, 0.1, 0.14,
                                                        np.nan),
        )
    ),
)  # fmt: skip
WHOLE = Voice(SCORES, DRIVERS, COMPLAINTS, LATE, 14)
NAMES = ("survey_scores", "drivers", "complaint_times", "late_deliveries")
NOTHING = Voice(*(table(name) for name in NAMES), 14)


def test_the_heading_is_about_complaints_past_the_target_and_their_money():
    assert voice.heading(EN, WHOLE) == (
        "7 of 9 open complaints are past the target of 14 days; their customers should bring "
        "€67.6K of margin in the next 12 months"
    )
    in_time = WHOLE._replace(complaint_times=COMPLAINTS.assign(n_overdue=0))
    assert "9 complaints are open, none past the target of 14 days" in voice.heading(EN, in_time)


def test_without_open_complaints_the_heading_is_the_nps():
    closed = WHOLE._replace(complaint_times=COMPLAINTS.assign(complaints_open=0))
    assert voice.heading(EN, closed) == (
        "NPS is 12 (5 to 20), -9 (within chance) on the period before"
    )
    assert "NPS is" not in text(voice.show(EN, closed)), "not said twice"
    year = closed._replace(survey_scores=table("survey_scores", score("nps", score=50.0)))
    assert voice.heading(EN, year) == "NPS is 50 (–)"


def test_the_two_dimensions_to_look_at_first_are_candidates_and_lead_the_table():
    said = text(voice.show(EN, WHOLE))
    assert "Look first at Help, Price" in said and "(probability of rank 1: 60%, 31%)" in said
    assert "these are candidates, not causes" in said
    assert "Help 3.90 – – – –" in said, "no complaint about it"
    assert "Price 3.46 -0.30 2 1 €0.6K" in said
    assert "Product 4.00 +0.25 7 6 €67.0K" in said
    assert said.index("Help 3.90") < said.index("Price 3.46") < said.index("Product 4.00")
    assert "NPS is 12 (5 to 20)" in said
    assert "Down by more than chance: Price." in said, "Product rose, the NPS fell by chance"


def test_late_deliveries_name_the_place_that_stands_out():
    said = text(voice.show(EN, WHOLE))
    assert "2,000 order lines to be delivered in the last 365 days, 240 (12%) came late" in said
    assert "Most often in Berlin: 24% (19% to 29%)." in said
    alike = WHOLE._replace(late_deliveries=LATE.assign(q_value=LATE["q_value"] * 10))
    assert "No region or city differs" in text(voice.show(EN, alike))
    better = LATE.assign(q_value=[np.nan, 0.01, 0.06, np.nan])  # a alone, which is late less often
    said = text(voice.show(EN, WHOLE._replace(late_deliveries=better)))
    assert "Most often" not in said and "differs" not in said
    unknown = WHOLE._replace(late_deliveries=LATE.assign(q_value=np.nan))
    assert "differs" not in text(voice.show(EN, unknown))


def test_analysts_see_all_places():
    said = text(voice.late_deliveries(EN, LATE))
    assert "All 2,000 12% 10% to 14% –" in said and "Berlin 500 24% 19% to 29% 0.010" in said
    none = empty("late_deliveries").set_index(["group", "level"])
    assert "No delivery with a promised day" in text(voice.late_deliveries(EN, none))


@pytest.mark.parametrize("language", languages())
def test_who_says_nothing_has_no_such_part(language):
    writer = Writer(words(language, horizon_weeks=52), "EUR")
    assert voice.heading(writer, NOTHING) == ""
    assert voice.show(writer, NOTHING).html == ""
    for name in NAMES:
        part = WHOLE._replace(**{name: getattr(NOTHING, name)})
        assert voice.heading(writer, part) and voice.show(writer, part).html

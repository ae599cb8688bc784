"""The segment of a customer in reports."""

from pathlib import Path

import pandas as pd

from cvm_analysis import settings as settings_module
from cvm_analysis.segments import report_segment

SAMPLE = Path(__file__).parent.parent / "config" / "sample.yaml"


def test_retail_goes_by_name_and_the_others_by_type_and_grade():
    found = report_segment.assign(
        pd.Series(["retail", "project", "dealer", "vip"]),
        pd.Series(["champions", "project", "dealer", "lost"]),
        pd.Series(["A", "B", "not_graded", "A"]),
        {"retail": "rfm", "dealer": "grade"},
    )
    assert found.tolist() == ["champions", "project_b", "dealer_not_graded", "vip_a"]


def test_retail_may_go_by_grade():
    found = report_segment.assign(
        pd.Series(["retail"], ["C1"]),
        pd.Series(["lost"], ["C1"]),
        pd.Series(["A"], ["C1"]),
        {"retail": "grade"},
    )
    assert found.to_dict() == {"C1": "retail_a"}


def test_graded_types_name_their_segments_by_type_and_grade():
    settings = settings_module.load(SAMPLE)
    cards, by = settings.scorecards.scorecards, settings.business.report_segments
    assert [
        report_segment.segment_code(*each) for each in report_segment.list_graded(cards, by)
    ] == [
        *("project_a", "project_b", "project_c"),
        *("dealer_a", "dealer_b", "dealer_c"),
    ]


def test_segments_are_classes_with_grade_and_name_for_all_customers():
    who = pd.Index(["a", "b", "c"], name="customer_id")
    classes = pd.DataFrame(
        {"customer_type": ["retail", "dealer", "retail"], "rfm": ["lost", "dealer", "prospect"]},
        who,
    )
    grades = pd.DataFrame({"score": [70.0, 20.0], "grade": ["A", "C"]}, who[[1, 0]])
    found = report_segment.complete(classes, grades, {"retail": "rfm"})
    assert found["segment"].tolist() == ["lost", "dealer_a", "prospect"]
    assert found["grade"].tolist() == ["C", "A", "not_graded"]
    assert found["score"].tolist()[:2] == [20, 70] and pd.isna(found["score"].iloc[2])

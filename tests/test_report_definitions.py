"""Definitions say what the code does, with the figures of the config."""

import re

import pytest

from cvm_analysis.performance import periods, totals
from cvm_analysis.report import definitions
from cvm_analysis.report.writer import Writer
from cvm_analysis.segments.classes import LifeCycle
from cvm_analysis.texts import words


def shown(language, horizon_weeks=26):
    writer = Writer(words(language, horizon_weeks=horizon_weeks), "EUR")
    life = LifeCycle(new_days=60, growing_weeks=40, declining_gaps=2.5, lost_gaps=5)
    return definitions.chapter(writer, 0.35, 0.08, 90, life).html


def test_each_term_is_defined_once_in_a_definition_list():
    html = shown("en")
    assert html.startswith('<dl class="cvm-definitions">')
    terms = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", html)
    assert len(terms) == len(definitions.TERMS) == len({term for term, _ in terms})
    assert all(meaning.endswith(".") for _, meaning in terms)
    assert set(definitions.TERMS) == {
        key.partition(".")[0] for key in words("en").section("report.definitions")
    }


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            ("35% of net sales", "by 8% a year", "next 6 months", "no order in the next 90 days",
             "within 60 days", "within 40 weeks", "after 2.5 gaps", "lost after 5;"),
        ),
        ("zh", ("35%", "8%", "未来6个月", "未来90天内", "60天内", "40周内", "2.5个", "5个")),
    ],
)  # fmt: skip
def test_the_figures_are_those_of_the_config(language, said):
    html = shown(language)
    assert [each for each in said if each not in html] == []
    assert "12 months" not in html and "12个月" not in html


def test_figures_that_the_code_fixes_are_those_of_the_code():
    en = words("en").section("report.definitions")
    assert f"{totals.FALSE_FINDS:.0%} are chance" in en["within_chance.meaning"]
    assert periods.MOST_YEARS == 5 and "with five years of records" in en["new_customer.meaning"]

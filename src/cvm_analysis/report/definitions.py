"""The terms of the manager's report, each in a sentence, with the figures of the config."""

from __future__ import annotations

from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block, Definition
from cvm_analysis.report.writer import Writer
from cvm_analysis.segments.classes import LifeCycle

TERMS = (
    *("active_customer", "kept", "new_customer", "net_sales", "margin", "expected_margin"),
    *("margin_at_stake", "churn_risk", "overdue", "segment", "grade", "life_cycle", "nps"),
    *("late_delivery", "planned_action", "control_group", "effect", "within_chance"),
    "eight_in_ten",
)


def chapter(
    writer: Writer, margin: float, discount_rate: float, risk_days: int, life_cycle: LifeCycle
) -> Block:
    """Define the terms of the report by the settings that they depend on.

    margin : share of net sales, where no cost is recorded; discount_rate : a year
    risk_days : the churn risk is that of no order within so many days
    """
    say = writer.say
    figures = {
        "margin": say.percent(margin),
        "rate": say.percent(discount_rate),
        "days": say.duration(risk_days),
        "new": say.duration(life_cycle.new_days),
        "growing": say.duration(round(7 * life_cycle.growing_weeks)),
        "declining": _plain(writer, life_cycle.declining_gaps),
        "lost": _plain(writer, life_cycle.lost_gaps),
    }
    key = "report.definitions"
    return blocks.definitions(
        [
            Definition(say(f"{key}.{term}.term"), say(f"{key}.{term}.meaning", **figures))
            for term in TERMS
        ]
    )


def _plain(writer: Writer, number: float) -> str:
    """Write a number with a decimal only if it has one."""
    return writer.say.number(number, int(number % 1 > 0))

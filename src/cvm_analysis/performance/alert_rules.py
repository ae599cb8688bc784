"""The settings of alerts: which figures are watched, and from where on a figure is an alert."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from cvm_analysis.errors import nearest
from cvm_analysis.typed import settings

# figure of table year_on_year -> whether high values are good
HIGH_IS_GOOD = {
    **dict.fromkeys(("net_sales", "margin", "n_active", "kept_share", "n_new", "n_orders"), True),
    **dict.fromkeys(("orders_per_customer", "value_per_order", "nps"), True),
    **dict.fromkeys(("return_share", "late_share", "complaints_per_100"), False),
}
LIMITS = ("below", "above", "falls_by", "rises_by")
Problem = tuple[tuple[str, ...], str]  # the setting within `alerts`, and what is wrong


@settings
class Rule:
    """A figure of table `year_on_year` of all customers, and when it is an alert; one of

    below, above : the figure itself is
    falls_by, rises_by : as a share of the year before
    beyond_chance : it got worse than the year before by more than chance explains
    """

    figure: str
    below: float | None = None
    above: float | None = None
    falls_by: Annotated[float | None, Field(gt=0)] = None
    rises_by: Annotated[float | None, Field(gt=0)] = None
    beyond_chance: bool = False


WORSE = tuple(
    Rule(figure, beyond_chance=True)
    for figure in ("net_sales", "margin", "kept_share", "late_share", "complaints_per_100")
)


@settings
class Alerts:
    """What is watched; None switches a kind of alert off.

    rules : of figures against the year before; those written replace the ones here
    min_customers : fewer who bought the year before give no alert beyond chance
    key_account_share : of the year before's net sales, if a customer with as much is overdue
    open_complaints_share : of the complaints of 12 months; if more are open beyond the target
    missing_days : a kind of data that has no rows for so many days is missing
    """

    rules: tuple[Rule, ...] = WORSE
    min_customers: Annotated[int, Field(ge=0)] = 30
    key_account_share: Annotated[float | None, Field(gt=0, le=1)] = 0.05
    open_complaints_share: Annotated[float | None, Field(ge=0, lt=1)] = 0.2
    missing_days: Annotated[int | None, Field(gt=0)] = 90


def find_problems(alerts: Alerts) -> Iterator[Problem]:
    """Find rules of unknown figures, without a limit or with several, and repeated ones."""
    seen = set()
    for i, rule in enumerate(alerts.rules):
        at = ("rules", str(i))
        if rule.figure not in HIGH_IS_GOOD:
            yield (*at, "figure"), f"no figure '{rule.figure}'{nearest(rule.figure, HIGH_IS_GOOD)}"
            continue
        given = [name for name in LIMITS if getattr(rule, name) is not None]
        given += ["beyond_chance"] * rule.beyond_chance
        if len(given) != 1:
            said = f"has {' and '.join(given)}; keep one" if given else "has no limit"
            choice = f"one of {', '.join(LIMITS)}, beyond_chance: true"
            yield at, f"the rule of {rule.figure} {said}" + ("" if given else f"; give {choice}")
        elif (rule.figure, given[0]) in seen:
            yield at, f"a rule of {rule.figure} with {given[0]} stands above; keep one"
        seen.add((rule.figure, given[0] if given else ""))

"""The page of one customer, for whoever calls next: what to do now, why, and the background.

It is laid out as the manager's report, from finished figures; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cvm_analysis.report import (
    customer_actions,
    customer_history,
    customer_profile,
    customer_reasons,
    head,
    page,
)
from cvm_analysis.report.customer import Customer
from cvm_analysis.report.writer import Writer


class Terms(NamedTuple):
    """Settings that the words depend on: days of the risk, and the discount rate a year."""

    risk_days: int
    discount_rate: float


def render(
    writer: Writer,
    customer: Customer,
    title: str,
    terms: Terms,
    links: Sequence[head.Link] = (),
    version: str = "",
) -> str:
    """Return the page as the text of one HTML file; a part without anything known is left out.

    title : business and region; links : the page in other languages
    """
    say, as_of = writer.say, customer.as_of.isoformat()
    named = say("report.customer.page_title", id=customer.customer_id, title=title)
    parts = (writer, customer)
    shown = [
        customer_actions.headline(*parts),
        customer_actions.to_do(*parts),
        customer_reasons.figures(*parts, terms.risk_days),
        customer_actions.leads(*parts),
        customer_history.complaints(*parts),
        customer_reasons.risk(*parts),
        customer_history.timeline(*parts),
        customer_reasons.next_products(*parts),
        customer_history.purchases(*parts),
        customer_reasons.grade(*parts),
        customer_reasons.satisfaction(*parts),
        customer_history.contacts(*parts),
        customer_history.contracts(*parts),
        customer_profile.points(*parts),
        customer_profile.profile(*parts),
        customer_history.orders(*parts),
        customer_profile.definitions(*parts, terms.discount_rate),
    ]
    around = head.describe(named, say, as_of, links)
    return page.lay_out([each.html for each in shown], say, around, as_of, version=version)

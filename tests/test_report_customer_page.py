"""The page of one customer: what to do comes first, nothing is empty, nothing is loaded."""

import re

import pytest
from invented_customer import EN, ZH, actions, customer, prospect
from markupsafe import Markup

from cvm_analysis.report import customer_page

TERMS = customer_page.Terms(364, 0.1)
SHOWN = {"customer": customer(), "prospect": prospect(), "quiet": customer(actions=actions())}


def page(writer, shown, **more):
    return customer_page.render(writer, shown, "Shop – North", TERMS, **more)


def plain(html):
    return Markup(html[html.index("<body") :]).striptags()


def test_what_to_do_comes_first_then_why_then_the_background():
    said = plain(page(EN, customer(), version="1.2"))
    order = [
        *("Shop – North – C1", "C1: Close the complaint by Jan 3", "What to do now"),
        *("Risk of not ordering", "2 complaints", "Why the risk", "So far: 4 orders"),
        *("Grade B since", "Who they are", "The last 2 orders", "Words used here", "Version 1.2"),
    ]
    places = [said.index(each) for each in order]
    assert places == sorted(places) and "Data up to Dec 31, 2025" in said


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("writer", [EN, ZH], ids=["en", "zh"])
def test_no_heading_is_empty_and_no_code_or_gap_is_left(name, writer):
    html = page(writer, SHOWN[name])
    parts = re.split(r"<h2 [^>]*>.*?</h2>", html[html.index("<main") : html.index("</main>")])
    assert all(re.search(r"\w|<img", Markup(part).striptags() + part[:400]) for part in parts[1:])
    said = plain(html)
    assert not re.search(r"\bNaN?\b|\bNaT\b|None|_\w|[{}]", said), said
    assert not re.search("<h2 [^>]*></h2>", html)


def test_it_loads_nothing_and_leads_to_its_other_language_alone():
    html = page(EN, customer(), links=[("中文", "shop.zh.html")])
    assert re.findall(r'href="([^"#]+)"', html)[1:] == ["shop.zh.html"]  # the first is the icon
    assert "default-src 'none'" in html and "<script" not in html
    assert "<title>Shop – North – C1 – Dec 31, 2025</title>" in html


def test_what_customers_wrote_is_text():
    loud = customer().complaints.assign(text="<script>alert(1)</script>")
    html = page(EN, customer(complaints=loud))
    assert "<script" not in html and "&lt;script&gt;" in html


def test_a_prospect_has_a_page_with_what_is_known_and_the_lead():
    said = plain(page(EN, prospect()))
    assert "Project customer · known since Dec 2025, no order yet" in said
    assert "One open enquiry" in said and "No consent to offers is on record" in said
    for absent in ("Risk", "Grade B", "So far", "Buys", "orders"):
        assert absent not in said


def test_the_same_customer_gives_the_same_page():
    assert page(EN, customer()) == page(EN, customer())

"""A customer's page in a real browser: readable at every width, light and dark, and on paper."""

import browser
import pytest
from invented_customer import EN, ZH, actions, customer, prospect

from cvm_analysis.report import customer_page

TERMS = customer_page.Terms(364, 0.1)
LONG = "close_the_complaint_about_the_delivery_and_installation_of_the_floor"
PAGES = {
    "customer": (EN, customer()),
    "chinese": (ZH, customer()),
    "prospect": (EN, prospect()),
    "long words": (
        EN,
        customer(actions=actions((LONG, 1, True, None), ("offer", 2, True, "control"))),
    ),
}


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser.opened(tmp_path_factory.mktemp("browser") / "profile") as opened:
        yield opened


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, (writer, shown) in PAGES.items():
        html = customer_page.render(writer, shown, "Shop – North", TERMS)
        (folder / f"{name}.html").write_text(html, "utf-8")
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_a_phone_and_rules_of_accessibility_hold(tab, files, name):
    for scheme in ("light", "dark"):
        tab.show(scheme=scheme)
        tab.open(files / f"{name}.html", browser.PHONE)
        tab.unfold()
        assert tab.value("document.documentElement.scrollWidth") <= browser.PHONE[0]
        assert tab.violations() == []
        asked = [each["request"]["url"] for each in tab.told("Network.requestWillBeSent")]
        assert [url for url in asked if not url.startswith(("data:", "file:"))] == []
    tab.show()


def test_the_first_screen_of_a_phone_says_what_to_do(tab, files):
    tab.open(files / "customer.html", browser.PHONE)
    end = "document.querySelector('.cvm-steps li').getBoundingClientRect().bottom"
    assert tab.value(end) <= browser.PHONE[1]


def test_on_paper_it_has_two_pages_at_most(tab, files, tmp_path):
    tab.show(media="")  # as printed, not as shown
    for name in PAGES:
        tab.open(files / f"{name}.html", browser.DESKTOP)
        tab.paper(tmp_path / "page.pdf")
        content = (tmp_path / "page.pdf").read_bytes()
        assert 1 <= content.count(b"/Type /Page\n") <= 2

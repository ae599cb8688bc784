"""The portal: which regions stand how, with links that stay inside its folder."""

import re
from html.parser import HTMLParser

import pytest

from cvm_analysis.errors import InputError
from cvm_analysis.report import portal
from cvm_analysis.texts import MissingTextError

HOSTILE = "<script>alert(1)</script>\"' onclick=x javascript:alert(1) =cmd|x"


class Page(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def entry(**changes):
    good = {
        "region": "east",
        "name": "East",
        "as_of": "2025-12-31",
        "status": "good",
        "reports": {"en": "east/2025-12-31/share/report.en.html"},
        "figures": {"n_customers": 11270},
        "message": "",
    }
    return {**good, **changes}


def seen(*entries, title="Reports"):
    return Page(portal.render(list(entries), title, "en"))


def links(page):
    return [value for name, value in page.attributes if name == "href"]


def test_a_region_shows_its_state_date_customers_and_report():
    page = seen(entry())
    text = re.sub(r"\s+", " ", page.text)
    assert "East Up to date Data up to Dec 31, 2025 Customers11,270 English" in text
    assert links(page) == ["east/2025-12-31/share/report.en.html"]


def test_an_older_report_says_since_when():
    page = seen(entry(status="stale", as_of="2025-11-30", message="sales.csv: no rows"))
    assert "Not renewed since Nov 30, 2025" in page.text and "sales.csv: no rows" in page.text
    assert links(page)


def test_a_region_that_never_ran_has_no_link():
    page = seen(entry(status="failed", as_of="", reports={}, figures={}))
    assert "Failed" in page.text and "No report yet" in page.text and not links(page)


def test_regions_are_counted_and_keep_their_order():
    page = seen(entry(name="B"), entry(name="A"), entry(name="C", status="failed"))
    assert "Regions: 3. Up to date: 2. Older report: 0. Failed: 1." in page.text
    assert page.text.index("\nB\n") < page.text.index("\nA\n") < page.text.index("\nC\n")


def test_no_regions_is_a_sentence():
    assert "No region has been run yet." in seen().text


def test_money_is_written_in_the_regions_currency():
    assert "Revenue$5,400" in seen(entry(figures={"revenue": 5400}, currency="USD")).text


def test_a_report_in_a_language_without_texts_is_linked_by_its_code():
    assert "qq" in seen(entry(reports={"qq": "e/report.qq.html"})).text


def test_hostile_names_stay_text():
    page = seen(entry(name=HOSTILE, message=HOSTILE, reports={HOSTILE: "a.html"}), title=HOSTILE)
    assert page.text.count(HOSTILE) == 5  # title, h1, name, message, link
    assert "script" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]


@pytest.mark.parametrize("path", ["javascript:alert(1)", "https://example.com/x", 'a"b<c>.html'])
def test_an_odd_path_is_a_relative_address(path):
    (link,) = links(seen(entry(reports={"en": path})))
    assert re.fullmatch(r"[\w./%-]+", link)


@pytest.mark.parametrize(
    "path", ["../x.html", "/etc/passwd", "//host/x", "a/../../x", "\\\\h\\x", ""]
)
def test_a_path_out_of_the_folder_is_refused(path):
    with pytest.raises(InputError, match="no path inside the folder of the portal"):
        portal.render([entry(reports={"en": path})], "t", "en")


def test_an_unknown_status_or_figure_is_an_error():
    with pytest.raises(InputError, match="region east has no status 'fine'"):
        portal.render([entry(status="fine")], "t", "en")
    with pytest.raises(MissingTextError, match=r"columns\.n_custmers"):
        portal.render([entry(figures={"n_custmers": 1})], "t", "en")


def test_the_portal_acts_on_nothing_and_forbids_the_rest():
    page = seen(entry())
    contents = [value for name, value in page.attributes if name == "content"]
    assert any("default-src 'none'" in value for value in contents)
    assert not {"script", "link", "iframe", "form"} & set(page.tags)
    assert "width=device-width, initial-scale=1" in contents


def test_the_same_entries_give_the_same_bytes():
    assert portal.render([entry()], "t", "en") == portal.render([entry()], "t", "en")

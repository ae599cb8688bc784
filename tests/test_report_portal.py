"""The portal: regions side by side, how each stands, links that stay inside its folder."""

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


def seen(*entries, title="Reports", language="en", editions=None):
    return Page(portal.render(list(entries), title, language, editions))


def flat(page):
    """All text of the body, its white space made one."""
    return re.sub(r"\s+", " ", page.text[page.text.rindex("}") + 1 :])


def rows(*entries, language="en"):
    """The cells of each row of the table, as text."""
    html = portal.render(list(entries), "Reports", language)
    found = re.findall(r"<tr.*?</tr>", html, flags=re.DOTALL)
    cells = [re.findall(r"<t[hd].*?</t[hd]>", row, flags=re.DOTALL) for row in found]
    return [[" ".join(re.sub("<[^>]+>", " ", c).split()) for c in row] for row in cells]


def test_the_company_names_regions_it_lacks_and_those_with_a_newer_report():
    company = entry(region="all", n_regions=6, missing=["South", "West"], newer=["East"])
    said = rows(company)[1][0]
    assert "4 of 6 regions: without South, West." in said
    assert "Made before the current report of East." in said
    whole = rows(entry(region="all", n_regions=6, missing=[], newer=[]))[1][0]
    assert whole == "East Up to date"
    alone = entry(region="all", n_regions=2, missing=["华东", "华南"], newer=[])
    assert "全公司模型" in rows(alone, language="zh")[1][0]


def links(page):
    return [value for name, value in page.attributes if name == "href"]


def test_a_region_shows_its_state_date_customers_and_report():
    assert rows(entry()) == [
        ["Region", "Customers", "Data up to", "Report"],
        ["East Up to date", "11,270", "Dec 31, 2025", "English"],
    ]
    assert links(seen(entry())) == ["east/2025-12-31/share/report.en.html"]


def test_it_says_of_whom_and_from_when_its_figures_are():
    assert "Net sales and repeat customers count all orders" in seen(entry()).text
    assert "count all orders" not in seen(entry(figures={})).text


def test_in_chinese_names_numbers_money_and_dates_are_chinese():
    figures = {"n_customers": 11270, "net_sales": 22_600_000, "repeat_share": 0.6}
    east = entry(name="华东", figures=figures, currency="CNY")
    assert rows(east, language="zh") == [
        ["区域", "客户数", "销售额", "累计复购率", "数据截至", "报告"],
        ["华东 已更新", "11,270", "¥2,260万", "60%", "2025年12月31日", "English"],
    ]


def test_regions_stand_under_one_heading_and_a_dash_where_one_lacks_a_figure():
    both, one = {"n_customers": 3, "repeat_share": 0.25}, {"repeat_share": 0.5}
    header, east, west = rows(entry(figures=both), entry(name="West", figures=one))
    assert header[1:3] == ["Customers", "Repeat customers"]
    assert (east[1:3], west[1:3]) == (["3", "25%"], ["–", "50%"])


def test_the_whole_company_and_what_failed_are_set_apart():
    good, stale = entry(), entry(status="stale", region="west")
    company = entry(region="all", name="All regions")
    page = seen(company, good, stale)
    kinds = [value for name, value in page.attributes if name == "class"]
    assert [k for k in kinds if k.split()[0] in portal.STATUSES] == ["good whole", "good", "stale"]


def test_each_edition_leads_to_the_others():
    page = seen(entry(), editions={"zh": "index.zh.html"})
    assert links(page)[0] == "index.zh.html" and "中文" in page.text
    with pytest.raises(InputError, match="no path inside"):
        seen(entry(), editions={"zh": "/index.zh.html"})


def test_an_older_report_says_since_when():
    since = "2026-01-05T03:00:00+00:00"
    page = seen(entry(status="stale", as_of="2025-11-30", since=since, message="04 [5]"))
    text = flat(page)
    assert "Older report failing since Jan 5, 2026 04 [5] 11,270 Nov 30, 2025 English" in text
    assert links(page)


def test_a_region_that_never_ran_has_no_link():
    page = seen(entry(status="failed", as_of="", reports={}, figures={}))
    assert "Failed" in page.text and "No report yet" in page.text and not links(page)


def test_regions_are_counted_and_keep_their_order():
    page = seen(entry(name="B"), entry(name="A"), entry(name="C", status="failed"))
    assert "Regions: 3. Up to date: 2. Older report: 0. Failed: 1." in page.text
    assert page.text.index("\nB\n") < page.text.index("\nA\n") < page.text.index("\nC\n")


def test_no_regions_is_a_sentence():
    assert "No report has been run yet." in seen().text


def test_money_is_written_in_the_regions_currency():
    assert "$5,400" in rows(entry(figures={"net_sales": 5400}, currency="USD"))[1]


def test_a_report_in_a_language_without_texts_is_linked_by_its_code():
    assert "qq" in seen(entry(reports={"qq": "e/report.qq.html"})).text


def test_hostile_names_stay_text():
    page = seen(entry(name=HOSTILE, message=HOSTILE, reports={HOSTILE: "a.html"}), title=HOSTILE)
    assert page.text.count(HOSTILE) == 6  # title, brand, h1, name, message, link
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


def test_forecasts_are_headed_by_the_horizon_of_the_newest_report():
    figures = {"expected_margin": 2e6}
    old = entry(figures=figures, currency="CNY", as_of="2024-12-31", horizon_weeks=52)
    new = entry(figures={"expected_margin": 3e4}, currency="CNY", horizon_weeks=26)
    header, first, second = rows(old, new)
    assert header[1] == "Expected margin, next 6 months"
    assert (first[1], second[1]) == ("¥2.00M", "¥0.03M")  # one unit

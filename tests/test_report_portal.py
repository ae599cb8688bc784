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


def alarm(*entries, language="en"):
    """The first sentence, and what is not up to date."""
    html = portal.render(list(entries), "t", language)
    return re.findall('<(?:h1 class="alarm"|p class="(?:sales|old)")>(.*?)</', html)


def test_the_company_names_regions_it_lacks_and_those_with_a_newer_report():
    company = entry(region="all", n_regions=6, missing=["South", "West"], newer=["East"])
    said = rows(company)[1][0]
    assert "4 of 6 regions: without South, West." in said
    assert "Made before the current report of East." in said
    whole = rows(entry(region="all", n_regions=6, missing=[], newer=[]))[1][0]
    assert whole == "East", "what is good goes without saying"
    alone = entry(region="all", n_regions=2, missing=["华东", "华南"], newer=[])
    assert "全公司模型" in rows(alone, language="zh")[1][0]


def links(page):
    """Where the page leads, without the way to its own content and the icon."""
    found = [value for name, value in page.attributes if name == "href"]
    return [value for value in found if value != "#main" and not value.startswith("data:")]


LINK = "east/2025-12-31/share/report.en.html"


def test_a_region_shows_its_customers_and_leads_to_its_report():
    assert rows(entry()) == [
        ["Region", "Customers", "Reports"],
        ["East", "11,270", "Dec 31, 2025"],
    ]
    assert links(seen(entry())) == [LINK, LINK], "by its name, and by its date"
    assert "Data up to Dec 31, 2025" in flat(seen(entry()))


def test_it_says_of_whom_and_from_when_its_figures_are():
    old = entry(figures={"net_sales": 5})
    assert "Net sales and repeat customers count all orders" in seen(old).text
    assert "count all orders" not in seen(entry(figures={})).text


def test_in_chinese_names_numbers_money_and_dates_are_chinese():
    figures = {"n_customers": 11270, "net_sales": 22_600_000, "repeat_share": 0.6}
    reports = {"zh": "east/report.zh.html"}
    east = entry(name="华东", figures=figures, currency="CNY", reports=reports)
    assert rows(east, language="zh") == [
        ["区域", "销售额", "累计复购率", "客户数", "报告"],
        ["华东", "¥2,260万", "60%", "11,270", "2025年12月31日"],
    ]


SALES = {"net_sales_year": 88.0, "net_sales_before": 100.0}
GREW = {"net_sales_year": 110.0, "net_sales_before": 100.0}


def test_the_alarm_comes_first():
    east, west = entry(figures=SALES), entry(region="west", name="West", figures=GREW)
    (said,) = alarm(west, east)
    assert said == "East fell behind: sales -12% on the year before; 1 of 2 regions grew."
    page = seen(east, west)
    assert page.text.index(said) < page.text.index("Region")


def test_an_alert_comes_before_sales_the_worst_regions_first():
    alert = {"code": "kept", "text": {"en": "Kept < half.", "zh": "留存"}, "value": 0.4}
    west = entry(region="west", name="West", figures=GREW, alerts=[alert])
    fell = {"code": "fell", "text": {"en": "Fell.", "zh": "下降。"}}
    east = entry(figures=SALES, alerts=[fell, alert])
    fell_behind = "East fell behind: sales -12% on the year before; 1 of 2 regions grew."
    assert alarm(west, east) == ["East: Fell.", fell_behind]
    assert alarm(west)[0] == "West: Kept &lt; half."
    assert alarm(west, east, language="zh")[0] == "East：下降。"
    assert rows(west, east)[2][0] == "East Fell. Kept < half.".replace("<", "&lt;")
    assert rows(entry(alerts=[]), entry())[1][0] == "East"


def test_a_region_shows_two_alerts_and_counts_the_others():
    alerts = [{"code": "x", "text": {"en": f"Alert {n}."}} for n in range(4)]
    assert rows(entry(alerts=alerts))[1][0] == "East Alert 0. Alert 1. 2 more alerts"
    assert rows(entry(alerts=alerts[:3]))[1][0].endswith("1 more alert")
    assert rows(entry(alerts=alerts[:2]))[1][0] == "East Alert 0. Alert 1."


def test_what_is_not_up_to_date_is_named_after_the_alarm():
    old = entry(figures=SALES, status="stale")
    gone = entry(region="west", name="West", status="failed", as_of="", reports={}, figures={})
    assert alarm(old, gone)[1] == "Not up to date: East, West."


def test_the_region_with_the_highest_sales_comes_first_after_the_company():
    names = [
        entry(region="b", name="B", figures={"net_sales": 5.0}),
        entry(region="c", name="C", figures={}),
        entry(region="a", name="A", figures={"net_sales_year": 50.0, "net_sales": 1.0}),
        entry(region="all", name="All", figures={"net_sales": 1.0}),
    ]
    assert [row[0] for row in rows(*names)[1:]] == ["All", "A", "B", "C"]


def test_earlier_reports_are_linked_by_their_date_newest_first():
    earlier = [
        {"as_of": "2025-09-30", "reports": {"en": "east/9/a.html", "zh": "east/9/b.html"}},
        {"as_of": "2025-06-30", "reports": {"zh": "east/6/b.html"}},
    ]
    page = entry(earlier=earlier)
    assert rows(page)[1][-1] == "Dec 31, 2025 Sep 30, 2025 Jun 30, 2025 (中文)"
    assert links(seen(page))[2:] == ["east/9/a.html", "east/6/b.html"]


def test_a_date_stands_at_a_region_only_where_it_is_not_the_newest():
    old = entry(region="west", name="West", as_of="2025-11-30")
    assert [row[0] for row in rows(entry(), old)[1:]] == ["East", "West Data up to Nov 30, 2025"]


def test_regions_stand_under_one_heading_and_a_dash_where_one_lacks_a_figure():
    both, one = {"n_customers": 3, "repeat_share": 0.25}, {"repeat_share": 0.5}
    header, east, west = rows(entry(figures=both), entry(name="West", figures=one))
    assert header[1:3] == ["Repeat customers", "Customers"]
    assert (east[1:3], west[1:3]) == (["25%", "3"], ["50%", "–"])


def test_the_whole_company_and_what_failed_are_set_apart():
    good, stale = entry(), entry(status="stale", region="west")
    company = entry(region="all", name="All regions")
    page = seen(company, good, stale)
    kinds = [value for name, value in page.attributes if name == "class"]
    assert [k for k in kinds if k.split()[0] in portal.STATUSES] == ["good whole", "good", "stale"]


def test_each_edition_leads_to_the_others():
    page = seen(entry(), editions={"zh": "index.zh.html"})
    assert links(page)[0] == "index.zh.html" and "中文" in page.text
    assert "nav" in page.tags and "nav" not in seen(entry()).tags
    with pytest.raises(InputError, match="no path inside"):
        seen(entry(), editions={"zh": "/index.zh.html"})


def test_an_older_report_says_since_when():
    since = "2026-01-05T03:00:00+00:00"
    page = seen(entry(status="stale", as_of="2025-11-30", since=since, message="04 [5]"))
    text = flat(page)
    assert "Older report failing since Jan 5, 2026 04 [5] 11,270 Nov 30, 2025" in text
    assert links(page)


def test_a_region_that_never_ran_has_no_link():
    page = seen(entry(status="failed", as_of="", reports={}, figures={}))
    assert "Failed" in page.text and "No report yet" in page.text and not links(page)


def test_regions_are_counted_and_keep_their_order():
    page = seen(entry(name="B"), entry(name="A"), entry(name="C", status="failed"))
    assert "Regions: 3. Up to date: 2. Older report: 0. Failed: 1." in page.text
    names = [row[0] for row in rows(entry(name="B"), entry(name="A"), entry(name="C"))[1:]]
    assert names == ["B", "A", "C"], "without sales"


def test_no_regions_is_a_sentence():
    assert "No report has been run yet." in seen().text


def test_money_is_written_in_the_regions_currency():
    assert "$5,400" in rows(entry(figures={"net_sales": 5400}, currency="USD"))[1]


def test_a_report_in_a_language_without_texts_is_linked_by_its_code():
    assert "qq" in seen(entry(reports={"qq": "e/report.qq.html"})).text


def test_hostile_names_stay_text():
    page = seen(entry(name=HOSTILE, message=HOSTILE, reports={HOSTILE: "a.html"}), title=HOSTILE)
    assert page.text.count(HOSTILE) == 5  # title, h1, name, message, link
    assert f"Figures of {HOSTILE}" in [value for _, value in page.attributes]
    assert "script" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]


@pytest.mark.parametrize("path", ["javascript:alert(1)", "https://example.com/x", 'a"b<c>.html'])
def test_an_odd_path_is_a_relative_address(path):
    (link,) = {*links(seen(entry(reports={"en": path})))}
    assert re.fullmatch(r"[\w./%-]+", link)


@pytest.mark.parametrize(
    "path", ["../x.html", "/etc/passwd", "//host/x", "a/../../x", "\\\\h\\x", ""]
)
def test_a_path_out_of_the_folder_is_refused(path):
    with pytest.raises(InputError, match="no path inside the output folder"):
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
    assert not {"script", "iframe", "form", "button"} & set(page.tags)
    assert page.tags.count("link") == 1 and ("rel", "icon") in page.attributes
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

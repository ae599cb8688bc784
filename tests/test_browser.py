"""Reports and portal in a real browser: nothing loads, nothing runs, nothing is cut off.

Small tables go through the real blocks, figures, page and portal; no notebook is executed.
"""

import datetime as dt
import re

import browser
import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from cvm_analysis import charts
from cvm_analysis.minimum_data import Note
from cvm_analysis.report import blocks, customer_base, definitions, first_page, page, portal
from cvm_analysis.report import strategy as strategy_tables
from cvm_analysis.report.writer import Writer
from cvm_analysis.segments import customer_base as base
from cvm_analysis.segments.classes import LifeCycle
from cvm_analysis.strategy import segment_figures
from cvm_analysis.strategy.segment_strategies import Total
from cvm_analysis.texts import words

LANGUAGES = ("en", "zh")
PAGES = [f"{kind}.{language}.html" for kind in ("report", "index") for language in LANGUAGES]
SIZES = {"phone": browser.PHONE, "tablet": browser.TABLET}
SIZES |= {"desktop": browser.DESKTOP, "wide": browser.WIDE}
NAMES = {"en": ("All regions", "East", "North-east and beyond"), "zh": ("全部区域", "华东", "东北")}
NOT_CHINESE = {"Demo", "Flooring", "English", "BG", "NBD", "AUC", "NPS", "value", "ipynb"}


ACTION = "second_purchase_offer"
OWN = {
    "en": {
        f"actions.{ACTION}": "Offer a second purchase",
        f"action_steps.{ACTION}": "Send it",
        "owners.sales": "Sales",
        "values.channel.web": "Online",
    },
    "zh": {
        f"actions.{ACTION}": "推出复购优惠",
        f"action_steps.{ACTION}": "发送",
        "owners.sales": "销售部",
        "values.channel.web": "线上",
    },
}


def customers(n=300):
    """Customers of all segments, large figures among them."""
    codes = [code for code in words("en").section("segments") if code != "prospect"]
    index = pd.Index([f"C{i:04}" for i in range(n)], name="customer_id")
    rank = pd.Series(range(1, n + 1), index=index)
    return pd.DataFrame(
        {
            "n_orders": rank % 7 + 1,
            "first_order": pd.Timestamp("2023-01-01"),
            "x": rank % 3,
            "gross_sales": rank * 11_000.0,
            "net_sales": rank * 10_000.0,
            "net_sales_365d": rank * 1_000.0,
            "n_orders_365d": rank % 3,
            "days_since_last": rank % 400,
            "customer_type": "retail",
            "gender": ["female" if i % 3 else "male" for i in range(n)],
            "birth_date": pd.Timestamp("1960-06-01") + pd.to_timedelta(rank * 60, unit="D"),
            "segment": [codes[i % len(codes)] for i in range(n)],
        }
    )


def table(language):
    """Two rows with a sentence each, beside more figures than a phone is wide."""
    say = words(language)
    told = [say("evidence.assumed"), say("report.writer.churn.title")]
    rows = pd.DataFrame({"reasons": told, "amount": 1e7, "expected_margin": 1e7, "net_sales": 1e7})
    money = dict.fromkeys(("amount", "expected_margin", "net_sales"), "money")
    return blocks.table(
        rows.set_axis(["1", "2"]), {**money, "reasons": "text"}, words(language, horizon_weeks=52)
    )


def year_on_year():
    """Figures that rose, fell, stayed the same, and changed within chance."""
    rows = {
        "net_sales": (57.2e6, 52.1e6, True),
        "margin": (19.9e6, 21.4e6, True),
        "n_active": (1234, 1234, False),
        "kept_share": (0.584, 0.581, False),
        "n_new": (345, 301, True),
    }
    names = ["value", "before", "beyond_chance"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=names)
    return pd.concat({"all": table}, names=["customer_type", "figure"])


def to_call():
    """Two customers to call: all known of one, next to nothing of the other."""
    day = pd.Timestamp("2025-10-01")
    both = {"last_order": day, "next_order_on": day + pd.Timedelta(days=18)}
    known = {"city": "\u6b66\u6c49", "channel": "web", "reason_1": "nps", "reason_1_value": 3.0}
    known |= {"reason_2": "late_share", "reason_2_value": 0.4, "action": ACTION, "owner": "sales"}
    figures = {"days_since_last": 91, "net_sales_365d": 87_040.0, "churn_risk": 0.62}
    rows = [known | both | figures | {"margin_at_stake": 12_345.0}, both | figures]
    listed = pd.DataFrame(rows, index=pd.Index(["C0001", "C0002"], name="customer_id"))
    return listed.assign(due_on=pd.Timestamp("2026-01-07"))


def shown_to_managers(language):
    """What the manager's notebook shows, from small tables."""
    writer, people = Writer(words(language, OWN, 52, 365), "CNY"), customers()
    worth = pd.DataFrame(
        {"expected_orders": people["n_orders"] / 2, "expected_margin": people["x"] * 9_999.0}
    )
    worth["model"] = "bg_nbd"
    figures = segment_figures.summary(people, people["segment"], worth)
    due = pd.Timestamp("2026-01-07")
    actions = pd.DataFrame({"kind": "marketing", "owner": "sales"}, index=[ACTION] * 5).assign(
        n_contacts=99, cost=400.0, gain=5e3, net_gain=4600.0, net_gain_low=2e3, net_gain_high=1e4,
        p_gain=0.9, due_on=due, last_due_on=due, evidence="assumed",
    )  # fmt: skip
    total = Total(495, 2e3, 2.5e4, 2.3e4, 1e4, 5e4, 0.97)
    months = pd.period_range("2023-01", periods=36, freq="M")
    month = pd.DataFrame({"customers": 1500, "orders": 1800, "net_sales": 2.5e6}, index=months)
    totals = pd.DataFrame({"n_customers": 300, "expected_margin": 2.99e6}, index=["all"])
    totals = totals.assign(expected_margin_low=2.5e6, expected_margin_high=3.5e6)
    say, period = writer.say, first_page.period(writer, people, dt.date(2025, 12, 31))
    worry = say("columns.overdue")
    request = strategy_tables.request(writer, actions)
    described = base.describe(people.drop(columns="segment"), dt.date(2025, 12, 31), 5)
    return [
        first_page.headline(writer, year_on_year(), worry, request, period),
        first_page.figures(writer, year_on_year(), totals),
        writer.section("now", width="half"),
        strategy_tables.plan(writer, actions, total, 30_000.0),
        writer.section("churn", width="half", days=180),
        charts.monthly(month, language),
        first_page.calls(writer, to_call(), to_call().assign(list_priority=1.0), 180),
        writer.section("segments", since=writer.since(people)),
        charts.segment_bars(figures[["n_customers", "net_sales", "expected_margin"]], writer.say),
        writer.segments(figures),
        writer.section("strategies"),
        writer.notes([Note("holdout", "no_holdout_short_history", 12, 50)]),
        writer.section("customer_base", min_shown="5"),
        customer_base.chapter(writer, described, 5),
        writer.section("definitions", year=365),
        definitions.chapter(writer, 0.35, 0.1, 180, LifeCycle()),
        writer.section("data"),
        table(language),
        writer.model(worth),
    ]


def report(folder, language):
    shown = []
    for block in shown_to_managers(language):
        bundle = block._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        shown.append(new_output("display_data", data=data, metadata=metadata))
    cells = [new_code_cell("", outputs=[output], id=f"c{i}") for i, output in enumerate(shown)]
    made = {"cvm": {"as_of": "2025-12-31", "version": "1"}}
    nbformat.write(new_notebook(cells=cells, metadata=made), folder / "06.ipynb")
    title = words(language)("report.title", business="Demo Flooring", region=NAMES[language][1])
    others = [
        (words(each)("language.name"), f"report.{each}.html")
        for each in LANGUAGES
        if each != language
    ]
    return page.render(folder / "06.ipynb", title, language, others)


def overview(language):
    figures = {
        "net_sales_year": 57.2e6,
        "net_sales_before": 60e6,
        "kept_share": 0.55,
        "expected_margin": 8.6e6,
        "margin_at_stake": 1.2e6,
        "n_actions_open": 1234,
        "n_actions_done": 567,
    }
    links = {each: f"report.{each}.html" for each in LANGUAGES}
    good = {"as_of": "2025-12-31", "status": "good", "figures": figures, "currency": "CNY"}
    good |= {"horizon_weeks": 52, "earlier": [{"as_of": "2025-09-30", "reports": links}]}
    failing = {"since": "2026-01-05", "message": "04_value.ipynb [5]"}
    company, east, north = NAMES[language]
    entries = [
        good | {"region": "all", "name": company, "reports": links},
        good | {"region": "east", "name": east, "reports": links, "status": "stale"} | failing,
        {"region": "north", "name": north, "as_of": "", "status": "failed"} | failing,
    ]
    title = words(language)("portal.title", business="Demo Flooring")
    editions = {each: f"index.{each}.html" for each in LANGUAGES if each != language}
    return portal.render(entries, title, language, editions)


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser.opened(tmp_path_factory.mktemp("browser") / "profile") as tab:
        yield tab


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for language in LANGUAGES:
        (folder / f"report.{language}.html").write_text(report(folder, language), "utf-8")
        (folder / f"index.{language}.html").write_text(overview(language), "utf-8")
    return folder


def complaints(tab):
    """Whatever the browser had to say: errors, warnings, what a policy stopped."""
    said = [event["entry"]["text"] for event in tab.told("Log.entryAdded")]
    said += [event["type"] for event in tab.told("Runtime.consoleAPICalled")]
    return said + [str(event) for event in tab.told("Runtime.exceptionThrown")]


def requests(tab):
    """Addresses the page asked for, but for what it carries itself."""
    asked = [event["request"]["url"] for event in tab.told("Network.requestWillBeSent")]
    return [url for url in asked if not url.startswith("data:")]


def overflow(tab):
    """By how many pixels the page is wider than its window."""
    return tab.value("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def cut_off(tab):
    """What holds more than it is wide: the page, its parts, cells, figures and paragraphs."""
    return tab.value(
        "[...document.querySelectorAll('main, section, details, td, th, div, li, h1, h2, p, dd')]"
        ".filter(e => e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1)"
        ".map(e => e.tagName + ' ' + e.innerText.slice(0, 40))"
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_only_itself_and_fits_its_window(tab, pages, name):
    for size in SIZES.values():
        tab.open(pages / name, size)
        tab.unfold()
        assert tab.value("window.innerWidth") == size[0]
        assert complaints(tab) == []
        assert requests(tab) == [(pages / name).as_uri()]
        assert tab.value("document.scripts.length") == 0
        assert (overflow(tab), cut_off(tab)) == (0, []), size
        language = words(name.split(".")[1])("language.tag")
        assert tab.value("document.documentElement.lang") == language


@pytest.mark.parametrize("name", PAGES)
def test_a_page_breaks_no_rule_of_accessibility(tab, pages, name):
    for size in (browser.PHONE, browser.DESKTOP):
        tab.open(pages / name, size)
        tab.unfold()
        for scheme in ("light", "dark"):
            tab.show(scheme=scheme)
            assert tab.violations() == [], (size, scheme)
        assert complaints(tab) == []
    tab.show()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_the_paper_and_shows_what_is_folded(tab, pages, name):
    tab.open(pages / name, (703, 1010))  # A4 less the margins of the page
    tab.show("print")
    assert (overflow(tab), cut_off(tab)) == (0, [])
    shut = tab.value("[...document.querySelectorAll('details')].map(e => e.offsetHeight)")
    assert all(height > 60 for height in shut)
    assert tab.violations() == []
    assert tab.value("getComputedStyle(document.body).color") == "rgb(27, 36, 48)"
    tab.show()


@pytest.mark.parametrize("name", PAGES)
def test_the_dark_page_is_dark(tab, pages, name):
    tab.show(scheme="dark")
    tab.open(pages / name, browser.DESKTOP)
    assert tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(18, 23, 30)"
    tab.show()


@pytest.mark.parametrize("name", PAGES[:2])
def test_figures_are_drawn_and_described(tab, pages, name):
    tab.open(pages / name, browser.PHONE)
    drawn = tab.value("[...document.images].map(i => [i.naturalWidth > 300, i.alt.length > 30])")
    assert drawn == [[True, True]] * 2


@pytest.mark.parametrize("name", PAGES)
def test_names_and_sentences_read_across_on_a_phone(tab, pages, name):
    """Chinese may break anywhere, so a narrow column would set one sign below the other."""
    tab.open(pages / name, browser.PHONE)
    tab.unfold()
    lines = tab.value(
        "[...document.querySelectorAll('.cvm-table tbody > tr > *, .regions .name')].map(e =>"
        " e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).lineHeight))"
    )
    assert len(lines) >= 3 and max(lines) < 6


@pytest.mark.parametrize("name", PAGES[1::2])
def test_the_chinese_pages_are_chinese(tab, pages, name):
    tab.open(pages / name, browser.DESKTOP)
    tab.unfold()
    text = tab.value("document.title + document.body.innerText")
    assert len(re.findall("[\u4e00-\u9fff]", text)) > 50
    assert set(re.findall("[A-Za-z]{2,}", text)) <= NOT_CHINESE
    assert re.search("¥[\\d.,]+\u2060?万", text) and "2025年12月31日" in text


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_page(tab, pages, name):
    tab.open(pages / name, browser.PHONE)
    links = tab.value("[...document.links].map(a => a.href)")
    inside = [link for link in links if link.startswith(f"{(pages / name).as_uri()}#")]
    leading = [link for link in links if link not in inside]
    assert len(leading) == (7 if name.startswith("index") else 1)
    assert all((pages / link.rpartition("/")[2]).as_uri() == link for link in leading)
    assert all((pages / link.rpartition("/")[2]).is_file() for link in leading)
    there = "[...document.links].filter(a => a.hash).every(a => document.querySelector(a.hash))"
    assert tab.value(there) is True


def seen(tab, selector):
    """How many elements of a kind take room on the page."""
    return tab.value(
        f"[...document.querySelectorAll('{selector}')].filter(e => e.getClientRects().length &&"
        " e.getBoundingClientRect().width > 2).length"
    )


@pytest.mark.parametrize("name", PAGES[2:])
def test_on_a_phone_a_region_is_one_line_that_unfolds(tab, pages, name):
    tab.open(pages / name, browser.PHONE)
    assert seen(tab, ".regions td.figure") == 3, "sales of each"
    assert seen(tab, ".regions .reports a") == 0
    heights = "[...document.querySelectorAll('.regions tr.whole')].map(e => e.offsetHeight)"
    assert tab.value(heights)[0] <= 60
    tab.value("document.querySelectorAll('.regions .more input')[0].click()")
    assert seen(tab, ".regions td.figure") == 3 + 4
    assert seen(tab, ".regions .reports a") == 2
    assert overflow(tab) == 0
    tab.open(pages / name, browser.DESKTOP)
    assert seen(tab, ".regions td.figure") == 3 * 5
    assert seen(tab, ".regions .more") == 0


@pytest.mark.parametrize("name", PAGES[2:])
def test_the_portal_follows_the_colours_of_the_system(tab, pages, name):
    pair = "[getComputedStyle(document.documentElement).backgroundColor, "
    pair += "getComputedStyle(document.querySelector('.regions .value')).color]"
    found = {}
    for mode in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": mode}
        tab.send("Emulation.setEmulatedMedia", features=[feature])
        tab.open(pages / name, browser.DESKTOP)
        found[mode] = [[int(n) for n in re.findall(r"\d+", each)] for each in tab.value(pair)]
    tab.send("Emulation.setEmulatedMedia", features=[])
    assert found["light"] == [[255, 255, 255], [27, 36, 48]]
    assert found["dark"] == [[18, 23, 30], [232, 237, 243]]


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_can_skip_the_header(tab, pages, name):
    tab.open(pages / name, browser.DESKTOP)
    right = "document.querySelector('.skip').getBoundingClientRect().right"
    assert tab.value(right) < 0
    tab.send(
        "Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9
    )
    assert tab.value("document.activeElement.className") == "skip"
    assert tab.value(right) > 0
    tab.value("document.activeElement.click()")
    assert tab.value("document.activeElement.id") == "main"


def test_the_policy_stops_what_hostile_data_would_start(tab, pages, tmp_path):
    hostile = (
        "<script>document.title = 'run'</script><img src='https://example.com/x.png'>"
        "<img src=x onerror=\"document.title = 'run'\">"
    )
    text = (pages / "report.en.html").read_text("utf-8")
    (tmp_path / "hostile.html").write_text(text.replace("</main>", hostile + "</main>"), "utf-8")
    tab.open(tmp_path / "hostile.html", browser.PHONE)
    assert tab.value("document.title") == "Demo Flooring – East – Dec 31, 2025"
    assert tab.value("document.scripts.length") == 1
    assert len(complaints(tab)) >= 3, "a policy that stops something says so"


def test_these_tests_see_what_they_look_for(tab, tmp_path):
    bad = "<meta name=viewport content='width=device-width'><p style='width:500px'>wide</p>"
    bad += "<main style='width:99px'><table><td>" + 50 * "m" + "</table></main>"
    bad += "<script>console.error('!'); missing()</script><img src='gone.png'>"
    (tmp_path / "bad.html").write_text(bad, "utf-8")
    tab.open(tmp_path / "bad.html", browser.PHONE)
    assert overflow(tab) > 100
    assert [each[:4] for each in cut_off(tab)] == ["MAIN"]
    assert len(complaints(tab)) >= 2
    assert {rule.partition(":")[0] for rule in tab.violations()} >= {"image-alt", "html-has-lang"}
    assert [url.rpartition("/")[2] for url in requests(tab)] == ["bad.html", "gone.png"]

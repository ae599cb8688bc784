"""The first alert is what went wrong, and nothing is one where nothing did.

Regions are made by hand, or drawn from steady customers in which one thing is planted.
"""

import datetime as dt
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.performance import (
    alert_answers,
    alerts,
    figures,
    histories,
    periods,
    totals,
)
from cvm_analysis.performance.alert_answers import ANSWERS
from cvm_analysis.performance.alert_rules import HIGH_IS_GOOD, Alerts, Rule
from cvm_analysis.settings import load
from cvm_analysis.strategy import reasons
from cvm_analysis.tables import TABLES, check

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "config" / "sample.yaml"
DAY = dt.date(2025, 12, 31)
FIRST = dt.date(2023, 1, 1)
NOTHING = pd.DataFrame(columns=["table", "days"])
REASONS = pd.DataFrame(
    [
        ("close_complaint", "recovery", "complaint_days"),
        ("apologise", "recovery", "days_since_late"),
        ("call_overdue", "marketing", "days_since_last"),
        ("visit", "marketing", "days_overdue"),
        ("mail", "marketing", "days_since_late"),
    ],
    columns=["action", "kind", "reason"],
)


PLANNED = pd.DataFrame(
    [
        ("A", "apologise", 2),
        ("A", "close_complaint", 1),
        ("B", "mail", 1),
        ("B", "visit", 2),
        ("C", "visit", 1),
        ("E", "mail", 1),
    ],
    columns=["customer_id", "action", "rank"],
).set_index(["customer_id", "action"])


def find(region, rules=None, missing=NOTHING):
    year, customers, complaints = region
    found = alerts.find(year, customers, complaints, missing, DAY, rules or Alerts(), 14)
    check("alerts", alert_answers.add(found, REASONS, PLANNED).reset_index())
    return found


# Regions made by hand


def year(beyond=(), **changed):
    """Figures of 1,000 of sales a customer and a margin of 40%, of 100 customers, unless changed.

    changed : figure -> (value, before)
    """
    usual = dict.fromkeys(HIGH_IS_GOOD, (1.0, 1.0)) | {
        "net_sales": (100_000.0, 100_000.0),
        "margin": (40_000.0, 40_000.0),
        "n_active": (100.0, 100.0),
        "kept_share": (0.6, 0.6),
        "n_new": (30.0, 30.0),
        "late_share": (0.08, 0.08),
        "return_share": (0.02, 0.02),
        "complaints_per_100": (4.0, 4.0),
    }
    rows = [
        {"customer_type": "all", "figure": name, "value": value, "before": before,
         "beyond_chance": name in beyond}
        for name, (value, before) in (usual | changed).items()
    ]  # fmt: skip
    return alerts.read_year(pd.DataFrame(rows).set_index(["customer_type", "figure"]), 0.4)


def customers(n=100, **columns):
    """Customers of 1,000 a year each, none overdue, 10 of margin at stake each."""
    usual = {
        "x": 5.0,
        "net_sales_365d": 1000.0,
        "net_sales_change_365d": 0.0,
        "lapsed": False,
        "contact_on": pd.Timestamp("2026-03-01"),
        "list_priority": np.nan,
        "margin_at_stake": 10.0,
        "days_since_late": np.nan,
        "nps": np.nan,
    }
    index = pd.Index([f"c{i:03}" for i in range(n)], name="customer_id")
    return pd.DataFrame(usual | columns, index)


def complaints(*rows):
    """customer_id, days ago, days it lasted, 1 closed or 0 open."""
    table = pd.DataFrame(rows, columns=["customer_id", "ago", "duration", "event"])
    at = pd.Timestamp(DAY) - pd.to_timedelta(table["ago"].astype(float), unit="D")
    return table.assign(at=at)


def test_nothing_wrong_is_no_alert_but_what_is_most_at_stake():
    people = customers(list_priority=[*range(1, 21), *[np.nan] * 80])
    found = find((year(), people, complaints()))
    assert found["alert"].tolist() == ["margin_at_stake"] and not found["is_alert"].any()
    assert found.loc[1, ["money", "n_customers"]].tolist() == [100.0, 10]
    assert find((year(), customers(), complaints())).empty, "nobody is overdue"


def test_a_fall_beyond_chance_costs_that_share_of_the_margin_of_the_year_before():
    figures = year(["net_sales"], net_sales=(75_000.0, 100_000.0))
    found = find((figures, customers(), complaints()))
    assert found["alert"].tolist() == ["net_sales_fell"]
    assert found.loc[1, "money"] == pytest.approx(0.25 * 40_000)
    assert np.isnan(found.loc[1, "limit"]) and found.loc[1, "is_alert"]


def test_a_change_that_chance_explains_or_for_the_better_is_none():
    assert not find((year(net_sales=(75_000.0, 1e5)), customers(), complaints())).size
    better = year(["late_share", "net_sales"], late_share=(0.04, 0.08), net_sales=(2e5, 1e5))
    assert find((better, customers(), complaints())).empty


def test_the_margin_is_what_the_fall_of_sales_does_not_explain():
    """Sales fell 10%, the margin of a sale from 40% to 30%: 4,000 and 9,000 of 13,000."""
    both = ["net_sales", "margin"]
    figures = year(both, net_sales=(90_000.0, 1e5), margin=(27_000.0, 40_000.0))
    found = find((figures, customers(), complaints())).set_index("alert")["money"]
    assert found.to_dict() == pytest.approx({"margin_fell": 9000.0, "net_sales_fell": 4000.0})
    alone = year(["margin"], net_sales=(90_000.0, 1e5), margin=(27_000.0, 40_000.0))
    assert find((alone, customers(), complaints()))["money"].tolist() == pytest.approx([13_000.0])


def test_kept_customers_are_worth_their_part_of_the_margin():
    found = find((year(["kept_share"], kept_share=(0.45, 0.6)), customers(), complaints()))
    assert found.loc[1, "alert"] == "kept_share_fell"
    assert found.loc[1, "money"] == pytest.approx(0.15 * 40_000)
    assert found.loc[1, "n_customers"] == 15


def test_bad_service_puts_at_stake_the_margin_of_those_it_reached():
    people = customers(days_since_late=[100.0] * 20 + [400.0] * 30 + [np.nan] * 50)
    rows = [(f"c{i:03}", 30 * i, 3, 1) for i in range(10)] + [("c090", 500, 3, 1)]
    worse = ["late_share", "complaints_per_100"]
    changed = {"late_share": (0.24, 0.08), "complaints_per_100": (10.0, 4.0)}
    found = find((year(worse, **changed), people, complaints(*rows)))
    assert found["alert"].tolist() == ["late_share_rose", "complaints_per_100_rose"]
    assert found["money"].tolist() == [200.0, 100.0]
    assert found["n_customers"].tolist() == [20, 10]


def with_account(share, **gone):
    """100 customers of whom the first had this share of the year before's net sales."""
    before = 99_000 * share / (1 - share)
    people = customers()
    people.loc["c000", ["net_sales_365d", "net_sales_change_365d"]] = [0.0, -before]
    for column, value in gone.items():
        people.loc["c000", column] = value
    return people, before + 99_000


@pytest.mark.parametrize("gone", [{"lapsed": True}, {"contact_on": pd.Timestamp(DAY)}])
def test_a_key_account_that_is_gone_is_named_and_counts_once(gone):
    people, before = with_account(0.12, **gone)
    fell = year(["net_sales"], net_sales=(99_000.0, before), margin=(0.4 * 99_000, 0.4 * before))
    found = find((fell, people, complaints()))
    assert found["alert"].tolist() == ["account_lost", "net_sales_fell"]
    assert found.loc[1, "customer_id"] == "c000"
    assert found.loc[1, "before"] == pytest.approx(0.12)
    assert found.loc[1, "money"] == pytest.approx(0.4 * 0.12 * before)
    assert found.loc[2, "money"] == pytest.approx(0, abs=1e-6), "the account explains the fall"


def test_a_smaller_account_or_one_that_still_buys_is_no_alert():
    assert find((year(), with_account(0.04, lapsed=True)[0], complaints())).empty
    assert find((year(), with_account(0.12)[0], complaints())).empty
    assert find((year(), with_account(0.12, lapsed=True, x=1.0)[0], complaints())).empty, "no gap"
    off = Alerts(key_account_share=None)
    assert find((year(), with_account(0.12, lapsed=True)[0], complaints()), off).empty
    whole = year(net_sales=(1e6, 1e6))  # of which these customers are a part
    assert find((whole, with_account(0.12, lapsed=True)[0], complaints())).empty
    unknown = year(net_sales=(1e5, np.nan))
    assert find((unknown, with_account(0.12, lapsed=True)[0], complaints())).empty


def test_complaints_open_beyond_the_target_are_an_alert_from_a_share_on():
    rows = [(f"c{i:03}", 40, 5, 1) for i in range(8)]
    one, two, late = ("c050", 20, 20, 0), ("c050", 30, 30, 0), ("c051", 15, 15, 0)
    assert find((year(), customers(), complaints(*rows, one, two))).empty, "20% is the limit"
    found = find((year(), customers(), complaints(*rows, one, two, late)))
    assert found["alert"].tolist() == ["complaints_overdue"]
    assert found.loc[1, "value"] == pytest.approx(3 / 11)
    assert found.loc[1, ["money", "n_customers"]].tolist() == [20.0, 2]
    in_time = ("c051", 14, 14, 0)
    assert find((year(), customers(), complaints(*rows, one, two, in_time))).empty
    assert find((year(), customers(), complaints(*rows[:6], one, two, late))).empty, "only nine"


def test_of_few_customers_each_has_a_large_share_and_none_is_a_key_account_for_that():
    """Of twelve equal customers each has 8%, of one with four times as much 27%."""
    people = customers(12, net_sales_change_365d=-1000.0, net_sales_365d=0.0, lapsed=True)
    few = year(net_sales=(12_000.0, 12_000.0))
    assert not find((few, people, complaints()))["is_alert"].any()
    people.loc["c003", "net_sales_change_365d"] = -4000.0
    found = find((year(net_sales=(15_000.0, 15_000.0)), people, complaints()))
    assert found["customer_id"].tolist() == ["c003"]


def test_data_that_are_missing_come_last():
    missing = pd.DataFrame({"table": ["feedback"], "days": [120]})
    fell = year(["net_sales"], net_sales=(75_000.0, 1e5))
    found = find((fell, customers(), complaints()), missing=missing)
    assert found["alert"].tolist() == ["net_sales_fell", "data_missing"]
    assert found.loc[2, ["figure", "value", "limit"]].tolist() == ["feedback", 120.0, 90.0]
    assert np.isnan(found.loc[2, "money"])


def test_too_few_customers_give_no_alert_beyond_chance_but_others():
    few = {"n_active": (20.0, 29.0), "net_sales": (75_000.0, 1e5)}
    assert find((year(["net_sales"], **few), customers(), complaints())).empty
    rules = Alerts(rules=(Rule("net_sales", falls_by=0.2),))
    assert len(find((year(**few), customers(), complaints()), rules)) == 1


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (Rule("late_share", above=0.07), "late_share_above"),
        (Rule("late_share", above=0.08), None),
        (Rule("kept_share", below=0.61), "kept_share_below"),
        (Rule("kept_share", below=0.6), None),
        (Rule("n_new", falls_by=0.2), "n_new_fell"),
        (Rule("n_new", falls_by=0.21), None),
        (Rule("return_share", rises_by=0.5), "return_share_rose"),
        (Rule("return_share", rises_by=0.51), None),
    ],
)
def test_limits_of_the_config(rule, code):
    changed = {"n_new": (24.0, 30.0), "return_share": (0.03, 0.02)}
    found = find((year(**changed), customers(), complaints()), Alerts(rules=(rule,)))
    assert found["alert"].tolist() == ([code] if code else [])


def test_a_figure_that_cannot_be_told_breaks_no_rule():
    flat = pd.DataFrame(columns=["customer_type", "figure", "value", "before", "beyond_chance"])
    nothing = alerts.read_year(flat, 0.4)
    rules = Alerts(rules=(Rule("nps", below=5.0), Rule("margin", beyond_chance=True)))
    assert find((nothing, customers(), complaints()), rules).empty


def test_one_figure_is_one_alert_by_its_first_broken_rule():
    rules = Alerts(rules=(Rule("late_share", above=0.05), Rule("late_share", beyond_chance=True)))
    worse = year(["late_share"], late_share=(0.2, 0.08))
    assert find((worse, customers(), complaints()), rules)["alert"].tolist() == ["late_share_above"]


def test_actions_answer_by_their_reason_and_marketing_puts_nothing_right():
    worse = year(["late_share", "net_sales"], late_share=(0.2, 0.08), net_sales=(9e4, 1e5))
    found = alert_answers.add(find((worse, customers(), complaints())), REASONS, PLANNED)
    found = found.set_index("alert")["answered_by"]
    assert found["late_share_rose"] == "apologise"
    assert found["net_sales_fell"] == "visit", "call_overdue would answer it, but is not planned"


def test_a_key_account_is_answered_by_what_wins_it_back_else_by_what_is_planned_for_it():
    gone = dict.fromkeys(TABLES["alerts"].columns) | {"alert": "account_lost", "money": 1.0}
    rows = pd.DataFrame([gone | {"customer_id": each} for each in ("B", "C", "D", "E")])
    found = alert_answers.add(rows, REASONS, PLANNED)
    assert found["answered_by"].tolist() == ["visit", "visit", "", "mail"]


def test_where_there_is_no_alert_the_answers_are_texts_all_the_same():
    found = find((year(), customers(), complaints()))
    assert found.empty and alert_answers.add(found, REASONS, PLANNED)["answered_by"].dtype == object


def test_the_catalogue_of_the_project_answers_every_alert():
    listed = reasons.list_usual(load(CONFIG).strategies.actions)
    columns = set(listed["reason"])
    assert all(set(reasons_) & columns for _, reasons_ in ANSWERS.values())
    assert set(HIGH_IS_GOOD) <= set(ANSWERS)
    by_action = listed.set_index("action")["reason"]
    assert by_action["apologise_late_delivery"] == "days_since_late"
    assert by_action["close_complaint"] == "complaint_days"


# Regions that are drawn


def steady(n, seed, late=0.05, complain=0.05, shrunk=0.0, account=0.0, factor=1.0):
    """Sums of three years of n customers who buy at their own pace all the time, one in four new.

    What is planted is planted in the last year. late : share of deliveries; complain : complaints
    of a customer; shrunk : share of customers who stop; account : share of net sales of one
    customer who stopped; factor : of late deliveries and complaints
    """
    rng = np.random.default_rng(seed)
    pace, size = rng.gamma(2.0, 1.5, n), 1000 * rng.gamma(6.0, 1 / 6, n)
    active = rng.random((n, 3)) < 0.75
    active[: int(shrunk * n), 0] = False
    orders = rng.poisson(pace[:, None], (n, 3)) * active
    sales = np.array([[rng.gamma(6.0, size[i] / 6, k).sum() for k in row] for i, row in
                      enumerate(orders)])  # fmt: skip
    if account:
        orders[-1] = [0, 12, 12]
        sales[-1] = [0.0, *(sales[:-1, 1:].sum(axis=0) * account / (1 - account))]
    bad = np.array([factor, 1.0, 1.0])
    n_late = rng.binomial(orders, late * bad)
    complaints_ = rng.poisson(complain * bad, (n, 3)) * (orders > 0)
    return orders, sales, n_late, complaints_


def region(n, seed, **planted):
    """A drawn region as `find` takes it: figures of the year, customers, complaints."""
    orders, sales, n_late, given = steady(n, seed, **planted)
    ids = np.array([f"c{i:05}" for i in range(n)])
    years = periods.years(DAY, FIRST)
    who, period = np.nonzero(orders)
    sums = pd.DataFrame(
        {"customer_id": ids[who], "period": period, "net_sales": sales[who, period],
         "gross_sales": sales[who, period], "returned": 0.0, "n_orders": orders[who, period],
         "margin": 0.35 * sales[who, period], "n_due": orders[who, period],
         "n_late": n_late[who, period]}
    )  # fmt: skip
    complained, when = np.nonzero(given)
    ago = when * 365 + np.random.default_rng(seed).integers(20, 360, len(when))
    cases = complaints(*zip(ids[complained], ago, [3] * len(ago), [1] * len(ago), strict=True))
    feedback = cases.assign(kind="complaint")[["customer_id", "at", "kind"]]
    types = pd.Series("retail", pd.Index(ids, name="customer_id"))
    joined = histories.join(sums, years, feedback)
    table = figures.compare(totals.draw(joined, types))
    stopped = (orders[:, 0] == 0) & (orders[:, 1] > 0)
    people = customers(n).set_axis(types.index).assign(
        net_sales_365d=sales[:, 0],
        net_sales_change_365d=sales[:, 0] - sales[:, 1],
        lapsed=stopped,
        list_priority=np.where(stopped, sales[:, 1], np.nan),
        margin_at_stake=np.where(stopped, 0.1, 0.02) * 0.35 * sales[:, 1],
        days_since_late=np.where(n_late[:, 0] > 0, 100.0, np.nan),
    )  # fmt: skip
    return alerts.read_year(table, 0.35), people, cases


PLANTED = {
    "shrinking": (dict(shrunk=0.35), "net_sales_fell"),
    "late": (dict(factor=3.0, complain=0.0), "late_share_rose"),
    "complaints": (dict(factor=3.0, late=0.0), "complaints_per_100_rose"),
    "account": (dict(account=0.12), "account_lost"),
    "well": ({}, "margin_at_stake"),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_the_first_alert(name, seed):
    planted, code = PLANTED[name]
    found = find(region(800, seed, **planted))
    assert found.loc[1, "alert"] == code
    assert found.loc[1, "is_alert"] == (name != "well")


@pytest.mark.parametrize("seed", range(5))
def test_a_tiny_region_gives_no_alert_by_chance(seed):
    found = find(region(30, seed, shrunk=0.35), Alerts(key_account_share=None))
    assert not found["is_alert"].any()


# Regions as the sample has them


@pytest.fixture
def sample(monkeypatch):
    """The benchmark of alerts, whose regions are those of the sample, over ten steady years."""
    spec = importlib.util.spec_from_file_location("benchmark", ROOT / "benchmarks" / "alerts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for each in module.GENERATOR:
        monkeypatch.setattr(each, "N_DAYS", module.DAYS)
    return module


@pytest.mark.parametrize(
    ("planted", "size", "code"),
    [
        ("shrinking", 5000, "net_sales_fell"),
        ("late", 3000, "late_share_rose"),
        ("complaints", 3000, "complaints_per_100_rose"),
        ("account", 3000, "account_lost"),
        ("well", 3000, None),
    ],
)
def test_what_is_planted_in_the_sample_is_the_first_alert(sample, planted, size, code):
    drawn = sample.draw(sample.business.REGIONS[0], size, 1)
    found = sample.report(*sample.plant(planted, *drawn, np.random.default_rng(0)))
    first = found.loc[found["is_alert"], "alert"].head(1).tolist()
    assert first == ([code] if code else [])


def test_a_tiny_region_of_the_sample_gives_no_alert_by_chance(sample):
    drawn = sample.draw(sample.business.REGIONS[0], 100, 1)
    found = sample.report(*sample.plant("shrinking", *drawn, np.random.default_rng(0)))
    assert not found["alert"].str.contains("_fell|_rose").any()


def test_the_codes_are_those_that_the_table_is_described_with():
    said = TABLES["alerts"].columns["alert"].says
    assert all(code in said for code in ("account_lost", "complaints_overdue", "data_missing"))

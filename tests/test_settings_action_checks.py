"""Mistakes in strategies.yaml, each named with file and line; actions that wait for data."""

import pytest

from cvm_analysis import validate
from cvm_analysis.errors import ConfigError

BUSINESS = """\
business: Corner Shop
currency: EUR
pseudonyms: off
regions:
  east: {match: [Est], en: East, zh: 东}
  west: {match: [Ouest], en: West, zh: 西}
sources:
  transactions:
    - {files: sales.csv, region: east, columns: {customer_id: id, ordered_at: at, amount: sum}}
  customers:
    - {files: people.csv, columns: {customer_id: id, region: land, floor_area: area}}
"""
SEGMENTS = "rfm:\n  bins: 2\n  segments:\n    best: {r: 2}\n    rest: {r: 1}\n"
SCORECARDS = """\
scorecards:
  retail:
    - valid_from: 2020-01-01
      grades: {Gold: 50, Silver: 0}
      indicators: {spend: {column: net_sales, weight: 1, bins: 5}}
  dealer:
    - valid_from: 2020-01-01
      grades: {A: 50, B: 0}
      indicators: {growth: {column: net_sales, weight: 1, bins: 5}}
"""
STRATEGIES = """\
budget: 500
owners:
  sales: {en: Sales, zh: 销售部, capacity: 150}
actions:
  letter:
    en: Write
    zh: 写信
    when: {column: n_orders, above: 0}
    owner: sales
    channel: [email]
    cost: 2
    effect: {on: purchase, low: 0.1, likely: 0.2, high: 0.3}
"""
WHEN = "{column: n_orders, above: 0}"


@pytest.fixture
def folder(tmp_path):
    for name, text in (("mine", BUSINESS), ("segments", SEGMENTS), ("scorecards", SCORECARDS)):
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    (tmp_path / "sales.csv").write_text("id,at,sum\n", "utf-8")
    (tmp_path / "people.csv").write_text("id,land,area\n", "utf-8")
    return tmp_path


def check(folder, old=WHEN, new=WHEN):
    assert STRATEGIES.count(old) == 1
    (folder / "strategies.yaml").write_text(STRATEGIES.replace(old, new), "utf-8")
    return validate.check(folder / "mine.yaml")


def refused(folder, old, new):
    with pytest.raises(ConfigError) as error:
        check(folder, old, new)
    return str(error.value).replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            WHEN,
            "{column: n_order, above: 0}",
            "8: actions.letter.when: no column 'n_order'; did you",
        ),
        (
            WHEN,
            "{column: floor_are, above: 0}",
            "8: actions.letter.when: no column 'floor_are'; did",
        ),
        (WHEN, "{column: segment, is: bset}", "8: actions.letter.when: no segment 'bset'; did you"),
        (WHEN, "{column: segment, is: dealer_c}", "8: actions.letter.when: no segment 'dealer_c'"),
        (WHEN, "{column: grade, is: Bronze}", "8: actions.letter.when: no grade 'Bronze'"),
        (WHEN, "{column: life_cycle, is: newer}", "8: actions.letter.when: no life_cycle 'newer'"),
        (WHEN, "{column: amount, is: higher}", "8: actions.letter.when: no amount 'higher'; did"),
        (WHEN, "{column: customer_type, is: dealr}", "8: actions.letter.when: no customer_type 'd"),
        (WHEN, "{column: region, is: north}", "8: actions.letter.when: no region 'north'"),
        (WHEN, "{column: weakest_indicator, is: grow}", "8: actions.letter.when: no weakest_indic"),
        (WHEN, "{column: churn_risk, at_least: 50}", "8: actions.letter.when: 'churn_risk' is fro"),
        (
            WHEN,
            "\n      all:\n        - {column: n_orders, at_least: 3}\n"
            "        - {column: n_orders, at_most: 2}",
            "8: actions.letter.when: nobody can ever trigger this action",
        ),
        (
            WHEN,
            "\n      any:\n        - {column: nps, above: 3}\n        - {column: nsp, above: 2}",
            "11: actions.letter.when: no column 'nsp'",
        ),
        (
            WHEN,
            "{all: [{column: customer_type, is: dealer}, {column: life_cycle, is: lost}]}",
            "8: actions.letter.when: nobody can ever trigger this action: no type of customer",
        ),
        (
            WHEN,
            "{all: [{column: customer_type, is: retail}, {column: grade, is: A}]}",
            "8: actions.letter.when: nobody can ever trigger this action: no type of customer",
        ),
        (
            WHEN,
            "{all: [{column: segment, is: best}, {column: weakest_indicator, is: growth}]}",
            "8: actions.letter.when: nobody can ever trigger this action: no type of customer",
        ),
        (
            "owner: sales",
            "owner: sale",
            "9: actions.letter.owner: no owner 'sale'; did you mean 's",
        ),
        ("low: 0.1", "low: 0.4", "12: actions.letter.effect: low, likely and high must rise"),
        ("high: 0.3", "high: 0.3, evidence: elsewhere", "12: actions.letter.effect: set source"),
        ("cost: 2", "cost: 2\n    reason: age", "12: actions.letter.reason: no column 'age'"),
        (
            "cost: 2",
            "cost: 2\n    kind: service\n    control_share: 0.2",
            "13: actions.letter.contr",
        ),
        (
            "capacity: 150",
            "capacity: {est: 1, default: 2}",
            "3: owners.sales.capacity: no region 'e",
        ),
        (
            "capacity: 150",
            "capacity: {east: 1}",
            "3: owners.sales.capacity: no value for west; add",
        ),
        (
            "budget: 500",
            "budget: {west: 1}",
            "1: budget: no value for east; add them, or `default`",
        ),
        (
            WHEN,
            "{column: days_overdue, above: 1}\n    scope: segment",
            "8: actions.letter.when: no column 'days_overdue'",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(folder, old, new, said):
    (found,) = refused(folder, old, new)
    assert found.startswith(f"strategies.yaml line {said}")


@pytest.mark.parametrize(
    "when",
    [
        "{column: floor_area, at_least: 100}",
        "{column: floor_area, is: [large, small]}",
        "{column: segment, is: [best, prospect, dealer_a, dealer_not_graded]}",
        "{column: life_cycle, is: [prospect, dealer]}",
        "{column: indicators.growth, above: 0}",
        "{column: satisfaction_delivery, at_most: 2}",
        "{column: region, is: east}",
        "{column: lapsed, is: yes}",
        "{column: sales_change, above: 2}",
        "{all: [{column: customer_type, is: dealer}, {column: life_cycle, is: prospect}]}",
        "{all: [{column: customer_type, is: dealer}, {column: weakest_indicator, is: growth}]}",
        "{all: [{column: customer_type, is: retail}, {column: grade, is: [Gold, A]}]}",
        "{column: mean_days_since_last, above: 30}\n    scope: segment",
    ],
)
def test_every_column_that_there_is_can_be_asked(folder, when):
    check(folder, new=when)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (WHEN, None),
        ("{column: floor_area, above: 0}", None),
        ("{column: next_product, is: care}", "next_product needs product in sources.transactions"),
        ("{column: points_expiring, above: 0}", "points_expiring needs points in sources.points"),
        ("{column: nps, above: 8}", "nps needs score in sources.feedback"),
        ("{column: complaints_open, above: 0}", "complaints_open needs sources.feedback"),
        ("{column: days_to_birthday, at_most: 30}", "needs birth_date in sources.customers"),
        (
            "{all: [{column: days_since_late, above: 1}, {column: nps, above: 8}]}",
            "days_since_late needs delivered_on in sources.transactions and promised_on in "
            "sources.transactions; nps needs score in sources.feedback",
        ),
        ("{column: days_to_service, at_most: 9}", "needs maintenance_every_days under service"),
        ("{any: [{column: nps, above: 8}, {column: n_orders, above: 2}]}", None),
        ("{not: {column: nps, above: 8}}", None),
    ],
)
def test_an_action_that_waits_for_data_rests_and_check_says_what_for(folder, when, said):
    settings = check(folder, new=when)
    resting = [text for text in validate.warnings(settings) if "rests" in text]
    assert len(resting) == (said is not None)
    if said:
        place = f"{folder}/strategies.yaml line 8: action letter rests; "
        assert resting[0].startswith(place) and resting[0].endswith(said)


def test_maintenance_is_asked_for_once_the_config_says_how_often(folder):
    mine = folder / "mine.yaml"
    mapped = BUSINESS.replace("amount: sum}", "amount: sum, category: kind}")
    lives = "service: {category: {floor: {maintenance_every_days: 365}}}\n"
    mine.write_text(mapped + lives, "utf-8")
    (folder / "sales.csv").write_text("id,at,sum,kind\n", "utf-8")
    when = "{column: days_to_service, at_most: 9}"
    assert not [each for each in validate.warnings(check(folder, new=when)) if "rests" in each]
    longer = validate.warnings(check(folder, new="{column: days_to_warranty_end, at_most: 9}"))
    assert any(each.endswith("needs warranty_days under service") for each in longer)


def test_many_actions_at_rest_are_one_sentence_by_what_they_wait_for(folder):
    """A whole source where the config has none of it, else its column."""
    one = STRATEGIES.partition("actions:\n")[2]
    waits = ("nps", "complaints_open", "points_expiring", "days_since_late")
    more = [one.replace("letter", f"by_{c}").replace("n_orders", c) for c in waits]
    settings = check(folder, one, one + "".join(more))
    (said,) = [text for text in validate.warnings(settings) if "actions rest" in text]
    assert said == (
        f"{folder}/strategies.yaml line 4: 4 of 5 actions rest; they wait for "
        "sources.feedback (2), delivered_on in sources.transactions (1), promised_on in "
        "sources.transactions (1), sources.points (1)"
    )

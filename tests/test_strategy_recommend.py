"""Which action comes first for whom: changing the reason changes it; the rule, one case each."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from small_business import small

from cvm_analysis import prepared, tables, validate
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.settings.rule_files import Strategies
from cvm_analysis.strategy import facts as facts_module
from cvm_analysis.strategy import recommend
from cvm_analysis.strategy.catalogue import ContactLimit

DAY = dt.date(2025, 12, 31)
CATALOGUE = """
most_actions: 2
contact_limit: {contacts: 2, days: 30}
owners: {service: {capacity: 10}, sales: {capacity: 10}, logistics: {capacity: 5}}
actions:
  close_complaint:
    {kind: recovery, when: {column: complaints_open, at_least: 1}, reason: complaint_days,
     priority: 1, owner: service, channel: [phone], within_days: 3, cost: 30,
     effect: {on: margin_at_stake, low: 0, likely: 0.1, high: 0.2}}
  apologise:
    {kind: recovery, when: {column: days_since_late, at_most: 30}, priority: 2,
     owner: logistics, channel: [phone, sms], cost: 20, pause_days: 60,
     effect: {on: margin_at_stake, low: 0, likely: 0.05, high: 0.1}}
  renew:
    {kind: service, when: {column: days_to_contract_end, at_most: 60}, owner: service,
     channel: [phone], cost: 15, pause_days: 60,
     effect: {on: renewal_value, low: 0, likely: 0.04, high: 0.08}}
  call_overdue:
    {when: {all: [{column: customer_type, is: retail}, {column: days_overdue, above: 0}]},
     priority: 1, owner: sales, channel: [phone, wechat], within_days: 7, cost: 25,
     control_share: 0.2, pause_days: 90,
     effect: {on: margin_at_stake, low: 0.02, likely: 0.08, high: 0.15}}
  ask_about_downgrade:
    {when: {column: fell_from, is: [A, B]}, reason: largest_drop, priority: 2, owner: sales,
     channel: [phone], cost: 20, success: {measure: margin, within_days: 182},
     effect: {on: expected_margin, low: 0.01, likely: 0.04, high: 0.08}}
  news:
    {when: {column: n_orders, at_least: 1}, priority: 9, owner: sales, channel: [email, wechat],
     cost: 0.2, success: {measure: purchase, within_days: 60},
     effect: {on: purchase, low: 0, likely: 0.01, high: 0.02}}
"""
SETTINGS = Strategies.model_validate(yaml.safe_load(CATALOGUE.replace("{on:", '{"on":')))
ACTIONS = {action.code: action for action in SETTINGS.actions}
QUIET = {  # a customer with nothing to call for but the news
    **{"region": "east", "customer_type": "retail", "segment": "loyal", "n_orders": 4},
    **{"complaints_open": 0, "complaint_days": np.nan, "days_since_late": np.nan},
    **{"days_to_contract_end": np.nan, "days_overdue": -5.0, "fell_from": None},
    **{"largest_drop": None, "margin_at_stake": 1000.0, "expected_margin": 2000.0},
    **{"order_margin": 100.0, "renewal_value": 600.0},
    **{"p_no_purchase_90d": 0.5, "p_no_purchase_180d": 0.3, "p_no_purchase_365d": 0.1},
}
EVENTS = {  # what happens, and the first action that answers it
    "close_complaint": {"complaints_open": 1, "complaint_days": 12.0},
    "apologise": {"days_since_late": 4.0},
    "renew": {"days_to_contract_end": 20.0},
    "call_overdue": {"days_overdue": 9.0},
    "ask_about_downgrade": {"fell_from": "A", "largest_drop": "spend"},
}
NO_FIGURES = pd.DataFrame({"n_customers": pd.Series(dtype=float)})


def customers(**events):
    rows = {name: QUIET | more for name, more in events.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("customer_id")


def candidates(known, actions=SETTINGS.actions, effects=None, **more):
    given = {"horizon_weeks": 52, "segment_figures": NO_FIGURES, "min_segment": 1} | more
    return recommend.find_candidates(known, actions, effects or {}, DAY, **given)


def resolved(known, actions=SETTINGS.actions, most=2, limit=SETTINGS.contact_limit, **records):
    found = candidates(known, actions)
    return recommend.resolve(found, actions, DAY, most, limit, **records)


def listed(known, *args, **more):
    """Customer -> actions, the first one first."""
    table = resolved(known, *args, **more).actions.reset_index().sort_values("rank")
    return table.groupby("customer_id")["action"].apply(list).to_dict()


def contacts(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "at", "action"])


def consents(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "channel", "given", "at"])


@pytest.mark.parametrize("first", EVENTS)
def test_changing_a_customers_reason_changes_the_first_action(first):
    assert listed(customers(a={}))["a"] == ["news"]
    assert listed(customers(a=EVENTS[first]))["a"][0] == first
    again = listed(customers(a={}))  # it is over
    assert again["a"] == ["news"]


def test_the_reason_decides_before_the_segment_and_its_figure_is_shown():
    known = customers(**{f"{code}_{s}": event | {"segment": s}
                         for code, event in EVENTS.items() for s in ("loyal", "lost")})  # fmt: skip
    table = resolved(known).actions.reset_index()
    first = table[table["rank"] == 1].set_index("customer_id")
    for code in EVENTS:
        assert first.loc[[f"{code}_loyal", f"{code}_lost"], "action"].tolist() == [code, code]
    shown = first[["reason", "reason_value", "reason_text"]]
    assert shown.loc["close_complaint_lost"].tolist()[:2] == ["complaint_days", 12]
    assert shown.loc["call_overdue_lost"].tolist()[:2] == ["days_overdue", 9]
    assert shown.loc["ask_about_downgrade_lost"].tolist()[::2] == ["largest_drop", "spend"]


def test_nothing_is_offered_while_something_is_to_be_recovered():
    everything = {name: value for event in EVENTS.values() for name, value in event.items()}
    assert listed(customers(a=everything))["a"] == ["close_complaint", "apologise"]
    assert listed(customers(a=everything), most=9)["a"] == ["close_complaint", "apologise", "renew"]
    notes = resolved(customers(a=everything), most=9).notes
    assert [(note.code, note.have) for note in notes] == [("recovery_first", 1)]
    apologised = contacts(("a", "2025-12-20", "apologise"))
    late = customers(a=EVENTS["apologise"])
    assert listed(late, contacts=apologised) == {}  # not again, and no offers either


def test_within_a_kind_the_priority_decides_then_the_net_gain():
    fallen = EVENTS["ask_about_downgrade"]
    assert listed(customers(a=fallen | EVENTS["call_overdue"]))["a"] == [
        *("call_overdue", "ask_about_downgrade")
    ]
    equal = [
        ACTIONS[code].__class__(**(vars(ACTIONS[code]) | {"priority": 3}))
        for code in ("call_overdue", "ask_about_downgrade", "news")
    ]
    # 80 - 25, 80 - 20, 1 - 0.2
    known = customers(a=fallen | EVENTS["call_overdue"])
    assert listed(known, equal, most=3, limit=ContactLimit(contacts=3))["a"] == [
        *("ask_about_downgrade", "call_overdue", "news")
    ]


def test_a_customer_gets_no_more_than_so_many_actions():
    busy = customers(a=EVENTS["renew"] | EVENTS["call_overdue"] | EVENTS["ask_about_downgrade"])
    for most in (1, 2, 3):
        every = ["renew", "call_overdue", "ask_about_downgrade"]
        assert listed(busy, most=most, limit=SETTINGS.contact_limit)["a"] == every[:most]


def test_marketing_contacts_of_the_last_days_count():
    known = customers(a=EVENTS["call_overdue"] | EVENTS["ask_about_downgrade"] | EVENTS["renew"])
    news = ("a", "2025-12-02", "news")  # 29 days ago
    assert listed(known, most=9)["a"] == ["renew", "call_overdue", "ask_about_downgrade"]
    assert listed(known, most=9, contacts=contacts(news))["a"] == ["renew", "call_overdue"]
    twice = contacts(news, ("a", "2025-12-31", "an_old_action"))
    found = resolved(known, most=9, contacts=twice)
    assert found.actions.index.tolist() == [("a", "renew")]
    assert (found.notes[0].code, found.notes[0].have) == ("contact_limit", 1)
    assert not resolved(known, most=1, contacts=twice).notes  # there would be no offer anyway
    uncounted = contacts(
        ("a", "2025-12-01", "news"),  # 30 days ago
        ("a", "2025-12-30", "close_complaint"),  # not marketing
        ("a", "2026-01-01", "news"),  # unknown on that day
        ("b", "2025-12-30", "news"),
    )
    assert listed(known, most=9, contacts=uncounted)["a"] == listed(known, most=9)["a"]


@pytest.mark.parametrize(
    ("at", "again"), [("2025-10-03", False), ("2025-10-02", True), ("2026-01-01", True)]
)
def test_an_action_is_not_repeated_within_its_pause(at, again):
    known = customers(a=EVENTS["call_overdue"])  # 90 days
    found = listed(
        known, contacts=contacts(("a", "2025-01-01", "call_overdue"), ("a", at, "call_overdue"))
    )
    assert ("call_overdue" in found["a"]) == again


def test_without_any_record_of_consent_all_are_allowed_and_a_note_says_so():
    found = resolved(customers(a={}, b=EVENTS["close_complaint"]))
    assert found.actions["consent"].to_dict() == {
        ("a", "news"): "not_recorded", ("b", "close_complaint"): "not_needed"
    }  # fmt: skip
    assert ("consent_not_recorded", 1) in [(note.code, note.have) for note in found.notes]


def test_with_records_of_consent_who_gave_none_is_left_out_and_counted():
    known = customers(a={}, b={}, c={}, d=EVENTS["close_complaint"])
    records = consents(("a", "wechat", True, "2025-01-01"), ("b", "email", False, "2025-01-01"))
    found = resolved(known, consents=records)
    assert set(found.actions.reset_index()["customer_id"]) == {"a", "d"}
    assert found.actions.loc[("a", "news"), ["channel", "consent"]].tolist() == ["wechat", "given"]
    assert found.actions.loc[("d", "close_complaint"), "channel"] == "phone"
    assert ("no_consent", 2) in [(note.code, note.have) for note in found.notes]


def test_marketing_that_gains_no_more_than_it_costs_is_left_out_and_service_is_not():
    poor = customers(
        a=EVENTS["call_overdue"] | {"margin_at_stake": 25 / 0.08, "order_margin": 0.0},
        b=EVENTS["renew"] | {"renewal_value": np.nan, "order_margin": 0.0},
    )
    assert listed(poor) == {"b": ["renew"]}
    assert ("does_not_pay", 2) in [(note.code, note.have) for note in resolved(poor).notes]


def test_gain_is_the_effect_times_what_it_multiplies():
    known = customers(a=EVENTS["call_overdue"] | EVENTS["ask_about_downgrade"] | EVENTS["renew"])
    found = candidates(known).set_index("action")
    assert found["base"].to_dict() == {
        "renew": 600, "call_overdue": 1000, "ask_about_downgrade": 2000, "news": 100
    }  # fmt: skip
    assert found["expected_gain"].to_dict() == pytest.approx(
        {"renew": 24, "call_overdue": 80, "ask_about_downgrade": 80, "news": 1}
    )
    measured = {"call_overdue": SimpleNamespace(mean=0.03, evidence="measured_with_control")}
    found = candidates(known, effects=measured).set_index("action")
    assert found.loc["call_overdue", ["expected_gain", "evidence"]].tolist() == [
        *(30, "measured_with_control")
    ]
    assert found.loc["news", "evidence"] == "assumed"


def test_money_that_is_unknown_or_negative_gains_nothing():
    known = customers(a=EVENTS["call_overdue"] | {"margin_at_stake": np.nan},
                      b=EVENTS["call_overdue"] | {"margin_at_stake": -50.0})  # fmt: skip
    found = candidates(known)
    assert (found.loc[found["action"] == "call_overdue", "expected_gain"] == 0).all()
    without = candidates(known.drop(columns="order_margin")).set_index("action")
    assert (without.loc["news", "base"] == 0).all()


SEGMENT = """
actions:
  event:
    {scope: segment, when: {all: [{column: segment, is: [loyal, lost]},
     {column: mean_days_since_last, at_least: 30}]}, owner: sales, channel: [email], cost: 1,
     effect: {"on": purchase, low: 0, likely: 0.05, high: 0.1}}
"""
FIGURES = pd.DataFrame(
    {"n_customers": [50, 9, 80], "mean_days_since_last": [40.0, 90.0, 10.0]},
    index=pd.Index(["loyal", "lost", "new"], name="segment"),
)


@pytest.mark.parametrize(("min_segment", "who"), [(5, ["a", "b"]), (10, ["a"])])
def test_an_action_for_a_segment_goes_to_all_its_members(min_segment, who):
    actions = Strategies.model_validate(yaml.safe_load(SEGMENT)).actions
    known = customers(a={}, b={"segment": "lost"}, c={"segment": "new"})
    found = candidates(known, actions, segment_figures=FIGURES, min_segment=min_segment)
    assert found["customer_id"].tolist() == who
    assert found["reason"].eq("mean_days_since_last").all()
    assert found["reason_value"].tolist() == [40, 90][: len(who)]


def test_the_table_is_the_one_described():
    found = resolved(customers(a={}, **EVENTS)).actions
    tables.check("actions", found.reset_index())
    assert (found["due_on"] - pd.Timestamp(DAY)).dt.days.xs("close_complaint", level=1).eq(3).all()
    assert found["in_plan"].all() and found["arm"].isna().all()


def test_nobody_and_no_action_are_a_table_without_rows():
    for known, actions in ((customers(a={"n_orders": 0}), SETTINGS.actions), (customers(a={}), ())):
        found = resolved(known, actions)
        assert found.actions.empty and not found.notes
        tables.check("actions", found.actions.reset_index())


def test_only_the_largest_gain_of_a_customer_counts():
    known = customers(a=EVENTS["renew"] | EVENTS["call_overdue"], b={}, c=EVENTS["close_complaint"])
    found = resolved(known).actions
    assert found["counts_gain"].to_dict() == {
        **{("a", "renew"): False, ("a", "call_overdue"): True},
        **{("b", "news"): True, ("c", "close_complaint"): True},
    }
    planned = found.assign(in_plan=found.index.get_level_values("action") != "call_overdue")
    planned.loc[("b", "news"), "arm"] = "control"
    again = recommend.mark_largest_gain(planned)["counts_gain"]
    assert again[("a", "renew")] and not again[("a", "call_overdue")] and not again[("b", "news")]


def test_customers_do_not_influence_each_other():
    """Everybody together gets what everybody gets alone."""
    rng = np.random.default_rng(5)
    events = [{}, *EVENTS.values()]
    people = {}
    for i in range(60):
        chosen = rng.choice(len(events), 2)
        people[f"c{i:02}"] = events[chosen[0]] | events[chosen[1]]
    log = contacts(*((f"c{i:02}", "2025-12-20", "news") for i in range(0, 60, 3)))
    together = listed(customers(**people), contacts=log)
    for name, event in people.items():
        assert listed(customers(**{name: event}), contacts=log).get(name) == together.get(name)


def slowly(found, log, records, most, limit):
    """The rule for one customer after another, in plain Python: who gets what, in which order."""
    result = {}
    for who, rows in found.groupby("customer_id"):
        past = [(at, code) for name, at, code in log if name == who and at <= DAY]
        given = {c: yes for n, c, yes, _ in sorted(records, key=lambda r: r[3]) if n == who}
        recovers = any(rows["kind"] == "recovery")
        left = []
        for row in rows.itertuples():
            action, offer = ACTIONS[row.action], row.kind == "marketing"
            may = not action.needs_consent or any(given.get(c) for c in action.channel)
            ago = [(DAY - at).days for at, code in past if code == row.action]
            pays = not offer or row.expected_gain > row.cost
            if may and pays and min(ago, default=999) >= action.pause_days:
                left += [] if recovers and offer else [row]
        order = ["recovery", "service", "marketing"]
        left.sort(key=lambda r: (order.index(r.kind), r.priority, r.cost - r.expected_gain))
        recent = [code for at, code in past if (DAY - at).days < limit.days]
        room = limit.contacts - sum(ACTIONS[code].kind == "marketing" for code in recent)
        offers = [row for row in left if row.kind == "marketing"][: max(room, 0)]
        chosen = [row for row in left if row.kind != "marketing"] + offers
        if chosen:
            result[who] = [row.action for row in chosen[:most]]
    return result


@pytest.mark.parametrize("seed", range(8))
def test_the_rule_is_that_of_plain_python_for_random_customers(seed):
    rng = np.random.default_rng(seed)
    events = [{}, *EVENTS.values(), {"margin_at_stake": 100.0}, {"order_margin": 10.0}]
    people = {}
    for i in range(40):
        chosen = rng.choice(len(events), rng.integers(0, 4))
        people[f"c{i:02}"] = {k: v for event in chosen for k, v in events[event].items()}
    names, codes, channels = list(people), list(ACTIONS), ["phone", "email", "wechat"]

    def day(least=0):
        return DAY - dt.timedelta(int(rng.integers(least, 100)))

    log = [(rng.choice(names), day(-3), rng.choice(codes)) for _ in range(60)]
    keys = {(rng.choice(names), rng.choice(channels), day()) for _ in range(150)}
    records = [(who, channel, rng.random() < 0.7, at) for who, channel, at in sorted(keys)]
    known, most = customers(**people), int(rng.integers(1, 5))
    limit = ContactLimit(contacts=int(rng.integers(0, 4)), days=int(rng.integers(1, 60)))
    found = listed(
        *(known, SETTINGS.actions, most, limit),
        contacts=contacts(*log), consents=consents(*records),
    )  # fmt: skip
    assert found == slowly(candidates(known), log, records, most, limit)


OWN = """
owners: {architects: {en: Architects, zh: 设计部, capacity: 20}}
actions:
  measure_visit:
    en: Offer to measure the rooms
    zh: 上门量房
    when: {all: [{column: floor_area, at_least: 120}, {column: house, is: villa}]}
    owner: architects
    channel: [visit]
    cost: 1
    effect: {on: purchase, low: 0.1, likely: 0.2, high: 0.3}
"""


def test_an_own_action_on_an_own_column_needs_yaml_alone(tmp_path):
    sales = "customer_id,ordered_at,amount,land\n" + "".join(
        f"{who},2025-0{month}-01,100,Nord\n" for who in "abc" for month in (1, 4, 9)
    )
    people = "customer_id,floor_area,house\na,150,villa\nb,90,villa\nc,200,flat\n"
    small(tmp_path, "{from: land}", {"sales.csv": sales}, people)
    (tmp_path / "strategies.yaml").write_text(OWN, "utf-8")
    settings = validate.check(tmp_path / "small.yaml")
    assert not [text for text in validate.warnings(settings) if "measure_visit" in text]
    prepare(settings)
    day = dt.date(2025, 9, 1)
    known = facts_module.join(
        {"customers": prepared.open(settings, "all").customers(day)}, day, 0.5
    )
    found = candidates(known, settings.strategies.actions)
    assert found["customer_id"].tolist() == ["a"]
    assert found[["reason", "reason_text", "base"]].iloc[0].tolist() == ["floor_area", "150", 50]
    assert settings.words["zh"]["actions.measure_visit"] == "上门量房"
    assert settings.words["en"]["owners.architects"] == "Architects"

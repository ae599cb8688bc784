"""Recommend, act, measure, recommend again: three reports of a business that learns.

The sample's customers respond to what is recommended by effects that the catalogue does not know:
an offer works, a letter does not, and the catalogue assumes that the letter is the better of both.
"""

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
import yaml
from part_of_sample import keep_sources

from cvm_analysis import prepared, sample
from cvm_analysis import settings as settings_module
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.sample import responses
from cvm_analysis.strategy import (
    arms,
    budget,
    facts,
    known_effects,
    ledger,
    planning,
    recommend,
    segment_figures,
    segment_strategies,
)
from cvm_analysis.strategy.catalogue import Action, ContactLimit, Effect, Success
from cvm_analysis.strategy.conditions import read
from cvm_analysis.tables import empty

ROOT = Path(__file__).parent.parent
DATES = [dt.date(2024, 12, 31), dt.date(2025, 4, 30), dt.date(2025, 8, 31)]
PLANTED = {"offer": 0.15, "letter": 0.0}
WEEKS, BUDGET = 52, 4_000.0


def action(code, gender, likely):
    known = {"column": "n_orders", "at_least": 1}
    return Action(
        code=code,
        when=read({"all": [known, {"column": "gender", "is": gender}]}),
        owner="sales",
        channel=("sms",),
        cost=4.0,
        consent=False,
        control_share=0.3,
        success=Success(measure="purchase", within_days=90),
        effect=Effect(on="purchase", low=likely - 0.06, likely=likely, high=likely + 0.06),
    )


CATALOGUE = [action("offer", "male", 0.06), action("letter", "female", 0.08)]


class Report(NamedTuple):
    """What one report knew and recommended."""

    known: dict
    results: pd.DataFrame
    actions: pd.DataFrame


def report(settings, date, lists):
    """One report, from prepared data to the table of actions."""
    data = prepared.open(settings, "all")
    daily = data.daily_margin(date, 0.35)
    contacts = data.to_pandas("contact_log")
    results = ledger.evaluate(lists, contacts, daily, date)
    nothing = empty("campaign_results").set_index(["campaign_id", "segment"])
    known = known_effects.update(CATALOGUE, nothing, results)
    customers = data.customers(date)
    buyers = customers[customers["n_orders"] > 0]
    risk = {f"p_no_purchase_{days}d": 0.9 - days / 1000 for days in (90, 180, 365)}
    classes = pd.DataFrame({"segment": "any", "amount": "mid"}, buyers.index)
    value = pd.DataFrame({"expected_orders": 1.0, "expected_margin": 100.0}, buyers.index)
    tables = {"customers": buyers, "churn": pd.DataFrame(risk, buyers.index), "value": value}
    everything = facts.join(tables, date, 0.35)
    figures = segment_figures.summary(buyers, classes["segment"], value)
    found = recommend.find_candidates(everything, CATALOGUE, known, date, WEEKS, figures, 5)
    recommended = recommend.resolve(found, CATALOGUE, date, 1, ContactLimit(contacts=99))
    offers = planning.as_candidates(recommended.actions, CATALOGUE, classes)
    in_plan, _ = budget.choose(offers, BUDGET, {})
    rows = offers[in_plan].assign(customer_type="retail")
    shares = {each.code: each.control_share for each in CATALOGUE}
    arm, _ = arms.draw(rows, shares, {}, date, ledger.open_arms(lists, date))
    actions = planning.complete(recommended.actions, in_plan, arm.reindex(offers.index))
    return Report(known, results, actions)


def respond(folder, settings, made, date):
    """The market answers a report; its orders and contacts become further raw files."""
    truth = json.loads((folder / "data" / "sample" / "truth.json").read_text("utf-8"))
    data = prepared.open(settings, "all")
    orders = data.to_pandas("transactions").query("amount > 0")[["customer_id", "ordered_at"]]
    people = pd.DataFrame(truth["customers"])
    drawn = responses.draw(made.actions.reset_index(), people, orders, PLANTED, date, seed=7)
    sources = responses.write(folder / "data", date.isoformat(), drawn)
    path = folder / "config" / "sample.yaml"
    config = yaml.safe_load(path.read_text("utf-8"))
    for setting, source in sources.items():
        region = {"region": "east"} if setting == "transactions" else {}
        config["sources"].setdefault(setting, []).append(source | region)
    path.write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    settings = settings_module.load(path)
    prepare(settings)
    return settings


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Three reports, the market's answers between them."""
    folder = tmp_path_factory.mktemp("learning")
    sample.make(folder / "data" / "sample", 3_000)
    shutil.copytree(ROOT / "config", folder / "config")
    keep_sources(folder / "config" / "sample.yaml", "transactions", "customers", "contact_log")
    catalogue = folder / "config" / "strategies.yaml"
    text = catalogue.read_text("utf-8").replace("  win_back_offer:", "  letter:", 1)
    catalogue.write_text(text.replace("  second_purchase_offer:", "  offer:", 1), "utf-8")
    settings = settings_module.load(folder / "config" / "sample.yaml")
    prepare(settings)
    lists, made = empty("ledger").set_index(["region", "as_of", "customer_id", "action"]), []
    for date in DATES:
        made.append(report(settings, date, lists))
        rows = ledger.to_rows(made[-1].actions, "east", date, 0.1)
        lists = pd.concat([each for each in (lists, rows) if len(each)])
        settings = respond(folder, settings, made[-1], date)
    return made


def planned(made):
    """Contacts of each action in the plan of a report."""
    rows = segment_strategies.select_planned(made.actions).reset_index()
    return rows["action"].value_counts().reindex(PLANTED).fillna(0)


def test_at_first_the_assumptions_decide(reports):
    first = reports[0]
    assert first.known["offer"].mean == pytest.approx(0.06)
    assert first.results.empty
    assert planned(first)["letter"] > planned(first)["offer"] > 0
    assert (first.actions["arm"] == "control").sum() > 100


def test_effects_move_towards_what_was_planted(reports):
    distance = [
        {code: abs(each.known[code].mean - effect) for code, effect in PLANTED.items()}
        for each in reports
    ]
    assert distance[2]["offer"] < distance[0]["offer"] / 2
    assert distance[2]["letter"] < distance[0]["letter"] / 2
    assert (
        reports[2].known["offer"].sd < reports[1].known["offer"].sd < reports[0].known["offer"].sd
    )
    assert {reports[2].known[code].evidence for code in PLANTED} == {"measured_with_control"}


def test_the_plan_changes_because_of_it(reports):
    last = planned(reports[2])
    assert last["offer"] > planned(reports[0])["offer"]
    assert last["letter"] < planned(reports[0])["letter"]
    assert last["offer"] > last["letter"]


def test_every_closed_list_is_measured_against_its_control_group(reports):
    closed = reports[2].results.query("status == 'measured'")
    assert set(closed["comparison"]) == {"control"}
    assert (closed["n_control"] > 0).all() and (closed["n_done"] > 0).all()

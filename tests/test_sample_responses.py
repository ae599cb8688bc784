"""Responses to recommended actions: contacted customers respond by the planted effect."""

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from part_of_sample import keep_sources

from cvm_analysis import prepared, sample, settings
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.sample import responses
from cvm_analysis.tables import TABLES

CONFIG = Path(__file__).parent.parent / "config"
AS_OF = date(2025, 6, 30)
GROUPS = ["steady_renewers", "care_regulars", "big_ticket_seasonal", "one_off_renovators"]
N = 6_000


@pytest.fixture(scope="module")
def customers():
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "customer_id": [f"{i:08d}" for i in range(N)],
            "region": rng.choice(["east", "south"], N),
            "group": rng.choice(GROUPS, N),
            "order_value": rng.gamma(4, 300, N),
        }
    )


@pytest.fixture(scope="module")
def orders(customers):
    """A quarter buys in the window, others before or after it."""
    day = np.random.default_rng(2).choice(
        ["2025-06-30", "2025-08-01", "2025-12-01", "2024-01-01"], N
    )
    return pd.DataFrame({"customer_id": customers["customer_id"], "ordered_at": day})


def actions(customers, measure="purchase", **changed):
    """Half of everybody in each arm."""
    arm = np.where(np.random.default_rng(3).random(N) < 0.5, "treated", "control")
    return pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "action": "call",
            "arm": arm,
            "in_plan": True,
            "measure": measure,
            "window_days": 90,
            "base": 400.0,
            "channel": "phone",
            "owner": "sales",
            "region": "another column",
        }
        | changed
    )


def draw(listed, customers, orders, effects, as_of=AS_OF, done=0.85):
    return responses.draw(listed, customers, orders, effects, as_of, 7, done)


def difference(outcome, listed):
    """Mean of the treated less that of the controls, and its standard error."""
    arms = outcome.groupby(listed["arm"].to_numpy())
    mean, error = arms.mean(), arms.sem()
    return mean["treated"] - mean["control"], np.hypot(error["treated"], error["control"])


@pytest.mark.parametrize("planted", [0.0, 0.05, 0.15])
@pytest.mark.parametrize("done", [0.5, 1.0])
def test_purchases_rise_by_the_planted_points_whatever_share_is_done(
    customers, orders, planted, done
):
    listed = actions(customers)
    drawn = draw(listed, customers, orders, {"call": planted}, done=done)
    bought = pd.concat([orders, drawn.lines[["customer_id", "ordered_at"]]])
    day = pd.to_datetime(bought["ordered_at"])
    inside = bought[(day > "2025-06-30") & (day < "2025-09-29")]
    outcome = customers["customer_id"].isin(inside["customer_id"]).astype(float)
    effect, error = difference(outcome, listed)
    assert effect == pytest.approx(planted, abs=3 * error) and error < 0.013
    n = (listed["arm"] == "treated").sum()
    answered = drawn.lines["customer_id"].nunique() / n  # all of them would not have bought
    assert answered == pytest.approx(planted, abs=3 * np.sqrt(planted * (1 - planted) / n))
    share = len(drawn.contacts) / n
    assert share == pytest.approx(done, abs=3 * np.sqrt(done * (1 - done) / n) + 1e-12)


@pytest.mark.parametrize("planted", [0.0, 0.08, 0.6])
def test_margin_rises_by_the_planted_share_of_the_base(customers, orders, planted):
    listed = actions(customers, measure="margin", base=np.linspace(0, 800, N))
    drawn = draw(listed, customers, orders, {"call": planted})
    margin = (drawn.lines["amount"] - drawn.lines["cost"]).groupby(drawn.lines["customer_id"]).sum()
    outcome = customers["customer_id"].map(margin).fillna(0.0)
    effect, error = difference(outcome, listed)
    assert effect == pytest.approx(planted * listed["base"].mean(), abs=3 * error)
    assert error < 12


def test_only_customers_who_were_contacted_buy_and_only_after_it(customers, orders):
    drawn = draw(actions(customers), customers, orders, {"call": 0.3})
    contacted = drawn.contacts.set_index("customer_id")["at"]
    assert contacted.index.is_unique
    assert (contacted > pd.Timestamp(AS_OF)).all()
    assert (contacted <= pd.Timestamp("2025-07-07")).all()
    day = drawn.lines["ordered_at"].dt.normalize()
    assert (day > drawn.lines["customer_id"].map(contacted)).all()
    assert day.max() < pd.Timestamp("2025-09-28") + pd.Timedelta(days=1)


def test_controls_others_than_planned_and_customers_nobody_knows_bring_nothing(customers, orders):
    listed = actions(customers)
    listed.loc[:999, "in_plan"] = False
    listed.loc[1000:1999, "customer_id"] = [f"XM{i}" for i in range(1000)]
    listed.loc[2000:2999, "arm"] = None  # no control group was drawn: as treated
    drawn = draw(listed, customers, orders, {"call": 0.4})
    found = listed.set_index("customer_id").loc[drawn.contacts["customer_id"]]
    assert found["in_plan"].all() and not (found["arm"] == "control").any()
    assert found.index.str.startswith("XM").sum() > 300  # a call is done, and nothing comes of it
    assert found["arm"].isna().sum() > 700
    assert not drawn.lines["customer_id"].str.startswith("XM").any()
    assert set(drawn.lines["customer_id"]) <= set(drawn.contacts["customer_id"])


def test_an_action_without_a_planted_effect_is_done_and_brings_nothing(customers, orders):
    drawn = draw(actions(customers), customers, orders, {"letter": 0.5})
    assert drawn.lines.empty and len(drawn.contacts) > 2_000


def test_nothing_is_bought_after_the_last_day_of_the_sample(customers, orders):
    drawn = draw(actions(customers), customers, orders, {"call": 0.4}, as_of=date(2025, 11, 30))
    assert drawn.lines["ordered_at"].max() < pd.Timestamp("2026-01-01")
    assert drawn.lines["ordered_at"].min() > pd.Timestamp("2025-12-01")


def test_the_same_seed_draws_the_same_and_another_date_has_other_order_ids(customers, orders):
    first, again, later = (
        draw(actions(customers), customers, orders, {"call": 0.2}, as_of=day)
        for day in (AS_OF, AS_OF, date(2025, 9, 30))
    )
    pd.testing.assert_frame_equal(first.lines, again.lines)
    pd.testing.assert_frame_equal(first.contacts, again.contacts)
    assert not set(first.lines["order_id"]) & set(later.lines["order_id"])


def test_amounts_of_lines_are_quantity_times_price_less_discount(customers, orders):
    lines = draw(actions(customers), customers, orders, {"call": 0.2}).lines
    due = lines["quantity"] * lines["unit_price"] - lines["discount"]
    assert lines["amount"].to_numpy() == pytest.approx(due.to_numpy(), abs=0.001)
    assert set(lines) <= set(TABLES["transactions"].columns)


def read_tables(config):
    data = prepared.open(settings.load(config), "all")
    return {name: data.to_pandas(name) for name in ("transactions", "contact_log")}


def test_what_is_written_is_a_further_source_of_the_next_report(tmp_path):
    """Between two reports: actions of the first, responses, and what the second one finds."""
    sample.make(tmp_path / "data" / "sample", 300)
    shutil.copytree(CONFIG, tmp_path / "config")
    truth = json.loads((tmp_path / "data" / "sample" / "truth.json").read_text("utf-8"))
    path = tmp_path / "config" / "sample.yaml"
    keep_sources(path, "transactions", "customers", "contact_log")
    prepare(settings.load(path))
    before = read_tables(path)
    people = pd.DataFrame(truth["customers"])
    listed = pd.DataFrame(
        {
            "customer_id": people["customer_id"],
            "action": settings.load(path).strategies.actions[0].code,
            "arm": np.where(np.arange(len(people)) % 2, "treated", "control"),
            "in_plan": True,
            "measure": "purchase",
            "window_days": 90,
            "base": 100.0,
            "channel": "phone",
            "owner": "sales",
        }
    )
    sold, effects = before["transactions"], dict.fromkeys(listed["action"], 0.3)
    sold = sold[sold["amount"] > 0]
    drawn = responses.draw(listed, people, sold, effects, AS_OF, 1)
    config = yaml.safe_load(path.read_text("utf-8"))
    for setting, source in responses.write(tmp_path, "2025-06-30", drawn).items():
        config["sources"][setting].append(source)
    path.write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    assert prepare(settings.load(path))
    after = read_tables(path)
    for table, added in (("transactions", drawn.lines), ("contact_log", drawn.contacts)):
        assert len(after[table]) - len(before[table]) == len(added) > 20
    log = after["contact_log"].merge(drawn.contacts, on=["customer_id", "action", "at"])
    assert len(log) == len(drawn.contacts)

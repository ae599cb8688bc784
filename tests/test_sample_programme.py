"""Points, referrals and leads of the sample: what the analysis finds against what was planted."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.experience import breakage, lead_score, leads, points, referrals
from cvm_analysis.sample.layouts import LEADS, POINTS, REFERRALS

AS_OF = dt.date(2025, 12, 31)


@pytest.fixture(scope="module")
def folder(whole_sample):
    return whole_sample


@pytest.fixture(scope="module")
def truth(folder):
    return json.loads((folder / "truth.json").read_text("utf-8"))


def clean(folder, truth, name, layout):
    """The clean rows of a file, our columns, as text."""
    path = folder / "raw" / f"{name}.csv"
    table = pd.read_csv(path, encoding=layout.encoding, dtype=str, keep_default_na=False)
    table = table.rename(columns={theirs: ours for ours, theirs in layout.headers.items()})
    table.index += 2
    dirt = truth["files"][f"raw/{name}.csv"]["dirt_lines"]
    return table.drop(index=[line for lines in dirt.values() for line in lines])


@pytest.fixture(scope="module")
def moves(folder, truth):
    rows = clean(folder, truth, "points", POINTS)
    return rows.assign(
        at=pd.to_datetime(rows["at"]), points=rows["points"].str.replace(",", "").astype(float)
    )


@pytest.fixture(scope="module")
def enquiries(folder, truth):
    rows = clean(folder, truth, "leads", LEADS)
    days = {c: pd.to_datetime(rows[c]) for c in ("created_on", "stage_at", "closed_on")}
    value = pd.to_numeric(rows["value"].str.replace(",", ""), errors="coerce")
    empty = {c: rows[c].where(rows[c] != "", None) for c in ("customer_id", "outcome")}
    return rows.assign(**days, value=value, **empty)


def test_points_are_earned_by_orders_and_the_balance_is_that_of_a_plain_sum(moves, truth):
    earned = moves[moves["kind"] == "earn"]
    assert earned["order_id"].is_unique and (earned["order_id"] != "").all()
    people = pd.DataFrame(truth["customers"]).set_index("customer_id")["first_order"]
    joined = earned.groupby("customer_id")["at"].min()
    at_first = (joined == pd.to_datetime(people[joined.index])).sum() / len(people)
    assert at_first == pytest.approx(truth["points"]["joining"]["at_first_order"], abs=0.02)
    moved = points.movements(moves, AS_OF, truth["points"]["expire_after_days"])
    table = points.totals(moved, points.match(moved), AS_OF, 365, 30)
    signed = moves["points"].groupby(moves["customer_id"]).sum()
    expired = table["points_expired"]
    assert (table["points_balance"] == signed.reindex(table.index) - expired).all()
    assert (table["points_balance"] >= 0).all()  # nobody used what had expired or was not there


def test_balances_are_those_of_a_loop_over_days(moves):
    """300 members, lot by lot: points of a day can be used for 365 days after it."""
    moved = points.movements(moves, AS_OF, 365)
    table = points.totals(moved, points.match(moved), AS_OF, 365, 30)
    for customer, own in list(moves.groupby("customer_id"))[:300]:
        lots = []
        for row in own.assign(use=own["points"] < 0).sort_values(["at", "use"]).itertuples():
            lots = [lot for lot in lots if (row.at - lot[0]).days <= 365]
            need = max(-row.points, 0)
            for lot in lots:
                taken = min(need, lot[1])
                lot[1], need = lot[1] - taken, need - taken
            lots += [[row.at, row.points]] if row.points > 0 else []
        left = [lot for lot in lots if (pd.Timestamp(AS_OF) - lot[0]).days < 365]
        assert table.loc[customer, "points_balance"] == sum(lot[1] for lot in left)
        soon = [lot[1] for lot in left if (pd.Timestamp(AS_OF) - lot[0]).days >= 335]
        assert table.loc[customer, "points_expiring"] == sum(soon)


def test_breakage_is_the_planted_one(moves, truth):
    parts = points.match(points.movements(moves, AS_OF, 365))
    fates = breakage.estimate(parts, AS_OF, 365, 200, 0)
    assert fates.is_final and fates.horizon_days == 365
    found = fates.breakage
    assert found.low <= truth["points"]["breakage"] <= found.high
    assert found.high - found.low < 0.06
    no_rule = breakage.estimate(
        points.match(points.movements(moves, AS_OF, None)), AS_OF, None, 9, 0
    )
    assert not no_rule.is_final and no_rule.horizon_days > 1_000


def test_who_was_referred_is_found_and_so_are_the_cycles(folder, truth):
    rows = clean(folder, truth, "referrals", REFERRALS)
    found = referrals.find_chains(rows, AS_OF)
    assert [list(cycle) for cycle in found.cycles] == sorted(truth["referrals"]["cycles"])
    assert len(found.referrals) == truth["referrals"]["n_referred"]
    people = pd.DataFrame(truth["customers"]).set_index("customer_id")
    first = pd.to_datetime(people["first_order"])
    share = referrals.share_of_new(found, first, "Y")["share"].iloc[1:].mean()
    assert share == pytest.approx(truth["referrals"]["share"], abs=0.01)
    both = found.referrals.assign(
        mine=found.referrals["customer_id"].map(people["region"]),
        theirs=found.referrals["referred_id"].map(people["region"]),
    )
    assert (both["mine"] == both["theirs"]).all()
    assert (both["at"] <= both["referred_id"].map(first)).all()
    assert found.referrals["generation"].max() >= 3


def test_leads_are_won_at_the_planted_rates(enquiries, truth):
    said = truth["leads"]
    order = list(said["stages"])
    latest = leads.latest(enquiries, order, AS_OF)
    assert len(latest) == truth["files"]["raw/leads.csv"]["n_leads"]
    found = leads.conversion(latest, said["horizon_days"], "source")
    whole = leads.conversion(latest, said["horizon_days"])
    for name, row in pd.concat([found, whole]).iterrows():
        planted = said["won_within_horizon"][name]
        half = (row["won_high"] - row["won_low"]) / 2
        assert row["won"] == pytest.approx(planted, abs=1.5 * half)
    assert whole["won_low"].iloc[0] < said["won_within_horizon"]["all"] < whole["won_high"].iloc[0]


def test_the_score_beats_the_rate_by_source_since_stages_tell_hot_leads(enquiries, truth):
    order = list(truth["leads"]["stages"])
    score = lead_score.fit(enquiries, order, AS_OF, truth["leads"]["horizon_days"])
    gain = score.tested.loc["model", "improvement_low"]
    assert score.used == "model" and gain > 0
    now = lead_score.known_on(enquiries, order, AS_OF)
    latest = leads.latest(enquiries, order, AS_OF)
    p_won = score.p_won(now)
    assert p_won.between(0, 1).all() and set(p_won.index) == set(
        latest.index[latest["outcome"] == "open"]
    )
    expected = lead_score.pipeline(latest, p_won).loc["all", "expected_won"]
    assert expected == pytest.approx(p_won.sum())


def test_some_leads_are_of_customers_who_had_bought(enquiries, truth):
    latest = leads.latest(enquiries, list(truth["leads"]["stages"]), AS_OF)
    known = latest["customer_id"].notna()
    assert known.mean() == pytest.approx(0.25, abs=0.04)
    people = pd.DataFrame(truth["customers"] + truth["trade"]).set_index("customer_id")
    first = pd.to_datetime(latest.loc[known, "customer_id"].map(people["first_order"]))
    assert (first <= latest.loc[known, "created_on"]).all()
    assert np.isclose(latest["value"].isna().mean(), 0.1, atol=0.03)

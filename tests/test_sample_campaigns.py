"""The sample's campaigns, contacts and consents: what the files say against what was planted."""

import csv
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cvm_analysis import sample
from cvm_analysis.sample import campaigns

WIN_BACK, SECOND = "WB-2025-08", "SPO-2025-05"
START, END = pd.Timestamp("2025-08-04"), pd.Timestamp("2025-11-02")  # 90 days, the last excluded
SALES = {
    **dict.fromkeys(("east", "central"), ("gb18030", "客户编号", "单号", "日期", "金额")),
    **dict.fromkeys(("north", "northeast"), ("utf-8-sig", "客户编号", "单号", "日期", "金额")),
    **dict.fromkeys(
        ("south", "southwest"), ("utf-8", "Member No", "Order No", "Order Time", "Net Amount")
    ),
}


@pytest.fixture(scope="module")
def folder(whole_sample):
    return whole_sample


@pytest.fixture(scope="module")
def truth(folder):
    return json.loads((folder / "truth.json").read_text("utf-8"))


def read(folder, name, encoding="utf-8-sig"):
    """All rows as text, indexed by line number in the file."""
    path = folder / "raw" / f"{name}.csv"
    table = pd.read_csv(path, encoding=encoding, dtype=str, keep_default_na=False)
    return table.set_index(table.index + 2)


def clean(folder, truth, name, encoding="utf-8-sig"):
    dirt = truth["files"][f"raw/{name}.csv"].get("dirt_lines", {})
    return read(folder, name, encoding).drop(
        index=[line for each in dirt.values() for line in each]
    )


@pytest.fixture(scope="module")
def orders(folder):
    """One row per order of a readable day: customer_id, day; indexed by order_id."""
    found = []
    for region, (encoding, *headers) in SALES.items():
        rows = read(folder, f"sales_{region}", encoding)[headers]
        found.append(rows.set_axis(["customer_id", "order_id", "day", "amount"], axis=1))
    lines = pd.concat(found)
    day = lines["day"].str[:10].str.replace("/", "-")
    lines["day"] = pd.to_datetime(day, format="%Y-%m-%d", errors="coerce")
    bought = lines[~lines["amount"].str.startswith("-") & (lines["customer_id"] != "")]
    return bought.drop_duplicates("order_id").set_index("order_id")


@pytest.fixture(scope="module")
def members(folder, truth):
    """One row per member of the win-back campaign: arm, group, first order and responses known."""
    rows = read(folder, "campaign_members").set_index("客户编号")
    people = pd.DataFrame(truth["customers"]).set_index("customer_id")
    return rows[rows["活动编号"] == WIN_BACK].join(people, how="left")


def test_members_are_retail_customers_who_had_bought_each_in_one_arm(members, truth):
    said = truth["campaigns"][WIN_BACK]
    assert members.index.is_unique and len(members) == 4_000
    assert (pd.to_datetime(members["first_order"]) < START).all()
    assert members["region"].nunique() == 6
    assert set(members["行动"]) == {said["action"]} == {"win_back_offer"}
    assert set(members["分组日期"]) == {said["assigned_on"]} == {"2025-08-04"}
    counts = members["组别"].value_counts()
    assert counts.to_dict() == {"treated": said["n_treated"], "control": said["n_control"]}
    error = np.sqrt(0.8 * 0.2 / 4_000)
    assert counts["treated"] / 4_000 == pytest.approx(said["treated_share"], abs=3 * error)
    assert set(members.loc[members["组别"] == "control", "成本"]) == {"0.00"}


def test_treated_members_buy_more_by_the_planted_points_in_each_group(members, orders, truth):
    planted = truth["campaigns"][WIN_BACK]["effects"]
    within = orders[(orders["day"] >= START) & (orders["day"] < END)]
    bought = members.index.isin(within["customer_id"])
    found = pd.Series(bought, members.index).groupby([members["group"], members["组别"]])
    mean, error = found.mean().unstack(), found.sem().unstack()
    effect, error = mean["treated"] - mean["control"], np.hypot(*error.to_numpy().T)
    assert set(effect.index) == set(planted) - {"all"}
    assert (abs(effect - effect.index.map(planted)) < 3 * error).all()
    weights = members["group"].value_counts(normalize=True)
    assert planted["all"] == pytest.approx(
        sum(weights[group] * planted[group] for group in weights.index), abs=1e-6
    )
    assert 0.02 < planted["all"] < 0.08


def test_responses_come_from_contacted_members_who_buy_nothing_else_then(
    members, orders, truth, folder
):
    answered = orders.loc[truth["campaigns"][WIN_BACK]["orders"]]
    log = clean(folder, truth, "contact_log", "gb18030")
    log = log[log["行动"] == "win_back_offer"].set_index("客户编号")
    contacted = pd.to_datetime(log["执行日期"])
    assert answered["customer_id"].is_unique
    assert (answered["day"] > answered["customer_id"].map(contacted)).all()
    assert (answered["day"] < END).all()
    others = orders.drop(index=answered.index)
    within = others[(others["day"] >= START) & (others["day"] < END)]
    assert not set(answered["customer_id"]) & set(within["customer_id"])
    # How many of each group answer is much more precise than the difference of the arms.
    treated = members[members["组别"] == "treated"]
    share = treated.index.isin(answered["customer_id"])
    by_group = pd.Series(share, treated.index).groupby(treated["group"]).agg(["mean", "size"])
    planted = by_group.index.map(truth["campaigns"][WIN_BACK]["effects"]).to_numpy(float)
    error = np.sqrt(planted * (1 - planted) / by_group["size"])
    assert (abs(by_group["mean"] - planted) <= 3 * error).all()
    assert by_group.loc["one_off_renovators", "mean"] == 0


def test_one_campaign_has_no_control_group_and_no_effect(folder, truth, orders):
    said = truth["campaigns"][SECOND]
    assert said["n_control"] == 0 and not said["orders"]
    assert set(said["effects"].values()) == {0.0}
    rows = read(folder, "campaign_members")
    rows = rows[rows["活动编号"] == SECOND]
    assert set(rows["组别"]) == {"treated"} and len(rows) == said["n_treated"] > 500
    before = orders[orders["day"] < "2025-05-12"].groupby("customer_id")["day"]
    before = before.agg(["size", "min"]).loc[rows["客户编号"]]
    assert (before["size"] == 1).all() and before["min"].min() >= pd.Timestamp("2025-01-12")


def test_the_contact_log_is_what_was_done_of_the_lists(folder, truth):
    log = clean(folder, truth, "contact_log", "gb18030")
    assert len(log) == truth["files"]["raw/contact_log.csv"]["n_done"]
    rows = read(folder, "campaign_members")
    treated = rows[rows["组别"] == "treated"].groupby("行动")["客户编号"].agg(set)
    for action, listed in treated.items():
        done = log.loc[log["行动"] == action, "客户编号"]
        assert done.is_unique and set(done) <= listed
        share, error = len(done) / len(listed), np.sqrt(0.85 * 0.15 / len(listed))
        assert share == pytest.approx(0.85, abs=3 * error)
    days = (pd.to_datetime(log["执行日期"]) - pd.to_datetime(log["名单日期"])).dt.days
    assert set(days) == set(range(7))
    assert set(log["渠道"]) == {"phone", "sms", "wechat"}
    assert (log["负责人"] != "").all()
    assert (log["结果"] == "").mean() == pytest.approx(0.03, abs=0.01)
    assert set(log["结果"]) == {"reached", "Reached", "declined", "no_answer", ""}


def test_regular_contacts_are_of_a_year_before_the_campaigns_with_earlier_customers(folder, truth):
    log = clean(folder, truth, "contact_log", "gb18030")
    regular = log[log["行动"] == "keep_in_touch"]
    first = pd.DataFrame(truth["customers"]).set_index("customer_id")["first_order"]
    assert (regular["客户编号"].map(first) < regular["执行日期"]).all()
    assert "2024-01-08" <= regular["执行日期"].min() < regular["执行日期"].max() < "2024-12-01"
    share = regular["客户编号"].nunique() / (first < "2024-01-08").sum()
    assert share == pytest.approx(0.4 * (1 - np.exp(-4)), abs=0.03)


def test_customers_answer_their_own_channel_as_often_as_planted(folder, truth):
    log = clean(folder, truth, "contact_log", "gb18030")
    people = pd.DataFrame(truth["customers"]).set_index("customer_id")
    planted = truth["contacts"]
    shares = people["preferred_channel"].value_counts(normalize=True)
    for channel, share in planted["preferred"].items():
        assert shares[channel] == pytest.approx(share, abs=0.015)
    log = log[log["结果"] != ""]
    is_own = log["渠道"] == log["客户编号"].map(people["preferred_channel"])
    answered = log["结果"].str.lower().isin(["reached", "declined"])
    for own, key in ((True, "preferred"), (False, "other")):
        assert answered[is_own == own].mean() == pytest.approx(planted["answered"][key], abs=0.02)
    declined = (log["结果"] == "declined").sum() / answered.sum()
    assert declined == pytest.approx(planted["declined"], abs=0.02)


def test_dirt_of_the_contact_log_is_where_the_truth_says(folder, truth):
    rows = read(folder, "contact_log", "gb18030")
    said = truth["files"]["raw/contact_log.csv"]
    known = {each["customer_id"] for each in truth["customers"]}
    day = pd.to_datetime(rows["执行日期"], format="%Y-%m-%d", errors="coerce")
    found = {
        "not_done": rows["执行日期"] == "",
        "no_such_date": day.isna() & (rows["执行日期"] != ""),
        "future_date": day > truth["extracted_on"],
        "before_its_list": day < pd.to_datetime(rows["名单日期"]),
        "unknown_action": ~rows["行动"].isin(
            ["win_back_offer", "second_purchase_offer", "keep_in_touch"]
        ),
        "unknown_customer": ~rows["客户编号"].isin(known),
        "repeated_contact": rows.duplicated(),
    }
    lines = {kind: rows.index[is_dirty].tolist() for kind, is_dirty in found.items()}
    assert lines == said["dirt_lines"]
    assert {kind: len(each) for kind, each in lines.items()} == said["dirt"]
    assert len(set(said["dirt"].values())) == 1 and said["dirt"]["not_done"] > 1


def test_three_quarters_of_the_answers_are_consents_and_some_are_withdrawn(folder, truth):
    rows, planted = read(folder, "consents"), truth["consents"]
    said = truth["files"]["raw/consents.csv"]
    unclear = ~rows["是否同意"].isin(["是", "否"])
    assert rows.index[unclear].tolist() == said["dirt_lines"]["unreadable_consent"]
    rows = rows[~unclear]
    everybody = [each["customer_id"] for each in [*truth["customers"], *truth["trade"]]]
    asked = rows["客户编号"].nunique() / len(everybody)
    assert set(rows["客户编号"]) <= set(everybody)
    assert asked == pytest.approx(planted["recorded"], abs=0.01)
    keys = ["客户编号", "渠道"]
    first = rows.drop_duplicates(keys).set_index(keys)
    assert set(first.groupby(level=0).size()) == {4}
    assert (first["是否同意"] == "是").mean() == pytest.approx(planted["given"], abs=0.01)
    later = rows[rows.duplicated(keys)].set_index(keys)
    assert later.index.is_unique and set(later["是否同意"]) == {"否"}
    assert (later["日期"] > first.loc[later.index, "日期"]).all()
    assert (first.loc[later.index, "是否同意"] == "是").all()
    withdrawn = len(later) / (first["是否同意"] == "是").sum()
    assert withdrawn == pytest.approx(planted["withdrawn"], abs=0.01)
    assert rows["日期"].max() <= "2025-12-31"


def test_campaigns_add_lines_to_the_sales_and_change_none(tmp_path, monkeypatch):
    sample.make(tmp_path / "with", 800)
    without = tuple(replace(each, effects={}) for each in campaigns.CAMPAIGNS)
    monkeypatch.setattr(campaigns, "CAMPAIGNS", without)
    sample.make(tmp_path / "without", 800, seed=20260101)
    truth = json.loads((tmp_path / "with" / "truth.json").read_text("utf-8"))
    added = set(truth["campaigns"][WIN_BACK]["orders"])
    first = [first_ids(tmp_path / each) for each in ("with", "without")]
    assert added
    files = {path: said for path, said in truth["files"].items() if path != "raw/points.csv"}
    for path, said in files.items():  # points are earned with the orders
        rows, others = (
            list(csv.reader((tmp_path / each / path).open(encoding=said["encoding"])))
            for each in ("with", "without")
        )
        alike = [row for row in rows if not added & set(row)]
        assert united(alike, path, first[0]) == united(others, path, first[1])


def first_ids(folder):
    """Second id -> first id of the people under two."""
    people = json.loads((folder / "truth.json").read_text("utf-8"))["second_ids"]["customers"]
    return {each["second_id"]: each["customer_id"] for each in people}


def united(rows, path, first):
    """Rows with the first id of each person, without those that only second ids make."""
    if path == "raw/customers.csv":
        rows = [row for row in rows if not {*first} & set(row)]
    if path == "raw/referrals.csv":
        rows = [row for row in rows if row[0] != row[1]]
    return [[first.get(cell, cell) for cell in row] for row in rows]

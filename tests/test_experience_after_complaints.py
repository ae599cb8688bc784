"""After complaints: figures on a day by hand, a planted difference, and none where none is."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.experience import after_complaints
from cvm_analysis.tables import check

FIRST, AS_OF = pd.Timestamp("2024-01-01"), dt.date(2025, 12, 31)


def margin(rows):
    table = pd.DataFrame(rows, columns=["customer_id", "day", "amount", "purchases"])
    return table.assign(day=pd.to_datetime(table["day"]))


def invented(n=1500, leaves=0.0, quits=0.0, seed=1):
    """Two years of customers of unlike pace; of each order 1 in 25 is complained about within days.

    Frequent customers complain more often, by their orders alone. After a complaint the share
    `leaves` never buys again, and after any order the share `quits`.
    """
    rng = np.random.default_rng(seed)
    lines, cases = [], []
    for i in range(n):
        day, gap, size = rng.integers(0, 365), rng.choice([25, 60, 140]), rng.lognormal(4, 0.7)
        while day < 730:
            lines.append((f"c{i:04d}", FIRST + pd.Timedelta(days=int(day)), size, 1))
            if rng.random() < 0.04:
                at = FIRST + pd.Timedelta(days=int(day + rng.integers(1, 20)))
                cases.append((f"c{i:04d}", at, rng.choice(["price", "product"])))
                if rng.random() < leaves:
                    break
            if rng.random() < quits:
                break
            day += 1 + rng.exponential(gap)
    found = pd.DataFrame(cases, columns=["customer_id", "at", "dimension"])
    return margin(lines), found.sort_values("at", ignore_index=True)


def compare(lines, cases, **options):
    table = after_complaints.compare(cases, lines, AS_OF, 180, ["dimension"], **options)
    check("after_complaints", table)
    return table.set_index("level")


def test_recency_pace_value_and_leaving_on_a_day_by_hand():
    lines = margin([("a", "2024-01-01", 100, 1), ("a", "2024-06-01", 50, 1),
                    ("a", "2024-06-20", -20, 0), ("a", "2025-07-01", 70, 1),
                    ("b", "2024-06-10", 9, 1)])  # fmt: skip
    history = after_complaints._History(lines)
    days = after_complaints._day_number(
        pd.Series(["2024-06-25", "2025-01-02", "2024-06-01", "2025-07-01"])
    )
    found = history.observe(np.array([0, 0, 1, 0]), days, 180)
    assert found["recency"].tolist()[:2] == [24, 215] and np.isnan(found["recency"][2])
    assert found["value"].tolist() == [130, 30, 0, 70]  # of 365 days, the day itself included
    weeks = (pd.Timestamp("2024-06-25") - pd.Timestamp("2024-01-01")).days / 7
    assert found["pace"][0] == pytest.approx(2 / (weeks + 26))
    assert found["left"].tolist() == [1, 0, 0, 1]  # 180 days after 2025-01-02 is 2025-07-01


def test_a_planted_share_who_leave_is_found():
    found = compare(*invented(leaves=0.5)).loc["all"]
    stay = found["left_share_others"]
    assert found["left_difference"] == pytest.approx(0.5 * (1 - stay), abs=0.12)
    assert found["low"] > 0.15 and found["n_matched"] > 0.9 * found["n_complaints"]


def test_customers_who_complain_more_often_by_their_orders_alone_do_not_seem_to_differ():
    lines, cases = invented(n=2500)
    found = compare(lines, cases).loc["all"]
    assert found["low"] < 0 < found["high"] and found["high"] - found["low"] < 0.2
    everyone = after_complaints._History(lines)
    day = np.full(len(everyone.names), after_complaints._day_number(pd.Series(["2025-06-01"]))[0])
    plain = everyone.observe(np.arange(len(day)), day, 180).dropna()["left"].mean()
    assert found["left_share"] < 0.6 * plain  # compared with all customers they would seem loyal


def test_others_are_of_the_same_kind():
    """Of region x many leave whether they complained or not, and all complaints come from there."""
    loyal, _cases = invented(n=1000, seed=2)
    left, cases = invented(n=1000, quits=0.2, seed=3)
    left["customer_id"] = "x" + left["customer_id"]
    cases["customer_id"] = "x" + cases["customer_id"]
    lines = pd.concat([loyal, left])
    ids = lines["customer_id"].unique()
    kinds = pd.Series(np.where(pd.Series(ids).str.startswith("x"), "x", "y"), ids)
    own, any_kind = compare(lines, cases, kinds=kinds).loc["all"], compare(lines, cases).loc["all"]
    assert own["low"] < 0 < own["high"]
    assert any_kind["left_difference"] > own["left_difference"] + 0.03
    unknown = compare(lines, cases, kinds=kinds.where(kinds != "x")).loc["all"]
    assert unknown["n_complaints"] == 0 and np.isnan(unknown["left_difference"])


def test_only_complaints_whose_horizon_has_passed_count():
    lines, cases = invented()
    found = compare(lines, cases).loc["all"]
    last = pd.Timestamp(AS_OF) - pd.Timedelta(days=180)
    assert found["n_complaints"] == (cases["at"] <= last).sum()
    recent = compare(lines, cases[cases["at"] > last])
    assert recent.empty


def test_errors_are_by_customer_and_the_draw_is_the_same_again():
    lines, cases = invented()
    once = compare(lines, cases)
    pd.testing.assert_frame_equal(once, compare(lines, cases))
    twice = compare(lines, pd.concat([cases, cases]).sort_values("at", ignore_index=True))
    width, wider = (t.loc["all", "high"] - t.loc["all", "low"] for t in (once, twice))
    assert wider == pytest.approx(width, rel=0.1)  # not narrower by sqrt(2)


def test_few_complaints_have_no_difference():
    lines, cases = invented()
    found = compare(lines, cases.head(15)).loc["all"]
    assert found["n_complaints"] == 15 and np.isnan(found["left_difference"])
    assert compare(lines, cases.head(0)).empty
    strangers = compare(lines, cases.assign(customer_id="nobody")).loc["all"]
    assert strangers["n_matched"] == 0


def test_the_difference_and_its_error_are_those_of_plain_loops():
    rng = np.random.default_rng(4)
    n = 400
    rows = pd.DataFrame(
        {
            "case": np.arange(n), "complained": rng.random(n) < 0.3, "class": rng.integers(0, 3, n),
            "customer": rng.integers(0, 150, n), "left": (rng.random(n) < 0.4).astype(float),
        }
    )  # fmt: skip
    rows.loc[0, ["complained", "class"]] = [True, 9]  # nobody like it
    found = after_complaints._difference(rows)
    records = [r for r in rows.to_dict("records") if r["class"] != 9]
    ours = [r for r in records if r["complained"]]
    rest = [r for r in records if not r["complained"]]
    others = {k: [r["left"] for r in rest if r["class"] == k] for k in range(3)}
    means = {k: sum(values) / len(values) for k, values in others.items()}
    difference = sum(r["left"] - means[r["class"]] for r in ours) / len(ours)
    moved = dict.fromkeys(range(150), 0.0)
    for r in records:
        apart = r["left"] - means[r["class"]]
        if r["complained"]:
            moved[r["customer"]] += (apart - difference) / len(ours)
        else:
            n_like = sum(o["class"] == r["class"] for o in ours)
            moved[r["customer"]] -= apart * n_like / len(ours) / len(others[r["class"]])
    se = sum(value**2 for value in moved.values()) ** 0.5
    assert found["n_complaints"] == len(ours) + 1 and found["n_matched"] == len(ours)
    assert found["left_difference"] == pytest.approx(difference)
    assert (found["high"] - found["low"]) / 2 == pytest.approx(1.959964 * se)


def test_others_had_bought_and_had_not_complained_by_that_day():
    lines, cases = invented(n=300)
    history = after_complaints._History(lines)
    kind, rng = np.zeros(len(history.names), dtype=int), np.random.default_rng(0)
    rows = after_complaints._observe(cases, history, kind, 180, rng)
    others = rows[~rows["complained"]]
    day = cases["at"].iloc[others["case"]].to_numpy()
    ids = history.names[others["customer"]]
    first = cases.groupby("customer_id")["at"].min().reindex(ids).to_numpy()
    assert np.isnat(first).any() and (np.isnat(first) | (first > day)).all()
    begin = lines.groupby("customer_id")["day"].min().reindex(ids).to_numpy()
    assert (begin <= day).all() and len(others) > 1000


def test_where_nobody_left_there_is_no_interval():
    rows = pd.DataFrame({"case": range(60), "complained": [True, False] * 30, "class": 0,
                         "customer": range(60), "left": 0.0})  # fmt: skip
    found = after_complaints._difference(rows)
    assert found["left_difference"] == 0 and "low" not in found

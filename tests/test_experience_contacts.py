"""Contacts: by hand, against a plain count of the sample's file, and what the sample planted."""

import csv
import datetime as dt
import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy.stats import betabinom

from cvm_analysis.experience import contacts, tone_shares
from cvm_analysis.experience.proportions import wilson
from cvm_analysis.tables import check

DAY = dt.date(2025, 12, 31)
WORDS = ("reached", "declined")
COLUMNS = ["customer_id", "at", "channel", "owner", "result"]


def log(*rows):
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.assign(at=pd.to_datetime(table["at"]), action="call")


def counts(channel, answers):
    """Contacts of customers a0, a1, ... by their answers, such as [(2, 3)]: 2 of 3 answered."""
    rows = [
        (f"a{i}", "2025-01-01", channel, None, "reached" if j < k else "no_answer")
        for i, (k, n) in enumerate(answers)
        for j in range(n)
    ]
    return contacts.read(log(*rows), DAY, WORDS)


def test_what_counts_as_answered_and_what_is_known_on_the_day():
    found = contacts.read(
        log(
            ("a", "2025-12-31", "phone", "x", "Reached "),
            ("b", "2025-12-01", "phone", "", "declined"),
            ("c", "2025-12-01", "sms", "y", "busy"),
            ("d", "2025-12-01", "sms", "y", None),
            ("e", "2025-12-01", "sms", "y", ""),
            ("f", "2026-01-01", "sms", "y", "reached"),
        ),
        DAY,
        WORDS,
    )
    assert found["customer_id"].tolist() == ["b", "c", "d", "e", "a"]
    assert found["answered"].tolist()[:2] == [1, 0] and found["answered"].iloc[-1] == 1
    assert found["answered"].isna().tolist() == [False, False, True, True, False]
    assert found["owner"].iloc[0] is None


def test_the_last_contact_is_the_last_row_of_the_last_day():
    rows = log(
        ("a", "2025-12-02", "sms", "y", "no_answer"),
        ("a", "2025-12-01", "phone", "x", "reached"),
        ("a", "2025-12-02", "visit", None, "reached"),
    )
    made = contacts.read(rows, DAY, WORDS)
    found = contacts.by_customer(made, contacts.rates(made)).loc["a"]
    assert found["last_contact"] == pd.Timestamp("2025-12-02")
    assert found["last_contact_channel"] == "visit" and found["last_contact_by"] is None
    assert found["best_channel"] is None, "no channel has ten customers"


def test_share_and_correlation_by_hand():
    """Kleinman: p = 6/12, S = 3 (1/4 + 1/4 + 1/36 + 1/36) = 5/3; (5/3 - 3/4) / (1/4 (12-3-3))."""
    found = contacts.rates(counts("phone", [(3, 3), (0, 3), (2, 3), (1, 3)])).loc["phone"]
    assert found.tolist() == pytest.approx([4, 0.5, 11 / 18])


def test_the_correlation_of_a_beta_binomial_is_recovered():
    """a = 2, b = 3: mean 0.4, correlation 1 / (a + b + 1) = 1/6."""
    rng = np.random.default_rng(1)
    n = rng.integers(1, 6, 20_000)
    k = betabinom(n, 2, 3).rvs(random_state=rng)
    found = contacts.rates(counts("sms", list(zip(k, n, strict=True)))).loc["sms"]
    assert found["share"] == pytest.approx(0.4, abs=0.01)
    assert found["correlation"] == pytest.approx(1 / 6, abs=0.01)


def test_the_expected_share_is_the_mean_of_the_posterior_beta():
    """Beta(2, 3) after 3 of 4 answered: (2 + 3) / (2 + 3 + 4); without a contact 2/5."""
    made = counts("sms", [(3, 4)])
    rates = pd.DataFrame(
        {"n_customers": 99, "share": [0.4, 0.7], "correlation": [1 / 6, 0.0]}, ["sms", "phone"]
    ).rename_axis("channel")
    assert contacts.expect(made, rates).loc["a0"].tolist() == pytest.approx([5 / 9, 0.7])
    other = made.assign(channel="phone")
    assert contacts.expect(other, rates).loc["a0"].tolist() == pytest.approx([0.4, 0.7])


def test_customers_who_were_contacted_once_do_not_show_that_they_differ():
    found = contacts.rates(counts("sms", [(1, 1), (0, 1), (1, 1)])).loc["sms"]
    assert found["correlation"] == 0
    everybody = contacts.rates(counts("sms", [(2, 2), (3, 3)])).loc["sms"]
    assert everybody.tolist() == [2, 1, 0]


def test_the_best_channel_needs_ten_customers_and_an_answer():
    few = counts("visit", [(1, 1)] * 9)
    never = counts("mail", [(0, 1)] * 30)
    some = counts("phone", [(1, 2)] * 20)
    made = pd.concat([few, never, some], ignore_index=True)
    best = contacts.by_customer(made, contacts.rates(made))["best_channel"]
    assert set(best) == {"phone"}
    nobody = contacts.by_customer(never, contacts.rates(never))["best_channel"]
    assert nobody.isna().all()


def test_contacts_are_counted_by_channel_and_segment_and_intervals_by_customer():
    made = counts("phone", [(3, 3), (0, 3), (2, 3), (1, 3)] * 5)
    made.loc[0, "answered"] = np.nan
    segments = pd.DataFrame({"segment": ["x", "x", "y", "y"] * 5}, [f"a{i}" for i in range(20)])
    table = contacts.by_segment(made, segments)
    check("contact_channels", table)
    found = table.set_index(["group", "level"])
    assert found["n_contacts"].tolist() == [60, 30, 30]
    row = found.loc[("segment", "x")]  # of a0, a1, a4, a5, ...
    ours = made["customer_id"].map(segments["segment"]) == "x"
    known = made[ours].dropna(subset="answered")
    assert (row["n_results"], row["n_answered"], row["n_customers"]) == (29, 14, 10)
    n = 29 / tone_shares.design_effect(known["answered"], known["customer_id"])
    assert n < 15
    assert (row["low"], row["high"]) == pytest.approx(wilson(14 / 29, n))
    assert found["correlation"].isna().tolist() == [False, True, True]


def test_where_everybody_answers_each_customer_counts_once():
    table = contacts.by_segment(counts("phone", [(4, 4)] * 12), pd.DataFrame(index=[]))
    assert table["low"].iloc[0] == pytest.approx(wilson(1.0, 12.0)[0])
    few = contacts.by_segment(counts("phone", [(4, 4)] * 9), pd.DataFrame(index=[]))
    assert few["answered_share"].iloc[0] == 1 and few["low"].isna().all()


def test_a_log_without_results_channels_or_rows_is_no_error():
    bare = log(("a", "2025-01-01", "phone", "x", None))[["customer_id", "at", "action"]]
    made = contacts.read(bare, DAY, WORDS)
    found = contacts.by_customer(made, contacts.rates(made)).loc["a"]
    assert found["last_contact"] == pd.Timestamp("2025-01-01") and found["best_channel"] is None
    segments = pd.DataFrame({"segment": ["x"]}, ["a"])
    check("contact_channels", contacts.by_segment(made, segments))
    nothing = contacts.read(bare.head(0), DAY, WORDS)
    assert contacts.by_customer(nothing, contacts.rates(nothing)).empty
    check("contact_channels", contacts.by_segment(nothing, segments))
    assert contacts.notes(made) == contacts.notes(nothing) == []


def test_results_in_other_words_are_noted():
    made = contacts.read(log(*[("a", "2025-01-01", "phone", "x", "接通")] * 3), DAY, WORDS)
    (note,) = contacts.notes(made)
    assert (note.code, note.have) == ("no_result_is_answered", 3)
    assert (
        contacts.notes(contacts.read(log(("a", "2025-01-01", "sms", "x", "接通")), DAY, ["接通"]))
        == []
    )


@pytest.fixture(scope="module")
def made(whole_sample):
    """The clean rows of the sample's contact log, and its truth."""
    folder = whole_sample
    truth = json.loads((folder / "truth.json").read_text("utf-8"))
    with (folder / "raw" / "contact_log.csv").open(encoding="gb18030", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = truth["files"]["raw/contact_log.csv"]["dirt_lines"].values()
    dirty = {line for each in lines for line in each}
    names = dict(zip(("客户编号", "执行日期", "渠道", "负责人", "结果"), COLUMNS, strict=True))
    clean = [
        {names[k]: v for k, v in row.items() if k in names}
        for line, row in enumerate(rows, start=2)
        if line not in dirty
    ]
    return clean, truth


def test_the_sample_has_the_shares_that_a_plain_count_of_its_file_gives(made):
    rows, _ = made
    read = contacts.read(pd.DataFrame(rows), DAY, WORDS)
    table = contacts.by_segment(read, pd.DataFrame(index=[])).set_index("channel")
    for channel in ("phone", "sms", "wechat"):
        ours = [r for r in rows if r["channel"] == channel]
        said = Counter(r["result"].lower() for r in ours)
        row = table.loc[channel]
        assert row["n_contacts"] == len(ours)
        assert row["n_results"] == len(ours) - said[""]
        assert row["n_answered"] == said["reached"] + said["declined"]
        assert row["n_customers"] == len({r["customer_id"] for r in ours})


def test_the_planted_shares_correlations_and_channels_are_recovered(made):
    rows, truth = made
    read = contacts.read(pd.DataFrame(rows), DAY, WORDS)
    rates = contacts.rates(read)
    table = contacts.by_segment(read, pd.DataFrame(index=[])).set_index("channel")
    high, low = truth["contacts"]["answered"].values()
    for channel, share in truth["contacts"]["preferred"].items():
        mean = share * high + (1 - share) * low
        assert table.loc[channel, "low"] < mean < table.loc[channel, "high"]
        correlation = share * (1 - share) * (high - low) ** 2 / (mean * (1 - mean))
        assert rates.loc[channel, "correlation"] == pytest.approx(correlation, abs=0.08)
    best = contacts.by_customer(read, rates)["best_channel"]
    known = pd.DataFrame(truth["customers"]).set_index("customer_id")["preferred_channel"]
    often = read.groupby("customer_id").size() >= 6
    right = best == known.loc[best.index]
    assert right[often].mean() > 0.65 > right[~often].mean() > 0.5

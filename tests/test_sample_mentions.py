"""The sample's texts, mentions and personal details against what was planted."""

import json

import numpy as np
import pandas as pd
import pytest
from part_of_sample import keep_sources

from cvm_analysis import prepared
from cvm_analysis.experience import tone, tone_shares
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.sample import phrases
from cvm_analysis.settings import load

ID = "客户编号"
DETAILS = {"name": "姓名", "phone": "手机", "email": "邮箱", "address": "地址"}


@pytest.fixture(scope="module")
def folder(whole_sample):
    return whole_sample


@pytest.fixture(scope="module")
def truth(folder):
    return json.loads((folder / "truth.json").read_text("utf-8"))


def read(folder, name):
    """All rows as text, indexed by line number in the file."""
    path = folder / "raw" / f"{name}.csv"
    table = pd.read_csv(path, encoding="utf-8-sig", dtype=str, keep_default_na=False)
    return table.set_index(table.index + 2)


def clean(folder, truth, name):
    lines = truth["files"][f"raw/{name}.csv"]["dirt_lines"].values()
    return read(folder, name).drop(index=[line for each in lines for line in each])


@pytest.fixture(scope="module")
def data(folder, tmp_path_factory, request):
    """The prepared texts of the full sample, and sales of two regions."""
    import shutil

    own = tmp_path_factory.mktemp("texts")
    (own / "data").mkdir()
    (own / "data" / "sample").symlink_to(folder)
    shutil.copytree(request.config.rootpath / "config", own / "config")
    config = own / "config" / "sample.yaml"
    keep_sources(config, "transactions", "customers", "feedback", "mentions")
    settings = load(config)
    prepare(settings)
    return prepared.open(settings, "all")


def test_half_of_the_nps_answers_have_a_text_and_complaints_keep_theirs(folder, truth):
    rows = clean(folder, truth, "feedback")
    told = rows[rows["类型"] != "complaint"]["内容"] != ""
    kind = rows["类型"]
    assert told[kind == "nps"].mean() == pytest.approx(0.5, abs=0.02)
    assert told[kind == "csat"].mean() == pytest.approx(0.08, abs=0.006)
    assert told.sum() == truth["texts"]["answers"]["n"]
    assert rows[kind == "complaint"]["内容"].nunique() == 5


def test_mentions_and_their_dirt_are_those_of_the_truth(folder, truth):
    rows, said = read(folder, "mentions"), truth["files"]["raw/mentions.csv"]
    day = pd.to_datetime(rows["发布时间"], format="%Y-%m-%d", errors="coerce")
    found = {
        "no_such_date": day.isna(),
        "future_date": day > truth["extracted_on"],
        "no_text": rows["正文"] == "",
        "unreadable_stars": rows["评分"] == "五星",
        "repeated_mention": rows.duplicated(),
    }
    lines = {kind: rows.index[dirty].tolist() for kind, dirty in found.items()}
    assert lines == said["dirt_lines"]
    assert len(rows) == said["n_rows"]
    kept = clean(folder, truth, "mentions")
    assert len(kept) == truth["texts"]["mentions"]["n"]
    assert (kept["评分"] != "").sum() == said["n_scored"]
    assert (kept[ID] != "").sum() == said["n_known"]
    assert set(kept[ID]) - {""} <= set(read(folder, "customers")["id"])
    n = kept["发布时间"].str[:7].value_counts().to_dict()
    assert n == {month: both[0] for month, both in truth["texts"]["mentions"]["by_month"].items()}


def test_mentions_turn_worse_in_the_middle_of_2025(truth):
    months = pd.DataFrame(truth["texts"]["mentions"]["by_month"], index=["n", "negative"]).T
    for part, planted in ((months[:"2025-06"], 0.25), (months["2025-07":], 0.45)):
        n, negative = part.sum()
        assert negative / n == pytest.approx(planted, abs=3 * np.sqrt(planted * (1 - planted) / n))


def test_phrases_of_one_tone_are_never_of_the_other():
    assert not set(phrases.NEGATIVE) & set(phrases.POSITIVE)
    rng = np.random.default_rng(1)
    texts = phrases.compose(np.array([True, False] * 200), rng)
    for text, bad in zip(texts, [True, False] * 200, strict=True):
        count = [
            sum(each in text for each in tone) for tone in (phrases.POSITIVE, phrases.NEGATIVE)
        ]
        assert count[bad] == 2 and count[not bad] <= 1


def test_every_record_has_a_name_and_most_a_phone(folder):
    rows = read(folder, "customers")
    assert (rows["姓名"].str.len() == 3).all()
    second = rows["手机"].str.fullmatch(r"\+86 1[3-9]\d-\d{4}-\d{4}")  # of people under two ids
    assert 0 < second.sum() <= 30
    rows = rows[~second]
    assert rows["手机"].str.fullmatch(r"(1[3-9]\d{9})?").all()
    assert 0.96 < (rows["手机"] != "").mean() < 0.995
    assert 0.6 < rows["邮箱"].str.fullmatch(r"user\d+@example\.com").mean() < 0.7
    written = rows[rows["地址"] != ""]
    assert [a.startswith(c) for a, c in zip(written["地址"], written["城市"], strict=True)]
    assert not rows["手机"].replace("", None).dropna().duplicated().mean() > 0.001


def test_a_few_texts_hold_a_detail_of_their_customer_and_none_reaches_a_table(folder, truth, data):
    rows = clean(folder, truth, "feedback")
    records = read(folder, "customers").set_index("id")
    told = rows[(rows["类型"] != "complaint") & (rows["内容"] != "")]
    own = records.loc[told[ID]]

    def holds(column, text, value):
        if column == "手机":
            text = text.replace(" ", "").replace("-", "")
        return bool(value) and (
            value in text or (column == "地址" and value.split("市")[1] in text)
        )

    for kind, column in DETAILS.items():
        found = [holds(column, *both) for both in zip(told["内容"], own[column], strict=True)]
        assert sum(found) == truth["texts"]["answers"]["personal"][kind] > 0
    texts = "\n".join(
        data.to_pandas(table)["text"].dropna().str.cat(sep="\n")
        for table in ("feedback", "mentions")
    )
    plain = texts.replace(" ", "").replace("-", "")
    for column in DETAILS.values():
        values = set(records[column]) - {""}
        assert not {value for value in values if value in texts or value in plain}
    streets = {value.split("市")[1] for value in records["地址"] if value}
    assert not {street for street in streets if street in texts}
    masked = data.quality.set_index(["table", "check"])["n_rows"]
    planted = sum(truth["texts"]["answers"]["personal"].values())
    assert masked["feedback", "personal_details_masked"] == planted
    assert not {"name", "phone", "email", "address"} & set(data.customers_raw.columns)


def test_the_planted_tone_is_learned_and_its_turn_is_inside_the_intervals(truth, data):
    answers, mentions = (data.to_pandas(table) for table in ("feedback", "mentions"))
    answers["is_negative"], mentions["is_negative"] = tone.label(answers), tone.label(mentions)
    learned = tone.learn(answers)
    found = tone.transfer(learned.tone, mentions, answers)
    assert learned.tone is not None and found.tone is not None
    shares = tone_shares.monthly(mentions, found.tone).set_index("month")
    planted = pd.DataFrame(truth["texts"]["mentions"]["by_month"], index=["n", "negative"]).T
    planted.index = pd.to_datetime(planted.index)
    true = planted["negative"] / planted["n"]
    inside = (shares["share_low"] <= true) & (true <= shares["share_high"])
    assert inside.mean() >= 0.9
    assert shares["share_negative"]["2025-07":].mean() > shares["share_negative"][:"2025-06"].mean()

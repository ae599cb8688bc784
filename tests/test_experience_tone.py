"""Tone on real reviews, in two invented languages, and where there is nothing to learn."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.experience import near_duplicates, tone

BAD = [
    *("送货一再推迟", "边缘有缺口", "色差很明显", "没有人回访", "师傅态度很差", "和样品不一样"),
    *("异味很重", "漏发踢脚线"),
]
GOOD = [
    *("颜色很好看", "安装很仔细", "送货很准时", "价格很公道", "师傅态度很好", "脚感很舒服"),
    *("客服很耐心", "没有异味"),
]


@pytest.fixture(scope="module")
def reviews(data_set):
    """Olist's reviews with a text: customer_id (the person), at, text, score, is_negative."""
    folder = data_set("olist").parent
    read = [
        pd.read_csv(folder / f"olist_{name}_dataset.csv", dtype=str)
        for name in ("order_reviews", "orders", "customers")
    ]
    every = read[0].merge(read[1], on="order_id").merge(read[2], on="customer_id")
    title, message = (every[f"review_comment_{part}"].fillna("") for part in ("title", "message"))
    found = pd.DataFrame(
        {
            "customer_id": every["customer_unique_id"],
            "at": every["review_creation_date"],
            "text": (title + " " + message).str.strip(),
            "score": every["review_score"],
        }
    )
    found = found[found["text"] != ""]
    return found.assign(is_negative=tone.label(found))


def invented(n, seed, customers=None, noise=0.1):
    rng = np.random.default_rng(seed)
    is_negative = rng.random(n) < 0.4
    said = is_negative ^ (rng.random(n) < noise)
    texts = ["，".join(rng.choice(BAD if bad else GOOD, 4, replace=False)) for bad in said]
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in rng.integers(0, customers or n, n)],
            "at": pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "text": texts,
            "is_negative": is_negative,
        }
    )


def test_scores_between_have_no_label():
    answers = pd.DataFrame(
        {
            "kind": ["nps", "nps", "nps", "nps", "csat", "csat", "csat", "complaint", "csat"],
            "score": [6, 7, 8, 9, 2, 3, 4, 1, None],
        }
    )
    assert [None if pd.isna(each) else bool(each) for each in tone.label(answers)] == [
        *(True, None, None, False, True, None, False, None, None)
    ]


def test_texts_are_read_from_tables_with_and_without_scores():
    answers = pd.DataFrame(
        {
            "customer_id": "a",
            "at": "2025-01-01",
            "kind": "csat",
            "score": [1, 9],
            "text": ["x", " "],
        }
    )
    found = tone.read(answers)
    assert list(found) == ["customer_id", "at", "text", "is_negative", "kind"]
    assert found["is_negative"].tolist() == [True] and list(found.index) == [0]
    mentions = pd.DataFrame({"at": ["2025-01-01"], "channel": "weibo", "text": "x"})
    found = tone.read(mentions)
    assert list(found) == ["customer_id", "at", "text", "is_negative", "channel"]
    assert found["is_negative"].isna().all() and found["customer_id"].isna().all()
    assert tone.label(answers).isna().tolist() == [False, True]  # 9 of 5 is no score
    assert tone.read(answers.drop(columns=["text", "score"])).empty


def test_reviews_of_a_shop_are_told_apart(reviews):
    learned = tone.learn(reviews)
    assert learned.test.auc >= 0.85
    assert learned.tone is not None and not learned.notes
    assert learned.tone.is_negative(pd.Series(["péssimo, não recebi o produto"])).all()
    assert not learned.tone.is_negative(pd.Series(["ótimo produto, recomendo"])).any()


def test_shuffled_labels_are_refused(reviews):
    rng = np.random.default_rng(4)
    labelled = reviews[reviews["is_negative"].notna()]
    refused = 0
    for _ in range(20):
        shuffled = labelled.assign(is_negative=rng.permutation(labelled["is_negative"]))
        learned = tone.learn(shuffled)
        refused += learned.tone is None and learned.notes[0].code == "no_tone_weak"
    assert refused >= 19


def test_no_text_of_the_test_was_seen_or_is_like_one_that_was(monkeypatch):
    texts = invented(1500, seed=5, customers=2500)
    copies = texts.head(200).assign(at=pd.Timestamp("2025-12-01"), customer_id="copy")
    texts = pd.concat([texts, copies], ignore_index=True)
    fitted = []
    real = tone._fit
    monkeypatch.setattr(tone, "_fit", lambda *given: fitted.append(given[0]) or real(*given))
    test = tone.learn(texts).test
    known = tone._labelled(texts)
    learned, tested = known.loc[fitted[0].index], known.loc[test.flagged.index]
    assert tested["at"].min() > learned["at"].max()
    assert not set(tested["customer_id"]) & set(learned["customer_id"])
    plain = [set(part["text"].map(near_duplicates.normalise)) for part in (learned, tested)]
    assert not plain[0] & plain[1]
    assert len(tested) >= 60


def test_chinese_needs_no_tokeniser():
    learned = tone.learn(invented(1500, seed=6))
    assert learned.test.auc == pytest.approx(0.9, abs=0.05)  # a tenth of the scores is wrong
    new = pd.Series(["缺口太多，没有人回访", "很好看，很准时"])
    assert list(learned.tone.is_negative(new)) == [True, False]
    assert learned.test.sensitivity == pytest.approx(0.9, abs=0.06)
    assert learned.test.specificity == pytest.approx(0.9, abs=0.06)


def test_too_few_texts_are_refused_with_a_reason():
    assert tone.learn(invented(150, seed=7)).notes[0].code == "no_tone_few_texts"
    one_sided = invented(400, seed=8)
    one_sided["is_negative"] = np.arange(400) < 20
    assert tone.learn(one_sided).notes[0].code == "no_tone_one_sided"
    one_person = invented(400, seed=9).assign(customer_id="same")
    assert tone.learn(one_person).notes[0].code == "no_tone_few_tested"
    first_good = invented(400, seed=10).sort_values("at", ignore_index=True)
    first_good["is_negative"] = np.arange(400) > 300
    assert tone.learn(first_good).notes[0].code == "no_tone_few_learned"


def test_mentions_get_a_tone_once_200_have_a_score_and_are_recognised():
    answers = invented(1500, seed=11)
    learned = tone.learn(answers).tone
    mentions = invented(600, seed=12).assign(customer_id=None)
    few = mentions.assign(is_negative=mentions["is_negative"].where(mentions.index < 199))
    assert tone.transfer(learned, few, answers).notes[0].code == "no_mention_tone_few_labelled"
    found = tone.transfer(learned, mentions, answers)
    assert found.tone is not None and 60 < len(found.test.flagged) < 600
    random = mentions.assign(is_negative=np.random.default_rng(13).random(600) < 0.5)
    assert tone.transfer(learned, random, answers).notes[0].code == "no_tone_weak"
    assert tone.transfer(None, mentions, answers).tone is not None

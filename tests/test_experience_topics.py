"""Words that were planted are found, by a formula computed by hand, and rare ones are not shown."""

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.experience import topics


def said(*texts, people=None):
    return pd.DataFrame(
        {"customer_id": people or [f"c{i}" for i in range(len(texts))], "text": list(texts)}
    )


def filler(n, seed, signs):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(signs), 12)) for _ in range(n)]


CHINESE = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜"


def test_words_of_both_kinds_of_scripts():
    assert topics.words("Não recebi o item") == [
        *("não", "recebi", "não recebi", "recebi o", "item", "o item")
    ]
    assert topics.words("送货慢 ok") == ["送货", "货慢", "送货慢"]
    assert topics.words("很慢，很慢") == ["很慢"]


def test_planted_words_come_first_in_chinese_and_in_words():
    plain = filler(300, 1, CHINESE)
    bad = [text + "送货推迟" for text in plain[:40]] + plain[40:100]
    found = topics.stand_out(said(*bad), said(*plain[100:]))
    assert found["term"][0] == "送货推迟"
    assert found["n_texts"][0] == 40 and found["share"][0] == 0.4
    assert found["share_others"][0] == 0
    assert "送货推迟" in found["example"][0]
    assert not found["term"].isin(["送货", "货推", "推迟", "送货推"]).any()  # its pieces
    english = ["the floor arrived broken again", "we like the floor", "thank you for the help"]
    bad = [f"{word} {english[0]}" for word in filler(20, 2, "abcdefgh")]
    good = [f"{word} {text}" for word in filler(30, 3, "abcdefgh") for text in english[1:]]
    found = topics.stand_out(said(*bad), said(*good))
    assert {"arrived", "broken", "again"} & set(found["term"][0].split())


def test_the_score_is_that_of_monroe_and_others():
    """Two words, counted 8 of 12 and 4 of 40: prior 500 x 12/52 and 500 x 40/52."""
    here = said(*["slow"] * 8, *["fine"] * 4)
    there = said(*["slow"] * 4, *["fine"] * 36)
    found = topics.stand_out(here, there).set_index("term")
    prior = 500 * 12 / 52
    odds = np.log((8 + prior) / (12 + 500 - 8 - prior))
    odds -= np.log((4 + prior) / (40 + 500 - 4 - prior))
    assert found.empty  # too little to stand out
    table = pd.DataFrame({"n_texts": [8, 4], "n_others": [4, 36]})
    log_odds, z_score = topics._log_odds(table, {"slow": [0] * 4, "fine": [0] * 36})
    assert log_odds[0] == pytest.approx(odds)
    assert z_score[0] == pytest.approx(odds / np.sqrt(1 / (8 + prior) + 1 / (4 + prior)))


def test_words_of_fewer_than_five_customers_are_not_shown():
    plain = filler(200, 4, CHINESE)
    texts = [text + "王小明" for text in plain[:40]]
    people = ["a", "b", "c", "d"] * 10
    found = topics.stand_out(said(*texts, people=people), said(*plain[40:]))
    assert not found["term"].str.contains("小明").any()
    five = topics.stand_out(said(*texts, people=["a", "b", "c", "d", "e"] * 8), said(*plain[40:]))
    assert (five["term"] == "王小明").any()


def test_a_run_of_signs_is_shown_whole():
    plain = filler(200, 6, CHINESE)
    texts = [f"{text}，没有送货时间一再推迟{text[:2]}" for text in plain[:30]]
    found = topics.stand_out(said(*texts), said(*plain[30:]))
    assert found["term"][0] == "没有送货时间一再推迟"
    assert len(found) == 1 or not found["term"][1:].str.contains("送货").any()


def test_who_says_the_same_twice_counts_once():
    plain = filler(150, 5, CHINESE)
    texts = [text + "送货推迟" for text in plain[:20]]
    once = topics.stand_out(said(*texts), said(*plain[20:]))
    people = [f"c{i}" for i in range(20)] * 2
    twice = topics.stand_out(said(*texts, *texts, people=people), said(*plain[20:]))
    pd.testing.assert_frame_equal(once, twice)


def test_nothing_to_compare_is_an_empty_table():
    found = topics.stand_out(said(), said())
    assert found.empty and list(found) == [
        *("term", "n_texts", "n_customers", "share", "share_others", "log_odds", "z_score"),
        "example",
    ]

"""The result tables of texts are what the modules found, and empty without it."""

import numpy as np
import pandas as pd
import pytest
from test_experience_tone import invented
from test_experience_tone_shares import held_out

from cvm_analysis.experience import text_tables, tone, topics
from cvm_analysis.tables import check


@pytest.fixture(scope="module")
def learned():
    return tone.learn(invented(1500, seed=6))


def test_each_tested_source_has_a_row_whether_used_or_not(learned):
    few = tone.learn(invented(100, seed=1))
    weak = tone.Learned(None, held_out(100, 100, 0.5, 0.5), [])
    found = text_tables.tone({"answers": learned, "mentions": weak, "none": few})
    check("text_tone", found)
    assert found["source"].tolist() == ["answers", "mentions"]
    assert found["is_used"].tolist() == [True, False]
    assert found["n_tested"].tolist() == [len(learned.test.flagged), 200]
    assert found["sensitivity"].tolist() == [learned.test.sensitivity, 0.5]


def test_shares_and_topics_of_each_source(learned):
    texts = invented(400, seed=21)
    found = text_tables.shares({"mentions": (texts, learned.tone), "answers": (texts, None)})
    check("tone_shares", found)
    assert set(found["source"]) == {"mentions"} and found["n_texts"].sum() == 400
    bad, good = texts[texts["is_negative"]], texts[~texts["is_negative"]]
    said = text_tables.stand_out({"answers": (bad, good), "mentions": (good, bad)})
    check("topics", said)
    alone = topics.stand_out(good, bad)
    part = said[said["source"] == "mentions"]
    assert part["term"].tolist() == alone["term"].tolist()
    assert part["rank"].tolist() == list(range(1, len(alone) + 1))


def test_without_texts_the_tables_are_empty():
    nothing = invented(400, seed=2).head(0)
    assert text_tables.tone({}).empty
    for name, table in (
        ("tone_shares", text_tables.shares({"mentions": (nothing, None)})),
        ("topics", text_tables.stand_out({"answers": (nothing, nothing)})),
    ):
        check(name, table)
        assert table.empty


def test_the_order_of_rows_does_not_matter(learned):
    texts = invented(1500, seed=6)
    again = tone.learn(texts.sample(frac=1, random_state=3))
    new = invented(50, seed=22)["text"]
    assert np.array_equal(learned.tone.probability(new), again.tone.probability(new))
    pd.testing.assert_frame_equal(text_tables.tone({"a": learned}), text_tables.tone({"a": again}))

"""Copies are found whatever their case, digits and punctuation; what differs stays apart."""

import numpy as np
import pandas as pd

from cvm_analysis.experience import near_duplicates


def groups(*texts):
    found = near_duplicates.group(pd.Series(texts))
    return [list(found).index(each) for each in found]


def test_copies_belong_together_and_others_do_not():
    assert groups(
        "Delivery was late by 3 days, nobody called!",
        "delivery was late by 14 days - nobody called",
        "The floor is beautiful, thank you",
        "送货时间一再推迟，没有人通知我们",
        "送货时间一再推迟,没有人通知我们!!",
        "安装师傅很专业，地板颜色也好看",
    ) == [0, 0, 2, 3, 3, 5]


def test_one_word_more_in_a_long_text_makes_a_near_duplicate():
    text = "we ordered the oak floor in march and waited until june although weeks were promised"
    assert groups(text, text + " us", "a quite different story about the price") == [0, 0, 2]


def test_texts_that_share_two_thirds_stay_apart():
    """Of 65 5-grams together, 44 are in both: 0.68."""
    start = "the fitters came on time and worked with care but the floor"
    assert groups(start + " creaks at night", start + " is uneven") == [0, 1]


def test_empty_texts_are_one_group():
    assert groups("", None, "...", "好") == [0, 0, 0, 3]


def test_groups_are_those_of_comparing_all_pairs():
    rng = np.random.default_rng(3)
    words = ["".join(rng.choice(list("abcdefghij"), 6)) for _ in range(40)]
    texts = [" ".join(rng.choice(words, 14)) for _ in range(60)]
    texts += [text + "x" for text in texts[:20]]
    found = near_duplicates.group(pd.Series(texts))

    def shingles(text):
        plain = near_duplicates.normalise(text)
        return {plain[i : i + 5] for i in range(len(plain) - 4)}

    sets = [shingles(text) for text in texts]
    for i, a in enumerate(sets):
        for j, b in enumerate(sets):
            assert (found[i] == found[j]) == (len(a & b) / len(a | b) >= 0.8)


def test_clusters_join_texts_of_a_customer_and_copies():
    customers = pd.Series(["a", "a", "b", None, None, "c"])
    found = near_duplicates.join(customers, pd.Series([1, 2, 2, 3, 3, 4]))
    assert [list(found).index(each) for each in found] == [0, 0, 0, 3, 3, 5]

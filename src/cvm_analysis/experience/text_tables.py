"""The result tables of texts: how well their tone is recognised, shares by month, and topics."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cvm_analysis.experience import tone_shares, topics
from cvm_analysis.experience.tone import Learned, Tone

TONE = ["source", "n_learned", "n_tested", "n_clusters", "auc", "auc_low", "auc_high"]
TONE += ["sensitivity", "specificity", "is_used"]
SHARES = [
    "source",
    "month",
    "n_texts",
    "share_flagged",
    "share_negative",
    "share_low",
    "share_high",
]
TOPICS = ["source", "term", "rank", "n_texts", "n_customers", "share", "share_others", "log_odds"]
TOPICS += ["z_score", "example"]


def tone(learned: Mapping[str, Learned]) -> pd.DataFrame:
    """Describe the test of each model: table `text_tone`; a source without a test has no row.

    learned : source of the texts (answers, mentions) -> what `tone.learn` or `transfer` gave
    """
    rows = [
        (
            *(source, each.test.n_learned, len(each.test.flagged), each.test.n_clusters),
            *(each.test.auc, each.test.auc_low, each.test.auc_high),
            *(each.test.sensitivity, each.test.specificity, each.tone is not None),
        )
        for source, each in learned.items()
        if each.test is not None
    ]
    return pd.DataFrame(rows, columns=TONE)


def shares(read: Mapping[str, tuple[pd.DataFrame, Tone | None]]) -> pd.DataFrame:
    """Estimate the share of negative texts by source and month: table `tone_shares`.

    read : source -> its texts, and the model for them; without a model it has no rows
    """
    found = [
        tone_shares.monthly(texts, model).assign(source=source)
        for source, (texts, model) in read.items()
        if model is not None
    ]
    return _stack(found, SHARES)


def stand_out(sides: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    """Find the words that stand out, by source, the clearest first: table `topics`.

    sides : source -> its texts, and those to compare them with, as `topics.stand_out` takes them
    """
    found = []
    for source, (texts, others) in sides.items():
        words = topics.stand_out(texts, others).assign(source=source)
        found.append(words.assign(rank=range(1, len(words) + 1)))
    return _stack(found, TOPICS)


def _stack(found: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [each for each in found if len(each)]
    return (
        pd.concat(filled, ignore_index=True)[columns] if filled else pd.DataFrame(columns=columns)
    )

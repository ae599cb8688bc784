"""Texts with answers, and mentions of the company in social media, with a known tone.

From the middle of 2025 on, mentions are more often negative. A third of them has stars, a fifth a
known customer; some are posted a second time through another channel.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from cvm_analysis.sample import phrases
from cvm_analysis.sample.business import FIRST_DAY, N_DAYS
from cvm_analysis.sample.draws import dates, stream

WITH_TEXT = {"nps": 0.5, "csat": 0.08}  # of the answers, by kind
PER_CUSTOMER = 1 / 8  # mentions per retail customer
CHANNELS = {"weibo": 0.4, "xiaohongshu": 0.35, "douyin": 0.25}
NEGATIVE_BEFORE, NEGATIVE_AFTER = 0.25, 0.45  # share of mentions
CHANGES_ON = date(2025, 7, 1)
KNOWN = 0.2  # of the writers are known as customers
SCORED = 1 / 3
STARS = {True: (0.45, 0.40, 0.10, 0.03, 0.02), False: (0.01, 0.03, 0.08, 0.38, 0.50)}  # 1 to 5
POSTED_TWICE = 0.05
TAGS = ("#装修日记 ", "#地板 ", "#避坑 ", "#新家 ", "", "", "")


@dataclass(frozen=True)
class Limits:
    """Up to which score an answer is negative, from which it is positive."""

    negative: int
    positive: int


SCALES = {"nps": Limits(6, 9), "csat": Limits(2, 4)}


def add_texts(feedback: pd.DataFrame, customers: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Add texts to some of the answers, which have none; complaints keep theirs.

    feedback : as `feedback.combine` gives it; customers : with the columns of `details.details`

    Returns the same rows with text, is_negative (of an added text; else empty) and personal.
    """
    rng = stream(seed, "answer texts")
    chance = feedback["kind"].map(WITH_TEXT).fillna(0.0)
    chosen = feedback[rng.random(len(feedback)) < chance]
    score = chosen["score"].astype(int)
    low = score <= chosen["kind"].map({kind: each.negative for kind, each in SCALES.items()})
    high = score >= chosen["kind"].map({kind: each.positive for kind, each in SCALES.items()})
    scored = np.select([low, high], ["negative", "positive"], "middle")
    is_negative = phrases.draw_tone(scored, rng)
    added = chosen[["customer_id"]].assign(text=phrases.compose(is_negative, rng))
    added = phrases.add_details(added, customers, rng)
    negative = pd.Series(is_negative, chosen.index, dtype=object)
    return feedback.assign(
        text=added["text"].reindex(feedback.index).fillna(feedback["text"]),
        is_negative=negative.reindex(feedback.index),
        personal=added["personal"].reindex(feedback.index).fillna(""),
    )


def mentions(customers: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Draw the mentions up to AS_OF, in order of day.

    customers : retail customers with the columns of `details.details`

    One row per mention: at (day), channel, text, customer_id (empty if not known), score (text,
    empty if none was given), is_negative (the true tone), personal (kind of detail, or empty).
    """
    rng = stream(seed, "mentions")
    n = max(60, round(PER_CUSTOMER * len(customers)))
    at = np.sort(rng.integers(0, N_DAYS, n))
    change = (CHANGES_ON - FIRST_DAY).days
    share = np.where(at < change, NEGATIVE_BEFORE, NEGATIVE_AFTER)
    is_negative = rng.random(n) < share
    writer = rng.choice(customers["customer_id"].to_numpy(), n)
    told = pd.DataFrame({"customer_id": writer, "text": phrases.compose(is_negative, rng)})
    told = phrases.add_details(told, customers, rng)
    stars = [rng.choice(5, p=STARS[bool(bad)]) + 1 for bad in is_negative]
    found = pd.DataFrame(
        {
            "at": at,
            "channel": rng.choice(list(CHANNELS), n, p=list(CHANNELS.values())),
            "text": np.char.add(rng.choice(TAGS, n), told["text"].to_numpy(str)),
            "customer_id": np.where(rng.random(n) < KNOWN, writer, ""),
            "score": np.where(rng.random(n) < SCORED, np.array(stars).astype(str), ""),
            "is_negative": is_negative,
            "personal": told["personal"],
        }
    )
    again = found[rng.random(n) < POSTED_TWICE]
    other = again.assign(channel=again["channel"].map(_next_channel()), customer_id="", score="")
    both = pd.concat([found, other]).sort_values("at", kind="stable", ignore_index=True)
    return both.assign(at=dates(both["at"]))


def _next_channel() -> dict[str, str]:
    names = list(CHANNELS)
    return dict(zip(names, [*names[1:], names[0]], strict=True))


def truth(feedback: pd.DataFrame, mentioned: pd.DataFrame) -> dict[str, object]:
    """The content of truth.json on texts; see `folder.make`.

    feedback : as `add_texts` gives it; mentioned : as `mentions` gives it
    """
    told = feedback[feedback["is_negative"].notna()]
    month = mentioned["at"].dt.strftime("%Y-%m")
    return {
        "tone_as_scored": phrases.TONE_AS_SCORED,
        "answers": {
            "n": len(told),
            "n_negative": int(told["is_negative"].sum()),
            "personal": _count(told["personal"]),
        },
        "mentions": {
            "n": len(mentioned),
            "n_negative": int(mentioned["is_negative"].sum()),
            "negative_share": {
                "before": NEGATIVE_BEFORE, "after": NEGATIVE_AFTER, "from": CHANGES_ON.isoformat()
            },
            "by_month": {
                key: [len(part), int(part.sum())]
                for key, part in mentioned["is_negative"].groupby(month)
            },
            "personal": _count(mentioned["personal"]),
        },
    }  # fmt: skip


def _count(personal: pd.Series) -> dict[str, int]:
    return {kind: int((personal == kind).sum()) for kind in phrases.DETAILS}

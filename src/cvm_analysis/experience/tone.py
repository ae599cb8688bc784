"""The tone of texts, learned from the company's own scored answers.

A text is negative or positive by the score given with it: nps 0 to 6 against 9 and 10; csat and
stars 1 and 2 against 4 and 5. Scores between have no label. The model sees character n-grams of one
to four signs within words, so that Chinese needs no tokeniser, weighted by tf-idf, and a logistic
regression in which both tones weigh the same.

It is learned from the earlier texts and tested on later ones of other customers, of which none is a
near-duplicate of a text it has seen. It is used only if the lower limit of the AUC there (95%,
clustered by customer and near-duplicates) exceeds 0.7, and it is the tested model that is used: its
errors are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.experience import clustered_auc, near_duplicates
from cvm_analysis.minimum_data import Note, shortfalls

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

NPS = (0, 6, 9, 10)  # lowest, negative up to, positive from, highest
STARS = (1, 2, 4, 5)  # the same of csat and of mentions
FURTHER = ("kind", "dimension", "channel")
TEXT = ["customer_id", "at", "text", "is_negative"]
EARLIER = 0.7  # share of the labelled texts that are learned from
LEAST_AUC = 0.7  # which the lower limit must exceed
LEAST_TEXTS = 3  # in which an n-gram must occur
THRESHOLD = 0.5  # of the probability, from which a text counts as negative


class HeldOut(NamedTuple):
    """How the model did on texts it had not seen: counts are texts, n_clusters independent ones."""

    auc: float
    auc_low: float
    auc_high: float
    n_learned: int
    n_clusters: int
    is_negative: pd.Series  # the label of each text
    flagged: pd.Series  # whether the model calls it negative
    clusters: pd.Series

    @property
    def sensitivity(self) -> float:
        """Share of the negative texts that the model calls negative."""
        return float(self.flagged[self.is_negative].mean())

    @property
    def specificity(self) -> float:
        """Share of the positive texts that the model does not call negative."""
        return float(1 - self.flagged[~self.is_negative].mean())


@dataclass(frozen=True)
class Tone:
    """A model that passed its test; `learn` makes one."""

    model: Pipeline
    test: HeldOut

    def probability(self, texts: pd.Series) -> pd.Series:
        """Probability, in [0, 1], that a text is negative where half of all are; same index."""
        return _probability(self.model, texts)

    def is_negative(self, texts: pd.Series) -> pd.Series:
        """Whether each text counts as negative; same index. Single texts may be wrong."""
        return self.probability(texts) >= THRESHOLD


class Learned(NamedTuple):
    """The model, None if refused; its test, None if none was possible; why it was refused."""

    tone: Tone | None
    test: HeldOut | None
    notes: list[Note]


def read(rows: pd.DataFrame) -> pd.DataFrame:
    """Read the texts of table `feedback` or `mentions`, labelled by their scores.

    One row per row with a text, same index: customer_id (empty if not known), at (day), text,
    is_negative (`label`), and kind, dimension and channel where the table has them.
    """
    empty = pd.Series(None, rows.index, dtype=object)
    read = rows.reindex(columns=[*dict.fromkeys([*rows.columns, "customer_id", "text"])])
    read = read.assign(at=pd.to_datetime(rows["at"], cache=False), is_negative=label(rows))
    has_text = rows.get("text", empty).fillna("").astype(str).str.strip() != ""
    return read.loc[has_text, [*TEXT, *(c for c in FURTHER if c in rows)]]


def label(answers: pd.DataFrame) -> pd.Series:
    """Label texts by their score: True negative, False positive, empty without a clear score.

    answers : one row per text; score (if any; one outside its scale has no label), and kind (nps,
        csat, complaint) where the table has it
    """
    found = pd.Series(pd.NA, answers.index, dtype="boolean")
    score = pd.to_numeric(answers.get("score", pd.Series(np.nan, answers.index)))
    kind = answers.get("kind", pd.Series("csat", answers.index))
    for scale, (lowest, negative, positive, highest) in {"nps": NPS, "csat": STARS}.items():
        found = found.mask((kind == scale) & score.between(lowest, negative), True)
        found = found.mask((kind == scale) & score.between(positive, highest), False)
    return found


def learn(texts: pd.DataFrame) -> Learned:
    """Learn the tone of scored texts, and test it on later ones of other customers.

    Parameters
    ----------
    texts : one row per text, in any order; those without label or text are left out
        customer_id (empty if not known), at (day), text, is_negative (`label`)
    """
    known = _labelled(texts)
    both = int(known["is_negative"].value_counts().reindex([True, False], fill_value=0).min())
    if notes := shortfalls("tone", texts=len(known), of_each=both):
        return Learned(None, None, notes)
    groups = near_duplicates.group(known["text"])
    is_early = known["at"] <= known["at"].quantile(EARLIER)
    early = known[is_early]
    seen = groups.isin(groups[is_early]) | known["customer_id"].isin(early["customer_id"].dropna())
    late = known[~is_early & ~seen]
    if notes := _too_few(early, late):
        return Learned(None, None, notes)
    model = _fit(early["text"], early["is_negative"])
    return _judge(model, late, groups[late.index], len(early))


def transfer(tone: Tone | None, mentions: pd.DataFrame, learned_from: pd.DataFrame) -> Learned:
    """Test on scored mentions what was learned from answers; without it, learn from mentions.

    People write differently elsewhere, so nothing is known of mentions before 200 are labelled.

    Parameters
    ----------
    tone : as learned from answers; None if it was refused
    mentions : as `learn` takes them; texts of customers and near-duplicates among `learned_from`
        are left out of the test
    learned_from : the answers that `tone` was learned from
    """
    known = _labelled(mentions)
    if notes := shortfalls("mention_tone", labelled=len(known)):
        return Learned(None, None, notes)
    if tone is None:
        return learn(mentions)
    both = pd.concat([_labelled(learned_from), known], ignore_index=True)
    groups = near_duplicates.group(both["text"])
    is_mention = pd.Series(np.arange(len(both)) >= len(both) - len(known), both.index)
    answers = both[~is_mention]
    seen = groups.isin(groups[~is_mention]) | both["customer_id"].isin(
        answers["customer_id"].dropna()
    )
    late = both[is_mention & ~seen]
    if notes := _too_few(answers, late):
        return Learned(None, None, notes)
    return _judge(tone.model, late, groups[late.index], tone.test.n_learned)


def _labelled(texts: pd.DataFrame) -> pd.DataFrame:
    has_text = texts["text"].fillna("").str.strip() != ""
    known = texts.loc[has_text & texts["is_negative"].notna(), TEXT]
    at, is_negative = pd.to_datetime(known["at"], cache=False), known["is_negative"].astype(bool)
    known = known.assign(at=at, is_negative=is_negative)
    return known.sort_values(["at", "customer_id", "text"], kind="stable", ignore_index=True)


def _too_few(early: pd.DataFrame, late: pd.DataFrame) -> list[Note]:
    """Notes if one tone is too rare among the texts to learn from, or to test on."""
    counts = [
        int(part["is_negative"].value_counts().reindex([True, False], fill_value=0).min())
        for part in (early, late)
    ]
    return shortfalls("tone_test", learned=counts[0], tested=counts[1])


def _fit(texts: pd.Series, is_negative: pd.Series) -> Pipeline:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    grams = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, min_df=LEAST_TEXTS
    )
    model = LogisticRegression(class_weight="balanced", solver="liblinear", random_state=0)
    return make_pipeline(grams, model).fit(texts, is_negative)


def _probability(model: Pipeline, texts: pd.Series) -> pd.Series:
    if texts.empty:
        return pd.Series(dtype=float, index=texts.index)
    return pd.Series(model.predict_proba(texts.fillna(""))[:, 1], texts.index)


def _judge(model: Pipeline, late: pd.DataFrame, groups: pd.Series, n_learned: int) -> Learned:
    """Test a model on texts it has not seen, and refuse it if it is not clearly useful."""
    chance = _probability(model, late["text"])
    clusters = near_duplicates.join(late["customer_id"], groups)
    auc = clustered_auc.estimate(chance, late["is_negative"], clusters)
    test = HeldOut(
        *(auc.auc, auc.low, auc.high, n_learned, clusters.nunique()),
        is_negative=late["is_negative"],
        flagged=chance >= THRESHOLD,
        clusters=clusters,
    )
    if not auc.low > LEAST_AUC:
        weak = Note("tone", "no_tone_weak", np.floor(100 * auc.low), 100 * LEAST_AUC)
        return Learned(None, test, [weak])
    return Learned(Tone(model, test), test, [])

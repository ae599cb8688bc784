"""The words that stand out in some texts against others, with an example of each.

A word of a script with spaces is itself, or with its neighbour; in Chinese, Japanese and Thai it is
a run of two to four signs, so that no tokeniser is needed. A customer who says the same twice
counts once. Words are ranked by the log-odds ratio with an informative Dirichlet prior, the words
of all texts, divided by its standard error: Monroe, Colaresi & Quinn (2008), "Fightin' Words",
Political Analysis 16, 372-403, section 3.5.

Personal details are masked when texts are read (`intake.masking`); examples are shown only of words
that several customers used.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from cvm_analysis.experience import near_duplicates

RUNS = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+|[^\W\d_]+")
UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
LENGTHS = (2, 3, 4)  # signs of a word in a script without spaces
LEAST_LETTERS = 3  # of a word in a script with spaces
PRIOR = 500.0  # words that the prior counts for
LEAST_Z = 1.96  # from which a word stands out
SAME = 0.8  # share of texts in common from which two words are one topic
MIN_SHOWN = 5  # customers


def stand_out(texts: pd.DataFrame, others: pd.DataFrame, most: int = 20) -> pd.DataFrame:
    """Find the words that stand out in `texts` against `others`.

    Parameters
    ----------
    texts, others : one row per text, such as complaints and praise: customer_id (empty: each text
        counts as one customer), text
    most : words to return

    Returns
    -------
    One row per word that five customers or more used, the clearest first: term (of signs without
    spaces: with what most of the texts have around it), n_texts, n_customers, share, share_others
    (of the texts on each side), log_odds, z_score, example.
    """
    here, there = _distinct(texts), _distinct(others)
    found, against = _index(here["text"]), _index(there["text"])
    people = here["customer_id"].to_numpy()
    rows = [
        (term, len(at), len({people[i] for i in at}), len(against.get(term, ())))
        for term, at in found.items()
    ]
    table = pd.DataFrame(rows, columns=["term", "n_texts", "n_customers", "n_others"])
    log_odds, z_score = _log_odds(table, against)
    table = table.assign(
        share=table["n_texts"] / max(len(here), 1),
        share_others=table["n_others"] / max(len(there), 1),
        log_odds=log_odds,
        z_score=z_score,
    )
    shown = table[(table["n_customers"] >= MIN_SHOWN) & (table["z_score"] >= LEAST_Z)]
    ranked = shown.sort_values("z_score", ascending=False, kind="stable")
    kept = list(_without_repeats(ranked["term"], found))[:most]
    chosen = ranked.set_index("term").loc[kept].reset_index()
    examples = [_example(here["text"], found[term]) for term in kept]
    whole = [_whole(term, here.loc[found[term]]) for term in kept]
    shown_words = {
        "term": pd.Series(whole, dtype=object),
        "example": pd.Series(examples, dtype=object),
    }
    return chosen.assign(**shown_words).drop(columns="n_others")


def words(text: str) -> list[str]:
    """List the words of a text, each once, in order; of signs abc: ab, bc, abc."""
    found: dict[str, None] = {}
    before = ""
    for run in RUNS.findall(text.casefold()):
        if UNSPACED.match(run):
            grams = (run[i : i + n] for n in LENGTHS for i in range(len(run) - n + 1))
            found |= dict.fromkeys(grams)
            before = ""
            continue
        if len(run) >= LEAST_LETTERS:
            found[run] = None
        if before and len(before) + len(run) > LEAST_LETTERS:
            found[f"{before} {run}"] = None
        before = run
    return list(found)


def _distinct(texts: pd.DataFrame) -> pd.DataFrame:
    """One row per customer and group of near-duplicates; columns customer_id, text."""
    known = texts[texts["text"].fillna("").astype(str).str.strip() != ""].reset_index(drop=True)
    nobody = "text " + known.index.astype(str).to_series(known.index)
    people = known["customer_id"].astype(object).where(known["customer_id"].notna(), nobody)
    known = known.assign(customer_id=people, group=near_duplicates.group(known["text"]))
    return known.drop_duplicates(["customer_id", "group"]).reset_index(drop=True)


def _index(texts: pd.Series) -> dict[str, list[int]]:
    """The texts in which each word occurs, by position."""
    found: dict[str, list[int]] = defaultdict(list)
    for i, text in enumerate(texts):
        for word in words(text):
            found[word].append(i)
    return found


def _log_odds(table: pd.DataFrame, against: dict[str, list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds ratio of each word, and the same divided by its standard error."""
    y, y_others = table["n_texts"].to_numpy(float), table["n_others"].to_numpy(float)
    n, n_others = y.sum(), float(sum(map(len, against.values())))
    prior = PRIOR * (y + y_others) / max(n + n_others, 1.0)
    here, there = y + prior, y_others + prior
    log_odds = np.log(here / (n + PRIOR - here)) - np.log(there / (n_others + PRIOR - there))
    return log_odds, log_odds / np.sqrt(1 / here + 1 / there)


def _without_repeats(ranked: Iterable[str], found: dict[str, list[int]]) -> Iterator[str]:
    """Yield words in order, without those in the same texts as one before.

    Of pieces of one word the longest is taken.
    """
    terms = list(ranked)
    whole = [term for term in terms if not _is_piece(term, terms, found)]
    kept: list[set[int]] = []
    for term in whole:
        at = set(found[term])
        if all(len(at & other) < SAME * len(at | other) for other in kept):
            kept.append(at)
            yield term


def _is_piece(term: str, terms: list[str], found: dict[str, list[int]]) -> bool:
    n = len(found[term])
    return any(
        len(other) > len(term) and term in other and len(found[other]) >= SAME * n
        for other in terms
    )


def _whole(term: str, texts: pd.DataFrame) -> str:
    """Extend a run of signs as most of its texts, and five customers, go on; words stay."""
    if not UNSPACED.match(term):
        return term
    said = texts["text"].str.casefold()
    while True:
        following = said.str.extract(f"({re.escape(term)}{UNSPACED.pattern})", expand=False)
        before = said.str.extract(f"({UNSPACED.pattern}{re.escape(term)})", expand=False)
        longer = [each.mode()[0] for each in (following, before) if each.notna().any()]
        kept = [each for each in longer if _is_usual(each, said, texts["customer_id"])]
        if not kept:
            return term
        term = kept[0]


def _is_usual(term: str, said: pd.Series, customers: pd.Series) -> bool:
    has = said.str.contains(term, regex=False)
    return bool(has.mean() >= SAME and customers[has].nunique() >= MIN_SHOWN)


def _example(texts: pd.Series, at: list[int]) -> str:
    """A text of middling length with the word."""
    ordered = sorted((texts[i] for i in at), key=lambda text: (len(text), text))
    return ordered[len(ordered) // 2]

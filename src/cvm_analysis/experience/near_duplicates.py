"""Texts that say the same in nearly the same words: copies, templates, one post in two channels.

Two texts belong together if their sets of character 5-grams agree in at least 0.8 (Jaccard), after
case, digits, spaces and punctuation are taken out. Candidates are found by MinHash in bands, and
then compared exactly. Source: Broder (1997), "On the Resemblance and Containment of Documents",
Compression and Complexity of Sequences, 21-29; bands: Leskovec, Rajaraman & Ullman (2014), "Mining
of Massive Datasets", section 3.4.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import defaultdict

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cvm_analysis.arrays import Ints

SHINGLE = 5  # characters
ALIKE = 0.8  # Jaccard from which two texts are near-duplicates
BANDS, ROWS = 8, 4  # a pair at 0.8 becomes a candidate with probability 0.985
PRIME = 2**31 - 1


def normalise(text: str) -> str:
    """Take out case, width, digits, spaces and punctuation: `Very good! 5 of 5` -> `verygoodof`."""
    return re.sub(r"[\W\d_]+", "", unicodedata.normalize("NFKC", text).casefold())


def group(texts: pd.Series) -> pd.Series:
    """Number the groups of near-duplicates: same index; equal numbers belong together.

    Texts without a letter form one group. A pair below 0.8 may share a group through a third text.
    """
    plain = texts.fillna("").map(normalise)
    code, distinct = pd.factorize(plain)
    sets = [_shingles(text) for text in distinct]
    pairs = _similar(sets, _signatures(sets))
    return pd.Series(connect(len(distinct), pairs)[code], texts.index)


def connect(n: int, pairs: list[tuple[int, int]]) -> Ints:
    """Number the connected parts of n items of which these pairs belong together."""
    ends = np.array(pairs, dtype=int).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n))
    found: Ints = connected_components(graph, directed=False)[1]
    return found


def join(customers: pd.Series, groups: pd.Series) -> pd.Series:
    """Number the clusters of texts that share a customer or a group of near-duplicates.

    Same index; a text without a customer is linked by its group alone.
    """
    by_customer = pd.factorize(customers)[0]
    n = len(customers)
    links = [(i, n + c) for i, c in enumerate(by_customer) if c >= 0]
    start = n + by_customer.max(initial=-1) + 1
    links += [(i, start + g) for i, g in enumerate(pd.factorize(groups)[0])]
    size = start + groups.nunique()
    return pd.Series(connect(size, links)[:n], customers.index)


def _shingles(text: str) -> frozenset[int]:
    """Hashes of the 5-grams of a text; of a shorter one its own."""
    parts = {text[i : i + SHINGLE] for i in range(max(len(text) - SHINGLE + 1, 1))}
    return frozenset(zlib.crc32(part.encode()) % PRIME for part in parts)


def _signatures(sets: list[frozenset[int]]) -> Ints:
    """MinHash of each set: the smallest value of each of BANDS x ROWS random permutations."""
    rng = np.random.default_rng(1997)
    scale = rng.integers(1, PRIME, BANDS * ROWS, dtype=np.int64)
    shift = rng.integers(0, PRIME, BANDS * ROWS, dtype=np.int64)
    found = np.empty((len(sets), BANDS * ROWS), dtype=np.int64)
    for i, each in enumerate(sets):
        values = np.fromiter(each, dtype=np.int64, count=len(each))
        found[i] = ((values[:, None] * scale + shift) % PRIME).min(axis=0)
    return found


def _similar(sets: list[frozenset[int]], signatures: Ints) -> list[tuple[int, int]]:
    """Pairs that agree in 0.8: each set of a bucket with those that stand for its groups so far."""
    pairs = []
    for band in range(BANDS):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for i, part in enumerate(signatures[:, band * ROWS : (band + 1) * ROWS]):
            first = buckets[part.tobytes()]
            known = next((j for j in first if _jaccard(sets[i], sets[j]) >= ALIKE), None)
            if known is None:
                first.append(i)
            else:
                pairs.append((known, i))
    return pairs


def _jaccard(a: frozenset[int], b: frozenset[int]) -> float:
    return len(a & b) / len(a | b)

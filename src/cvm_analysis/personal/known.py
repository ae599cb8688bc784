"""Keyed hashes of the personal values that no output may show; no value itself is kept.

They are made with a key derived from that of the pseudonyms, so that hashes and pseudonyms of one
id are not alike. A million tokens looked up among a million hashes find something by chance once in
18 million reports.
"""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError
from cvm_analysis.personal import tokens
from cvm_analysis.personal.hashes import keyed_hashes

FILE = "personal.parquet"  # one row per hash


@dataclass(frozen=True)
class Known:
    """Hashes of tokens of personal values, and the key they were made with."""

    key: bytes = field(repr=False)
    hashes: frozenset[int] = field(repr=False)

    def count(self, found: Iterable[str]) -> int:
        """Count the tokens that are those of a personal value."""
        return sum(int.from_bytes(each) in self.hashes for each in keyed_hashes(self.key, found))

    def has(self, cell: str) -> bool:
        """Whether a cell is a personal value, or has one in it."""
        return self.count(tokens.whole(cell) | tokens.find(cell)) > 0


def derive(key: bytes) -> bytes:
    """Key of the hashes, from that of the pseudonyms."""
    return hmac.digest(key, b"personal values", "sha256")


def save(folder: Path, values: Iterable[str], key: bytes) -> None:
    """Write the hashes of values into a folder; key : as `derive` gives it."""
    every = (tokens.of_value(value) | tokens.whole(value) for value in values)
    found = b"".join(keyed_hashes(key, itertools.chain.from_iterable(every)))
    table = pd.DataFrame({"hash": np.unique(np.frombuffer(found, ">u8").astype("uint64"))})
    table.to_parquet(folder / FILE, index=False)


def load(folder: Path, key: bytes) -> Known:
    """Read the hashes of a folder, InputError if it has none; key : as `derive` gives it."""
    path = folder / FILE
    if not path.is_file():
        raise InputError(f"{path}: missing; run `cvm prepare` again")
    return Known(key, frozenset(pd.read_parquet(path)["hash"].tolist()))

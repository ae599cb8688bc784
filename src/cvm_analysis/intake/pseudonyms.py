"""Raw customer ids to pseudonyms, the same in every region, run and date.

HMAC-SHA-256 with a key from the environment: without the key nobody can test ids against the
pseudonyms (ENISA, "Pseudonymisation techniques and best practices", 2019). With another key every
customer gets another pseudonym: a check value of the key is kept with what was made by it.
"""

import hmac
import os
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from cvm_analysis import owner
from cvm_analysis.errors import InputError
from cvm_analysis.personal.hashes import keyed_hashes
from cvm_analysis.prepared import read_stamp
from cvm_analysis.settings import Settings

KEY = "CVM_KEY"
LEAST_LENGTH = 16
LEAST_DISTINCT = 8  # characters of a key
EXAMPLES = ("a long random text that you keep",)  # in our own documents, known to everybody
PSEUDONYM = re.compile("C[A-Z2-7]{12}")
BASE32 = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "S1")  # RFC 4648
PLACES = np.arange(59, 0, -5, dtype="u8")  # of the last bit of each sign


def key() -> bytes:
    """Read the key from the environment; InputError if there is none, or a weak one."""
    text = os.environ.get(KEY, "")
    weakness = ""
    if len(text) < LEAST_LENGTH:
        weakness = f"holds no key of {LEAST_LENGTH} characters or more"
    elif len(set(text)) < LEAST_DISTINCT:
        weakness = f"holds a key of fewer than {LEAST_DISTINCT} different characters"
    elif text.strip().casefold() in EXAMPLES:
        weakness = "holds the example of the README, which everybody knows"
    if weakness:
        raise InputError(
            f"{KEY} {weakness}; set it to a long random text, the same "
            "in every run, or write `pseudonyms: off` if the ids are already pseudonyms"
        )
    return text.encode()


def pseudonym(raw_id: str, key: bytes) -> str:
    """Pseudonym of a raw id: `C` and 12 base32 characters."""
    return pseudonyms([raw_id], key)[0]


def pseudonyms(raw_ids: Iterable[str], key: bytes) -> list[str]:
    """Pseudonyms of raw ids, in their order."""
    numbers = np.frombuffer(b"".join(keyed_hashes(key, raw_ids)), ">u8").astype("u8")
    signs = BASE32[(numbers[:, None] >> PLACES) & 31]  # five bits each, of the first sixty
    return [f"C{each}" for each in signs.view("S12").ravel().astype(str).tolist()]


def check_value(key: bytes) -> str:
    """Value by which a key is recognized: 16 hex digits that do not tell the key."""
    return hmac.digest(key, b"check value of the key", "sha256").hex()[:16]


def find_other_keys(settings: Settings) -> list[Path]:
    """List the folders, prepared tables and ledger, that were made with another key than today's.

    Folders without a check value are not listed; none is if pseudonyms are off.
    """
    if not settings.business.pseudonyms:
        return []
    today = check_value(key())
    made = {
        settings.prepared: read_stamp(settings.prepared).get("key_check"),
        settings.ledger: owner.read_key_check(settings.ledger),
    }
    return [folder for folder, value in made.items() if value and value != today]

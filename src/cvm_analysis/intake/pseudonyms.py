"""Raw customer ids to pseudonyms, the same in every region, run and date.

HMAC-SHA-256 with a key from the environment: without the key nobody can test ids against the
pseudonyms (ENISA, "Pseudonymisation techniques and best practices", 2019).
"""

import base64
import hashlib
import hmac
import os

from cvm_analysis.errors import InputError

KEY = "CVM_KEY"


def key() -> bytes:
    """Read the key from the environment; InputError if there is none."""
    text = os.environ.get(KEY, "")
    if len(text) < 16:
        raise InputError(
            f"{KEY} holds no key of 16 characters or more; set it to a long random text, the same "
            "in every run, or write `pseudonyms: off` if the ids are already pseudonyms"
        )
    return text.encode()


def pseudonym(raw_id: str, key: bytes) -> str:
    """Pseudonym of a raw id: `C` and 12 base32 characters."""
    mac = hmac.new(key, raw_id.encode(), hashlib.sha256).digest()
    return "C" + base64.b32encode(mac)[:12].decode()

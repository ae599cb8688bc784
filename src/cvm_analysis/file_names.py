"""Names of the files that people get: business, region and date, safe in any script and system."""

from __future__ import annotations

import unicodedata

MOST_BYTES = 120  # of the business's name; a file name may have 255 in all
KEY_BYTES = 40  # of a region's key


def slug(text: str) -> str:
    """Keep letters and digits of any script, and put `-` for whatever else stands between them.

    A name without any letter or digit is `report`.
    """
    return _joined(text).encode()[:MOST_BYTES].decode(errors="ignore").strip("-") or "report"


def key(name: str) -> str:
    """Write a name as a region's key: in lower case, letters and digits of any script, and `-`.

    Empty if it has no letter or digit, or is too long.
    """
    found = _joined(unicodedata.normalize("NFKC", name).lower())
    return found if len(found.encode()) <= KEY_BYTES else ""


def _joined(text: str) -> str:
    letters = unicodedata.normalize("NFKC", text)
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in letters)
    return "-".join(kept.split())


def stem(business: str, region: str, as_of: str) -> str:
    """Name the files of a report, without language and ending: `Demo-Flooring-east-2025-12-31`.

    region : its key; as_of : an ISO date
    """
    return f"{slug(business)}-{region}-{as_of}"

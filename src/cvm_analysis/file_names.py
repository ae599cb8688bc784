"""Names of the files that people get: business, region and date, safe in any script and system."""

from __future__ import annotations

import unicodedata

MOST_BYTES = 120  # of the business's name; a file name may have 255 in all


def slug(text: str) -> str:
    """Keep letters and digits of any script, and put `-` for whatever else stands between them.

    A name without any letter or digit is `report`.
    """
    letters = unicodedata.normalize("NFKC", text)
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in letters)
    cut = "-".join(kept.split()).encode()[:MOST_BYTES].decode(errors="ignore")
    return cut.strip("-") or "report"


def stem(business: str, region: str, as_of: str) -> str:
    """Name the files of a report, without language and ending: `Demo-Flooring-east-2025-12-31`.

    region : its key; as_of : an ISO date
    """
    return f"{slug(business)}-{region}-{as_of}"

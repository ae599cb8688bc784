"""The interval of a share: Wilson (1927), JASA 22, 209-212."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pandas as pd
from scipy.special import ndtri

LEVEL = 0.95
Share = TypeVar("Share", float, pd.Series)


def wilson(share: Share, n: Share) -> tuple[Share, Share]:
    """Find the lower and upper end of the 95 % interval of a share; both lie in [0, 1].

    share : in [0, 1]; n : number of independent cases, above 0; not necessarily whole
    """
    z = float(ndtri((1 + LEVEL) / 2))
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)
    return low, high

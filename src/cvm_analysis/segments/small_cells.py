"""No figure of fewer customers than `min_shown` where an attribute of people is crossed.

Small groups are pooled, and small counts hidden. A single hidden count would follow from the total
of the others, so the next smallest is pooled or hidden with it (complementary suppression).

Source: Hundepool et al. (2012), "Statistical Disclosure Control", Wiley, chapter 4.
"""

from __future__ import annotations

import pandas as pd

OTHER, UNKNOWN = "other", "unknown"


def pool(values: pd.Series, min_shown: int, most: int | None = None) -> pd.Series:
    """Pool small groups into `other`, so that no group, and not `other` itself, is below min_shown.

    Every customer stays in a group: none can be counted by the difference to the total.

    values : the group of each customer; `unknown` is pooled only if it is small itself
    most : groups that remain, `other` among them; None: any number
    """
    sizes = values[values != UNKNOWN].value_counts().sort_index()
    sizes = sizes.sort_values(ascending=False, kind="stable")
    n_unknown = int(values.eq(UNKNOWN).sum())
    n_pooled = n_unknown if n_unknown < min_shown else 0
    most = len(sizes) if most is None else most
    n_kept = int((sizes >= min_shown).sum())
    if n_kept < len(sizes) or n_pooled or len(sizes) > most:
        n_kept = max(min(n_kept, most - 1), 0)
    while n_kept and 0 < n_pooled + sizes.iloc[n_kept:].sum() < min_shown:
        n_kept -= 1
    small = [*sizes.index[n_kept:], *([UNKNOWN] if n_pooled else [])]
    return values.where(~values.isin(small), OTHER)


def hide(counts: pd.Series, min_shown: int) -> pd.Series:
    """Tell which counts are not shown, where their total is known: same index, True if hidden.

    counts : customers of each group in one class, such as the best grade; 0 is shown

    Hidden are those below min_shown, and with them the next smallest, until two or more are hidden
    that together are no less than min_shown.
    """
    hidden = (counts > 0) & (counts < min_shown)
    while hidden.any() and not hidden.all():
        if hidden.sum() > 1 and counts[hidden].sum() >= min_shown:
            break
        rest = counts[~hidden].sort_values(kind="stable")
        hidden[(rest[rest > 0] if (rest > 0).any() else rest).index[0]] = True
    return hidden

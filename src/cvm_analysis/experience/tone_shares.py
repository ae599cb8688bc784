"""The share of negative texts by month, corrected for the errors of the model that reads them.

Counting what a model calls negative is biased as soon as it errs: of few negative texts it finds
too many, of many too few. The share is corrected by the sensitivity and specificity measured on
texts the model had not seen, which are taken to hold in other texts as well. A text is negative
here if its author would have given a negative score, not a positive one.

Sources: Rogan & Gladen (1978), "Estimating Prevalence from the Results of a Screening Test",
American Journal of Epidemiology 107, 71-76; known in text analysis as adjusted counting, Forman
(2008), "Quantifying Counts and Costs via Classification", Data Mining and Knowledge Discovery 17,
164-206. Interval: Lang & Reiczigel (2014), "Confidence Limits for Prevalence of Disease Adjusted
for Estimated Sensitivity and Specificity", Preventive Veterinary Medicine 113, 13-22; with counts
divided by the design effect of clusters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from cvm_analysis.experience import near_duplicates
from cvm_analysis.experience.tone import HeldOut, Tone

MIN_SHOWN = 5  # texts of a month, fewer are not shown
LEVEL = 0.95


class Share(NamedTuple):
    """A corrected share of negative texts with its interval, all in [0, 1]."""

    share: float
    low: float
    high: float


def monthly(texts: pd.DataFrame, tone: Tone) -> pd.DataFrame:
    """Estimate the share of negative texts in each month.

    Parameters
    ----------
    texts : customer_id (empty if not known), at (day), text; not those the model was learned from
    tone : a model that passed its test on texts of the same kind

    Returns
    -------
    One row per month with 5 texts or more, in order: month (its first day), n_texts, share_flagged
    (what the model calls negative), share_negative, share_low, share_high (corrected, 95%).
    """
    has_text = texts["text"].fillna("").str.strip() != ""
    known = texts[has_text].reset_index(drop=True)
    flagged = tone.is_negative(known["text"])
    clusters = near_duplicates.join(known["customer_id"], near_duplicates.group(known["text"]))
    effect = design_effect(flagged, clusters)
    month = pd.to_datetime(known["at"]).dt.to_period("M").dt.start_time
    rows = []
    for first_day, part in flagged.groupby(month):
        if len(part) >= MIN_SHOWN:
            found = correct(part, effect, tone.test)
            rows.append((first_day, len(part), float(part.mean()), *found))
    columns = ["month", "n_texts", "share_flagged", "share_negative", "share_low", "share_high"]
    return pd.DataFrame(rows, columns=columns)


def correct(flagged: pd.Series, effect: float, test: HeldOut) -> Share:
    """Correct the share of texts that were called negative.

    flagged : of each text, whether the model calls it negative
    effect : by which its clusters multiply the variance, see `design_effect`
    """
    negative = test.is_negative
    n_se, se = _effective(test.flagged[negative], test.clusters[negative])
    n_sp, sp = _effective(~test.flagged[~negative], test.clusters[~negative])
    n, p = len(flagged) / effect, float(flagged.mean())
    return Share(_rogan_gladen(p, se, sp), *_limits(p, n, se, n_se, sp, n_sp))


def design_effect(flagged: pd.Series, clusters: pd.Series) -> float:
    """How many times larger the variance of the share is than with independent texts; 1 or more.

    With equal flags throughout, clusters cannot be compared: then each counts as one text.
    """
    n, p = len(flagged), float(flagged.mean())
    sums = (flagged - p).groupby(clusters.to_numpy()).sum()
    if p in (0.0, 1.0):
        return n / max(len(sums), 1)
    return max(float((sums**2).sum() / (n * p * (1 - p))), 1.0)


def _effective(right: pd.Series, clusters: pd.Series) -> tuple[float, float]:
    """Number of independent texts, and the share that the model reads right."""
    return len(right) / design_effect(right, clusters), float(right.mean())


def _rogan_gladen(p: float, se: float, sp: float) -> float:
    return float(np.clip((p + sp - 1) / (se + sp - 1), 0.0, 1.0))


def _limits(
    p: float, n: float, se: float, n_se: float, sp: float, n_sp: float
) -> tuple[float, float]:
    """The adjusted interval of Lang & Reiczigel; symbols are theirs."""
    z = float(norm.ppf((1 + LEVEL) / 2))
    n_, p_ = n + z**2, (n * p + z**2 / 2) / (n + z**2)
    n_se_, se_ = n_se + 2, (n_se * se + 1) / (n_se + 2)
    n_sp_, sp_ = n_sp + 2, (n_sp * sp + 1) / (n_sp + 2)
    gain = se_ + sp_ - 1
    true = (p_ + sp_ - 1) / gain
    v_se, v_sp = se_ * (1 - se_) / n_se_, sp_ * (1 - sp_) / n_sp_
    shift = 2 * z**2 * (true * v_se - (1 - true) * v_sp)
    spread = np.sqrt(p_ * (1 - p_) / n_ + (1 - true) ** 2 * v_sp + true**2 * v_se) / gain
    low, high = true + shift - z * spread, true + shift + z * spread
    return float(np.clip(low, 0.0, 1.0)), float(np.clip(high, 0.0, 1.0))

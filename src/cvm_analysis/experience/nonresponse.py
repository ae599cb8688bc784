"""Who answers surveys and who does not, and weights that make up for it where it is known.

Customers of one class (such as segment and value) who answer stand for those of the class who do
not: a weight is 1 / response rate of the class (weighting classes: Little & Rubin, 2019,
"Statistical Analysis with Missing Data", 3rd ed., section 3.3). This corrects for what the classes
tell, and for nothing else. Weights are trimmed at TRIM times their median, since a few large ones
cost more precision than they correct; the effective n of `surveys` shows what is left of it.

Where it is not recorded who was asked, customers who bought in the period take that place.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cvm_analysis.experience.proportions import wilson
from cvm_analysis.experience.surveys import ALL
from cvm_analysis.tables import TABLES

TRIM = 5.0  # times the median weight
LEAST_ANSWERED = 10  # customers of a class, for a rate of its own
_OTHER = "other"
_TABLE = TABLES["response_rates"]


def asked(candidates: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """List who could answer in each period, and whether they did.

    Parameters
    ----------
    candidates : one row per customer and occasion (an invitation, else a purchase): customer_id,
        until (`answers.add_period`)
    answers : one row per answer with the same columns; customers who answered without an occasion
        in the period count as asked

    Returns
    -------
    One row per customer and period: customer_id, until, answered (bool).
    """
    columns = ["customer_id", "until"]
    given = answers[columns].drop_duplicates().assign(answered=True)
    everyone = pd.concat([given, candidates[columns].drop_duplicates()]).drop_duplicates(columns)
    found = everyone.assign(answered=everyone["answered"].eq(True))
    return found.sort_values(columns[::-1], ignore_index=True)


def response_rates(asked: pd.DataFrame, period_days: int, groups: Sequence[str]) -> pd.DataFrame:
    """Compute the share who answered by group and period: table `response_rates`.

    asked : as `asked` returns, with a column for each of `groups` (empty: in none), and weight

    Intervals are Wilson's (1927, JASA 22, 209-212).
    """
    parts = [_rates(asked.assign(level=ALL), ALL)]
    for group in groups:
        known = asked[asked[group].notna()]
        parts.append(_rates(known.assign(level=known[group].astype(str)), group))
    table = pd.concat(parts, ignore_index=True).assign(period_days=period_days)
    return table[list(_TABLE.columns)]


def weights(asked: pd.DataFrame, classes: Sequence[str]) -> pd.Series:
    """Weigh those who answered, in each period so that the mean is 1.

    Parameters
    ----------
    asked : as `asked` returns, with a column for each of `classes`
    classes : columns whose combinations are the classes, such as segment and value class. Classes
        with fewer than LEAST_ANSWERED answers are joined within the first column, then over all;
        who is in no class is in one together

    Returns
    -------
    One weight for each row of `asked`; empty for those who did not answer.
    """
    found = [_weigh(rows, classes) for _until, rows in asked.groupby("until", sort=True)]
    joined = pd.concat(found) if found else pd.Series(dtype=float)
    return joined.reindex(asked.index).rename("weight")


def add_weights(answers: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """Add column `weight` to answers from that of their customer and period in `asked`."""
    known = asked.set_index(["customer_id", "until"])["weight"]
    return answers.join(known, on=["customer_id", "until"])


def _rates(rows: pd.DataFrame, group: str) -> pd.DataFrame:
    by_level = rows.groupby(["level", "until"], sort=True)
    found = by_level.agg(
        n_asked=("answered", "size"), n_answered=("answered", "sum"), weight=("weight", "mean")
    ).reset_index()
    rate, n = found["n_answered"] / found["n_asked"], found["n_asked"]
    low, high = wilson(rate, n)
    return found.assign(group=group, response_rate=rate, low=low, high=high)


def _weigh(rows: pd.DataFrame, classes: Sequence[str]) -> pd.Series:
    """Weigh the rows of one period."""
    label = _classes(rows, classes)
    rate = rows["answered"].groupby(label).mean()
    raw = (1 / label.map(rate)).where(rows["answered"])
    if not rows["answered"].any():
        return raw
    trimmed = raw.clip(upper=TRIM * raw.median())
    return trimmed / trimmed.mean()


def _classes(rows: pd.DataFrame, classes: Sequence[str]) -> pd.Series:
    """Label the class of each row; small ones are joined."""
    codes = rows[list(classes)].astype(object).fillna(_OTHER).astype(str)
    first = codes.iloc[:, 0]
    label = first.str.cat([codes[name] for name in list(codes)[1:]], sep="|")
    for joined in (first + "|", pd.Series("", rows.index)):
        answered = rows["answered"].groupby(label).sum()
        label = label.where(label.map(answered) >= LEAST_ANSWERED, joined)
    return label

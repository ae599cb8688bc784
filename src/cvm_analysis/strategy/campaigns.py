"""What randomised campaigns brought: effects on the whole and by segment, against control groups.

One outcome and one window, fixed beforehand by the action's criterion of success, read once: while
the window of a member is open no effect is shown. Effects are by assignment (`arm_difference`).
Segments' p values are corrected for their number (false discovery rate: Benjamini & Hochberg, 1995,
JRSS B 57, 289-300) and their effects shrunk to the whole (`shrinkage`), measured as shares of what
the effect multiplies where that is known, since segments differ in size of margin.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cvm_analysis.errors import InputError
from cvm_analysis.strategy import arm_difference, shrinkage
from cvm_analysis.strategy.effects import Effect
from cvm_analysis.strategy.outcomes import Criterion, find_overlaps
from cvm_analysis.tables import TABLES
from cvm_analysis.tables.shape import NUMERIC

_TABLE = TABLES["campaign_results"]
WHOLE = "all"  # the segment that is the whole campaign
ARMS = ("treated", "control")
LEAST_RATIO_P = 0.001  # sample-ratio test: below it the arms are not the planned ones
_OF_HORIZON = ("expected_margin", "margin_at_stake")  # bases that are money of the whole horizon
_SHRUNKEN = ("shrunken", "shrunken_sd", "shrunken_low", "shrunken_high")


def measure(
    members: pd.DataFrame,
    criteria: Mapping[str, Criterion],
    as_of: Any,
    horizon_days: float,
    planned_shares: Mapping[str, float] | None = None,
    n_resamples: int = 1999,
) -> pd.DataFrame:
    """Measure the effect of each campaign, on the whole and by segment.

    Parameters
    ----------
    members : one row per customer and campaign, controls included
        customer_id, campaign_id, action, arm (treated or control), at, cost
        outcome, before : as `outcomes.add_outcomes` makes them
        segment : on the day of assignment; a later one would depend on the campaign
        base : money that the action's effect multiplies, as known on that day; optional
        account_id : household or account; optional, empty: the customer stands alone
    criteria : by action
    as_of : last day with data; a campaign is read once the window of its last member has passed
    horizon_days : of expected_margin and margin_at_stake, where they are the base
    planned_shares : share of controls by campaign, where it is known
    n_resamples : of the bootstrap, seeded by campaign and segment

    Returns
    -------
    Table `campaign_results`, indexed by campaign_id and segment; segment `all` is the whole. Only a
    campaign with status `measured` has effects and other segments.

    Raises
    ------
    InputError : a customer twice in a campaign, unknown arms, a campaign with two actions
    """
    check(members)
    ordered = members.sort_values(["campaign_id", "customer_id"], ignore_index=True)
    ordered["overlaps"] = find_overlaps(ordered, criteria)
    rows = [
        row
        for name, each in ordered.groupby("campaign_id")
        for row in _read(
            each,
            criteria.get(each["action"].iloc[0]),
            pd.Timestamp(as_of),
            horizon_days,
            (planned_shares or {}).get(str(name)),
            n_resamples,
        )
    ]
    types = {
        name: "int64" if column.kind == "count" else "float64"
        for name, column in _TABLE.columns.items()
        if column.kind in NUMERIC
    }
    found = pd.DataFrame(rows, columns=list(_TABLE.columns)).astype(types)
    return found.set_index(list(_TABLE.key))


def check(members: pd.DataFrame) -> None:
    """Raise InputError unless each campaign has one action, known arms and each customer once."""
    twice = int(members.duplicated(["campaign_id", "customer_id"]).sum())
    arms = int((~members["arm"].isin(ARMS)).sum())
    actions = members.groupby("campaign_id")["action"].nunique()
    mixed = [str(name) for name in actions.index[actions > 1]]
    wrong = [f"{twice:,} rows name a customer again in the same campaign"] * (twice > 0)
    wrong += [f"{arms:,} rows have an arm other than treated or control"] * (arms > 0)
    wrong += [f"campaign {name} has several actions; give each its own campaign" for name in mixed]
    if wrong:
        raise InputError("table campaign_members: " + "\n  ".join(wrong))


def compare_arm_sizes(rows: pd.DataFrame, planned: float | None) -> float:
    """P value of the arms' sizes; by chi-square, of clusters where these were assigned.

    planned : share of controls. Where it is not known, the segments' shares are compared with the
        overall one.
    rows : treated, cluster, segment

    Returns
    -------
    Empty (NaN) if there is nothing to compare: one segment and no planned share.
    """
    assigned = rows.drop_duplicates(["cluster", "treated"])
    if assigned["cluster"].duplicated().any():  # arms within accounts: customers were assigned
        assigned = rows
    if planned is not None:
        observed = [(~assigned["treated"]).sum(), assigned["treated"].sum()]
        expected = len(assigned) * np.array([planned, 1 - planned])
        return float(stats.chisquare(observed, expected).pvalue)
    counts = pd.crosstab(assigned["segment"], assigned["treated"])
    expected = stats.contingency.expected_freq(counts)
    counts = counts[(expected >= 5).all(axis=1)]
    return float(stats.chi2_contingency(counts, False).pvalue) if len(counts) > 1 else np.nan


def _read(
    each: pd.DataFrame,
    criterion: Criterion | None,
    as_of: pd.Timestamp,
    horizon_days: float,
    planned: float | None,
    n_resamples: int,
) -> list[dict[str, Any]]:
    """Rows of one campaign: the whole first, then its segments, the largest first."""
    whole = _describe(each, WHOLE)
    if criterion is None:
        return [whole | {"status": "unknown_action"}]
    read_on = pd.to_datetime(each["at"]).max() + pd.Timedelta(days=criterion.within_days)
    whole |= {"measure": criterion.measure, "window_days": criterion.within_days}
    whole["read_on"] = read_on
    rows = each.assign(treated=each["arm"] == "treated", cluster=_clusters(each))
    if read_on > as_of + pd.Timedelta(days=1):
        return [whole | {"status": "open"}]
    if rows["treated"].nunique() < 2:
        return [whole | {"status": "not_measured"}]
    if rows["outcome"].isna().any():
        return [whole | {"status": "no_outcome"}]
    whole["sample_ratio_p"] = compare_arm_sizes(rows, planned)
    if whole["sample_ratio_p"] < LEAST_RATIO_P:
        return [whole | {"status": "sample_ratio"}]
    sizes = rows["segment"].value_counts()
    parts = [(whole, rows)]
    for segment in sorted(sizes.index, key=lambda name: (-sizes[name], name)):
        part = rows[rows["segment"] == segment]
        fixed = {key: whole[key] for key in ("measure", "window_days", "read_on")}
        parts.append((_describe(part, str(segment)) | fixed, part))
    found = [_estimate(row, part, criterion, horizon_days, n_resamples) for row, part in parts]
    if found[0]["status"] != "measured":
        return found[:1]
    _compare_segments(found[1:])
    return found


def _describe(rows: pd.DataFrame, segment: str) -> dict[str, Any]:
    first, treated = rows.iloc[0], rows["arm"] == "treated"
    return {
        "campaign_id": first["campaign_id"],
        "segment": segment,
        "action": first["action"],
        "started_on": pd.to_datetime(rows["at"]).min(),
        "n_treated": int(treated.sum()),
        "n_control": int((~treated).sum()),
        "overlap_share": float(rows["overlaps"].mean()),
        "cost": float(rows.loc[treated, "cost"].fillna(0).astype(float).sum()),
    }


def _clusters(rows: pd.DataFrame) -> pd.Series:
    """Account of each row, else the customer itself."""
    customer = "c" + rows["customer_id"].astype(str)
    if "account_id" not in rows:
        return customer
    account = rows["account_id"]
    return ("a" + account.astype(str)).where(account.notna() & (account != ""), customer)


def _estimate(
    row: dict[str, Any],
    rows: pd.DataFrame,
    criterion: Criterion,
    horizon_days: float,
    n_resamples: int,
) -> dict[str, Any]:
    seed = zlib.crc32(f"{row['campaign_id']}|{row['segment']}".encode())
    found = arm_difference.estimate(rows, criterion.measure, n_resamples, seed)
    if found is None:
        return row | {"status": "few_customers"}
    row = row | {"status": "measured"} | found._asdict()
    unit = _unit(rows, criterion, horizon_days)
    spread = (found.high - found.low) / (2 * stats.norm.ppf((1 + arm_difference.LEVEL) / 2))
    row |= {"unit": unit, "spread": spread}
    row |= {"effect_of_base": found.effect / unit, "effect_of_base_sd": spread / unit}
    if "base" in rows:
        row["mean_base"] = float(rows["base"].astype(float).mean())
    if criterion.measure == "margin":
        for gain, each in (("net_gain", found.effect), ("net_gain_low", found.low),
                           ("net_gain_high", found.high)):  # fmt: skip
            row[gain] = each * row["n_treated"] - row["cost"]
    return row


def _unit(rows: pd.DataFrame, criterion: Criterion, horizon_days: float) -> float:
    """What an effect of 1 (100 %, or 100 points) would be worth per customer within the window.

    Margin: the mean base; where it is of the whole horizon, the window's part of it. A purchase: 1
    if points are what the action's effect is in, else the two cannot be compared.
    """
    if criterion.measure == "purchase":
        return 1.0 if criterion.multiplies == "purchase" else np.nan
    if "base" not in rows:
        return np.nan
    mean = float(rows["base"].astype(float).mean())
    is_part = criterion.multiplies in _OF_HORIZON
    part = criterion.within_days / horizon_days if is_part else 1.0
    return mean * part if mean > 0 else np.nan


def _compare_segments(rows: list[dict[str, Any]]) -> None:
    """Add q values and shrunken effects to the rows of the segments that have an effect."""
    known = [row for row in rows if row["status"] == "measured"]
    if not known:
        return
    table = pd.DataFrame(known)
    table["q_value"] = stats.false_discovery_control(table["p_value"])
    unit = table["unit"] if table["unit"].notna().all() else 1.0
    shrunken = shrinkage.shrink(table["effect"] / unit, table["spread"] / unit).mul(unit, axis=0)
    for row, q, each in zip(known, table["q_value"], shrunken.to_numpy(), strict=True):
        row |= {"q_value": float(q), **dict(zip(_SHRUNKEN, map(float, each), strict=True))}


def to_effects(results: pd.DataFrame) -> dict[str, list[Effect]]:
    """Read the measured effects of each action, for `effects.combine`.

    results : table `campaign_results`; the whole of each measured campaign counts, in the unit of
        the catalogue's effect (share of its base, or points)
    """
    table = results.reset_index()
    whole = table[(table["segment"] == WHOLE) & (table["status"] == "measured")]
    found: dict[str, list[Effect]] = {}
    for row in whole[whole["effect_of_base"].notna()].itertuples():
        effect = Effect(
            float(row.effect_of_base),
            float(row.effect_of_base_sd),
            "measured_with_control",
            int(row.n_treated),
            int(row.n_control),
        )
        found.setdefault(str(row.action), []).append(effect)
    return found

"""The tables of the experience, from what its modules compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cvm_analysis.experience import lead_score, leads
from cvm_analysis.experience.breakage import Fates, Liability
from cvm_analysis.experience.comparison import Difference

SEGMENTS = ("source", "owner", "region")  # of leads


def membership(
    points: pd.DataFrame | None,
    levels: pd.DataFrame | None,
    referred_by: pd.Series | None,
    referrers: pd.DataFrame | None,
    prospects: pd.DataFrame | None,
) -> pd.DataFrame:
    """Join what is known of each customer; a part that is None is absent.

    points : `points.totals`; levels : `membership.find_levels`; referred_by and referrers :
    `referrals.referred_by` and `summarise_referrers`; prospects : `leads.by_customer`
    """
    parts = [each for each in (points, levels, prospects) if each is not None]
    if referrers is not None:
        parts.append(referrers[["n_referred", "brought_value", "chain_value"]])
    if referred_by is not None:
        parts.append(referred_by.to_frame())
    found = pd.concat([pd.DataFrame(), *parts], axis=1).sort_index().rename_axis("customer_id")
    if "n_referred" in found:
        counts = found["n_referred"].fillna(0).astype(int)
        found = found.assign(n_referred=counts)
    return found


def points_figures(fates: Fates | None, liability: Liability | None) -> pd.DataFrame:
    """List breakage and liability with their intervals; indexed by figure."""
    rows: dict[str, tuple[float, float, float]] = {}
    if fates is not None:
        rows |= {name: getattr(fates, name) for name in ("breakage", "redeemed", "withdrawn")}
    if liability is not None:
        rows["face_value"] = (liability.face_value, np.nan, np.nan)
        rows["expected"] = (liability.expected, liability.low, liability.high)
    found = pd.DataFrame.from_dict(rows, orient="index", columns=["estimate", "low", "high"])
    return found.rename_axis("figure").assign(
        horizon_days=float(fates.horizon_days) if fates else np.nan,
        is_final=bool(fates and fates.is_final),
        n_customers=fates.n_customers if fates else 0,
    )


def comparisons(found: Mapping[str, Difference | None], window_days: int) -> pd.DataFrame:
    """List the comparisons that could be made; indexed by comparison."""
    rows = {name: each for name, each in found.items() if each is not None}
    names = {"n": "n_compared", "low": "difference_low", "high": "difference_high"}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(Difference._fields))
    table = table.rename(columns=names).rename_axis("comparison")
    table.insert(0, "window_days", window_days)
    return table


def lead_funnel(latest: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """Stack the funnels of all leads and by source, owner and region; as `leads.funnel`."""
    tables = [leads.funnel(latest, order).assign(by="all")]
    tables += [leads.funnel(latest, order, by).assign(by=by) for by in _known(latest)]
    return pd.concat(tables, ignore_index=True).set_index(["by", "segment", "stage"])


def lead_conversion(latest: pd.DataFrame, p_won: pd.Series, horizon_days: int) -> pd.DataFrame:
    """Stack conversion and pipeline of all leads and by source, owner and region.

    p_won : of the open leads, by lead_id (`lead_score.Score.p_won`)
    """
    tables = []
    for by in (None, *_known(latest)):
        pipeline = lead_score.pipeline(latest, p_won, by).rename(
            columns={"value": "pipeline_value"}
        )
        figures = pipeline[["pipeline_value", "expected_won", "expected_value"]]
        one = leads.conversion(latest, horizon_days, by).rename(columns={"n": "n_leads"})
        tables.append(one.join(figures).fillna(dict.fromkeys(figures, 0.0)).assign(by=by or "all"))
    return pd.concat(tables).reset_index().set_index(["by", "segment"])


def _known(latest: pd.DataFrame) -> list[str]:
    return [by for by in SEGMENTS if latest[by].notna().any()]

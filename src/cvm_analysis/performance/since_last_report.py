"""What changed since the last report: by late or corrected data, by customers, by the forecast.

Each report leaves its figures to later ones. Of a figure that can be computed again for the day of
the last report, from today's data: now - then = (recomputed - then) + (now - recomputed). A
forecast cannot: whether it may have changed by more than its data is said, not split.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.tables import ALL, empty

FORECASTS = ("expected_margin", "margin_at_stake")
CAUSES = ("model", "settings", "program")  # why a forecast changes, beside its data


def fingerprint(*settings: Any) -> str:
    """Digest the settings that forecasts depend on: two that differ have another one."""
    return hashlib.sha256("\n".join(map(repr, settings)).encode()).hexdigest()[:16]


def to_figures(year_on_year: pd.DataFrame, customers: pd.DataFrame) -> pd.Series:
    """Take the figures that follow from data alone: those of all customers, and n_customers.

    year_on_year, customers : tables of these names, of any day
    """
    flat = year_on_year.reset_index()
    found = flat[flat["customer_type"] == ALL].set_index("figure")["value"].astype(float)
    found["n_customers"] = float((customers["n_orders"] > 0).sum())
    return found


def to_rows(
    figures: pd.Series, values: pd.DataFrame, churn: pd.DataFrame, settings: str
) -> pd.DataFrame:
    """Make table `report_figures`: what later reports are compared with.

    figures : as `to_figures` gives them; values, churn : tables `value` and `churn`
    settings : their fingerprint
    """
    of_value, of_churn = set(values["model"].dropna()), set(churn["model"].dropna())
    models = pd.Series([of_value, of_value | of_churn], FORECASTS).map(sorted).str.join(",")
    expected, at_stake = values["expected_margin"].sum(), churn["margin_at_stake"].sum()
    forecasts = pd.Series([expected, at_stake], FORECASTS, dtype=float)
    rows = pd.concat([figures, forecasts]).rename_axis("figure").rename("value").to_frame()
    settings_of = np.where(rows.index.isin(FORECASTS), settings, "")
    named = models.reindex(rows.index).fillna("")
    return rows.assign(model=named, settings=settings_of).sort_index()


def find_last(earlier: pd.DataFrame, as_of: dt.date) -> dt.date | None:
    """Find the day of the last report before as_of; None: there is none.

    earlier : table `earlier_reports`
    """
    days = pd.to_datetime(earlier.reset_index()["as_of"])
    days = days[days < pd.Timestamp(as_of)]
    return None if days.empty else days.max().date()


def compare(
    earlier: pd.DataFrame,
    now: pd.DataFrame,
    recomputed: pd.Series,
    as_of: dt.date,
    program: str,
) -> pd.DataFrame:
    """Compare with the last report before this one: table `since_last_report`.

    A figure that one of the two reports lacks has no row.

    Parameters
    ----------
    earlier : table `earlier_reports`; now : table `report_figures`
    recomputed : figure -> its value as of the day of the last report, from today's data
    program : version of the program now
    """
    last = find_last(earlier, as_of)
    if last is None:
        return empty("since_last_report").set_index("figure")
    rows = earlier.reset_index()
    then = rows[rows["as_of"] == pd.Timestamp(last)].set_index("figure")
    both = then.join(now.assign(program=program), lsuffix="_then", rsuffix="_now", how="inner")
    is_forecast = both.index.isin(FORECASTS)
    again = recomputed.reindex(both.index).astype(float).mask(is_forecast)
    corrected = (again - both["value_then"]).mask(np.isclose(again, both["value_then"]), 0.0)
    changed = [_find_causes(row) if row["model_now"] else "" for _, row in both.iterrows()]
    return pd.DataFrame(
        {
            "last_as_of": pd.Timestamp(last),
            "value_then": both["value_then"],
            "value_recomputed": again,
            "value_now": both["value_now"],
            "change_data": corrected,
            "change_customers": both["value_now"] - again,
            "change_model": [bool(each) for each in changed],
            "changed": changed,
            "model_then": both["model_then"],
            "model_now": both["model_now"],
        }
    )


def _find_causes(row: pd.Series) -> str:
    """Name what of a forecast is not as it was, with commas between."""
    return ",".join(each for each in CAUSES if row[f"{each}_then"] != row[f"{each}_now"])

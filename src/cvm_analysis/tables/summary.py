"""The key figures of a table: few enough to read, and different as soon as the table is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array

EXACT = 1e-12  # of the size of numbers: what rounding leaves


def summarize(table: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """Summarize each column of a table, or a column alone, in its own unit.

    Returns
    -------
    One row per column, its index: `column`; all cells are text. Then one row per horizon that the
    table was written with (its attrs), the number under `known`.
    known : rows in which the column is not empty, of all rows
    typical : mean of numbers and dates; of codes the most frequent one, and its share
    first_half : the same of the first half of the rows (of codes the share of that one)
    """
    found = {str(name): _figures(values) for name, values in pd.DataFrame(table).items()}
    found |= {name: (_number(horizon), "", "") for name, horizon in table.attrs.items()}
    columns = ["known", "median_or_share", "first_half"]
    return pd.DataFrame.from_dict(found, orient="index", columns=columns).rename_axis("column")


def _figures(values: pd.Series) -> tuple[str, ...]:
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":
        return _figures_of_numbers(values.to_numpy(float))
    known, half = values.dropna(), values.iloc[: (len(values) + 1) // 2].dropna()
    counted = f"{len(known):,} of {len(values):,}"
    if known.empty:
        return counted, "", ""
    if pd.api.types.is_datetime64_any_dtype(values):
        return counted, _day(known.mean()), _day(half.mean())
    if pd.api.types.is_bool_dtype(known) or isinstance(known.iloc[0], str):
        codes = known.astype(str)
        counts = codes.value_counts().sort_index().sort_values(ascending=False, kind="stable")
        if len(counts) == len(codes) > 1:
            return counted, "all different", ""
        most = counts.index[0]
        first = f"{(half.astype(str) == most).mean():.4f}" if len(half) else ""
        return counted, f"{most} {counts.iloc[0] / len(codes):.4f}", first
    means = (_mean(each.to_numpy(float)) for each in (known, half))
    return counted, *map(_number, means)


def _figures_of_numbers(values: Array) -> tuple[str, ...]:
    """The figures of most columns, without the overhead of a series."""
    is_known = ~np.isnan(values)
    half = (len(values) + 1) // 2
    means = _mean(values[is_known]), _mean(values[:half][is_known[:half]])
    return f"{is_known.sum():,} of {len(values):,}", *map(_number, means)


def _mean(numbers: Array) -> float:
    """The mean; 0 if it is only what rounding leaves of numbers that add up to nothing."""
    if not len(numbers):
        return np.nan
    mean = float(numbers.mean())
    return 0.0 if abs(mean) < EXACT * np.abs(numbers).mean() else mean


def _day(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:%Y-%m-%d}"


def _number(value: float) -> str:
    """Write a number with five digits that count, as processors differ in later ones."""
    if np.isnan(value):
        return ""
    return f"{float(f'{value:.5g}'):,.0f}" if abs(value) >= 10_000 else f"{value:.5g}"

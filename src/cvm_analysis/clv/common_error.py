"""The common error of totals: what a forecast gets wrong for all customers together.

Chance evens out between thousands of customers; seasons, crises and campaigns do not. So a total
has an error of its own, estimated from past totals. One or two of them say little: a prior from
other businesses' records stands beside them, and where no past total is known it stands alone.

The logarithm of actual / forecast of a total is s x Student's t with 4 + n degrees of freedom,

    s^2 = (4 x .119^2 + sum of max(0, e_i^2 - v_i)) / (4 + n),

e_i = log(actual / forecast) of n past totals over periods that do not overlap, v_i the variance
that the model itself gives to the log total (else a small group counts chance twice). .119 is the
root mean square error of three public records (CDNOW, an apparel shop, UCI Online Retail), which
counts as four periods. exp(t) has no mean: so t is cut at its 1st and 99th percentile.

A company and its regions have errors in common. With s_c from the company's past totals and s_r
from the region's own (so that an error that persists in a region stays there),

    log factor of region r = min(1, s_r / s_c) c + d_r,
    c = s_c t(4 + n_c), the same draw for every region,
    d_r = sqrt(max(0, s_r^2 - s_c^2)) t(4 + n_r), drawn for each region alone.

So a region's factor has scale s_r, and the company's is that of joint draws: c in full, and of the
d_r what is left after they even out.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.clv.numerics.simulation import SEED
from cvm_analysis.errors import InputError

PRIOR_SCALE = 0.119  # of log(actual / forecast), in other businesses' records
PRIOR_PERIODS = 4
LEAST = 0.5  # purchases that stand for none in a logarithm
_DIGITS = 9  # of an error: so it is the same, and its median 0, on every machine
_OUTER = 0.01  # share of Student's t cut off at either end


class PastError(NamedTuple):
    """The error of one past total."""

    until: str  # last day of the period, an ISO date
    log_error: float  # log(actual / forecast)
    variance: float  # of the log total, by the model itself


@dataclass(frozen=True)
class CommonError:
    """The distribution of log(actual / forecast) of a total; `fit` makes one."""

    scale: float
    degrees: int  # of freedom, of Student's t
    n_periods: int  # past totals behind it; 0: the prior alone

    def draw(self, draws: int, stream: str) -> Array:
        """Draw the error: shuffled quantiles of Student's t, without its outermost hundredths.

        stream : the same one gives the same order of draws
        """
        from scipy.stats import t as student  # slow to import

        levels = np.clip((np.arange(draws) + 0.5) / draws, _OUTER, 1 - _OUTER)
        seed = SEED, zlib.crc32(stream.encode())
        quantiles = student.ppf(levels, self.degrees)
        return self.scale * np.random.default_rng(seed).permutation(quantiles)


def fit(past: Iterable[Sequence]) -> CommonError:
    """Estimate the common error from past totals and the prior; without any, the prior alone.

    past : PastError, or its three fields in order

    InputError : an error or a variance is no number
    """
    errors = [PastError(*each) for each in past]
    figures = np.array([each[1:] for each in errors], float).reshape(-1, 2)
    if not np.isfinite(figures).all():
        raise InputError(f"past errors are not all numbers: {errors}")
    excess = np.maximum(figures[:, 0] ** 2 - figures[:, 1], 0)
    degrees = PRIOR_PERIODS + len(errors)
    scale = np.sqrt((PRIOR_PERIODS * PRIOR_SCALE**2 + excess.sum()) / degrees)
    return CommonError(float(scale), degrees, len(errors))


def draw(
    company: Iterable[Sequence], own: Iterable[Sequence], region: str, draws: int
) -> pd.DataFrame:
    """Draw the errors of a region's totals, in part those of the company.

    Parameters
    ----------
    company, own : past errors of the company and of the region, as for `fit`; the same ones for the
        company itself, and for a region without a company
    region : its key; the draws of the region's own error depend on it

    Returns
    -------
    One row per draw, indexed by draw from 0.
        company_error : log of the factor in common with all regions
        region_error : log of the region's own factor
        n_past_periods : past totals of the region behind them
    """
    shared, region_wide = fit(company), fit(own)
    part = min(1.0, region_wide.scale / shared.scale)
    excess = np.sqrt(max(0.0, region_wide.scale**2 - shared.scale**2))
    alone = CommonError(float(excess), region_wide.degrees, region_wide.n_periods)
    return pd.DataFrame(
        {
            "company_error": (part * shared.draw(draws, "company")).round(_DIGITS),
            "region_error": alone.draw(draws, f"region {region}").round(_DIGITS),
            "n_past_periods": region_wide.n_periods,
        }
    ).rename_axis("draw")

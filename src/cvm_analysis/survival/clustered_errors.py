"""Standard errors clustered by customer: a customer may have rows at several landmarks.

Source: Lin & Wei (1989), "The Robust Inference for the Cox Proportional Hazards Model", JASA 84,
1074-1078; summed by customer as in Therneau & Grambsch (2000), section 8.2. Own code because
lifelines' `cluster_col` ignores ties and takes time quadratic in the rows: minutes for 100,000.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array
from cvm_analysis.survival import risk_sets
from cvm_analysis.survival.risk_sets import RiskSets


def covariance(sets: Sequence[RiskSets], customers: pd.Series) -> Array:
    """Compute the covariance of the coefficients, clustered by customer.

    Parameters
    ----------
    sets : the risk sets of all rows at the maximum of the likelihood
    customers : customer_id of each row

    Returns
    -------
    V S'S V, terms x terms: V the model's covariance, S the score residuals summed by customer.
    Linear in the rows. With one row per customer: robust errors.
    """
    residuals = np.zeros((len(customers), sets[0].x.shape[1]))
    for part in sets:
        residuals[part.rows] = part.scores()
    code, names = pd.factorize(customers)
    summed = np.column_stack([np.bincount(code, column, len(names)) for column in residuals.T])
    spread = summed @ np.linalg.inv(risk_sets.total(sets)[1])
    found: Array = spread.T @ spread
    return found

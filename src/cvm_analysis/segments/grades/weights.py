"""How sensitive are grades to the weights of a scorecard?

`sensitivity` changes one weight at a time; `stability` changes all at once, many times, and counts
how often each customer keeps their grade: the idea of the acceptability indices of [1], and of the
uncertainty analysis of composite indicators [2].

The card as it is decides who is graded. Thresholds in points stay; those of quotas are found anew.

Sources: [1] Lahdelma, Hokkanen & Salminen (1998), "SMAA - Stochastic multiobjective acceptability
analysis", European Journal of Operational Research 106, 137-143. [2] Saisana, Saltelli & Tarantola
(2005), "Uncertainty and sensitivity analysis techniques as tools for the quality assessment of
composite indicators", Journal of the Royal Statistical Society A 168(2), 307-323.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cvm_analysis.errors import InputError
from cvm_analysis.segments.grades import grade, points
from cvm_analysis.segments.grades.scorecard import NOT_GRADED, Scorecard

BLOCK = 20  # draws in memory at once
NEARLY_ALWAYS = 0.9  # share of draws in which the grade of a stable customer is the same


def sensitivity(card: Scorecard, assigned: pd.DataFrame, by: float = 0.25) -> pd.DataFrame:
    """Change one weight at a time and count the grades that change.

    card : fitted
    assigned : one row per customer, one column per indicator, as `points.assign_points`
    by : change as a share of the weight, above 0; 1 removes the indicator on the way down

    Returns
    -------
    One row per indicator and direction (down, up), in the card's order.
        weight, weight_tried : of the indicator; at most 1, the others share the rest in proportion
        n_customers : graded by the card; n_not_graded : left out
        changed_share : of the graded, with another grade
        best_left_share : of those with the best grade, who lose it; empty if nobody has it

    Raises InputError: `by` is not above 0 and at most 1
    """
    if not 0 < by <= 1:
        raise InputError(f"weights: `by` must be above 0 and at most 1, not {by:g}")
    graded, weights = _graded(card, assigned), _weights(card)
    changes = [(i, way) for i in range(len(weights)) for way in ("down", "up")]
    factor = {"down": 1 - by, "up": 1 + by}
    candidates = np.array([weights, *(_changed(weights, i, factor[way]) for i, way in changes)])
    before, *after = _grades(card, graded, candidates)
    best = before == next(iter(card.grades))
    rows = [
        {
            "indicator": card.indicators[i].code,
            "direction": way,
            "weight": weights[i],
            "weight_tried": new[i],
            "n_customers": len(graded),
            "n_not_graded": len(assigned) - len(graded),
            "changed_share": pd.Series(found != before).mean(),
            "best_left_share": pd.Series((found != before)[best]).mean(),
        }
        for (i, way), new, found in zip(changes, candidates[1:], after, strict=True)
    ]
    return pd.DataFrame(rows)


def stability(
    card: Scorecard, assigned: pd.DataFrame, draws: int = 200, spread: float = 0.25, seed: int = 0
) -> pd.DataFrame:
    """Draw weights around the card's and count how often each customer keeps their grade.

    card, assigned : as for `sensitivity`
    draws : sets of weights
    spread : typical distance of a weight from the card's, as a share of it, above 0, below 1: 0.25
        makes 0.4 vary as 0.3 to 0.5. The weights are Dirichlet with the card's as means; the
        root mean square of their relative deviations, weighted by the weights, is `spread`, so that
        small weights vary somewhat more in proportion

    Returns
    -------
    One row per customer: grade by the card (or `not_graded`), same_share: of the draws with the
    same grade, empty if not graded.

    Raises InputError: `spread` outside its range, or no draws
    """
    if not 0 < spread < 1 or draws < 1:
        wrong = f"not {spread:g} and {draws}"
        raise InputError(f"weights: `spread` must be between 0 and 1, `draws` 1 or more, {wrong}")
    graded, weights = _graded(card, assigned), _weights(card)
    before = next(_grades(card, graded, weights[None]))
    same = np.zeros(len(graded))
    for found in _grades(card, graded, _drawn(card, draws, spread, seed)):
        same += found == before
    table = pd.DataFrame({"grade": before, "same_share": same / draws}, graded.index)
    return table.reindex(assigned.index).fillna({"grade": NOT_GRADED})


def summary(card: Scorecard, stable: pd.DataFrame) -> pd.DataFrame:
    """Summarize `stability`: one row per grade, best first, and `all`.

    n_customers : with the grade; `all`: graded; mean_same_share : over its customers;
    stable_share : of its customers, with the same grade in at least 90% of the draws.
    `not_graded` has a row if there are any, and no shares.
    """
    graded = stable[stable["grade"] != NOT_GRADED]
    parts = {each: stable[stable["grade"] == each] for each in (*card.grades, NOT_GRADED)}
    if parts[NOT_GRADED].empty:
        del parts[NOT_GRADED]
    rows = {
        code: {
            "n_customers": len(part),
            "mean_same_share": part["same_share"].mean(),
            "stable_share": (part["same_share"].dropna() >= NEARLY_ALWAYS).mean(),
        }
        for code, part in {**parts, "all": graded}.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("grade")


def _weights(card: Scorecard) -> np.ndarray:
    return np.array([each.weight for each in card.indicators])


def _graded(card: Scorecard, assigned: pd.DataFrame) -> pd.DataFrame:
    """The points of graded customers, one column per indicator of the card."""
    graded = points.contributions(card, assigned).notna().any(axis=1)
    return assigned.loc[graded, [each.code for each in card.indicators]]


def _grades(card: Scorecard, graded: pd.DataFrame, candidates: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the grades of all customers for each row of weights, with thresholds found anew."""
    known = graded.notna().to_numpy(float)
    assigned = graded.fillna(0).to_numpy(float)
    for start in range(0, len(candidates), BLOCK):
        weights = candidates[start : start + BLOCK].T
        with np.errstate(invalid="ignore"):  # the known weight of a customer may be 0
            scores = (assigned @ weights) / (known @ weights)
        for found in scores.round(points.DECIMALS).T:
            one = pd.Series(found)
            yield grade.assign(one, grade.thresholds(card, one)).to_numpy()


def _changed(weights: np.ndarray, i: int, factor: float) -> np.ndarray:
    """Weights with one of them multiplied and the others sharing the rest."""
    rest, new = 1 - weights[i], min(1.0, weights[i] * factor)
    if rest <= 0:
        return weights
    return np.where(np.arange(len(weights)) == i, new, weights * (1 - new) / rest)


def _drawn(card: Scorecard, draws: int, spread: float, seed: int) -> np.ndarray:
    """Weights around the card's, one row a draw; the order of the indicators does not matter.

    A Dirichlet weight of mean w and concentration c has the variance w (1 - w) / (c + 1); the mean
    of its square relative to w, weighted by w, is (k - 1) / (c + 1) for k weights.
    """
    weights, codes = _weights(card), [each.code for each in card.indicators]
    if len(weights) == 1:
        return np.ones((draws, 1))
    order = np.argsort(codes)
    concentration = (len(weights) - 1) / spread**2 - 1
    drawn = np.random.default_rng(seed).dirichlet(concentration * weights[order], draws)
    return drawn[:, np.argsort(order)]

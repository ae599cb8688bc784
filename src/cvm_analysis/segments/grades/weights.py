"""How much do grades hang on the weights?

Weights are opinions; two managers would not write the same ones. `sensitivity` moves one weight at
a time and says which one matters. `stability` moves all at once, many times, and says whose grade
would be the same under any weights near the card's: the idea of the acceptability indices of [1],
and of uncertainty analysis of composite indicators [2].

Who is graded is settled by the card as it is; the others are left out. Limits that are points stay,
limits of quotas are found anew, as a manager would.

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


def sensitivity(card: Scorecard, given: pd.DataFrame, by: float = 0.25) -> pd.DataFrame:
    """Move one weight at a time and count whose grade changes.

    Parameters
    ----------
    card : settled
    given : one row per customer, one column per indicator: its points, as `points.assign_points`
    by : how far, as a share of the weight; up to 1, which takes the indicator out on the way down

    Returns
    -------
    One row per indicator and direction (down, up), in the card's order.
        weight, weight_tried : of the indicator; never above 1, the others share what is left in
            their old proportions
        n_customers : graded by the card; n_not_graded : left out
        changed_share : of the graded, whose grade is another one
        best_left_share : of those with the best grade, who lose it; empty if nobody has it

    Raises
    ------
    InputError : `by` is not above 0 and at most 1
    """
    if not 0 < by <= 1:
        raise InputError(f"weights: `by` must be above 0 and at most 1, not {by:g}")
    graded, weights = _graded(card, given), _weights(card)
    moves = [(i, way) for i in range(len(weights)) for way in ("down", "up")]
    factor = {"down": 1 - by, "up": 1 + by}
    tried = np.array([weights, *(_moved(weights, i, factor[way]) for i, way in moves)])
    before, *after = _grades(card, graded, tried)
    best = before == next(iter(card.grades))
    rows = [
        {
            "indicator": card.indicators[i].code,
            "direction": way,
            "weight": weights[i],
            "weight_tried": moved[i],
            "n_customers": len(graded),
            "n_not_graded": len(given) - len(graded),
            "changed_share": _mean(found != before),
            "best_left_share": _mean((found != before)[best]),
        }
        for (i, way), moved, found in zip(moves, tried[1:], after, strict=True)
    ]
    return pd.DataFrame(rows)


def stability(
    card: Scorecard, given: pd.DataFrame, draws: int = 200, spread: float = 0.25, seed: int = 0
) -> pd.DataFrame:
    """Draw weights around the card's and see how often each customer keeps their grade.

    Parameters
    ----------
    card, given : as for `sensitivity`
    draws : sets of weights
    spread : how far a weight typically lies from the card's, as a share of it: 0.25 makes 0.4 vary
        as 0.3 to 0.5. Above 0, below 1. The weights are Dirichlet with the card's as means; the
        root of their squared relative deviations, weighted by the weights, is `spread` on average,
        so that small weights vary somewhat more in proportion and large ones less

    Returns
    -------
    One row per customer of `given`: grade by the card (`not_graded` is one), same_share: of the
    draws in which it is the same, empty for who is not graded.

    Raises
    ------
    InputError : `spread` outside its range, or no draws
    """
    if not 0 < spread < 1 or draws < 1:
        raise InputError(
            f"weights: `spread` must be between 0 and 1 and `draws` 1 or more, not {spread:g} and "
            f"{draws}"
        )
    graded, weights = _graded(card, given), _weights(card)
    before = next(_grades(card, graded, weights[None]))
    same = np.zeros(len(graded))
    for found in _grades(card, graded, _drawn(card, draws, spread, seed)):
        same += found == before
    table = pd.DataFrame({"grade": before, "same_share": same / draws}, graded.index)
    return table.reindex(given.index).fillna({"grade": NOT_GRADED})


def summary(card: Scorecard, stable: pd.DataFrame) -> pd.DataFrame:
    """Sum up `stability`: one row per grade, best first, and `all`.

    n_customers : with the grade; `all`: graded; mean_same_share : over its customers;
    stable_share : of its customers, whose grade is the same in at least 90 % of the draws.
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
            "stable_share": _mean(part["same_share"].dropna() >= NEARLY_ALWAYS),
        }
        for code, part in {**parts, "all": graded}.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("grade")


def _weights(card: Scorecard) -> np.ndarray:
    return np.array([each.weight for each in card.indicators])


def _graded(card: Scorecard, given: pd.DataFrame) -> pd.DataFrame:
    """The points of customers whom the card grades, one column per indicator of the card."""
    graded = points.contributions(card, given).notna().any(axis=1)
    return given.loc[graded, [each.code for each in card.indicators]]


def _grades(card: Scorecard, graded: pd.DataFrame, tried: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the grades of all customers for each row of weights, with limits found anew."""
    known = graded.notna().to_numpy(float)
    given = graded.fillna(0).to_numpy(float)
    for start in range(0, len(tried), BLOCK):
        weights = tried[start : start + BLOCK].T
        with np.errstate(invalid="ignore"):  # all the weight known of a customer may be taken out
            scores = (given @ weights) / (known @ weights)
        for found in scores.round(points.DECIMALS).T:
            one = pd.Series(found)
            yield grade.assign(one, grade.thresholds(card, one)).to_numpy()


def _moved(weights: np.ndarray, i: int, factor: float) -> np.ndarray:
    """Weights with one of them multiplied and the others sharing what is left."""
    moved = weights.copy()
    moved[i] = min(1.0, weights[i] * factor)
    rest = 1 - weights[i]
    if rest <= 0:
        return weights
    others = np.arange(len(weights)) != i
    moved[others] = weights[others] * (1 - moved[i]) / rest
    return moved


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


def _mean(flags: np.ndarray | pd.Series) -> float:
    return float(flags.mean()) if len(flags) else float("nan")

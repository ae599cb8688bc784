"""Do the fits hold up over a wide range of truths, and do their intervals hold what was planted?

    python benchmarks/clv_convergence.py [sets]    500

Each set draws the size (30 to 5,000 customers), the length of the log and the true parameters over
a wide range, then the customers: few, heavy tails, hardly anyone leaving, hardly anyone coming
back. Pareto/NBD and BG/NBD are fitted, each to customers of its own kind.

A set fails if anything is raised but a FitError or an InputError whose cause is in the data (nobody
came back), or if the result is nonsense: a parameter, a score or the log-likelihood that is not
finite, a log-likelihood below that of the truth or of the NBD model, or a forecast that is not
finite, below 0 or above the customer's own rate. Where drop-out is identified in 1,000 or more
customers, 95 % intervals by profile likelihood, and those that standard errors of the logarithms
make, are compared with the truth, and forecasts with the outcome by the uniformity of their
randomised PIT (the same customers, 52 weeks on).
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binom, chi2, kstest

from cvm_analysis.clv import bg_nbd, histories, nbd, pareto_nbd
from cvm_analysis.clv.numerics import mle
from cvm_analysis.errors import FitError, InputError

MODULES = {"pareto_nbd": pareto_nbd, "bg_nbd": bg_nbd}
MANY = 1000  # customers from which on an interval is held against the truth
WELL = 0.5  # a standard error of a logarithm: known to a factor of 2.7 either way
HORIZON = 52.0


class Truth(NamedTuple):
    """One set: what is drawn, and what from."""

    model: str
    n: int
    weeks: float
    params: tuple[float, ...]


class Found(NamedTuple):
    """What became of a set."""

    truth: Truth
    outcome: str  # identified, a reason, "refused", or what is wrong
    seconds: float
    held: tuple[bool, ...]  # whether each parameter's profile interval holds the truth
    near: tuple[bool, ...]  # and that of its standard error
    width: float  # the largest standard error of a logarithm
    pit: float  # p-value of uniform PIT of purchases in the weeks that follow


def draw(number: int) -> Truth:
    """The truth of a set."""
    draws = np.random.default_rng([20260101, number])
    n, weeks = int(10 ** draws.uniform(1.5, 3.7)), 10 ** draws.uniform(1.3, 2.5)
    r, gap = 10 ** draws.uniform(-1, 0.7), 10 ** draws.uniform(0, 1.6)  # weeks between purchases
    alpha = r * gap
    model = str(draws.choice(list(MODULES)))
    shape = 10 ** draws.uniform(-1, 0.7)
    often = 10 ** draws.uniform(-2.5, 0)
    if model == "pareto_nbd":  # a share `often` of customers with a mean rate leaves in the log
        params = (r, alpha, shape, shape * weeks / (often * 2))
    else:
        params = (r, alpha, shape * often, shape * (1 - 0.9 * often))
    return Truth(model, n, weeks, params)


def customers(truth: Truth, draws: np.random.Generator) -> pd.DataFrame:
    """x, t_x, T (weeks), and `came`: purchases in the weeks that follow."""
    r, alpha, one, two = truth.params
    T = draws.uniform(truth.weeks / 3, truth.weeks, truth.n)
    rate = np.maximum(draws.gamma(r, 1 / alpha, truth.n), 1e-12)
    end, leaves = T + HORIZON, np.zeros(truth.n)
    if truth.model == "pareto_nbd":
        gone = draws.exponential(1 / np.maximum(draws.gamma(one, 1 / two, truth.n), 1e-12))
        end = np.minimum(end, gone)
    else:
        leaves = draws.beta(one, two, truth.n)
    x, actual, last, now = (np.zeros(truth.n) for _ in range(4))
    active = np.arange(truth.n)
    while len(active):
        now[active] += draws.exponential(1 / rate[active])
        active = active[now[active] < end[active]]
        seen = active[now[active] <= T[active]]
        x[seen] += 1
        last[seen] = now[seen]
        actual[active[now[active] > T[active]]] += 1
        active = active[draws.random(len(active)) >= leaves[active]]
    return pd.DataFrame({"x": x, "t_x": last, "T": T, "actual": actual})


def one(number: int) -> Found:
    """Draw a set, fit it, judge it."""
    truth, draws = draw(number), np.random.default_rng([20260102, number])
    h, module = customers(truth, draws), MODULES[truth.model]
    start = time.process_time()
    try:
        model = module.fit(h)
    except (FitError, InputError) as refused:
        nobody = "bought again" in str(refused) and not h["x"].any()
        return Found(
            truth,
            "no repeat purchase" if nobody else f"WRONG: {refused}",
            0.0,
            (),
            (),
            np.nan,
            np.nan,
        )
    except Exception as crash:
        return Found(truth, f"WRONG: {crash!r}", 0.0, (), (), np.nan, np.nan)
    seconds = time.process_time() - start
    wrong = nonsense(truth, model, h)
    if wrong or not model.identified or truth.n < MANY:
        outcome = f"WRONG: {wrong}" if wrong else model.reason or "identified"
        return Found(truth, outcome, seconds, (), (), np.nan, np.nan)
    width = float(np.sqrt(np.diag(model.covariance_log).max()))
    fits = uniform(model, h, draws)
    return Found(
        truth, "identified", seconds, held(truth, model, h), near(truth, model), width, fits
    )


def nonsense(truth: Truth, model: Any, h: pd.DataFrame) -> str:
    """What is wrong with a fit, or nothing."""
    module = MODULES[truth.model]
    alive, expected = model.p_alive(h), model.expected_purchases(h, HORIZON)
    there = module.log_likelihood(module.Params(*truth.params), h)
    near = 1e-6 * max(1.0, abs(model.log_likelihood))
    wrong = {
        "a parameter": not all(0 < value < np.inf for value in model.params),
        "P(alive)": not alive.between(0, 1).all(),
        "purchases": not expected.between(0, HORIZON * model.purchase_rate(h) * (1 + 1e-9)).all(),
        "less likely than the truth": not model.log_likelihood > there - near,
        "less likely than NBD": not model.log_likelihood > nbd.fit(h).log_likelihood - near,
    }
    return ", ".join(name for name, found in wrong.items() if found)


def held(truth: Truth, model: Any, h: pd.DataFrame) -> tuple[bool, ...]:
    """Whether the 95 % interval of each parameter, by profile likelihood, holds the truth."""
    data, there = histories.arrays(h), np.log(truth.params)
    derivatives = MODULES[truth.model].derivatives
    best = [one_held(derivatives, data, there, at, log) for at, log in enumerate(there)]
    return tuple(bool(model.log_likelihood - one < chi2.ppf(0.95, 1) / 2) for one in best)


def one_held(
    derivatives: mle.Derivatives,
    data: histories.Arrays,
    start: np.ndarray,
    place: int,
    log: float,
) -> float:
    """Highest log-likelihood with the logarithm of the parameter at `place` held at `log`."""
    others = np.flatnonzero(np.arange(len(start)) != place)

    def fewer(logs: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        value, slope, bend = derivatives(np.insert(logs, place, log), data)
        return value, slope[others], bend[np.ix_(others, others)]

    top = mle.newton(fewer, np.exp(start[others]), data.n.sum(), "A model with one held")
    return top.log_likelihood


def near(truth: Truth, model: Any) -> tuple[bool, ...]:
    """Whether the 95 % interval of each logarithm, by its standard error, holds the truth."""
    off = np.log(model.params) - np.log(truth.params)
    return tuple((np.abs(off) < 1.96 * np.sqrt(np.diag(model.covariance_log))).tolist())


def uniform(model: Any, h: pd.DataFrame, draws: np.random.Generator) -> float:
    """The p-value of uniform randomised PIT of customers' purchases in the weeks that follow."""
    some = h.head(MANY)
    k = some["actual"].to_numpy(int)
    p = model.purchase_probabilities(some, HORIZON, int(k.max()) + 1)
    below = np.hstack([np.zeros((len(k), 1)), p.cumsum(axis=1)])
    row = np.arange(len(k))
    return float(kstest(below[row, k] + draws.random(len(k)) * p[row, k], "uniform").pvalue)


def report(found: list[Found]) -> int:
    """Print what became of the sets; the number of those that failed."""
    print(f"{len(found)} sets; customers and weeks drawn from 30 to 5,000 and 20 to 316")
    for model in MODULES:
        mine = [each for each in found if each.truth.model == model]
        outcomes = Counter(each.outcome for each in mine)
        slowest = max((each.seconds for each in mine), default=0)
        print(f"{model}: {dict(outcomes.most_common())}; slowest fit {slowest:.1f} s")
        judged = [each for each in mine if each.held]
        for most in (np.inf, WELL):
            coverage(model, [each for each in judged if each.width < most], most)
        uneven = sum(each.pit < 0.05 for each in judged)
        most = int(binom.ppf(0.995, len(judged), 0.05))
        print(f"  PIT not uniform (5 %) in {uneven} of {len(judged)}, at most {most} by chance")
    wrong = [each for each in found if each.outcome.startswith("WRONG")]
    for each in wrong:
        print(each.truth, each.outcome)
    return len(wrong)


def coverage(model: str, judged: list[Found], most: float) -> None:
    """Print how many intervals hold the truth, and how many of true 95 % intervals would."""
    low, high = (int(binom.ppf(q, len(judged), 0.95)) for q in (0.005, 0.995))
    print(f"  standard errors of logs below {most}: {len(judged)} sets, band {low} to {high}")
    for how in ("held", "near"):
        holds = {
            name: sum(getattr(each, how)[place] for each in judged)
            for place, name in enumerate(MODULES[model].Params._fields)
        }
        print(f"    {'profile' if how == 'held' else 'standard error'}: {holds}")


def main(asked: list[str]) -> None:
    """Fit as many sets as asked for."""
    sets = int(asked[0]) if asked else 500
    start = time.process_time(), time.perf_counter()
    found = [one(number) for number in range(sets)]
    print(f"{time.perf_counter() - start[1]:.0f} s, {time.process_time() - start[0]:.0f} s CPU")
    failed = report(found)
    print({each: version(each) for each in ("numpy", "scipy")})
    if failed:
        raise SystemExit(f"{failed} sets failed")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Do the intervals of campaigns hold the planted effects?

Draws campaigns with known effects: six segments of very different size and margin, margins with
heavy tails (lognormal, most customers buy nothing in the window), one customer in five shares an
account that was assigned as a whole, one in five (or in two) is a control. The effect is a share of
the margin and differs by segment. Printed: in how many of the seeds the 95 % interval of the whole
holds, how often the segments' own and shrunken intervals do, and the error of shrunken effects as a
part of that of the own ones (root mean square).

    python benchmarks/campaigns.py [seeds] [resamples]
"""

import sys
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.strategy import arm_difference, campaigns, shrinkage
from cvm_analysis.strategy.outcomes import Criterion

HORIZON, WINDOW = 364, 91
MARGINS = pd.Series([2000.0, 900, 400, 150, 60, 20], index=list("abcdef"))  # a year, by segment
SHARES = np.array([0.05, 0.1, 0.15, 0.2, 0.2, 0.3])


class Case(NamedTuple):
    """A kind of campaign: its size, its controls, and how far segments' effects differ."""

    measure: str
    n: int
    control_share: float
    mean: float
    sd: float  # between segments


CASES = {
    "margin, 4,000 members": Case("margin", 4000, 0.2, 0.15, 0.1),
    "margin, 1,000 members": Case("margin", 1000, 0.5, 0.15, 0.1),
    "margin, no effect": Case("margin", 4000, 0.2, 0.0, 0.0),
    "purchase, 4,000 members": Case("purchase", 4000, 0.2, 0.05, 0.03),
    "purchase, 1,000 members": Case("purchase", 1000, 0.2, 0.0, 0.0),
}


def draw(case: Case, seed: int) -> tuple[pd.DataFrame, pd.Series]:
    """Draw the members of a campaign, and the true effect of each segment (the index)."""
    rng = np.random.default_rng(seed)
    segment = rng.choice(MARGINS.index, case.n, p=SHARES)
    account = np.arange(case.n)
    shared = rng.random(case.n) < 0.2
    account[shared] = rng.integers(0, max(1, case.n // 10), shared.sum())
    treated = (rng.random(case.n) >= case.control_share)[account]
    together = rng.normal(size=case.n)[account]  # what accounts have in common
    share = pd.Series(rng.normal(case.mean, case.sd, len(MARGINS)), MARGINS.index)
    base = MARGINS[segment].to_numpy() * _positive(rng.normal(size=case.n), 1.0)
    pace = base * _positive(0.7 * together + 0.7 * rng.normal(size=case.n), 0.7)
    before = pace * _positive(rng.normal(size=case.n), 0.5)
    members = pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(case.n)],
            "campaign_id": "spring",
            "action": "letter",
            "arm": np.where(treated, "treated", "control"),
            "at": pd.Timestamp("2025-03-01"),
            "cost": 1.0,
            "account_id": [f"A{i}" for i in account],
            "segment": segment,
            "base": base,
            "before": before,
        }
    )
    lift = np.where(treated, share[segment], 0.0)
    if case.measure == "purchase":
        rate = np.clip(0.05 + 0.1 * np.tanh(pace / 1000) + 0.02 * np.tanh(together), 0.0, 1.0)
        return members.assign(outcome=(rng.random(case.n) < rate + lift).astype(float)), share
    buys = rng.random(case.n) < 0.4
    margin = pace * WINDOW / HORIZON * buys / 0.4 * _positive(rng.normal(size=case.n), 0.7)
    return members.assign(outcome=margin * (1 + lift)), share * MARGINS * WINDOW / HORIZON


def _positive(normal: np.ndarray, sigma: float) -> np.ndarray:
    """A lognormal with mean 1 of standard normals."""
    return np.exp(sigma * normal - sigma**2 / 2)


def measure(case: Case, seed: int, resamples: int) -> tuple[pd.Series, pd.DataFrame]:
    """Measure one campaign: was the whole held, and how far off were its segments."""
    multiplies = "purchase" if case.measure == "purchase" else "expected_margin"
    criteria = {"letter": Criterion(case.measure, WINDOW, multiplies)}
    members, truth = draw(case, seed)
    table = campaigns.measure(members, criteria, "2025-12-31", HORIZON, n_resamples=resamples)
    found = table.loc["spring"]
    whole, mean = found.loc["all"], float(truth @ pd.Series(SHARES, MARGINS.index))
    parts = found[found["q_value"].notna()]
    true = truth[parts.index]
    return (
        pd.Series({"held": whole["low"] <= mean <= whole["high"], "p": whole["p_value"]}),
        pd.DataFrame(
            {
                "own": true.between(parts["low"], parts["high"]),
                "shrunken": true.between(parts["shrunken_low"], parts["shrunken_high"]),
                "own_error": (parts["effect"] - true) ** 2,
                "shrunken_error": (parts["shrunken"] - true) ** 2,
            }
        ).astype(float),
    )


def main(seeds: int = 100, resamples: int = 999) -> None:
    """Print a line per case, then comparisons of bootstrap intervals and of ways to shrink."""
    for name, case in CASES.items():
        measured = [measure(case, seed, resamples) for seed in range(seeds)]
        wholes = pd.DataFrame([whole for whole, _parts in measured])
        parts = pd.concat([each for _whole, each in measured])
        by_segment = parts.groupby(level=0).mean()
        error = np.sqrt(by_segment["shrunken_error"] / by_segment["own_error"]).mean()
        print(
            f"{name:<24} whole {wholes['held'].sum():>3} of {seeds}, "
            f"p below 0.05: {(wholes['p'] < 0.05).mean():.2f}; "
            f"segments: own {parts['own'].mean():.3f}, "
            f"shrunken {parts['shrunken'].mean():.3f} (lowest {by_segment['shrunken'].min():.2f}), "
            f"error {error:.2f} of own",
            flush=True,
        )
    for n, control_share, sigma in ((500, 0.2, 1.0), (1000, 0.2, 1.5), (1000, 0.5, 1.5)):
        drawn = compare_tails(n, control_share, sigma)
        print(f"{n:,} members, {control_share:.0%} controls, sigma {sigma}: missed by {drawn}")
    for segments in (3, 6, 10):
        for spread in (0.0, 0.3, 1.0, 2.0):
            print(f"{segments:>2} segments, spread {spread}: {compare(segments, spread)}")


def compare(segments: int, spread: float, sets: int = 500) -> str:
    """Compare shrinkage over all tau with the moment estimate of it, on normal estimates.

    spread : standard deviation of the true effects; the standard errors are about 1
    """
    rng = np.random.default_rng(segments)
    held, errors = [], []
    for _set in range(sets):
        error = np.exp(rng.normal(0, 0.6, segments))
        true = rng.normal(0, spread, segments)
        own = rng.normal(true, error)
        found = shrinkage.shrink(pd.Series(own), pd.Series(error))
        mean, sd = moment_estimate(own, error)
        held.append(
            [
                np.mean((found["low"] <= true) & (true <= found["high"])),
                np.mean(np.abs(true - mean) <= 1.96 * sd),
            ]
        )
        errors.append([np.mean(((each - true) / error) ** 2) for each in (found["mean"], mean)])
    here, there = np.mean(held, axis=0)
    error, other = np.sqrt(np.mean(errors, axis=0))
    return f"held {here:.3f}, error {error:.2f}; DerSimonian-Laird {there:.3f}, {other:.2f}"


def compare_tails(n: int, control_share: float, sigma: float, sets: int = 400) -> str:
    """Share of sets in which an interval misses: margins are lognormal, there is no effect."""
    missed = []
    for seed in range(sets):
        rng = np.random.default_rng(seed)
        rows = pd.DataFrame(
            {
                "treated": rng.random(n) >= control_share,
                "outcome": rng.lognormal(0, sigma, n),
                "before": 0.0,
                "cluster": np.arange(n),
            }
        )
        moments, stratum = arm_difference._moments(rows)
        effect, se = (float(each[0]) for each in arm_difference._fit(moments.sum(axis=0)[None, :]))
        t = arm_difference._bootstrap(moments, stratum, effect, 499, seed)
        low, high = np.quantile(t, [0.025, 0.975])
        found = effect / se
        symmetric = np.quantile(np.abs(t), 0.95)
        missed.append([abs(found) > symmetric, not low <= found <= high, abs(found) > 1.959964])
    names = ("symmetric", "equal tails", "normal")
    return ", ".join(
        f"{name} {each:.3f}" for name, each in zip(names, np.mean(missed, axis=0), strict=True)
    )


def moment_estimate(own: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shrink by the moment estimate of tau (DerSimonian & Laird, 1986)."""
    w = error**-2
    q = (w * (own - w @ own / w.sum()) ** 2).sum()
    tau = max(0.0, (q - len(own) + 1) / (w.sum() - (w**2).sum() / w.sum()))
    w = 1 / (error**2 + tau)
    b = error**2 * w
    return (1 - b) * own + b * (w @ own) / w.sum(), np.sqrt((1 - b) * error**2 + b**2 / w.sum())


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))

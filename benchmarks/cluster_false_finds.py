"""How often are groups found where there are none, and where they are planted?

Draws sets of customers without groups (correlated normal, uniform, skewed, with many equal values,
with attributes, with shares of categories from one mix), and sets of three planted groups.
    python benchmarks/cluster_false_finds.py [sets of each kind] [k_means or gaussian_mixture]
"""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from cvm_analysis.segments.clusters import assignment, features

N, NUMBERS = 500, ["u", "v", "w"]
CORRELATION = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
PRICES = np.array([8.0, 1.5, 2.0, 1.0, 1.0, 1.5])  # of a line in each of six categories
Drawn = tuple[pd.DataFrame, pd.DataFrame]


def normal(rng: np.random.Generator) -> Drawn:
    """One correlated normal."""
    points = rng.multivariate_normal(np.zeros(3), CORRELATION, N)
    return pd.DataFrame(points, columns=NUMBERS), _once()


def even(rng: np.random.Generator) -> Drawn:
    """Three uniform numbers, two of them correlated."""
    points = rng.uniform(size=(N, 3))
    points[:, 0] = (points[:, 0] + points[:, 1]) / 2
    return pd.DataFrame(points, columns=NUMBERS), _once()


def skewed(rng: np.random.Generator) -> Drawn:
    """One correlated lognormal."""
    points, once = normal(rng)
    return np.exp(points), once


def skewed_negative(rng: np.random.Generator) -> Drawn:
    """The same shifted below zero, where no logarithm is taken."""
    points, once = skewed(rng)
    return points - 50, once


def equal_values(rng: np.random.Generator) -> Drawn:
    """A number of which three quarters are the least, a whole number, and a normal one."""
    points, once = normal(rng)
    return points.assign(u=points["u"].clip(lower=0.7), v=points["v"].clip(lower=0).round()), once


def attributes(rng: np.random.Generator) -> Drawn:
    """Three numbers, an attribute that goes with them and one that does not."""
    points, once = normal(rng)
    latent = points["u"] + rng.normal(size=N)
    channel = np.array(["store", "web", "dealer"])[np.digitize(latent, [-0.4, 0.7])]
    gender = rng.choice(["f", "m"], N)
    return points.assign(channel=channel.astype(object), gender=gender.astype(object)), once


def one_mix(rng: np.random.Generator) -> Drawn:
    """Shares of six categories: all tastes are near one mix, half of the customers bought once."""
    points, _once = normal(rng)
    orders = 1 + np.floor(np.exp(0.9 * points["u"])).astype(int)
    tastes = rng.dirichlet(np.array([9, 6, 6, 4.5, 3, 2.1]), N)
    lines = [
        rng.multinomial(n + rng.binomial(n, 0.5), p) for n, p in zip(orders, tastes, strict=True)
    ]
    spend = np.array(lines) * rng.gamma(4, size=tastes.shape) * PRICES
    parts = [f"category:{i}" for i in range(6)]
    shares = pd.DataFrame(spend / spend.sum(axis=1, keepdims=True), columns=parts)
    bought = pd.DataFrame({"n_orders": orders, "gross_sales": spend.sum(axis=1)})
    return points[["u", "v"]].join(shares), bought


def mix_alone(rng: np.random.Generator) -> Drawn:
    """The same shares without any number."""
    points, bought = one_mix(rng)
    return points.filter(like="category:"), bought


def planted(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Three round groups whose centres are five standard deviations apart or more."""
    group, centres = rng.integers(0, 3, N), rng.normal(size=(3, 3))
    nearest = min(np.linalg.norm(centres[i] - centres[j]) for i in range(3) for j in range(i))
    points = 5 / nearest * centres[group] + rng.normal(size=(N, 3))
    return pd.DataFrame(points, columns=NUMBERS), _once(), group


def _once() -> pd.DataFrame:
    return pd.DataFrame({"n_orders": 1.0, "gross_sales": 1.0}, index=range(N))


WITHOUT_GROUPS: tuple[Callable[[np.random.Generator], Drawn], ...] = (
    normal, even, skewed, skewed_negative, equal_values, attributes, one_mix, mix_alone
)  # fmt: skip


def find(drawn: Drawn, method: assignment.Method, seed: int) -> assignment.Clusters:
    """Find the clusters of one set."""
    made = features.build(*drawn)
    return assignment.choose(made, made.spend, method, seed=seed)


def main(sets: int, method: assignment.Method) -> None:
    """Print how often groups were found, and how far the silhouette exceeded the threshold."""
    for kind in WITHOUT_GROUPS:
        found = [find(kind(np.random.default_rng(s)), method, s) for s in range(sets)]
        above = max(each.silhouette - each.threshold for each in found)
        n_found = sum(each.is_structure for each in found)
        print(
            f"{kind.__name__:<20} found in {n_found:>2} of {sets}; nearest {above:+.3f}", flush=True
        )
    drawn = [planted(np.random.default_rng(s)) for s in range(sets)]
    found = [find(each[:2], method, s) for s, each in enumerate(drawn)]
    correct = sum(
        each.is_structure and adjusted_rand_score(truth, each.labels) > 0.9
        for each, (_, _, truth) in zip(found, drawn, strict=True)
    )
    n_found = sum(each.is_structure for each in found)
    print(f"{'planted':<20} found in {n_found:>2} of {sets}; correctly {correct}")


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 40,
        sys.argv[2] if len(sys.argv) > 2 else "k_means",  # type: ignore[arg-type]
    )

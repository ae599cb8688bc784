"""The null distribution: customers without groups, with these customers' margins and correlations.

A multivariate normal with the customers' correlations, whose columns then get the customers' own
margins [1]: a skewed or uniform column is split more clearly than a normal one without groups.
A column with many equal values keeps them all. The levels of an attribute are one normal cut at
their shares. Any other column gets the nearest margin with one peak: two peaks suggest groups.

Parts of a composition are drawn purchase by purchase. A customer's taste is normal in log odds, and
every purchase is one of the baskets of the customers who bought least often, with odds by the
taste; so a customer with one purchase is extreme here too. The spread of taste gives the shares the
variance they have, up to the limit where log odds have one peak.

Sources: [1] Cario & Nelson (1997), "Modeling and Generating Random Vectors with Arbitrary Marginal
Distributions and Correlation Matrix", Northwestern University. [2] Olsson, Drasgow & Dorans
(1982), "The Polyserial Correlation Coefficient", Psychometrika 47, 337-347.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cvm_analysis.segments.clusters.features import Attribute, Composition, Features

TIED = 0.1  # share of the most common value from which a column keeps its values
BINS = 40  # of a margin with one peak
POOL = (50, 300)  # fewest and most baskets that purchases are drawn from
MOST_BOUGHT = 20  # most purchases drawn for a customer; more hardly change the mix
TASTES = np.linspace(0.0, np.sqrt(2.0), 8)  # a normal in log odds has two peaks beyond root two

Margin = Callable[[np.ndarray], np.ndarray]  # ranks in (0, 1) -> one row of features each


@dataclass(frozen=True)
class NullDistribution:
    """Customers without groups; `fit` makes one.

    factor : square root of the correlation matrix of the latent normal
    blocks : how ranks become columns: a margin of one latent number, or baskets of several
    """

    factor: np.ndarray
    blocks: tuple[Margin | Baskets, ...]

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw n customers: one row each, columns as in the features."""
        latent = rng.standard_normal((n, len(self.factor))) @ self.factor.T
        ranks = (latent.argsort(axis=0).argsort(axis=0) + 0.5) / n
        found, at = [], 0
        for block in self.blocks:
            if isinstance(block, Baskets):
                wide = len(block.composition.mix)
                taste, bought = latent[:, at : at + wide], block.purchases(ranks[:, at + wide])
                found.append(block.draw(taste, bought, rng))
                at += wide + 1
            else:
                found.append(block(ranks[:, at]))
                at += 1
        return np.hstack(found)


@dataclass(frozen=True)
class Baskets:
    """How the parts of a composition arise, purchase by purchase.

    pool : one row per basket, its shares; spend : on each
    each : purchases per basket
    spread : of taste, in log odds
    variance : of the composition among the customers
    """

    composition: Composition
    pool: np.ndarray
    spend: np.ndarray
    each: float
    purchases: Callable[[np.ndarray], np.ndarray]
    spread: float
    variance: float

    def draw(self, taste: np.ndarray, bought: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw the features of customers with a taste (standard normal) and purchases."""
        found = self.features(self.spread * taste, bought, rng)
        found -= found.mean(axis=0)
        total = found.var(axis=0).sum()
        return found * np.sqrt(self.variance / total) if total > 0 else found

    def features(
        self, taste: np.ndarray, bought: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw purchases and make features of their shares, before these are rescaled."""
        times = np.clip(np.rint(bought / self.each), 1, MOST_BOUGHT).astype(int)
        buyer = np.repeat(np.arange(len(times)), times)
        fit = (taste @ self.pool.T)[buyer] + rng.gumbel(size=(len(buyer), len(self.pool)))
        basket, sums = fit.argmax(axis=1), np.zeros(taste.shape)
        np.add.at(sums, buyer, (self.pool * self.spend[:, None])[basket])
        shares = sums / sums.sum(axis=1, keepdims=True)
        return self.composition.rooted(shares, bought) * self.composition.scale


def fit(features: Features, rng: np.random.Generator) -> NullDistribution:
    """Fit the null distribution to these customers."""
    main = _main(features.table.to_numpy())
    latent: list[np.ndarray] = []
    blocks: list[Margin | Baskets] = []
    for part in features.scales.parts:
        own = features.table[part.columns].to_numpy()
        if isinstance(part, Composition):
            latent += [*own.T, features.purchases.to_numpy()]
            blocks.append(_baskets(features, part, own, rng))
        else:
            values, rows = _levels(own, main) if isinstance(part, Attribute) else (own[:, 0], None)
            latent.append(values)
            blocks.append(_margin(values, rows))
    return NullDistribution(_factor(latent), tuple(blocks))


def _factor(latent: list[np.ndarray]) -> np.ndarray:
    """Square root of the correlations of the latent normals of columns with equal values.

    The score of equal values is the mean of the normal there. With a its deviation, the covariance
    of two such scores is a1^2 a2^2 times the correlation of the normals; exactly so if one of the
    two has no equal values ([2], the two-step estimate).
    """
    scores = np.column_stack([_scores(values) for values in latent])
    spread = (scores**2).mean(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    found = (scores.T @ scores / len(scores) / np.outer(spread, spread)).clip(-1, 1)
    np.fill_diagonal(found, 1.0)
    values, vectors = np.linalg.eigh(found)
    factor = vectors * np.sqrt(values.clip(min=0))
    return factor / np.linalg.norm(factor, axis=1, keepdims=True)


def _main(points: np.ndarray) -> np.ndarray:
    """Project points on the direction of their largest variance."""
    centred = points - points.mean(axis=0)
    return centred @ np.linalg.eigh(centred.T @ centred)[1][:, -1]


def _levels(own: np.ndarray, main: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number each customer's level, in the order of the levels along the main direction."""
    rows, code = np.unique(own, axis=0, return_inverse=True)
    code = code.ravel()
    order = np.argsort(np.bincount(code, weights=main) / np.bincount(code), kind="stable")
    return np.argsort(order)[code].astype(float), rows[order]


def _scores(values: np.ndarray) -> np.ndarray:
    """Normal scores of ranks, averaged over equal values; variance 1 if all differ."""
    from scipy.special import ndtri

    normal = ndtri((np.arange(len(values)) + 0.5) / len(values))
    normal /= normal.std() or 1.0
    code = np.unique(np.sort(values), return_inverse=True)[1].ravel()
    means = np.bincount(code, weights=normal) / np.bincount(code)
    return means[np.unique(values, return_inverse=True)[1].ravel()]


def _margin(values: np.ndarray, rows: np.ndarray | None) -> Margin:
    ordered = np.sort(values)
    if rows is not None:
        return lambda ranks: rows[np.quantile(ordered, ranks, method="inverted_cdf").astype(int)]
    if np.unique(ordered, return_counts=True)[1].max() >= TIED * len(ordered):
        return lambda ranks: np.quantile(ordered, ranks, method="inverted_cdf")[:, None]
    edges, cumulative = _one_peak(ordered)
    return lambda ranks: np.interp(ranks, cumulative, edges)[:, None]


def _one_peak(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest distribution with one peak: edges, and the share up to each."""
    from sklearn.isotonic import isotonic_regression

    edges = np.linspace(ordered[0], ordered[-1], BINS + 1)
    share = np.histogram(ordered, edges)[0] / len(ordered)
    fits = [
        np.r_[isotonic_regression(share[:at]), isotonic_regression(share[at:], increasing=False)]
        for at in range(1, BINS)
    ]
    best = min(fits, key=lambda fit: float(((fit - share) ** 2).sum()))
    return edges, np.r_[0.0, np.cumsum(best) / best.sum()]


def _baskets(
    features: Features, composition: Composition, own: np.ndarray, rng: np.random.Generator
) -> Baskets:
    shares = features.measured[list(composition.mix)].to_numpy(float)
    complete = np.flatnonzero(~np.isnan(shares).any(axis=1))
    shares, bought = shares[complete], features.purchases.to_numpy()[complete]
    ordered = np.sort(bought)
    few = np.flatnonzero(bought <= ordered[min(POOL[0], len(ordered)) - 1])
    pool = few if len(few) <= POOL[1] else rng.choice(few, POOL[1], replace=False)
    baskets = Baskets(
        composition,
        shares[pool],
        features.spend.to_numpy()[complete][pool].clip(min=1e-9),
        max(1.0, float(bought[pool].mean())),
        lambda ranks: np.quantile(ordered, ranks, method="inverted_cdf"),
        0.0,
        float(own.var(axis=0).sum()),
    )
    return replace(baskets, spread=_spread(baskets, rng))


def _spread(baskets: Baskets, rng: np.random.Generator, n: int = 1000) -> float:
    """Find the spread of taste that gives the shares the variance they have."""
    taste = rng.standard_normal((n, len(baskets.composition.mix)))
    bought = baskets.purchases((np.arange(n) + 0.5) / n)
    found = [baskets.features(s * taste, bought, rng).var(axis=0).sum() for s in TASTES]
    return float(TASTES[np.argmin(np.abs(np.array(found) - baskets.variance))])

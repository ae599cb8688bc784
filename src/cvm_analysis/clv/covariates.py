"""Static covariates: what is known of a customer changes how often they buy and when they leave.

As the R package CLVTools defines them (Bachmann, Kuebler, Meierer, Naef, Oblander and Schilter).
Covariates z of the rate divide its scale, alpha exp(-g_trans'z): a coefficient of 0.1 is about 10 %
more purchases per unit of z. Covariates of drop-out make it, in Pareto/NBD, faster,
beta exp(-g_life'z), and in BG/NBD more alike, a exp(g_life'z) and b exp(g_life'z): there they
change the spread of the probabilities of leaving, not their mean.

Customers with the same z follow the plain model with parameters of their own, whose logarithms are
linear in the logarithms of the base parameters (those at z = 0) and the coefficients. So the plain
models' exact derivatives serve here too, and the cost grows with the distinct z: put ages into
bands.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from cvm_analysis.arrays import Array, Ints
from cvm_analysis.clv import bg_nbd, histories, nbd, pareto_nbd
from cvm_analysis.clv.numerics import mle
from cvm_analysis.errors import InputError

_SENSIBLE = (1e-3, 1e3)  # limits of the base parameters of a start


class _Kind(NamedTuple):
    """A plain model, and the sign with which covariates enter the logs of its parameters."""

    module: ModuleType
    fitted: Any
    params: Any
    derivatives: mle.Derivatives
    trans: tuple[int, ...]
    life: tuple[int, ...]


_KINDS = {
    "pareto_nbd": _Kind(
        pareto_nbd,
        pareto_nbd.ParetoNbd,
        pareto_nbd.Params,
        pareto_nbd.derivatives,
        (0, -1, 0, 0),
        (0, 0, 0, -1),
    ),
    "bg_nbd": _Kind(
        bg_nbd,
        bg_nbd.BgNbd,
        bg_nbd.Params,
        bg_nbd.derivatives,
        (0, -1, 0, 0),
        (0, 0, 1, 1),
    ),
    "nbd": _Kind(nbd, nbd.Nbd, nbd.Params, nbd.derivatives, (0, -1), (0, 0)),
}


@dataclass(frozen=True)
class WithCovariates:
    """A fitted model; `fit` makes one. Its calls take histories with the columns of covariates."""

    code: str  # of the plain model: "pareto_nbd", "bg_nbd", "nbd"
    trans: tuple[str, ...]  # covariates of the rate
    life: tuple[str, ...]  # covariates of drop-out
    values: Array  # base parameters, then coefficients of `trans`, then of `life`
    std_errors: Array  # of the same; NaN where the data do not tell one
    covariance_log: Array  # of the logarithms of the base parameters, and of the coefficients
    log_likelihood: float
    n_customers: int
    identified: bool
    reason: str  # "", or why not: "no_drop_out_found", "parameters_diverged"

    @property
    def params(self) -> Any:
        """Parameters of the plain model at z = 0."""
        params = _KINDS[self.code].params
        return params(*self.values[: len(params._fields)].tolist())

    @property
    def logs(self) -> Array:
        """Logarithms of the base parameters, then the coefficients."""
        first = len(self.params)
        return np.concatenate([np.log(self.values[:first]), self.values[first:]])

    def with_logs(self, logs: Array) -> Self:
        """The model with other values: one draw of the parameters."""
        first = len(self.params)
        return replace(self, values=np.concatenate([np.exp(logs[:first]), logs[first:]]))

    @property
    def coefficients(self) -> pd.DataFrame:
        """One row per coefficient: covariate, of ("trans" or "life"), estimate, std_error."""
        first = len(self.params)
        return pd.DataFrame(
            {
                "covariate": [*self.trans, *self.life],
                "of": ["trans"] * len(self.trans) + ["life"] * len(self.life),
                "estimate": self.values[first:],
                "std_error": self.std_errors[first:],
            }
        )

    @property
    def aic(self) -> float:
        """Akaike's criterion; the lower, the better."""
        return 2 * len(self.values) - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion; the lower, the better."""
        return len(self.values) * float(np.log(self.n_customers)) - 2 * self.log_likelihood

    def with_values(self, **z: float) -> Any:
        """The plain model of customers with these covariates: its curves, its probabilities.

        Its standard errors are empty.

        Raises
        ------
        InputError : a covariate is missing or unknown
        """
        known = dict.fromkeys([*self.trans, *self.life])
        if z.keys() != known.keys():
            raise InputError(f"covariates are {', '.join(known)}, not {', '.join(z) or 'none'}")
        trans, life = ([z[name] for name in names] for names in (self.trans, self.life))
        kind = _KINDS[self.code]
        logs = _design(kind, trans, life) @ self.logs
        params = kind.params(*np.exp(logs).tolist())
        unknown = kind.params(*[np.nan] * len(params))
        wide = np.full((len(params), len(params)), np.nan)
        rest = (self.log_likelihood, self.n_customers, self.identified, self.reason)
        return kind.fitted(params, unknown, wide, *rest)

    def p_alive(self, h: pd.DataFrame) -> pd.Series:
        """Probability, in [0, 1], that each row of h has not dropped out by T."""
        return self._each(h, "p_alive")

    def purchase_rate(self, h: pd.DataFrame) -> pd.Series:
        """Expected purchases per week of each row of h as long as the customer stays."""
        return self._each(h, "purchase_rate")

    def expected_purchases(self, h: pd.DataFrame, horizon: float) -> pd.Series:
        """Expected purchases in the `horizon` weeks after T, for each row of h."""
        return self._each(h, "expected_purchases", horizon)

    def discounted_purchases(
        self, h: pd.DataFrame, rate: float, horizon: float | None = None
    ) -> pd.Series:
        """Expected purchases after T, discounted to T at a continuous `rate` per week.

        Within `horizon` weeks, or for ever. For ever needs a rate above 0 (InputError).
        """
        return self._each(h, "discounted_purchases", rate, horizon)

    def purchase_probabilities(self, h: pd.DataFrame, horizon: float, most: int) -> Array:
        """Probabilities of purchases in the `horizon` weeks after T, one row per row of h.

        Columns: 0, 1, ..., most - 1 purchases, and last `most` or more.
        """
        found = np.empty((len(h), most + 1))
        for z, rows in _groups(h, self.trans, self.life):
            model = self.with_values(**z)
            found[rows] = model.purchase_probabilities(h.iloc[rows], horizon, most)
        return found

    def draw(self, h: pd.DataFrame, horizon: float, draws: int, rng: np.random.Generator) -> Array:
        """Draw purchases in the `horizon` weeks after T: rows as in h, one column per draw."""
        found = np.empty((len(h), draws))
        draw = _KINDS[self.code].module.MODEL.draw
        for z, rows in _groups(h, self.trans, self.life):
            found[rows] = draw(self.with_values(**z), h.iloc[rows], horizon, draws, rng)
        return found

    def _each(self, h: pd.DataFrame, call: str, *asked: float | None) -> pd.Series:
        """The answer of the plain model to each row."""
        found = np.empty(len(h))
        for z, rows in _groups(h, self.trans, self.life):
            found[rows] = getattr(self.with_values(**z), call)(h.iloc[rows], *asked)
        return pd.Series(found, h.index, name=call)


def fit(
    h: pd.DataFrame, trans: Sequence[str], life: Sequence[str], model: str = "pareto_nbd"
) -> WithCovariates:
    """Fit base parameters and coefficients by maximum likelihood.

    `reason` is as in the plain models. "no_drop_out_found": drop-out brings less than 2 over the
    NBD model with the same covariates of the rate.

    Parameters
    ----------
    h : one row per history; x, t_x, T (weeks), optionally n, and a column per covariate: numbers
        (0 and 1 for a yes or no), known before the customer's first purchase
    trans, life : names of the covariates of the rate and of drop-out; either may be empty
    model : "pareto_nbd", "bg_nbd", or "nbd", which has no drop-out and takes no `life`

    Raises
    ------
    InputError : impossible histories, an unknown model, covariates that are missing, no numbers, or
        the same for all
    FitError : nobody bought again, or no maximum was found
    """
    if model not in _KINDS or (life and model == "nbd"):
        of = " of drop-out" if model in _KINDS else ""
        raise InputError(f"no covariates{of} for the model {model!r}; take pareto_nbd or bg_nbd")
    trans, life = tuple(trans), tuple(life)
    names = list(dict.fromkeys([*trans, *life]))
    _check(h, names)
    centre, spread = h[names].mean(), h[names].std(ddof=0)
    scaled = h.assign(**((h[names] - centre) / spread)).sort_values([*names, "x", "t_x", "T"])
    kind = _KINDS[model]
    top = _climb(kind, scaled, trans, life)
    reason = mle.divergence(top)
    if model != "nbd":
        reason = mle.reason(top, _climb(_KINDS["nbd"], scaled, trans, ()).log_likelihood)
    back = _unscaled(kind, [-centre / spread, 1 / spread], trans, life)
    first = len(kind.params._fields)
    values = back @ np.log(top.params)
    covariance = back @ top.covariance_log @ back.T
    errors = np.sqrt(np.diag(covariance))
    values[:first] = np.exp(values[:first])
    errors[:first] *= values[:first]
    known = np.isfinite(top.std_errors) | ~np.isfinite(errors)
    n = histories.arrays(h).n.sum()
    return WithCovariates(
        model,
        trans,
        life,
        values,
        np.where(known, errors, np.nan),
        covariance,
        top.log_likelihood,
        round(n),
        not reason,
        reason,
    )


def log_likelihood(model: WithCovariates, h: pd.DataFrame) -> float:
    """Log-likelihood of the histories under a model with these values."""
    module = _KINDS[model.code].module
    return sum(
        module.log_likelihood(model.with_values(**z).params, h.iloc[rows])
        for z, rows in _groups(h, model.trans, model.life)
    )


def _climb(
    kind: _Kind, h: pd.DataFrame, trans: tuple[str, ...], life: tuple[str, ...]
) -> mle.Maximum:
    """The top, from the plain model without covariates; coefficients as logarithms."""
    parts = [
        (
            _design(kind, [z[name] for name in trans], [z[name] for name in life]),
            histories.arrays(h.iloc[rows]),
        )
        for z, rows in _groups(h, trans, life)
    ]

    def derivatives(logs: Array) -> tuple[float, Array, Array]:
        value, slope, bend = 0.0, np.zeros(len(logs)), np.zeros((len(logs), len(logs)))
        for design, data in parts:
            one = kind.derivatives(design @ logs, data)
            value += one[0]
            slope += design.T @ one[1]
            bend += design.T @ one[2] @ design
        return value, slope, bend

    plain = np.clip(kind.module.fit(h).params, *_SENSIBLE)
    start = np.concatenate([plain, np.ones(len(trans) + len(life))])
    n = sum(data.n.sum() for _, data in parts)
    return mle.newton(derivatives, start, n, f"{kind.module.__name__.rpartition('.')[2]}")


def _design(kind: _Kind, trans: Sequence[float], life: Sequence[float]) -> Array:
    """Logs of the base parameters and coefficients -> logs of a customer's parameters."""
    return np.hstack(
        [
            np.eye(len(kind.trans)),
            np.outer(kind.trans, trans),
            np.outer(kind.life, life),
        ]
    )


def _unscaled(
    kind: _Kind, by: list[pd.Series], trans: tuple[str, ...], life: tuple[str, ...]
) -> Array:
    """Base parameters and coefficients of scaled covariates -> those of z itself."""
    baseline, slope = by
    base = _design(kind, baseline[list(trans)], baseline[list(life)])
    rest = np.diag(np.concatenate([slope[list(trans)], slope[list(life)]]))
    return np.vstack([base, np.hstack([np.zeros((len(rest), len(kind.trans))), rest])])


def _groups(
    h: pd.DataFrame, trans: Sequence[str], life: Sequence[str]
) -> Iterator[tuple[dict[str, float], Ints]]:
    """Each distinct z, and the positions of its rows."""
    names = list(dict.fromkeys([*trans, *life]))
    _complete(h, names)
    if not names:
        yield {}, np.arange(len(h))
        return
    each, row = np.unique(h[names].to_numpy(float), axis=0, return_inverse=True)
    order, sizes = np.argsort(row, kind="stable"), np.bincount(row)
    for z, rows in zip(each, np.split(order, sizes.cumsum()[:-1]), strict=True):
        yield dict(zip(names, z.tolist(), strict=True)), rows


def _complete(h: pd.DataFrame, names: list[str]) -> None:
    """Refuse covariates that are missing or no numbers."""
    missing = [name for name in names if name not in h]
    if missing:
        raise InputError(f"covariates that are no columns of the histories: {', '.join(missing)}")
    for name in names:
        values = pd.to_numeric(h[name], errors="coerce").to_numpy(float)
        wrong = ~np.isfinite(values)
        if wrong.any():
            raise InputError(
                f"covariate {name} is missing or no number for {wrong.sum():,} of {len(h):,} "
                f"customers (the first: {h.index[wrong.argmax()]}); give 0 and 1 for no and yes"
            )


def _check(h: pd.DataFrame, names: list[str]) -> None:
    histories.arrays(h)
    _complete(h, names)
    same = [name for name in names if h[name].nunique() < 2]
    if same:
        raise InputError(f"covariates that are the same for all customers: {', '.join(same)}")

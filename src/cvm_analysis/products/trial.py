"""Does a recommendation beat best sellers? Tested at earlier dates on the purchases that followed.

At each origin every method sees what was known on that day, and is scored on the next basket with
something new of each customer who had bought before: does it hold one of the products shown? The
item-to-item method is chosen at the earlier origins and scored on the last one. It is used if it
hits clearly more often there than the better of the two popularity lists.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from cvm_analysis import tables
from cvm_analysis.arrays import Array
from cvm_analysis.minimum_data import Note, shortfalls
from cvm_analysis.products import scores
from cvm_analysis.products.baskets import Baskets
from cvm_analysis.products.scores import ITEM_TO_ITEM, POPULARITY, WEEKS

ORIGINS = 3  # at most; the last one scores
LEAST_RATIO = 1.1  # of the hit rate to that of the better popularity list
MOST_SHOWN, SHARE_SHOWN = 10, 0.1  # products shown: ten, but at most a tenth of all
MOST_TESTED = 5000  # customers at an origin
N_RESAMPLES, SEED = 2000, 1
METHODS = (*ITEM_TO_ITEM, *POPULARITY)


class Choice(NamedTuple):
    """The method in use; plain JSON by `_asdict`.

    curve : scores, rising, and the share of recommendations with such a score that hit
    """

    method: str
    curve: Sequence[tuple[float, float]] = ()

    def probability(self, scores: Array) -> Array:
        """Probability that the next basket with something new has the product; NaN: not tested."""
        if not len(self.curve):
            return np.full(len(scores), np.nan)
        score, share = np.array(self.curve, dtype=float).T
        return np.interp(scores, score, share)


class Summary(NamedTuple):
    """What a test said, at the last origin; `summarize` makes it.

    method : item to item, as chosen at the earlier origins
    hit_rate, popular_rate : with it, and with the better popularity list
    ratio, ratio_low, ratio_high : of these, with its 95% interval
    is_used : whether item to item is used
    """

    method: str
    n_customers: int
    n_shown: int
    hit_rate: float
    popular_rate: float
    ratio: float
    ratio_low: float
    ratio_high: float
    is_used: bool

    @property
    def is_clear(self) -> bool:
        """Whether it hits clearly more often."""
        return self.ratio >= LEAST_RATIO and self.ratio_low > 1


class Trial(NamedTuple):
    """What was tested; `run` makes it.

    table : `product_backtest`; choice : the method in use; notes : why there was no test
    """

    table: pd.DataFrame
    choice: Choice
    notes: list[Note]

    def take_over(self, company: Choice) -> Trial:
        """Use the method of the company's test where this one, of few customers, points that way.

        Not where it is item to item, and here hits less than LEAST_RATIO times as often as
        popularity: what goes together is learned from these customers, who may be too few.
        """
        found = summarize(self.table)
        agrees = found is not None and found.ratio >= LEAST_RATIO
        if company.method not in ITEM_TO_ITEM or not agrees:
            return self
        return Trial(_mark(self.table, company.method), company, self.notes)


def summarize(table: pd.DataFrame) -> Summary | None:
    """Summarize table `product_backtest`, key in columns or in the index; None: not tested."""
    rows = table.reset_index(drop=table.index.names == [None])
    if rows["ratio"].isna().all():
        return None
    is_last = rows["day"] == rows["day"].max()
    last, hits = rows[is_last].set_index("method"), rows["hit_rate"] * rows["n_customers"]
    before = hits[~is_last].groupby(rows["method"]).sum()
    used = last.index[last["is_used"].astype(bool)]
    method = str(before[list(ITEM_TO_ITEM)].idxmax())
    method = next((str(each) for each in used if each in ITEM_TO_ITEM), method)
    row = last.loc[method]
    return Summary(
        method,
        int(row["n_customers"]),
        int(row["n_shown"]),
        float(row["hit_rate"]),
        float(last.loc[list(POPULARITY), "hit_rate"].max()),
        float(row["ratio"]),
        float(row["ratio_low"]),
        float(row["ratio_high"]),
        method in used,
    )


def _mark(table: pd.DataFrame, method: str) -> pd.DataFrame:
    return table.assign(is_used=table["method"] == method)


def n_shown(n_products: int) -> int:
    """How many products of a range are shown in a test."""
    return max(1, min(MOST_SHOWN, int(n_products * SHARE_SHOWN)))


def run(baskets: Baskets, as_of: dt.date, segments_on: Callable[[dt.date], pd.Series]) -> Trial:
    """Test all methods at the origins that the data allow, and choose the one to use.

    segments_on : the segments of customers on a day, by customer_id
    """
    if baskets.lines.empty:
        none = Note("product_test", "no_products")
        return Trial(tables.empty("product_backtest"), Choice(POPULARITY[0]), [none])
    days = _origins(baskets, pd.Timestamp(as_of))
    tests = {day: _test(baskets, day, segments_on(day.date())) for day in days}
    tests = {day: test for day, test in tests.items() if len(test.hits)}
    tested = len(tests[max(tests)].hits) if tests else 0
    notes = shortfalls("product_test", origins=len(tests), customers=tested)
    table = _describe(tests, is_tested=not notes)
    found = summarize(table)
    if found is None:
        return Trial(_mark(table, POPULARITY[0]), Choice(POPULARITY[0]), notes[:1])
    *earlier, last = (tests[day] for day in sorted(tests))
    before = pd.concat([test.hits for test in earlier]).mean()
    used = found.method if found.is_clear else str(before[list(POPULARITY)].idxmax())
    return Trial(_mark(table, used), Choice(used, _calibrate(*last.first[used])), [])


class _Test(NamedTuple):
    """hits : one row per customer, one column per method; first : scores and hits of the firsts."""

    hits: pd.DataFrame
    first: dict[str, tuple[Array, Array]]
    n_shown: int


def _origins(baskets: Baskets, as_of: pd.Timestamp) -> list[pd.Timestamp]:
    """Days with at least WEEKS of purchases before and after them."""
    step, start = pd.Timedelta(weeks=WEEKS), baskets.lines["day"].min()
    days = [as_of - i * step for i in range(ORIGINS, 0, -1)]
    return [day for day in days if day - step >= start]


def _test(baskets: Baskets, day: pd.Timestamp, segments: pd.Series) -> _Test:
    past = scores.learn(baskets, day, segments)
    target = find_targets(baskets, day)
    shown = n_shown(int((past.popularity > 0).sum()))
    customers = np.sort(target["customer"].unique())
    if len(customers) > MOST_TESTED:
        rng = np.random.default_rng(SEED)
        customers = np.sort(rng.choice(customers, MOST_TESTED, replace=False))
    bought = scores.matrix(target, baskets, past.products)[customers].toarray() > 0
    hits, first = {}, {}
    for method in METHODS:
        found = scores.score(past, method, customers)
        top = scores.best(found, shown)
        right = np.take_along_axis(bought, top, axis=1) & (top >= 0)
        hits[method] = right.any(axis=1)
        values = np.take_along_axis(found, top, axis=1)
        first[method] = values[top >= 0], right[top >= 0].astype(float)
    return _Test(pd.DataFrame(hits, customers).astype(float), first, shown)


def find_targets(baskets: Baskets, day: pd.Timestamp) -> pd.DataFrame:
    """Find the first basket with something new within WEEKS after a day, of customers known then.

    The rows of `Baskets.first` in it.
    """
    first, lines = baskets.first, baskets.lines
    known = lines.loc[lines["day"] <= day, "customer"].unique()
    ahead = (first["day"] > day) & (first["day"] <= day + pd.Timedelta(weeks=WEEKS))
    new = first[ahead & first["customer"].isin(known)]
    return new[new["basket"] == new.groupby("customer")["basket"].transform("first")]


def _ratio(hits: pd.DataFrame, method: str) -> dict[str, float]:
    """The hit rate over that of the better popularity list, with its 95% interval by customer."""
    n, rng = len(hits), np.random.default_rng(SEED)
    values = hits[[method, *POPULARITY]].to_numpy()
    drawn = rng.multinomial(n, np.full(n, 1 / n), N_RESAMPLES) @ values
    own, popular = drawn[:, 0], np.maximum(drawn[:, 1:].max(axis=1), 0.5)  # 0.5: for none at all
    low, high = np.quantile(own / popular, [0.025, 0.975])
    ratio = values[:, 0].sum() / max(values[:, 1:].sum(axis=0).max(), 0.5)
    return {"ratio": float(ratio), "ratio_low": float(low), "ratio_high": float(high)}


def _calibrate(score: Array, right: Array) -> list[tuple[float, float]]:
    """The share of recommendations that hit, rising with the score; by step, its ends."""
    level, place, n = np.unique(score, return_inverse=True, return_counts=True)
    if not len(level):
        return []
    mean = np.bincount(place, right) / n
    share = isotonic_regression(mean, weights=n).x
    is_end = np.ones(len(level), dtype=bool)
    is_end[1:-1] = (share[1:-1] != share[:-2]) | (share[1:-1] != share[2:])
    return list(zip(level[is_end].tolist(), share[is_end].tolist(), strict=True))


def _describe(tests: dict[pd.Timestamp, _Test], is_tested: bool) -> pd.DataFrame:
    """Table `product_backtest`, no method in use; ratios are those of the last origin."""
    if not tests:
        return tables.empty("product_backtest")
    last, unknown = max(tests), dict.fromkeys(("ratio", "ratio_low", "ratio_high"), np.nan)
    ratios = {m: _ratio(tests[last].hits, m) for m in ITEM_TO_ITEM if is_tested}
    rows = [
        {
            "day": day,
            "method": method,
            "n_customers": len(test.hits),
            "n_shown": test.n_shown,
            "hit_rate": test.hits[method].mean(),
            **(ratios.get(method, unknown) if day == last else unknown),
            "is_used": False,
        }
        for day, test in tests.items()
        for method in METHODS
    ]
    return pd.DataFrame(rows)

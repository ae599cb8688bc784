"""Do the ranges of totals hold what comes, at what width? The invented company, many seeds.

Retail customers of the six regions, a year before the last day: Pareto/NBD is fitted to each region
(with 100 customers' worth of the others) and to the company, and forecasts the purchases of the 52
weeks that follow. A common shock, normal with a standard deviation of 0, .1 or .2 on the log scale,
multiplies the purchases that come (each is dropped or repeated at random), and another one those of
the past period by which the error of totals is measured. Each seed is forecast once, and meets 20
pairs of shocks of each size.

    errors of the past alone: as version 0.2.0 did it: exp(root mean square of past errors x t(n)),
        with overlapping periods; the company by a forecast of its own
    prior and past, joint draws: `common_error` and `totals`; the company is the sum of its regions

For both: the share of totals within the 80 % range, and its mean interval score (Gneiting & Raftery
2007, eq. 43) as a share of the total that comes without a shock; the lower, the better.

    python benchmarks/totals.py [seeds, 20] [customers, 2000]
"""

import datetime as dt
import sys
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student

from cvm_analysis.backtest import past_totals
from cvm_analysis.clv import common_error, histories, pareto_nbd, partial_pooling, totals, value
from cvm_analysis.clv.naive import OwnMean, purchases_between
from cvm_analysis.sample import churn, retail
from cvm_analysis.sample.business import AS_OF, REGIONS
from cvm_analysis.sample.draws import dates

WEEKS, SHOCKS, ALPHA, PAIRS = 52, (0.0, 0.1, 0.2), 0.2, 20
YEAR, HALF = dt.timedelta(weeks=WEEKS), dt.timedelta(weeks=WEEKS // 2)
ORIGIN = AS_OF - YEAR


class Group(NamedTuple):
    """A region or the company: its draws, its past errors (now, as before), what came."""

    purchases: pd.Series  # in all, one value per draw, before the common error
    now: list
    before: list
    came: float


def main(seeds: int, n_customers: int) -> None:
    """Print coverage and interval score by shock, way and kind of total."""
    rows = [row for seed in range(seeds) for row in _one_seed(seed, n_customers)]
    columns = ["shock", "total", "way", "held", "score", "error"]
    table = pd.DataFrame(rows, columns=columns)
    shown = table.groupby(["shock", "total", "way"])[["held", "score"]].mean()
    print(shown.unstack("way").round(3).to_string())
    print(table.groupby("way")[["held", "score"]].mean().round(3).to_string())
    print(table.groupby(["shock", "total"])["error"].agg(["mean", "std"]).round(3).to_string())


def _one_seed(seed: int, n_customers: int) -> list[tuple]:
    groups = _forecast(seed, n_customers)
    rng = np.random.default_rng(seed)
    shocks = [(sd, *pair) for sd in SHOCKS for pair in rng.normal(0, sd, (PAIRS, 2))]
    return [row for shock in shocks for key in groups for row in _score(key, groups, shock, rng)]


def _score(
    key: str, groups: dict[str, Group], shock: tuple[float, float, float], rng: np.random.Generator
) -> list[tuple]:
    """Two rows, one for each way: shock, kind of total, way, held, score, error."""
    sd, past, ahead = shock
    group, kind = groups[key], "company" if key == "all" else "region"
    times, rest = divmod(float(np.exp(ahead)), 1)
    came = group.came * times + rng.binomial(int(group.came), rest)
    error = np.log(max(came, 0.5) / group.purchases.mean())
    found = []
    for name, way in WAYS.items():
        low, high = way(key, groups, past)
        outside = max(low - came, came - high, 0.0)
        score = (high - low + 2 / ALPHA * outside) / max(group.came, 1)
        found.append((sd, kind, name, low <= came <= high, score, error))
    return found


def _forecast(seed: int, n_customers: int) -> dict[str, Group]:
    """The six regions and the company."""
    days, region = _purchase_days(n_customers, seed)
    return {key: _group(key, days, region) for key in [*(each.key for each in REGIONS), "all"]}


def _before(key: str, groups: dict[str, Group], shock: float) -> tuple[float, float]:
    """The ends of the range as version 0.2.0 printed it."""
    errors = np.array([each.log_error + shock for each in groups[key].before])
    total = groups[key].purchases.to_numpy()
    levels = (np.arange(len(total)) + 0.5) / len(total)
    factor = np.exp(np.sqrt(np.mean(errors**2)) * student.ppf(levels, len(errors)))
    return _ends(total * np.random.default_rng(3).permutation(factor))


def _now(key: str, groups: dict[str, Group], shock: float) -> tuple[float, float]:
    """The ends of the range as the report prints it now."""
    company = _shifted(groups["all"].now, shock)
    total = np.zeros(totals.DRAWS)
    for one in [each for each in groups if each != "all"] if key == "all" else [key]:
        own = _shifted(groups[one].now, shock)
        error = common_error.draw(company, own, one, totals.DRAWS)
        total += groups[one].purchases * np.exp(error["company_error"] + error["region_error"])
    return _ends(total)


def _ends(total: np.ndarray) -> tuple[float, float]:
    return tuple(np.quantile(total, [ALPHA / 2, 1 - ALPHA / 2]))


def _shifted(errors: list, shock: float) -> list:
    return [each._replace(log_error=each.log_error + shock) for each in errors]


def _purchase_days(n_customers: int, seed: int) -> tuple[pd.DataFrame, pd.Series]:
    """customer_id, day of all regions; and the region of each customer_id."""
    customers = retail.customers(n_customers, seed)
    orders = pd.concat([churn.live(customers, region, seed)[1] for region in REGIONS])
    days = orders[["customer_id"]].assign(day=dates(orders["at"]).to_numpy())
    return days.drop_duplicates(), customers.set_index("customer_id")["region"]


def _group(key: str, days: pd.DataFrame, region: pd.Series) -> Group:
    origins = [_origin(key, days, region, ORIGIN - back) for back in (YEAR + HALF, YEAR)]
    today = _origin(key, days, region, ORIGIN)
    past = days[days["day"] <= pd.Timestamp(ORIGIN)]
    tried = {"retail": SimpleNamespace(origins=[*origins, today], chosen=["model"] * 3)}
    now = past_totals.measure(tried, past, ORIGIN, WEEKS)
    before = []
    for origin in origins:
        one = {"retail": SimpleNamespace(origins=[origin, today], chosen=["model"] * 2)}
        until = past[past["day"] <= pd.Timestamp(origin.date + YEAR)]
        before += past_totals.measure(one, until, origin.date + YEAR, WEEKS)
    people, models = today.customers, {"retail": today.models["model"]}
    spends = {"retail": OwnMean(1.0)}
    values = value.estimate_by_type(people, models, spends, WEEKS, 0.0, 1.0)
    everyone = pd.Series("any", people.index)
    draws = totals.draw(people, values, models, spends, WEEKS, everyone, key)
    came = purchases_between(days, people.index, ORIGIN, AS_OF).sum()
    return Group(draws["purchases"].groupby("draw").sum(), now, before, float(came))


def _origin(key: str, days: pd.DataFrame, region: pd.Series, date: dt.date) -> SimpleNamespace:
    """The customers of a group on a day, and the model fitted to them."""
    known = days[days["day"] <= pd.Timestamp(date)].groupby("customer_id")["day"]
    seen = known.agg(["size", "min", "max"])
    people = pd.DataFrame(
        {
            "x": seen["size"] - 1.0,
            "t_x": (seen["max"] - seen["min"]).dt.days / 7,
            "T": (pd.Timestamp(date) - seen["min"]).dt.days / 7,
        }
    ).assign(customer_type="retail", spend_per_repeat_day=1.0, gross_sales=1.0, net_sales=1.0)
    own = region.reindex(people.index) == key if key != "all" else pd.Series(True, people.index)
    h, _ = histories.distinct(people[own], "week")
    if key != "all":
        others, _ = histories.distinct(people[~own], "week")
        h = partial_pooling.combine(h, others, partial_pooling.DEFAULT_KAPPA)
    model = pareto_nbd.fit(h)
    return SimpleNamespace(date=date, customers=people[own], models={"model": model})


WAYS = {"errors of the past alone": _before, "prior and past, joint draws": _now}

if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*[*given, *(20, 2000)[len(given) :]])

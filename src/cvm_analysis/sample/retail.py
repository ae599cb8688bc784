"""Retail customers of the invented company: who they are, when they buy, what they buy.

Purchases and drop-out follow the Pareto/NBD [1] in weeks, the season comes in by thinning [2],
the amount of an order follows the Gamma-Gamma [3]. A customer's group follows from the drawn
rate and order value, so a region as a whole keeps both models' distributions unmixed.

Sources: [1] Schmittlein, Morrison & Colombo (1987), "Counting Your Customers", Management Science
33(1), 1-24. [2] Lewis & Shedler (1979), "Simulation of Nonhomogeneous Poisson Processes by
Thinning", Naval Research Logistics Quarterly 26(3), 403-413. [3] Fader & Hardie (2013), "The
Gamma-Gamma Model of Monetary Value".
"""

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import (
    BIG,
    CATEGORIES,
    CHANNELS,
    FIRST_DAY,
    FREQUENT,
    GROUPS,
    N_DAYS,
    REGIONS,
    SEASON_OF_FIRST_ORDERS,
    Region,
)

GROUP_KEYS = np.array([group.key for group in GROUPS])
PRODUCTS = pd.DataFrame(
    [
        (name, kind.key, price, kind.margin, kind.basket, kind.return_share)
        for kind in CATEGORIES
        for name, price in kind.products.items()
    ],
    columns=["product", "category", "price", "margin", "basket", "return_share"],
)


def customers(n_customers: int, seed: int) -> pd.DataFrame:
    """Draw the customers of all regions.

    Returns
    -------
    One row per customer, in order of their first purchase
        customer_id : eight digits with leading zeros; one in a hundred has eighteen digits
        region, group : keys
        purchase_rate, drop_out_rate : per week
        order_value : mean of the customer's orders, CNY
        first_at, left_at : first purchase and drop-out, days after the start of FIRST_DAY
        joined_on, birth_date : dates; a tenth has no birth date
        gender, city, channel : as in customers.csv; channel is the usual one
    """
    shares = np.cumsum([region.share for region in REGIONS])
    sizes = np.diff(np.rint(n_customers * shares / shares[-1]), prepend=0).astype(int)
    people = pd.concat(
        [
            _customers_of(region, n, stream(seed, "customers", region.key))
            for region, n in zip(REGIONS, sizes, strict=True)
        ]
    )
    people = people.sort_values("first_at", kind="stable", ignore_index=True)
    people.insert(0, "customer_id", _ids(n_customers, stream(seed, "ids")))
    return people


def stream(seed: int, *names: str) -> np.random.Generator:
    """Random numbers of their own for each named part: a new part leaves the others as they are."""
    return np.random.default_rng([seed, *"/".join(names).encode()])


def _ids(n: int, rng: np.random.Generator) -> np.ndarray:
    ids = np.array([f"{number:08d}" for number in range(1, n + 1)], dtype=object)
    long = rng.choice(n, n // 100, replace=False)
    ids[long] = rng.integers(10**17, 10**18, len(long)).astype(str)
    return ids


def _customers_of(region: Region, n: int, rng: np.random.Generator) -> pd.DataFrame:
    people = pd.DataFrame(
        {
            "region": region.key,
            "purchase_rate": rng.gamma(region.r, 1 / region.alpha, n),
            "drop_out_rate": rng.gamma(region.s, 1 / region.beta, n),
            "order_value": region.p / rng.gamma(region.q, 1 / region.gamma, n),
            "first_at": _first_purchases(region.growth, n, rng),
        }
    )
    active_weeks = rng.exponential(1 / people["drop_out_rate"])
    number = _group_numbers(people)
    return people.assign(
        left_at=people["first_at"] + 7 * active_weeks,
        group=GROUP_KEYS[number],
        joined_on=dates(people["first_at"] - rng.integers(0, 31, n)),
        birth_date=_birth_dates(n, rng),
        gender=rng.choice(["female", "male", ""], n, p=[0.52, 0.43, 0.05]),
        city=rng.choice(region.cities, n),
        channel=_channels(number, rng),
    )


def _first_purchases(growth: float, n: int, rng: np.random.Generator) -> np.ndarray:
    days = np.arange(N_DAYS)
    flow = np.exp(growth * days / 365.25) * _season(days, SEASON_OF_FIRST_ORDERS)
    return rng.choice(days, n, p=flow / flow.sum()) + rng.random(n)


def _season(day: np.ndarray, swing: np.ndarray | float) -> np.ndarray:
    """Renovation season: highest in mid-April and mid-October, mean 1 over a year."""
    return 1 + swing * np.cos(4 * np.pi * (day - 104) / 365.25)


def _group_numbers(people: pd.DataFrame) -> np.ndarray:
    frequent, big = people["purchase_rate"] > FREQUENT, people["order_value"] > BIG
    belongs = [(frequent == group.is_frequent) & (big == group.is_big) for group in GROUPS]
    return np.argmax(belongs, axis=0)


def _birth_dates(n: int, rng: np.random.Generator) -> pd.Series:
    born = dates(-365.25 * rng.triangular(20, 36, 72, n))
    return born.mask(rng.random(n) < 0.1)


def _channels(group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    weights = np.array([group.channels for group in GROUPS], dtype=float)
    upper = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    return np.array(CHANNELS)[(rng.random((len(group), 1)) > upper[group]).sum(axis=1)]


def dates(days: np.ndarray | pd.Series) -> pd.Series:
    """Whole dates of days counted from the start of FIRST_DAY."""
    whole = np.floor(np.asarray(days)).astype("timedelta64[D]")
    return pd.Series(np.datetime64(FIRST_DAY) + whole)


def orders(people: pd.DataFrame, region: Region, seed: int) -> pd.DataFrame:
    """Draw the orders of one region's customers.

    Returns
    -------
    One row per order, in order of time
        order_id, customer_id, channel
        group : number of the customer's group in GROUPS
        ordered_at : timestamp within opening hours
        cents : the Gamma-Gamma draw of the order in CNY cents
    """
    rng = stream(seed, "orders", region.key)
    people = people[people["region"] == region.key].reset_index(drop=True)
    who, at = _purchase_times(people, rng)
    rows = people.loc[who].reset_index(drop=True)
    number = _group_numbers(rows)
    usual = rng.random(len(rows)) < 0.7
    found = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "channel": np.where(usual, rows["channel"], _channels(number, rng)),
            "group": number,
            "ordered_at": _opening_hours(at, rng),
            "cents": np.rint(100 * rng.gamma(region.p, rows["order_value"] / region.p)).astype(int),
        }
    )
    found = found.sort_values("ordered_at", kind="stable", ignore_index=True)
    found.insert(0, "order_id", [f"{region.code}{number:07d}" for number in found.index + 1])
    return found


def _purchase_times(
    people: pd.DataFrame, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Row of the customer and day of each purchase, the first one included."""
    first, rate = people["first_at"].to_numpy(), people["purchase_rate"].to_numpy()
    days = np.minimum(people["left_at"].to_numpy(), N_DAYS) - first
    swing = np.array([group.season for group in GROUPS])[_group_numbers(people)]
    who = np.repeat(np.arange(len(people)), rng.poisson(rate * (1 + swing) * days / 7))
    at = first[who] + days[who] * rng.random(len(who))
    kept = rng.random(len(who)) * (1 + swing[who]) < _season(at, swing[who])
    return np.r_[np.arange(len(people)), who[kept]], np.r_[first, at[kept]]


def _opening_hours(day: np.ndarray | pd.Series, rng: np.random.Generator) -> pd.Series:
    seconds = rng.integers(9 * 3600, 21 * 3600, len(day))
    return dates(day) + pd.to_timedelta(seconds, unit="s")


def lines(orders: pd.DataFrame, region: Region, seed: int) -> pd.DataFrame:
    """Split orders into lines; the cents of an order's lines sum to the order's.

    Returns
    -------
    One row per order line, in order of time
        order_id, customer_id, ordered_at, product, category, channel
        quantity : pieces, square metres or litres
        unit_price, discount, amount, cost : CNY cents; unit_price is before discount, the others
            are of the whole line, and amount = quantity * unit_price - discount
    """
    rng = stream(seed, "lines", region.key)
    place, product = _baskets(orders["group"].to_numpy(), rng)
    order = orders.loc[place].reset_index(drop=True)
    goods = PRODUCTS.loc[product].reset_index(drop=True)
    cents = _split(order["cents"], place, goods["basket"] * rng.gamma(4, size=len(goods)))
    rates = np.array([group.discounted for group in GROUPS])[order["group"]]
    off = rng.choice([0.05, 0.10, 0.15], len(goods)) * (rng.random(len(goods)) < rates)
    gross = cents / (1 - off)
    quantity = np.rint(gross / (100 * goods["price"])).clip(lower=1).astype(int)
    unit_price = np.ceil(gross / quantity).astype(int)
    cost = quantity * unit_price * (1 - goods["margin"]) * rng.uniform(0.95, 1.05, len(goods))
    return pd.concat([order, goods[["product", "category"]]], axis=1).assign(
        quantity=quantity,
        unit_price=unit_price,
        discount=quantity * unit_price - cents,
        amount=cents,
        cost=np.rint(cost).astype(int),
    )


def _baskets(group: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Row of the order and of the product of each line; no product twice in an order."""
    weight = np.array([PRODUCTS["category"].map(group.categories) for group in GROUPS])
    size = 1 + rng.binomial(3, np.array([group.lines for group in GROUPS])[group])
    liking = np.log(weight)[group] + rng.gumbel(size=(len(group), len(PRODUCTS)))
    best = np.argsort(-liking, axis=1)[:, :4]
    is_line = np.arange(4) < size[:, None]
    return np.nonzero(is_line)[0], best[is_line]


def _split(total: pd.Series, place: np.ndarray, weight: pd.Series) -> pd.Series:
    """Split each order's cents over its lines in proportion to weight, a cent or more each."""
    by_order = weight.groupby(place)
    rest = total - by_order.transform("size")
    upto = np.rint(rest * by_order.cumsum() / by_order.transform("sum"))
    return (1 + upto.groupby(place).diff().fillna(upto)).astype(int)


def returns(lines: pd.DataFrame, region: Region, seed: int) -> pd.DataFrame:
    """Goods brought back one to six weeks later, up to AS_OF; columns as in `lines`.

    One row per returned line: quantity, discount, amount and cost are those of the purchase with
    the opposite sign; order_id is the purchase's after an R.
    """
    rng = stream(seed, "returns", region.key)
    shares = lines["category"].map({kind.key: kind.return_share for kind in CATEGORIES})
    back = lines[rng.random(len(lines)) < shares].reset_index(drop=True)
    day = (back["ordered_at"] - pd.Timestamp(FIRST_DAY)).dt.days + rng.integers(7, 43, len(back))
    signed = ["quantity", "discount", "amount", "cost"]
    back[signed] = -back[signed]
    back = back.assign(order_id="R" + back["order_id"], ordered_at=_opening_hours(day, rng))
    return back[day < N_DAYS]

"""The lines of orders, with prices, discounts and costs, and returns."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import CATEGORIES, FIRST_DAY, N_DAYS, Group
from cvm_analysis.sample.draws import opening_hours
from cvm_analysis.sample.trade import Trade

PRODUCTS = pd.DataFrame(
    [
        (name, kind.key, price, kind.margin, kind.basket, kind.return_share)
        for kind in CATEGORIES
        for name, price in kind.products.items()
    ],
    columns=["product", "category", "price", "margin", "basket", "return_share"],
)


def lines(
    orders: pd.DataFrame, groups: Sequence[Group | Trade], rng: np.random.Generator
) -> pd.DataFrame:
    """Split orders into lines whose cents sum to those of the order.

    One row per order line: the columns of `orders` (one of them group, an index of `groups`), and
        product, category
        quantity : pieces, square metres or litres
        unit_price, discount, amount, cost : CNY cents, unit_price before discount, the others of
            the whole line; amount = quantity * unit_price - discount
    """
    place, product = _baskets(orders["group"].to_numpy(), groups, rng)
    order = orders.iloc[place].reset_index(drop=True)
    goods = PRODUCTS.loc[product].reset_index(drop=True)
    cents = _split(order["cents"], place, goods["basket"] * rng.gamma(4, size=len(goods)))
    rates = np.array([group.discounted for group in groups])[order["group"]]
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


def _baskets(
    group: np.ndarray, groups: Sequence[Group | Trade], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the order and product of each line; an order has a product only once."""
    weight = np.array([PRODUCTS["category"].map(each.categories) for each in groups])
    size = 1 + rng.binomial(3, np.array([each.lines for each in groups])[group])
    liking = np.log(weight)[group] + rng.gumbel(size=(len(group), len(PRODUCTS)))
    best = np.argsort(-liking, axis=1)[:, :4]
    is_line = np.arange(4) < size[:, None]
    return np.nonzero(is_line)[0], best[is_line]


def _split(total: pd.Series, place: np.ndarray, weight: pd.Series) -> pd.Series:
    """Split each order's cents in proportion to weight, at least one cent per line."""
    by_order = weight.groupby(place)
    rest = total - by_order.transform("size")
    upto = np.rint(rest * by_order.cumsum() / by_order.transform("sum"))
    return (1 + upto.groupby(place).diff().fillna(upto)).astype(int)


def returns(lines: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Lines returned one to six weeks later, up to AS_OF.

    One row per returned line, columns as in `lines` without delivery dates: quantity, discount,
    amount and cost have the opposite sign, order_id has the prefix R.
    """
    shares = lines["category"].map({kind.key: kind.return_share for kind in CATEGORIES})
    back = lines[rng.random(len(lines)) < shares].reset_index(drop=True)
    day = (back["ordered_at"] - pd.Timestamp(FIRST_DAY)).dt.days + rng.integers(7, 43, len(back))
    signed = ["quantity", "discount", "amount", "cost"]
    back[signed] = -back[signed]
    back = back.assign(
        order_id="R" + back["order_id"].astype(str), ordered_at=opening_hours(day, rng)
    )
    return back[day < N_DAYS].drop(columns=["promised_on", "delivered_on"])

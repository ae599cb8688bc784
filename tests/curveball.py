"""Shuffles of baskets that keep the size of each basket and the baskets of each product.

Strona et al. (2014), "A fast and unbiased procedure to randomize ecological binary matrices with
fixed row and column totals", Nature Communications 5, 4114: two baskets trade what only one has.
"""

import numpy as np
import pandas as pd


def shuffle(rows: pd.DataFrame, seed: int, trades: int = 5) -> pd.DataFrame:
    """Shuffle the products of baskets; rows : customer_id, basket, product; trades : per basket."""
    rng = np.random.default_rng(seed)
    keys = rows.groupby(["customer_id", "basket"], sort=False, observed=True).ngroup().to_numpy()
    order = np.argsort(keys, kind="stable")
    codes, names = pd.factorize(rows["product"].to_numpy()[order])
    cuts = np.flatnonzero(np.diff(keys[order])) + 1
    baskets = [set(each.tolist()) for each in np.split(codes, cuts)]
    for i, j in rng.integers(0, len(baskets), (trades * len(baskets), 2)):
        mine, other = baskets[i] - baskets[j], baskets[j] - baskets[i]
        traded = [*mine, *other]
        rng.shuffle(traded)
        both = baskets[i] & baskets[j]
        baskets[i] = both | set(traded[: len(mine)])
        baskets[j] = both | set(traded[len(mine) :])
    new = np.concatenate([sorted(each) for each in baskets])
    return rows.iloc[order].assign(product=np.asarray(names, dtype=object)[new])

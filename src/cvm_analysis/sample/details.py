"""Personal details of the customers' records, all invented: name, phone, e-mail, address."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cvm_analysis.sample.draws import stream

COLUMNS = ("name", "phone", "email", "address")
MISSING = {"name": 0.0, "phone": 0.02, "email": 0.35, "address": 0.10}  # share of the records
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "建国志强晓梅雨婷佳怡子轩思远浩然若兰海燕振华春生秋月玉珍德明文静俊杰"
DISTRICTS = ("和平区", "新城区", "江北区", "城东区", "西湖区", "高新区")
ROADS = ("花园路", "人民路", "解放街", "学府路", "滨河大道", "金桥路", "槐树街", "长青路")


def details(customers: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Add to each customer name, phone, email and address; a missing one is an empty text.

    customers : customer_id, city; the same index is returned
    """
    rng, n = stream(seed, "details"), len(customers)
    given = np.array([GIVEN[i : i + 2] for i in range(0, len(GIVEN), 2)])
    name = np.char.add(rng.choice(list(SURNAMES), n), rng.choice(given, n))
    number, room = rng.integers(1, 400, n), rng.integers(101, 3300, n)
    district, road = rng.choice(DISTRICTS, n), rng.choice(ROADS, n)
    places = zip(customers["city"], district, road, number, room, strict=True)
    found: dict[str, Sequence[str] | np.ndarray] = {
        "name": name,
        "phone": [f"1{a}{b:09d}" for a, b in zip(
            rng.integers(3, 10, n), rng.integers(0, 10**9, n), strict=True)],
        "email": [f"user{number}@example.com" for number in rng.integers(10**5, 10**7, n)],
        "address": [f"{c}市{d}{r}{a}号{b}室" for c, d, r, a, b in places],
    }  # fmt: skip
    known = {kind: rng.random(n) >= MISSING[kind] for kind in COLUMNS}
    written = {
        kind: pd.Series(found[kind], customers.index).where(known[kind], "") for kind in COLUMNS
    }
    return customers.assign(**written)

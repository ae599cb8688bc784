"""Published figures and those of packages in R, as small tables; README.md names their sources."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

FOLDER = Path(__file__).parent


class Fit(NamedTuple):
    """What a package returns: by parameter, and the log-likelihood."""

    estimate: pd.Series
    std_error: pd.Series
    log_likelihood: float


def read(name: str, **where: str) -> pd.DataFrame:
    """The rows of a table in this folder whose columns have the given values."""
    rows = pd.read_csv(FOLDER / f"{name}.csv")
    for column, value in where.items():
        rows = rows[rows[column] == value]
    assert len(rows), (name, where)
    return rows


def parameters(data: str, model: str, package: str = "CLVTools 0", fit: str = "default") -> Fit:
    """A fit to cdnow or apparel.

    package : how its name begins; fit : "default" as returned, "polished" at the exact maximum.
    """
    rows = read("parameters", data=data, model=model, fit=fit).set_index("parameter")
    rows = rows[rows["package"].str.startswith(package)]
    assert rows.index.is_unique and len(rows), (data, model, package, fit)
    return Fit(rows["estimate"], rows["std_error"], rows["log_likelihood"].iloc[0])


def functions(model: str) -> list[tuple[list[float], pd.DataFrame]]:
    """Parameters p1 to p4, and 34 histories each: usual ones, and where the packages fail.

    Columns: x, t_x, T (weeks); of clv (CLVTools), btyd and btydplus LL, PAlive, CET39 (purchases in
    39 weeks), DERT_ann10pct (discounted by 10 % a year), empty where the package fails.
    """
    rows = read("function_grid", model=model)
    names = ["p1", "p2", "p3", "p4"]
    return [(points[names].iloc[0].tolist(), points) for _, points in rows.groupby("set")]

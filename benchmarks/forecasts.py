"""Accuracy of the forecast that `backtest.run` chooses, beside lifetimes and naive forecasts.

Run: python benchmarks/forecasts.py [log ...]; without a log, all that are there. Each log is cut
at a day; everything is chosen and fitted by the data up to it and scored on what came after. CDNOW
comes with the package lifetimes; the others lie in the folder that CVM_TEST_DATA names (README.md).
Where a log has attributes of customers, it is also run with them (`value.covariates`).
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cvm_analysis import backtest
from cvm_analysis.backtest import by_type, holdout, purchases, trials
from cvm_analysis.clv import naive

DATA = Path(os.environ.get("CVM_TEST_DATA") or Path(__file__).parent.parent.parent / "shared")
LIFETIMES = ("BetaGeoFitter", "ParetoNBDFitter")
METRICS = ["rmse", "log_score", "mae", "bias_total"]


def read_cdnow() -> pd.DataFrame:
    """CDNOW, 1/10 sample."""
    return _read_cdnow("CDNOW_sample.txt", ["master_id", "customer_id", "day", "discs", "amount"])


def read_full_cdnow() -> pd.DataFrame:
    """The whole of CDNOW."""
    return _read_cdnow("CDNOW_master.txt", ["customer_id", "day", "discs", "amount"], header=0)


def _read_cdnow(file: str, names: list[str], **how: int) -> pd.DataFrame:
    package = importlib.util.find_spec("lifetimes")
    path = Path(package.submodule_search_locations[0]) / "datasets" / file
    text = {"customer_id": str, "day": str}
    log = pd.read_csv(path, sep=r"\s+", names=names, dtype=text, **how)
    return log.assign(day=pd.to_datetime(log["day"], format="%Y%m%d"))


def read_online_retail() -> pd.DataFrame:
    """UCI Online Retail: sold lines with a customer."""
    columns = ["CustomerID", "InvoiceDate", "Quantity", "UnitPrice"]
    path = DATA / "data/online_retail/online_retail.csv.gz"
    log = pd.read_csv(path, usecols=columns, dtype={"CustomerID": str})
    log = log[log["CustomerID"].notna()]
    amount = log["Quantity"] * log["UnitPrice"]
    day = pd.to_datetime(log["InvoiceDate"])
    return pd.DataFrame({"customer_id": log["CustomerID"], "day": day, "amount": amount})


def read_apparel() -> pd.DataFrame:
    """Sales of an apparel retailer."""
    log = pd.read_csv(DATA / "oracles/input_apparelTrans.csv", parse_dates=["Date"])
    return log.set_axis(["customer_id", "day", "amount"], axis=1)


def read_orders() -> pd.DataFrame:
    """Orders in the R package rfm; nothing was chosen on them."""
    log = pd.read_csv(DATA / "data/rfm_orders/rfm_data_orders.csv", parse_dates=["order_date"])
    names = {"order_date": "day", "revenue": "amount"}
    return log.rename(columns=names)[["customer_id", "day", "amount"]]


def read_genders_and_channels() -> pd.DataFrame:
    """Attributes of the apparel retailer's customers: 0 or 1."""
    return pd.read_csv(DATA / "oracles/input_apparelStaticCov.csv", index_col="Id")


def read_countries() -> pd.DataFrame:
    """The country of the first line of each customer of UCI Online Retail."""
    path = DATA / "data/online_retail/online_retail.csv.gz"
    log = pd.read_csv(path, usecols=["CustomerID", "Country"], dtype={"CustomerID": str})
    return log.dropna().groupby("CustomerID").first()


LOGS = {  # how to read it, the day of the cut, weeks to forecast
    "CDNOW": (read_cdnow, "1997-09-30", 39),
    "UCI Online Retail": (read_online_retail, "2011-06-30", 23),
    "apparel": (read_apparel, "2006-12-31", 207),
    "orders (rfm), untuned": (read_orders, "2006-06-30", 26),
}
ATTRIBUTES = {"apparel": read_genders_and_channels, "UCI Online Retail": read_countries}


def main(names: list[str]) -> None:
    """Print one table of all logs."""
    print("| log | forecast | RMSE | log score | MAE of medians | bias of total |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (read, cut, weeks) in LOGS.items():
        if names and name.split()[0].lower() not in names:
            continue
        try:
            log = read()
        except FileNotFoundError as error:
            print(f"{name}: left out, no {error.filename}", file=sys.stderr)
            continue
        began = time.process_time()
        found = backtest.run(log, cut, weeks)
        spent = time.process_time() - began
        report(name, log, found, weeks)
        print(f"{name}: {found.weeks} weeks a period, {spent:.1f} s", file=sys.stderr)
        if name in ATTRIBUTES:
            attributes, days = ATTRIBUTES[name](), purchases.by_day(log)
            known = {"customers": partial(read_customers, days, attributes)}
            found = backtest.run(log, cut, weeks, **known, covariates=list(attributes))
            report(f"{name}, attributes", log, found, weeks, ["covariates"])


def read_customers(days: pd.DataFrame, attributes: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """The customers as of a day, with their attributes."""
    return purchases.customers(days, day).join(attributes)


def report(
    name: str,
    log: pd.DataFrame,
    found: by_type.Backtest,
    weeks: int,
    others: Sequence[str] = (trials.DEFAULT, "own_rate", "last_period", "recency_rule"),
) -> None:
    """Print the rows of a log: the choice, other forecasts, and lifetimes beside the default."""
    (tried,) = found.types.values()
    days, now = purchases.by_day(log), tried.origins[-1]
    end = now.date + pd.Timedelta(weeks=weeks)
    actual = naive.purchases_between(days, now.customers.index, now.date, end)
    used = {tried.chosen[-1], *others}
    shown = {code: model for code, model in now.models.items() if code in used}
    trial = trials.try_forecasts(shown, now.customers, days, now.date, weeks)
    table = trials.report(trial, tried.chosen[-1], weeks)
    rows = table.pivot(index="model", columns="metric", values="value")
    if trials.DEFAULT in others:
        lent = pd.DataFrame(fit_lifetimes(now.customers, weeks))
        rounded, unknown = np.floor(lent + 0.5), lent * np.nan
        theirs = holdout.score(lent, rounded, unknown, actual)
        rows = pd.concat([rows, theirs.pivot(index="model", columns="metric", values="value")])
    mixed = ", ".join(f"{code} {w:.2f}" for code, w in now.weights.items() if w >= 0.02)
    for code in [tried.chosen[-1], *(c for c in rows.index if c != tried.chosen[-1])]:
        label = f"**{code}** ({mixed})" if code == "pool" else code
        label = label if code != tried.chosen[-1] or code == "pool" else f"**{code}**"
        figures = " | ".join("" if np.isnan(v) else f"{v:.4f}" for v in rows.loc[code, METRICS])
        print(f"| {name} | {label} | {figures} |")


def fit_lifetimes(customers: pd.DataFrame, weeks: int) -> dict[str, pd.Series]:
    """Expected purchases by the models of lifetimes, on the same histories."""
    import lifetimes

    h = [customers[name].astype(float) for name in ("x", "t_x", "T")]
    found = {}
    for kind in LIFETIMES:
        fitter = getattr(lifetimes, kind)()
        fitter.fit(*h)
        ahead = fitter.conditional_expected_number_of_purchases_up_to_time(weeks, *h)
        found[f"lifetimes {kind}"] = pd.Series(np.asarray(ahead), customers.index)
    whole = {name: mean for name, mean in found.items() if mean.notna().all()}
    if len(whole) < len(found):
        print(f"no number for some customers: {sorted(set(found) - set(whole))}", file=sys.stderr)
    return whole


if __name__ == "__main__":
    main([name.lower() for name in sys.argv[1:]])

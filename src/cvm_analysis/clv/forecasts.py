"""The models a forecast may rest on, fitted where the data can carry them; the rest is named.

Pareto/NBD is the default; where no drop-out is found or too little is there to fit, the next in
ORDER takes its place, in the end the customer's own pace. `trials` tells which was best before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd

from cvm_analysis.clv import (
    NAIVE,
    bg_nbd,
    gamma_gamma,
    histories,
    mbg_nbd,
    naive,
    nbd,
    pareto_nbd,
    partial_pooling,
    zero_truncated_nbd,
)
from cvm_analysis.clv.purchase_model import PurchaseModel
from cvm_analysis.errors import CvmError, FitError
from cvm_analysis.minimum_data import Note, shortfalls

_RECORDS = (
    pareto_nbd.MODEL, mbg_nbd.MODEL, bg_nbd.MODEL, nbd.MODEL, zero_truncated_nbd.MODEL,
)  # fmt: skip
FITTED: Mapping[str, PurchaseModel] = MappingProxyType({each.code: each for each in _RECORDS})
ORDER = (*FITTED, *NAIVE)  # from the most to the least preferred
PART = "value"
EARLIER = 4  # origins before the last day


def with_purchase(customers: pd.DataFrame) -> pd.DataFrame:
    """Keep who is modelled: retail customers who bought. Others buy rarely and in lumps."""
    return customers[(customers["customer_type"] == "retail") & customers["x"].notna()]


def keep_modelled_days(days: pd.DataFrame, buyers: pd.DataFrame) -> pd.DataFrame:
    """Keep the purchase days of who is modelled.

    days : customer_id, day; buyers : one row per customer, as `with_purchase` keeps them
    """
    return days[days["customer_id"].isin(buyers.index)]


def origins(last: dt.date, first: dt.date, weeks: int) -> tuple[list[dt.date], list[Note]]:
    """Dates to forecast from, one horizon apart: up to four before `last`, and `last` itself.

    The latest of the four is for the report, the others for the choice (`trials`). A date with less
    history before it than the least data ask for is left out, with a note if that leaves no trial
    or no choice.
    """
    dates = [last - dt.timedelta(weeks=weeks * k) for k in range(EARLIER, 0, -1)]
    history = [(date - first).days / 7 for date in dates]
    short = [shortfalls("choice", weeks=each) for each in history[:-1]]
    short.append(shortfalls("holdout", weeks=history[-1]))
    kept = [date for date, lack in zip(dates, short, strict=True) if not lack]
    return [*kept, last], [*short[-2], *short[-1]]


def fit(
    customers: pd.DataFrame, lent: partial_pooling.PriorData | None = None
) -> tuple[dict[str, Any], list[Note]]:
    """Fit every model these customers can carry: code -> fitted model, best first; and the notes.

    A model with drop-out that finds none is left out and named.

    customers : one row per customer, columns of table `customers`; only `with_purchase` ones count
    lent : what others lend; what is borrowed counts among the least data
    """
    buyers = with_purchase(customers)
    h, _ = histories.distinct(buyers)
    models: dict[str, Any] = {"own_rate": naive.OwnRate(), "recency_rule": naive.recency_rule(h)}
    if lent:
        h = partial_pooling.combine(h, lent.others, lent.kappa)
    repeat_buyers = h.loc[h["x"] > 0, "n"].sum()
    notes = shortfalls("purchase_model", buyers=h["n"].sum(), repeat_buyers=repeat_buyers)
    if not notes:
        for code, record in FITTED.items():
            try:
                model = record.fit(h)
            except FitError:
                notes.append(Note(PART, f"{code}_not_fitted"))
                continue
            if model.reason:
                notes.append(Note(PART, f"{code}_{model.reason}"))
            if model.reason != "no_drop_out_found":  # one rate for all customers is sound
                models[code] = model
    if lent:
        share = 100 * lent.own_share(len(buyers))
        notes.append(Note(PART, "borrowed_histories", share, lent.kappa))
    return {code: models[code] for code in ORDER if code in models}, notes


def relevant(notes: Sequence[Note], used: str) -> list[Note]:
    """Keep of the notes of `fit` those on the forecast in use, on the default, and general ones."""
    others = tuple(code for code in FITTED if code not in (used, next(iter(FITTED))))
    return [note for note in notes if not note.code.startswith(others)]


def fit_pace(paces: pd.DataFrame) -> tuple[nbd.Nbd | None, list[Note]]:
    """Fit how paces differ between customers who do not change (NBD); None where it cannot be.

    paces : one row per customer: x, t_x, T (weeks), as segments.unchanged.pace makes them
    """
    try:
        return nbd.fit(paces), []
    except CvmError:
        return None, [Note("transitions", "no_expected_moves")]


def fit_spend(customers: pd.DataFrame) -> tuple[Any, list[Note]]:
    """Fit Gamma-Gamma to the repeat purchases, or fall back on each customer's own mean."""
    buyers = with_purchase(customers)
    repeat = buyers[(buyers["x"] > 0) & (buyers["spend_per_repeat_day"] > 0)]
    notes = shortfalls("spend_model", repeat_buyers=len(repeat))
    if notes:
        return naive.own_mean(buyers), notes
    try:
        return gamma_gamma.fit(repeat), []
    except FitError:
        return naive.own_mean(buyers), [Note(PART, "gamma_gamma_not_fitted")]


def best(models: Mapping[str, Any], chosen: str) -> Any:
    """Take the chosen model if it could be fitted to all the data, else the next in ORDER."""
    return next(models[code] for code in (chosen, *ORDER) if code in models)


def rows(model: Any, customers: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Give the rows to ask a model for, and which of them is each customer's; see `distinct`.

    Most models know a customer by the history alone and are asked once for each; some know each
    customer (`by_customer`) and are asked with one row per customer, indexed by customer_id.
    """
    if not getattr(model, "by_customer", False):
        return histories.distinct(customers)
    h = customers.loc[customers["x"].notna(), ["x", "t_x", "T"]].astype(float)
    return h, pd.Series(h.index, h.index, name="history")


def calibration(model: Any, customers: pd.DataFrame, most: int = 7) -> pd.DataFrame:
    """Count customers by repeat purchases so far, actual and as the model expects them.

    One row per label `0`, `1`, ..., `7+`; columns actual, expected. No row for a forecast that
    gives no probabilities of a new customer's purchases (naive ones, challengers).
    """
    if not hasattr(model, "probability"):
        return pd.DataFrame()
    T = customers["T"].to_numpy(float)
    below = [float(model.probability(x, T).sum()) for x in range(most)]
    labelled = labels(customers["x"], most).value_counts()
    names = [*map(str, range(most)), f"{most}+"]
    return pd.DataFrame(
        {
            "actual": labelled.reindex(names, fill_value=0),
            "expected": [*below, len(T) - sum(below)],
        },
        index=names,
    )


def labels(repeats: pd.Series, most: int) -> pd.Series:
    """Label a number of repeat purchases: `0`, `1`, ..., `7+`."""
    return repeats.clip(upper=most).astype(int).map(lambda n: f"{n}+" if n == most else str(n))

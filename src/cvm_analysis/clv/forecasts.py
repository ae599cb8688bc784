"""The purchase models available, fitted where the data allow; notes name those left out.

Pareto/NBD is the default. Where it finds no drop-out or has too few data, the next in ORDER
replaces it, at the end the customer's own rate. `backtest.trials` compares them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

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
from cvm_analysis.clv.pool import Pool
from cvm_analysis.clv.purchase_model import PurchaseModel
from cvm_analysis.errors import CvmError, FitError
from cvm_analysis.minimum_data import Note, shortfalls

_RECORDS = (
    pareto_nbd.MODEL, mbg_nbd.MODEL, bg_nbd.MODEL, nbd.MODEL, zero_truncated_nbd.MODEL,
)  # fmt: skip
FITTED: Mapping[str, PurchaseModel] = MappingProxyType({each.code: each for each in _RECORDS})
ORDER = (*FITTED, *NAIVE)  # from the most to the least preferred
PART = "value"
N_ORIGINS = 3  # before the last day


def with_purchase(customers: pd.DataFrame) -> pd.DataFrame:
    """Keep the customers with a purchase, of every type; each type has a model of its own."""
    return customers[customers["x"].notna()]


def split_by_type(customers: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The customers with a purchase by type, the type with most customers first."""
    buyers = with_purchase(customers)
    order = (
        buyers["customer_type"]
        .value_counts()
        .sort_index()
        .sort_values(ascending=False, kind="stable")
    )
    return {str(kind): buyers[buyers["customer_type"] == kind] for kind in order.index}


def keep_modelled_days(days: pd.DataFrame, buyers: pd.DataFrame) -> pd.DataFrame:
    """Keep the purchase days of the modelled customers.

    days : customer_id, day; buyers : one row per customer, as `with_purchase` keeps them
    """
    return days[days["customer_id"].isin(buyers.index)]


def trial_weeks(history_weeks: float, horizon_weeks: float) -> int:
    """Length of a past period to try the forecasts on, in whole weeks.

    A third of the records, so that two past periods and the history before them fit in; but no less
    than a quarter of the horizon (shorter periods tell little of it) and no more than a half.
    Rounded up.
    """
    return math.ceil(min(max(history_weeks / 3, horizon_weeks / 4), horizon_weeks / 2))


def origins(last: dt.date, first: dt.date, weeks: int) -> tuple[list[dt.date], list[Note]]:
    """Dates to forecast from, one period apart: up to three before `last`, and `last` itself.

    An origin needs 4 weeks of records before it. Notes say if there is no past period, or only one.
    """
    dates = [last - dt.timedelta(weeks=weeks * k) for k in range(N_ORIGINS, 0, -1)]
    history = [(date - first).days / 7 for date in dates]
    short = [shortfalls("holdout", weeks=each) for each in history]
    usable = [date for date, lack in zip(dates, short, strict=True) if not lack]
    one = [Note(PART, "one_past_period", float(weeks))] if len(usable) == 1 else []
    return [*usable, last], [*short[-1], *one]


def fit(
    customers: pd.DataFrame,
    prior: partial_pooling.PriorData | None = None,
    resolution: Literal["day", "week"] = "day",
    wanted: Collection[str] | None = None,
) -> tuple[dict[str, Any], list[Note]]:
    """Fit every model for which the data suffice: code -> fitted model, best first; and the notes.

    A model with drop-out that finds none is left out, with a note.

    customers : of one type, one row each, columns of table `customers`; only `with_purchase` ones
        count
    prior : histories of other regions; they count towards the minimum data
    resolution : of the histories: "week" is faster and good enough for a past day
    wanted : codes of the models to fit beside the naive forecasts; None: all
    """
    buyers = with_purchase(customers)
    exact, _ = histories.distinct(buyers)
    h = exact if resolution == "day" else histories.distinct(buyers, resolution)[0]
    models: dict[str, Any] = {"own_rate": naive.OwnRate()}
    models["recency_rule"] = naive.fit_recency_rule(exact)
    if prior:
        h, exact = (partial_pooling.combine(each, prior.others, prior.kappa) for each in (h, exact))
    repeat_buyers = h.loc[h["x"] > 0, "n"].sum()
    notes = shortfalls("purchase_model", buyers=h["n"].sum(), repeat_buyers=repeat_buyers)
    if not notes:
        for code, record in FITTED.items():
            if wanted is not None and code not in wanted:
                continue
            try:
                # a window of records has a day on which it begins
                model = record.fit(h if record.is_from_first_purchase else exact)
            except FitError:
                notes.append(Note(PART, f"{code}_not_fitted"))
                continue
            if model.reason:
                notes.append(Note(PART, f"{code}_{model.reason}"))
            if model.reason != "no_drop_out_found":  # one rate for all customers is valid
                models[code] = model
    if prior:
        share = 100 * prior.own_share(len(buyers))
        notes.append(Note(PART, "borrowed_histories", share, prior.kappa))
    return {code: models[code] for code in ORDER if code in models}, notes


def select_notes(notes: Sequence[Note], used: Collection[str]) -> list[Note]:
    """Select the notes of `fit` on the forecasts in use, on the default, and general ones."""
    others = tuple(code for code in FITTED if code not in (*used, next(iter(FITTED))))
    return [note for note in notes if not note.code.startswith(others)]


def fit_purchase_rates(h: pd.DataFrame) -> tuple[nbd.Nbd | None, list[Note]]:
    """Fit the distribution of purchase rates without drop-out (NBD); None if it cannot be fitted.

    h : one row per customer: x, t_x, T (weeks), from `expected_by_chance.count_purchases`
    """
    try:
        return nbd.fit(h), []
    except CvmError:
        return None, [Note("transitions", "no_expected_moves")]


def fit_spend(customers: pd.DataFrame) -> tuple[Any, list[Note]]:
    """Fit Gamma-Gamma to the repeat purchases, or else take each customer's own mean."""
    buyers = with_purchase(customers)
    repeat = buyers[(buyers["x"] > 0) & (buyers["spend_per_repeat_day"] > 0)]
    notes = shortfalls("spend_model", repeat_buyers=len(repeat))
    if notes:
        return naive.fit_own_mean(buyers), notes
    try:
        return gamma_gamma.fit(repeat), []
    except FitError:
        return naive.fit_own_mean(buyers), [Note(PART, "gamma_gamma_not_fitted")]


def fit_spends(customers: pd.DataFrame) -> tuple[dict[str, Any], list[Note]]:
    """Fit the spend of each type of customer: customer_type -> spend, as `fit_spend`; and notes."""
    found = {kind: fit_spend(each) for kind, each in split_by_type(customers).items()}
    notes = [
        note._replace(customer_type=kind if len(found) > 1 else None)
        for kind, (_, each) in found.items()
        for note in each
    ]
    return {kind: spend for kind, (spend, _) in found.items()}, notes


def leading_model(model: Any) -> Any:
    """The fitted model of a pool with the largest weight, if it has one; else the model itself."""
    if not isinstance(model, Pool):
        return model
    fitted = [
        (weight, -number, member)
        for number, (member, weight) in enumerate(zip(model.members, model.weights, strict=True))
        if member.code in FITTED
    ]
    return max(fitted)[2] if fitted else model


def model_rows(model: Any, customers: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """The rows to forecast, and the row of each customer; see `histories.distinct`.

    Most models depend on the history alone: one row per distinct history. Models with `by_customer`
    need one row per customer, indexed by customer_id.
    """
    if not getattr(model, "by_customer", False):
        return histories.distinct(customers)
    h = customers.loc[customers["x"].notna(), ["x", "t_x", "T"]].astype(float)
    return h, pd.Series(h.index, h.index, name="history")


def expected_purchases(model: Any, customers: pd.DataFrame, weeks: float) -> pd.Series:
    """Purchases expected of each customer in the `weeks` after today, indexed by customer_id."""
    h, key = model_rows(model, customers)
    return model.expected_purchases(h, weeks).loc[key].set_axis(key.index)


def calibration(model: Any, customers: pd.DataFrame, most: int = 7) -> pd.DataFrame:
    """Count customers by repeat purchases so far, actual and expected by the model.

    One row per label `0`, `1`, ..., `7+`; columns actual, expected. No row for a forecast without
    probabilities of a new customer's purchases (naive ones, challengers).
    """
    if not hasattr(model, "probability"):
        return pd.DataFrame()
    T = customers["T"].to_numpy(float)
    below = [float(model.probability(x, T).sum()) for x in range(most)]
    labelled = label_repeats(customers["x"], most).value_counts()
    names = [*map(str, range(most)), f"{most}+"]
    expected = pd.Series([*below, len(T) - sum(below)], names)
    return pd.DataFrame({"actual": labelled.reindex(names, fill_value=0), "expected": expected})


def label_repeats(repeats: pd.Series, most: int) -> pd.Series:
    """Label a number of repeat purchases: `0`, `1`, ..., `7+`."""
    return repeats.clip(upper=most).astype(int).map(lambda n: f"{n}+" if n == most else str(n))

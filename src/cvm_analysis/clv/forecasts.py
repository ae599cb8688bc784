"""Which forecast to use: every model the data can carry, tried on a past it had not seen.

BG/NBD is the default; where no drop-out is identified NBD takes its place, and where there is too
little to fit, the customer's own pace. Models are chosen at an earlier origin and reported on the
last one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from cvm_analysis.choice import choose as choose_forecast
from cvm_analysis.clv import bg_nbd, gamma_gamma, histories, holdout, naive, nbd
from cvm_analysis.errors import CvmError, FitError
from cvm_analysis.least_data import Note, lacking
from cvm_analysis.tables import TABLES

ORDER = ("bg_nbd", "nbd", "own_rate")  # from the most to the least preferred
PART = "value"


class Trial(NamedTuple):
    """Forecasts made at an earlier date, and what happened: one value per customer known then."""

    forecasts: Mapping[str, pd.Series]  # model -> purchase days expected until the later date
    actual: pd.Series  # purchase days that came
    repeats: pd.Series  # repeat purchases before


def modelled(customers: pd.DataFrame) -> pd.DataFrame:
    """Keep who is modelled: retail customers who bought. Others buy rarely and in lumps."""
    retail = customers["customer_type"] == "retail"
    return customers[retail & (customers["n_orders"] > 0)]


def origins(last: dt.date, first: dt.date, weeks: int) -> tuple[list[dt.date], list[Note]]:
    """Dates to forecast from: two horizons before `last`, one before, and `last` itself.

    A date with less history before it than the least data ask for is left out, with a note.
    """
    dates = [last - dt.timedelta(weeks=weeks * k) for k in (2, 1)]
    history = [(date - first).days / 7 for date in dates]
    short = [lacking("choice", weeks=history[0]), lacking("holdout", weeks=history[1])]
    kept = [date for date, lack in zip(dates, short, strict=True) if not lack]
    return [*kept, last], [note for lack in short for note in lack]


def fit(customers: pd.DataFrame) -> tuple[dict[str, Any], list[Note]]:
    """Fit every model these customers can carry: code -> fitted model, best first; and the notes.

    customers : one row per customer, columns of table `customers`; only `modelled` ones count
    """
    models: dict[str, Any] = {"own_rate": naive.OwnRate()}
    buyers = modelled(customers)
    notes = lacking("purchase_model", buyers=len(buyers), repeat_buyers=(buyers["x"] > 0).sum())
    if not notes:
        h, _ = histories.distinct(buyers)
        for code, module in (("nbd", nbd), ("bg_nbd", bg_nbd)):
            try:
                model = module.fit(h)
            except FitError:
                notes.append(Note(PART, f"{code}_not_fitted"))
                continue
            if model.reason:
                notes.append(Note(PART, f"{code}_{model.reason}"))
            if model.reason != "no_drop_out_found":  # one rate for all customers is sound
                models[code] = model
    return {code: models[code] for code in ORDER if code in models}, notes


def fit_pace(paces: pd.DataFrame) -> tuple[nbd.Nbd | None, list[Note]]:
    """Fit how paces differ between customers who do not change (NBD); None where it cannot be.

    paces : one row per customer: x, t_x, T (weeks), as segments.unchanged.pace makes them
    """
    try:
        return nbd.fit(paces), []
    except CvmError:
        return None, [Note("moves", "no_expected_moves")]


def fit_spend(customers: pd.DataFrame) -> tuple[Any, list[Note]]:
    """Fit Gamma-Gamma to the repeat purchases, or fall back on each customer's own mean."""
    buyers = modelled(customers)
    repeat = buyers[(buyers["x"] > 0) & (buyers["spend_repeat_mean"] > 0)]
    notes = lacking("spend_model", repeat_buyers=len(repeat))
    if notes:
        return naive.own_mean(buyers), notes
    try:
        return gamma_gamma.fit(repeat), []
    except FitError:
        return naive.own_mean(buyers), [Note(PART, "gamma_gamma_not_fitted")]


def trial(earlier: pd.DataFrame, later: pd.DataFrame, weeks: float) -> Trial:
    """Fit on the customers as of an earlier date, forecast `weeks`, and look what came.

    earlier, later : one row per customer as of two dates `weeks` apart, columns of `customers`
    """
    buyers = modelled(earlier)
    models, _ = fit(buyers)
    h, key = histories.distinct(buyers)
    forecasts = {
        code: model.expected_purchases(h, weeks).loc[key].set_axis(key.index)
        for code, model in models.items()
    }
    came = later["n_days"].reindex(key.index) - buyers.loc[key.index, "n_days"]
    return Trial(forecasts, came.astype(float), buyers.loc[key.index, "x"])


def last_trial(past: list[pd.DataFrame], weeks: float) -> Trial:
    """Try the forecasts on the last period; an empty Trial where there is only one date."""
    if len(past) < 2:
        nothing = pd.Series(dtype=float)
        return Trial({}, nothing, nothing)
    return trial(past[-2], past[-1], weeks)


def choose(past: list[pd.DataFrame], weeks: float) -> str:
    """Choose the forecast at the earliest of three dates; with fewer, the first of ORDER.

    past : the customers as of each date of `origins`
    """
    if len(past) < 3 or modelled(past[0]).empty:
        return ORDER[0]
    tried = trial(past[0], past[1], weeks)
    return choose_forecast(tried.forecasts, tried.actual, ORDER[0], ORDER)


def best(models: Mapping[str, Any], chosen: str) -> Any:
    """Take the chosen model if it could be fitted to all the data, else the next in ORDER."""
    return next(models[code] for code in (chosen, *ORDER) if code in models)


def report(tried: Trial, chosen: str, weeks: float) -> pd.DataFrame:
    """Score a trial; columns of table `trust`, and no row where nobody was forecast."""
    if tried.actual.empty:
        return pd.DataFrame(columns=list(TABLES["trust"].columns))
    scores = holdout.score(tried.forecasts, tried.actual)
    return scores.assign(
        part=PART, horizon_days=round(weeks * 7), is_chosen=scores["model"] == chosen
    )


def calibration(model: Any, customers: pd.DataFrame, most: int = 7) -> pd.DataFrame:
    """Count customers by repeat purchases so far, actual and as the model expects them.

    One row per label `0`, `1`, ..., `7+`; columns actual, expected. No row for a forecast that
    gives no probabilities (own_rate).
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


def by_repeats(tried: Trial, most: int = 7) -> pd.DataFrame:
    """Mean purchases per customer, actual and by model, per number of repeat purchases before.

    One row per label `0`, `1`, ..., `7+`.
    """
    table = pd.DataFrame({"actual": tried.actual, **tried.forecasts})
    return table.groupby(labels(tried.repeats, most)).mean()


def labels(repeats: pd.Series, most: int) -> pd.Series:
    """Label a number of repeat purchases: `0`, `1`, ..., `7+`."""
    return repeats.clip(upper=most).astype(int).map(lambda n: f"{n}+" if n == most else str(n))

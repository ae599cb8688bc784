"""Value and probability of no purchase as of a past day, by the data known on that day.

The probability of no purchase within h is not 1 - P(alive): a customer who is alive may also buy
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cvm_analysis import processes
from cvm_analysis.clv import forecasts, histories, margins, value
from cvm_analysis.clv.numerics import predictive_distribution
from cvm_analysis.errors import FitError
from cvm_analysis.minimum_data import Note, shortfalls

Models = Mapping[str, Any]  # customer type -> fitted model


def codes_in_use(values: pd.DataFrame, customers: pd.DataFrame) -> dict[str, str]:
    """Read the forecast in use of each type of customer: customer_type -> code.

    values : table `value`; customers : customer_type of the same customers
    """
    models = values["model"].groupby(customers["customer_type"].reindex(values.index))
    return {str(kind): str(code) for kind, code in models.first().items()}


def fit_on_days(
    customers: Sequence[pd.DataFrame], codes: Mapping[str, str]
) -> tuple[list[Models], list[Note]]:
    """Fit the model of each type of customer to the data of each day.

    Parameters
    ----------
    customers : for each day, one row per customer as of it, columns of table `customers`; only
        those that `forecasts.with_purchase` keeps count
    codes : customer_type -> forecast in use; see `fit` for its substitutes

    Returns
    -------
    The models of each day; a type with too few data takes the model of the largest type that has
    one. And a note where no type has a model on the last day.
    """
    fitted = processes.run_each(lambda each: _fit_types(each, codes), customers)
    none = bool(fitted) and not fitted[-1]
    return fitted, [Note("churn", "no_value_model")] if none else []


def _fit_types(customers: pd.DataFrame, codes: Mapping[str, str]) -> Models:
    by_type = forecasts.split_by_type(customers)
    own = {kind: _fit_type(buyers, codes.get(kind, "")) for kind, buyers in by_type.items()}
    largest = next((model for model in own.values() if model), None)
    return {kind: model or largest for kind, model in own.items()} if largest else {}


def _fit_type(buyers: pd.DataFrame, code: str) -> Any:
    few = shortfalls("purchase_model", buyers=len(buyers), repeat_buyers=(buyers["x"] > 0).sum())
    return None if few else fit(buyers, code)


def estimate_margin(
    customers: pd.DataFrame,
    models: Models,
    horizon_weeks: float,
    annual_rate: float,
    assumed_margin: float,
) -> pd.DataFrame:
    """Value the customers of a past day by the models of that day.

    Parameters
    ----------
    customers : one row per customer as of the day, columns of table `customers`
    models : of the day, from `fit_on_days`; none: nobody is valued
    horizon_weeks, annual_rate : as for `value.estimate`
    assumed_margin : share of net spend, where costs are not known

    Returns
    -------
    One row per customer modelled; columns of `value.estimate`, the median of orders left empty.
    """
    buyers = forecasts.with_purchase(customers)
    modelled = buyers[buyers["customer_type"].isin(list(models))]
    if modelled.empty:
        columns = ["p_alive", "expected_orders", "expected_margin", "margin_at_stake"]
        return pd.DataFrame(columns=columns, dtype=float)
    spends, _ = forecasts.fit_spends(modelled)
    margin = margins.estimate(modelled, assumed_margin)
    terms = horizon_weeks, annual_rate, margin
    return value.estimate_by_type(modelled, models, spends, *terms, medians=False)


def estimate_on_days(
    customers: Sequence[pd.DataFrame],
    models: Sequence[Models],
    horizon_weeks: float,
    annual_rate: float,
    assumed_margin: float,
) -> list[pd.DataFrame]:
    """Value the customers of each of several days; `estimate_margin` for each."""
    return [
        estimate_margin(each, fitted, horizon_weeks, annual_rate, assumed_margin)
        for each, fitted in zip(customers, models, strict=True)
    ]


def forecast_no_purchase(
    customers: Sequence[pd.DataFrame], models: Sequence[Models], days: Sequence[int]
) -> list[pd.DataFrame]:
    """Forecast the probability of no purchase on each day, by the models of that day.

    Parameters
    ----------
    customers, models : for each day, as for `fit_on_days` and from it
    days : horizons

    Returns
    -------
    For each day, one row per customer; columns p_no_purchase_<h>d, in [0, 1], falling with h; no
    column where no type has a model.
    """
    tables = []
    for each, fitted in zip(customers, models, strict=True):
        by_type = [
            no_purchase_probabilities(fitted[kind], buyers, days)
            for kind, buyers in forecasts.split_by_type(each).items()
            if kind in fitted
        ]
        index = forecasts.with_purchase(each).index
        tables.append(pd.concat(by_type).reindex(index) if by_type else pd.DataFrame(index=index))
    return tables


def fit(buyers: pd.DataFrame, code: str) -> Any:
    """Fit the model `code`, else the first of `forecasts.FITTED` that can be fitted.

    A model in which no drop-out was found does not count; NBD, which has none, does. A small region
    uses only its own histories here. None: no model could be fitted.
    """
    h, _ = histories.distinct(buyers)
    for each in dict.fromkeys([code, *forecasts.FITTED]):
        record = forecasts.FITTED.get(each)
        try:
            model = record.fit(h) if record else None
        except FitError:
            continue
        if model and model.reason != "no_drop_out_found":
            return model
    return None


def no_purchase_probabilities(
    model: Any, customers: pd.DataFrame, days: Sequence[int]
) -> pd.DataFrame:
    """One row per customer; columns p_no_purchase_<h>d by a fitted model of `forecasts.FITTED`."""
    h, key = histories.distinct(customers)
    found = {
        f"p_no_purchase_{d}d": predictive_distribution.p_no_purchase(model, h, d / 7) for d in days
    }
    return pd.DataFrame(found).loc[key].set_axis(key.index)

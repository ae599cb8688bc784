"""Recalibration of churn forecasts by version 0.2.0 and now, on the same fits.

On several last days, the forecasts are fitted as notebook 06 does (Cox's model in its published
form, to save time), and the report's landmarks are forecast by the mean of 0.2.0 (all members
recalibrated together, on all customers of all landmarks) and by the present one. Printed: the mean
absolute calibration in the large (the level that a logistic regression with slope 1 would add, in
log odds) and the mean log loss, over days and horizons.

    python benchmarks/churn_recalibration.py CONFIG [days apart] [last days]
"""

import datetime as dt
import sys

import numpy as np
import pandas as pd
from scipy.special import expit

from cvm_analysis import prepared
from cvm_analysis.churn import ensemble, evaluation, forecasts, learning, recalibration
from cvm_analysis.churn.challengers import column_names
from cvm_analysis.clv import backtest_value
from cvm_analysis.clv.forecasts import with_purchase
from cvm_analysis.settings import load
from cvm_analysis.survival import cox

_SHRINKAGE = 0.004  # of the waves, in version 0.2.0: ridge penalty per row


def main(config: str, apart: int = 30, days: int = 8) -> None:
    """Print a line per horizon and version."""
    settings = load(config)
    data, horizon = prepared.open(settings, "all"), settings.churn.horizon_days
    learning.cox_model.fit = cox.fit_plain
    rows = []
    for k in range(days):
        as_of = data.last_day - dt.timedelta(days=apart * k)
        plan = forecasts.plan(as_of, data.first_day, horizon)
        buyers = [with_purchase(data.customers(day)) for day in plan.days]
        types = {kind: "pareto_nbd" for kind in buyers[-1]["customer_type"].unique()}
        models, _ = backtest_value.fit_on_days(buyers, types)
        p = backtest_value.forecast_no_purchase(buyers, models, plan.horizons)
        known = learning.gather(plan.days, buyers, p, [None] * len(buyers))
        bought = data.purchase_days(as_of).assign(day=lambda t: pd.to_datetime(t["day"]))
        for day, horizons in plan.report.items():
            learned = learning.learn(known, bought, day, plan.horizons)
            now = next(each for each in known if each.day == day)
            if "mean" not in learned.models:
                continue
            since = (pd.Timestamp(day) - bought["day"].min()).days / recalibration.YEAR
            forecast = {
                "0.2.0": before(learned, now, plan.horizons, since),
                "now": learned.forecast("mean", now, plan.horizons),
            }
            for each, name in zip(horizons, column_names(horizons), strict=True):
                end = day + dt.timedelta(days=each)
                came = learning.no_purchase(now, bought, end, [each])[name]
                rows += [
                    (each, code, *score(table[name], came)) for code, table in forecast.items()
                ]
    table = pd.DataFrame(rows, columns=["days", "version", "level", "log_loss"])
    print(table.groupby("version")[["level", "log_loss"]].mean().round(4).to_string())
    print(table.groupby(["days", "version"]).mean().unstack().round(4).to_string())


def before(
    learned: learning.Learned, now: learning.Snapshot, horizons: list[int], years: float
) -> pd.DataFrame:
    """The mean of version 0.2.0: all members alike, recalibrated together."""
    members = [learned.models[code] for code in ("cox", "boosted", "value_model")
               if code in learned.models]  # fmt: skip
    past = ensemble.average(
        [ensemble.cross_fitted(each, learned.rows, horizons) for each in members]
    )
    rows = learning._rows([now], [learned.features(now)])
    mean = ensemble.average([each.p_no_purchase(rows, horizons) for each in members])
    inactive, day = learned.rows.inactive, learned.rows.day
    known = inactive.notna().to_numpy() & past.notna().to_numpy()
    row, column = np.nonzero(known)
    x = np.column_stack([np.ones(len(row)), evaluation.logit(past.to_numpy()[row, column])])
    if years >= 2:
        x = np.column_stack([x, recalibration._waves(day)[row]])
    found = evaluation.regression(x, inactive.to_numpy(float)[row, column], _SHRINKAGE)
    level, slope, *waves = found[0]
    shift = level + (recalibration._waves(rows.day) @ np.array(waves) if waves else 0.0)
    odds = np.broadcast_to(shift, len(rows.day))[:, None] + slope * evaluation.logit(
        mean.to_numpy(float)
    )
    return pd.DataFrame(expit(odds), now.customers.index, mean.columns)


def score(p: pd.Series, inactive: pd.Series) -> tuple[float, float]:
    """Absolute calibration in the large, and log loss."""
    level, odds = 0.0, evaluation.logit(p.to_numpy(float))
    for _ in range(50):
        q = expit(level + odds)
        level += (inactive - q).sum() / (q * (1 - q)).sum()
    return abs(level), -evaluation.log_score(p, inactive).mean()


if __name__ == "__main__":
    main(sys.argv[1], *(int(each) for each in sys.argv[2:]))

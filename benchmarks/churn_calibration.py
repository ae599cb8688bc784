"""Calibration of the forecasts of no purchase: the invented company, all regions, several days.

As notebook 06 does it, on each day: forecasts fitted to earlier landmarks, chosen at later ones and
reported on the last. For every forecast (a star marks the one in use): calibration slope and
intercept with their 95 % intervals, the largest error of a tenth of the customers, and the number
of tenths that are off by more than 3 points plus 2.8 standard errors.

    python benchmarks/churn_calibration.py [days before the last ...]
"""

import datetime as dt
import sys

import numpy as np

from cvm_analysis import prepared
from cvm_analysis.churn import evaluation, forecasts, learning
from cvm_analysis.clv import backtest_value
from cvm_analysis.clv.forecasts import with_purchase
from cvm_analysis.segments import loyalty
from cvm_analysis.segments.grades import ranks
from cvm_analysis.settings import load

BACK = (0, 30, 60, 91, 121)


def main(back: list[int]) -> None:
    """Print a line per day, horizon and forecast."""
    settings = load("config/sample.yaml")
    data, horizon = prepared.open(settings, "all"), settings.churn.horizon_days
    cards, loyal = settings.scorecards.scorecards, settings.segments.loyalty
    for days in back or BACK:
        as_of = data.last_day - dt.timedelta(days=days)
        plan = forecasts.plan(as_of, data.first_day, horizon)
        measured = [with_purchase(data.measures(day)) for day in plan.days]
        indexed = [loyalty.add_own_index(each, loyal) for each in measured]
        graded = ranks.rank_on_days(cards, indexed, plan.days)
        types = {kind: "pareto_nbd" for kind in indexed[-1]["customer_type"].unique()}
        models, _ = backtest_value.fit_on_days(indexed, types)
        forecast = backtest_value.forecast_no_purchase(indexed, models, plan.horizons)
        known = learning.gather(plan.days, indexed, forecast, graded)
        backtest = forecasts.run(plan, known, data.purchase_days(as_of))
        chosen = forecasts.find_available(backtest, forecasts.choose(backtest.earlier))
        for trial in backtest.last:
            for code in trial.p_no_purchase:
                mark = "*" if code == chosen else " "
                print(
                    as_of, f"{trial.horizon_days:>4} days {code:<11}{mark}", describe(trial, code)
                )


def describe(trial: forecasts.Trial, code: str) -> str:
    """Describe the calibration of a forecast in one trial, in a line."""
    p = trial.p_no_purchase[code]
    found = evaluation.score({code: p}, trial.inactive).set_index("metric")["value"]
    coefficients = [
        f"{name} {found[key]:.3f} ({found[f'{key}_low']:.3f} to {found[f'{key}_high']:.3f})"
        for name, key in (("slope", "calibration_slope"), ("intercept", "calibration_intercept"))
    ]
    tenths = evaluation.calibration(p, trial.inactive)
    error = np.sqrt(tenths["predicted"] * (1 - tenths["predicted"]) / tenths["n"])
    beyond = (tenths["actual"] - tenths["predicted"]).abs() - (0.03 + 2.8 * error)
    worst = (tenths["actual"] - tenths["predicted"]).abs().max()
    off = f"worst tenth {100 * worst:.1f} points, beyond {beyond.gt(0).sum()}"
    return ", ".join([*coefficients, off])


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]])

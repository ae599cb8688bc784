"""Is the risk of silence honest? The invented company, all regions, as of several days.

As notebook 05 does it, at each day: forecasts learned at earlier landmarks, chosen at later ones,
and reported on the last. For every forecast (that in use has a star): calibration slope and
intercept with their 95 % intervals, how far the worst tenth is off, and how many tenths are off by
more than 3 points plus 2.8 standard errors.

    python benchmarks/churn_calibration.py [days before the last ...]
"""

import datetime as dt
import sys

import numpy as np

from cvm_analysis import prepared
from cvm_analysis.churn import evaluation, forecasts, learning
from cvm_analysis.clv import no_purchase_probability
from cvm_analysis.clv.forecasts import with_purchase
from cvm_analysis.segments import loyalty
from cvm_analysis.segments.grades import ranks
from cvm_analysis.settings import load

BACK = (0, 30, 60, 91, 121)


def main(back: list[int]) -> None:
    """Print a line per day, horizon and forecast."""
    settings = load("config/sample.yaml")
    data, horizon = prepared.open(settings, "all"), settings.churn.horizon_days
    cards, weights = settings.scorecards.scorecards["retail"], settings.segments.loyalty.weights
    for days in back or BACK:
        as_of = data.last_day - dt.timedelta(days=days)
        plan = forecasts.plan(as_of, data.first_day, horizon)
        measured = [with_purchase(data.measures(day)) for day in plan.days]
        seen = [loyalty.add_index(each, loyalty.fit_card(each, weights)) for each in measured]
        graded = [
            ranks.grade_rank_at(cards, each, day) for each, day in zip(seen, plan.days, strict=True)
        ]
        told = [
            no_purchase_probability.for_landmark(people, "pareto_nbd", plan.horizons)[0]
            for people in seen
        ]
        known = [
            learning.Snapshot(*each) for each in zip(plan.days, seen, told, graded, strict=True)
        ]
        tried = forecasts.run(plan, known, data.purchase_days(as_of))
        chosen = forecasts.find_available(tried, forecasts.choose(tried.earlier))
        for trial in tried.last:
            for code in trial.p_no_purchase:
                mark = "*" if code == chosen else " "
                print(as_of, f"{trial.horizon_days:>4} days {code:<11}{mark}", said(trial, code))


def said(trial: forecasts.Trial, code: str) -> str:
    """Calibration of a forecast in one trial, in a line."""
    p = trial.p_no_purchase[code]
    found = evaluation.score({code: p}, trial.inactive).set_index("metric")["value"]
    both = [
        f"{name} {found[key]:.3f} ({found[f'{key}_low']:.3f} to {found[f'{key}_high']:.3f})"
        for name, key in (("slope", "calibration_slope"), ("intercept", "calibration_intercept"))
    ]
    tenths = evaluation.calibration(p, trial.inactive)
    error = np.sqrt(tenths["predicted"] * (1 - tenths["predicted"]) / tenths["n"])
    beyond = (tenths["actual"] - tenths["predicted"]).abs() - (0.03 + 2.8 * error)
    worst = (tenths["actual"] - tenths["predicted"]).abs().max()
    return (
        f"{both[0]}, {both[1]}, worst tenth {100 * worst:.1f} points, beyond {beyond.gt(0).sum()}"
    )


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]])

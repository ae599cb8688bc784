"""Backtest of contract forecasts, on contracts that were running on an earlier day.

The forecasts use what was known on that day. The outcome is how long each contract ran on from
there, so no row is observed late. Where there is no earlier day, because the table has tenures or
recent leavers only, half of the contracts are forecast from the other half, from the age at which
each was first observed.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import pandas as pd

from cvm_analysis.churn import contracts
from cvm_analysis.churn.contracts import Study
from cvm_analysis.minimum_data import Note
from cvm_analysis.survival import ipcw_metrics

COX, WEIBULL, ALIKE = "cox", "weibull", "alike"  # alike: tenure alone (Kaplan-Meier)
PART = "contracts"
_STEPS = 12  # of the time between the landmark and today, at which forecasts are scored


class Trial(NamedTuple):
    """Forecasts of an earlier day and their outcome; all empty without contracts to score."""

    survival: dict[str, pd.DataFrame]  # model -> P(still running), a column per number of days
    outcome: pd.DataFrame  # one row per contract running on that day: duration since then, event
    scores: pd.DataFrame  # model, metric, value; see `ipcw_metrics.score`
    notes: tuple[Note, ...] = ()


def trial(
    table: pd.DataFrame, landmark: dt.date, as_of: dt.date, first_day: dt.date | None = None
) -> Trial:
    """Fit the models as of the landmark, forecast the ends that followed, and score them.

    Parameters
    ----------
    table : one row per contract, as for `contracts.study`
    landmark : the day of the forecasts
    as_of : the last day that counts, far enough after the landmark for contracts to end
    first_day : as for `contracts.durations`

    Returns
    -------
    A Trial of cox and weibull, where they could be fitted, and alike. Contracts that one of these
    cannot forecast are left out of all.
    """
    if not _knows(table, landmark):
        return _held_out(table, as_of, first_day)
    recorded = first_day is None or landmark >= first_day
    known = table[(pd.to_datetime(table["started_on"]) <= pd.Timestamp(landmark)) & recorded]
    past = contracts.study(known, landmark, first_day if recorded else None)
    outcome = _outcome(known, past.spans, landmark, as_of)
    tenure = past.spans.loc[outcome.index, "duration"]
    return _score(past, known, outcome, tenure, (as_of - landmark).days)


def _knows(table: pd.DataFrame, landmark: dt.date) -> bool:
    """Whether the table says which contracts ran on an earlier day: tenures do not."""
    day = pd.Timestamp(landmark)
    if "tenure" in table and table["tenure"].notna().any():
        return False
    if "observed_from" not in table:
        return True
    started, observed = (pd.to_datetime(table[c]) for c in ("started_on", "observed_from"))
    return not (observed[started <= day] > day).any()


def _held_out(table: pd.DataFrame, as_of: dt.date, first_day: dt.date | None) -> Trial:
    """Forecast half of the contracts from the other half."""
    spans, _ = contracts.durations(table, as_of, first_day)
    drawn = np.random.default_rng(0).permutation(len(spans))
    learned, held = (np.sort(part) for part in np.split(drawn, [len(spans) // 2]))
    past = contracts.study(table.loc[spans.index[learned]], as_of, first_day)
    rows = spans.iloc[held]
    entry = rows["entry"] if "entry" in rows else pd.Series(0, rows.index)
    outcome = rows[["duration", "event"]].assign(duration=rows["duration"] - entry)
    window = int(outcome["duration"].max()) if len(outcome) else 0
    trial = _score(past, table, outcome, entry, window)
    return trial._replace(notes=(Note(PART, "held_out_contracts", float(len(rows))),))


def _score(
    past: Study, known: pd.DataFrame, outcome: pd.DataFrame, tenure: pd.Series, window: int
) -> Trial:
    """Forecast each contract of `outcome` from its tenure on, and score the forecasts."""
    days = sorted({window * step // _STEPS for step in range(1, _STEPS)} - {0})
    survival = _forecasts(past, known, tenure, days)
    complete = pd.concat(survival, axis=1).dropna().index if survival else outcome.index[:0]
    outcome = outcome.loc[complete]
    days = [day for day in days if day < outcome["duration"].max()]
    if not days or not outcome["event"].any():
        return Trial({}, outcome, pd.DataFrame(columns=["model", "metric", "value"]))
    survival = {name: p.loc[complete, days] for name, p in survival.items()}
    return Trial(survival, outcome, ipcw_metrics.score(survival, outcome, outcome))


def backtest_rows(trial: Trial, horizon_days: int) -> pd.DataFrame:
    """Return the scores as rows of table `backtest`, part contracts; Cox's model is chosen."""
    return trial.scores.assign(
        part=PART, horizon_days=horizon_days, is_chosen=trial.scores["model"] == COX
    )


def _outcome(
    known: pd.DataFrame, spans: pd.DataFrame, landmark: dt.date, as_of: dt.date
) -> pd.DataFrame:
    """How long each contract running on the landmark went on from there, up to `as_of`."""
    end = pd.to_datetime(known.loc[spans.index[spans["event"] == 0], "ended_on"])
    ended = end <= pd.Timestamp(as_of)
    lasted = (end.where(ended, pd.Timestamp(as_of)) - pd.Timestamp(landmark)).dt.days
    return pd.DataFrame({"duration": lasted, "event": ended.astype(int)})


def _forecasts(
    past: Study, known: pd.DataFrame, tenure: pd.Series, days: list[int]
) -> dict[str, pd.DataFrame]:
    """The probability of running so many days more, by model, the preferred first."""
    if not days or not past.spans["event"].any():
        return {}
    features = contracts.features(known).loc[tenure.index]
    ends = contracts.p_end_without_model(past.spans, tenure, days)
    models = {COX: past.cox, WEIBULL: past.aft}
    found = {
        name: model.survival(features, days, tenure) for name, model in models.items() if model
    }
    return found | {ALIKE: (1 - ends).set_axis(days, axis=1)}

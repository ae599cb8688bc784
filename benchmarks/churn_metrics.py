"""Scores of survival forecasts under censoring, against those of scikit-survival.

    PEER_PYTHON=../peer/bin/python python benchmarks/churn_metrics.py

Both sides get the same outcomes, forecasts and times: Cox's model of two data sets that lifelines
brings, and invented contracts with many equal durations, equal risks, much or no censoring. It
fails if a score differs by more than a millionth. The peer needs an environment of its own; the
variable PEER_PYTHON names its interpreter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

NEAR = 1e-6
PEER = "scikit-survival"
INSTALL = f"""{PEER} is not installed where PEER_PYTHON says; it is no part of this project's own
environment. Install it apart from it:
    python3.11 -m venv ../peer && ../peer/bin/pip install {PEER}
    PEER_PYTHON=../peer/bin/python python benchmarks/churn_metrics.py"""


class Case(NamedTuple):
    """One set of outcomes and a forecast of them, as both sides get it."""

    outcome: np.ndarray  # one row each: duration, event
    training: np.ndarray  # the same; gives the censoring
    times: np.ndarray
    survival: np.ndarray  # one row each, one column per time


def cases() -> dict[str, Case]:
    """What is scored, by name."""
    from lifelines import datasets

    gbsg2 = datasets.load_gbsg2().assign(tgrade=lambda rows: rows["tgrade"].str.len())
    for name in ("horTh", "menostat"):
        gbsg2[name] = gbsg2[name].factorize(sort=True)[0]
    return {
        "Rossi, Cox's model, weeks": by_cox(datasets.load_rossi(), "week", "arrest"),
        "GBSG2, Cox's model, days": by_cox(gbsg2, "time", "cens"),
        "4,000 contracts, days": invented(1, 4_000),
        "4,000, steps of 60 days, few risks": invented(2, 4_000, step=60, digits=1),
        "4,000, most censored": invented(3, 4_000, years=0.15),
        "1,000, training not censored": invented(4, 1_000, years=np.inf),
        "40 contracts, months": invented(5, 40, step=30),
    }


def by_cox(table: pd.DataFrame, duration: str, event: str) -> Case:
    """Cox's model fitted to every second row, scored on the others."""
    from lifelines import CoxPHFitter

    training, rows = table.iloc[::2], table.iloc[1::2]
    seen = [each[[duration, event]].to_numpy(float) for each in (rows, training)]
    outcome = shorter(*seen)
    times = grid(outcome, 1)
    survival = CoxPHFitter().fit(training, duration, event).predict_survival_function(rows, times)
    return Case(outcome, seen[1], times, survival.T.to_numpy())


def invented(seed: int, n: int, step: int = 1, years: float = 1.0, digits: int = 9) -> Case:
    """Contracts, part of whose risk the forecast does not know.

    step : days that durations are whole multiples of
    years : median time until a contract is lost sight of; infinite: none is
    digits : decimals of the risk; few make many equal forecasts
    """
    draws = np.random.default_rng(seed)
    known, unknown = draws.normal(size=(2, 2 * n))
    end = 500 * (draws.exponential(size=2 * n) / np.exp(known + unknown / 2)) ** (1 / 1.2)
    lost = draws.exponential(365 / np.log(2), 2 * n) * years
    seen = np.column_stack([np.ceil(np.minimum(end, lost) / step) * step, end <= lost])
    outcome = shorter(seen[n:], seen[:n])
    times = grid(outcome, step)
    risk = np.exp(known[n:].round(digits))
    return Case(outcome, seen[:n], times, np.exp(-np.outer(risk, (times / 450) ** 1.2)))


def shorter(outcome: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Outcomes watched for less than the training, as the peer wants it even of later endings."""
    duration, event = outcome.T
    until = 0.95 * min(duration.max(), training[:, 0].max())
    return np.column_stack([np.minimum(duration, until), event * (duration <= until)])


def grid(outcome: np.ndarray, step: int) -> np.ndarray:
    """Up to 25 times, whole steps, over the middle nine tenths of the endings."""
    duration, event = outcome.T
    first, last = np.quantile(duration[event == 1], [0.05, 0.95])
    times = np.unique(np.ceil(np.linspace(first, last, 25) / step) * step)
    return times[times < duration.max()]


def ours(case: Case) -> dict[str, list[float]]:
    """Scores by `cvm_analysis.survival.ipcw_metrics`."""
    import pandas as pd

    from cvm_analysis.survival import ipcw_metrics

    columns = ["duration", "event"]
    outcome, training = (pd.DataFrame(rows, columns=columns) for rows in case[:2])
    survival = pd.DataFrame(case.survival, columns=case.times)
    auc = ipcw_metrics.auc(-survival, outcome, training)
    brier = ipcw_metrics.brier(survival, outcome, training)
    return {
        "auc": auc.tolist(),
        "mean_auc": [ipcw_metrics.mean_auc(auc, outcome)],
        "brier": brier.tolist(),
        "integrated_brier": [ipcw_metrics.integrated_brier(brier)],
    }


def theirs(case: Case) -> dict[str, list[float]]:
    """The same by scikit-survival."""
    from sksurv import metrics
    from sksurv.util import Surv

    outcome, training = (Surv.from_arrays(rows[:, 1] == 1, rows[:, 0]) for rows in case[:2])
    given = training, outcome
    auc, mean_auc = metrics.cumulative_dynamic_auc(*given, 1 - case.survival, case.times)
    _, brier = metrics.brier_score(*given, case.survival, case.times)
    integrated = metrics.integrated_brier_score(*given, case.survival, case.times)
    return {
        "auc": auc.tolist(),
        "mean_auc": [float(mean_auc)],
        "brier": brier.tolist(),
        "integrated_brier": [float(integrated)],
    }


def by_the_peer(found: dict[str, Case]) -> dict[str, dict[str, list[float]]]:
    """The peer's scores of each case, from its own interpreter."""
    peer = os.environ.get("PEER_PYTHON", sys.executable)
    look = "import importlib.util as u, sys; sys.exit(u.find_spec('sksurv') is None)"
    if subprocess.run([peer, "-c", look], check=False).returncode:
        raise SystemExit(INSTALL)
    with tempfile.TemporaryDirectory() as folder:
        for name, case in found.items():
            np.savez(Path(folder) / f"{name}.npz", **case._asdict())
        command = [peer, __file__, "peer", folder]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def peer(folder: str) -> None:
    """Print the scores of every case in a folder, and the peer's version, as JSON."""
    scores = {path.stem: theirs(Case(**np.load(path))) for path in Path(folder).glob("*.npz")}
    print(json.dumps(scores | {PEER: version(PEER)}))


def main() -> None:
    """Print the largest difference of each score in each case; fail if one is too large."""
    found = cases()
    expected = by_the_peer(found)
    worst = 0.0
    for name, case in found.items():
        apart = {
            score: float(np.abs(np.subtract(values, expected[name][score])).max())
            for score, values in ours(case).items()
        }
        ended = case.outcome[:, 1].mean()
        differences = ", ".join(f"{score} {value:.1e}" for score, value in apart.items())
        print(f"{name:<35} {len(case.times):>2} times, {ended:4.0%} ended: {differences}")
        worst = max(worst, *apart.values())
    print(f"largest difference from {PEER} {expected[PEER]}: {worst:.1e}")
    if not worst <= NEAR:
        raise SystemExit(f"more than {NEAR:g}")


if __name__ == "__main__":
    peer(sys.argv[2]) if sys.argv[1:2] == ["peer"] else main()

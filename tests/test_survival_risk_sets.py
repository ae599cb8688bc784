"""Sums over risk sets: each against its definition written out, and R's residuals."""

import numpy as np
import pandas as pd
import published
import pytest
from published import r_survival

from cvm_analysis.survival import risk_sets


def rows(seed, n=50, ties=True, strata=3, late=True):
    """Random rows: terms, log hazards, and what was seen of each."""
    rng = np.random.default_rng(seed)
    duration = rng.integers(1, 9, n).astype(float) if ties else rng.exponential(4, n)
    entry = np.where(rng.random(n) < 0.5, -np.inf, duration * rng.uniform(0.1, 0.9, n))
    seen = pd.DataFrame(
        {
            "entry": np.floor(entry) if ties and late else entry if late else -np.inf,
            "duration": duration,
            "event": rng.integers(0, 2, n),
            "stratum": rng.integers(0, strata, n),
        }
    )
    x = rng.normal(size=(n, 3))
    return x, x @ [0.5, -0.3, 0.8], seen


def definition(x, log_hazard, seen):
    """Efron's sums event by event, as the books write them: slow and plain."""
    entry, stop, event, group = (seen[c].to_numpy() for c in seen)
    risk, scores, expected = np.exp(log_hazard), np.zeros_like(x), np.zeros(len(x))
    information, likelihood = np.zeros((x.shape[1], x.shape[1])), 0.0
    for stratum in np.unique(group):
        for time in np.unique(stop[(event == 1) & (group == stratum)]):
            dead = (stop == time) & (event == 1) & (group == stratum)
            there = (stop >= time) & (entry < time) & (group == stratum)
            likelihood += log_hazard[dead].sum()
            for r in range(dead.sum()):
                weight = risk * there * np.where(dead, 1 - r / dead.sum(), 1.0)
                likelihood -= np.log(weight.sum())
                mean = weight @ x / weight.sum()
                apart = x - mean
                information += (apart * weight[:, None]).T @ apart / weight.sum()
                scores += dead[:, None] / dead.sum() * apart
                scores -= weight[:, None] / weight.sum() * apart
                expected += weight / weight.sum()
    return scores, expected, information, likelihood


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ties", [True, False])
def test_likelihood_scores_and_information_are_those_of_the_definition(seed, ties):
    x, log_hazard, seen = rows(seed, ties=ties)
    scores, expected, information, likelihood = definition(x, log_hazard, seen)
    sets = risk_sets.build(x, log_hazard, seen)
    found, mean = np.zeros_like(x), np.zeros(len(x))
    for part in sets:
        found[part.rows], mean[part.rows] = part.scores(), part.expected()
    assert found == pytest.approx(scores, abs=1e-10)
    assert mean == pytest.approx(expected, abs=1e-10)
    assert sum(part.log_likelihood for part in sets) == pytest.approx(likelihood, abs=1e-10)
    gradient, curved = risk_sets.total(sets)
    assert gradient == pytest.approx(scores.sum(axis=0), abs=1e-10)
    assert curved == pytest.approx(information, abs=1e-10)


def test_information_is_how_fast_the_gradient_falls():
    x, log_hazard, seen = rows(7)
    _, information = risk_sets.total(risk_sets.build(x, log_hazard, seen))
    for k in range(x.shape[1]):
        up, down = (
            risk_sets.total(risk_sets.build(x, log_hazard + step * x[:, k], seen))[0]
            for step in (1e-5, -1e-5)
        )
        assert information[k] == pytest.approx((down - up) / 2e-5, rel=1e-6, abs=1e-6)


def test_weights_of_times_count_each_event_by_its_time():
    x, log_hazard, seen = rows(3, strata=1)
    (part,) = risk_sets.build(x, log_hazard, seen)
    early = seen.assign(event=seen["event"] * (seen["duration"] <= 4))
    gradient, information = risk_sets.total([part], lambda times: 1.0 * (times <= 4))
    wanted, curved = risk_sets.total(risk_sets.build(x, log_hazard, early))
    assert gradient == pytest.approx(wanted)
    assert information == pytest.approx(curved)


def test_what_a_term_would_bring_is_what_its_own_model_says():
    """The score test of one term alone: gradient squared over information."""
    gradient, information = np.array([3.0]), np.array([[2.0]])
    chisq, step = risk_sets.score_statistic(gradient, information, np.array([0]))
    assert (chisq, step[0]) == (4.5, 1.5)
    information = np.array([[4.0, 1.0], [1.0, 2.0]])  # 2 - 1 * 1 / 4 is left of the second
    chisq, step = risk_sets.score_statistic(np.array([0.0, 3.0]), information, np.array([1]))
    assert (chisq, step[0]) == (pytest.approx(9 / 1.75), pytest.approx(3 / 1.75))


def test_the_score_test_of_the_whole_model_is_that_of_r():
    for dataset, name in r_survival.NAMES:
        features, seen = _seen(r_survival.model(dataset, name))
        x = (features - features.mean()).to_numpy(float)
        sets = risk_sets.build(x, np.zeros(len(x)), seen)
        chisq, _ = risk_sets.score_statistic(*risk_sets.total(sets), np.arange(x.shape[1]))
        printed = published.read("cox_summary", dataset=dataset, model=name).iloc[0]
        assert chisq == pytest.approx(printed["score"], rel=1e-9)


def test_martingale_residuals_of_rossi_are_those_of_r():
    features, seen = _seen(r_survival.model("rossi", "full_efron"))
    printed = published.read("cox_residuals")
    coef = published.read("cox_coefficients", dataset="rossi", model="full_efron")
    coef = coef.set_index("term")["coef"][list(features)]
    x = features - features.mean().where(features.max() > 1, 0)  # R does not centre 0 and 1
    (part,) = risk_sets.build(x.to_numpy(float), (x @ coef).to_numpy(), seen)
    at, event = printed["row"].to_numpy() - 1, seen["event"].to_numpy()
    assert np.log(part.risk[at]) == pytest.approx(printed["lp_centered"].to_numpy(), abs=1e-12)
    residuals = event - part.expected()
    assert residuals[at] == pytest.approx(printed["martingale"].to_numpy(), abs=1e-9)
    logs = np.log(np.where(event == 1, 1 - residuals, 1.0))
    deviance = np.sign(residuals) * np.sqrt(-2 * (residuals + logs))
    assert deviance[at] == pytest.approx(printed["deviance"].to_numpy(), abs=1e-8)
    assert part.risk[at] == pytest.approx(printed["risk_centered"].to_numpy(), rel=1e-12)


def _seen(model):
    seen = model.outcome.assign(stratum=0 if model.strata is None else model.strata)
    return model.features, seen.assign(entry=seen.get("entry", -np.inf))

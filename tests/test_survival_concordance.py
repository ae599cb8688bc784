"""Concordance: every pair looked at, and the published values."""

from itertools import permutations

import numpy as np
import pandas as pd
import published
import pytest
from published import r_survival

from cvm_analysis.survival import concordance, cox


def seen(seed, n=60, strata=2, late=True):
    rng = np.random.default_rng(seed)
    duration = rng.integers(1, 9, n)
    entry = np.where(rng.random(n) < 0.5, -np.inf, rng.integers(0, duration))
    return pd.DataFrame(
        {
            "entry": entry if late else -np.inf,
            "duration": duration.astype(float),
            "event": rng.integers(0, 2, n).astype(float),
            "stratum": rng.integers(0, strata, n),
        }
    )


def by_pairs(log_hazard, rows):
    right = pairs = 0.0
    table = list(zip(log_hazard, *(rows[c] for c in rows), strict=True))
    for (one, _, end, event, own), (other, entry, later, had, group) in permutations(table, 2):
        stayed = later > end or (later == end and not had)
        if event and stayed and entry < end and own == group:
            pairs += 1
            right += (one > other) + (one == other) / 2
    return right / pairs


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("late", [True, False])
def test_it_is_what_looking_at_every_pair_finds(seed, late):
    rows = seen(seed, late=late)
    log_hazard = np.random.default_rng(seed + 9).integers(0, 7, len(rows)) / 3
    assert concordance.index(log_hazard, rows) == pytest.approx(by_pairs(log_hazard, rows))


@pytest.mark.parametrize(("dataset", "name"), r_survival.NAMES)
def test_it_is_that_of_r(dataset, name):
    model = cox.fit_plain(*_named(r_survival.model(dataset, name)))
    wanted = published.read("cox_summary", dataset=dataset, model=name)["concordance"].item()
    assert model.concordance == pytest.approx(wanted, abs=1e-12)


def test_nothing_to_compare_is_no_number():
    rows = seen(1, n=5)
    assert np.isnan(concordance.index(np.zeros(5), rows.assign(event=0.0)))
    assert np.isnan(concordance.index(np.zeros(5), rows.assign(event=1.0, duration=2.0)))


def _named(model):
    return model.features, model.outcome, None, model.strata

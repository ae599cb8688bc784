"""The shared hazard: R's, and what strata and late entry do to it."""

import numpy as np
import pandas as pd
import published
import pytest
from published import r_survival

from cvm_analysis.survival import baselines, cox


@pytest.mark.parametrize(("dataset", "name"), r_survival.NAMES)
def test_it_is_that_of_r(dataset, name):
    """basehaz(centered = FALSE), Efron: the cumulative hazard of a row of zeros."""
    given = r_survival.model(dataset, name)
    model = cox.fit_plain(given.features, given.outcome, None, given.strata, events_per_feature=1)
    printed = published.read("cox_baseline", dataset=dataset, model=name)
    zeros = pd.DataFrame(0.0, printed.index, list(given.features))
    groups = None if given.strata is None else printed["strata"]
    code = model.groups.code(zeros, groups)
    ratio = np.exp(-(model.means * model.terms["coef"]).sum())
    found = ratio * model.baseline.value_at(printed["time"].to_numpy(float), code)
    assert len(printed) > 12
    assert found == pytest.approx(printed["cumhaz_at_x0"].to_numpy(), rel=1e-9)


def seen(duration, event, stratum, entry=-np.inf):
    table = {"entry": entry, "duration": duration, "event": event, "stratum": stratum}
    return pd.DataFrame(table).astype({"duration": float})


def test_by_hand():
    """Four alike: the first event meets 4, two more meet 3 and 2 (Efron), one is censored."""
    found = baselines.estimate(np.zeros(4), seen([1, 2, 2, 3], [1, 1, 1, 0], 0), 1)
    times = np.array([0.0, 0.9, 1.0, 2.0, 9.0])
    wanted = [0, 0, 1 / 4, 1 / 4 + 1 / 3 + 1 / 2, 1 / 4 + 1 / 3 + 1 / 2]
    assert found.value_at(times) == pytest.approx(wanted)


def test_who_came_late_was_not_at_risk_before():
    rows = seen([1, 2, 3], [1, 1, 1], 0, entry=[-np.inf, -np.inf, 1.0])
    found = baselines.estimate(np.zeros(3), rows, 1)
    assert found.value_at(np.array([1.0, 2.0])) == pytest.approx([1 / 2, 1 / 2 + 1 / 2])


def test_a_stratum_goes_its_own_way_as_far_as_it_was_watched():
    rows = seen([1, 2, 4, 1, 3, 5, 6], [1, 0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 1, 1])
    found = baselines.estimate(np.zeros(7), rows, 1)
    times, one = np.array([1.0, 4.0, 5.0]), np.array([0, 0, 0])
    together = baselines.estimate(np.zeros(7), rows.assign(stratum=0), 1).value_at(times)
    own = 1 / 3
    assert found.value_at(times, one) == pytest.approx([own, own, own + together[2] - together[1]])
    assert found.value_at(times, one - 1) == pytest.approx(together)  # a stratum that was not there
    assert found.value_at(times) == pytest.approx(together)


def test_a_stratum_with_too_few_events_has_the_hazard_of_all():
    rows = seen([1, 2, 4, 1, 3, 5, 6], [1, 0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 1, 1])
    found = baselines.estimate(np.zeros(7), rows, 2)
    times = np.array([1.0, 4.0, 5.0])
    assert found.value_at(times, np.array([0, 0, 0])) == pytest.approx(found.value_at(times))
    assert found.value_at(times, np.array([1, 1, 1])) != pytest.approx(found.value_at(times))


def test_many_rows_and_times_at_once():
    rows = seen([1, 2, 4, 1, 3, 5, 6], [1, 1, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 1, 1])
    found = baselines.estimate(np.zeros(7), rows, 1)
    times = np.array([[1.0, 2.0], [3.0, 9.0]])
    both = found.value_at(times, np.array([1, 0]))
    assert both[0] == pytest.approx(found.value_at(times[0], np.array([1, 1])))
    assert both[1] == pytest.approx(found.value_at(times[1], np.array([0, 0])))

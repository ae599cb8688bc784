"""The common error of totals: a prior, past errors, and what regions share."""

import numpy as np
import pytest
from scipy.stats import t as student

from cvm_analysis.clv import common_error
from cvm_analysis.clv.common_error import PastError
from cvm_analysis.errors import InputError

LARGE = [PastError("2024-12-31", 0.4, 0.01), PastError("2025-12-31", -0.3, 0.01)]


def test_without_a_past_total_the_prior_speaks_alone():
    found = common_error.fit([])
    assert (found.scale, found.degrees, found.n_periods) == (pytest.approx(0.119), 4, 0)


def test_the_scale_of_two_past_errors_by_hand():
    """(4 x .119^2 + (.16 - .01) + (.09 - .01)) / 6 = .04777; its root is .21857."""
    found = common_error.fit(LARGE)
    assert found.scale == pytest.approx(0.21857, abs=0.00001)
    assert (found.degrees, found.n_periods) == (6, 2)


def test_an_error_that_chance_explains_adds_nothing_but_a_period():
    found = common_error.fit([PastError("2025-12-31", 0.2, 0.05)])
    assert found.scale == pytest.approx(0.119 * np.sqrt(4 / 5))


def test_errors_may_come_from_json():
    assert common_error.fit([["2024-12-31", 0.4, 0.01], ["2025-12-31", -0.3, 0.01]]) == (
        common_error.fit(LARGE)
    )


def test_draws_have_the_quantiles_of_students_t_and_a_mean():
    draws = common_error.fit([]).draw(4000, "any")
    for level in (0.1, 0.5, 0.9):
        exact = 0.119 * student.ppf(level, 4)
        assert np.quantile(draws, level) == pytest.approx(exact, abs=0.001)
    assert np.abs(draws).max() == pytest.approx(0.119 * student.ppf(0.99, 4))


def test_regions_share_the_companys_error_and_keep_their_own():
    east, west = (common_error.draw([], LARGE, region, 4000) for region in ("east", "west"))
    assert east["company_error"].equals(west["company_error"])
    assert abs(np.corrcoef(east["region_error"], west["region_error"])[0, 1]) < 0.05
    total = east["company_error"] + east["region_error"]
    both = common_error.fit(LARGE).draw(4000, "any")
    assert total.std() == pytest.approx(both.std(), rel=0.05)


def test_a_company_of_many_such_regions_is_more_certain_than_each():
    regions = [common_error.draw([], LARGE, f"r{i}", 4000) for i in range(6)]
    each = [np.exp(one["company_error"] + one["region_error"]) for one in regions]
    company = np.log(np.mean(each, axis=0))
    assert np.log(each[0]).std() > 1.4 * company.std()
    assert company.std() > common_error.fit([]).draw(4000, "company").std()


def test_a_region_more_certain_than_the_company_has_only_part_of_its_error():
    found = common_error.draw(LARGE, [], "east", 4000)
    assert (found["region_error"] == 0).all()
    assert found["company_error"].quantile(0.9) == pytest.approx(
        0.119 * student.ppf(0.9, 6), rel=0.02
    )


def test_the_company_has_no_error_beside_its_own():
    found = common_error.draw(LARGE, LARGE, "all", 400)
    assert (found["region_error"] == 0).all() and (found["n_past_periods"] == 2).all()


def test_errors_that_are_no_numbers_are_refused():
    with pytest.raises(InputError, match="past errors"):
        common_error.fit([PastError("2025-12-31", np.nan, 0.1)])

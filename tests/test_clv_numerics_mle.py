"""Climbing, on parabolas of the logarithms whose tops are known."""

import numpy as np
import pytest

from cvm_analysis.clv.numerics import mle
from cvm_analysis.errors import FitError


def parabola(top, curvature):
    """Log-likelihood, gradient and Hessian of one parameter, highest (-5) at log = top."""

    def derivatives(logs):
        away = logs - top
        return -5 - curvature * float(away @ away) / 2, -curvature * away, -curvature * np.eye(1)

    return derivatives


def test_the_top_and_its_width_are_found():
    found = mle.newton(parabola(2.0, 25.0), [1.0], 10, "a model")
    assert found.params == pytest.approx([np.exp(2)])
    assert found.log_likelihood == pytest.approx(-5)
    assert found.covariance_log == pytest.approx(np.array([[0.04]]))
    assert found.std_errors == pytest.approx([0.2 * np.exp(2)])
    assert not found.diverged


def test_differentiating_by_itself_it_finds_the_same():
    found = mle.fit_autograd(lambda logs: -5 - 12.5 * (logs[0] - 2) ** 2, [1.0], 10, "a model")
    assert found.params == pytest.approx([np.exp(2)])
    assert found.std_errors == pytest.approx([0.2 * np.exp(2)])


def test_what_rounding_hides_is_not_climbed():
    """The sum of ten million terms is known to a ten-millionth, its gradient to some hundredths."""
    asked = []

    def derivatives(logs):
        away = logs - 2
        asked.append(away)
        hidden = np.sin(1e9 * away)
        value = -1e8 - 5e5 * np.cosh(away) + 1e-7 * hidden
        return value.item(), -5e5 * np.sinh(away) + 0.05 * hidden, -5e5 * np.diag(np.cosh(away))

    found = mle.newton(derivatives, [np.exp(1.2)], 1e7, "a model")
    assert len(asked) < 6
    assert np.log(found.params) == pytest.approx([2], abs=1e-6)


@pytest.mark.parametrize("top", [45.0, -45.0])
def test_a_parameter_beyond_all_measure_diverges_and_the_search_ends(top):
    found = mle.newton(parabola(top, 25.0), [1.0], 10, "a model")
    assert found.diverged
    assert np.isfinite(found.params).all()
    assert 30 < np.abs(np.log(found.params)).max() < 34


def test_a_maximum_that_is_too_flat_identifies_nothing():
    found = mle.newton(parabola(2.0, 0.1), [1.0], 10, "a model")
    assert found.diverged
    assert np.isnan(found.std_errors).all()


def test_without_a_top_it_says_so():
    with pytest.raises(FitError, match=r"a model did not converge on 10 customers \(.*simpler"):
        mle.newton(lambda logs: (0.0, np.ones(1), -np.eye(1)), [1.0], 10, "a model")

"""A gradient and a Hessian in closed form, compared with differences of what they come from."""

import numpy as np
import pytest

STEP = 1e-5


def check(derivatives, at):
    """Compare at a point; derivatives : point -> value, gradient, Hessian."""
    _, slope, bend = derivatives(at)
    moved = [[derivatives(at + side * STEP * e) for side in (1, -1)] for e in np.eye(len(at))]
    slopes = [(up[0] - down[0]) / (2 * STEP) for up, down in moved]
    bends = [(up[1] - down[1]) / (2 * STEP) for up, down in moved]
    assert slope == pytest.approx(np.array(slopes), rel=1e-6, abs=1e-4)
    assert bend == pytest.approx(np.array(bends), rel=1e-6, abs=1e-5)

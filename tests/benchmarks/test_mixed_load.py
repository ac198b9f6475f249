"""The slopes of the benchmark under mixed load."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.mixed_load import BLOCKS, line


def test_slope_and_interval_are_those_of_a_regression_over_the_means_of_blocks() -> None:
    """They agree with SciPy's, and with noise alone the interval holds 0 in about 95 of 100 cases."""
    rng = np.random.default_rng(0)
    x = np.linspace(0.1, 0.5, 1000)
    blocks = x.reshape(BLOCKS, -1).mean(axis=1)
    holding = 0
    for _ in range(400):
        y = 100 + rng.normal(0, 5, len(x))
        slope, half = line(x, y)
        expected = stats.linregress(blocks, y.reshape(BLOCKS, -1).mean(axis=1))
        assert slope == pytest.approx(expected.slope)
        assert half == pytest.approx(stats.t.ppf(0.975, BLOCKS - 2) * expected.stderr, rel=1e-3)
        holding += abs(slope) <= half
    assert 365 <= holding <= 395

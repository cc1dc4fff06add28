"""Holm's correction against R's p.adjust, and what must hold of any correction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from milbench.stats.holm import holm


def test_ten_values_agree_with_r():
    """R 4.2.2: p.adjust(p, "holm"); case ``padjust`` of the reference values."""
    p = [0.3159, 0.0063, 0.7697, 0.0031, 0.0171, 0.4749, 0.5818, 0.0037, 0.5632, 0.0046]

    expected = [1, 0.0441, 1, 0.031, 0.1026, 1, 1, 0.0333, 1, 0.0368]

    assert holm(p) == pytest.approx(expected, abs=1e-12)


def test_nan_stays_and_does_not_count():
    """Two tested p-values are a family of two, whatever else was refused."""
    np.testing.assert_allclose(holm([np.nan, 0.01, np.nan, 0.04]), [np.nan, 0.02, np.nan, 0.04])


def test_nothing_to_correct():
    """An empty family stays empty."""
    assert holm([]).size == 0


@given(arrays(float, st.integers(1, 12), elements=st.floats(0, 1)))
def test_no_value_shrinks_or_changes_place(p):
    """Adjusted values lie between p and m p, at most 1, in the same order."""
    adjusted = holm(p)

    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1.0, len(p) * p)).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()

"""Axes of the drawings: inside, in order, with round numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milbench.report.html.axis import linear, logarithmic

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)
positive = st.lists(st.floats(1e-6, 1e12), min_size=1, max_size=20)


@pytest.mark.parametrize("kind", [linear, logarithmic])
def test_nothing_to_show_has_no_axis(kind):
    """Neither without values nor with undefined ones only."""
    assert kind([]) is None
    assert kind([math.nan, math.inf]) is None


@given(values)
def test_linear_axis_holds_its_values_in_order(found):
    """Places grow with values, from 0 to 100 %, and ticks are few and ascending."""
    axis = linear(found)
    places = [axis.at(value) for value in sorted(found)]

    assert places == sorted(places)
    assert 0.0 <= places[0] <= places[-1] <= 100.0
    assert 1 <= len(axis.ticks) <= 7
    assert [tick.at for tick in axis.ticks] == sorted(tick.at for tick in axis.ticks)


@given(positive)
def test_logarithmic_axis_holds_its_values_in_order(found):
    """The same for positive values over any range; every label is told once."""
    axis = logarithmic(found)
    places = [axis.at(value) for value in sorted(found)]

    assert places == sorted(places)
    assert 0.0 <= places[0] <= places[-1] <= 100.0
    assert 1 <= len(axis.ticks) <= 7
    assert len({tick.label for tick in axis.ticks}) == len(axis.ticks)


def test_ticks_by_hand():
    """0 to 1 in fifths; a hundredth to ten in powers of ten; thousands are shortened."""
    assert [tick.label for tick in linear([0.0, 1.0]).ticks] == [
        "0.0", "0.5", "1.0",
    ]  # fmt: skip
    assert [t.label for t in logarithmic([0.01, 10]).ticks] == ["0.01", "0.1", "1", "10"]
    assert [t.label for t in logarithmic([500, 2e6]).ticks] == ["1k", "10k", "100k", "1M"]


def test_a_tenfold_distance_is_the_same_everywhere():
    """From 1 to 10 is as far as from 10 to 100."""
    axis = logarithmic([1.0, 100.0])

    assert axis.at(10.0) - axis.at(1.0) == pytest.approx(axis.at(100.0) - axis.at(10.0), abs=0.02)


def test_axis_includes_what_it_must():
    """Zero is on the axis of a forest though no interval reaches it."""
    axis = linear([0.5, 0.6], include=(0.0,))

    assert axis.at(0.0) > 0.0
    assert any(tick.label == "0.0" for tick in axis.ticks)

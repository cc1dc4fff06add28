"""Which runs are worth a stack, from the plan alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milbench import Aggregator
from milbench.train.choice import LARGEST, REPLICAS, STEPS, portions, why_alone
from milbench_aggregators import milbench_aggregators

BUILT_IN = {record.name: record for record in milbench_aggregators()}


@pytest.mark.parametrize(
    ("engine", "count", "steps", "says"),
    [
        ("auto", REPLICAS, STEPS, ""),
        ("auto", REPLICAS - 1, STEPS, "runs share an order of bags"),
        ("auto", REPLICAS, STEPS - 1, "19,999 training steps"),
        ("stacked", 1, 1, ""),
        ("sequential", 100, 10 * STEPS, "was asked for"),
    ],
)
def test_few_or_short_runs_are_trained_alone(engine, count, steps, says):
    """Unless the user asks for one engine."""
    reason = why_alone(BUILT_IN["mean"], engine, count, steps)

    assert says in reason
    assert bool(reason) == bool(says)


def test_a_method_that_fits_itself_is_no_network():
    """Estimators are never stacked, and a target that cannot be loaded says so."""
    absent = Aggregator(name="absent", target="no_such_module:Nothing", summary="test")

    assert "a fit of its own" in why_alone(BUILT_IN["prior"], "stacked", 10, STEPS)
    assert "no_such_module" in why_alone(absent, "auto", 10, STEPS)


def test_a_method_may_forbid_stacks():
    """Whatever the user asks for."""
    forbids = replace(BUILT_IN["mean"], stackable=False)

    assert "cannot be stacked" in why_alone(forbids, "stacked", 10, STEPS)


@given(st.integers(0, 400))
def test_stacks_are_few_and_of_even_sizes(count):
    """Every run is in one stack, none is larger than the largest, sizes differ by at most one."""
    sizes = [len(range(count)[portion]) for portion in portions(count)]

    assert sum(sizes) == count
    assert len(sizes) == -(-count // LARGEST)
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
    assert max(sizes, default=0) <= LARGEST

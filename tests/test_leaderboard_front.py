"""Who is on a front of quality and cost, and where a mean over data sets may be given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milbench.leaderboard.forest import combined
from milbench.leaderboard.front import pareto

numbers = st.floats(-100, 100).map(lambda value: round(value, 1))
points = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.tuples(numbers, numbers))


# Fronts


def test_front_of_five_by_hand():
    """B is dearer and worse than a; d costs what c costs and is worse."""
    found = pareto({"e": (9.0, 0.9), "c": (3.0, 0.8), "b": (2.0, 0.5), "a": (1.0, 0.6),
                    "d": (3.0, 0.7)})  # fmt: skip

    assert found == ("a", "c", "e")


def test_equal_points_are_on_the_front_together():
    """Nothing tells them apart."""
    assert set(pareto({"a": (1.0, 0.5), "b": (1.0, 0.5), "c": (2.0, 0.5)})) == {"a", "b"}


def test_a_point_without_cost_or_merit_is_on_no_front():
    """NaN compares with nothing."""
    nan = float("nan")
    assert pareto({"a": (nan, 1.0), "b": (1.0, nan), "c": (5.0, 0.1)}) == ("c",)


@given(points)
def test_front_is_what_its_definition_says(found):
    """On the front are exactly the points that no other beats in one respect and equals in both."""

    def is_beaten(one):
        cost, merit = found[one]
        return any(c <= cost and m >= merit and (c, m) != (cost, merit) for c, m in found.values())

    front = pareto(found)

    assert set(front) == {name for name in found if not is_beaten(name)}
    assert [found[name][0] for name in front] == sorted(found[name][0] for name in front)


# Forests


def test_mean_of_two_cohorts_is_not_given():
    """Two differences are shown, and no mean over them: three cohorts are the fewest."""
    forest = combined(["a", "b"], ["auroc"] * 2, [0.1, 0.3], [0.1, 0.2])

    assert [study.difference for study in forest.studies] == [0.1, 0.3]
    assert forest.mean != forest.mean


def test_mean_of_three_cohorts_without_scatter_weighs_by_precision():
    """Equal errors and differences: the mean is theirs, and so is nothing between cohorts."""
    forest = combined(["a", "b", "c"], ["auroc"] * 3, [0.2] * 3, [0.1] * 3)

    assert forest.mean == pytest.approx(0.2)
    assert forest.tau2 == 0.0


@pytest.mark.parametrize(
    ("cohorts", "metrics", "errors"),
    [
        ("aab", ["auroc"] * 3, [0.1] * 3),
        ("abc", ["auroc", "auroc", "f1"], [0.1] * 3),
        ("abc", ["auroc"] * 3, [0.1, 0.0, 0.1]),
        ("abc", ["auroc"] * 3, [0.1, float("nan"), 0.1]),
    ],
    ids=["shared patients", "two metrics", "no error", "unknown error"],
)
def test_no_mean_where_it_would_be_wrong(cohorts, metrics, errors):
    """Shared patients, different metrics or an error of nothing: there is no forest."""
    assert combined(list(cohorts), metrics, [0.1, 0.2, 0.3], errors) is None

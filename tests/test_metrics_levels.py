"""Metrics of two levels at once: by hand, and what holds for any predictions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milbench.errors import ScoreError
from milbench.metrics import LEVEL_METRICS, METRICS, Predictions
from milbench.metrics.catalogue import value_of
from milbench.metrics.levels import summed
from milbench.stats.estimate import estimate

PARENTS = (0, 0, 1, 1, 1, 2)


def table(label, fine, coarse, parents=PARENTS):
    """Return the coarse rows of bags that are decided for ``fine`` and for ``coarse``."""
    count = len(label)
    shared = {
        "bag": [f"b{i}" for i in range(count)],
        "patient": [f"p{i}" for i in range(count)],
        **dict.fromkeys(("repeat", "fold", "seed"), np.zeros(count)),
        "threshold": np.full(count, 0.5),
    }
    n_coarse = 1 + max(parents)
    below = Predictions(
        **shared,
        label=label,
        score=np.eye(len(parents))[fine],
        classes=tuple("abcdefgh"[: len(parents)]),
    )
    return Predictions(
        **shared,
        label=np.array(parents)[label],
        score=np.eye(n_coarse)[coarse],
        classes=tuple("ABCDEFGH"[:n_coarse]),
        fine=below,
        parents=parents,
    )


def value(metric, rows):
    return estimate(metric, rows).value


def test_four_bags_by_hand():
    """One right at both levels, one wrong below the right class, two wrong at the root.

    The last says the right coarse class beside a fine class of another branch.
    """
    rows = table(label=[0, 2, 2, 5], fine=[0, 3, 0, 1], coarse=[0, 1, 0, 2])

    assert value("hierarchical-f", rows) == pytest.approx((1 + 0.5 + 0 + 0) / 4)
    assert value("consistency", rows) == pytest.approx(3 / 4)
    assert value("mistake-height", rows) == pytest.approx((1 + 2 + 2) / 3)
    assert value("fine-given-coarse", rows) == pytest.approx(1 / 3)
    assert value("accuracy", rows) == pytest.approx(3 / 4)
    assert value("accuracy", rows.fine) == pytest.approx(1 / 4)


def test_without_a_mistake_there_is_no_height():
    """The mean over nothing is undefined; the rest is 1."""
    rows = table(label=[0, 2, 5], fine=[0, 2, 5], coarse=[0, 1, 2])

    assert np.isnan(value("mistake-height", rows))
    for metric in ("hierarchical-f", "consistency", "fine-given-coarse"):
        assert value(metric, rows) == 1.0


def test_weights_count_bags_as_often_as_they_say():
    """A bag of weight 2 counts twice, one of weight 0 not at all."""
    rows = table(label=[0, 2], fine=[0, 3], coarse=[0, 0])
    weights = np.array([[1.0, 2.0, 0.0], [1.0, 1.0, 3.0]])

    found = value_of("consistency", rows.rows(np.arange(2)), weights)

    np.testing.assert_allclose(found, [1 / 2, 2 / 3, 0])


classes = st.integers(0, 5)


@given(st.lists(st.tuples(classes, classes), min_size=1, max_size=30))
def test_sums_of_certain_answers_are_the_branches_of_fine_ones(pairs):
    """Then all is consistent, and the F measure is the mean of both accuracies."""
    label, fine = (list(column) for column in zip(*pairs, strict=True))
    coarse = summed(np.eye(6)[fine], PARENTS).argmax(axis=1)
    rows = table(label, fine, coarse)
    both = value("accuracy", rows) + value("accuracy", rows.fine)

    assert value("consistency", rows) == 1.0
    assert value("hierarchical-f", rows) == pytest.approx(both / 2)


def test_a_coarse_class_has_the_sum_of_what_is_below():
    """Six fine probabilities by hand."""
    fine = np.array([[0.1, 0.2, 0.3, 0.1, 0.1, 0.2], [1.0, 0, 0, 0, 0, 0]])

    np.testing.assert_allclose(summed(fine, PARENTS), [[0.3, 0.5, 0.2], [1, 0, 0]])


def test_rows_in_another_order_keep_both_levels_together():
    """What the bootstrap sorts it sorts at both levels."""
    rows = table(label=[0, 2, 5], fine=[1, 2, 5], coarse=[0, 1, 0])
    taken = rows.take(np.array([2, 0]))

    np.testing.assert_array_equal(taken.fine.bag, ["b2", "b0"])
    assert value("fine-given-coarse", taken) == 0.0


@pytest.mark.parametrize("metric", LEVEL_METRICS)
def test_rows_of_one_level_have_no_such_metric(metric):
    """It is told, not guessed; the names of the two kinds do not overlap."""
    assert metric not in METRICS
    with pytest.raises(ScoreError, match="two levels on rows of one"):
        value(metric, table([0, 1], [0, 1], [0, 0]).fine)

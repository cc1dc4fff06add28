"""Methods that were not tested on the same rows are not compared."""

from dataclasses import replace

import numpy as np
import pytest

from milbench.errors import StatisticsError
from milbench.stats.pairing import align


def test_rows_are_brought_into_one_order(experiment):
    """The order in which rows were stored has no meaning."""
    a, b = experiment(1), experiment(2)
    shuffled = b.take(np.random.default_rng(0).permutation(len(b)))

    aligned = align({"a": a, "b": shuffled})

    np.testing.assert_array_equal(aligned["b"].bag, aligned["a"].bag)
    np.testing.assert_array_equal(aligned["b"].score, align({"b": b})["b"].score)


def test_a_missing_row_is_named(experiment):
    """The first rows that only one method has are listed, with the next step."""
    a = experiment(1)
    without = a.take(np.flatnonzero((a.bag != "bag7") | (a.repeat != 1)))
    fold = int(a.fold[(a.bag == "bag7") & (a.repeat == 1)][0])

    with pytest.raises(
        StatisticsError,
        match=rf"UNPAIRED_SPLITS: a and b .* Only in a: repeat 1 fold {fold} seed 0 bag 'bag7'\. "
        r"Only in b: nothing\. Finish the missing runs",
    ):
        align({"a": a, "b": without})


def test_other_folds_are_unpaired(experiment):
    """The same bags in other folds were predicted by models trained on other bags."""
    a = experiment(1)

    with pytest.raises(StatisticsError, match=r"UNPAIRED_SPLITS.*and \d+ more"):
        align({"a": a, "b": replace(a, fold=(a.fold + a.repeat) % 4)})


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("label", lambda p: 1 - p.label, r"bag 'bag\d+' has label [01] in a and [01] in b"),
        ("patient", lambda p: p.bag, r"'bag(\d+)' has patient patient\1 in a and bag\1 in b"),
        ("classes", lambda p: p.classes[::-1], "a has classes .* b has"),
    ],
)
def test_other_facts_about_a_bag_are_unpaired(experiment, column, value, message):
    """A bag has one label and one patient, and the classes have one order."""
    a = experiment(1)

    with pytest.raises(StatisticsError, match=f"UNPAIRED_SPLITS: .*{message}"):
        align({"a": a, "b": replace(a, **{column: value(a)})})


def test_no_method_is_refused():
    """There is nothing to align."""
    with pytest.raises(StatisticsError, match="expected at least one"):
        align({})

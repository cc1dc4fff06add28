"""Several labels under the protocol: one label is two classes, several are their mean."""

from dataclasses import replace

import numpy as np
import pytest

from milbench.errors import StatisticsError
from milbench.metrics.multilabel import MACRO
from milbench.metrics.predictions import Predictions
from milbench.stats.bca import bca_intervals
from milbench.stats.bootstrap import patient_bootstrap
from milbench.stats.compare import compare_drawn
from milbench.stats.design import design_of
from milbench.stats.draws import ENOUGH_FOR_STRATUM, strata_of
from milbench.stats.estimate import estimate
from milbench.stats.hold_out import hold_out
from milbench.stats.influence import cross_validated_auc
from milbench.stats.pair import study_pair
from milbench.stats.per_class import per_class
from milbench.stats.question import Question
from milbench.stats.within_folds import within_fold_pairs

DRAWS = 300


def as_labels(*binary):
    """Return predictions of two classes as those of labels, one each, on the same rows."""
    first = binary[0]
    return replace(
        first,
        label=np.column_stack([p.label for p in binary]),
        score=np.column_stack([p.score[:, 1] for p in binary]),
        threshold=np.column_stack([p.threshold for p in binary]),
        classes=tuple(f"label {n}" for n in range(len(binary))),
    )


@pytest.fixture
def two(experiment):
    """Return two methods on two classes, with two bags a patient."""
    return {f"m{n}": experiment(n, bags_each=2, signal=1 + n) for n in (1, 2)}


@pytest.mark.parametrize("metric", sorted(MACRO))
def test_one_label_is_two_classes(two, metric):
    """The same value, spread, interval and tests, whatever the metric: to rounding."""
    one = {name: as_labels(p) for name, p in two.items()}

    found = patient_bootstrap(metric, one, draws=DRAWS, seed=5)

    expected = patient_bootstrap(metric, two, draws=DRAWS, seed=5)
    np.testing.assert_allclose(found.draws, expected.draws, atol=1e-12)
    assert found.design == expected.design
    np.testing.assert_allclose(found.point, expected.point, atol=1e-12)
    (ours,), (theirs,) = compare_drawn(found), compare_drawn(expected)
    for field in ("low", "high", "p_patient_holm", "p_t_holm", "minimum_detectable"):
        assert getattr(ours, field) == pytest.approx(getattr(theirs, field), abs=1e-9), field
    assert (ours.mark, ours.codes) == (theirs.mark, theirs.codes)
    for name in two:
        assert found.interval(name) == pytest.approx(expected.interval(name), abs=1e-9)


def test_a_label_beside_itself_changes_nothing(two):
    """The mean over equal labels is that label, in every draw, as patients are drawn alike."""
    expected = patient_bootstrap("auroc", two, draws=DRAWS, seed=5)

    found = patient_bootstrap(
        "auroc", {name: as_labels(p, p, p) for name, p in two.items()}, draws=DRAWS, seed=5
    )

    np.testing.assert_allclose(found.draws, expected.draws, atol=1e-12)


@pytest.fixture
def three(experiment):
    """Return two methods on three labels: one of patients, two that are drawn for each bag."""
    methods = {}
    for number in (1, 2):
        base = experiment(number, patients=60, signal=2)
        _, bag = np.unique(base.bag, return_inverse=True)
        labels = [base]
        for shift in (1, 2):
            kinds = np.random.default_rng(shift).permutation(np.arange(60) % (shift + 2) == 0)
            other = experiment(number + 10 * shift, patients=60, signal=2)
            own = np.where(kinds[bag] == (other.label == 1), other.score[:, 1], other.score[:, 0])
            score = np.column_stack([1 - own, own])
            labels.append(replace(other, label=kinds[bag].astype(int), score=score))
        methods[f"m{number}"] = as_labels(*labels)
    return methods


def test_the_value_is_the_mean_over_labels(three):
    """Of each label alone, by the code for two classes; so are the values of folds."""
    first = three["m1"]
    alone = []
    for number in range(3):
        own = first.score[:, number]
        one = replace(
            first,
            label=first.label[:, number],
            score=np.column_stack([1 - own, own]),
            threshold=first.threshold[:, number],
            classes=("no", "yes"),
        )
        alone.append(estimate("auroc", one))

    found = estimate("auroc", first)

    assert found.value == pytest.approx(np.mean([one.value for one in alone]), abs=1e-12)
    assert found.per_class == pytest.approx([one.value for one in alone], abs=1e-12)
    np.testing.assert_allclose(found.folds, np.mean([one.folds for one in alone], axis=0))


def test_the_order_of_labels_has_no_effect(three):
    """On values, intervals and p: labels are a set."""
    order = [2, 0, 1]

    def turned(p):
        return replace(
            p,
            label=p.label[:, order],
            score=p.score[:, order],
            threshold=p.threshold[:, order],
            classes=tuple(p.classes[n] for n in order),
        )

    value = patient_bootstrap("auroc", three, draws=DRAWS, seed=5)
    found = patient_bootstrap(
        "auroc", {name: turned(p) for name, p in three.items()}, draws=DRAWS, seed=5
    )
    np.testing.assert_allclose(found.point, value.point, atol=1e-12)
    ours, theirs = found.paired("m1", "m2"), value.paired("m1", "m2")
    # Strata are numbered by their labels, so the same draws fall on others of the same kind.
    assert ours.low == pytest.approx(theirs.low, abs=0.03)
    assert ours.p == pytest.approx(theirs.p, abs=0.1)


def test_small_sets_of_labels_are_drawn_together():
    """Twelve patients with the first label, three other sets of few: two strata."""
    label = np.array([[1, 0]] * 12 + [[0, 1]] * 3 + [[1, 1]] * 2 + [[0, 0]] * 4)
    count = len(label)
    rows = Predictions(
        bag=np.arange(count).astype(str),
        patient=np.arange(count).astype(str),
        label=label,
        score=np.full((count, 2), 0.5),
        threshold=np.full((count, 2), 0.5),
        classes=("a", "b"),
        **{name: np.zeros(count, int) for name in ("repeat", "fold", "seed")},
    )

    strata = strata_of(rows, np.arange(count))

    assert [len(one) for one in strata] == [12, 9]
    assert sorted(np.concatenate(strata)) == list(range(count))
    assert ENOUGH_FOR_STRATUM == 10


def test_the_smallest_class_is_of_a_label_or_of_its_lack(three):
    """A quarter of sixty patients have the rarest label; turned round, they lack it."""
    first = three["m1"]
    common = replace(first, label=1 - first.label)

    assert design_of(first).smallest_class == 15
    assert design_of(common).smallest_class == 15


def test_each_label_is_compared(three):
    """AUROC and sensitivity by label, as by class: the value is the label's, the p is adjusted."""
    for metric in ("auroc", "sensitivity"):
        found = per_class(metric, three, draws=DRAWS, seed=3)

        names = [one.class_name for one in found.values if one.method == "m1"]
        assert names == ["label 0", "label 1", "label 2"]
        expected = estimate(metric, three["m1"]).per_class
        values = [one.value for one in found.values if one.method == "m1"]
        if metric == "auroc":
            assert values == pytest.approx(expected, abs=1e-12)
        assert [one.patients for one in found.values][:1] == [30]
        assert all(one.p <= one.p_adjusted for one in found.differences)


def test_a_pair_is_studied_in_full(three):
    """Both tests, the interval of BCa, and each label; no test of two classes."""
    pair = study_pair("auroc", three, Question(rope=0.01, alpha=0.05, draws=DRAWS, seed=4))

    assert pair.fixed is None
    assert {one.metric for one in pair.classes} == {"auroc", "sensitivity"}
    for value, (low, high) in zip(pair.values, pair.headlines, strict=True):
        assert low < value < high
    drawn = patient_bootstrap("micro-auroc", three, draws=DRAWS, seed=4)
    assert set(bca_intervals(drawn, three)) == {"m1", "m2"}


def test_tests_of_two_classes_are_refused(two):
    """DeLong, influence curves and pairs inside folds, though there are two labels."""
    both = {name: as_labels(p, p) for name, p in two.items()}
    one_run = {
        name: p.take(np.flatnonzero((p.repeat == 0) & (p.fold == 0))) for name, p in both.items()
    }

    with pytest.raises(StatisticsError, match="hold-out tests of 2 methods with 2 labels"):
        hold_out(one_run)
    with pytest.raises(StatisticsError, match="pairs inside folds with 2 labels"):
        within_fold_pairs(both["m1"])
    with pytest.raises(StatisticsError, match="influence curves with 2 labels"):
        cross_validated_auc(one_run["m1"])
    facts = study_pair("auroc", one_run, Question(draws=DRAWS, seed=4)).procedures
    assert {procedure.test for procedure in facts} == {"P"}


def test_methods_with_other_labels_are_unpaired(two):
    """A bag whose set of labels differs is named."""
    a, b = (as_labels(p, p) for p in two.values())
    label = b.label.copy()
    label[b.bag == "bag3", 1] = 1 - label[b.bag == "bag3", 1]

    with pytest.raises(StatisticsError, match="UNPAIRED_SPLITS: bag 'bag3' has label"):
        patient_bootstrap("auroc", {"a": a, "b": replace(b, label=label)}, draws=10, seed=1)

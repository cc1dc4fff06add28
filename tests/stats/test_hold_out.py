"""Fixed models on one test set: DeLong, Obuchowski, rank swap, McNemar, and which one decides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.metrics import roc_auc_score

from milbench.errors import StatisticsError
from milbench.stats.delong import hold_out_auc
from milbench.stats.hold_out import hold_out
from milbench.stats.mcnemar import mcnemar
from milbench.stats.sign_flip import rank_swap, sign_flip


def scores(seed, n=60, methods=2):
    generator = np.random.default_rng(seed)
    label = np.arange(n) % 2
    return label, (generator.random((methods, n)) + 0.4 * label).round(2)


def test_variance_by_hand():
    """Positives 3, 1 and negatives 2, 0: placements 1, 1/2 and 1/2, 1, so 1/8/2 + 1/8/2."""
    found = hold_out_auc(["m"], [1, 1, 0, 0], [[3.0, 1.0, 2.0, 0.0]])

    assert found.auc == pytest.approx([0.75])
    assert found.covariance[0, 0] == pytest.approx(0.125)


def test_one_bag_a_patient_is_delong():
    """Obuchowski's formula with clusters of one, in any order of patients."""
    label, table = scores(1)
    patients = [f"p{(7 * i) % 60}" for i in range(60)]

    with_names = hold_out_auc("ab", label, table, patients)

    np.testing.assert_allclose(
        with_names.covariance, hold_out_auc("ab", label, table).covariance, atol=1e-15
    )


def test_copies_of_bags_do_not_narrow_the_interval():
    """Every bag twice, with the patient said: the same error; unsaid, it would shrink."""
    label, table = scores(2)
    patients = np.arange(60)

    once = hold_out_auc("ab", label, table, patients)
    twice = hold_out_auc("ab", np.tile(label, 2), np.tile(table, 2), np.tile(patients, 2))

    np.testing.assert_allclose(twice.covariance, once.covariance, rtol=1e-9)


@given(arrays(float, 12, elements=st.integers(0, 5).map(float)))
def test_auc_agrees_with_scikit_learn(score):
    """Ties count one half."""
    label = np.arange(12) % 2

    found = hold_out_auc(["m"], label, [score])

    assert found.auc[0] == pytest.approx(roc_auc_score(label, score), abs=1e-12)


def test_equal_scores_have_p_one():
    """No variance and no difference."""
    label, table = scores(3, methods=1)

    found = hold_out_auc("ab", label, np.vstack([table, table])).paired("a", "b")

    assert (found.difference, found.p) == (0.0, 1.0)
    assert "DEGENERATE_VARIANCE" not in found.codes


def test_two_perfect_methods_are_not_compared():
    """AUROC 1 has variance 0: no p, and an interval by the rule of three, not [1, 1]."""
    label = np.arange(100) % 2
    table = np.stack([label * 1.0, label * 2.0])

    found = hold_out_auc("ab", label, table)

    pair, (low, high, codes) = found.paired("a", "b"), found.interval("a")
    assert np.isnan(pair.p)
    assert "DEGENERATE_VARIANCE" in pair.codes & codes
    assert (low, high) == (pytest.approx(0.05 ** (1 / 50), abs=1e-12), 1.0)
    assert low == pytest.approx(1 - 3 / 50, abs=0.002)  # the rule of three


def test_equal_scores_for_all_bags_have_no_interval():
    """AUROC 0.5 without variance: not perfect, so no rule of three; against itself p is 1."""
    label = np.arange(60) % 2

    found = hold_out_auc("ab", label, np.zeros((2, 60)))

    assert np.isnan(found.interval("a").low)
    assert found.paired("a", "b").p == 1.0


def test_a_constant_gain_is_not_called_equal():
    """Two placements better by the same share for every bag: no spread, and no p."""
    label = [1, 1, 0, 0]
    found = hold_out_auc("ab", label, [[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])

    pair = found.paired("a", "b")

    assert pair.difference == 0.5
    assert np.isnan(pair.p)
    assert "DEGENERATE_VARIANCE" in pair.codes


def test_the_logit_interval_stays_inside():
    """Near 1 the plain one does not; by hand from the same error."""
    label, table = scores(4, n=50, methods=1)
    found = hold_out_auc(["m"], label, table + 0.45 * label)

    low, high, _ = found.interval("m")

    auc, se = found.auc[0], np.sqrt(found.covariance[0, 0])
    half = stats.norm.ppf(0.975) * se / (auc * (1 - auc))
    odds = np.exp(np.log(auc / (1 - auc)) + np.array([-half, half]))
    assert (low, high) == pytest.approx(tuple(odds / (1 + odds)))
    assert high < 1.0 < found.interval("m", scale="plain")[1]


@pytest.mark.parametrize("label", [[1, 1, 1, 0], [1, 1, 1, 1]])
def test_a_class_needs_two_patients(label):
    """One has no variance."""
    with pytest.raises(StatisticsError, match="two of each at least"):
        hold_out_auc(["m"], label, [[1.0, 2.0, 3.0, 4.0]])


# Permutations


def test_all_flips_by_hand():
    """1, 2, 3: of 8 sums, two are as far from 0 as 6."""
    assert sign_flip([1, 2, 3]).p == pytest.approx(2 / 8)
    assert sign_flip([0.0, 0.0]).p == 1.0


def test_many_parts_are_drawn_and_agree_with_scipy():
    """Beyond 16 parts by chance; scipy's enumeration of 2**17 is the oracle."""
    parts = np.random.default_rng(5).normal(loc=0.4, size=17).round(2)

    found = sign_flip(parts, draws=40_000, seed=1)

    exact = stats.permutation_test(
        (parts,), np.sum, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert not found.is_exact
    assert found.p == pytest.approx(exact, abs=4 * np.sqrt(exact / 40_000))


def test_swapped_ranks_are_the_difference_of_exchanged_methods():
    """The linear form equals the AUROC difference of the exchanged ranks, patient by patient."""
    label, (a, b) = scores(6, n=10)
    ranks = stats.rankdata(a), stats.rankdata(b)
    observed = roc_auc_score(label, a) - roc_auc_score(label, b)
    differences = []
    for flips in np.ndindex(*[2] * 5):  # five patients with two bags each
        swap = np.repeat(flips, 2).astype(bool)
        first, second = np.where(swap, ranks[::-1], ranks)
        differences.append(roc_auc_score(label, first) - roc_auc_score(label, second))

    found = rank_swap(label, a, b, np.repeat(np.arange(5), 2))

    assert found.difference == pytest.approx(observed, abs=1e-12)
    extreme = np.abs(differences) >= abs(observed) - 1e-9
    assert found.p == pytest.approx(extreme.mean())


# Decisions


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_mcnemar_is_the_binomial_test_of_scipy(pairs):
    """On the bags that one method alone decides rightly."""
    a, b = np.array(pairs).T
    alone = int((a & ~b).sum()), int((b & ~a).sum())

    found = mcnemar(a, b)

    expected = stats.binomtest(alone[0], sum(alone)).pvalue if sum(alone) else 1.0
    assert found.p == pytest.approx(expected, abs=1e-12)
    assert (found.first, found.second) == alone


def test_decisions_on_different_bags_are_refused():
    """Named as unpaired."""
    with pytest.raises(StatisticsError, match="UNPAIRED_SPLITS"):
        mcnemar([True], [True, False])


# Which test decides


def test_many_patients_are_decided_by_delong(experiment):
    """20 a class: its p; McNemar beside it."""
    methods = {"a": experiment(1, repeats=1, folds=1), "b": experiment(2, repeats=1, folds=1)}

    found = hold_out(methods)

    assert found.p == found.difference.p
    assert found.decisions is not None


def test_few_patients_are_decided_by_permutation(experiment):
    """12 a class, with two bags each: no McNemar, and an exact test decides."""
    design = {"repeats": 1, "folds": 1, "patients": 24, "bags_each": 2}
    found = hold_out({"a": experiment(1, **design), "b": experiment(2, **design)})

    assert found.several_bags
    assert found.decisions is None
    assert found.auc.codes == {"FEW_PATIENTS"}
    assert found.p == found.swap.p


@pytest.mark.parametrize(
    ("design", "code"),
    [
        ({"folds": 4, "repeats": 1}, "POOLED_MODELS"),
        ({"folds": 1, "repeats": 1, "seeds": 3}, "SEED_ONLY_REPLICATION"),
    ],
)
def test_several_models_are_refused(experiment, design, code):
    """Folds and seeds come from several models."""
    with pytest.raises(StatisticsError, match=code):
        hold_out({"a": experiment(1, **design), "b": experiment(2, **design)})


def test_more_classes_are_refused(experiment):
    """The message names what to use."""
    design = {"classes": 3, "repeats": 1, "folds": 1, "patients": 42}
    with pytest.raises(StatisticsError, match="patient bootstrap"):
        hold_out({"a": experiment(1, **design), "b": experiment(2, **design)})

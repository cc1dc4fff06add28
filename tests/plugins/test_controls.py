"""Promises of the controls that a ranking must beat."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score

from milbench import Bag, Context, Example, MilbenchError
from milbench_aggregators.bag_size import BagSize
from milbench_aggregators.pooled import PooledForest, PooledLogistic
from milbench_aggregators.prior import Prior


def examples(sizes, labels, dim=3):
    generator = torch.Generator().manual_seed(0)
    return [
        Example(Bag(torch.randn(size, dim, generator=generator)), label)
        for size, label in zip(sizes, labels, strict=True)
    ]


def fitted(model, train, seed=0):
    model.fit(train, [], Context(n_classes=model.n_classes, seed=seed))
    return model


def probabilities(model, bag):
    return model.predict(bag).logits.softmax(0).tolist()


def test_prior_is_the_share_of_each_class():
    """Labels 0, 2, 2, 1, 2 give 1/5, 1/5 and 3/5 for any bag."""
    model = fitted(Prior(3, 3), examples([1, 2, 3, 4, 5], [0, 2, 2, 1, 2]))

    assert probabilities(model, Bag(torch.ones(2, 3))) == pytest.approx([0.2, 0.2, 0.6])
    assert probabilities(model, Bag(torch.zeros(9, 3))) == pytest.approx([0.2, 0.2, 0.6])


@pytest.mark.parametrize("method", [Prior, BagSize, PooledLogistic, PooledForest])
def test_a_class_absent_from_training_keeps_its_place(method):
    """Classes 1 and 3 of four are seen: four columns, the others at the documented 1e-12."""
    model = fitted(method(3, 4), examples([2, 3] * 6, [1, 3] * 6))

    found = probabilities(model, Bag(torch.ones(2, 3)))

    assert len(found) == 4
    assert found[0] == pytest.approx(1e-12, rel=1e-6)
    assert found[2] == pytest.approx(1e-12, rel=1e-6)
    assert found[1] + found[3] == pytest.approx(1)


def test_bag_size_knows_nothing_when_all_sizes_are_equal():
    """Every bag gets the same probability, so the AUC is one half."""
    train = examples([5] * 20, [0, 1] * 10)
    model = fitted(BagSize(3, 2), train)

    scores = [probabilities(model, example.bag)[1] for example in train]

    assert roc_auc_score([example.label for example in train], scores) == 0.5


def test_bag_size_separates_small_from_large_bags():
    """Larger bags are positive in training: unseen larger bags score higher."""
    model = fitted(BagSize(3, 2), examples([2, 3, 4, 20, 30, 40], [0, 0, 0, 1, 1, 1]))

    scores = [probabilities(model, Bag(torch.zeros(size, 3)))[1] for size in (1, 10, 25, 100)]

    assert scores == sorted(scores)
    assert scores[0] < 0.5 < scores[-1]


def test_bag_size_reads_no_feature():
    """Bags of the same size are the same to it, images included."""
    model = fitted(BagSize(3, 2), examples([2, 3, 20, 30], [0, 0, 1, 1]))

    image_bag = Bag(torch.zeros(7, 1, 28, 28, dtype=torch.uint8))

    assert probabilities(model, image_bag) == probabilities(model, Bag(torch.ones(7, 3)))


def test_pooled_vector_by_hand():
    """Instances (1, 2) and (3, 6), statistic after statistic; the sd is the population's."""
    model = PooledLogistic(2, 2, statistics=["min", "mean", "max", "sd"])

    vector = model.vector(Bag(torch.tensor([[1.0, 2.0], [3.0, 6.0]])))

    assert vector.tolist() == [1, 2, 2, 4, 3, 6, 1, 2]


def test_the_spread_of_a_single_instance_is_zero():
    """Not NaN, as the sample standard deviation would be."""
    model = PooledLogistic(2, 2, statistics=["sd"])

    assert model.vector(Bag(torch.tensor([[1.0, 2.0]]))).tolist() == [0, 0]


@pytest.mark.parametrize("statistics", [["median"], []])
def test_unknown_statistics_are_refused(statistics):
    """The message names the choices."""
    with pytest.raises(MilbenchError, match="min, mean, max, sd"):
        PooledForest(3, 2, statistics=statistics)


def test_pooled_logistic_equals_scikit_learn_on_vectors_scaled_by_hand():
    """Mean instances, z-scores, then LogisticRegression with the stated penalty."""
    train = examples([3, 4, 5, 6] * 5, [0, 1, 2, 1] * 5)
    vectors = np.array([example.bag.x.mean(0).double().tolist() for example in train])
    scaled = (vectors - vectors.mean(0)) / vectors.std(0)
    labels = [example.label for example in train]

    model = fitted(PooledLogistic(3, 3, statistics=["mean"], inverse_penalty=0.5), train)

    expected = (
        LogisticRegression(C=0.5, max_iter=1000).fit(scaled, labels).predict_proba(scaled[:1])[0]
    )
    assert probabilities(model, train[0].bag) == pytest.approx(expected.tolist(), abs=1e-4)


def test_pooled_logistic_survives_constant_and_huge_columns():
    """A zero spread and values of 1e5 raise no warning and give finite predictions."""
    train = examples([4] * 30, [0, 1] * 15)
    for example in train:
        example.bag.x[:, 0] = 7.0
        example.bag.x[:, 1] *= 1e5

    model = fitted(PooledLogistic(3, 2), train)

    assert np.isfinite(probabilities(model, train[0].bag)).all()


def test_the_forest_depends_on_the_seed_of_the_context_alone():
    """The same seed repeats the forest, another one changes it, and torch's has no part in it."""
    train = examples([4] * 20, [0, 1] * 10)
    bags = [example.bag for example in examples([6] * 10, [0] * 10)]

    def run(seed):
        torch.seed()
        model = fitted(PooledForest(3, 2, trees=20), train, seed)
        return [probabilities(model, bag) for bag in bags]

    assert run(1) == run(1)
    assert run(1) != run(2)


@pytest.mark.parametrize("method", [BagSize, PooledLogistic, PooledForest])
def test_training_bags_of_one_class_are_refused(method):
    """There is nothing to tell apart; the message says which class it was."""
    with pytest.raises(MilbenchError, match=r"\[1\]"):
        fitted(method(3, 2), examples([2, 3, 4], [1, 1, 1]))


def musk1(folder):
    """Return bags, labels and the test fold of each bag in five repeats."""
    instances = np.loadtxt(folder / "miproblems" / "data.csv", delimiter="\t", dtype=np.float32).T
    owners = np.loadtxt(folder / "miproblems" / "bagids.csv", delimiter=",").ravel()
    folds = np.loadtxt(folder / "folds_5x10.csv", delimiter=",", skiprows=1, dtype=int)
    bags = [Bag(torch.from_numpy(instances[owners == bag])) for bag in np.unique(owners)]
    return bags, folds[:, 1], folds[:, 2:].T


@pytest.mark.data
def test_pooled_logistic_reaches_its_known_figures_on_musk1(data_dir):
    """Mean instance on the published 5 x 10 folds: accuracy .846 and pooled AUC .916.

    The figures come from an independent run on the same folds, with a penalty of its own.
    """
    bags, labels, folds = musk1(data_dir / "musk1")
    accuracies, areas = [], []
    for fold_of in folds:
        scores = np.empty(len(bags))
        for fold in np.unique(fold_of):
            train = [Example(bags[i], int(labels[i])) for i in np.flatnonzero(fold_of != fold)]
            model = fitted(PooledLogistic(166, 2, statistics=["mean"]), train)
            for i in np.flatnonzero(fold_of == fold):
                scores[i] = probabilities(model, bags[i])[1]
        accuracies.append(accuracy_score(labels, scores > 0.5))
        areas.append(roc_auc_score(labels, scores))

    assert np.mean(accuracies) == pytest.approx(0.846, abs=0.02)
    assert np.mean(areas) == pytest.approx(0.916, abs=0.015)

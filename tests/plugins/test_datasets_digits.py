"""digits-bags: real digits, a few nines in a positive bag, no image in two pools."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from milbench.registry import load_registry

NOWHERE = Path("no-such-folder")


@pytest.fixture(scope="module")
def record():
    """Return the record."""
    return load_registry().find("dataset", "milbench/digits-bags").record


@pytest.fixture(scope="module")
def bags(record):
    """Return all bags; the data folder is not looked at."""
    return list(record.load()(NOWHERE))


def digit_of() -> dict[bytes, int]:
    """Return the digit of every image, by its bytes: the 1797 images are all different."""
    source = load_digits()
    found = {
        image.astype(np.uint8).tobytes(): int(digit)
        for image, digit in zip(source.images, source.target, strict=True)
    }
    assert len(found) == 1797
    return found


def test_number_of_bags(bags) -> None:
    """60 pools give two positive and two negative bags each, in a row by pool."""
    assert Counter(bag.label for bag in bags) == {0: 120, 1: 120}
    assert set(Counter((bag.patient, bag.label) for bag in bags).values()) == {2}
    assert len({bag.patient for bag in bags}) == 60


def test_ids_are_unique(bags) -> None:
    """No two bags share an id."""
    assert len({bag.id for bag in bags}) == 240


def test_images_are_those_of_scikit_learn(bags) -> None:
    """Every instance is one of the 1797 images, bit by bit, and carries the label of its digit."""
    digits = digit_of()
    for bag in bags:
        assert bag.images.dtype == np.uint8
        assert bag.images.shape == (len(bag.instance_labels), 1, 8, 8)
        shown = [digits[image.tobytes()] == 9 for image in bag.images]
        np.testing.assert_array_equal(bag.instance_labels, shown)


def test_label_says_whether_there_is_a_nine(bags) -> None:
    """A bag is positive if and only if one of its instances is."""
    assert all(bag.label == bag.instance_labels.max() for bag in bags)


def test_positive_bags_hold_few_nines(bags) -> None:
    """At most one instance in five is a nine, and one always is."""
    for bag in (bag for bag in bags if bag.label):
        assert 1 <= bag.instance_labels.sum() <= max(1, len(bag.images) // 5)


def test_bag_sizes(bags) -> None:
    """Sizes are normal with mean 10 and spread 2; the mean of 240 within 4 standard errors."""
    sizes = np.array([len(bag.images) for bag in bags])

    assert sizes.min() >= 2
    assert abs(sizes.mean() - 10) < 4 * 2 / np.sqrt(240)
    assert 1.6 < sizes.std() < 2.4


def test_no_image_twice_in_a_bag(bags) -> None:
    """Instances are drawn without replacement within a bag."""
    assert all(len({i.tobytes() for i in bag.images}) == len(bag.images) for bag in bags)


def test_pools_share_no_image(bags) -> None:
    """An image is shown by bags of one patient only."""
    patients = defaultdict(set)
    for bag in bags:
        for image in bag.images:
            patients[image.tobytes()].add(bag.patient)

    assert {len(found) for found in patients.values()} == {1}


def test_official_parts_share_no_pool(bags) -> None:
    """40 pools (160 bags) are for training, 20 others (80 bags) for the test."""
    parts = {part: {b.patient for b in bags if b.part == part} for part in ("train", "test")}

    assert {part: len(pools) for part, pools in parts.items()} == {"train": 40, "test": 20}
    assert parts["train"].isdisjoint(parts["test"])
    assert Counter(bag.part for bag in bags) == {"train": 160, "test": 80}


def test_two_calls_give_the_same(record, bags) -> None:
    """The generator is fixed: ids, labels, pixels and order are the same again."""
    for first, second in zip(bags, record.load()(NOWHERE), strict=True):
        assert (first.id, first.label, first.patient) == (second.id, second.label, second.patient)
        np.testing.assert_array_equal(first.images, second.images)


def grouped_auc(bags, features) -> float:
    """Return the AUC of a logistic regression, pooled over five folds that keep pools together."""
    label = np.array([bag.label for bag in bags])
    scores = cross_val_predict(
        LogisticRegression(max_iter=2000),
        features,
        label,
        groups=[bag.patient for bag in bags],
        cv=StratifiedGroupKFold(5, shuffle=True, random_state=0),
        method="predict_proba",
    )
    return float(roc_auc_score(label, scores[:, 1]))


def test_bag_size_says_nothing(bags) -> None:
    """Size and label are drawn independently: AUC 0.5 within 3 standard errors of 0.037."""
    sizes = np.array([[len(bag.images)] for bag in bags])
    positive = np.array([bag.label == 1 for bag in bags])

    assert abs(roc_auc_score(positive, sizes[:, 0]) - 0.5) < 3 * 0.037


def test_problem_is_neither_trivial_nor_hopeless(bags) -> None:
    """The mean image with a linear model lies between chance and a solved problem."""
    means = np.stack([bag.images.reshape(len(bag.images), -1).mean(axis=0) for bag in bags])

    assert 0.65 < grouped_auc(bags, means) < 0.9

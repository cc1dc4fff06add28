"""digits-tree, and the trees of published data sets."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from milbench.registry import load_registry
from milbench_datasets.trees import PANDA3, PANDA_BENIGN, TREES

NOWHERE = Path("no-such-folder")
DIGITS = (3, 8, 9, 0, 6, 4, 7)  # of the classes, in their order
BACKGROUND = {1, 2, 5}


@pytest.fixture(scope="module")
def record():
    """Return the record."""
    return load_registry().find("dataset", "milbench/digits-tree").record


@pytest.fixture(scope="module")
def bags(record):
    """Return all bags; the data folder is not looked at."""
    return list(record.load()(NOWHERE))


@pytest.fixture(scope="module")
def digit_of():
    """Return the digit of every image, by its bytes: the 1797 images are all different."""
    source = load_digits()
    images = source.images.astype(np.uint8)
    return {i.tobytes(): int(d) for i, d in zip(images, source.target, strict=True)}


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("bracs", {"benign": "N PB UDH", "atypical": "FEA ADH", "malignant": "DCIS IC"}),
        ("bach", {"non-carcinoma": "Normal Benign", "carcinoma": "InSitu Invasive"}),
        ("breakhis", {"benign": "A F PT TA", "malignant": "DC LC MC PC"}),
        ("ccc", {"negative": "NILM", "abnormal": "ASC-US LSIL ASC-H HSIL SCC"}),
        (
            "digits-tree",
            {"curly": "three eight nine", "round": "zero six", "angular": "four seven"},
        ),
    ],
)
def test_trees_group_classes_as_their_sources_do(name, groups):
    """BRACS 3/7, BACH 2/4, BreakHis 2/8, CCC 2/6, digits 3/7; every class once."""
    classes, levels = TREES[name]
    found = {group: [] for group in levels.coarse}
    for fine, parent in zip(classes, levels.parents, strict=True):
        found[levels.coarse[parent]].append(fine)

    assert {group: " ".join(below) for group, below in found.items()} == groups
    assert levels.source


def test_panda_has_two_trees_that_name_themselves():
    """Six grades below three groups, in two ways; which one was used is printed by name."""
    assert PANDA3.levels.parents == (0, 0, 1, 1, 2, 2)
    assert PANDA_BENIGN.levels.parents == (0, 1, 1, 1, 2, 2)
    for name, tree in (("panda3", PANDA3), ("panda_benign", PANDA_BENIGN)):
        assert TREES[name] is tree
        assert tree.levels.in_words(tree.classes).startswith(f"Levels {name}, risk group (grade):")


def test_sizes(bags, record) -> None:
    """50 pools give a bag of each class, of 6 to 10 instances; the first 35 are for training."""
    assert Counter(bag.label for bag in bags) == dict.fromkeys(range(7), 50)
    assert set(Counter((bag.patient, bag.label) for bag in bags).values()) == {1}
    assert len({bag.id for bag in bags}) == 350
    assert {len(bag.images) for bag in bags} == {6, 7, 8, 9, 10}
    assert Counter(bag.part for bag in bags) == {"train": 245, "test": 105}
    assert len(record.classes) == 7


def test_a_bag_shows_its_own_digit_once_or_twice_and_background(bags, digit_of) -> None:
    """Instance labels say where; no other target digit is in a bag."""
    for bag in bags:
        digits = np.array([digit_of[image.tobytes()] for image in bag.images])
        shown = digits == DIGITS[bag.label]

        np.testing.assert_array_equal(bag.instance_labels, shown)
        assert shown.sum() in (1, 2)
        assert set(digits[~shown].tolist()) <= BACKGROUND
        assert bag.images.dtype == np.uint8
        assert len({image.tobytes() for image in bag.images}) == len(bag.images)


def test_pools_share_no_image(bags) -> None:
    """So that a split by pool shares none between its parts."""
    owner = {}
    for bag in bags:
        for image in bag.images:
            assert owner.setdefault(image.tobytes(), bag.patient) == bag.patient


def test_place_and_size_say_nothing(bags) -> None:
    """Targets are as often in the first half of a bag; sizes of classes differ by chance only."""
    first = [bag.instance_labels[: len(bag.images) // 2].sum() for bag in bags]
    last = [bag.instance_labels[-(len(bag.images) // 2) :].sum() for bag in bags]
    sizes = [np.mean([len(bag.images) for bag in bags if bag.label == c]) for c in range(7)]

    # Of counts the root is a standard error; 50 sizes of sd 1.4 have one of 0.2.
    assert abs(sum(first) - sum(last)) < 5 * np.sqrt(sum(first) + sum(last))
    assert np.abs(np.array(sizes) - 8).max() < 5 * 0.2


def test_two_calls_give_the_same(bags, record) -> None:
    """The generator is fixed."""
    for first, second in zip(bags, record.load()(NOWHERE), strict=True):
        assert (first.id, first.label, first.patient) == (second.id, second.label, second.patient)
        np.testing.assert_array_equal(first.images, second.images)

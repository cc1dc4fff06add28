"""digits-witness: exact numbers of witnesses, the same training bags, tests of their own."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from milbench.jobs import Row, tuning_of
from milbench.registry import load_registry
from milbench.suite import load_suite
from milbench.suite_files import suite_files
from milbench_datasets.digits import Pool
from milbench_datasets.digits_witness import draw

NOWHERE = Path("no-such-folder")
RATES = (20, 10, 5, 1)


@pytest.fixture(scope="module")
def sets():
    """Return the bags of each data set by its rate; the data folder is not looked at."""
    names = {rate: f"milbench/digits-witness-{rate}" for rate in RATES}
    offers = {rate: load_registry().find("dataset", name) for rate, name in names.items()}
    return {rate: list(offer.record.load()(NOWHERE)) for rate, offer in offers.items()}


def of(bags, *parts):
    return [bag for bag in bags if bag.part in parts]


def content(bag):
    """Return the images of a bag as a set."""
    return frozenset(image.tobytes() for image in bag.images)


def test_sizes_of_the_parts(sets) -> None:
    """120 bags to train on, 40 to validate, 96 to test; half of each positive; all hold 40."""
    for bags in sets.values():
        counts = Counter((bag.part, bag.label) for bag in bags)
        halves = {"train": 60, "val": 20, "test": 48}
        assert counts == {(part, label): n for part, n in halves.items() for label in (0, 1)}
        assert {bag.images.shape for bag in bags} == {(40, 1, 8, 8)}
        assert {bag.images.dtype for bag in bags} == {np.dtype(np.uint8)}
        assert len({bag.id for bag in bags}) == 256


@pytest.mark.parametrize("rate", RATES)
def test_positive_bags_hold_exactly_the_declared_witnesses(sets, rate) -> None:
    """20 of 40 in training and validation, as many as the name says in the test, else none."""
    for bag in sets[rate]:
        declared = rate if bag.part == "test" else 20
        assert int(bag.instance_labels.sum()) == bag.label * declared


def test_instance_labels_say_which_images_show_a_target(sets) -> None:
    """Every instance is one of the 1797 images, and is a witness where it is a 7, 8 or 9."""
    source = load_digits()
    images = source.images.astype(np.uint8)
    digits = {i.tobytes(): int(d) for i, d in zip(images, source.target, strict=True)}

    for bags in sets.values():
        for bag in bags:
            shown = [digits[image.tobytes()] in (7, 8, 9) for image in bag.images]
            np.testing.assert_array_equal(bag.instance_labels, shown)


def test_training_and_validation_bags_are_the_same_in_all_four(sets) -> None:
    """Bit by bit and in the same order, so that a curve compares test bags alone."""
    first, *others = (
        [(b.id, b.images.tobytes()) for b in of(s, "train", "val")] for s in sets.values()
    )

    assert len(first) == 160
    assert all(other == first for other in others)


def test_no_two_bags_hold_the_same_images(sets) -> None:
    """Training, validation and the tests of all rates: 160 + 4 x 96 different bags."""
    contents = [content(bag) for bag in of(sets[20], "train", "val")]
    contents += [content(bag) for bags in sets.values() for bag in of(bags, "test")]

    assert len(set(contents)) == len(contents) == 544


def test_parts_share_no_image_and_no_pool(sets) -> None:
    """What is tested was never trained on, in any of the four."""
    seen = {part: set() for part in ("train", "val", "test")}
    pools = {part: set() for part in seen}
    for bags in sets.values():
        for bag in bags:
            seen[bag.part] |= content(bag)
            pools[bag.part].add(bag.patient)

    for found in (seen, pools):
        assert not found["train"] & found["val"]
        assert not (found["train"] | found["val"]) & found["test"]
    assert {part: len(names) for part, names in pools.items()} == {
        "train": 10,
        "val": 4,
        "test": 12,
    }


def test_no_image_twice_in_a_bag(sets) -> None:
    """Instances are drawn without replacement."""
    assert all(len(content(bag)) == 40 for bags in sets.values() for bag in bags)


def test_place_in_a_bag_says_nothing(sets) -> None:
    """Slots are shuffled: over 60 bags each holds 30 witnesses, within 5 standard errors of 3.9."""
    positive = [bag.instance_labels for bag in of(sets[20], "train") if bag.label]

    assert np.abs(np.sum(positive, axis=0) - 30).max() < 5 * np.sqrt(60 * 0.25)


def test_two_calls_give_the_same(sets) -> None:
    """The generator is fixed."""
    again = load_registry().find("dataset", "milbench/digits-witness-5").record.load()(NOWHERE)

    for first, second in zip(sets[5], again, strict=True):
        assert (first.id, first.label, first.patient) == (second.id, second.label, second.patient)
        np.testing.assert_array_equal(first.images, second.images)


def test_tuned_runs_try_the_same_on_all_four() -> None:
    """One model is tested at every rate, whichever setting it was trained with."""
    registry, suite = load_registry(), load_suite(suite_files()["witness"])
    row = Row(next(method for method in suite.methods if method.name == "abmil"), trials=4)
    tried = [tuning_of(suite, registry, row, f"digits-witness-{rate}") for rate in RATES]

    assert tried[0] is not None
    assert tried == tried[:1] * 4
    assert tried[0] != tuning_of(suite, registry, row, "digits-bags")


@given(
    witnesses=st.integers(0, 20),
    targets=st.integers(20, 25),
    others=st.integers(40, 60),
    name=st.integers(0, 2**20),
)
def test_any_pool_gives_bags_of_exactly_so_many_witnesses(witnesses, targets, others, name) -> None:
    """40 different images of the pool, whatever its size, and the same for the same names."""
    pool = Pool(np.arange(targets), np.arange(1000, 1000 + others))

    chosen = draw(pool, witnesses, (name,))

    assert len(set(chosen.tolist())) == len(chosen) == 40
    assert int((chosen < 1000).sum()) == witnesses
    assert set(chosen.tolist()) <= {*pool.targets.tolist(), *pool.others.tolist()}
    np.testing.assert_array_equal(draw(pool, witnesses, (name,)), chosen)

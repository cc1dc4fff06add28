"""Every method that looks at instances learns on digits: a seeded training of seconds."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from milbench import Recipe
from milbench.jobs import Cell, Run
from milbench.splits import Part
from milbench.train.engine import train_run
from milbench.train.resident import Resident
from milbench_aggregators import milbench_aggregators
from milbench_datasets.digits import bags

RECORDS = {record.name: record for record in milbench_aggregators()}
CONTROLS = {"prior", "bag-size"}
POOLED = {"mean", "max", "pooled-logistic", "pooled-forest"}  # one nine among ten is lost in these
# Each slot of keras-simple learns for itself, and few bags have a nine in a given one; the suite
# witness shows it where half of the slots are positive. A classifier of pictures takes the mean
# over a bag, in which one nine is lost, and is shown single pictures in a test of its own. What
# refines a ResNet-18 finds marked images in one of its own, too. A method that needs levels learns
# on digits-tree.
ELSEWHERE = {"keras-simple", "keras-simple-cnn", "resnet18-linear", "vgg19-linear", "own-cnn"}
ELSEWHERE |= {"its2clr", "hnm", "hmil"}
IMAGES = {name for name, record in RECORDS.items() if "images" in record.needs}
SMALL = {
    "keras-simple-sum": {"hidden": (128, 128, 64), "attention": 128},
    "clam-sb": {"hidden": 64, "attention": 32},
    "clam-mb": {"hidden": 64, "attention": 32},
    "transmil": {"width": 32, "heads": 4, "landmarks": 16},
    "its2clr-features": {"epochs": 4, "warmup": 1, "refresh": 3, "mil_epochs": 6},
    "hnm-features": {"epochs": 4, "warmup": 1, "refresh": 3, "mil_epochs": 12},
    "crop-transformer": {"layers": 1, "hidden": 64},
}
EPOCHS = {"transmil": 5}  # of 12: its steps are ten times as long, and it has learnt by then
LEARNERS = [name for name in RECORDS if name not in CONTROLS | POOLED | ELSEWHERE]
MARGIN = 0.2


@pytest.fixture(scope="module")
def digits():
    """Return the 240 bags of flat pixels, and the official split with a fifth for validation."""
    return bags_and_part(lambda images: torch.from_numpy(images.reshape(-1, 64)).float())


@pytest.fixture(scope="module")
def digit_images():
    """Return the same as images of twice the side, which the CNNs need; bytes of the full range."""
    double = np.ones((2, 2), dtype=np.uint8)
    return bags_and_part(lambda images: torch.from_numpy(np.kron(images, 15 * double)))


def bags_and_part(pixels_of):
    found = list(bags(None))
    sizes = [len(bag.images) for bag in found]
    x = pixels_of(np.concatenate([bag.images for bag in found]))
    labels = tuple(bag.label for bag in found)
    offsets = (0, *np.cumsum(sizes).tolist())
    data = Resident(x, offsets, None, labels, 2)
    is_test = np.array([bag.part == "test" for bag in found])
    rest = np.flatnonzero(~is_test)
    return data, Part(train=rest[32:], val=rest[:32], test=np.flatnonzero(is_test))


def area(name, digits, epochs=12):
    """Return the area under the curve of a method on the test bags."""
    data, part = digits
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    cell = Cell(
        **dict.fromkeys(names, "digits"),
        args=SMALL.get(name, {}),
        recipe=Recipe(lr=1e-3, weight_decay=1e-4, epochs=epochs, patience=0),
        standardise=True,
        threshold="half",
        settings="",
    )
    outcome = train_run(Run(cell, 0, 0, 0, ""), RECORDS[name], data, part)
    labels = [data.labels[bag] for bag in part.test.tolist()]
    return roc_auc_score(labels, outcome.test[:, 1])


@pytest.fixture(scope="module")
def best_control(digits):
    """Return what the better control reaches, trained once for all methods."""
    return max(area(control, digits) for control in CONTROLS)


@pytest.mark.parametrize("name", [name for name in LEARNERS if name not in IMAGES])
def test_it_beats_chance_and_the_size_of_the_bag(name, digits, best_control):
    """By 0.2 of the area under the curve, on pools of digits that it has not seen."""
    assert area(name, digits, EPOCHS.get(name, 12)) > best_control + MARGIN


@pytest.mark.parametrize("name", [name for name in LEARNERS if name in IMAGES])
def test_it_learns_from_pixels_too(name, digit_images, best_control):
    """A CNN, in five epochs, by the same margin."""
    assert area(name, digit_images, epochs=5) > best_control + MARGIN

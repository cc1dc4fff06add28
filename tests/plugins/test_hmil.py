"""HMIL against the numbers of its authors' code, against hand calculations, and on digits.

The golden numbers were made by running ChengJin-git/HMIL (commit af6f85a) in float64 with
parameters and inputs filled by integer formulas.
"""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from torch.nn import functional as F
from torch.testing import assert_close

from milbench import Bag, Context, MilbenchError, Recipe
from milbench.jobs import Cell, Run
from milbench.splits import Part
from milbench.train.engine import train_run
from milbench.train.resident import Resident
from milbench_aggregators import milbench_aggregators
from milbench_aggregators.hmil import HMIL, Seen, contrastive, curriculum
from milbench_datasets.digits_tree import bags
from milbench_datasets.trees import BRACS, DIGITS

RECORDS = {record.name: record for record in milbench_aggregators()}
SMALL = {"hidden": 8, "attention": (8, 4)}


@pytest.fixture(autouse=True)
def one_thread():
    """Train as a task does; on a busy machine more threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def assert_golden(found, expected):
    assert_close(found, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0)


@pytest.fixture(scope="module")
def golden(rule):
    """Return the model of the golden numbers and its output on eleven instances."""
    model = HMIL(1024, 7, BRACS.levels.parents).double().eval()
    rule.fill(model.parameters())
    return model, model(Bag(rule.x(11, 1024)))


# Golden numbers


def test_logits_of_both_levels_equal_the_authors_code(golden):
    """Three coarse and seven fine logits."""
    _, output = golden

    assert_golden(output.coarse, [0.85815958, 0.85814362, 0.85814236])
    fine = [0.17510082, 0.17509948, 0.17509987, 0.1751019, 0.17510055, 0.17510014, 0.17510206]
    assert_golden(output.logits, fine)


def test_attention_of_both_levels_equals_the_authors_code(golden):
    """That of the first class of each level, on the first four instances."""
    seen = golden[1].extra

    assert_golden(seen.coarse_attention[0, :4], [0.09078667, 0.09091911, 0.09085655, 0.09075196])
    assert_golden(seen.fine_attention[0, :4], [0.09089205, 0.09094593, 0.09085592, 0.09089473])


def test_alignment_of_instances_equals_the_authors_code(golden):
    """With the map of BRACS."""
    model, output = golden

    assert_golden(model.align_instances(output.extra), 0.01980464)


@pytest.mark.parametrize(
    ("bag_alignment", "expected"), [("likelihood", 1.25276243), ("as_released", 1.14853339)]
)
def test_alignment_of_bags_equals_the_authors_code(golden, bag_alignment, expected):
    """Both forms, for the coarse class 1."""
    trained, output = golden
    model = HMIL(1024, 7, BRACS.levels.parents, bag_alignment=bag_alignment).double()
    model.load_state_dict(trained.state_dict())

    assert_golden(model.align_bags(output.logits[None], torch.tensor([1])), expected)


@pytest.mark.parametrize(("temperature", "expected"), [(0.1, 8.76581548), (0.5, 12.86781307)])
def test_contrastive_loss_equals_the_authors_code(temperature, expected, rule):
    """Two views of six bags of two classes."""
    noise = 0.2 * torch.arange(48).double().cos().reshape(6, 8)
    views = [F.normalize(rule.x(6, 8), dim=1), F.normalize(rule.x(6, 8) + noise, dim=1)]

    found = contrastive(torch.stack(views, dim=1), torch.tensor([0, 0, 1, 1, 0, 1]), temperature)

    assert_golden(found, expected)


def test_the_network_is_as_large_as_the_authors():
    """3 and 7 classes on features of 1024."""
    model = HMIL(1024, 7, BRACS.levels.parents)

    assert sum(parameter.numel() for parameter in model.parameters()) == 1_348_172


# By hand


@pytest.mark.parametrize(
    ("variant", "epoch", "expected"),
    [
        ("paper", 0, (1.0, 0.1)),
        ("paper", 5, (0.75, 0.1)),
        ("paper", 10, (0.5, 0.1)),
        ("paper", 19, (0.05, 0.1)),
        ("released", 0, (1.0, 1.0)),
        ("released", 5, (0.9375, 0.55)),
        ("released", 10, (0.75, 0.1)),
        ("released", 15, (0.4375, 0.55)),
    ],
)
def test_curriculum_by_hand(variant, epoch, expected):
    """1 - e/E, and 1 - (e/E)^2 with a temperature that is lowest half-way, of 20 epochs."""
    assert curriculum(variant, epoch, 20) == pytest.approx(expected)


def test_instances_aligned_by_hand():
    """One instance agrees: (3, 4) against (3, 4) / 5; of the other the cosine is 2 / sqrt(5)."""
    model = HMIL(4, 3, (0, 0, 1), **SMALL)
    fine = torch.tensor([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    coarse = torch.tensor([[0.6, 0.4], [0.8, 0.2]])

    found = model.align_instances(Seen(coarse, fine, torch.empty(0)))

    assert_close(found, torch.tensor((1 - 2 / math.sqrt(5)) / 2))


@pytest.mark.parametrize(
    ("bag_alignment", "expected"),
    [("likelihood", math.log(4 / 3)), ("as_released", math.log(1 + math.exp(-0.5)))],
)
def test_bags_aligned_by_hand(bag_alignment, expected):
    """Three quarters of the probability lie below the right coarse class."""
    model = HMIL(4, 3, (0, 0, 1), bag_alignment=bag_alignment, **SMALL)
    fine = torch.tensor([[0.25, 0.5, 0.25]]).log()

    assert_close(model.align_bags(fine, torch.tensor([0])), torch.tensor(expected))


def test_a_class_that_is_certain_leaves_a_finite_alignment():
    """The sum of the others is 0 in float32; its logarithm still is a number."""
    model = HMIL(4, 3, (0, 0, 1), **SMALL)

    found = model.align_bags(torch.tensor([[0.0, 0.0, 500.0]]), torch.tensor([0]))

    assert_close(found, torch.tensor(500 - math.log(2)))


def test_contrast_of_equal_features_by_hand():
    """Two bags of one class: each has half of what is beside it; a third is alone and adds 0."""
    features = torch.tensor([1.0, 0.0]).expand(3, 1, 2)

    found = contrastive(features, torch.tensor([0, 0, 1]), temperature=0.2)

    assert_close(found, torch.tensor(2.0 * (2 / 3) * math.log(2)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("variant", ["paper", "released"])
@pytest.mark.parametrize("epoch", [0, 4])
def test_the_total_loss_is_the_weighted_sum_of_its_parts(variant, epoch):
    """Of two bags in epoch 0 and 4 of 10, as the docstring has it."""
    torch.manual_seed(0)
    model = HMIL(6, 3, (0, 0, 1), variant=variant, **SMALL)
    outputs = [model(Bag(torch.randn(n, 6))) for n in (3, 5)]
    labels = [torch.tensor(2), torch.tensor(0)]
    weight, temperature = {
        ("paper", 0): (1.0, 0.1),
        ("paper", 4): (0.6, 0.1),
        ("released", 0): (1.0, 1.0),
        ("released", 4): (0.84, 0.1 + 0.45 * (1 + math.cos(0.8 * math.pi))),
    }[variant, epoch]
    fine = torch.stack([output.logits for output in outputs])
    coarse = torch.stack([output.coarse for output in outputs])
    parents = torch.tensor([1, 0])
    of_fine = F.cross_entropy(fine, torch.stack(labels))
    of_coarse = F.cross_entropy(coarse, parents)
    of_bags = model.align_bags(fine, parents)
    of_instances = sum(model.align_instances(output.extra) for output in outputs) / 2
    features = torch.stack([output.extra.features for output in outputs])
    contrast = (1 - weight) * contrastive(features, torch.stack(labels), temperature) / 2

    found = model.loss(outputs, labels, Context(n_classes=3, epoch=epoch, epochs=10))

    if variant == "paper":
        expected = of_fine + weight * (of_coarse + of_instances + of_bags) + contrast
    else:
        expected = weight * of_coarse + of_fine + of_bags + contrast
    assert_close(found, expected)


def test_a_step_takes_a_batch_and_the_last_one_the_rest():
    """Seven bags by three, in the order of the epoch."""
    joined = HMIL(4, 3, (0, 0, 1), batch=3, **SMALL).join([0, 1, 2, 0, 1, 2, 0])

    assert [list(places) for places in joined] == [[0, 1, 2], [3, 4, 5], [6]]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"variant": "best"}, "variant is 'best'"),
        ({"bag_alignment": "none"}, "bag_alignment is 'none'"),
        ({"batch": 0}, "0 bags a step"),
        ({"parents": (0, 1)}, "2 parents for 3 classes"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, says):
    """Before anything is trained, with what is wrong."""
    with pytest.raises(MilbenchError, match=says):
        HMIL(4, 3, **({"parents": (0, 0, 1)} | settings))


# On digits


@pytest.fixture(scope="module")
def digits():
    """Return the 350 bags of flat pixels, and the official split with a fifth for validation."""
    found = list(bags(None))
    sizes = [len(bag.images) for bag in found]
    pixels = np.concatenate([bag.images.reshape(-1, 64) for bag in found])
    labels = tuple(bag.label for bag in found)
    offsets = (0, *np.cumsum(sizes).tolist())
    data = Resident(torch.from_numpy(pixels).float(), offsets, None, labels, 7)
    is_test = np.array([bag.part == "test" for bag in found])
    rest = np.flatnonzero(~is_test)
    return data, Part(train=rest[49:], val=rest[:49], test=np.flatnonzero(is_test))


def scores(name, digits, **args):
    """Return the fine and the coarse area under the curve, and the fine balanced accuracy."""
    data, part = digits
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    cell = Cell(
        **dict.fromkeys(names, "digits-tree"),
        args=args,
        recipe=Recipe(lr=2e-3, weight_decay=0.0, epochs=8, patience=0),
        standardise=True,
        threshold="half",
        settings="",
        levels=DIGITS.levels,
    )
    outcome = train_run(Run(cell, 0, 0, 0, ""), RECORDS[name], data, part)
    labels = np.array([data.labels[bag] for bag in part.test.tolist()])
    parents = np.array(DIGITS.levels.parents)[labels]
    fine = roc_auc_score(labels, outcome.test, multi_class="ovr")
    coarse = roc_auc_score(parents, outcome.coarse.test, multi_class="ovr")
    return fine, coarse, balanced_accuracy_score(labels, outcome.test.argmax(axis=1))


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_it_learns_both_levels_of_digits(variant, digits):
    """On pools that it has not seen, by 0.3 above the prior in area and in balanced accuracy."""
    prior = scores("prior", digits)
    found = scores("hmil", digits, variant=variant, hidden=64, attention=(32, 16), batch=4)

    assert prior == pytest.approx((0.5, 0.5, 1 / 7))
    assert all(mine > theirs + 0.3 for mine, theirs in zip(found, prior, strict=True))

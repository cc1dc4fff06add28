"""What every built-in aggregator promises, method by method."""

import inspect
import io
import math
import re
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn import functional as F
from torch.testing import assert_close

from milbench import Bag, Context, Example
from milbench.errors import ShapeError
from milbench_aggregators import milbench_aggregators

RECORDS = {record.name: record for record in milbench_aggregators()}
ESTIMATORS = [name for name, record in RECORDS.items() if hasattr(record.load(), "fit")]
NETWORKS = [name for name in RECORDS if name not in ESTIMATORS]
BLIND = ["prior", "bag-size"]  # read no feature, so any shape of instance will do
ORDERED = [name for name, record in RECORDS.items() if "order" in record.needs]
# Sizes that keep the tests fast; the published ones are proven with the golden numbers.
REFINED = {"epochs": 2, "warmup": 1, "refresh": 1, "mil_epochs": 2}
REFINED_CNN = {"epochs": 1, "mil_epochs": 2, "pretrain_epochs": 0, "width": 4}
SMALL = {
    "transmil": {"width": 64, "heads": 8, "landmarks": 8},
    "crop-transformer": {"tokens": 2, "layers": 1, "heads": 2, "hidden": 32},
    "keras-simple-cnn": {"image": (3, 16, 16)},
    "resnet18-linear": {"weights": "random", "width": 8},
    "vgg19-linear": {"weights": "random", "width": 4},
    "own-cnn": {"crop": 32},
    "its2clr": REFINED_CNN,
    "hnm": REFINED_CNN,
    "its2clr-features": REFINED,
    "hnm-features": REFINED,
}
DIM = 16
PARENTS = {2: (0, 1), 7: (0, 0, 0, 1, 1, 2, 2)}  # what a method that needs levels is built with
# The shift of all attention, or of all logits of one layer, which softmax ignores.
SHIFTS = re.compile(r"(\w+_)?attention\.score\.bias|(coarse|fine)_head\.bias")
SLIDE, PICTURES = 20_000, 200  # instances of the largest bag: features, and images
LARGER = {"resnet18-linear", "vgg19-linear", "own-cnn"}  # halve an image five times


@pytest.fixture(autouse=True)
def one_thread():
    """Compute as a task does; on a busy machine more threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


every = pytest.mark.parametrize("name", RECORDS)
network = pytest.mark.parametrize("name", NETWORKS)
classes = pytest.mark.parametrize("n_classes", [2, 7])


def shape_of(name):
    """Return the shape of an instance: features, or an image where the method reads those."""
    if "images" not in RECORDS[name].needs:
        return (DIM,)
    return (3, 32, 32) if name in LARGER else (3, 16, 16)


def toy_bag(name, size, seed=0):
    """Return a bag for a method: normal features, or bytes that leave room for a mark."""
    generator, shape = torch.Generator().manual_seed(seed), shape_of(name)
    if len(shape) == 1:
        return Bag(torch.randn(size, *shape, generator=generator))
    return Bag(torch.randint(0, 128, (size, *shape), generator=generator, dtype=torch.uint8))


def context(n_classes, seed=0):
    return Context(n_classes=n_classes, seed=seed)


def build(name, n_classes=2, seed=0):
    torch.manual_seed(seed)
    in_dim = math.prod(shape_of(name))
    given = {"in_dim": in_dim, "n_classes": n_classes, "parents": PARENTS[n_classes]}
    record = RECORDS[name]
    return record.load()(*(given[key] for key in record.given), **SMALL.get(name, {}))


@cache
def ready(name, n_classes=2):
    """Return ``bag -> Output`` of a method that is ready to predict."""
    model = build(name, n_classes)
    if name in NETWORKS:
        return model.eval()
    train = [Example(toy_bag(name, 3 + n % 5, n), n % n_classes) for n in range(28)]
    model.fit(train, [], context(n_classes))
    return model.predict


def loss(model, output, label):
    if hasattr(model, "join"):  # the loss of a step with a single bag
        output, label = [output], [label]
    if hasattr(model, "loss"):
        n_classes = (output[0] if isinstance(output, list) else output).logits.shape[-1]
        return model.loss(output, label, context(n_classes))
    return F.cross_entropy(output.logits, label)


def test_the_methods_of_the_first_release_are_there():
    """Names are part of the interface: suites and stored results use them."""
    assert list(RECORDS) == [
        *("mean", "max", "mi-net-instance", "mi-net-embedding"),
        *("abmil", "gated-abmil", "dsmil", "dsmil-classic", "hnm-dsmil"),
        *("clam-sb", "clam-mb", "mil-fc", "transmil", "crop-transformer"),
        *("keras-simple", "keras-simple-sum", "keras-simple-cnn"),
        "hmil",
        *("abmil-cnn", "gated-abmil-cnn", "amil"),
        *("resnet18-linear", "vgg19-linear", "own-cnn"),
        *("its2clr", "hnm", "its2clr-features", "hnm-features"),
        *("prior", "bag-size", "pooled-logistic", "pooled-forest"),
    ]
    controls = [name for name, record in RECORDS.items() if record.control]
    assert controls == ["prior", "bag-size", "pooled-logistic", "pooled-forest"]


@pytest.mark.parametrize("name", [name for name in RECORDS if name not in ORDERED])
@settings(max_examples=20, deadline=None)
@given(size=st.integers(1, 60), seed=st.integers(0, 2**31))
def test_order_of_instances_has_no_effect(name, size, seed):
    """A bag is a set: shuffled instances give the same logits, and scores move along."""
    size = size if len(shape_of(name)) == 1 else 1 + size // 6
    bag = toy_bag(name, size, seed)
    order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))

    before, after = ready(name)(bag), ready(name)(Bag(bag.x[order]))

    assert_close(after.logits, before.logits, atol=1e-5, rtol=1e-5)
    if before.scores is not None:
        assert_close(after.scores, before.scores[order], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ORDERED)
def test_what_declares_order_depends_on_it(name):
    """Else the declaration would excuse nothing."""
    bag = toy_bag(name, 9)

    assert not torch.allclose(ready(name)(bag).logits, ready(name)(Bag(bag.x.flip(0))).logits)


@every
@classes
@pytest.mark.parametrize("size", [1, SLIDE])
def test_any_size_gives_one_finite_logit_a_class(name, n_classes, size):
    """From one instance to a whole slide; images, which nobody keeps of a slide, to hundreds."""
    if size > 1:
        skip_excused(name, "any-size")
        size = size if len(shape_of(name)) == 1 else PICTURES
    output = ready(name, n_classes)(toy_bag(name, size))

    assert output.logits.shape == (n_classes,)
    assert output.logits.isfinite().all()
    if output.scores is not None:
        assert output.scores.shape in ((size,), (size, n_classes))
        assert output.scores.isfinite().all()
    if output.instance_logits is not None:
        assert output.instance_logits.shape == (size, n_classes)
    if output.coarse is not None:
        assert output.coarse.shape == (1 + max(PARENTS[n_classes]),)
        assert output.coarse.isfinite().all()


@pytest.mark.parametrize("name", ESTIMATORS)
@classes
def test_estimators_predict_probabilities(name, n_classes):
    """Their logits are log-probabilities: they sum to one before any softmax."""
    probabilities = ready(name, n_classes)(toy_bag(name, 4)).logits.exp()

    assert_close(probabilities.sum().double(), torch.tensor(1.0).double(), atol=1e-9, rtol=0)


@pytest.mark.parametrize("name", [name for name in RECORDS if name not in BLIND])
@pytest.mark.parametrize("kind", ["wider", "no axis", "empty", "batch", "images"])
def test_a_bag_of_another_shape_is_refused(name, kind):
    """No silent broadcasting: the error names the shape."""
    *axes, last = shape_of(name)
    shape = {
        "wider": (5, *axes, last + 1),
        "no axis": (last,),
        "empty": (0, *axes, last),
        "batch": (1, 5, *axes, last),
        "images": (5, 1, 4, 4),
    }[kind]
    with pytest.raises(ShapeError, match=re.escape(str(shape))):
        ready(name)(Bag(torch.zeros(shape)))


@network
@classes
def test_gradient_reaches_every_parameter(name, n_classes):
    """Nothing is left untrained, but what adds the same to all that a softmax compares."""
    model = build(name, n_classes)
    loss(model, model(toy_bag(name, 6)), torch.tensor(1)).backward()

    idle = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert all(SHIFTS.fullmatch(key) for key in idle)
    assert all(p.grad.isfinite().all() for p in model.parameters())


@network
def test_saved_weights_give_the_same_logits(name):
    """A model comes back from its state_dict alone."""
    model, file = build(name, seed=1).eval(), io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)

    other = build(name, seed=2).eval()
    assert not torch.equal(other(toy_bag(name, 5)).logits, model(toy_bag(name, 5)).logits)
    other.load_state_dict(torch.load(file, weights_only=True))

    assert_close(other(toy_bag(name, 5)).logits, model(toy_bag(name, 5)).logits, atol=0, rtol=0)


@every
def test_the_same_seed_builds_the_same_model(name):
    """Randomness comes from torch's seed, or from the context, and from nowhere else."""
    logits = []
    for _ in range(2):
        ready.cache_clear()
        logits.append(ready(name)(toy_bag(name, 5)).logits)

    assert_close(logits[0], logits[1], atol=0, rtol=0)


@every
def test_prediction_changes_nothing(name):
    """No weight, no buffer, no random state and no input is touched; a repeat is identical."""
    predict, bag = ready(name, 7), toy_bag(name, 9)
    x, random_state = bag.x.clone(), torch.get_rng_state()
    weights = {k: v.clone() for k, v in predict.state_dict().items()} if name in NETWORKS else {}

    first = predict(bag).logits
    predict(toy_bag(name, 30, seed=1))

    assert_close(predict(bag).logits, first, atol=0, rtol=0)
    assert torch.equal(bag.x, x)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(predict.state_dict()[k], v) for k, v in weights.items())


@every
def test_every_setting_has_a_default(name):
    """What the data set gives is enough; what follows are named settings."""
    given = RECORDS[name].given
    parameters = list(inspect.signature(RECORDS[name].load()).parameters.values())
    rest = parameters[len(given) :]

    assert tuple(parameter.name for parameter in parameters[: len(given)]) == given
    assert given[:2] == ("in_dim", "n_classes")
    assert all(setting.default is not inspect.Parameter.empty for setting in rest)
    assert all(setting.kind is inspect.Parameter.KEYWORD_ONLY for setting in rest)


@pytest.mark.parametrize("name", [name for name in RECORDS if name not in BLIND])
def test_the_docstring_and_the_record_name_the_paper(name):
    """A year in the class's docstring, and the same one in the record."""
    record = RECORDS[name]
    years = set(re.findall(r"\b(?:19|20)\d\d\b", inspect.getdoc(record.load()) or ""))

    assert years & set(re.findall(r"\b(?:19|20)\d\d\b", record.paper))


def planted(name, n, seed):
    """Return one bag of 7: instance ``n % 7`` carries a mark where the label is 1."""
    bag, label = toy_bag(name, 7, seed), n % 2
    if label and bag.x.dtype == torch.uint8:
        bag.x[n % 7, 0] += 100  # its red
    elif label:
        bag.x[n % 7, :4] += 3.0
    return bag, label


def for_positive(scores):
    """Return the scores (N,) for the second of two classes."""
    return scores if scores.dim() == 1 else scores[:, 1]


# Bytes as they are and half of the values dropped ask for more than a short training; a random
# VGG-19 hardly tells one picture from another.
SLOW = {"keras-simple-cnn", "vgg19-linear"}
SCORING = [n for n in NETWORKS if n not in SLOW and ready(n)(toy_bag(n, 3)).scores is not None]


@pytest.mark.parametrize("name", SCORING)
def test_scores_find_the_planted_instance(name):
    """After a short training the marked instance scores highest; chance is 1 in 7."""
    model = build(name).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(80 if name == "own-cnn" else 300):  # seconds
        bag, label = planted(name, step, seed=step)
        optimiser.zero_grad()
        loss(model, model(bag), torch.tensor(label)).backward()
        optimiser.step()

    model.eval()
    tests = range(1001, 1081, 2)  # positive bags, unseen
    found = [
        int(for_positive(model(planted(name, n, seed=n)[0]).scores).argmax()) == n % 7
        for n in tests
    ]

    assert sum(found) / len(found) >= 0.8


def skip_excused(name, check):
    if check in RECORDS[name].excused:
        pytest.skip(f"{name} is excused from {check}: {RECORDS[name].excused[check]}")


@network
@classes
def test_stacked_replicas_give_the_logits_of_each(name, n_classes):
    """``vmap`` over parameters equals one model after the other."""
    skip_excused(name, "vmap")
    models = [build(name, n_classes, seed).eval() for seed in range(3)]
    bag = toy_bag(name, 9)

    def forward(parameters, buffers):
        return functional_call(models[0], (parameters, buffers), (bag,)).logits

    stacked = vmap(forward)(*stack_module_state(models))  # (R, C)

    assert_close(stacked, torch.stack([m(bag).logits for m in models]), atol=1e-5, rtol=1e-5)


@network
@classes
def test_stacked_replicas_give_the_gradients_of_each(name, n_classes):
    """The loss, own or not, differentiates under ``vmap`` as it does alone."""
    skip_excused(name, "vmap")
    models = [build(name, n_classes, seed).eval() for seed in range(3)]
    bag, label = toy_bag(name, 9), torch.tensor(1)

    def one_loss(parameters, buffers):
        return loss(models[0], functional_call(models[0], (parameters, buffers), (bag,)), label)

    stacked = vmap(grad(one_loss))(*stack_module_state(models))

    for position, model in enumerate(models):
        loss(model, model(bag), label).backward()
        for key, parameter in model.named_parameters():
            assert_close(stacked[key][position], parameter.grad, atol=1e-5, rtol=1e-4)

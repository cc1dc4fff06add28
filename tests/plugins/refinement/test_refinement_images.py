"""its2clr and hnm on images, end to end at a small size: the promises that every method makes."""

from functools import cache

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.testing import assert_close

from milbench import Bag, Context, Example, MilbenchError
from milbench.errors import ShapeError
from milbench_aggregators import milbench_aggregators

RECORDS = {record.name: record for record in milbench_aggregators()}
METHODS = ["its2clr", "hnm"]
SMALL = {
    "width": 4,
    "pretrain_epochs": 1,
    "augmentation": "flip",
    "batch": 128,
    "epochs": 2,
    "warmup": 1,
    "refresh": 1,
    "mil_epochs": 2,
    "mil_lr": 5e-3,
}
LONGER = {"epochs": 9, "refresh": 4, "mil_epochs": 25, "lr": 0.1, "batch": 64}
every = pytest.mark.parametrize("name", METHODS)
classes = pytest.mark.parametrize("n_classes", [2, 7])


def picture(is_marked, draw):
    """Return noise (3, 9, 9), with a bright square in it where marked."""
    image = torch.randint(0, 90, (3, 9, 9), generator=draw)
    if is_marked:
        image[:, 2:7, 2:7] += 160
    return image.to(torch.uint8)


def marked(size, place, seed):
    """Return a bag of ``size`` images; that at ``place`` is marked, if it is one."""
    draw = torch.Generator().manual_seed(seed)
    return Bag(torch.stack([picture(at == place, draw) for at in range(size)]))


def examples(n_classes, count=21):
    """Return bags of 3 to 7 images, the first one marked but in class 0."""
    return [
        Example(marked(3 + bag % 5, 0 if bag % n_classes else -1, bag), bag % n_classes)
        for bag in range(count)
    ]


def fitted(name, n_classes=2, seed=0, **settings):
    model = RECORDS[name].load()(3 * 9 * 9, n_classes, **(SMALL | settings))
    model.fit(examples(n_classes), examples(n_classes, 7), Context(n_classes=n_classes, seed=seed))
    return model


ready = cache(fitted)


@every
def test_instances_in_another_order_say_the_same(name):
    """A bag is a set; scores move along."""
    bag, order = marked(9, 3, 0), torch.randperm(9)
    one, other = ready(name).predict(bag), ready(name).predict(Bag(bag.x[order]))

    assert_close(other.logits, one.logits, atol=1e-5, rtol=1e-5)
    assert_close(other.scores, one.scores[order], atol=1e-5, rtol=1e-5)


@every
@classes
@pytest.mark.parametrize("size", [1, 300])
def test_any_size_gives_probabilities_and_instance_logits(name, n_classes, size):
    """One image, and more than are encoded at a time."""
    output = ready(name, n_classes).predict(marked(size, 0, 1))

    assert_close(output.logits.exp().sum(), torch.tensor(1.0, dtype=torch.float64))
    assert output.scores.shape == ((size,) if n_classes == 2 else (size, n_classes))
    assert output.instance_logits.shape == (size, n_classes)
    assert output.instance_logits.isfinite().all()


@every
def test_seed_decides_everything(name):
    """Weights, SimCLR, draws and views; the stream of torch is left as it was."""
    bag, state = marked(5, 0, 1), torch.get_rng_state()
    outputs = [fitted(name, seed=seed).predict(bag).logits for seed in (0, 1)]

    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(outputs[0], ready(name).predict(bag).logits)
    assert not torch.allclose(outputs[0], outputs[1])


@every
def test_prediction_changes_nothing(name):
    """No weight and no random state; a repeat is identical."""
    model, bag, state = ready(name), marked(5, 0, 1), torch.get_rng_state()
    weights = [p.clone() for p in model.parameters()]
    first = model.predict(bag).logits
    model.predict(marked(8, 2, 2))

    assert torch.equal(model.predict(bag).logits, first)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(p, w) for p, w in zip(model.parameters(), weights, strict=True))


def test_marked_images_are_found():
    """Among 3 to 7 images of unseen bags the marked one has the highest score: AUC above 0.9."""
    model = fitted("hnm", **LONGER)
    bags = [marked(3 + n % 5, n % 3, 1000 + n) for n in range(20)]
    truth = [int(at == n % 3) for n, bag in enumerate(bags) for at in range(len(bag))]
    scores = torch.cat([model.predict(bag).scores for bag in bags])

    assert roc_auc_score(truth, scores) > 0.9


@every
def test_feature_vectors_are_refused(name):
    """The message names the way out."""
    train = [Example(Bag(torch.zeros(3, 5)), bag % 2) for bag in range(4)]

    with pytest.raises(MilbenchError, match="expected images .*-features form"):
        RECORDS[name].load()(5, 2, **SMALL).fit(train, [], Context(n_classes=2))


@every
def test_images_of_another_size_are_refused(name):
    """A model predicts on what it was trained for."""
    with pytest.raises(ShapeError, match=r"expected \(N, 3, 9, 9\)"):
        ready(name).predict(Bag(torch.zeros(2, 3, 9, 10, dtype=torch.uint8)))


@every
def test_an_unknown_augmentation_is_refused(name):
    """Before anything is trained."""
    with pytest.raises(MilbenchError, match="augmentation is 'none'; choose 'simclr'"):
        RECORDS[name].load()(5, 2, augmentation="none")


def test_saved_weights_take_the_place_of_simclr(tmp_path):
    """With ``weights`` nothing is pretrained: without epochs they are the encoder's own."""
    source = ready("hnm").encoder.backbone.state_dict()
    torch.save(source, tmp_path / "weights.pth")
    model = fitted("hnm", seed=9, epochs=0, weights=str(tmp_path / "weights.pth"))

    found = model.encoder.backbone.state_dict()
    assert all(torch.equal(found[name], weight) for name, weight in source.items())

"""its2clr and hnm on images, end to end at a small size; the contract tests have the rest."""

import pytest
import torch
from sklearn.metrics import roc_auc_score

from milbench import Bag, Context, Example, MilbenchError
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


def examples(count):
    """Return bags of 3 to 7 images, the first one marked in every other bag."""
    return [
        Example(marked(3 + bag % 5, 0 if bag % 2 else -1, bag), bag % 2) for bag in range(count)
    ]


def fitted(name, seed=0, **settings):
    model = RECORDS[name].load()(3 * 9 * 9, 2, **(SMALL | settings))
    model.fit(examples(21), examples(7), Context(n_classes=2, seed=seed))
    return model


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

    with pytest.raises(MilbenchError, match=r"expected images .*-features form"):
        RECORDS[name].load()(5, 2, **SMALL).fit(train, [], Context(n_classes=2))


@every
def test_an_unknown_augmentation_is_refused(name):
    """Before anything is trained."""
    with pytest.raises(MilbenchError, match="augmentation is 'none'; choose 'simclr'"):
        RECORDS[name].load()(5, 2, augmentation="none")


def test_saved_weights_take_the_place_of_simclr(tmp_path):
    """With ``weights`` nothing is pretrained: without epochs they are the encoder's own."""
    source = fitted("hnm").encoder.backbone.state_dict()
    torch.save(source, tmp_path / "weights.pth")
    model = fitted("hnm", seed=9, epochs=0, weights=str(tmp_path / "weights.pth"))

    found = model.encoder.backbone.state_dict()
    assert all(torch.equal(found[name], weight) for name, weight in source.items())

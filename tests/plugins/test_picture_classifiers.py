"""The image baselines: frozen networks and the small CNN, as classifiers of pictures."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from milbench import Bag, Context, MilbenchError, Output
from milbench.errors import ShapeError
from milbench.jobs import Cell, Run
from milbench.nn.resnet import ResNet18
from milbench.splits import Part
from milbench.train.engine import train_run
from milbench.train.resident import Resident
from milbench_aggregators import backbones, milbench_aggregators
from milbench_aggregators.backbones import frozen
from milbench_aggregators.frozen_cnn import ResNet18Linear
from milbench_aggregators.own_cnn import OwnCNN

RANDOM = {"weights": "random", "width": 8}
DIM = 3 * 32 * 32


def pictures(count, seed=0, side=32):
    """Return bytes (count, 3, side, side)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, side, side), generator=generator).byte()


@pytest.mark.parametrize(("method", "settings"), [(ResNet18Linear, RANDOM), (OwnCNN, {"crop": 32})])
def test_a_bag_has_the_mean_logits_of_its_pictures(method, settings):
    """Each picture alone, and all as one bag; the scores are the log-odds of each."""
    torch.manual_seed(0)
    model = method(DIM, 2, **settings).eval()
    images = pictures(3)

    alone = torch.stack([model(Bag(image[None])).logits for image in images])
    output = model(Bag(images))

    assert_close(output.logits, alone.mean(dim=0))
    assert_close(output.instance_logits, alone)
    assert_close(output.scores, alone[:, 1] - alone[:, 0])


def test_a_step_joins_32_pictures():
    """70 bags make steps of 32, 32 and 6, in their order."""
    steps = OwnCNN(DIM, 2, crop=32).join([0] * 70)

    assert [len(step) for step in steps] == [32, 32, 6]
    assert [place for step in steps for place in step] == list(range(70))


def test_loss_is_the_mean_over_the_bags_of_a_step():
    """By hand: -log of 1/2 and of 3/4."""
    outputs = [Output(torch.zeros(2)), Output(torch.tensor([0.0, np.log(3.0)]).float())]
    labels = [torch.tensor(0), torch.tensor(1)]

    loss = OwnCNN(DIM, 2, crop=32).loss(outputs, labels, Context(n_classes=2))

    assert_close(loss, torch.tensor((np.log(2.0) + np.log(4 / 3)) / 2).float())


def test_only_the_last_layer_is_trained_and_kept():
    """512 features and a bias for each class; the frozen network is no part of the weights."""
    model = ResNet18Linear(DIM, 2, weights="random")

    assert sum(p.numel() for p in model.parameters()) == 513 * 2
    assert set(model.state_dict()) == {"head.weight", "head.bias"}


def test_prepared_bags_give_the_same_logits():
    """What the harness computes once a bag is what a forward on images computes."""
    model, bag = ResNet18Linear(DIM, 2, **RANDOM).eval(), Bag(pictures(40))

    prepared = model.prepare(bag)

    assert prepared.x.shape == (40, 64)
    assert_close(model(prepared).logits, model(bag).logits)


def test_a_random_network_is_the_same_in_every_run():
    """Whatever torch's seed is, and its random numbers go on as if nothing had happened."""
    frozen.cache_clear()
    torch.manual_seed(1)
    first = frozen("resnet18", "random", 4).conv1.weight.clone()
    drawn = torch.rand(1)
    frozen.cache_clear()
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(2)

    assert_close(frozen("resnet18", "random", 4).conv1.weight, first, atol=0, rtol=0)
    assert torch.equal(drawn, expected)


def test_the_middle_of_a_large_picture_counts():
    """Pixels outside the middle 32 x 32 change nothing in prediction, those inside do."""
    images = pictures(1, side=40)
    outside, inside = images.clone(), images.clone()
    outside[..., :4, :] = 0
    inside[..., 20, 20] = 255 - inside[..., 20, 20]

    for model in (ResNet18Linear(4800, 2, crop=32, **RANDOM), OwnCNN(4800, 2, crop=32)):
        model.eval()
        assert torch.equal(model(Bag(outside)).logits, model(Bag(images)).logits)
        assert not torch.equal(model(Bag(inside)).logits, model(Bag(images)).logits)


def test_training_crops_at_random_where_there_is_room():
    """The small CNN sees other parts of a larger picture, and always the whole of a small one."""
    large, small = OwnCNN(4800, 2, crop=32).train(), OwnCNN(DIM, 2, crop=32).train()
    for module in (*large.modules(), *small.modules()):
        if isinstance(module, torch.nn.Dropout):
            module.eval()

    assert len({large(Bag(pictures(1, side=40))).logits[0].item() for _ in range(5)}) > 1
    assert len({small(Bag(pictures(1))).logits[0].item() for _ in range(5)}) == 1


def test_grey_pictures_are_shown_to_three_channels():
    """As a colour picture of three equal channels; two channels are refused."""
    grey = pictures(2)[:, :1]
    one, three = (ResNet18Linear(n * 1024, 2, image=(n, 32, 32), **RANDOM) for n in (1, 3))

    assert_close(one.prepare(Bag(grey)).x, three.prepare(Bag(grey.expand(-1, 3, -1, -1))).x)
    with pytest.raises(ShapeError, match="images of 2 channels"):
        ResNet18Linear(2048, 2, image=(2, 32, 32), **RANDOM)


def test_absent_weights_are_named_with_what_to_do(tmp_path, monkeypatch):
    """Where they were looked for, where to get them, and the way without."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    with pytest.raises(MilbenchError) as caught:
        ResNet18Linear(DIM, 2)
    message = str(caught.value)
    assert str(tmp_path / "checkpoints" / "resnet18-f37072fd.pth") in message
    assert "https://download.pytorch.org/models/resnet18-f37072fd.pth" in message
    assert 'weights = "random"' in message


def test_weights_are_read_from_torchs_cache_and_from_a_file(tmp_path, monkeypatch):
    """A file in torchvision's layout, its last layer included."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    torch.manual_seed(3)
    network = ResNet18()
    last = {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    path = tmp_path / "checkpoints" / backbones.FILES["resnet18"]
    path.parent.mkdir()
    torch.save(network.state_dict() | last, path)
    image = pictures(1).float() / 255

    with torch.no_grad():
        expected = network.eval()(image)
    for weights in ("imagenet", str(path)):
        frozen.cache_clear()
        model = ResNet18Linear(DIM, 2, weights=weights)
        assert_close(model.prepare(Bag(image)).x, expected)
    frozen.cache_clear()


def test_weights_of_another_network_are_refused(tmp_path):
    """The message names the file and a tensor that differs."""
    path = tmp_path / "other.pth"
    torch.save(ResNet18(width=8).state_dict(), path)

    with pytest.raises(MilbenchError, match=r"other\.pth: holds no weights of resnet18: .*tensors"):
        ResNet18Linear(DIM, 2, weights=str(path))


@pytest.mark.parametrize(
    ("name", "args", "lr"), [("resnet18-linear", RANDOM, 3e-2), ("own-cnn", {"crop": 32}, 3e-4)]
)
def test_it_learns_bright_from_dark_pictures(name, args, lr):
    """By the harness and the published optimiser; a random network is given a longer step."""
    labels = tuple(n % 2 for n in range(40))
    x = pictures(40) // 4 + 160 * torch.tensor(labels).byte()[:, None, None, None]
    data = Resident(x, tuple(range(41)), None, labels, 2)
    record = next(r for r in milbench_aggregators() if r.name == name)
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    cell = Cell(
        **dict.fromkeys(names, "toy"),
        args=args,
        recipe=replace(record.recipe, epochs=25, lr=lr),
        standardise=True,
        threshold="half",
        settings="",
    )
    part = Part(train=np.arange(24), val=np.arange(24, 32), test=np.arange(32, 40))

    outcome = train_run(Run(cell, 0, 0, 0, ""), record, data, part)

    assert record.recipe.optimizer == "rmsprop"
    assert outcome.test.argmax(axis=1).tolist() == [0, 1] * 4

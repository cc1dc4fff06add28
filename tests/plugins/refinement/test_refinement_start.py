"""Where the image encoder starts: weights from files of several codes, and SimCLR in the fold."""

import pickle

import pytest
import torch

from milbench import Bag, Example, MilbenchError
from milbench.nn.contrast import nt_xent
from milbench_aggregators.refinement.encoder import ImageEncoder
from milbench_aggregators.refinement.start import load_weights, pretrain
from milbench_aggregators.refinement.training_bags import TrainingBags


def encoder(seed=0, **settings):
    torch.manual_seed(seed)
    return ImageEncoder((3, 12, 12), width=4, **settings)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def bags(flipped=False):
    draw = generator(3)
    found = [torch.randint(0, 256, (4, 3, 12, 12), generator=draw).byte() for _ in range(6)]
    labels = [(bag + flipped) % 2 for bag in range(6)]
    train = [Example(Bag(x), label) for x, label in zip(found, labels, strict=True)]
    return TrainingBags(train, 2, negative=True)


def same(one, other):
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


def saved(path, tensors, **around):
    state = {f"features.{place}": tensor for place, tensor in enumerate(tensors)}
    torch.save({**around, "state_dict": state} if around else state, path)
    return str(path)


def test_weights_are_read_in_their_order_whatever_their_names(tmp_path):
    """Convolutions and projection, as SimCLR saves them, with or without a mapping around."""
    source = encoder(1)
    tensors = list(source.state_dict().values())
    for path in (
        saved(tmp_path / "plain.pth", [*tensors[4:], *tensors[:4]]),
        saved(tmp_path / "around.pth", [*tensors[4:], *tensors[:4]], epoch=3),
    ):
        # A state_dict has the projection first; a file of SimCLR has it last.
        found = encoder(2)
        load_weights(found, path)
        assert same(found, source)


def test_classifier_of_another_task_is_left_out(tmp_path):
    """A ResNet-18 of torchvision ends in a classifier; the projection keeps its own weights."""
    source, found = encoder(1), encoder(2)
    tensors = [*source.backbone.state_dict().values(), torch.zeros(1000, 32), torch.zeros(1000)]
    load_weights(found, saved(tmp_path / "torchvision.pth", tensors))

    assert same(found.backbone, source.backbone)
    assert same(found.projection, encoder(2).projection)


def test_other_networks_are_refused(tmp_path):
    """The message names the file, what it holds and what was expected."""
    tensors = [torch.zeros(64, 3, 7, 7), torch.zeros(64), torch.zeros(64)]
    path = saved(tmp_path / "batchnorm.pth", tensors)

    with pytest.raises(MilbenchError, match=r"batchnorm.pth.*3 tensors.*20 convolutions.*4, 3, 7"):
        load_weights(encoder(), path)


@pytest.mark.parametrize("content", [None, b"no weights", pickle.dumps(print, protocol=2)])
def test_what_cannot_be_read_is_refused(content, tmp_path):
    """No file, no weights, or a pickle that would run code."""
    path = tmp_path / "bad.pth"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(MilbenchError, match=r"bad.pth'?: cannot be read"):
        load_weights(encoder(), str(path))


def test_simclr_sees_no_label():
    """Turned labels give the same weights; so does the same seed, and another one others."""
    found = []
    for flipped, seed in ((False, 0), (True, 0), (False, 1)):
        found.append(encoder())
        pretrain(found[-1], bags(flipped), 2, 8, generator(seed))

    assert same(found[0], found[1])
    assert not same(found[0], found[2])
    assert not same(found[0], encoder())


def test_no_epoch_of_simclr_is_a_random_start():
    """As a user asks for by ``pretrain_epochs = 0``."""
    found = encoder()
    pretrain(found, bags(), 0, 8, generator())

    assert same(found, encoder())


def test_simclr_learns_to_tell_instances_apart():
    """At a higher rate than published the loss on the training images falls within 30 epochs."""
    found, x = encoder(augmentation="flip"), bags().rows(torch.arange(24).numpy())

    def loss():
        with torch.no_grad():
            views = [found.embed_view(x, generator(seed)) for seed in (5, 6)]
        return nt_xent(*views, 0.5).item()

    before = loss()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("milbench_aggregators.refinement.start.LR", 1e-3)
        pretrain(found, bags(), 30, 24, generator())

    assert loss() < before - 0.1

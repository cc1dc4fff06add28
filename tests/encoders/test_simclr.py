"""SimCLR on own tiles: its loss by hand, and what training does to tiles of four textures."""

import math
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from textwrap import dedent

import numpy as np
import pytest
import torch

from milbench import Encoder, LabelledBag
from milbench.errors import FeatureError, TrainingError
from milbench.features import About, write_features
from milbench.features.pretrain import CheckpointFile, Schedule, pretrain
from milbench.nn.contrast import nt_xent
from milbench.nn.resnet import ResNet18
from milbench.nn.state import read_state
from milbench_encoders import simclr

SHORT = Schedule(epochs=20, batch=32, lr=3e-3, seed=3)
WIDTH = 8  # of the network here, where 64 is published


def test_loss_by_hand():
    """Two images, embedded exactly and at right angles: equation 1 of the paper.

    Each view is at similarity 1 to its twin and 0 to two others, so with temperature 1/2 its loss
    is -log(e^2 / (e^2 + 1 + 1)).
    """
    embedded = torch.eye(2, dtype=torch.float64)

    wanted = -math.log(math.e**2 / (math.e**2 + 2))
    assert nt_xent(embedded, embedded, 0.5).item() == pytest.approx(wanted, rel=1e-12)


def test_loss_of_four_views_by_hand():
    """Angles of 0, 60, 90 and 180 degrees, temperature 1: four fractions written out."""
    angles = torch.tensor([0.0, 90.0, 60.0, 180.0], dtype=torch.float64).deg2rad()
    views = torch.stack([angles.cos(), angles.sin()], dim=1)
    cos = {key: math.cos(math.radians(key)) for key in (30, 60, 90, 120, 180)}
    e = {key: math.exp(value) for key, value in cos.items()}
    # view 0: twin at 60, others at 90 and 180; view 90: twin at 90 (180 degrees), others 90 and 30;
    # view 60: twin at 60, others at 30 and 120; view 180: twin at 90, others at 180 and 120.
    parts = [
        e[60] / (e[60] + e[90] + e[180]),
        e[90] / (e[90] + e[90] + e[30]),
        e[60] / (e[60] + e[30] + e[120]),
        e[90] / (e[90] + e[180] + e[120]),
    ]

    wanted = -sum(map(math.log, parts)) / 4
    assert nt_xent(views[:2], views[2:], 1.0).item() == pytest.approx(wanted, rel=1e-12)


def textures(count):
    """Return tiles (4 * count, 3, 32, 32) of four textures and colours, and which is which."""
    generator = np.random.default_rng(5)
    row, column = np.mgrid[:32, :32]
    waves = [row / 2, column / 2, (row + column) / 3, row / 6]
    tiles, kinds = [], []
    for kind, wave in enumerate(waves):
        for _ in range(count):
            pattern = np.sin(wave + generator.uniform(0, 6.28))
            channels = generator.uniform(30, 90, 3)[:, None, None] * pattern + 128
            noise = generator.normal(0, 12, (3, 32, 32))
            tiles.append(np.clip(channels + noise, 0, 255).astype(np.uint8))
            kinds.append(kind)
    return np.stack(tiles), np.array(kinds)


def share_of_right_neighbours(features, kinds):
    """Return how often the most similar other tile has the same texture."""
    scaled = features - features.mean(axis=0)
    scaled /= np.linalg.norm(scaled, axis=1, keepdims=True)
    similar = scaled @ scaled.T
    np.fill_diagonal(similar, -np.inf)
    return (kinds[similar.argmax(axis=1)] == kinds).mean()


def encoder_of(state, path):
    torch.save({"state_dict": state}, path)
    return simclr.resnet18_simclr(path)


@pytest.fixture(scope="module", autouse=True)
def small():
    """Make the network small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simclr, "WIDTH", WIDTH)
        yield


@pytest.fixture(scope="module")
def trained(small):
    """Return tiles, their kinds, the losses of the epochs, and the states before and after."""
    tiles, kinds = textures(8)
    rows, losses = np.arange(len(tiles)), []
    schedule = replace(SHORT, report=lambda _epoch, loss: losses.append(loss))
    before = simclr.pretrain(tiles, rows, replace(SHORT, epochs=0))
    return tiles, kinds, losses, before, simclr.pretrain(tiles, rows, schedule)


def test_training_lowers_the_loss(trained):
    """From one of guessing, the logarithm of 63 other views, at the start."""
    losses = trained[2]

    assert len(losses) == SHORT.epochs
    assert losses[0] == pytest.approx(math.log(63), abs=0.01)
    assert losses[-1] < losses[0] - 0.1


def test_trained_features_beat_random_ones(trained, tmp_path):
    """The next tile has the same texture more often than with the weights before training."""
    tiles, kinds, _, before, after = trained
    found = [
        share_of_right_neighbours(encoder_of(state, tmp_path / f"{n}.pt")(tiles), kinds)
        for n, state in enumerate((before, after))
    ]

    assert found[1] > found[0] + 0.2


def test_only_given_rows_are_seen(trained):
    """Other tiles may hold anything: weights are the same to the last bit."""
    tiles, rows = trained[0][:20].copy(), np.arange(8)
    schedule = replace(SHORT, epochs=1)
    first = simclr.pretrain(tiles, rows, schedule)
    tiles[8:] = 0
    second = simclr.pretrain(tiles, rows, schedule)

    assert all(torch.equal(first[name], second[name]) for name in first)


def test_weights_make_the_trip_through_a_file(trained, tmp_path):
    """The encoder's features are those of the network that was trained, without projection."""
    tiles, _, _, _, state = trained
    model = simclr.Embedding()
    model.load_state_dict(state)

    found = encoder_of(state, tmp_path / "w.pt")(tiles[:2])

    pixels = torch.tensor(tiles[:2]) / 255
    enlarged = torch.nn.functional.interpolate(pixels, (64, 64), mode="bilinear", antialias=True)
    wanted = model.backbone(enlarged).detach()
    assert found.shape == (2, 8 * WIDTH)
    torch.testing.assert_close(torch.tensor(found), wanted, rtol=1e-4, atol=1e-5)


def test_weights_of_another_code_are_taken_in_their_order(trained, tmp_path):
    """Other names, and a projection of another shape behind the 20 convolutions."""
    tiles, _, _, _, state = trained
    convolutions = [value for value in state.values() if value.dim() == 4]
    renamed = {f"features.{n}.weight": value for n, value in enumerate(convolutions)}
    renamed["l1.weight"] = torch.zeros(3, 3)

    found = encoder_of(renamed, tmp_path / "renamed.pt")(tiles[:2])

    assert len(convolutions) == 20
    np.testing.assert_array_equal(found, encoder_of(state, tmp_path / "own.pt")(tiles[:2]))


def test_weights_with_batch_normalisation_are_refused(tmp_path):
    """Those of ImageNet are of another network: the first tensor that differs is named."""
    with pytest.raises(FeatureError, match=r"not the weights of this network.*bn1\.bias"):
        encoder_of(ResNet18(width=WIDTH).state_dict(), tmp_path / "batch.pt")


def test_one_tile_is_not_enough():
    """There is nothing to tell it from."""
    with pytest.raises(TrainingError, match="1 tiles to train on; it needs two"):
        simclr.pretrain(np.zeros((3, 3, 64, 64), np.uint8), np.array([1]), SHORT)


def resumed(folder, interrupted_at, **changes):
    """Return the weights of a training of four epochs that was stopped after some, and the log."""
    tiles, _ = textures(3)
    path, epochs = folder / "w.pt", []
    about = "tiles and settings"

    def stop(epoch, _loss):
        epochs.append(epoch)
        if len(epochs) == interrupted_at:
            raise KeyboardInterrupt

    short = replace(SHORT, epochs=4, batch=5, report=stop)
    schedule = replace(short, checkpoint=CheckpointFile(path, about))
    with suppress(KeyboardInterrupt):
        simclr.pretrain(tiles, np.arange(len(tiles)), schedule)
    later = replace(schedule, checkpoint=CheckpointFile(path, changes.get("about", about)))
    changes.get("damage", lambda path: None)(path)
    return simclr.pretrain(tiles, np.arange(len(tiles)), later), epochs


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_a_training_goes_on_to_the_same_weights(tmp_path):
    """Stopped behind the second of four epochs: the third is next, and no bit differs."""
    whole, _ = resumed(tmp_path / "whole", 0)
    again, epochs = resumed(tmp_path / "again", 2)

    assert epochs == [0, 1, 2, 3]
    assert equal(again, whole)


@pytest.mark.parametrize(
    "changes",
    [
        {"about": "other tiles"},
        {"damage": lambda path: path.write_bytes(path.read_bytes()[:-1000])},
        {"damage": lambda path: path.write_bytes(b"")},
    ],
)
def test_a_checkpoint_that_does_not_fit_is_not_taken(tmp_path, changes, caplog):
    """Of other tiles, or torn: the training starts anew, to the weights that it always has."""
    whole, _ = resumed(tmp_path / "whole", 0)
    again, epochs = resumed(tmp_path / "again", 2, **changes)

    assert epochs == [0, 1, 0, 1, 2, 3]
    assert equal(again, whole)
    assert "training from the start" in caplog.text


RECORD = Encoder(
    name="simclr",
    target="milbench_encoders.simclr:resnet18_simclr",
    pretrain="milbench_encoders.simclr:pretrain",
    pretrained_on="all",
    summary="-",
)
CHILD = """
    import os, signal, sys
    from pathlib import Path
    from milbench import Encoder
    from milbench.features import open_features
    from milbench.features.pretrain import Schedule, pretrain
    from milbench_encoders import simclr

    simclr.WIDTH = WIDTH_OF_TESTS
    folder, steps, step = Path(sys.argv[1]), [], simclr._step

    def counted(*given):
        steps.append(1)
        if len(steps) == 6:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*given)

    simclr._step = counted
    tiles = open_features(folder.parent / "tiles.h5")
    pretrain(RECORD, tiles, folder / "w.pt", Schedule(epochs=3, batch=8, lr=3e-3))
"""


def test_a_killed_training_goes_on_with_its_epoch(tmp_path):
    """Killed in the last of the two steps of the third epoch: that is next, no bit differs."""
    tiles, _ = textures(4)
    parts = enumerate(np.split(tiles, 4))
    bags = [LabelledBag(id=f"{n}", label=n % 2, images=part) for n, part in parts]
    about = About(dataset="textures", classes=("no", "yes"))
    pixels = write_features(tmp_path / "tiles.h5", bags, encode=lambda tiles: tiles, about=about)
    script, folder = tmp_path / "child.py", tmp_path / "killed"
    code = dedent(CHILD).replace("WIDTH_OF_TESTS", str(WIDTH)).replace("RECORD", repr(RECORD))
    script.write_text(code)
    done = subprocess.run([sys.executable, script, folder], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    begun, short = [], Schedule(epochs=3, batch=8, lr=3e-3)

    again = pretrain(RECORD, pixels, folder / "w.pt", replace(short, begin=begun.append))
    whole = pretrain(RECORD, pixels, tmp_path / "whole.pt", short)

    assert begun == [2]
    assert equal(read_state(again), read_state(whole))
    assert [path.name for path in folder.iterdir()] == ["w.pt"]

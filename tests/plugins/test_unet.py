"""The U-Net, its loss, and what it finds on drawn slides it has not seen."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from milbench import MaskedPicture, MilbenchError
from milbench.errors import DatasetError
from milbench.pictures import ArrayPicture
from milbench_datasets.ocean_toy import draw, masks
from milbench_tilers.overlap import dice, segmentation_loss
from milbench_tilers.segmenter import Segmenter, Settings, settings
from milbench_tilers.unet import UNet


@pytest.mark.parametrize(
    ("classes", "bilinear", "count"),
    [(2, False, 31_037_698), (1, False, 31_037_633), (2, True, 17_263_042)],
)
def test_the_published_sizes(classes, bilinear, count):
    """The parameters of milesial/Pytorch-UNet."""
    with torch.device("meta"):
        network = UNet(3, classes, bilinear=bilinear)

    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize("bilinear", [False, True])
def test_any_size_of_picture_comes_back(bilinear):
    """Sides that no power of two divides are padded inside, and the answer is as large."""
    network = UNet(3, 2, width=2, bilinear=bilinear).eval()

    assert network(torch.zeros(2, 3, 37, 50)).shape == (2, 2, 37, 50)


def test_dice_by_hand():
    """Twice the overlap by the sum of areas: 2 * 1.5 / (2 + 2.5)."""
    found, drawn = torch.tensor([1.0, 0.5, 0.5, 0.0]), torch.tensor([1.0, 1.0, 0.0, 0.5])

    assert_close(dice(found, drawn), torch.tensor(3.0 / 4.5), atol=1e-6, rtol=0)
    assert_close(dice(drawn * 0, drawn * 0), torch.tensor(1.0), atol=0, rtol=0)


def test_the_loss_of_two_classes_by_hand():
    """Probabilities of the foreground 0.75 and 0.2 in a pixel inside and one outside.

    Cross-entropy is the mean of -ln 0.75 and -ln 0.8. Overlap over both classes is 0.75 + 0.8, and
    both areas are 2, so Dice is 2 * 1.55 / 4.
    """
    p = torch.tensor([0.75, 0.2], dtype=torch.float64)
    logits = torch.stack((1 - p, p)).log().reshape(1, 2, 1, 2)
    mask = torch.tensor([[[1, 0]]])

    expected = -(np.log(0.75) + np.log(0.8)) / 2 + 1 - 2 * 1.55 / 4
    assert float(segmentation_loss(logits, mask)) == pytest.approx(expected, abs=1e-6)


def test_the_loss_of_one_class_by_hand():
    """The same pixels: Dice is that of the foreground alone, 2 * 0.75 / (0.95 + 1)."""
    p = torch.tensor([0.75, 0.2], dtype=torch.float64)
    mask = torch.tensor([[[1, 0]]])

    expected = -(np.log(0.75) + np.log(0.8)) / 2 + 1 - 2 * 0.75 / 1.95
    found = segmentation_loss(p.logit().reshape(1, 1, 1, 2), mask)
    assert float(found) == pytest.approx(expected, abs=1e-6)


SMALL = Settings(width=8, thumbnail=80, scale=1.0, epochs=6, lr=1e-3, momentum=0.9)


@pytest.fixture(scope="module")
def trained():
    segmenter = Segmenter(SMALL)
    segmenter.fit(tuple(masks(None)))
    return segmenter


def test_it_finds_tumours_of_slides_it_has_not_seen(trained, record_property):
    """A Dice of 0.8 and more, where all of the picture would have about 0.3."""
    found, all_of_it = [], []
    for number in range(10):
        slide = draw(5000 + number, 500 + number, number % 5)
        mask = trained.mask(ArrayPicture(slide.pixels))
        drawn = slide.tumour[2::4, 2::4]  # at the size of the mask
        found.append(2 * (mask & drawn).sum() / (mask.sum() + drawn.sum()))
        all_of_it.append(2 * drawn.sum() / (drawn.size + drawn.sum()))

    record_property("dice", float(np.mean(found)))
    assert np.mean(found) > 0.8
    assert np.mean(all_of_it) < 0.4


def test_the_same_masks_give_the_same_network():
    """Random numbers come from the seed, and those outside are left alone."""
    before, examples = torch.get_rng_state(), tuple(masks(None))[:4]
    first, again = (Segmenter(Settings(width=2, thumbnail=64, epochs=1)) for _ in range(2))
    for segmenter in (first, again):
        segmenter.fit(examples)

    assert torch.equal(torch.get_rng_state(), before)
    for mine, other in zip(again.network.parameters(), first.network.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_another_seed_gives_another_network():
    """It decides the first weights."""
    first, second = (Segmenter(Settings(width=2, seed=seed)).network.head for seed in (0, 1))

    assert not torch.equal(first.weight, second.weight)


def test_a_small_picture_is_not_enlarged(trained):
    """A mask is as large as the thumbnail, and a thumbnail at most as large as the picture."""
    picture = ArrayPicture(np.zeros((40, 50, 3), np.uint8))

    assert trained.mask(picture).shape == (40, 50)


def test_published_training_is_the_default():
    """Of milesial/Pytorch-UNet, and the threshold of the notebook."""
    chosen = Settings()

    assert (chosen.epochs, chosen.lr, chosen.weight_decay, chosen.momentum) == (
        5,
        1e-5,
        1e-8,
        0.999,
    )
    assert (chosen.scale, chosen.validation, chosen.clip, chosen.patience) == (0.5, 0.1, 1.0, 5)
    assert chosen.threshold == 0.7


def test_too_few_masks_are_refused():
    """One is held back, and one is trained on."""
    one = MaskedPicture(
        id="m", picture=np.zeros((32, 32, 3), np.uint8), mask=np.zeros((32, 32), np.bool_)
    )
    with pytest.raises(DatasetError, match="trained on 1 masks; give 2 or more"):
        Segmenter(SMALL).fit((one,))


def test_unknown_settings_are_refused():
    """The error lists those that there are."""
    with pytest.raises(
        MilbenchError, match=r"crops9: unet is .*'widht'.* settings width, bilinear"
    ):
        settings({"widht": 8}, "crops9")

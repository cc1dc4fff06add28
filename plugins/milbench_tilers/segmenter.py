"""Train a U-Net on masked pictures, and find the tissue of other pictures with it.

Source of the training: milesial/Pytorch-UNet, commit 21d7850; of the inference: Metavers1/
kaggle_UBC-OCEAN-MIL, commit 6be6b60, which publishes neither the weights nor the training of its
segmentation.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch.nn import functional as F

from milbench import MilbenchError
from milbench.errors import DatasetError
from milbench.pictures import as_picture, resized
from milbench_tilers.overlap import dice, segmentation_loss
from milbench_tilers.unet import UNet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from milbench import MaskedPicture, Picture

log = logging.getLogger(__name__)

SMALLEST = 32  # pixels: four halvings leave two, and one has no variance to normalise by
NARROW = 32  # a step of a narrower network takes less than its threads wait for each other
WHOLE = 1.0 - 1e-4  # a value of 1 after interpolation, but for rounding


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a U-Net is built, trained and asked; the defaults are those of Pytorch-UNet.

    Parameters
    ----------
    width, bilinear, classes
        Of :class:`milbench_tilers.unet.UNet`; one class is trained by binary cross-entropy.
    thumbnail
        Longer side, in pixels, of the picture that masks are found on: ours, as the competition
        brings thumbnails of its own.
    scale
        Of the thumbnail that the network sees.
    threshold
        Probability above which a pixel is tissue; 0.7 in the OCEAN notebook.
    epochs, lr, weight_decay, momentum
        Of RMSprop, one picture a step.
    patience
        Epochs without a better Dice on the held-back pictures before the rate falls to a tenth.
    validation
        Share of the masked pictures that is held back for that.
    seed
        Of the first weights, of what is held back and of the order.
    """

    width: int = 64
    bilinear: bool = False
    classes: int = 2
    thumbnail: int = 1024
    scale: float = 0.5
    threshold: float = 0.7
    epochs: int = 5
    lr: float = 1e-5
    weight_decay: float = 1e-8
    momentum: float = 0.999
    patience: int = 5
    validation: float = 0.1
    clip: float = 1.0
    seed: int = 0


def settings(given: dict[str, Any], tiler: str) -> Settings:
    """Return ``given`` as settings.

    Raises
    ------
    MilbenchError
        If there is no setting of a name; the message lists those that there are.
    """
    try:
        return Settings(**given)
    except TypeError:
        known = ", ".join(Settings.__dataclass_fields__)
        raise MilbenchError(
            f"{tiler}: unet is {given}; expected some of the settings {known}"
        ) from None


class Segmenter:
    """A U-Net on thumbnails.

    Departure from the repository: Dice of the held-back pictures is looked at once an epoch.
    """

    def __init__(self, chosen: Settings) -> None:
        self.settings = chosen
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(chosen.seed)
            network = UNet(3, chosen.classes, width=chosen.width, bilinear=chosen.bilinear)
        self.network = network.to(self._device).eval()

    def fit(self, masked: Sequence[MaskedPicture]) -> None:
        """Train on pictures with masks; random numbers outside are left as they were.

        Raises
        ------
        DatasetError
            If there are fewer than two.
        """
        if len(masked) < 2:  # noqa: PLR2004  # one to train on and one to hold back
            raise DatasetError(f"a U-Net is trained on {len(masked)} masks; give 2 or more")
        chosen = self.settings
        generator = np.random.default_rng(chosen.seed)
        order = generator.permutation(len(masked))
        held_back = max(1, int(chosen.validation * len(masked)))
        seen = [self._example(masked[place]) for place in order]
        valid, train = seen[:held_back], seen[held_back:]
        optimiser = torch.optim.RMSprop(
            self.network.parameters(),
            lr=chosen.lr,
            weight_decay=chosen.weight_decay,
            momentum=chosen.momentum,
        )
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimiser, mode="max", patience=chosen.patience
        )
        with self._threads():
            for epoch in range(chosen.epochs):
                self.network.train()
                for place in generator.permutation(len(train)):
                    self._step(optimiser, *train[place])
                self.network.eval()
                score = sum(self._score(*one) for one in valid) / len(valid)
                plateau.step(score)
                log.info("U-Net, epoch %d of %d: Dice %.3f", epoch + 1, chosen.epochs, score)

    def mask(self, picture: Picture) -> NDArray[np.bool_]:
        """Return where the tissue of ``picture`` is, at the size of its thumbnail, (h, w).

        As in the notebook, what lies above the threshold is resampled bilinearly to the thumbnail
        and cut off below 1, so that a pixel at the border of the tissue is outside.
        """
        thumbnail = self._thumbnail(picture)  # (h, w, 3)
        with self._threads():
            above = self._probability(self._input(thumbnail)) > self.settings.threshold  # (H, W)
        size = thumbnail.shape[:2]
        smooth = F.interpolate(above[None, None].float(), size, mode="bilinear")[0, 0]  # (h, w)
        return cast("NDArray[np.bool_]", (smooth >= WHOLE).cpu().numpy())

    @contextmanager
    def _threads(self) -> Iterator[None]:
        """Give a narrow network one thread; on a busy machine two are many times slower."""
        before = torch.get_num_threads()
        torch.set_num_threads(1 if self.settings.width < NARROW else before)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _thumbnail(self, picture: Picture) -> NDArray[np.uint8]:
        """Return a picture (h, w, 3) as masks are found on it; a small one is not enlarged."""
        return picture.thumbnail(min(self.settings.thumbnail, max(picture.size)))

    def _input(self, thumbnail: NDArray[np.uint8]) -> Tensor:
        """Return what the network sees of a thumbnail (h, w, 3): (1, 3, H, W) in [0, 1]."""
        height, width = (max(SMALLEST, int(self.settings.scale * n)) for n in thumbnail.shape[:2])
        small = torch.tensor(resized(thumbnail, (width, height)), device=self._device)
        return small.permute(2, 0, 1)[None].float() / 255

    def _example(self, masked: MaskedPicture) -> tuple[Tensor, Tensor]:
        """Return a picture as the network sees it, and its mask (1, H, W) of that size."""
        seen = self._input(self._thumbnail(as_picture(masked.picture)))
        drawn = torch.tensor(masked.mask, device=self._device)[None, None].float()  # (1, 1, h, w)
        fitted = F.interpolate(drawn, seen.shape[2:], mode="nearest-exact")[0]  # (1, H, W)
        return seen, fitted.long()

    def _step(self, optimiser: torch.optim.Optimizer, seen: Tensor, mask: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        segmentation_loss(self.network(seen), mask).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        optimiser.step()

    def _score(self, seen: Tensor, mask: Tensor) -> float:
        found = self._probability(seen) > 0.5  # noqa: PLR2004  # the likelier class
        return float(dice(found.float(), mask[0].float()))

    @torch.no_grad()
    def _probability(self, seen: Tensor) -> Tensor:
        """Return the probability of tissue in each pixel, (H, W)."""
        logits = self.network(seen)[0]  # (classes, H, W)
        classes: Tensor = logits.sigmoid() if len(logits) == 1 else logits.softmax(dim=0)
        return classes[-1]

"""The features of a data set in the memory of a device, shared by all folds.

A fold sees them through :class:`FoldBags`: plain views of the packed array, or of a standardised
copy of it. No bag is loaded or copied in a training step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from milbench.bags import Bag
from milbench.features import on_device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from torch import Tensor

    from milbench.features import Features

# Below this size a fold standardises the whole array once; above it, each bag when it is used.
EAGER_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Resident:
    """One data set on one device.

    Parameters
    ----------
    x : (N_total, D), or (N_total, C, H, W) for images
        All instances of all bags, one bag after the other.
    offsets : (B + 1,)
        Bag ``b`` holds the rows ``offsets[b]`` to ``offsets[b + 1]``.
    coords : (N_total, 2), optional
        Positions of the instances.
    labels : (B,)
        Label of each bag.
    """

    x: Tensor
    offsets: tuple[int, ...]
    coords: Tensor | None
    labels: tuple[int, ...]
    n_classes: int

    @property
    def in_dim(self) -> int:
        """Return D; for images the count of values of one instance."""
        return int(self.x[0].numel())

    @property
    def is_image(self) -> bool:
        """Return whether the instances are images."""
        return self.x.dtype == torch.uint8


def resident(features: Features, device: str) -> Resident:
    """Move ``features`` to ``device`` once."""
    coords = None if features.coords is None else torch.from_numpy(features.coords).to(device)
    return Resident(
        x=on_device(features, device),
        offsets=tuple(features.offsets.tolist()),
        coords=coords,
        labels=tuple(features.table.labels.tolist()),
        n_classes=len(features.table.classes),
    )


@dataclass(frozen=True)
class Scaler:
    """Mean and inverse standard deviation of each feature, over training instances.

    A feature that does not vary has the inverse 1: it becomes 0 everywhere it was constant.
    """

    mean: Tensor
    inverse_sd: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Return ``x`` of shape (N, D) with mean 0 and standard deviation 1, as float32."""
        return (x.float() - self.mean) * self.inverse_sd


def fit_scaler(data: Resident, bags: np.ndarray) -> Scaler:
    """Return the scaler of the instances of ``bags``; no other bag is looked at.

    Sums run in float64, bag by bag, so the memory stays that of one bag. The variance is taken
    about the mean in a second pass, which keeps its digits for features far from 0.
    """
    count = sum(data.offsets[b + 1] - data.offsets[b] for b in bags)
    total = torch.zeros(data.in_dim, dtype=torch.float64, device=data.x.device)
    for rows in _rows(data, bags):
        total += rows.sum(dim=0)
    mean = total / count  # (D,)
    squares = torch.zeros_like(total)
    for rows in _rows(data, bags):
        squares += (rows - mean).square().sum(dim=0)
    sd = (squares / count).sqrt()
    # Rounding leaves a constant feature a tiny spread; relative to its size that is no spread.
    constant = sd <= 1e-7 * mean.abs().clamp(min=1e-30)
    inverse = torch.where(constant, torch.ones_like(sd), 1.0 / sd)
    return Scaler(mean.float(), inverse.float())


def _rows(data: Resident, bags: np.ndarray) -> Iterator[Tensor]:
    for bag in bags.tolist():
        yield data.x[data.offsets[bag] : data.offsets[bag + 1]].double()


class FoldBags:
    """The bags as one fold sees them: ``fold_bags[b]`` is bag ``b``, without its label.

    Parameters
    ----------
    scaler
        Applied to the instances, or None.
    prepare
        The method's parameter-free work on a bag, done once for each bag.
    beside
        How many such views of the data set are alive at a time; together they keep no more
        standardised copies than one alone may.
    """

    def __init__(
        self,
        data: Resident,
        scaler: Scaler | None,
        prepare: Callable[[Bag], Bag] | None = None,
        beside: int = 1,
    ) -> None:
        self._data = data
        self.scaler = scaler
        self._prepare = prepare
        self._ready: dict[int, Bag] = {}
        self._keep = beside * self.nbytes <= EAGER_BYTES

    @property
    def nbytes(self) -> int:
        """Return the bytes that all bags take as float32."""
        return self._data.x.numel() * 4

    def preparing(self, prepare: Callable[[Bag], Bag]) -> FoldBags:
        """Return the same bags for another ``prepare``; a standardised copy is shared."""
        other = FoldBags(self._data, self.scaler, prepare)
        other._keep = self._keep
        if self._keep and self.scaler is not None:
            other.__dict__["_scaled"] = self._scaled
        return other

    def __getitem__(self, index: int) -> Bag:
        """Return bag ``index``; a view where nothing had to be computed."""
        if index in self._ready:
            return self._ready[index]
        rows = slice(self._data.offsets[index], self._data.offsets[index + 1])
        if self.scaler is None:
            x = self._data.x[rows]  # (N, D)
            x = x if self._data.is_image else x.float()
        else:
            x = self._scaled[rows] if self._keep else self.scaler(self._data.x[rows])
        coords = None if self._data.coords is None else self._data.coords[rows]
        bag = Bag(x=x, coords=coords)
        if self._prepare is not None:
            bag = self._prepare(bag)
        if self._keep or self._prepare is not None:
            self._ready[index] = bag
        return bag

    @cached_property
    def _scaled(self) -> Tensor:
        assert self.scaler is not None  # noqa: S101  # the one caller has looked
        return self.scaler(self._data.x)

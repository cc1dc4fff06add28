"""The features of a data set in the memory of a device, shared by all folds.

A fold sees them through :class:`FoldBags`: plain views of the packed array, or of a standardised
copy of it. No bag is loaded or copied in a training step, but where the features are larger than
the device: then a bag goes there when it is used, once for all runs of a stack.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import torch

from milbench.bags import Bag
from milbench.features import on_device
from milbench.train.matmul import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from torch import Tensor

    from milbench.bags import BagTable
    from milbench.features import Features
    from milbench.train.matmul import Matmul

# Up to this size a fold converts the whole array once; above it, each bag when it is used.
EAGER_BYTES = 256 * 2**20
# Of the free memory of a GPU: the rest is for weights and for what a step computes.
SHARE = 0.7
# Rows converted at a time, so that no second copy of the array is made on the way.
BLOCK = 4096
# Values of a block in float64 that fits the cache of a core: 1 MiB.
BLOCK_VALUES = 2**17


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
        Label of each bag; where a bag may have several, a tuple of 0 and 1.
    matmul
        What may multiply float32 matrices on the device.
    used_on
        The device that bags are used on; None where ``x`` lies on it.
    """

    x: Tensor
    offsets: tuple[int, ...]
    coords: Tensor | None
    labels: tuple[int, ...] | tuple[tuple[int, ...], ...]
    n_classes: int
    matmul: Matmul = DEFAULT
    used_on: torch.device | None = None

    @property
    def device(self) -> torch.device:
        """Return the device that bags are used on."""
        return self.used_on or self.x.device

    @property
    def in_dim(self) -> int:
        """Return D; for images the count of values of one instance."""
        return int(self.x[0].numel())

    @property
    def is_multi_label(self) -> bool:
        """Return whether a bag may have several labels."""
        return isinstance(self.labels[0], tuple)

    @property
    def is_image(self) -> bool:
        """Return whether the instances are images."""
        return self.x.dtype == torch.uint8

    def moments(self, bag: int) -> Moments:
        """Return the moments of the instances of ``bag``, computed once."""
        if bag not in self._moments:
            self._moments[bag] = _moments(self.x[self.offsets[bag] : self.offsets[bag + 1]])
        return self._moments[bag]

    @cached_property
    def _moments(self) -> dict[int, Moments]:
        return {}


class Moments(NamedTuple):
    """Mean of each feature over the instances of a bag, and the squares about it: (D,) float64."""

    mean: Tensor
    squares: Tensor


def _moments(x: Tensor) -> Moments:
    rows = len(x) if x.is_cuda else max(1, BLOCK_VALUES // x[0].numel())
    blocks = torch.split(x, rows)
    mean = torch.stack([block.double().sum(dim=0) for block in blocks]).sum(dim=0) / len(x)  # (D,)
    squares = [(block.double() - mean).square_().sum(dim=0) for block in blocks]
    return Moments(mean, torch.stack(squares).sum(dim=0))


def resident(
    features: Features, device: str, matmul: Matmul = DEFAULT, room: float | None = None
) -> Resident:
    """Move ``features`` to ``device`` once, as they are stored, or leave them where they lie.

    Parameters
    ----------
    room
        Bytes that features may take on the device; if None most of what is free there. Larger
        ones stay in the memory map, and each bag is moved when it is used.
    """
    room = _room(device) if room is None else room
    coords = None if features.coords is None else torch.from_numpy(features.coords).to(device)
    return Resident(
        x=on_device(features, device if features.array.nbytes <= room else "cpu"),
        used_on=torch.device(device),
        offsets=tuple(features.offsets.tolist()),
        coords=coords,
        labels=_labels(features.table),
        n_classes=len(features.table.classes),
        matmul=matmul,
    )


def _labels(table: BagTable) -> tuple[int, ...] | tuple[tuple[int, ...], ...]:
    listed = table.labels.tolist()
    return tuple(tuple(row) for row in listed) if table.is_multi_label else tuple(listed)


def _room(device: str) -> float:
    if torch.device(device).type != "cuda":
        return math.inf
    free, _total = torch.cuda.mem_get_info(device)
    return SHARE * free


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

    The moments of each bag are computed once for all folds, in float64 and about the bag's own
    mean, which keeps their digits for features far from 0. They are joined as by Chan, Golub and
    LeVeque, "Algorithms for computing the sample variance", American Statistician 37 (1983).
    """
    positions = bags.tolist()
    moments = [data.moments(bag) for bag in positions]
    sizes = [data.offsets[bag + 1] - data.offsets[bag] for bag in positions]
    count = torch.tensor(sizes, dtype=torch.float64, device=data.x.device)[:, None]  # (n, 1)
    means = torch.stack([one.mean for one in moments])  # (n, D)
    squares = torch.stack([one.squares for one in moments])  # (n, D)
    mean = (count * means).sum(dim=0) / count.sum()  # (D,)
    squares = squares + count * (means - mean).square()
    sd = (squares.sum(dim=0) / count.sum()).sqrt()
    # Rounding leaves a constant feature a tiny spread; relative to its size that is no spread.
    constant = sd <= 1e-7 * mean.abs().clamp(min=1e-30)
    inverse = torch.where(constant, torch.ones_like(sd), 1.0 / sd)
    return Scaler(mean.float().to(data.device), inverse.float().to(data.device))


class FoldBags:
    """The bags as one fold sees them: ``fold_bags[b]`` is bag ``b``, without its label.

    Parameters
    ----------
    scaler
        Applied to the instances, or None.
    prepare
        The method's parameter-free work on a bag, done once for each bag, in float32.
    beside
        How many such views of the data set are alive at a time; together they keep no more
        standardised copies than one alone may.
    dtype
        Type of the features that a method is given. They are scaled in float32 and rounded last,
        since features far from 0 would lose their digits before.
    """

    def __init__(
        self,
        data: Resident,
        scaler: Scaler | None,
        prepare: Callable[[Bag], Bag] | None = None,
        beside: int = 1,
        *,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._data = data
        self.scaler = scaler
        self._prepare = prepare
        self._ready: dict[int, Bag] = {}
        self._dtype = dtype
        self._kept_as = dtype if prepare is None else torch.float32
        is_resident = data.x.device == data.device
        self._keep = is_resident and beside * self.nbytes <= EAGER_BYTES

    @property
    def nbytes(self) -> int:
        """Return the bytes that all bags take in the type they are kept in."""
        return self._data.x.numel() * self._kept_as.itemsize

    def count_values(self, bags: Sequence[int]) -> int:
        """Return how many values the features of ``bags`` hold together, as they are stored."""
        offsets, width = self._data.offsets, self._data.in_dim
        return width * sum(offsets[bag + 1] - offsets[bag] for bag in bags)

    def preparing(self, prepare: Callable[[Bag], Bag]) -> FoldBags:
        """Return the same bags for another ``prepare``; a standardised copy is shared."""
        other = FoldBags(self._data, self.scaler, prepare, dtype=self._dtype)
        other._keep = self._keep
        if self._keep and self.scaler is not None and other._kept_as == self._kept_as:
            other.__dict__["_kept"] = self._kept
        return other

    def __getitem__(self, index: int) -> Bag:
        """Return bag ``index``; a view where nothing had to be computed."""
        if index in self._ready:
            return self._ready[index]
        rows = slice(self._data.offsets[index], self._data.offsets[index + 1])
        coords = None if self._data.coords is None else self._data.coords[rows]
        bag = self._prepared(Bag(x=self._rows(rows), coords=coords))
        if self._keep or self._prepare is not None:
            self._ready[index] = bag
        return bag

    def _rows(self, rows: slice) -> Tensor:
        x = self._data.x
        is_ready = self.scaler is None and x.dtype == self._kept_as
        if self._data.is_image or is_ready:
            return self._here(x[rows])  # (N, D), or (N, C, H, W)
        return self._kept[rows] if self._keep else self._converted(self._here(x[rows]))

    def _here(self, x: Tensor) -> Tensor:
        return x.to(self._data.device, non_blocking=True)

    @cached_property
    def _kept(self) -> Tensor:
        x = self._data.x
        kept = torch.empty(x.shape, dtype=self._kept_as, device=x.device)
        for first in range(0, len(x), BLOCK):
            block = slice(first, first + BLOCK)
            kept[block] = self._converted(x[block])
        return kept

    def _converted(self, x: Tensor) -> Tensor:
        scaled = x.float() if self.scaler is None else self.scaler(x)
        return scaled.to(self._kept_as)

    def _prepared(self, bag: Bag) -> Bag:
        if self._prepare is None:
            return bag
        bag = self._prepare(bag)
        is_ready = self._dtype == torch.float32 or not bag.x.is_floating_point()
        return bag if is_ready else replace(bag, x=bag.x.to(self._dtype))

    def typical(self) -> Bag:
        """Return a bag of the mean size, of zeros: no instance of the data set is looked at."""
        data = self._data
        rows = max(1, round(len(data.x) / len(data.labels)))
        dtype = data.x.dtype if data.is_image else self._kept_as
        x = torch.zeros((rows, *data.x.shape[1:]), dtype=dtype, device=data.device)
        return self._prepared(Bag(x, None if data.coords is None else data.coords[:rows]))

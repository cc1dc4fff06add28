"""What passes between the harness and a plugin: bags, outputs, and the context of training.

The types of torch and numpy appear in hints only, so that importing this file costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import torch
    from torch import Tensor

    from milbench.pictures import Picture, Regions


@dataclass(frozen=True, slots=True)
class Bag:
    """One bag as an aggregator sees it: its instances, and no label.

    Parameters
    ----------
    x : (N, D), or (N, C, H, W) for image instances
        Features as float32; pixels as uint8.
    coords : (N, 2), optional
        Positions of the instances, in the unit the data set states.
    """

    x: Tensor
    coords: Tensor | None = None

    def __len__(self) -> int:
        """Return N, the number of instances."""
        return int(self.x.shape[0])


class Output(NamedTuple):
    """What an aggregator says about one bag.

    Parameters
    ----------
    logits : (C,)
        One logit a class; the core turns them into probabilities by softmax.
    scores : (N,), or (N, C), optional
        How much each instance speaks for the positive class (or for each class). Only the order
        within a bag has a meaning.
    instance_logits : (N, C), optional
        A prediction for every instance.
    extra
        Anything the method's own loss needs.
    coarse : (K,), optional
        One logit for each coarse class of a label hierarchy. Where a method gives none, a coarse
        class has the sum of the probabilities of the classes below it.
    """

    logits: Tensor
    scores: Tensor | None = None
    instance_logits: Tensor | None = None
    extra: Any = None
    coarse: Tensor | None = None


class Example(NamedTuple):
    """One training bag with its label, as ``fit`` and ``train_step`` receive it."""

    bag: Bag
    label: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a method may know about the training it is part of.

    Parameters
    ----------
    n_classes
        C.
    epoch, epochs
        The current epoch, from 0, and the upper bound.
    class_counts : (C,)
        Training bags of each class.
    seed
        Derived from names; a ``fit`` method seeds its estimator with it.
    generator
        The only source of randomness inside a loss or a training step.
    parents : (C,)
        ``parents[fine] == coarse`` for hierarchical tasks, else empty.
    """

    n_classes: int
    epoch: int = 0
    epochs: int = 1
    class_counts: tuple[int, ...] = ()
    seed: int = 0
    generator: torch.Generator | None = None
    parents: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledBag:
    """One bag as a data set gives it to the harness.

    Parameters
    ----------
    id
        Unique within the data set; text, leading zeros kept.
    label
        Position in the data set's ``classes``.
    x : (N, D), optional
        Features of the instances.
    images : (N, C, H, W) uint8, or Regions, optional
        Pixels of the instances, in the memory or still in their picture.
    picture : (H, W, 3) uint8, or a Picture, optional
        A whole picture that a tiler cuts into instances; give ``x``, ``images`` or ``picture``.
    patient
        The unit of grouping; the bag's own id when the data set knows none.
    site
        Where the slide comes from, if known.
    instance_labels : (N,), optional
        Labels of the instances, for localisation only; no method sees them.
    coords : (N, 2), optional
        Positions of the instances.
    grid
        Rows and columns, where the instances fill a rectangle row by row.
    part
        ``train``, ``val`` or ``test`` where the data set has an official split, else empty.
    """

    id: str
    label: int
    x: np.ndarray | None = None
    images: np.ndarray | Regions | None = None
    picture: np.ndarray | Picture | None = None
    patient: str = ""
    site: str = ""
    instance_labels: np.ndarray | None = None
    coords: np.ndarray | None = None
    grid: tuple[int, int] | None = None
    part: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BagTable:
    """The bags of one data set without their instances: one entry a bag, in the data set's order.

    Parameters
    ----------
    ids, patients, sites, parts
        Text, one a bag; ``sites`` and ``parts`` hold empty text where unknown.
    labels : (B,) int64
        Positions in ``classes``.
    sizes : (B,) int64
        Instances of each bag.
    classes
        Names of the classes.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    patients: tuple[str, ...]
    sites: tuple[str, ...]
    parts: tuple[str, ...]
    sizes: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        """Return B, the number of bags."""
        return len(self.ids)

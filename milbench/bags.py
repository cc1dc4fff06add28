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

    from milbench.pictures import Annotations, Picture, Regions


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
        One logit a class; the core turns them into probabilities by softmax. Where bags may have
        several labels, one logit a label, each by a sigmoid of its own.
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
    """One training bag with its label, as ``fit`` and ``train_step`` receive it.

    Parameters
    ----------
    label
        Position of the class, an int; where bags may have several labels, a tuple of 0 or 1 for
        each. Typed for neither, since a method that serves one class a bag sees no other.
    """

    bag: Bag
    label: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a method may know about the training it is part of.

    Parameters
    ----------
    n_classes
        C, the classes, or the labels of a multi-label task.
    epoch, epochs
        The current epoch, from 0, and the upper bound.
    class_counts : (C,)
        Training bags of each class, or with each label.
    seed
        Derived from names; a ``fit`` method seeds its estimator with it.
    generator
        The only source of randomness inside a loss or a training step.
    parents : (C,)
        ``parents[fine] == coarse`` for hierarchical tasks, else empty.
    is_multi_label
        Whether a bag may have several labels: a label is then 0 or 1 for each of them.
    """

    n_classes: int
    epoch: int = 0
    epochs: int = 1
    class_counts: tuple[int, ...] = ()
    seed: int = 0
    generator: torch.Generator | None = None
    parents: tuple[int, ...] = ()
    is_multi_label: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledBag:
    """One bag as a data set gives it to the harness.

    Parameters
    ----------
    id
        Unique within the data set; text, leading zeros kept.
    label
        Position in the data set's ``classes``; for the task ``multi-label`` 0 or 1 for each of
        them, 1 where the bag has the label.
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
    annotations
        What was drawn on the picture: gives the instances their labels once a tiler has cut them.
    coords : (N, 2), optional
        Positions of the instances.
    grid
        Rows and columns, where the instances fill a rectangle row by row.
    part
        ``train``, ``val`` or ``test`` where the data set has an official split, else empty.
    """

    id: str
    label: int | tuple[int, ...]
    x: np.ndarray | None = None
    images: np.ndarray | Regions | None = None
    picture: np.ndarray | Picture | None = None
    patient: str = ""
    site: str = ""
    instance_labels: np.ndarray | None = None
    annotations: Annotations | None = None
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
    labels : (B,) int64, or (B, L) int64
        Positions in ``classes``; or, where bags may have several labels, 0 or 1 for each.
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

    @property
    def is_multi_label(self) -> bool:
        """Return whether a bag may have several labels."""
        return self.labels.ndim > 1

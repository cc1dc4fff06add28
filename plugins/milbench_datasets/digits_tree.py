"""Bags of handwritten digits whose seven classes have three coarse classes above them.

Real small images, built in. The tree has the shape of that of BRACS, 3/7, and groups digits that
look alike: of the probability that a logistic regression on single images, tested by five folds,
gives to the six wrong target digits, 47 % stays below the right coarse class, where chance is 24 %.
The generator ``digits-tree-1``, in full, so that anybody can write it again:

1. The 1797 images of ``sklearn.datasets.load_digits`` (8 x 8 pixels, values 0..16) are dealt to 50
   pools, by PCG64 with the seed 37: the images of 3, 8, 9, 0, 6, 4, 7, 1, 2 and 5, in this order
   and of each digit in a random one, one image to one pool after the other. Every pool holds three
   or four of each of the seven target digits, and ten or eleven of the background 1, 2 and 5.
2. Every pool gives seven bags, one for each target digit in the order of the classes. The size of a
   bag is 6, 7, 8, 9 or 10, and 1 or 2 of its instances show its digit, all equally likely; the rest
   is background. Drawn in this order, from the generator that has dealt the pools: size,
   targets, the images of each kind without replacement, their places.
3. A bag's label is its digit's class; ``instance_labels`` are 1 where an instance shows it.
4. The pool is the bag's ``patient``: bags of different pools share no image, and a split that keeps
   pools together shares no image between its parts. Pools 0..34 are the official training part,
   pools 35..49 the test part.

Every pool gives one bag of each class, so that knowing the pool tells nothing about the label. Who
wrote a digit is not in the source, so the same hand may appear in several pools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from sklearn.datasets import load_digits

from milbench import LabelledBag
from milbench_datasets.digits import deal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

TARGETS: Final = (3, 8, 9, 0, 6, 4, 7)  # in the order of the classes
POOLS: Final = 50
TRAINING_POOLS: Final = 35
SMALLEST, LARGEST = 6, 10
MOST_TARGETS: Final = 2
SEED: Final = 37


class Sources(NamedTuple):
    """Positions of the images that one bag may show."""

    targets: NDArray[np.int64]
    background: NDArray[np.int64]


def bags(data: Path) -> Iterator[LabelledBag]:  # noqa: ARG001 - embedded: there is no folder
    """Yield the 350 bags, the same on every call.

    Returns
    -------
    Iterator of LabelledBag
        ``images`` of shape (N, 1, 8, 8), uint8, 0..16; ``instance_labels`` of shape (N,), int64,
        1 where the instance shows the digit that its bag is named after.
    """
    source = load_digits()
    images = source.images.astype(np.uint8)[:, None]  # (1797, 1, 8, 8)
    generator = np.random.Generator(np.random.PCG64(SEED))
    for number, pool in enumerate(deal(source.target, generator, TARGETS, POOLS)):
        for label, digit in enumerate(TARGETS):
            shows = source.target[pool.targets] == digit
            chosen = draw(Sources(pool.targets[shows], pool.others), generator)
            yield LabelledBag(
                id=f"pool-{number:02d}-digit-{digit}",
                label=label,
                images=images[chosen],
                instance_labels=(source.target[chosen] == digit).astype(np.int64),
                patient=f"pool-{number:02d}",
                part="train" if number < TRAINING_POOLS else "test",
            )


def draw(sources: Sources, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return the positions of one bag's images, of shape (N,), N from 6 to 10."""
    size = int(generator.integers(SMALLEST, LARGEST + 1))
    witnesses = int(generator.integers(1, MOST_TARGETS + 1))
    targets = generator.choice(sources.targets, witnesses, replace=False)
    background = generator.choice(sources.background, size - witnesses, replace=False)
    return generator.permutation(np.concatenate([targets, background]))

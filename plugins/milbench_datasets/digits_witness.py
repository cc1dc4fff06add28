"""Bags of 40 handwritten digits of which an exact number shows a target, as training and tests say.

The protocol of a Keras repository for kidney tiles (bluewhale28/Multiple-Instance-Learning-MIL-
with-Keras-using-clear-cell-renal-cell-carcinoma-dataset, commit 4a1d221), on scikit-learn's images:
a model is trained on bags in which half of the instances are positive, and tested on bags with
ever fewer of them. The generator ``digits-witness-1``, in full, so that anybody can write it again:

1. The 1797 images are dealt to 26 pools, by PCG64 with the seed 40: each digit's images in a random
   order, sevens, eights and nines first, one image to one pool after the other. Every pool holds 20
   or 21 of these targets and 48 or 49 other digits.
2. Pools 0..9 are for training, 12 bags each; 10..13 for validation, 10 bags each; 14..25 for tests,
   8 bags each. Bags are negative and positive in turn.
3. A bag holds 40 images of its own pool, each at most once, in random order. A positive bag holds
   20 targets in training and validation, and in the test as many as the data set's name says: 20,
   10, 5 or 1. A negative bag holds none. The random numbers of a bag follow from the seed, its
   pool, its place in the pool and the witnesses of its part, and from nothing else.
4. The pool is the bag's ``patient``. Parts share no pool, so no image.

So the four data sets have the same 160 bags to train on, bit by bit, and 96 test bags of their own.
Three digits are targets because a pool needs 20 of them beside 40 others: one digit would leave
eight pools.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.datasets import load_digits

from milbench import LabelledBag
from milbench_datasets.digits import deal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from milbench_datasets.digits import Pool

TARGETS = (7, 8, 9)
POOLS = 26
SIZE = 40
SEED = 40


class Part(NamedTuple):
    """Pools of one part, the bags that each of them gives, and the targets of a positive bag."""

    name: str
    pools: range
    bags: int
    witnesses: int


TRAINING = Part("train", range(10), bags=12, witnesses=20)
VALIDATION = Part("val", range(10, 14), bags=10, witnesses=20)


@dataclass(frozen=True, slots=True)
class Witness:
    """The data set whose positive test bags hold ``count`` targets among 40 images."""

    count: int

    def bags(self, data: Path) -> Iterator[LabelledBag]:  # noqa: ARG002 - embedded: no folder
        """Yield the 256 bags, the same on every call.

        Returns
        -------
        Iterator of LabelledBag
            ``images`` of shape (40, 1, 8, 8), uint8, 0..16; ``instance_labels`` of shape (40,),
            int64, 1 where the digit is a seven, an eight or a nine.
        """
        source = load_digits()
        images = source.images.astype(np.uint8)[:, None]  # (1797, 1, 8, 8)
        pools = deal(source.target, np.random.Generator(np.random.PCG64(SEED)), TARGETS, POOLS)
        test = Part("test", range(14, POOLS), bags=8, witnesses=self.count)
        for part in (TRAINING, VALIDATION, test):
            for number, turn in np.ndindex(len(part.pools), part.bags):
                pool = part.pools[number]
                chosen = draw(
                    pools[pool], part.witnesses * (turn % 2), (pool, turn, part.witnesses)
                )
                yield LabelledBag(
                    id=f"{part.name}-{part.witnesses}-of-{SIZE}-pool-{pool:02d}-bag-{turn:02d}",
                    label=turn % 2,
                    images=images[chosen],
                    instance_labels=np.isin(source.target[chosen], TARGETS).astype(np.int64),
                    patient=f"pool-{pool:02d}",
                    part=part.name,
                )


TWENTY, TEN, FIVE, ONE = (Witness(count) for count in (20, 10, 5, 1))


def draw(pool: Pool, witnesses: int, names: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the positions of one bag's images, of shape (40,); ``names`` decide the draw."""
    generator = np.random.Generator(np.random.PCG64([SEED, *names]))
    targets = generator.choice(pool.targets, witnesses, replace=False)
    others = generator.choice(pool.others, SIZE - witnesses, replace=False)
    return generator.permutation(np.concatenate([targets, others]))

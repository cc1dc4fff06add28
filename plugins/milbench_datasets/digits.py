"""Bags of scikit-learn's handwritten digits: small real images, built in, no download.

The generator ``digits-bags-1``, in full, so that anybody can write it again:

1. The 1797 images of ``sklearn.datasets.load_digits`` (8 x 8 pixels, values 0..16) are dealt to 60
   pools: each digit's images in a random order, the nines first, one image to one pool after the
   other. Every pool holds exactly three nines and 26 or 27 other digits.
2. Every pool gives four bags, negative and positive in turn. The size of a bag is drawn from a
   normal distribution of mean 10 and standard deviation 2 (as in Ilse et al. 2018, section 4.2),
   rounded, at least 2.
3. The target is the digit 9. A positive bag holds 1 to ``size // 5`` targets (at least one), all
   counts equally likely: at most 20 % in a bag of five or more. A negative bag holds none.
   Instances are drawn from the bag's own pool, without replacement within the bag, and shuffled.
4. The pool is the bag's ``patient``: bags of different pools share no image, and a split that keeps
   pools together shares no image between its parts. Pools 0..39 are the official training part,
   pools 40..59 the test part.

Every pool gives as many positive as negative bags, so that knowing the pool tells nothing about
the label. Who wrote a digit is not in the source, so the same hand may appear in several pools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.datasets import load_digits

from milbench import LabelledBag

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

TARGET = 9
POOLS = 60
TRAINING_POOLS = 40
BAGS_PER_POOL = 4
MEAN_SIZE, SIZE_SPREAD, SMALLEST = 10.0, 2.0, 2
INSTANCES_PER_TARGET = 5  # at most one instance in five shows the target
SEED = 1797


class Pool(NamedTuple):
    """Positions of the images that the bags of one pool may show."""

    targets: NDArray[np.int64]
    others: NDArray[np.int64]


def bags(data: Path) -> Iterator[LabelledBag]:  # noqa: ARG001 - embedded: there is no folder
    """Yield the 240 bags, the same on every call.

    Returns
    -------
    Iterator of LabelledBag
        ``images`` of shape (N, 1, 8, 8), uint8, 0..16; ``instance_labels`` of shape (N,), int64,
        1 where the digit is a nine.
    """
    source = load_digits()
    images = source.images.astype(np.uint8)[:, None]  # (1797, 1, 8, 8)
    generator = np.random.Generator(np.random.PCG64(SEED))
    for number, pool in enumerate(deal(source.target, generator)):
        for turn in range(BAGS_PER_POOL):
            chosen = draw(pool, turn % 2 == 1, generator)
            shown = (source.target[chosen] == TARGET).astype(np.int64)
            yield LabelledBag(
                id=f"pool-{number:02d}-bag-{turn}",
                label=int(shown.any()),
                images=images[chosen],
                instance_labels=shown,
                patient=f"pool-{number:02d}",
                part="train" if number < TRAINING_POOLS else "test",
            )


def deal(
    digits: NDArray[np.int64],
    generator: np.random.Generator,
    targets: tuple[int, ...] = (TARGET,),
    pools: int = POOLS,
) -> list[Pool]:
    """Deal all images to the pools, digit by digit, so that each pool gets its share of each.

    Parameters
    ----------
    digits : (N,)
        The digit of every image.
    targets
        The digits that make a bag positive; they are dealt first.
    """
    by_digit = [*targets, *(digit for digit in range(10) if digit not in targets)]
    order = np.concatenate([generator.permutation(np.flatnonzero(digits == d)) for d in by_digit])
    hands = [order[start::pools] for start in range(pools)]
    shown = [np.isin(digits[hand], targets) for hand in hands]
    return [
        Pool(hand[is_target], hand[~is_target])
        for hand, is_target in zip(hands, shown, strict=True)
    ]


def draw(pool: Pool, is_positive: bool, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return the positions of one bag's images, of shape (N,)."""
    size = max(SMALLEST, round(generator.normal(MEAN_SIZE, SIZE_SPREAD)))
    most = max(1, size // INSTANCES_PER_TARGET)
    witnesses = int(generator.integers(1, most + 1)) if is_positive else 0
    targets = generator.choice(pool.targets, witnesses, replace=False)
    others = generator.choice(pool.others, size - witnesses, replace=False)
    return generator.permutation(np.concatenate([targets, others]))

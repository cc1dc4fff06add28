"""Bags of MNIST digits after Ilse, Tomczak and Welling 2018 (section 4.2).

The generator ``mnist-bags-ilse-1``, in full: the images of a part are put in a random order (PCG64,
seed 1) and cut into consecutive bags; a bag's size is drawn from a normal distribution of mean 10
and standard deviation 2, cut to a whole number, at least 1; a bag is positive if it shows a 9.
Training: 200 bags from the training files; test: 50 bags from the test files. So about 65 % of the
bags are positive, as in the authors' code.

Departures from the authors' code (AMLab-Amsterdam/AttentionDeepMIL, dataloader.py): an image is
in one bag only, where theirs are drawn with replacement, so that any split shares no image between
its parts; pixels stay raw bytes; another random generator, so other bags. Each bag is its own
``patient``; who wrote a digit is not in the files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench import LabelledBag
from milbench.errors import DatasetError
from milbench_datasets.absent import absent
from milbench_datasets.layouts.idx import read_idx
from milbench_datasets.layouts.text import find

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

TARGET = 9
DIGITS = 10
MEAN_SIZE, SIZE_SPREAD, SMALLEST = 10.0, 2.0, 1
TRAINING_BAGS, TEST_BAGS = 200, 50
SEED = 1
FOLDERS = ("mnist", "MNIST/raw", "mnist_t10k")  # ours, torchvision's, and the test files alone


class Images(NamedTuple):
    """Images of shape (N, 1, 28, 28), uint8, and their digits, of shape (N,)."""

    images: NDArray[np.uint8]
    digits: NDArray[np.uint8]


def bags(data: Path) -> Iterator[LabelledBag]:
    """Yield 200 training bags of the training files and 50 test bags of the test files.

    Returns
    -------
    Iterator of LabelledBag
        ``images`` of shape (N, 1, 28, 28), uint8; ``instance_labels`` 1 where the digit is a nine.

    Raises
    ------
    MissingDataError
        If one of the four files is not there.
    DatasetError
        If a file is damaged.
    """
    train, test = read_parts("mnist-bags", data, ("train", "t10k"))
    yield from both_parts(train, test)


def t10k_bags(data: Path) -> Iterator[LabelledBag]:
    """Yield the same from the two test files alone: training bags from their first half.

    Raises
    ------
    MissingDataError
        If one of the two files is not there.
    DatasetError
        If a file is damaged.
    """
    (images,) = read_parts("mnist-t10k-bags", data, ("t10k",))
    half = len(images.digits) // 2
    yield from both_parts(
        Images(images.images[:half], images.digits[:half]),
        Images(images.images[half:], images.digits[half:]),
    )


def both_parts(train: Images, test: Images) -> Iterator[LabelledBag]:
    """Yield the bags of the training part, then those of the test part."""
    generator = np.random.Generator(np.random.PCG64(SEED))
    yield from cut(train, "train", TRAINING_BAGS, generator)
    yield from cut(test, "test", TEST_BAGS, generator)


def cut(
    source: Images, part: str, count: int, generator: np.random.Generator
) -> Iterator[LabelledBag]:
    """Cut shuffled images into ``count`` bags.

    Raises
    ------
    DatasetError
        If there are too few images.
    """
    sizes = np.maximum(SMALLEST, generator.normal(MEAN_SIZE, SIZE_SPREAD, count).astype(np.int64))
    order = generator.permutation(len(source.digits))
    if sizes.sum() > len(order):
        raise DatasetError(
            f"mnist {part}: found {len(order)} images, expected at least {sizes.sum()} for "
            f"{count} bags; get the files again"
        )
    for number, chosen in enumerate(np.split(order, np.cumsum(sizes))[:count]):
        shown = (source.digits[chosen] == TARGET).astype(np.int64)
        name = f"{part}-{number:03d}"
        yield LabelledBag(
            id=name,
            label=int(shown.any()),
            images=source.images[chosen],
            instance_labels=shown,
            patient=name,
            part=part,
        )


def read_parts(name: str, data: Path, prefixes: tuple[str, ...]) -> list[Images]:
    """Read images and digits of each file prefix, ``train`` or ``t10k``.

    Raises
    ------
    MissingDataError
        Naming every file that is in none of the folders.
    DatasetError
        If images and digits do not fit each other.
    """
    wanted = [f"{p}-{kind}-ubyte" for p in prefixes for kind in ("images-idx3", "labels-idx1")]
    found = {file: locate(data, file) for file in wanted}
    gaps = [file for file, path in found.items() if path is None]
    if gaps:
        places = ", ".join(str(data / folder) for folder in FOLDERS)
        raise absent(name, data, f"{', '.join(gaps)} (plain or .gz), looked for in {places}")
    paths = [path for path in found.values() if path is not None]
    return [read_pair(*pair) for pair in zip(paths[::2], paths[1::2], strict=True)]


def locate(data: Path, file: str) -> Path | None:
    """Return the file in the first folder that holds it, plain or gzipped."""
    paths = (find(data / folder, file) for folder in FOLDERS)
    return next((path for path in paths if path is not None), None)


def read_pair(images: Path, labels: Path) -> Images:
    """Read one file of images and its file of digits.

    Raises
    ------
    DatasetError
        If they differ in length, or a label is no digit.
    """
    pixels, digits = read_idx(images, axes=3), read_idx(labels, axes=1)
    if len(pixels) != len(digits):
        raise DatasetError(
            f"{labels}: found {len(digits)} labels, expected {len(pixels)} as {images} has images"
        )
    for position in np.flatnonzero(digits >= DIGITS)[:1]:
        raise DatasetError(f"{labels}: label {position + 1} is {digits[position]}, expected 0 to 9")
    return Images(pixels[:, None], digits)  # (N, 1, 28, 28), (N,)

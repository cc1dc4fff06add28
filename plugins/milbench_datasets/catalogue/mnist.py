"""Bags of MNIST digits."""

from __future__ import annotations

from milbench import Dataset
from milbench_datasets import downloads
from milbench_datasets.catalogue.classes import BINARY

BY_HAND = "docs/datasets.md names the folders and layouts that are read"
MNIST_SITE = "https://ossci-datasets.s3.amazonaws.com/mnist"
MNIST_LICENCE = "CC BY-SA 3.0 as generally stated; none in the files"
ILSE = (
    "Ilse, Tomczak, Welling 2018, Attention-based deep multiple instance learning, ICML, "
    "https://arxiv.org/abs/1802.04712"
)
MNIST_FOLDERS = ("mnist", "MNIST/raw", "mnist_t10k")


RECORDS = (
    Dataset(
        name="mnist-bags",
        target="milbench_datasets.mnist:bags",
        summary="MNIST digits, is there a 9?: 200 training bags, 50 test bags",
        paper=ILSE,
        classes=BINARY,
        encoder="flat-pixels",
        version="mnist-bags-ilse-1",
        cohort="mnist",
        files=tuple(f"{folder}/*-ubyte*" for folder in MNIST_FOLDERS),
        downloads=downloads.MNIST_ALL,
        how_to_get=BY_HAND,
        licence=MNIST_LICENCE,
        url=MNIST_SITE,
    ),
    Dataset(
        name="mnist-t10k-bags",
        target="milbench_datasets.mnist:t10k_bags",
        summary="the same from the MNIST test files alone, in disjoint halves",
        paper=ILSE,
        classes=BINARY,
        encoder="flat-pixels",
        version="mnist-t10k-bags-ilse-1",
        cohort="mnist",
        files=tuple(f"{folder}/t10k-*-ubyte*" for folder in MNIST_FOLDERS),
        downloads=downloads.MNIST_TEST,
        how_to_get=BY_HAND,
        licence=MNIST_LICENCE,
        url=MNIST_SITE,
    ),
)

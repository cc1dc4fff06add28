"""Check the bags a data set gives, one by one, before anything is stored.

Each fault is one error that names the data set and the bag.
"""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from milbench.errors import DatasetError
from milbench.pictures import Regions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milbench.bags import LabelledBag
    from milbench.features.journal import Finished

PARTS = ("", "train", "val", "test")
BLOCK_BYTES = 2**18  # what is read once stays in the cache for what comes next


class BagChecker:
    """Check each bag by itself and against the bags before it.

    Parameters
    ----------
    dataset
        Name of the data set, for messages.
    classes
        Names of the classes, or of the labels.
    is_multi_label
        Whether a bag may have several labels.
    """

    def __init__(
        self, dataset: str, classes: tuple[str, ...], *, is_multi_label: bool = False
    ) -> None:
        self._dataset = dataset
        self._classes = classes
        self._is_multi_label = is_multi_label
        self._patients: dict[str, str] = {}
        self._labels: set[Any] = set()  # classes, or tuples of labels
        self._first: tuple[str, tuple[int, ...], str] | None = None
        self._has_coords = False

    def listed(self, bag: LabelledBag) -> None:
        """Check what a data set says of a bag, before anything of it is read.

        Raises
        ------
        DatasetError
            If a name or the label is impossible, or the id was given before.
        """
        self._check_names(bag)
        self._check_label(bag)

    def instances(self, bag: LabelledBag) -> np.ndarray | Regions:
        """Check ``bag`` and return its instances; those in a picture stay there.

        Returns
        -------
        (N, D) float32 or float16, or (N, C, H, W) uint8
            Integers and float64 become float32.

        Raises
        ------
        DatasetError
            For any fault of the bag, or a contradiction to an earlier one.
        """
        x = self._check_kind(bag)
        self._check_same(bag, x)
        self._check_beside(bag, len(x))
        return x

    def keep(self, bag: LabelledBag, finished: Finished) -> None:
        """Remember a bag that is stored, for the bags behind it."""
        if not self._patients:
            self._first = (bag.id, finished.given_shape, finished.given_dtype)
            self._has_coords = finished.coords is not None
        self._patients[bag.id] = bag.patient
        label = bag.label
        self._labels.add(tuple(map(index, label)) if isinstance(label, tuple) else index(label))

    def finish(self, left_out: Mapping[str, str]) -> None:
        """Check what only shows at the end.

        Parameters
        ----------
        left_out
            Why bags are left out, by id.

        Raises
        ------
        DatasetError
            If there was no bag, or bags of one class only; or if all bags, or none, have a label.
        """
        lost = ""
        if left_out:
            bag, reason = next(iter(left_out.items()))
            lost = f"; {len(left_out)} bags are left out, the first {bag!r}: {reason}"
        if not self._patients:
            found = "no slide could be read" if left_out else "the reader found nothing to yield"
            raise DatasetError(f"{self._dataset}: no bags; {found}{lost}")
        found, needs = self._constant()
        if found:
            raise DatasetError(f"{self._dataset}: {found}; a comparison needs {needs}{lost}")

    def _constant(self) -> tuple[str, str]:
        """Return what does not vary between the bags, and what is needed; empty where all does."""
        count, labels = len(self._patients), list(self._labels)
        if not self._is_multi_label:
            one = f"all {count} bags are of class {self._classes[labels[0]]!r}"
            return (one if len(labels) == 1 else "", "bags of at least two classes")
        for name, values in zip(self._classes, zip(*labels, strict=True), strict=True):
            if len(set(values)) == 1:
                who = f"all {count} bags have" if values[0] else f"none of {count} bags has"
                return f"{who} the label {name!r}", "bags with each label and bags without it"
        return "", ""

    def _fail(self, bag: LabelledBag, fault: str) -> NoReturn:
        raise DatasetError(f"{self._dataset}, bag {bag.id!r}: {fault}")

    def _check_names(self, bag: LabelledBag) -> None:
        for field in ("id", "patient", "site", "part"):
            value: Any = getattr(bag, field)  # a plugin may give anything
            if not isinstance(value, str):
                self._fail(bag, f"{field} is {type(value).__name__}, not text")
            if not value.isprintable():
                self._fail(bag, f"{field} {value!r} holds characters that cannot be printed")
        if not bag.id:
            place = f"the bag at position {len(self._patients)}"
            raise DatasetError(f"{self._dataset}: {place} has an empty id")
        if bag.part not in PARTS:
            self._fail(bag, f"part {bag.part!r}; expected 'train', 'val', 'test' or empty")
        if bag.id in self._patients:
            pair = sorted({bag.patient, self._patients[bag.id]})
            of = f", for the patients {pair[0]!r} and {pair[1]!r}" if len(pair) > 1 else ""
            self._fail(bag, f"this id is given twice{of}; each bag needs its own")

    def _check_label(self, bag: LabelledBag) -> None:
        label: Any = bag.label  # a plugin may give anything
        if self._is_multi_label:
            self._check_labels(bag, label)
            return
        if isinstance(label, tuple):
            self._fail(bag, f"several labels, {label!r}; say task='multi-label' in the record")
        is_whole = isinstance(label, (int, np.integer)) and not isinstance(label, bool)
        if not is_whole or not 0 <= label < len(self._classes):
            known = ", ".join(f"{i} {name!r}" for i, name in enumerate(self._classes))
            self._fail(bag, f"label {label!r} is no class; expected one of {known}")

    def _check_labels(self, bag: LabelledBag, label: Any) -> None:
        names = ", ".join(self._classes)
        wanted = f"a tuple of {len(self._classes)} numbers, 1 for each of {names}"
        if not isinstance(label, tuple) or len(label) != len(self._classes):
            self._fail(bag, f"labels {label!r}; expected {wanted} that the bag has, else 0")
        if not all(isinstance(one, int | np.integer) and one in (0, 1) for one in label):
            self._fail(bag, f"labels {label!r} hold something else than 0 and 1; expected {wanted}")

    def _check_kind(self, bag: LabelledBag) -> np.ndarray | Regions:
        if bag.picture is not None:
            self._fail(bag, "gives a picture, which no tiler cut; its record must name a tiler")
        if bag.annotations is not None:
            self._fail(bag, "gives annotations, and no picture that a tiler cuts; give both")
        if (bag.x is None) == (bag.images is None):
            given = "neither x nor images" if bag.x is None else "both x and images"
            self._fail(bag, f"{given} given; expected one of them")
        try:
            if bag.x is None:
                return self._check_images(bag)
            return stored_features(np.asarray(bag.x))
        except ValueError as error:
            self._fail(bag, str(error))

    def _check_images(self, bag: LabelledBag) -> np.ndarray | Regions:
        given = bag.images
        images = given if isinstance(given, Regions) else np.asarray(given)
        if images.dtype != np.uint8 or images.ndim != 4:  # noqa: PLR2004  # (N, C, H, W)
            found = f"{images.dtype} of shape {images.shape}"
            self._fail(bag, f"images are {found}; expected uint8 of shape (N, C, H, W)")
        if 0 in images.shape:
            self._fail(bag, f"an empty bag: images of shape {images.shape}")
        return images if isinstance(images, Regions) else np.ascontiguousarray(images)

    def _check_same(self, bag: LabelledBag, x: np.ndarray | Regions) -> None:
        shape, kind = x.shape[1:], x.dtype.name
        if self._first is None:
            return
        first, first_shape, first_kind = self._first
        if shape != first_shape:
            self._fail(bag, f"instances of shape {shape}, but {first_shape} in bag {first!r}")
        if kind != first_kind:
            self._fail(bag, f"values of type {kind}, but {first_kind} in bag {first!r}")

    def _check_beside(self, bag: LabelledBag, size: int) -> None:
        if self._patients and self._has_coords != (bag.coords is not None):
            first = next(iter(self._patients))
            has, lacks = (first, bag.id) if self._has_coords else (bag.id, first)
            self._fail(bag, f"bag {has!r} has coords and bag {lacks!r} has none; give all or none")
        if bag.coords is not None:
            self._check_coords(bag, np.asarray(bag.coords), size)
        if bag.grid is not None and bag.grid[0] * bag.grid[1] != size:
            self._fail(bag, f"a grid of {bag.grid} for {size} instances")
        if bag.instance_labels is not None:
            self._check_instance_labels(bag, np.asarray(bag.instance_labels), size)

    def _check_coords(self, bag: LabelledBag, coords: np.ndarray, size: int) -> None:
        if coords.shape != (size, 2):
            self._fail(bag, f"coords of shape {coords.shape}; expected ({size}, 2)")
        if coords.dtype.kind not in "iuf" or not np.isfinite(coords).all():
            self._fail(bag, "coords hold values that are not finite numbers")

    def _check_instance_labels(self, bag: LabelledBag, labels: np.ndarray, size: int) -> None:
        if labels.shape != (size,):
            self._fail(bag, f"instance_labels of shape {labels.shape}; expected ({size},)")
        if labels.dtype.kind not in "iub" or (labels.astype(np.int64) < -1).any():
            self._fail(bag, "instance_labels must be whole numbers from 0, or -1 for unknown")


def stored_features(x: np.ndarray) -> np.ndarray:
    """Return features as they are stored: float16 as it is, every other number as float32.

    Parameters
    ----------
    x : (N, D)
        Finite numbers.

    Raises
    ------
    ValueError
        If ``x`` has another shape, is empty, or holds a value that is not a finite number or
        too large for float32; the message names the first place.
    """
    if x.ndim != 2:  # noqa: PLR2004  # (N, D)
        raise ValueError(f"features of shape {x.shape}; expected (N, D)")
    if 0 in x.shape:
        raise ValueError(f"an empty bag: features of shape {x.shape}")
    if x.dtype.kind not in "biuf":
        raise ValueError(f"features of type {x.dtype}; expected numbers")
    with np.errstate(over="ignore"):  # an overflow shows as infinite below
        stored = np.ascontiguousarray(x, np.float16 if x.dtype == np.float16 else np.float32)
    bad = first_not_finite(stored)
    if bad is not None:
        row, column = bad
        value = x[row, column]
        fault = "too large for float32" if np.isfinite(value) else "not finite"
        raise ValueError(f"the feature of instance {row}, column {column} is {value}, {fault}")
    return stored


def first_not_finite(x: np.ndarray) -> tuple[int, int] | None:
    """Return row and column of the first value that float32 or float16 cannot hold, or None.

    Parameters
    ----------
    x : (N, D)
        Floats; float16 is looked at as it is, every other type as float32.
    """
    rows = max(1, BLOCK_BYTES // (x.shape[1] * x.itemsize))
    for start in range(0, len(x), rows):
        block = x[start : start + rows]
        with np.errstate(over="ignore"):  # an overflow shows as infinite
            narrow = block if x.dtype == np.float16 else block.astype(np.float32, copy=False)
        is_finite = np.isfinite(narrow)
        if not is_finite.all():
            row, column = np.argwhere(~is_finite)[0]
            return start + int(row), int(column)
    return None

"""Bags that are impossible are refused by data set, bag and place, before anything is stored."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from milbench import LabelledBag
from milbench.errors import DatasetError
from milbench.features import About, write_features

ABOUT = About(dataset="toy", classes=("negative", "positive"))
X = np.zeros((3, 2), dtype=np.float32)
IMAGES = np.zeros((3, 1, 8, 8), dtype=np.uint8)


def with_value(value: float, dtype: type = np.float32) -> np.ndarray:
    x = np.zeros((3, 2), dtype=dtype)
    x[2, 1] = value
    return x


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"x": with_value(np.nan)}, "the feature of instance 2, column 1 is nan, not finite"),
    ({"x": with_value(-np.inf)}, "the feature of instance 2, column 1 is -inf, not finite"),
    ({"x": with_value(np.inf, np.float16)}, "instance 2, column 1 is inf, not finite"),
    ({"x": with_value(1e300, np.float64)}, "column 1 is 1e+300, too large for float32"),
    ({"x": X[:, :1]}, "instances of shape (1,), but (2,) in bag 'first'"),
    ({"x": X.astype(np.float16)}, "values of type float16, but float32 in bag 'first'"),
    ({"x": X[0]}, "features of shape (2,); expected (N, D)"),
    ({"x": X[:0]}, "an empty bag: features of shape (0, 2)"),
    ({"x": X[:, :0]}, "an empty bag: features of shape (3, 0)"),
    ({"x": X.astype(str)}, "features of type <U32; expected numbers"),
    ({"x": X.astype(complex)}, "features of type complex128; expected numbers"),
    ({"x": [[1.0], [1.0, 2.0]]}, "inhomogeneous shape"),
    ({"x": None}, "neither x nor images given"),
    ({"images": IMAGES}, "both x and images given"),
    ({"id": ""}, "position 1 has an empty id"),
    ({"id": 7}, "id is int, not text"),
    ({"id": "a\nb"}, "holds characters that cannot be printed"),
    ({"id": "first"}, "this id is given twice"),
    ({"id": "first", "patient": "q"}, "given twice, for the patients 'p' and 'q'"),
    ({"patient": None}, "patient is NoneType, not text"),
    ({"site": 3}, "site is int, not text"),
    ({"part": "dev"}, "part 'dev'; expected 'train', 'val', 'test' or empty"),
    ({"label": 2}, "label 2 is no class; expected one of 0 'negative', 1 'positive'"),
    ({"label": -1}, "label -1 is no class"),
    ({"label": 1.0}, "label 1.0 is no class"),
    ({"label": "positive"}, "label 'positive' is no class"),
    ({"label": True}, "label True is no class"),
    ({"coords": np.zeros((2, 2))}, "coords of shape (2, 2); expected (3, 2)"),
    ({"coords": np.full((3, 2), np.nan)}, "coords hold values that are not finite"),
    ({"coords": None}, "bag 'first' has coords and bag 'second' has none"),
    ({"instance_labels": np.zeros(4, int)}, "instance_labels of shape (4,); expected (3,)"),
    ({"instance_labels": np.array([0, 1, -2])}, "whole numbers from 0, or -1 for unknown"),
    ({"instance_labels": np.array([0.5, 0, 0])}, "whole numbers from 0, or -1 for unknown"),
]


@pytest.mark.parametrize(("changes", "message"), FAULTS, ids=[message for _, message in FAULTS])
def test_an_impossible_bag_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """The message names the data set and says what is wrong; nothing is left on the disk."""
    first = LabelledBag(id="first", label=0, x=X, patient="p", coords=np.zeros((3, 2)))
    second = replace(first, **{"id": "second", "label": 1} | changes)

    with pytest.raises(DatasetError) as caught:
        write_features(tmp_path / "toy.h5", [first, second], encode=None, about=ABOUT)
    assert str(caught.value).startswith("toy, bag" if changes.get("id") != "" else "toy: the bag")
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES.astype(np.float32), "images are float32 of shape (3, 1, 8, 8); expected uint8"),
        (IMAGES[0], "images are uint8 of shape (1, 8, 8); expected uint8 of shape (N, C, H, W)"),
        (IMAGES[:0], "an empty bag: images of shape (0, 1, 8, 8)"),
        (IMAGES[..., :7], "instances of shape (1, 8, 7), but (1, 8, 8) in bag 'first'"),
    ],
)
def test_impossible_images_are_refused(tmp_path: Path, images: np.ndarray, message: str) -> None:
    """Images are uint8, of one shape in the whole data set."""
    first = LabelledBag(id="first", label=0, images=IMAGES)
    second = LabelledBag(id="second", label=1, images=images)

    with pytest.raises(DatasetError, match=r"toy, bag 'second'") as caught:
        write_features(
            tmp_path / "toy.h5", [first, second], encode=lambda tiles: tiles, about=ABOUT
        )
    assert message in str(caught.value)


def test_a_mixture_of_features_and_images_is_refused(tmp_path: Path) -> None:
    """A data set gives one kind of instance."""
    bags = [LabelledBag(id="a", label=0, x=X), LabelledBag(id="b", label=1, images=IMAGES)]

    with pytest.raises(DatasetError, match="bag 'b': instances of shape"):
        write_features(tmp_path / "toy.h5", bags, encode=None, about=ABOUT)


def test_a_data_set_of_one_class_is_refused(tmp_path: Path) -> None:
    """Nothing can be compared on it."""
    bags = [LabelledBag(id=name, label=1, x=X) for name in "ab"]

    with pytest.raises(DatasetError, match="toy: all 2 bags are of class 'positive'"):
        write_features(tmp_path / "toy.h5", bags, encode=None, about=ABOUT)


def test_a_data_set_without_bags_is_refused(tmp_path: Path) -> None:
    """A reader that yields nothing is a fault, not an empty benchmark."""
    with pytest.raises(DatasetError, match="toy: no bags"):
        write_features(tmp_path / "toy.h5", [], encode=None, about=ABOUT)

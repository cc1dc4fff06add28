"""Classes are put in an order that a reader expects, the positive one second."""

from pathlib import Path

import pytest

from milbench.errors import DatasetError
from milbench.tables.classes import classes_in

PATH = Path("labels.csv")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["1", "0", "1"], ("0", "1")),
        (["10", "9", "2"], ("2", "9", "10")),
        (["tumor", "normal"], ("normal", "tumor")),
        (["Positive", "Negative"], ("Negative", "Positive")),
        (["wildtype", "mutated"], ("wildtype", "mutated")),
        (["MSS", "MSI"], ("MSS", "MSI")),
        (["LUSC", "LUAD"], ("LUAD", "LUSC")),
    ],
)
def test_order_of_classes(labels, expected):
    """Numbers by size, known pairs negative first, the others by name."""
    assert classes_in(labels, PATH) == expected


def test_one_class_is_refused():
    with pytest.raises(DatasetError, match="all slides have the label 'a'"):
        classes_in(["a", "a"], PATH)


def test_measurements_are_no_classes():
    with pytest.raises(DatasetError, match="30 different labels"):
        classes_in([str(n / 7) for n in range(30)], PATH)

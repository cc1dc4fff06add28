"""A tree over classes is checked where it is declared, and says itself in words."""

import re

import pytest

from milbench import Aggregator, Dataset, Levels
from milbench.errors import PluginError

GIVEN = {"name": "tree", "coarse": ("low", "high"), "parents": (0, 0, 1)}


def dataset(**fields):
    return Dataset(name="slides", target="a:b", summary="s", classes=("a", "b", "c"), **fields)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"parents": (0, 0, 2)}, "parents (0, 0, 2): expected positions from 0 to 1"),
        ({"parents": (0, 0, 0)}, "each of them the parent of some class"),
        ({"parents": (-1, 0, 1)}, "expected positions from 0 to 1"),
        ({"parents": (0, 1)}, "2 classes below 2: no class is divided"),
        ({"coarse": ("all",), "parents": (0, 0)}, "expected two or more different names"),
        ({"coarse": ("low", "low")}, "expected two or more different names"),
        ({"names": ("grade", "grade")}, "name the tree, its coarse and its fine level"),
        ({"name": ""}, "name the tree"),
    ],
)
def test_a_tree_that_is_none_is_refused(changed, says):
    """Each class has one parent that is a coarse class, and no coarse class is without."""
    with pytest.raises(PluginError, match=re.escape(says)):
        Levels(**(GIVEN | changed))


def test_a_tree_of_other_classes_is_refused_with_the_data_set():
    """Four parents for three classes: the message names the data set and the tree."""
    with pytest.raises(PluginError, match="slides: levels 'tree': 4 parents for 3 classes"):
        dataset(levels=Levels(**(GIVEN | {"parents": (0, 0, 1, 1)})))


def test_what_is_no_tree_is_refused():
    """Names of levels alone do not say what is above a class."""
    with pytest.raises(PluginError, match=re.escape("expected milbench.Levels")):
        dataset(levels=("coarse", "fine"))


def test_a_data_set_has_one_level_unless_it_says_more():
    """The tree is an attribute of the data set."""
    assert dataset().levels is None
    assert dataset(levels=Levels(**GIVEN)).levels.parents == (0, 0, 1)


def test_a_tree_in_words_names_itself_and_every_class():
    """One sentence, as tables and ``milbench info`` print it."""
    tree = Levels(**GIVEN, names=("risk", "grade"))

    assert tree.in_words(("a", "b", "c")) == "Levels tree, risk (grade): low (a, b), high (c)."


def test_a_method_that_needs_levels_is_given_the_parents():
    """Every other one is built from the dimension and the count of classes alone."""
    flat = Aggregator(name="flat", target="a:b", summary="s")
    deep = Aggregator(name="deep", target="a:b", summary="s", needs=frozenset({"levels"}))

    assert flat.given == ("in_dim", "n_classes")
    assert deep.given == ("in_dim", "n_classes", "parents")

"""The command line tells of label hierarchies: how many classes, the tree, who needs one."""

import json

from milbench.check import argument_faults
from milbench.records import Aggregator
from milbench.registry import load_registry


def test_list_counts_coarse_and_fine_classes(milbench):
    """3/7 is three coarse classes above seven."""
    (line,) = [
        line
        for line in milbench("list", "datasets").stdout.splitlines()
        if line.startswith("digits-tree ")
    ]

    assert line.split()[1:4] == ["3/7", "hierarchical", "auroc"]


def test_info_names_the_tree_in_words(milbench):
    """Name, levels and groups in one line; a flat data set says that it is one."""
    tree = milbench("info", "digits-tree").stdout
    flat = milbench("info", "digits-bags", "--json").stdout

    assert "Levels digits-tree, shape (digit): curly (three, eight, nine), round (zero," in tree
    assert json.loads(flat)[0]["tree"] == "one level"


def test_parents_come_from_the_data_and_are_no_setting(milbench):
    """Neither shown as a setting of HMIL nor taken from a suite."""
    (found,) = json.loads(milbench("info", "hmil", "--json").stdout)
    record = load_registry().record(Aggregator, "hmil")

    assert "levels" in found["needs"]
    assert set(found["settings"]) == {
        *("variant", "bag_alignment", "hidden", "attention", "dropout", "batch"),
    }
    (fault,) = argument_faults(record, {"parents": [0, 0, 1], "batch": 4})
    assert fault.startswith("parents: no setting of hmil")

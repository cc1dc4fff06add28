"""Bags with several labels in the feature store: kept, hashed, and refused where impossible."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from milbench import Dataset, LabelledBag, Levels
from milbench.errors import DatasetError, FeatureError, PluginError
from milbench.features import About, open_features, write_features

ABOUT = About(dataset="toy", classes=("red", "green"), is_multi_label=True)


def bags(*labels):
    """Return one bag a label."""
    return [
        LabelledBag(id=f"b{n}", label=label, x=np.full((2, 3), float(n)))
        for n, label in enumerate(labels)
    ]


def test_labels_are_kept_bag_by_bag(tmp_path):
    """As a table (B, L), read back from the file as they were given."""
    path = tmp_path / "toy.h5"
    write_features(path, bags((1, 0), (0, 0), (1, 1)), encode=None, about=ABOUT)

    found = open_features(path).table

    assert found.labels.tolist() == [[1, 0], [0, 0], [1, 1]]
    assert found.is_multi_label


def test_another_label_is_another_hash(tmp_path):
    """So results are never taken from other labels."""
    hashes = {
        write_features(tmp_path / f"{n}.h5", bags(*given), encode=None, about=ABOUT).content_hash
        for n, given in enumerate([((1, 0), (0, 1)), ((1, 1), (0, 0)), ((1, 0), (0, 1))])
    }

    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (((1, 0), 1), "bag 'b1': labels 1; expected a tuple of 2 numbers, 1 for each of red, gre"),
        (((1, 0), (1,)), r"bag 'b1': labels \(1,\); expected a tuple of 2 numbers"),
        (((1, 0), (0, 2)), r"bag 'b1': labels \(0, 2\) hold something else than 0 and 1"),
        (((1, 0), (0, 0.5)), "hold something else than 0 and 1"),
        (((1, 0), (1, 1)), "all 2 bags have the label 'red'; a comparison needs bags with each"),
        (((1, 0), (0, 0)), "none of 2 bags has the label 'green'"),
    ],
)
def test_impossible_labels_name_the_bag(tmp_path, labels, message):
    with pytest.raises(DatasetError, match=message):
        write_features(tmp_path / "toy.h5", bags(*labels), encode=None, about=ABOUT)


def test_several_labels_need_their_task(tmp_path):
    """A record that forgets it is told what to say."""
    about = replace(ABOUT, is_multi_label=False)

    with pytest.raises(DatasetError, match=r"bag 'b1': several labels, \(0, 1\); say task='multi"):
        write_features(tmp_path / "toy.h5", bags(0, (0, 1)), encode=None, about=about)


def test_a_hierarchy_of_several_labels_is_refused():
    """Which branch a bag with two labels is on is not said anywhere."""
    levels = Levels(name="tree", coarse=("a", "b"), parents=(0, 0, 1))

    with pytest.raises(PluginError, match="toy: levels with several labels a bag are not there"):
        Dataset(
            name="toy", target=bags, summary="test", classes=("x", "y", "z"), levels=levels,
            task="multi-label",
        )  # fmt: skip


def test_labels_that_cannot_be_are_a_damaged_file(tmp_path):
    """Read without the hash, as a worker does."""
    path = tmp_path / "toy.h5"
    write_features(path, bags((1, 0), (0, 1)), encode=None, about=ABOUT)
    with h5py.File(path, "r+") as file:
        file["labels"][0, 0] = 2

    with pytest.raises(FeatureError, match=r"labels outside 0\.\.1"):
        open_features(path, verify=False)

"""Features larger than a device stay where they lie; each bag goes there when it is used.

The second device is torch's ``meta``, which takes what is moved to it and holds no numbers.
"""

import numpy as np
import pytest
import torch

from milbench import LabelledBag
from milbench.features import About, write_features
from milbench.train.resident import FoldBags, fit_scaler, resident


@pytest.fixture
def features(tmp_path):
    """Three bags of 2, 1 and 3 instances x 4 features: 96 bytes."""
    x = np.arange(24, dtype=np.float32).reshape(6, 4)
    places = ((0, 2), (2, 3), (3, 6))
    bags = [
        LabelledBag(id=str(i), label=i % 2, x=x[a:b], coords=np.zeros((b - a, 2), dtype=np.int64))
        for i, (a, b) in enumerate(places)
    ]
    about = About(dataset="toy", classes=("negative", "positive"))
    return write_features(tmp_path / "toy.h5", bags, encode=None, about=about)


@pytest.mark.parametrize(("room", "lies_on"), [(96, "meta"), (95, "cpu")])
def test_features_are_moved_where_they_fit(features, room, lies_on):
    """96 bytes fit into 96, not into 95; bags are used on the device in either case."""
    data = resident(features, "meta", room=room)

    assert data.x.device.type == lies_on
    assert data.device.type == "meta"
    assert FoldBags(data, None)[2].x.device.type == "meta"
    assert FoldBags(data, None)[2].coords.device.type == "meta"


def test_a_bag_that_was_moved_is_scaled_there_and_not_kept(features):
    """The scaler is fitted where the features lie; no standardised copy of all of them is made."""
    data = resident(features, "meta", room=0)
    scaler = fit_scaler(data, np.array([0, 2]))
    bags = FoldBags(data, scaler)

    assert scaler.mean.device.type == "meta"
    assert bags[1].x.shape == (1, 4)
    assert bags[1].x.device.type == "meta"
    assert bags[1].x is not bags[1].x
    assert bags.typical().x.device.type == "meta"


def test_a_cpu_uses_the_memory_map_whatever_its_size(features):
    """Nothing is copied: what is not in memory is read when it is used."""
    data = resident(features, "cpu")

    assert data.device == torch.device("cpu")
    assert FoldBags(data, None)[0].x.data_ptr() == data.x.data_ptr()

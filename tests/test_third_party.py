"""The example of a third party's package works as a user would install it: from its own wheel."""

import json
import sys

import pytest
import torch

from milbench import Bag
from milbench.registry import Registry


@pytest.fixture
def registry(installed, monkeypatch):
    """Return a registry with the example installed."""
    monkeypatch.syspath_prepend(installed)
    yield Registry()
    for name in list(sys.modules):
        if name.partition(".")[0] in {"milbench_mean", "milbench_stripes"}:
            del sys.modules[name]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("what", "name", "plugin"),
    [
        ("aggregators", "mean-linear", "milbench-mean:mean"),
        ("datasets", "stripes", "milbench-mean:stripes"),
        ("encoders", "row-means", "milbench-mean:stripes"),
    ],
)
def test_example_is_listed(milbench, what, name, plugin):
    """Each record of the example appears in the list of its kind, with its source."""
    listed = json.loads(milbench("list", what, "--json").stdout)

    (found,) = [row for row in listed if row["name"] == name]
    assert found["source"] == plugin


@pytest.mark.usefixtures("installed")
def test_example_has_no_problem(milbench):
    """``milbench plugins`` counts both plugins of the example and complains about neither."""
    facts = json.loads(milbench("plugins", "--json", MILBENCH_STRICT="1").stdout)

    example = [p for p in facts["plugins"] if p["distribution"] == "milbench-mean"]
    assert [p["entry_point"] for p in example] == ["mean", "stripes"]
    assert [p["aggregators"] for p in example] == [1, 0]


@pytest.mark.usefixtures("installed")
def test_info_shows_the_settings_of_the_example(milbench):
    """The constructor's setting is shown with its default."""
    (found,) = json.loads(milbench("info", "mean-linear", "--json").stdout)

    assert found["settings"] == {"dropout": 0.0}


def test_listing_stripes_does_not_import_its_code(registry):
    """Records that name their code as text cost nothing to list."""
    assert registry.find("dataset", "stripes")
    assert not {"milbench_stripes.bags", "milbench_stripes.rows"} & set(sys.modules)


def test_aggregator_of_the_example_is_linear_in_the_mean(registry):
    """With weights and bias of one, a logit is the sum of the mean instance and one: 2 + 3 + 1."""
    model = registry.find("aggregator", "mean-linear").record.load()(2, 3)
    for parameter in model.parameters():
        torch.nn.init.ones_(parameter)
    bag = Bag(x=torch.tensor([[1.0, 2.0], [3.0, 4.0]]))

    logits = model(bag).logits

    torch.testing.assert_close(logits, torch.full((3,), 6.0))


def test_encoder_of_the_example_finds_the_stripe(registry, tmp_path):
    """In each positive bag one tile has a row of brightness 200 / 255, in a negative bag none."""
    bags = list(registry.find("dataset", "stripes").record.load()(tmp_path))
    encode = registry.find("encoder", "row-means").record.load()()

    for bag in bags:
        features = encode(bag.images)
        bright = (features > 199 / 255).any(axis=1)
        assert features.shape == (len(bag.images), 8)
        assert bright.tolist() == (bag.instance_labels == 1).tolist()
        assert bright.sum() == bag.label
    assert [sum(bag.label == label for bag in bags) for label in (0, 1)] == [40, 40]

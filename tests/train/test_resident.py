"""What a fold sees: views of the packed features, standardised on its training instances only."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from milbench.bags import Bag
from milbench.train import resident as module
from milbench.train.resident import FoldBags, Resident, fit_scaler


def data(dtype: torch.dtype = torch.float32) -> Resident:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(12, 3, generator=generator) * torch.tensor([1.0, 100.0, 0.0]) + 1000.0
    return Resident(x.to(dtype), (0, 2, 5, 9, 12), None, (0, 1, 0, 1), 2)


def test_the_scaler_knows_the_training_bags_only():
    """Mean and spread are scikit-learn's over the instances of bags 0 and 2."""
    scaler = fit_scaler(data(), np.array([0, 2]))
    rows = torch.cat([data().x[0:2], data().x[5:9]]).double().numpy()
    reference = StandardScaler().fit(rows)

    torch.testing.assert_close(
        scaler(data().x).double(),
        torch.from_numpy(reference.transform(data().x.double().numpy())),
        rtol=1e-4,
        atol=1e-4,
    )


def test_a_held_out_bag_changes_nothing():
    """A canary: an impossible value in a held-out bag leaves the scaler as it was."""
    poisoned = data()
    poisoned.x[2:5] = 1e30
    expected, got = (fit_scaler(d, np.array([0, 2, 3])) for d in (data(), poisoned))

    assert torch.equal(expected.mean, got.mean)
    assert torch.equal(expected.inverse_sd, got.inverse_sd)


def test_moments_are_joined_without_losing_digits():
    """Bags far from 0 and from each other: numpy's float64 mean and deviation of all rows."""
    generator = torch.Generator().manual_seed(3)
    near = torch.randn(500, 3, generator=generator) * torch.tensor([1e-2, 1.0, 50.0])
    near[200:] += torch.tensor([1e-2, 30.0, 0.0])
    packed = Resident(near + 4096.0, (0, 1, 200, 201, 500), None, (0, 1, 0, 1), 2)
    scaler = fit_scaler(packed, np.array([0, 1, 3]))
    rows = np.delete(packed.x.double().numpy(), 200, axis=0)

    np.testing.assert_allclose(scaler.mean, rows.mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(scaler.inverse_sd, 1 / rows.std(axis=0), rtol=1e-6)


def test_moments_of_a_large_bag_are_those_of_its_blocks(monkeypatch):
    """Blocks of any size give one scaler, to rounding."""
    monkeypatch.setattr(module, "BLOCK_VALUES", 4)
    expected = data().x[2:9].double()
    scaler = fit_scaler(data(), np.array([1, 2]))

    torch.testing.assert_close(scaler.mean.double(), expected.mean(dim=0), rtol=1e-6, atol=0)


def test_a_constant_feature_becomes_zero_and_stays_finite():
    """The third feature never varies: 0 after scaling, not 0 / 0."""
    scaled = fit_scaler(data(), np.array([0, 1, 2, 3]))(data().x)

    assert torch.equal(scaled[:, 2], torch.zeros(12))


@pytest.mark.parametrize("eager", [0, 2**30])
def test_a_bag_is_the_same_scaled_at_once_or_when_used(eager, monkeypatch):
    """The size at which a fold keeps a standardised copy changes no value."""
    monkeypatch.setattr(module, "EAGER_BYTES", eager)
    scaler = fit_scaler(data(), np.array([0]))
    bags = FoldBags(data(), scaler)

    for bag, rows in enumerate([slice(0, 2), slice(2, 5), slice(5, 9), slice(9, 12)]):
        torch.testing.assert_close(bags[bag].x, scaler(data().x[rows]))


def test_a_bag_is_a_view_of_the_packed_array():
    """Without scaling nothing is copied: the bag's memory is the array's."""
    packed = data()

    assert FoldBags(packed, None)[1].x.data_ptr() == packed.x[2].data_ptr()


def test_half_precision_arrives_as_float32():
    """Features stored in half precision are given to methods as float32."""
    assert FoldBags(data(torch.float16), None)[0].x.dtype == torch.float32


def test_prepare_runs_once_a_bag():
    """A method's parameter-free work on a bag is done once, however often the bag is used."""
    seen = []

    def prepare(bag: Bag) -> Bag:
        seen.append(len(bag))
        return Bag(x=bag.x.mean(dim=0, keepdim=True))

    bags = FoldBags(data(), None, prepare)

    assert [len(bags[b]) for b in (0, 1, 0, 1, 0)] == [1] * 5
    assert seen == [2, 3]


def test_images_stay_bytes():
    """Image instances reach a method as they are stored."""
    images = torch.zeros(3, 1, 8, 8, dtype=torch.uint8)
    packed = Resident(images, (0, 1, 3), None, (0, 1), 2)

    assert packed.is_image
    assert packed.in_dim == 64
    assert FoldBags(packed, None)[1].x.dtype == torch.uint8

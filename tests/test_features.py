"""The feature store: what goes in comes out, unchanged, mapped, and checked."""

import pickle
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from milbench import LabelledBag
from milbench.errors import FeatureError
from milbench.features import About, Features, on_device, open_features, write_features

ABOUT = About(dataset="toy", classes=("negative", "positive"))


def toy_bags(dtype: type = np.float32) -> list[LabelledBag]:
    """Return three bags of 2, 1 and 3 instances with 4 features and everything beside them."""
    values = np.arange(24).reshape(6, 4).astype(dtype)
    coords = np.arange(12).reshape(6, 2)
    return [
        LabelledBag(id="007", label=1, x=values[:2], patient="p1", site="A", part="train",
                    coords=coords[:2], instance_labels=np.array([0, 1])),
        LabelledBag(id="8", label=0, x=values[2:3], patient="p1", part="test",
                    coords=coords[2:3]),
        LabelledBag(id="ä", label=0, x=values[3:], coords=coords[3:],
                    instance_labels=np.array([False, False, True])),
    ]  # fmt: skip


def digit_bags(size: int = 100) -> list[LabelledBag]:
    """Return bags of real images of digits, uint8 of shape (N, 1, 8, 8)."""
    digits = load_digits()
    images = digits.images.astype(np.uint8)[:, None]
    starts = range(0, len(images), size)
    return [
        LabelledBag(id=f"{start}", label=i % 2, images=images[start : start + size])
        for i, start in enumerate(starts)
    ]


def flat(tiles: np.ndarray) -> np.ndarray:
    return tiles.reshape(len(tiles), -1).astype(np.float32) / 16


@pytest.fixture
def store(tmp_path: Path) -> Features:
    return write_features(tmp_path / "toy.h5", toy_bags(), encode=None, about=ABOUT)


# What goes in comes out.


def test_bags_come_back_unchanged(store: Features) -> None:
    """Instances, sizes, text and labels are those of the bags."""
    for index, bag in enumerate(toy_bags()):
        assert (store.bag(index) == bag.x).all()
    table = store.table
    assert table.ids == ("007", "8", "ä")
    assert table.labels.tolist() == [1, 0, 0]
    assert table.patients == ("p1", "p1", "ä")  # a bag without a patient is its own
    assert table.sites == ("A", "", "")
    assert table.parts == ("train", "test", "")
    assert table.sizes.tolist() == [2, 1, 3]
    assert table.classes == ("negative", "positive")
    assert (store.dataset, store.encoder, len(store)) == ("toy", "precomputed", 3)


def test_what_lies_beside_the_instances_comes_back(store: Features) -> None:
    """Positions are packed as the instances are; instances without a label get -1."""
    assert store.offsets.tolist() == [0, 2, 3, 6]
    assert store.coords.tolist() == np.arange(12).reshape(6, 2).tolist()
    assert store.instance_labels.tolist() == [0, 1, -1, 0, 0, 1]


def test_absent_positions_and_labels_stay_absent(tmp_path: Path) -> None:
    """Nothing is invented for a data set that knows neither."""
    bags = [replace(bag, coords=None, instance_labels=None) for bag in toy_bags()]
    store = write_features(tmp_path / "toy.h5", bags, encode=None, about=ABOUT)

    assert store.coords is None
    assert store.instance_labels is None


@pytest.mark.parametrize(
    ("given_type", "stored_type"),
    [
        (np.float16, "float16"),
        (np.float32, "float32"),
        (np.float64, "float32"),
        (np.int64, "float32"),
        (np.uint8, "float32"),
    ],
)
def test_half_precision_is_kept_and_other_numbers_become_single(
    tmp_path: Path, given_type: type, stored_type: str
) -> None:
    """The type of the store follows from the type of the bags; the values stay."""
    bags = toy_bags(given_type)
    store = write_features(tmp_path / "toy.h5", bags, encode=None, about=ABOUT)

    assert store.array.dtype == stored_type
    assert store.array.tolist() == np.arange(24).reshape(6, 4).tolist()


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=6),
    dim=st.integers(1, 7),
    seed=st.integers(0, 99),
)
def test_any_bags_come_back(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], dim: int, seed: int
) -> None:
    """Whatever the sizes and the width, every bag is found where it was put."""
    random = np.random.default_rng(seed)
    bags = [
        LabelledBag(id=f"b{i}", label=i % 2, x=random.normal(size=(n, dim)).astype(np.float32))
        for i, n in enumerate(sizes)
    ]
    path = tmp_path_factory.getbasetemp() / "any.h5"
    write_features(path, bags, encode=None, about=ABOUT)
    store = open_features(path)

    assert store.dim == dim
    assert all((store.bag(i) == bag.x).all() for i, bag in enumerate(bags))


# Images.


def test_images_stay_as_they_are(tmp_path: Path) -> None:
    """An encoder that returns uint8 images stores images."""
    bags = digit_bags()
    store = write_features(tmp_path / "d.h5", bags, encode=lambda tiles: tiles, about=ABOUT)

    assert store.is_image
    assert store.array.dtype == np.uint8
    assert store.instance_shape == (1, 8, 8)
    assert store.dim == 64
    assert (store.bag(3) == bags[3].images).all()


def test_images_are_encoded_in_blocks_of_1024(tmp_path: Path) -> None:
    """A bag of 1797 real digits reaches the encoder in two blocks and comes out in order."""
    blocks = []

    def encode(tiles: np.ndarray) -> np.ndarray:
        blocks.append(tiles.shape)
        return flat(tiles)

    whole, *_ = digit_bags(size=1797)
    other = LabelledBag(id="other", label=1, images=whole.images[:1])
    store = write_features(tmp_path / "d.h5", [whole, other], encode=encode, about=ABOUT)

    assert blocks == [(1024, 1, 8, 8), (773, 1, 8, 8), (1, 1, 8, 8)]
    assert not store.is_image
    assert (store.bag(0) == load_digits().data / 16).all()


@pytest.mark.parametrize(
    ("encode", "message"),
    [
        (lambda tiles: flat(tiles)[:-1], r"99 rows for 100 tiles"),
        (lambda tiles: flat(tiles) * np.nan, r"instance 0, column 0 is nan, not finite"),
        (lambda tiles: flat(tiles)[:, :, None], r"features of shape \(100, 64, 1\)"),
        (lambda tiles: flat(tiles)[:, : len(tiles) - 40], r"'1700': .* \(57,\), but \(60,\)"),
    ],
)
def test_an_encoder_that_does_not_fit_is_named(
    tmp_path: Path, encode: object, message: str
) -> None:
    """The message says which encoder, which bag, and what it gave."""
    about = replace(ABOUT, encoder="odd")
    with pytest.raises(FeatureError, match=rf"encoder 'odd', bag .*{message}"):
        write_features(tmp_path / "d.h5", digit_bags(), encode=encode, about=about)
    assert list(tmp_path.iterdir()) == []


def test_features_cannot_be_encoded_again(tmp_path: Path) -> None:
    """A data set that gives features goes with the encoder 'precomputed' only."""
    about = replace(ABOUT, encoder="flat")
    with pytest.raises(FeatureError, match=r"toy, bag '007': gives features.*use the encoder"):
        write_features(tmp_path / "toy.h5", toy_bags(), encode=flat, about=about)


def test_images_need_an_encoder(tmp_path: Path) -> None:
    """A data set that gives images does not go with 'precomputed'."""
    with pytest.raises(FeatureError, match=r"bag '0': gives images.*milbench list encoders"):
        write_features(tmp_path / "d.h5", digit_bags(), encode=None, about=ABOUT)


# The file.


def test_the_file_is_plain_hdf5(store: Features) -> None:
    """h5py alone reads it: one contiguous array without compression, and text as UTF-8."""
    with h5py.File(store.path) as file:
        features = file["features"]
        assert features.chunks is None
        assert features.compression is None
        assert features[()].tolist() == np.arange(24).reshape(6, 4).tolist()
        assert file["ids"].asstr()[()].tolist() == ["007", "8", "ä"]
        assert file.attrs["schema"] == 1


def test_the_array_is_a_read_only_memory_map(store: Features) -> None:
    """Nothing is loaded, and nobody changes what others read."""
    assert isinstance(store.array, np.memmap)
    assert not store.array.flags.writeable
    assert not store.bag(0).flags.writeable
    assert store.array.offset % 64 == 0


def test_memory_never_holds_all_the_features(tmp_path: Path) -> None:
    """Writing 64 bags of 1 MiB takes the memory of a few of them."""

    def stream() -> Iterator[LabelledBag]:
        for index in range(64):
            yield LabelledBag(id=f"{index}", label=index % 2, x=np.ones((1024, 256), np.float32))

    tracemalloc.start()
    write_features(tmp_path / "big.h5", stream(), encode=None, about=ABOUT)
    open_features(tmp_path / "big.h5")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 8 * 2**20


def test_features_travel_between_processes_as_a_path(store: Features) -> None:
    """A pickle holds no array, and reopens the same content."""
    sent = pickle.dumps(store)

    assert len(sent) < 1000
    assert (pickle.loads(sent).array == store.array).all()  # noqa: S301  # our own bytes


def test_features_replaced_on_the_way_are_noticed(store: Features) -> None:
    """A worker never continues on other features than the run began with."""
    sent = pickle.dumps(store)
    write_features(store.path, toy_bags()[::-1], encode=None, about=ABOUT)

    with pytest.raises(FeatureError, match="replaced by other features"):
        pickle.loads(sent)  # noqa: S301  # our own bytes


# The content hash.

FIRST, SECOND, THIRD = toy_bags()
CHANGES = {
    "a value": (0, replace(FIRST, x=FIRST.x + np.float32([[0, 0, 0, 1], [0, 0, 0, 0]]))),
    "an id": (0, replace(FIRST, id="7")),
    "a label": (1, replace(SECOND, label=1)),
    "a patient": (1, replace(SECOND, patient="p2")),
    "a site": (0, replace(FIRST, site="B")),
    "a part": (0, replace(FIRST, part="val")),
    "a position": (0, replace(FIRST, coords=FIRST.coords + 1)),
    "an instance label": (0, replace(FIRST, instance_labels=np.array([1, 1]))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_hash_changes_with_the_content(store: Features, tmp_path: Path, change: str) -> None:
    """Anything that a result can depend on changes the hash."""
    position, changed = CHANGES[change]
    bags = toy_bags()
    bags[position] = changed
    other = write_features(tmp_path / "other.h5", bags, encode=None, about=ABOUT)

    assert other.content_hash != store.content_hash


def test_the_hash_changes_with_order_type_sizes_and_classes(
    store: Features, tmp_path: Path
) -> None:
    """The same numbers in another arrangement are other content."""
    merged = replace(
        FIRST,
        x=np.vstack([FIRST.x, SECOND.x]),
        coords=np.vstack([FIRST.coords, SECOND.coords]),
        instance_labels=np.array([0, 1, -1]),
    )
    renamed = replace(ABOUT, classes=("positive", "negative"))
    path = tmp_path / "other.h5"
    hashes = {
        store.content_hash,
        write_features(path, toy_bags()[::-1], encode=None, about=ABOUT).content_hash,
        write_features(path, toy_bags(np.float16), encode=None, about=ABOUT).content_hash,
        write_features(path, [merged, THIRD], encode=None, about=ABOUT).content_hash,
        write_features(path, toy_bags(), encode=None, about=renamed).content_hash,
    }

    assert len(hashes) == 5


def test_the_hash_is_that_of_the_content_alone(store: Features, tmp_path: Path) -> None:
    """Path, versions and sources do not matter: the same bags give the same hash."""
    about = replace(ABOUT, dataset_version="2", fingerprint="other")
    again = write_features(tmp_path / "elsewhere.h5", toy_bags(), encode=None, about=about)

    assert again.content_hash == store.content_hash


# On a device.


def test_a_cpu_tensor_shares_the_map_and_never_reaches_the_file(store: Features) -> None:
    """The tensor has the stored type and values; writing to it changes only itself."""
    before = store.path.read_bytes()
    tensor = on_device(store, "cpu")
    assert tensor.dtype == torch.float32
    assert tensor.tolist() == store.array.tolist()

    tensor[0, 0] = 99
    assert store.array[0, 0] == 0
    assert store.path.read_bytes() == before


def test_a_tensor_takes_the_asked_type(tmp_path: Path) -> None:
    """Half-precision features can be trained on in single precision."""
    store = write_features(tmp_path / "h.h5", toy_bags(np.float16), encode=None, about=ABOUT)

    assert on_device(store, "cpu").dtype == torch.float16
    assert on_device(store, "cpu", torch.float32).tolist() == store.array.tolist()

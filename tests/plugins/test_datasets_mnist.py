"""mnist-bags: the IDX files are read as specified, and no image is in two bags."""

import gzip
import struct
from collections import Counter

import numpy as np
import pytest

from milbench.errors import DatasetError, MissingDataError
from milbench.registry import load_registry
from milbench_datasets.layouts.idx import read_idx


def bags(name: str, data):
    """Return all bags of a data set."""
    return list(load_registry().find("dataset", f"milbench/{name}").record.load()(data))


def idx(array: np.ndarray) -> bytes:
    """Write an array of bytes as the IDX specification says."""
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def write_pair(folder, prefix: str, count: int, *, packed: bool) -> None:
    """Write ``count`` images that are all different: the number in four bytes, digit count % 10."""
    images = np.zeros((count, 28, 28), dtype=np.uint8)
    images.reshape(count, -1)[:, :4] = (
        np.arange(count, dtype=">u4").view(np.uint8).reshape(count, 4)
    )
    images[:, 27, 27] = 200 if prefix == "train" else 100
    folder.mkdir(parents=True, exist_ok=True)
    for kind, content in (
        ("images-idx3", idx(images)),
        ("labels-idx1", idx(np.arange(count) % 10)),
    ):
        name = f"{prefix}-{kind}-ubyte{'.gz' if packed else ''}"
        (folder / name).write_bytes(gzip.compress(content) if packed else content)


@pytest.fixture(params=[("mnist", True), ("MNIST/raw", False)])
def made(request, tmp_path):
    """Write the four files, in either folder, plain or gzipped."""
    folder, packed = request.param
    write_pair(tmp_path / folder, "train", 3000, packed=packed)
    write_pair(tmp_path / folder, "t10k", 900, packed=packed)
    return tmp_path


def test_read_idx_by_hand(tmp_path) -> None:
    """Two rows of three bytes, written byte by byte after the specification."""
    path = tmp_path / "a-ubyte"
    path.write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255]))

    np.testing.assert_array_equal(read_idx(path, axes=2), [[1, 2, 3], [4, 5, 255]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found the header \\(empty\\)"),
        (bytes([0, 0, 9, 1, 0, 0, 0, 1, 7]), "found the header 00 00 09 01"),
        (bytes([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7]), "found the header 00 00 08 02"),
        (bytes([0, 0, 8, 1, 0, 0]), "found the header 00 00 08 01"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 7]), "announces 3 values, found 2"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 1, 7, 7]), "announces 1 values, found 2"),
    ],
)
def test_impossible_idx_file(tmp_path, content, message) -> None:
    """Another header, or a length that does not fit it, is refused with the file's name."""
    path = tmp_path / "labels"
    path.write_bytes(content)

    with pytest.raises(DatasetError, match=rf"labels: .*{message}"):
        read_idx(path, axes=1)


def test_truncated_gzip(tmp_path) -> None:
    """A gzip file that is cut short is refused with its name."""
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(idx(np.arange(100)))[:-9])

    with pytest.raises(DatasetError, match=r"labels\.gz: expected a whole gzip file"):
        read_idx(path, axes=1)


def test_parts_come_from_their_files(made) -> None:
    """200 bags show training images, 50 bags test images; each bag is its own patient."""
    found = bags("mnist-bags", made)

    assert Counter(bag.part for bag in found) == {"train": 200, "test": 50}
    for bag in found:
        assert set(bag.images[:, 0, 27, 27]) == {200 if bag.part == "train" else 100}
    assert len({bag.patient for bag in found}) == len({bag.id for bag in found}) == 250


def test_no_image_in_two_bags(made) -> None:
    """An image is in at most one bag of its part."""
    shown = Counter(
        (bag.part, image.tobytes()) for bag in bags("mnist-bags", made) for image in bag.images
    )
    assert set(shown.values()) == {1}


def test_labels_follow_the_digits(made) -> None:
    """The image numbered n shows n % 10: instance labels and bag labels follow."""
    for bag in bags("mnist-bags", made):
        head = np.ascontiguousarray(bag.images.reshape(len(bag.images), -1)[:, :4])
        numbers = head.view(">u4")[:, 0]
        np.testing.assert_array_equal(bag.instance_labels, numbers % 10 == 9)
        assert bag.label == int((numbers % 10 == 9).any())


def test_two_calls_are_equal(made) -> None:
    """The generator is fixed."""
    for first, second in zip(bags("mnist-bags", made), bags("mnist-bags", made), strict=True):
        assert (first.id, first.label) == (second.id, second.label)
        np.testing.assert_array_equal(first.images, second.images)


def test_halves_of_the_test_files(tmp_path) -> None:
    """With the test files alone, training bags show the first half, test bags the second."""
    write_pair(tmp_path / "mnist_t10k", "t10k", 6000, packed=True)

    for bag in bags("mnist-t10k-bags", tmp_path):
        head = np.ascontiguousarray(bag.images.reshape(len(bag.images), -1)[:, :4])
        is_first_half = head.view(">u4")[:, 0] < 3000
        assert is_first_half.all() if bag.part == "train" else not is_first_half.any()


def test_missing_files_are_named(tmp_path) -> None:
    """With the test files only, mnist-bags names the two others, the folders and the next step."""
    write_pair(tmp_path / "mnist", "t10k", 10, packed=True)

    with pytest.raises(MissingDataError) as caught:
        bags("mnist-bags", tmp_path)
    message = str(caught.value)
    assert "train-images-idx3-ubyte, train-labels-idx1-ubyte (plain or .gz)" in message
    assert "t10k-images" not in message
    assert str(tmp_path / "MNIST/raw") in message
    assert "licence: CC BY-SA 3.0" in message
    assert f"milbench fetch mnist-bags --data {tmp_path}" in message


def test_too_few_images(tmp_path) -> None:
    """A file with fewer images than the bags need is refused."""
    write_pair(tmp_path / "mnist", "t10k", 100, packed=False)

    with pytest.raises(DatasetError, match="mnist train: found 50 images"):
        bags("mnist-t10k-bags", tmp_path)


def test_labels_and_images_must_match(tmp_path) -> None:
    """Files of different length are refused, both named."""
    write_pair(tmp_path / "mnist", "t10k", 20, packed=False)
    (tmp_path / "mnist/t10k-labels-idx1-ubyte").write_bytes(idx(np.arange(9)))

    with pytest.raises(DatasetError, match="found 9 labels, expected 20"):
        bags("mnist-t10k-bags", tmp_path)


def test_label_that_is_no_digit(tmp_path) -> None:
    """A label above 9 is refused with its place."""
    write_pair(tmp_path / "mnist", "t10k", 12, packed=False)
    (tmp_path / "mnist/t10k-labels-idx1-ubyte").write_bytes(idx(np.arange(12)))

    with pytest.raises(DatasetError, match="label 11 is 10, expected 0 to 9"):
        bags("mnist-t10k-bags", tmp_path)


@pytest.mark.data
def test_real_test_files(data_dir) -> None:
    """The official files give 250 bags; about 65 % hold a nine (1 - 0.9 ** 10, within 4 SE)."""
    found = bags("mnist-t10k-bags", data_dir)

    share = np.mean([bag.label for bag in found])
    assert found[0].images.shape[1:] == (1, 28, 28)
    assert abs(share - 0.65) < 4 * np.sqrt(0.65 * 0.35 / 250)

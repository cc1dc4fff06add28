"""The rows of features are written once: the file they go to becomes the feature store."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from milbench import LabelledBag
from milbench.features import About, Build, Features, open_features, write_features
from milbench.features.follow import Follower

ABOUT = About(dataset="toy", classes=("negative", "positive"))
ROWS = {"a": 3, "b": 700, "c": 1}  # of 256 values: one bag is longer than what is hashed at once


def bags(order: str = "abc") -> list[LabelledBag]:
    """Return bags of images (N, 1, 16, 16) uint8 with positions, in the order of their names."""
    rng = np.random.default_rng(0)
    made = {
        name: LabelledBag(
            id=name,
            label=int(name == "b"),
            images=rng.integers(0, 256, (rows, 1, 16, 16), dtype=np.uint8),
            coords=rng.integers(0, 9, (rows, 2)),
        )
        for name, rows in ROWS.items()
    }
    return [made[name] for name in order]


def flat(tiles: np.ndarray) -> np.ndarray:
    return tiles.reshape(len(tiles), -1).astype(np.float32)


def written(path: Path, given: Iterator[LabelledBag], journal: Path | None = None) -> Features:
    return write_features(path, given, encode=flat, about=ABOUT, build=Build(journal=journal))


def stopped(given: list[LabelledBag]) -> Iterator[LabelledBag]:
    """Give bags, and then what Ctrl-C raises."""
    yield from given
    raise KeyboardInterrupt


@pytest.mark.parametrize("is_kept", [False, True])
def test_the_rows_are_not_copied(tmp_path: Path, is_kept: bool) -> None:
    """The store is the very file that the first bag was written to."""
    journal = tmp_path / "journal" if is_kept else None
    seen = set()

    def coming() -> Iterator[LabelledBag]:
        for bag in bags():
            yield bag
            (rows,) = [tmp_path / "journal" / "rows"] if is_kept else tmp_path.glob(".*.tmp")
            seen.add(rows.stat().st_ino)

    features = written(tmp_path / "store.h5", coming(), journal)

    assert seen == {features.path.stat().st_ino}
    assert {path.name for path in tmp_path.iterdir()} == {"store.h5"}


def test_hdf5_reads_what_lies_around_the_rows(tmp_path: Path) -> None:
    """The library that did not write the values finds them, and everything behind them."""
    path = written(tmp_path / "store.h5", iter(bags())).path

    with h5py.File(path) as file:
        expected = np.concatenate([flat(np.asarray(bag.images)) for bag in bags()])
        np.testing.assert_array_equal(file["features"][()], expected)
        assert file["features"].id.get_offset() % 64 == 0
        assert file["coords"].shape == (704, 2)
        assert file["ids"].asstr()[()].tolist() == ["a", "b", "c"]
    assert open_features(path, verify=True).table.sizes.tolist() == [3, 700, 1]


def test_an_interrupted_building_becomes_the_store_too(tmp_path: Path) -> None:
    """What a journal kept is the beginning of the file, and its hash that of one building."""
    journal = tmp_path / "journal"
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path / "a.h5", stopped(bags("ab")), journal)
    inode = (journal / "rows").stat().st_ino

    features = written(tmp_path / "a.h5", iter(bags()), journal)

    assert features.path.stat().st_ino == inode
    assert features.content_hash == written(tmp_path / "b.h5", iter(bags())).content_hash
    assert open_features(features.path, verify=True)


def test_bags_in_another_order_than_the_journal_are_put_in_theirs(tmp_path: Path) -> None:
    """A slide that could not be read at first comes behind others in the journal only."""
    journal = tmp_path / "journal"
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path / "a.h5", stopped(bags("ac")), journal)

    features = written(tmp_path / "a.h5", iter(bags()), journal)

    assert features.content_hash == written(tmp_path / "b.h5", iter(bags())).content_hash
    assert open_features(features.path, verify=True).table.ids == ("a", "b", "c")
    assert {path.name for path in tmp_path.iterdir()} == {"a.h5", "b.h5"}


def test_a_bag_of_the_journal_that_is_gone_is_not_stored(tmp_path: Path) -> None:
    """Its rows are in the file of the journal, and not in the store."""
    journal = tmp_path / "journal"
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path / "a.h5", stopped(bags("abc")), journal)

    features = written(tmp_path / "a.h5", iter(bags("ab")), journal)

    assert features.content_hash == written(tmp_path / "b.h5", iter(bags("ab"))).content_hash
    assert open_features(features.path, verify=True).array.shape == (703, 256)


def test_nothing_is_left_of_a_building_that_failed(tmp_path: Path) -> None:
    """Without a journal, neither rows nor a store stay."""
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path / "a.h5", stopped(bags("ab")))

    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_behind_the_writer_is_told(tmp_path: Path) -> None:
    """What the thread meets is raised where the hash is asked for: here, a file that is closed."""
    path = tmp_path / "rows"
    path.write_bytes(b"abc")
    with Follower(path) as follower:
        follower._file.close()
        follower.add(0, 3)
        with pytest.raises(ValueError, match="closed file"):
            follower.hexdigest()

"""A feature store that is damaged is never used; one that is half written never appears."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from milbench import LabelledBag
from milbench.errors import FeatureError
from milbench.features import About, open_features, write_features

ABOUT = About(dataset="toy", classes=("negative", "positive"))

# Writes the same store over and over; run as a process of its own.
WRITER = """
import sys
from pathlib import Path
import numpy as np
from milbench import LabelledBag
from milbench.features import About, write_features

def bags():
    for index in range(40):
        yield LabelledBag(id=str(index), label=index % 2, x=np.full((50, 64), index, np.float32))

for _ in range(int(sys.argv[2])):
    write_features(
        Path(sys.argv[1]), bags(), encode=None, about=About(dataset="toy", classes=("n", "p"))
    )
    print("written", flush=True)
"""


def toy_bags() -> Iterator[LabelledBag]:
    for index in range(4):
        x = np.full((index + 1, 8), index, np.float32)
        yield LabelledBag(id=f"{index}", label=index % 2, x=x, coords=np.zeros((index + 1, 2)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_features(tmp_path / "toy.h5", toy_bags(), encode=None, about=ABOUT).path


def test_a_truncated_file_is_refused(path: Path) -> None:
    """Cut anywhere, the message names the file and says what to do."""
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(FeatureError, match=r"toy\.h5: truncated.*delete the file and run"):
            open_features(path)


def test_a_changed_value_is_noticed(path: Path) -> None:
    """One bit flipped in any row of the features fails the hash."""
    store = open_features(path)
    whole = path.read_bytes()
    for row in range(len(store.array)):
        damaged = bytearray(whole)
        damaged[store.array.offset + row * 32 + 5] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(FeatureError, match="does not match the hash"):
            open_features(path)


def set_array(name: str, value: object) -> Callable[[h5py.File], None]:
    def damage(file: h5py.File) -> None:
        if name in file:
            del file[name]
        file[name] = value

    return damage


def delete(name: str) -> Callable[[h5py.File], None]:
    return lambda file: file.__delitem__(name)


def chunk_features(file: h5py.File) -> None:
    values = file["features"][()]
    del file["features"]
    file.create_dataset("features", data=values, chunks=(2, 8))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.attrs.modify("schema", 99), "schema 99, expected 1"),
        (lambda file: file.attrs.__delitem__("content_hash"), "schema without content_hash"),
        (delete("features"), "truncated, or not a feature store"),
        (delete("ids"), "truncated, or not a feature store"),
        (delete("coords"), "does not match the hash"),
        (chunk_features, "features are not one contiguous array"),
        (set_array("features", np.zeros((10, 8))), "type float64"),
        (set_array("offsets", [0, 1, 3, 6, 11]), "do not divide 10 instances"),
        (set_array("offsets", [0, 3, 1, 6, 10]), "do not divide 10 instances"),
        (set_array("offsets", [1, 2, 3, 6, 10]), "do not divide 10 instances"),
        (set_array("offsets", [0, 1, 3, 10]), r"columns of lengths \[4, 4, 4, 4, 4\] for 3 bags"),
        (set_array("labels", [0, 1, 0, 2]), r"labels outside 0\.\.1"),
        (set_array("labels", [1, 0, 1, 0]), "does not match the hash"),
        (set_array("coords", np.zeros((9, 2))), r"coords of shape \(9, 2\) for 10 instances"),
        (set_array("instance_labels", np.zeros(9)), r"instance_labels of shape \(9,\)"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(
    path: Path, damage: Callable[[h5py.File], None], message: str
) -> None:
    """Schema, arrays, lengths and order are checked before anything is used."""
    with h5py.File(path, "r+") as file:
        damage(file)

    with pytest.raises(FeatureError, match=message):
        open_features(path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """Text, an empty file and a folder are no feature stores."""
    (tmp_path / "text.h5").write_text("id,label\n")
    (tmp_path / "empty.h5").touch()
    (tmp_path / "folder.h5").mkdir()
    for name in ("text.h5", "empty.h5", "folder.h5"):
        with pytest.raises(FeatureError, match=name):
            open_features(tmp_path / name)
    with pytest.raises(FeatureError, match=r"absent\.h5: no such feature store"):
        open_features(tmp_path / "absent.h5")


def test_a_failing_reader_leaves_what_was_there(path: Path) -> None:
    """An error in the middle of the bags keeps the old file and leaves no other."""
    before = path.read_bytes()

    def failing() -> Iterator[LabelledBag]:
        yield from toy_bags()
        raise KeyError("the reader failed")

    with pytest.raises(KeyError, match="the reader failed"):
        write_features(path, failing(), encode=None, about=ABOUT)

    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_failing_write_leaves_what_was_there(path: Path) -> None:
    """HDF5 stores no text with a zero byte: the error comes last, and leaves no half file."""
    before = path.read_bytes()

    with pytest.raises(ValueError, match="NULL"):
        write_features(path, toy_bags(), encode=None, about=replace(ABOUT, fingerprint="a\0b"))

    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_named(path: Path) -> None:
    """The message names the file and the way out."""
    with pytest.raises(FeatureError, match=r"x\.h5: cannot be written: .*MILBENCH_CACHE"):
        write_features(path / "x.h5", toy_bags(), encode=None, about=ABOUT)


def writer(path: Path, times: int) -> subprocess.Popen:
    command = [sys.executable, "-c", WRITER, str(path), str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    """While two processes replace the file 20 times each, every reading finds a whole one."""
    path = tmp_path / "toy.h5"
    writers = [writer(path, 20), writer(path, 20)]
    readings = 0
    while any(process.poll() is None for process in writers):
        if path.exists():
            assert open_features(path).table.ids[-1] == "39"
            readings += 1
    for process in writers:
        process.communicate()
        assert process.returncode == 0
    assert readings > 0
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    """Killed at whatever moment after the first file, the file under the name is whole."""
    for wait in (0.0, 0.003, 0.006):
        path = tmp_path / f"{wait}.h5"
        process = writer(path, 1000)
        assert process.stdout.readline() == b"written\n"
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert len(open_features(path)) == 40

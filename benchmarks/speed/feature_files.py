"""Time reading one bag from the packed store against the chunked HDF5 of other tools.

A bag of 10,000 x 1024 float32, 41 MB, in four files: the packed store of milbench; HDF5 in chunks
of one row, as TRIDENT writes it; HDF5 in chunks of 32 rows, as CLAM's files have them; and a plain
contiguous array (.npy) as the limit. The store holds a bag before and behind it. Each round reads
all four one after the other, in an order that turns, so that the machine's load meets all; a ratio
is of times within a round. Files are in the page cache, as they are from the second epoch on, so
processor time is what reading takes, and it is told beside the time on the wall.

The store is one file for all slides, opened once a run; the others are a file a slide, opened for
each bag, as the loaders of those tools do. What opening the store takes is a line of its own.

Three questions: a copy of the whole bag in new memory; every value of it used once, which takes a
copy where chunks have to be joined and none where the array lies in one piece; 512 random rows.

    python benchmarks/speed/feature_files.py [--rounds 15]

Goal: the whole bag 5 times faster than one-row chunks and 2 times faster than 32-row chunks.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import h5py
import numpy as np

from milbench import LabelledBag
from milbench.features import About, open_features, write_features

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, WIDTH, DRAWN = 10_000, 1024, 512
OURS, PLAIN = "packed store", "plain .npy"


def main() -> None:
    """Print the median of each reader, and its ratio to the store's."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    x = np.random.default_rng(0).normal(size=(ROWS, WIDTH)).astype(np.float32)
    drawn = np.sort(np.random.default_rng(1).choice(ROWS, DRAWN, replace=False))
    with tempfile.TemporaryDirectory() as folder:
        readers = written(Path(folder), x)
        for read in readers.values():
            np.testing.assert_array_equal(read(slice(None)), x)
        used = {name: partial(summed, read) for name, read in readers.items()}
        store = open_features(Path(folder) / "packed.h5", verify=False)
        used[OURS] = lambda rows: store.bag(1)[rows].sum()
        used[PLAIN] = lambda rows: np.load(Path(folder) / "plain.npy", mmap_mode="r")[rows].sum()
        report("a copy of the whole bag", readers, slice(None), rounds)
        report("every value used once", used, slice(None), rounds)
        report(f"{DRAWN} random rows", readers, drawn, rounds)


def summed(read: Callable[..., np.ndarray], rows: slice) -> np.ndarray:
    """Return the sum of what is read."""
    return np.asarray(read(rows).sum())


def written(folder: Path, x: np.ndarray) -> dict[str, Callable[..., np.ndarray]]:
    """Write ``x`` in every layout, and return what reads rows of it into new memory."""
    beside = np.ones((100, WIDTH), np.float32)
    bags = [
        LabelledBag(id=name, label=number % 2, x=rows)
        for number, (name, rows) in enumerate([("a", beside), ("b", x), ("c", beside)])
    ]
    about = About(dataset="speed", classes=("no", "yes"))
    path = write_features(folder / "packed.h5", bags, encode=None, about=about).path
    np.save(folder / "plain.npy", x)
    for chunk in (1, 32):
        with h5py.File(folder / f"chunks-{chunk}.h5", "w") as file:
            file.create_dataset("features", data=x, chunks=(chunk, WIDTH))
    store = open_features(path, verify=False)
    return {
        OURS: lambda rows: np.array(store.bag(1)[rows]),
        "opened each time": lambda rows: np.array(open_features(path, verify=False).bag(1)[rows]),
        PLAIN: lambda rows: np.array(np.load(folder / "plain.npy", mmap_mode="r")[rows]),
        "HDF5, 32-row chunks": lambda rows: from_hdf5(folder / "chunks-32.h5", rows),
        "HDF5, 1-row chunks": lambda rows: from_hdf5(folder / "chunks-1.h5", rows),
    }


def from_hdf5(path: Path, rows: slice | np.ndarray) -> np.ndarray:
    """Read rows as the other tools do: open, select, close."""
    with h5py.File(path, "r") as file:
        return np.asarray(file["features"][rows])


def report(what: str, readers: dict[str, Callable[..., np.ndarray]], rows: object, n: int) -> None:
    """Time every reader in every round and print one line for each."""
    names = list(readers)
    walls: dict[str, list[float]] = {name: [] for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(n):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            wall, used = time.perf_counter(), time.process_time()
            readers[name](rows)
            times[name].append(time.process_time() - used)
            walls[name].append(time.perf_counter() - wall)
    print(f"{what}: wall and processor time, median of {n} rounds; ratio of the latter to ours")
    for name in names:
        ratio = median(theirs / own for theirs, own in zip(times[name], times[OURS], strict=True))
        wall, used = 1000 * median(walls[name]), 1000 * median(times[name])
        print(f"  {name:20} {wall:8.2f} ms  {used:8.2f} ms  {ratio:6.2f} x")


if __name__ == "__main__":
    main()

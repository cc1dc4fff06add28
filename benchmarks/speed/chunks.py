"""How long a bag takes to read: from TRIDENT's chunks, from CLAM's, and as milbench packs it.

Run as ``python benchmarks/speed/chunks.py``. One bag of 10,000 instances of 1024 float32 is written
in chunks of one row, as TRIDENT does, in chunks of 32 rows, as CLAM does, and as an import
and the feature store have it. Each is read whole, and 512 random rows of it, in turn; the median of
the rounds is printed. The files are in the memory of the system: layouts are compared, not disks.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np

from milbench import LabelledBag
from milbench.features import About, open_features, write_features
from milbench.interchange.feature_files import read_features

if TYPE_CHECKING:
    from collections.abc import Callable

    Rows = np.ndarray | slice
    Read = Callable[[Rows], np.ndarray]

INSTANCES, DIM, PICKED, ROUNDS = 10_000, 1024, 512, 15


def chunked(path: Path, x: np.ndarray, rows: int) -> Read:
    """Write ``x`` in chunks of ``rows`` and return what reads rows of it."""
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=x, chunks=(rows, DIM), maxshape=(None, DIM))

    def read(wanted: Rows) -> np.ndarray:
        with h5py.File(path, "r") as file:
            return np.asarray(file["features"][wanted])

    return read


def packed(path: Path, x: np.ndarray) -> Read:
    """Write ``x`` as ``milbench import`` does and return what reads rows of it."""
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=x)
    return lambda wanted: np.array(read_features(path).x[wanted])


def stored(path: Path, x: np.ndarray) -> Read:
    """Write ``x`` to a feature store and return what reads rows of it, mapped once."""
    bags = [LabelledBag(id=str(n), label=n, x=part) for n, part in enumerate((x, x[:1]))]
    write_features(path, bags, encode=None, about=About(dataset="chunks", classes=("no", "yes")))
    features = open_features(path, verify=False)
    return lambda wanted: np.array(features.bag(0)[wanted])


def main() -> None:
    """Print milliseconds a bag, and how many times faster than the first."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(INSTANCES, DIM)).astype(np.float32)
    picked = np.sort(rng.choice(INSTANCES, PICKED, replace=False))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        readers = {
            "1-row chunks (TRIDENT)": chunked(folder / "a.h5", x, 1),
            "32-row chunks (CLAM)": chunked(folder / "b.h5", x, 32),
            "imported file": packed(folder / "c.h5", x),
            "feature store": stored(folder / "d.h5", x),
        }
        for what, wanted in (("whole bag", slice(None)), (f"{PICKED} random rows", picked)):
            report(what, readers, wanted, x[wanted])


def report(what: str, readers: dict[str, Read], wanted: Rows, expected: np.ndarray) -> None:
    """Time each reader in turn, check what it reads, and print the medians."""
    spent: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(ROUNDS):
        for name, read in readers.items():
            started = time.perf_counter()
            found = read(wanted)
            spent[name].append(1000 * (time.perf_counter() - started))
            if not np.array_equal(found, expected):
                raise SystemExit(f"{name}: read something else than was written")
    first = statistics.median(next(iter(spent.values())))
    print(f"{what}, milliseconds:")
    for name, times in spent.items():
        middle = statistics.median(times)
        print(f"  {name:24}{middle:8.2f}  {first / middle:5.1f} x  (least {min(times):.2f})")


if __name__ == "__main__":
    main()

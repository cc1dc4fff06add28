"""Time the packing of a folder of features against a plain copy of it, and look at the memory.

    python benchmarks/speed/own_data.py [--megabytes 445] [--kind pt]

A folder of slides of 1024 features (float32) is written, read into a packed store by a process of
its own, and copied file by file into one file by another; both end when all is on the disk. Each
does so cold, after the system was made to forget the files, and warm, from its memory. Runs
alternate, so that a busy machine is the same for both. What a process read from the disk is told
as the system counted it, so that cold is seen to be cold. The peak memory of the packing is printed
for the folder and for one of half the size: streamed, it does not grow.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

DIM = 1024
INSTANCES = 2000  # of a slide: 8 MB
ROUNDS = 3


def main() -> None:
    """Write the folders, time both ways in turns, and print the table."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--megabytes", type=int, default=445)
    arguments.add_argument("--kind", choices=["pt", "npy", "h5"], default="pt")
    arguments.add_argument("--job", choices=["pack", "copy"], help=argparse.SUPPRESS)
    arguments.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.job:
        print(*tuple((pack if asked.job == "pack" else copy)(asked.folder)))
        return
    with tempfile.TemporaryDirectory() as place:
        whole = write(Path(place, "whole"), asked.kind, asked.megabytes)
        half = write(Path(place, "half"), asked.kind, asked.megabytes // 2)
        print(f"{asked.megabytes} MB of .{asked.kind}, slides of {INSTANCES} x {DIM} float32")
        for number in range(1, ROUNDS + 1):
            for state in ("cold", "warm"):
                print(f"round {number}, {state}: {compared(whole, state)}")
        print(f"peak for half the folder: {run('pack', half).peak:.0f} MB")


class Measured(NamedTuple):
    """Seconds, seconds of CPU, megabytes read from the disk, and peak megabytes of memory."""

    wall: float
    cpu: float
    read: float
    peak: float

    def __str__(self) -> str:
        """Return the times, and what came from the disk."""
        return f"{self.wall:.2f} s, {self.cpu:.2f} s CPU, {self.read:.0f} MB read"


def compared(folder: Path, state: str) -> str:
    """Return what a packing and a copy took, from the disk or from the system's memory."""
    found = {}
    for job in ("pack", "copy"):
        for path in (folder / "features").iterdir() if state == "cold" else ():
            forget(path)
        found[job] = run(job, folder)
    packed, copied = found["pack"], found["copy"]
    return (
        f"packed in {packed}; copied in {copied}; ratio {packed.wall / copied.wall:.2f}, CPU of "
        f"the packing {packed.cpu / copied.wall:.2f} of the copy; peak {packed.peak:.0f} MB"
    )


def forget(path: Path) -> None:
    """Make the system drop what it keeps of a file; Linux does so for pages that are written."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def write(folder: Path, kind: str, megabytes: int) -> Path:
    """Write a table and a folder of features of about so many megabytes."""
    (folder / "features").mkdir(parents=True)
    rng = np.random.default_rng(0)
    slides = max(4, megabytes * 2**20 // (INSTANCES * DIM * 4))
    rows = [["slide_id", "patient_id", "label"]]
    for slide in range(slides):
        x = rng.normal(size=(INSTANCES, DIM)).astype(np.float32)
        save(folder / "features" / f"{slide:04d}.{kind}", x)
        rows.append([f"{slide:04d}", f"p{slide}", str(slide % 2)])
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return folder


def save(path: Path, x: np.ndarray) -> None:
    """Write one slide as its ending says; HDF5 in chunks of 32 rows, as CLAM writes it."""
    if path.suffix == ".pt":
        import torch  # noqa: PLC0415  # seconds that the other kinds do without

        torch.save(torch.from_numpy(x), path)
    elif path.suffix == ".npy":
        np.save(path, x)
    else:
        with h5py.File(path, "w") as file:
            file.create_dataset("features", data=x, chunks=(32, DIM))


def run(job: str, folder: Path) -> Measured:
    """Run one job in a process of its own."""
    command = [sys.executable, __file__, "--job", job, "--folder", str(folder)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return Measured(*(float(part) for part in found.stdout.split()))


def pack(folder: Path) -> Measured:
    """Pack the folder as ``milbench run --bags`` does; imports are not counted."""
    import torch  # noqa: F401, PLC0415  # its import is no part of the packing

    from milbench.features import About, write_features  # noqa: PLC0415
    from milbench.own_data import OwnData  # noqa: PLC0415
    from milbench.tables.bags import OwnBags  # noqa: PLC0415
    from milbench.tables.resolve import resolved  # noqa: PLC0415

    given = OwnData(name="own", bags="labels.csv", features="features")
    path = folder / "cache" / "packed.h5"
    start = now()
    own = resolved(given, folder)
    view = OwnBags(own, folder, folder / "cache").view("")
    about = About(dataset="own", classes=own.classes or ())
    write_features(path, view(folder), encode=None, about=about)
    took = since(start)
    path.unlink()
    return took


def copy(folder: Path) -> Measured:
    """Copy the files one after the other into one, through one mebibyte of memory."""
    start = now()
    target, block = folder / "copy.bin", memoryview(bytearray(2**20))
    with target.open("wb", buffering=0) as out:
        for path in sorted((folder / "features").iterdir()):
            with path.open("rb", buffering=0) as file:
                while count := file.readinto(block):
                    out.write(block[:count])
        os.fsync(out.fileno())
    took = since(start)
    target.unlink()
    return took


def now() -> Measured:
    """Return the clocks and counters of this process; peak memory includes mapped files."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    read = used.ru_inblock * 512 / 2**20
    return Measured(time.perf_counter(), time.process_time(), read, used.ru_maxrss / 1024)


def since(start: Measured) -> Measured:
    """Return what was spent since ``start``, and the peak memory."""
    end = now()
    return Measured(end.wall - start.wall, end.cpu - start.cpu, end.read - start.read, end.peak)


if __name__ == "__main__":
    main()

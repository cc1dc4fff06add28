"""Time the packing of a folder of features against a plain copy of it, and look at the memory.

    python benchmarks/speed/own_data.py [--megabytes 445] [--kind pt]

A folder of slides of 1024 features (float32) is written, read into a packed store by a process of
its own, and copied file by file into one file by another; both end when all is on the disk. Runs
alternate, so that a busy machine is the same for both. The peak memory of the packing is printed
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
        print(*(pack if asked.job == "pack" else copy)(asked.folder))
        return
    with tempfile.TemporaryDirectory() as place:
        whole = write(Path(place, "whole"), asked.kind, asked.megabytes)
        half = write(Path(place, "half"), asked.kind, asked.megabytes // 2)
        print(f"{asked.megabytes} MB of .{asked.kind}, slides of {INSTANCES} x {DIM} float32")
        for number in range(1, ROUNDS + 1):
            packed, computed, memory = run("pack", whole)
            copied, _, _ = run("copy", whole)
            print(
                f"round {number}: packed in {packed:.2f} s, {computed:.2f} s of them CPU; "
                f"copied in {copied:.2f} s, ratio {packed / copied:.2f}; peak {memory:.0f} MB"
            )
        print(f"peak for half the folder: {run('pack', half)[2]:.0f} MB")


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


def run(job: str, folder: Path) -> tuple[float, ...]:
    """Return seconds, seconds of CPU and peak megabytes of one job in a process of its own."""
    command = [sys.executable, __file__, "--job", job, "--folder", str(folder)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return tuple(float(part) for part in found.stdout.split())


def pack(folder: Path) -> tuple[float, ...]:
    """Pack the folder as ``milbench run --bags`` does; imports are not counted."""
    import torch  # noqa: F401, PLC0415  # its import is no part of the packing

    from milbench.features import About, write_features  # noqa: PLC0415
    from milbench.own_data import OwnData  # noqa: PLC0415
    from milbench.tables.bags import OwnBags  # noqa: PLC0415
    from milbench.tables.resolve import resolved  # noqa: PLC0415

    given = OwnData(name="own", bags="labels.csv", features="features")
    start, cpu = time.perf_counter(), time.process_time()
    own = resolved(given, folder)
    view = OwnBags(own, folder, folder / "cache").view("")
    about = About(dataset="own", classes=own.classes or ())
    path = folder / "cache" / "packed.h5"
    write_features(path, view(folder), encode=None, about=about)
    took = time.perf_counter() - start, time.process_time() - cpu
    path.unlink()
    return *took, peak()


def copy(folder: Path) -> tuple[float, ...]:
    """Copy the files one after the other into one."""
    start, cpu = time.perf_counter(), time.process_time()
    target = folder / "copy.bin"
    with target.open("wb") as out:
        for path in sorted((folder / "features").iterdir()):
            with path.open("rb") as file:
                while block := file.read(2**20):
                    out.write(block)
        out.flush()
        os.fsync(out.fileno())
    took = time.perf_counter() - start, time.process_time() - cpu
    target.unlink()
    return *took, peak()


def peak() -> float:
    """Return the peak memory of this process in megabytes, mapped pages of files included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

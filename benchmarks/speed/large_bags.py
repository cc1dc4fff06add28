"""Measure the peak memory and the time of training each method on bags of 20,000 x 1024.

Every method has a process of its own, with the settings that it was published with, one thread,
and three such bags: two to train on for one epoch (or one round of a loop of its own), one to test
on. The features take 245,760,000 bytes of the memory that is printed; torch and the other libraries
some 300 MiB.

    python benchmarks/speed/large_bags.py [--methods abmil transmil] [--instances 20000]
"""

from __future__ import annotations

import argparse
import inspect
import json
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from milbench.jobs import Cell, Run
from milbench.levels import Levels
from milbench.memory import keep_freed_memory
from milbench.registry import load_registry
from milbench.splits import Part
from milbench.train.denormals import denormals_flushed
from milbench.train.engine import train_run
from milbench.train.machine import peak_memory_mb, versions
from milbench.train.resident import Resident

if TYPE_CHECKING:
    from milbench.records import Aggregator

FEATURES, LIMIT = 1024, 8 * 1024
TREE = Levels(name="three", coarse=("low", "high"), parents=(0, 0, 1))
# One round of methods that train in a loop of their own: a round holds all that they ever hold.
ONE_ROUND = {"epochs": 1, "warmup": 0, "refresh": 1, "mil_epochs": 2, "extract_epoch": 1}
NAMES = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")


def main() -> None:
    """Print a line for each method, or train the one that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="*", help="names; all that read features otherwise")
    parser.add_argument("--instances", type=int, default=20_000)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(measure(chosen.one, chosen.instances)))
        return
    print(f"bags of {chosen.instances} x {FEATURES}; {versions()}")
    print(f"{'method':20} {'parameters':>12} {'peak MiB':>9} {'s a step':>9}")
    for name in chosen.methods or list(methods()):
        print(line(name, chosen.instances), flush=True)


def methods() -> dict[str, Aggregator]:
    """Return the methods that read features of bags of any size."""
    offers = load_registry().offers("aggregator")
    records = {offer.record.name: offer.record for offer in offers}
    return {
        name: record
        for name, record in records.items()
        if "images" not in record.needs and "any-size" not in record.excused
    }


def line(name: str, instances: int) -> str:
    """Train a method in a process of its own and return its line of the table."""
    asked = [sys.executable, __file__, "--one", name, "--instances", str(instances)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603  # this script
    if done.returncode:
        return f"{name:20} {(done.stderr.strip().splitlines() or ['killed'])[-1]}"
    found = json.loads(done.stdout)
    mark = "" if found["peak"] <= LIMIT else f"  more than {LIMIT} MiB"
    return f"{name:20} {found['parameters']:12,} {found['peak']:9.0f} {found['step']:9.2f}{mark}"


def measure(name: str, instances: int) -> dict[str, float]:
    """Return the parameters, the peak memory in MiB and the seconds of a step of one method."""
    torch.set_num_threads(1)
    keep_freed_memory()  # as a worker does
    record = methods()[name]
    levels = TREE if "levels" in record.needs else None
    data = replace(three_bags(instances), n_classes=3 if levels else 2)
    part = Part(train=np.array([0, 1]), val=np.array([], dtype=np.int64), test=np.array([2]))
    cell = Cell(
        **dict.fromkeys(NAMES, name),
        args=ONE_ROUND if has_own_loop(record) else {},
        recipe=replace(record.recipe, epochs=1, patience=0, select="last"),
        standardise=False,
        threshold="half",
        settings="",
        levels=levels,
    )
    started = time.perf_counter()
    with denormals_flushed():
        outcome = train_run(Run(cell, 0, 0, 0, ""), record, data, part)
    seconds = (time.perf_counter() - started) / 2  # the test bag costs less than a step
    return {
        "parameters": outcome.fitted.parameters,
        "peak": peak_memory_mb(),
        "step": float("nan") if has_own_loop(record) else round(seconds, 3),
    }


def has_own_loop(record: Aggregator) -> bool:
    """Tell whether a method has settings for rounds, and so no steps of a recipe."""
    return ONE_ROUND.keys() <= inspect.signature(record.load()).parameters.keys()


def three_bags(instances: int) -> Resident:
    """Return three random bags of two classes."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3 * instances, FEATURES, generator=generator)
    return Resident(x, (0, instances, 2 * instances, 3 * instances), None, (0, 1, 0), 2)


if __name__ == "__main__":
    main()

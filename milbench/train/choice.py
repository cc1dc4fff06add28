"""Says which runs are worth a stack, by what is known before anything is computed.

The answer follows from the plan alone, never from a clock or from what is left to do, so that a
resumed suite trains as an uninterrupted one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from milbench.errors import PluginError

if TYPE_CHECKING:
    from milbench.records import Aggregator

Engine = Literal["auto", "sequential", "stacked"]

# Below these a stack gains nothing (benchmarks/speed/stacked.py): recording the steps of a method
# takes some 2.5 s in each process, and a stacked step of a run is about 0.2 ms shorter.
REPLICAS = 4
STEPS = 20_000
TRIALS = 100  # models of tuned runs that a task builds at a time
LARGEST = 25  # more replicas do not fit the cache that a core has to itself


def why_alone(record: Aggregator, engine: Engine, count: int, steps: int) -> str:
    """Return why runs that share an order of bags are not stacked; empty where they may be.

    Parameters
    ----------
    engine
        ``auto`` decides by the gain; ``stacked`` stacks few runs and short ones too;
        ``sequential`` none.
    count
        Planned runs that share an order of bags.
    steps
        Planned training steps of all runs of the cell, early stopping left aside.
    """
    if engine == "sequential":
        return "the sequential engine was asked for"
    if record.stackable is False:
        return "the method declares that its runs cannot be stacked"
    if count < REPLICAS and engine == "auto":
        return f"{count} runs share an order of bags, below {REPLICAS} a stack is no faster"
    if steps < STEPS and engine == "auto":
        return f"{steps:,} training steps, below {STEPS:,} a stack is no faster"
    try:
        target = record.load()
    except PluginError as error:
        return str(error)
    return "the method has a fit of its own" if hasattr(target, "fit") else ""


def portions(count: int, trials: int = 1) -> list[slice]:
    """Return how ``count`` runs are dealt into stacks: as few as possible, of even sizes.

    Parameters
    ----------
    trials
        Of each run; those of tuned runs fill several stacks, one after the other.
    """
    if count == 0:
        return []
    stacks = -(-count // max(1, (LARGEST if trials == 1 else TRIALS) // trials))
    ends = [round(count * i / stacks) for i in range(stacks + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]

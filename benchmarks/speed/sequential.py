"""Time the sequential engine against a plain per-bag PyTorch loop, in one process, interleaved.

The plain loop has the structure of the published training loops (AttentionDeepMIL, CLAM): a
DataLoader of one bag a step, Adam, the loss read with ``.item()`` in every step, and the held-out
bags evaluated after every epoch. Both sides train the same network on the same folds, with one
thread. The figure is process CPU time; each pair of timings gives one ratio.

    python benchmarks/speed/sequential.py [--pairs 5] [--epochs 3]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from milbench import Bag, Context, Recipe
from milbench.jobs import Cell, Run
from milbench.train.fold import Fold
from milbench.train.machine import peak_memory_mb, versions
from milbench.train.resident import FoldBags, Resident
from milbench.train.sequential import fit_sequential
from milbench_aggregators.abmil import ABMIL

BAGS, SMALLEST, LARGEST, FEATURES, FOLDS = 100, 2, 40, 166, 10
NETWORK = {"hidden": (128,), "attention": 64, "dropout": 0.0}
CONTEXT = Context(n_classes=2)  # for a method with a loss of its own


class Bags(NamedTuple):
    """Synthetic bags: instances packed, offsets, labels."""

    x: torch.Tensor
    offsets: tuple[int, ...]
    labels: tuple[int, ...]


def main() -> None:
    """Print the ratio of the two loops, pair by pair, and its median."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5, help="timings of each side")
    parser.add_argument("--epochs", type=int, default=3, help="epochs of each fold")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    bags = synthetic()
    ratios = []
    for warm_up in (plain_folds, our_folds):
        warm_up(bags, 1)
    print(f"{BAGS} bags of {SMALLEST}-{LARGEST} instances x {FEATURES}, {FOLDS} folds, ABMIL")
    print(f"{'plain us/step':>14} {'ours us/step':>14} {'ratio':>7}")
    for _ in range(chosen.pairs):
        plain = timed(plain_folds, bags, chosen.epochs)
        ours = timed(our_folds, bags, chosen.epochs)
        ratios.append(plain / ours)
        print(f"{plain:14.0f} {ours:14.0f} {plain / ours:7.2f}")
    print(f"median ratio {median(ratios):.2f} (goal: 2 or more)")
    print(f"peak memory {peak_memory_mb()} MiB; {versions()}")


def synthetic() -> Bags:
    """Return random bags of the size of MUSK1's, the same on every machine."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(SMALLEST, LARGEST + 1, BAGS)
    x = torch.from_numpy(rng.standard_normal((int(sizes.sum()), FEATURES)).astype(np.float32))
    labels = tuple(int(label) for label in rng.integers(0, 2, BAGS))
    return Bags(x, (0, *np.cumsum(sizes).tolist()), labels)


def timed(train: object, bags: Bags, epochs: int) -> float:
    """Return microseconds of CPU time for each training step, evaluation included."""
    started = time.process_time()
    train(bags, epochs)  # type: ignore[operator]  # one of the two functions below
    steps = epochs * FOLDS * (BAGS - BAGS // FOLDS)
    return (time.process_time() - started) / steps * 1e6


class PlainBags(Dataset):
    """Bags as published loops hold them: a list of tensors."""

    def __init__(self, bags: Bags, positions: list[int]) -> None:
        self.items = [
            (bags.x[bags.offsets[b] : bags.offsets[b + 1]], bags.labels[b]) for b in positions
        ]

    def __len__(self) -> int:
        """Return the count of bags."""
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """Return one bag and its label."""
        return self.items[index]


def plain_folds(bags: Bags, epochs: int) -> None:
    """Train every fold with a DataLoader, Adam and ``.item()`` in each step."""
    for fold in range(FOLDS):
        held_out = list(range(fold, BAGS, FOLDS))
        kept = [b for b in range(BAGS) if b % FOLDS != fold]
        train = DataLoader(PlainBags(bags, kept), batch_size=1, shuffle=True)
        test = DataLoader(PlainBags(bags, held_out), batch_size=1)
        model = ABMIL(FEATURES, 2, **NETWORK)
        optimizer = torch.optim.Adam(model.parameters(), lr=5e-4, weight_decay=1e-4)
        for _ in range(epochs):
            plain_epoch(model, optimizer, train)
            plain_evaluation(model, test)


def plain_epoch(model: nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader) -> float:
    """Train one epoch as published loops do."""
    model.train()
    total = 0.0
    for x, label in loader:
        optimizer.zero_grad()
        output = model(Bag(x=x.squeeze(0)))
        if hasattr(model, "loss"):
            loss = model.loss(output, label[0], CONTEXT)
        else:
            loss = nn.functional.cross_entropy(output.logits.unsqueeze(0), label)
        total += loss.item()
        loss.backward()
        optimizer.step()
    return total / len(loader)


@torch.no_grad()
def plain_evaluation(model: nn.Module, loader: DataLoader) -> float:
    """Evaluate the held-out bags as published loops do."""
    model.eval()
    total = 0.0
    for x, label in loader:
        output = model(Bag(x=x.squeeze(0)))
        total += nn.functional.cross_entropy(output.logits.unsqueeze(0), label).item()
    return total / len(loader)


def our_folds(bags: Bags, epochs: int) -> None:
    """Train every fold with the sequential engine; the held-out bags are its validation bags."""
    recipe = Recipe(lr=5e-4, weight_decay=1e-4, epochs=epochs, patience=0)
    data = Resident(bags.x, bags.offsets, None, bags.labels, 2)
    for fold in range(FOLDS):
        positions = np.arange(BAGS)
        fit_sequential(ABMIL(FEATURES, 2, **NETWORK), _fold(data, positions, fold, recipe))


def _fold(data: Resident, positions: np.ndarray, fold: int, recipe: Recipe) -> Fold:
    names = ("speed", "synthetic", "precomputed", "abmil", "milbench/abmil")
    keys = ("suite", "dataset", "encoder", "method", "aggregator")
    cell = Cell(
        **dict(zip(keys, names, strict=True)),
        args={},
        recipe=recipe,
        standardise=False,
        threshold="half",
        features="",
        split="",
        code="",
        settings="",
    )
    return Fold(
        run=Run(cell, 0, fold, 0, ""),
        bags=FoldBags(data, None),
        train=positions[positions % FOLDS != fold],
        valid=positions[positions % FOLDS == fold],
        labels=dict(enumerate(data.labels)),
        n_bags=BAGS,
        context=Context(n_classes=2, epochs=recipe.epochs),
    )


if __name__ == "__main__":
    if not Path("pyproject.toml").exists():
        raise SystemExit("run this from the root of the repository")
    main()

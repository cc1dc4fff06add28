"""Time the paired bootstrap of AUROC against a loop over resamples with scikit-learn.

Both sides score the same draws of patients, for all methods, on one test set with a bag a patient.
The loop takes a few resamples only; its time is scaled up to all of them, and its values must equal
ours. The figure is process CPU time. "ours" is all that ``patient_bootstrap`` does; "draws" is what
of it goes into drawing patients, once for all methods. "product" is the other fast form, without
the draws: a matrix product of the draws with a comparison of all pairs of bags.

    OMP_NUM_THREADS=1 python benchmarks/speed/bootstrap.py [--draws 10000] [--loop 100] [--times 3]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import roc_auc_score

from milbench.metrics import Predictions
from milbench.stats.bootstrap import BLOCK, patient_bootstrap
from milbench.stats.draws import drawn_patients, strata_of
from milbench.train.machine import peak_memory_mb, versions

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (100, 399, 2000)
METHODS = (1, 5, 15)
SEED = 1
TOLERANCE = 1e-7


def main() -> None:
    """Print one line for each size of the test set and count of methods."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=10_000, help="resamples")
    parser.add_argument("--loop", type=int, default=100, help="resamples of the loop")
    parser.add_argument("--times", type=int, default=3, help="timings of ours")
    chosen = parser.parse_args()
    print(f"{chosen.draws} resamples, CPU seconds; loop: scaled up from {chosen.loop} resamples")
    names = ("bags", "methods", "loop", "product", "draws", "ours", "loop/ours")
    print("".join(f"{name:>10}" for name in names))
    for bags in SIZES:
        for count in METHODS:
            line(bags, {f"method{i}": predictions(bags, i) for i in range(count)}, chosen)
    print(f"peak memory {peak_memory_mb()} MiB; {versions()}")


def line(bags: int, methods: dict[str, Predictions], chosen: argparse.Namespace) -> None:
    """Time both sides and print their ratio."""
    rows = next(iter(methods.values()))
    drawn = [timed(lambda: draws_of(rows, chosen.draws)) for _ in range(chosen.times)]
    mine = [timed(lambda: ours(methods, chosen.draws)) for _ in range(chosen.times)]
    product = [timed(lambda: multiplied(methods, drawn[0][1])) for _ in range(chosen.times)]
    few, expected = timed(lambda: looped(methods, drawn[0][1][:, : chosen.loop]))
    for _, found in (mine[0], product[0]):
        gap = np.abs(found[:, : chosen.loop] - expected).max()
        if gap > TOLERANCE:
            raise RuntimeError(f"{bags} bags: a value differs from scikit-learn's by {gap}")
    loop = few * chosen.draws / chosen.loop
    seconds = [median(cpu for cpu, _ in timings) for timings in (product, drawn, mine)]
    parts = "".join(f"{part:10.3f}" for part in seconds)
    print(f"{bags:10}{len(methods):10}{loop:10.1f}{parts}{loop / seconds[-1]:10.0f}", flush=True)


def predictions(bags: int, number: int) -> Predictions:
    """Return one test set of a method; all methods see the same bags."""
    label = np.arange(bags) % 2
    logit = np.random.default_rng([number]).normal(size=bags) + 1.5 * label
    positive = 1.0 / (1.0 + np.exp(-logit))
    names = np.array([f"{bag:05d}" for bag in range(bags)])
    nothing = np.zeros(bags, dtype=np.int64)
    return Predictions(
        bag=names,
        patient=names,
        label=label,
        score=np.column_stack([1.0 - positive, positive]),
        repeat=nothing,
        fold=nothing,
        seed=nothing,
        threshold=np.full(bags, 0.5),
        classes=("negative", "positive"),
    )


def draws_of(rows: Predictions, draws: int) -> np.ndarray:
    """Return how often each patient is drawn, (P, B), as the bootstrap draws them."""
    strata = strata_of(rows, np.arange(len(rows)))
    blocks = drawn_patients(strata, draws, max(1, BLOCK // len(rows)), SEED, np.float32)
    return np.concatenate(list(blocks), axis=1)


def ours(methods: dict[str, Predictions], draws: int) -> np.ndarray:
    """Return the AUROC of each method in each draw, (m, B)."""
    return patient_bootstrap("auroc", methods, draws=draws, seed=SEED).draws


def multiplied(methods: dict[str, Predictions], counts: np.ndarray) -> np.ndarray:
    """Return the same, (m, B), from K = [s_i > s_j] + [s_i = s_j] / 2, in float32 and in blocks."""
    label = next(iter(methods.values())).label
    kernels = [compared(label, method.score[:, 1]) for method in methods.values()]
    values = np.empty((len(methods), counts.shape[1]))
    width = max(1, BLOCK // len(label))
    for start in range(0, counts.shape[1], width):
        own, other = (counts[label == c, start : start + width] for c in (1, 0))  # (P, b), (Q, b)
        all_pairs = own.sum(axis=0) * other.sum(axis=0)
        for place, kernel in enumerate(kernels):
            won = np.einsum("qb,qb->b", kernel @ own, other)
            values[place, start : start + width] = won / all_pairs
    return values


def compared(label: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return 1 where a positive bag scores higher than a negative one, 1/2 for a tie, (Q, P)."""
    positive, negative = score[label == 1], score[label == 0, None]
    return np.asarray((positive > negative) + 0.5 * (positive == negative), dtype=np.float32)


def looped(methods: dict[str, Predictions], counts: np.ndarray) -> np.ndarray:
    """Return the same, (m, B), by scikit-learn on copied rows, draw by draw."""
    values = np.empty((len(methods), counts.shape[1]))
    for draw in range(counts.shape[1]):
        rows = np.repeat(np.arange(len(counts)), counts[:, draw].astype(int))
        for place, method in enumerate(methods.values()):
            values[place, draw] = roc_auc_score(method.label[rows], method.score[rows, 1])
    return values


def timed(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """Return the CPU seconds that ``work`` takes, and what it returns."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


if __name__ == "__main__":
    if not Path("pyproject.toml").exists():
        raise SystemExit("run this from the root of the repository")
    main()

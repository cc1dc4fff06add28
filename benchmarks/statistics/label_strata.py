"""Print how often the patient-level test is wrong on five labels, by how patients are drawn.

The labels are the mutations of five genes of the patients of TCGA-LUAD, from the table of
prov-gigapath that docs/official-sets.md names. Two methods are equal: what they say of a label is
its truth, noise that both share, and noise of their own. One run in three folds, a bag a patient;
so every rejection at 0.05 is a false one.

    OMP_NUM_THREADS=1 python benchmarks/statistics/label_strata.py TABLE [--studies 300]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np

from milbench.metrics import Predictions
from milbench.stats import bootstrap, draws

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Strata = Callable[[Predictions, NDArray[np.int64]], list[NDArray[np.int64]]]

GENES = ("EGFR", "FAT1", "KRAS", "LRP1B", "TP53")
PATIENTS = (150, 467)
FOLDS, DRAWS, ALPHA = 3, 300, 0.05
SIGNAL, OWN_NOISE = 0.5, 0.7  # in deviations of the shared noise


def one_stratum(_predictions: Predictions, owner: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return all patients as one stratum."""
    return [np.arange(owner.max() + 1)]


def every_set(predictions: Predictions, owner: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return a stratum for each set of labels, however few patients have it."""
    with patch.object(draws, "ENOUGH_FOR_STRATUM", 1):
        return draws.strata_of(predictions, owner)


WAYS: Mapping[str, Strata] = {
    "all sets of labels": every_set,
    "small ones together": draws.strata_of,
    "none": one_stratum,
}


def read_labels(table: Path) -> NDArray[np.int64]:
    """Return the genes of each patient with a diagnostic slide, (patients, 5)."""
    content = table.read_bytes()
    text = (gzip.decompress(content) if table.suffix == ".gz" else content).decode("utf-8")
    rows = [row for row in csv.DictReader(io.StringIO(text)) if "-DX" in row["file_name"]]
    patients = {row["file_name"][:12]: [int(row[gene] == "True") for gene in GENES] for row in rows}
    return np.array([patients[name] for name in sorted(patients)])


def study(labels: NDArray[np.int64], generator: np.random.Generator) -> dict[str, Predictions]:
    """Return the rows of two equal methods."""
    count, shared = len(labels), generator.normal(size=labels.shape)
    methods = {}
    for name in ("a", "b"):
        noise = shared + OWN_NOISE * generator.normal(size=labels.shape)
        methods[name] = Predictions(
            bag=np.arange(count).astype(str),
            patient=np.arange(count).astype(str),
            label=labels,
            score=1.0 / (1.0 + np.exp(-(SIGNAL * labels + noise))),
            repeat=np.zeros(count, np.int64),
            fold=np.arange(count) % FOLDS,
            seed=np.zeros(count, np.int64),
            threshold=np.full(labels.shape, 0.5),
            classes=GENES,
        )
    return methods


def measure(labels: NDArray[np.int64], patients: int, studies: int) -> dict[str, tuple[float, ...]]:
    """Return, for each way of drawing, the share of rejections and the mean width of intervals."""
    generator = np.random.default_rng(patients)
    found: dict[str, list[tuple[bool, float]]] = {way: [] for way in WAYS}
    for number in range(studies):
        methods = study(generator.permutation(labels)[:patients], generator)
        for way, strata in WAYS.items():
            with patch.object(bootstrap, "strata_of", strata):
                drawn = bootstrap.patient_bootstrap("auroc", methods, draws=DRAWS, seed=number)
            pair = drawn.paired("a", "b")
            found[way].append((pair.p < ALPHA, pair.high - pair.low))
    return {way: tuple(np.nanmean(np.array(rows), axis=0)) for way, rows in found.items()}


def main() -> None:
    """Print one line for each number of patients and way of drawing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--studies", type=int, default=300)
    asked = parser.parse_args()
    labels = read_labels(asked.table)
    for patients in PATIENTS:
        for way, (wrong, width) in measure(labels, patients, asked.studies).items():
            print(f"{patients} patients, {way}: {wrong:.1%} rejected, intervals {width:.4f} wide")


if __name__ == "__main__":
    main()

"""What self-pacing and hard negatives do to the instances' AUC of its2clr and hnm, on digits bags.

``python benchmarks/methods/refinement_ablation.py [--folds 5] [--seeds 1]`` trains the forms on
features with and without each part, on folds of digit pools, and prints one line each: AUC of bags,
AUC of instances in all test bags and in positive test bags, mean and standard deviation over
folds and seeds, and seconds a fold.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from milbench import Bag, Context, Example
from milbench_aggregators.hnm import HNMFeatures
from milbench_aggregators.its2clr import ITS2CLRFeatures
from milbench_datasets.digits import bags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench import LabelledBag

FOLDS = 5
ALL_AT_ONCE = {"positive_share": 1.0, "positive_share_end": 1.0}
ALL_NEGATIVES = {"negative_share": 1.0}
VARIANTS: tuple[tuple[str, type[Any], dict[str, Any]], ...] = (
    ("its2clr-features", ITS2CLRFeatures, {}),
    ("  without self-pacing", ITS2CLRFeatures, ALL_AT_ONCE),
    ("  without refinement", ITS2CLRFeatures, {"epochs": 0}),
    ("hnm-features", HNMFeatures, {}),
    ("  without self-pacing", HNMFeatures, ALL_AT_ONCE),
    ("  without hard negatives", HNMFeatures, ALL_NEGATIVES),
    ("  without either", HNMFeatures, ALL_AT_ONCE | ALL_NEGATIVES),
    ("  without refinement", HNMFeatures, {"epochs": 0}),
)


class Figures(NamedTuple):
    """What one training gives on the test bags of its fold."""

    bags: float
    instances: float
    positive_bags: float
    seconds: float


def examples(found: Sequence[LabelledBag], train: np.ndarray) -> list[Example]:
    """Return all bags as features, standardised by the training bags."""
    pixels = [bag.images.reshape(len(bag.images), -1).astype(np.float32) for bag in found]
    seen = np.concatenate([pixels[bag] for bag in train])
    mean, spread = seen.mean(axis=0), seen.std(axis=0)
    spread[spread == 0] = 1.0
    return [
        Example(Bag(torch.from_numpy((x - mean) / spread)), bag.label)
        for x, bag in zip(pixels, found, strict=True)
    ]


def figures(model: Any, found: Sequence[LabelledBag], fold: int, seed: int) -> Figures:
    """Train ``model`` on one fold of pools and test it; the next fold validates."""
    part = np.array([int(bag.patient.removeprefix("pool-")) % FOLDS for bag in found])
    valid, test = np.flatnonzero(part == (fold + 1) % FOLDS), np.flatnonzero(part == fold)
    train = np.setdiff1d(np.arange(len(found)), np.concatenate([valid, test]))
    shown = examples(found, train)
    started = time.perf_counter()
    context = Context(n_classes=2, seed=seed)
    model.fit([shown[bag] for bag in train], [shown[bag] for bag in valid], context)
    seconds = time.perf_counter() - started
    outputs = [model.predict(shown[bag].bag) for bag in test]
    labels = [found[bag].label for bag in test]
    truth = [found[bag].instance_labels for bag in test]
    scores = [output.scores.numpy() for output in outputs]
    positive = np.flatnonzero(labels)
    return Figures(
        roc_auc_score(labels, [float(output.logits[1]) for output in outputs]),
        roc_auc_score(np.concatenate(truth), np.concatenate(scores)),
        roc_auc_score(
            np.concatenate([truth[p] for p in positive]),
            np.concatenate([scores[p] for p in positive]),
        ),
        seconds,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folds", type=int, default=FOLDS, help="of 5")
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    found = list(bags(None))
    print(f"{'':26}  bags         instances    in positive bags   s a fold")
    for name, method, args in VARIANTS:
        runs = [
            figures(method(found[0].images[0].size, 2, **args), found, fold, seed)
            for seed in range(asked.seeds)
            for fold in range(asked.folds)
        ]
        columns = list(zip(*runs, strict=True))
        cells = [f"{statistics.mean(c):.3f} ± {np.std(c):.3f}" for c in columns[:3]]
        print(f"{name:26}  {'  '.join(cells)}        {statistics.mean(columns[3]):.1f}", flush=True)


if __name__ == "__main__":
    main()

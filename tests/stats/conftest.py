"""Made-up experiments: methods of known strength, tested on the same folds."""

import numpy as np
import pytest

from milbench.metrics import Predictions


def make(  # noqa: PLR0913  # each number of the design can be set
    method, *, patients=40, bags_each=1, repeats=3, folds=4, seeds=1, classes=2, signal=1.5
):
    """Return the rows of one method.

    ``method`` seeds its noise: half of it belongs to the bag and stays, half is new in each run.
    Folds depend on the repeat only and hold whole patients, of all classes in equal parts.
    """
    noise = np.random.default_rng([method, 1])
    bags = patients * bags_each
    owner = np.repeat(np.arange(patients), bags_each)
    label = owner % classes
    kept = noise.normal(size=(bags, classes)) + signal * np.eye(classes)[label]
    columns = {"score": [], "repeat": [], "fold": [], "seed": []}
    for repeat in range(repeats):
        place = np.random.default_rng([repeat, 2]).permutation(patients // classes + 1)
        for seed in range(seeds):
            logits = kept + noise.normal(size=(bags, classes))
            power = np.exp(logits)
            columns["score"].append(power / power.sum(axis=1, keepdims=True))
            columns["repeat"].append(np.full(bags, repeat))
            columns["fold"].append(place[owner // classes] % folds)
            columns["seed"].append(np.full(bags, seed))
    return Predictions(
        bag=np.tile([f"bag{i}" for i in range(bags)], repeats * seeds),
        patient=np.tile([f"patient{i}" for i in owner], repeats * seeds),
        label=np.tile(label, repeats * seeds),
        threshold=np.full(bags * repeats * seeds, 0.5),
        classes=tuple(f"class{c}" for c in range(classes)),
        **{name: np.concatenate(parts) for name, parts in columns.items()},
    )


@pytest.fixture(scope="session")
def experiment():
    """Return the function that makes the rows of one method."""
    return make

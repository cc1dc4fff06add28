"""Print how often each test rejects a true null, and finds a true difference, in made-up studies.

Two learners are exactly equal in expectation: ridge-LDA, each on its own half of the features, and
the halves are exchangeable. So every rejection is a false one. "noisy" learners add random weights
in each training, as seeds of a network do; slides of one patient share half of their noise. In the
second table the first learner's half is the better one.

T and P are computed by the code that makes the tables, from rows of predictions. The bands are
those of the protocol: what its own simulation of 600 to 2000 studies gave, with room for the error
of this one.

    OMP_NUM_THREADS=1 python benchmarks/statistics/calibration.py [--studies 200] [--draws 500]
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from milbench.metrics import Predictions
from milbench.stats.bootstrap import patient_bootstrap
from milbench.stats.compare import compare_drawn
from milbench.stats.delong import hold_out_auc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ALPHA = 0.05
FEATURES = 10  # of each learner
SIGNAL = 0.42  # shift of each feature between the classes: AUROC about 0.78
BETTER = 0.12  # more of it, for the learner that is really better: about 0.055 in AUROC
SHARED = 0.5  # correlation of the two halves
SEED_NOISE = 0.7  # length of the random weights, in lengths of the learnt ones
SLIDE_SHARE = 0.5  # share of a slide's noise that is the patient's
RIDGE = 0.1
TESTS = ("P", "T", "t over folds", "Wilcoxon", "t over repeats", "t over seeds", "pooled DeLong")
# The rates of the protocol's simulation, and three standard errors of 400 studies to either side.
BANDS = {"P": (0.02, 0.11), "T": (0.0, 0.075)}


@dataclass(frozen=True)
class Setting:
    """One kind of study.

    Parameters
    ----------
    seeds
        Trainings of every fold.
    slides
        Most slides of a patient; each has from 1 to so many.
    positive
        Patients of class 1.
    better
        Whether the first learner really is.
    """

    name: str
    repeats: int
    folds: int
    noisy: bool
    seeds: int = 1
    slides: int = 1
    patients: int = 200
    positive: int = 100
    better: bool = False


SETTINGS = (
    *(
        Setting(f"{'noisy' if noisy else 'stable'} {repeats}x{folds}", repeats, folds, noisy)
        for noisy in (False, True)
        for repeats, folds in ((1, 5), (3, 5), (5, 5), (10, 10))
    ),
    Setting("stable 5x5, 1-4 slides", 5, 5, noisy=False, slides=4),
    Setting("noisy 5x5, 1-4 slides", 5, 5, noisy=True, slides=4),
    Setting("noisy 1x5, 5 seeds", 1, 5, noisy=True, seeds=5),
    Setting("noisy 5x5, 30 of 100", 5, 5, noisy=True, patients=100, positive=30),
)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=200, help="of each setting")
    parser.add_argument("--draws", type=int, default=500, help="of the bootstrap of a study")
    parser.add_argument("--only", default="", help="settings whose name contains this")
    chosen = parser.parse_args()
    settings = [setting for setting in SETTINGS if chosen.only in setting.name]
    error = np.sqrt(ALPHA * (1 - ALPHA) / chosen.studies)
    print(f"{chosen.studies} studies each; error of a rate of 0.05: {error:.3f}")
    for title, better in (("equal learners: rejections", False), ("a true difference", True)):
        print(f"\n{title}\n{'':24}{'difference':>12}" + "".join(f"{t:>15}" for t in TESTS))
        for number, setting in enumerate(settings):
            report(replace(setting, better=better), chosen.studies, chosen.draws, number)
    print(f"\nbands of the protocol: {BANDS}")
    print("P alone claims nothing with fewer than 3 repeats or seeds: see 1x5")


def report(setting: Setting, studies: int, draws: int, seed: int) -> None:
    """Print one line: the mean difference in AUROC, and the rate of each test."""
    started = time.process_time()
    gap, rates = rejections(setting, studies, draws, seed)
    line = "".join(f"{rates[test]:15.3f}" if test in rates else f"{'-':>15}" for test in TESTS)
    seconds = time.process_time() - started
    print(
        f"{setting.name:24}{gap:12.3f}{line}   {seconds:.0f} s{beyond(setting, rates)}", flush=True
    )


def beyond(setting: Setting, rates: dict[str, float]) -> str:
    """Return which tests reject a true null more often than their band allows."""
    if setting.better:
        return ""
    found = [test for test, (_, most) in BANDS.items() if rates[test] > most]
    return f"   beyond its band: {', '.join(found)}" if found else ""


def rejections(
    setting: Setting, studies: int, draws: int, seed: int
) -> tuple[float, dict[str, float]]:
    """Return the mean difference in AUROC and how often each test has p < 0.05."""
    differences, found = [], []
    for study in range(studies):
        difference, p = judged(setting, draws, np.random.default_rng([seed, study]))
        differences.append(difference)
        found.append(p)
    rates = {test: float(np.mean([p[test] < ALPHA for p in found])) for test in found[0]}
    return float(np.mean(differences)), rates


def judged(
    setting: Setting, draws: int, generator: np.random.Generator
) -> tuple[float, dict[str, float]]:
    """Return the difference in AUROC of one study, and the p of each test that applies."""
    methods = study_of(setting, generator)
    drawn = patient_bootstrap("auroc", methods, draws=draws, seed=int(generator.integers(2**31)))
    pair = compare_drawn(drawn, alpha=ALPHA)[0]
    first, second = drawn.estimates.values()
    p = {"T": pair.p_t, "P": pair.p_patient}
    p |= naive((first.folds - second.folds).ravel(), first.per_seed - second.per_seed)
    p["pooled DeLong"] = pooled(methods)
    return pair.difference, p


def naive(folds: Floats, per_seed: Floats) -> dict[str, float]:
    """Return the p of the tests that papers use: as if folds, repeats or seeds were independent.

    Parameters
    ----------
    folds : (repeats * folds,)
    per_seed : (repeats, seeds)
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy warns of few folds, which is the point
        p = {
            "t over folds": float(stats.ttest_1samp(folds, 0.0).pvalue),
            "Wilcoxon": float(stats.wilcoxon(folds).pvalue),
        }
    if len(per_seed) > 1:
        p["t over repeats"] = float(stats.ttest_1samp(per_seed.mean(axis=1), 0.0).pvalue)
    if len(per_seed) == 1 and per_seed.shape[1] > 1:
        p["t over seeds"] = float(stats.ttest_1samp(per_seed[0], 0.0).pvalue)
    return p


def pooled(methods: dict[str, Predictions]) -> float:
    """Return the p of DeLong's test on one repeat, all folds in one ranking, slides as units."""
    rows = [p.take(np.flatnonzero((p.repeat == 0) & (p.seed == 0))) for p in methods.values()]
    table = np.stack([p.score[:, 1] for p in rows])
    return hold_out_auc(tuple(methods), rows[0].label, table).paired(*methods).p


# Making a study


def study_of(setting: Setting, generator: np.random.Generator) -> dict[str, Predictions]:
    """Return the rows of two learners in one study."""
    owner, label, x = slides_of(setting, generator)
    place = [folds_of(setting, generator) for _ in range(setting.repeats)]
    parts: list[tuple[NDArray[np.int64], Floats, int, int]] = []
    for repeat, fold_of_patient in enumerate(place):
        fold = fold_of_patient[owner]  # (N,)
        for seed in range(setting.seeds):
            scores = np.empty((2, len(owner)))
            for held_out, weights in trained(setting, x, label, fold, generator):
                scores[:, held_out] = np.einsum("lf,nlf->ln", weights, x[held_out])
            parts.append((fold, scores, repeat, seed))
    return {name: rows_of(owner, label, parts, number) for number, name in enumerate("AB")}


def slides_of(
    setting: Setting, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return patient (N,), class (N,) and features (N, learners, FEATURES) of each slide."""
    count = generator.integers(1, setting.slides + 1, size=setting.patients)
    owner = np.repeat(np.arange(setting.patients), count)
    label = classes_of(setting)[owner]
    shape = (setting.patients, 2, FEATURES)
    alone = 0.0 if setting.slides == 1 else 1.0 - SLIDE_SHARE
    noise = np.sqrt(1.0 - alone) * correlated(generator, shape)[owner]
    noise += np.sqrt(alone) * correlated(generator, (len(owner), 2, FEATURES))
    signal = np.array([SIGNAL + BETTER * setting.better, SIGNAL])
    return owner, label, noise + signal[:, None] * label[:, None, None]


def correlated(generator: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """Return noise of variance 1 that the two learners see alike by half."""
    common = generator.normal(size=(shape[0], 1, shape[2]))
    own = generator.normal(size=shape)
    return np.asarray(np.sqrt(SHARED) * common + np.sqrt(1.0 - SHARED) * own)


def classes_of(setting: Setting) -> NDArray[np.int64]:
    """Return the class of each patient."""
    return (np.arange(setting.patients) < setting.positive).astype(np.int64)


def folds_of(setting: Setting, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return the fold of each patient, stratified by class."""
    fold = np.empty(setting.patients, dtype=np.int64)
    for kind in (0, 1):
        members = generator.permutation(np.flatnonzero(classes_of(setting) == kind))
        fold[members] = np.arange(len(members)) % setting.folds
    return fold


def trained(
    setting: Setting,
    x: Floats,
    label: NDArray[np.int64],
    fold: NDArray[np.int64],
    generator: np.random.Generator,
) -> Iterator[tuple[NDArray[np.bool_], Floats]]:
    """Yield each fold as a mask of slides, and the weights (learners, FEATURES) trained without."""
    for held_out in (fold == number for number in range(setting.folds)):
        rest, kind = x[~held_out], label[~held_out]
        means = np.stack([rest[kind == c].mean(axis=0) for c in (0, 1)])  # (2, learners, F)
        centred = rest - means[kind]
        spread = np.einsum("nlf,nlg->lfg", centred, centred) / len(rest)
        spread += RIDGE * np.eye(FEATURES)
        weights = np.linalg.solve(spread, (means[1] - means[0])[..., None])[..., 0]
        if setting.noisy:
            length = np.linalg.norm(weights, axis=1, keepdims=True) / np.sqrt(FEATURES)
            weights = weights + SEED_NOISE * length * generator.normal(size=weights.shape)
        yield held_out, weights


def rows_of(
    owner: NDArray[np.int64],
    label: NDArray[np.int64],
    parts: list[tuple[NDArray[np.int64], Floats, int, int]],
    number: int,
) -> Predictions:
    """Return the test rows of one learner."""
    slides, trainings = len(owner), len(parts)
    positive = 1.0 / (1.0 + np.exp(-np.concatenate([scores[number] for _, scores, _, _ in parts])))
    return Predictions(
        bag=np.tile([f"s{i:04d}" for i in range(slides)], trainings),
        patient=np.tile([f"p{i:04d}" for i in owner], trainings),
        label=np.tile(label, trainings),
        score=np.column_stack([1.0 - positive, positive]),
        repeat=np.repeat([repeat for _, _, repeat, _ in parts], slides),
        fold=np.concatenate([fold for fold, _, _, _ in parts]),
        seed=np.repeat([seed for _, _, _, seed in parts], slides),
        threshold=np.full(slides * trainings, 0.5),
        classes=("negative", "positive"),
    )


if __name__ == "__main__":
    main()

"""The status codes that travel with every number, and what each one means.

They are written into tables and files as they stand; :mod:`milbench.stats.codes` gives them to
the layers above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Code = Literal[
    "DEGENERATE_VARIANCE",
    "EXPLORATORY",
    "FEW_PATIENTS",
    "FEW_UNITS",
    "FOLD_MISSING_CLASS",
    "INCOMPLETE_GRID",
    "MIN_P_UNREACHABLE",
    "NONPROBABILITY",
    "PATIENT_LEAK",
    "POOLED_MODELS",
    "PRETRAINING_OVERLAP",
    "SCORES_ONLY",
    "SEED_ONLY_REPLICATION",
    "SHARED_COHORT",
    "SINGLE_RUN",
    "TEST_SELECTED",
    "TOO_FEW_FOLDS",
    "UNPAIRED_SPLITS",
]

MEANINGS: Final[Mapping[Code, str]] = {
    "DEGENERATE_VARIANCE": "nothing varies, so no uncertainty can be computed",
    "EXPLORATORY": "one of many looks at the data; not a confirmatory test",
    "FEW_PATIENTS": "fewer than 50 patients in the smallest class: no claim from patients alone",
    "FEW_UNITS": "fewer than 15 slides or lesions, 30 events, or 5 in a fold: no claim",
    "FOLD_MISSING_CLASS": "a class is absent from a test fold, so the metric is undefined there",
    "INCOMPLETE_GRID": "some planned runs are missing; the method is left out of comparisons",
    "MIN_P_UNREACHABLE": "no result could be significant: too few draws or data sets for Holm",
    "NONPROBABILITY": "scores are not probabilities; only ranking metrics are given",
    "PATIENT_LEAK": "a patient is in two parts of a fold: the value is too good (error)",
    "POOLED_MODELS": "scores of different models were pooled into one ranking",
    "PRETRAINING_OVERLAP": "the encoder was pre-trained on a corpus that holds this cohort",
    "SCORES_ONLY": "scores by fold, computed elsewhere, without predictions: no test over patients",
    "SEED_ONLY_REPLICATION": "one split with several seeds: no test over the seeds is valid",
    "SHARED_COHORT": "data sets share patients and count as one",
    "SINGLE_RUN": "fewer than 3 repeats and fewer than 3 seeds: no claim from patients alone",
    "TEST_SELECTED": "a checkpoint or threshold was chosen on test bags (error)",
    "TOO_FEW_FOLDS": "fewer than 5 test folds in all: the t-test makes no claim",
    "UNPAIRED_SPLITS": "the methods were not tested on the same bags in the same folds (error)",
}

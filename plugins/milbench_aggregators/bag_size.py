"""A control: logistic regression on the number of instances alone.

On several classical sets the size of a bag nearly gives its label away, so a method must beat it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from milbench_aggregators.vector_classifier import VectorClassifier

if TYPE_CHECKING:
    from milbench import Bag


class BagSize(VectorClassifier):
    """Logistic regression on the standardised bag size; no feature is read."""

    def vector(self, bag: Bag) -> np.ndarray:
        """Return the size of the bag as a vector (1,)."""
        return np.array([float(len(bag))])

    def classifier(self, seed: int) -> Any:  # noqa: ARG002  # the solver is deterministic
        """Return scaling and logistic regression with scikit-learn's default penalty."""
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000))

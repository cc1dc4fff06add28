"""The base of the controls that fit a scikit-learn classifier on one vector a bag."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from milbench import Bag, Context, Example, MilbenchError, Output

if TYPE_CHECKING:
    from collections.abc import Sequence

FLOOR = 1e-12  # of a class absent from training or without a vote: its logarithm stays finite


class VectorClassifier(ABC):
    """Summarise each bag as a vector, then classify the vectors.

    The validation bags are left unused, so that a control learns from the same bags as a network.
    A class absent from training gets the probability 1e-12.
    """

    def __init__(self, in_dim: int, n_classes: int) -> None:
        self.in_dim = in_dim
        self.n_classes = n_classes

    @abstractmethod
    def vector(self, bag: Bag) -> np.ndarray:
        """Return the bag's vector (V,), whatever the bag's size."""

    @abstractmethod
    def classifier(self, seed: int) -> Any:
        """Return a new scikit-learn classifier with ``predict_proba``, scaling included."""

    def fit(
        self,
        train: Sequence[Example],
        valid: Sequence[Example],  # noqa: ARG002  # set by contract; see the class
        context: Context,
    ) -> None:
        """Fit on the training bags.

        Raises
        ------
        MilbenchError
            If the training bags hold a single class.
        """
        labels = np.array([example.label for example in train])  # (B,)
        if len(np.unique(labels)) < 2:  # noqa: PLR2004  # nothing to tell apart
            raise MilbenchError(
                f"{type(self).__name__}: all {len(labels)} training bags have the class "
                f"{sorted(set(labels.tolist()))}; expected two classes or more: draw other splits"
            )
        vectors = np.stack([self.vector(example.bag) for example in train])  # (B, V)
        self.fitted = self.classifier(context.seed).fit(vectors, labels)

    def predict(self, bag: Bag) -> Output:
        """Return log-probabilities (C,) of one bag."""
        found = self.fitted.predict_proba(self.vector(bag)[None])[0]  # (classes seen,)
        probabilities = np.full(self.n_classes, FLOOR)  # (C,)
        probabilities[self.fitted.classes_] = np.maximum(found, FLOOR)
        return Output(logits=torch.from_numpy(np.log(probabilities)))

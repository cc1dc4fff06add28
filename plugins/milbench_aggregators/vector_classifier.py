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
    A class absent from training gets the probability 1e-12. Several labels are as many questions
    of two classes, each with a classifier of its own.
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
        labels = np.array([example.label for example in train])  # (B,) or (B, L)
        self.is_multi_label = context.is_multi_label
        questions = labels.T if self.is_multi_label else labels[None]  # (L, B) or (1, B)
        for asked in questions:
            self._check_varies(asked)
        vectors = np.stack([self.vector(example.bag) for example in train])  # (B, V)
        self.fitted = [self.classifier(context.seed).fit(vectors, asked) for asked in questions]

    def _check_varies(self, labels: np.ndarray) -> None:
        if len(np.unique(labels)) < 2:  # noqa: PLR2004  # nothing to tell apart
            raise MilbenchError(
                f"{type(self).__name__}: all {len(labels)} training bags have the class "
                f"{sorted(set(labels.tolist()))}; expected two classes or more: draw other splits"
            )

    def predict(self, bag: Bag) -> Output:
        """Return log-probabilities (C,) of one bag, or the log-odds (L,) of its labels."""
        vector = self.vector(bag)[None]
        if self.is_multi_label:
            said = np.array([_logs(one, vector, 2) for one in self.fitted])  # (L, 2)
            return Output(logits=torch.from_numpy(said[:, 1] - said[:, 0]))
        return Output(logits=torch.from_numpy(_logs(self.fitted[0], vector, self.n_classes)))


def _logs(fitted: Any, vector: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the log-probability of each class, (C,)."""
    found = fitted.predict_proba(vector)[0]  # (classes seen,)
    probabilities = np.full(n_classes, FLOOR)  # (C,)
    probabilities[fitted.classes_] = np.maximum(found, FLOOR)
    return np.asarray(np.log(probabilities))

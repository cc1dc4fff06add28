"""A control: predict the class frequencies of the training bags, whatever the bag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from milbench import Bag, Context, Example, Output

if TYPE_CHECKING:
    from collections.abc import Sequence

FLOOR = 1e-12  # of a class absent from training: its logarithm stays finite


class Prior:
    """Constant predictor: the share of each class among the training bags.

    A class without training bags gets the probability 1e-12. Of labels, each by itself.
    """

    def __init__(self, in_dim: int, n_classes: int) -> None:  # noqa: ARG002  # set by contract
        self.n_classes = n_classes

    def fit(
        self,
        train: Sequence[Example],
        valid: Sequence[Example],  # noqa: ARG002  # set by contract; nothing to choose on it
        context: Context,
    ) -> None:
        """Count the classes, or the labels, of ``train``."""
        labels = torch.tensor([example.label for example in train])  # (B,) or (B, L)
        if context.is_multi_label:
            self.logits = labels.double().mean(dim=0).logit(eps=FLOOR)  # (L,)
            return
        counts = labels.bincount(minlength=self.n_classes).double()  # (C,)
        self.logits = (counts / counts.sum()).clamp(min=FLOOR).log()  # (C,)

    def predict(self, bag: Bag) -> Output:  # noqa: ARG002  # constant on purpose
        """Return the same log-probabilities (C,), or logits (L,) of labels, for every bag."""
        return Output(logits=self.logits)

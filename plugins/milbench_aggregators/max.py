"""Classify the feature-wise maximum over a bag's instances by a linear model.

Source: the maximum half of the "minimax" bag statistics of T. Gärtner, P. Flach, A. Kowalczyk and
A. Smola, "Multi-Instance Kernels", ICML 2002, pages 179-186.
"""

from torch import nn

from milbench import Bag, Output
from milbench.nn import check_instances


class Max(nn.Module):
    """Linear classifier on the feature-wise maximum (Gärtner et al. 2002)."""

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__()
        self.in_dim = in_dim
        self.head = nn.Linear(in_dim, n_classes)

    def prepare(self, bag: Bag) -> Bag:
        """Return the maxima as a bag of one (1, D): all that the bag is looked at for."""
        return Bag(x=bag.x.amax(dim=0, keepdim=True))

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D), prepared or not, to logits of shape (C,).

        Raises
        ------
        ShapeError
            If bag.x is not (N, D).
        """
        check_instances(bag.x, self.in_dim)
        return Output(logits=self.head(bag.x.amax(dim=0)))

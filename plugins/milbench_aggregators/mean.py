"""Classify the mean of a bag's instances by a linear model.

Source: the "Simple MI" of J. Amores, "Multiple instance classification: Review, taxonomy and
comparative study", Artificial Intelligence 201 (2013) 81-105,
https://doi.org/10.1016/j.artint.2013.06.003.
"""

from torch import nn

from milbench import Bag, Output
from milbench.nn import check_instances


class Mean(nn.Module):
    """Linear classifier on the mean instance (Amores 2013, "Simple MI")."""

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__()
        self.in_dim = in_dim
        self.head = nn.Linear(in_dim, n_classes)

    def prepare(self, bag: Bag) -> Bag:
        """Return the mean instance as a bag of one (1, D): all that the bag is looked at for."""
        return Bag(x=bag.x.mean(dim=0, keepdim=True))

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D), prepared or not, to logits of shape (C,).

        Raises
        ------
        ShapeError
            If bag.x is not (N, D).
        """
        check_instances(bag.x, self.in_dim)
        return Output(logits=self.head(bag.x.mean(dim=0)))

"""Classify the mean of a bag's instances."""

from collections.abc import Iterator

from torch import nn

from milbench import Aggregator, Bag, Output, hookimpl


class MeanLinear(nn.Module):
    """Linear classifier on the mean instance."""

    def __init__(self, in_dim: int, n_classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(in_dim, n_classes))

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D) to logits of shape (C,)."""
        return Output(logits=self.head(bag.x.mean(dim=0)))


@hookimpl
def milbench_aggregators() -> Iterator[Aggregator]:
    """Offer the one method of this file."""
    yield Aggregator(name="mean-linear", target=MeanLinear, summary="linear model on the mean")

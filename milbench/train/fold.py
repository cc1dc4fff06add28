"""What an engine is given to train on, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from milbench.train.matmul import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from milbench.bags import Bag, Context, Output
    from milbench.jobs import Run
    from milbench.suite import Precision
    from milbench.train.matmul import Library, Matmul
    from milbench.train.resident import FoldBags


@dataclass(frozen=True)
class Fold:
    """The training side of one run: no test bag, and no test label, is reachable by position.

    Parameters
    ----------
    bags
        Bags by their position in the data set.
    train, valid : (n,)
        Positions of the training and of the inner validation bags.
    labels
        Label by position, of the training and validation bags only; several are a tuple.
    n_bags
        B, of the whole data set; the shared order of bags depends on it.
    matmul
        What may multiply the float32 matrices of a large step.
    """

    run: Run
    bags: FoldBags
    train: np.ndarray
    valid: np.ndarray
    labels: Mapping[int, int] | Mapping[int, tuple[int, ...]]
    n_bags: int
    context: Context
    matmul: Matmul = DEFAULT

    def at_epoch(self, epoch: int) -> Context:
        """Return the context a method sees in ``epoch``."""
        return replace(self.context, epoch=epoch)


class Fitted(NamedTuple):
    """A trained model, ready to predict.

    Parameters
    ----------
    predict
        Maps a bag to an output whose logits have shape (C,).
    epochs, best_epoch
        Epochs run, and the one whose weights are kept, counted from 0; both 0 for estimators.
    parameters
        Trainable parameters; 0 where the notion does not apply.
    validation_loss
        Default loss of the kept weights on the validation bags; None without such bags, and for
        estimators.
    engine
        ``sequential``, ``stacked`` or ``estimator``.
    note
        How a stack computed.
    precision, matmul
        Numbers that the model was trained in, and what multiplied its float32 matrices.
    """

    predict: Callable[[Bag], Output]
    epochs: int
    best_epoch: int
    parameters: int
    validation_loss: float | None = None
    engine: str = "sequential"
    note: str = ""
    precision: Precision = "float32"
    matmul: Library = "default"

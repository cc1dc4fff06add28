"""The engine of methods that train themselves: ``fit`` on examples, then ``predict`` a bag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from milbench.bags import Example
from milbench.train.fold import Fitted

if TYPE_CHECKING:
    import numpy as np

    from milbench.train.fold import Fold


def fit_estimator(model: Any, fold: Fold) -> Fitted:
    """Let ``model`` fit itself on the training and validation examples of ``fold``."""
    model.fit(_examples(fold, fold.train), _examples(fold, fold.valid), fold.context)
    counted = model.parameters() if callable(getattr(model, "parameters", None)) else ()
    count = sum(p.numel() for p in counted if p.requires_grad)
    return Fitted(model.predict, 0, 0, count, engine="estimator")


def _examples(fold: Fold, positions: np.ndarray) -> list[Example]:
    return [Example(fold.bags[bag], fold.labels[bag]) for bag in positions.tolist()]

"""What one replica of a stack computes, as a function of tensors: its weights, a bag, a label.

The module gives the shape of the computation only; every number comes as an argument, so that one
recording serves all stacks of a cell.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad_and_value

from milbench.bags import Bag
from milbench.train.dropout import name_dropout
from milbench.train.trace import Traced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from milbench.bags import Context, Output
    from milbench.jobs import Cell
    from milbench.train.matmul import Library

ALIKE = ("n_classes", "epochs", "parents", "is_multi_label")
SHARED = 6  # arguments before the weights: x, coords, label, classes, key, sequence


class SharedContext:
    """The context of a stack: what differs between folds cannot be read from it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.was_epoch_read = False

    @property
    def epoch(self) -> int:
        """Return the epoch, counted from 0."""
        self.was_epoch_read = True
        return self._context.epoch

    def __getattr__(self, name: str) -> Any:
        if name in ALIKE:
            return getattr(self._context, name)
        raise AttributeError(f"context.{name} differs between the folds of a stack")


class Inputs(NamedTuple):
    """What a stack computes on in one step.

    Parameters
    ----------
    x : (A, N, D) or (N, D)
        Instances of the bag, each replica's own or shared.
    coords : (N, 2), optional
        Shared.
    label : () int64, or (L,) float32
        Shared; any class where only logits are wanted.
    keys : (A,) int32
        Dropout keys of the step.
    """

    x: Tensor
    coords: Tensor | None
    label: Tensor
    keys: Tensor


class _Method(nn.Module):
    """The model with its loss, so that a loss which reads weights reads the replica's."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, bag: Bag, label: Tensor | None, classes: Tensor, context: Any) -> Tensor:
        output: Output = self.model(bag)
        if label is None:
            return output.logits
        loss_of: Any = getattr(self.model, "loss", None)
        if loss_of is None:
            if label.dim():  # several labels
                return F.binary_cross_entropy_with_logits(output.logits, label)
            return _cross_entropy(output.logits, classes == label)
        loss: Tensor = loss_of(output, label, context)
        return loss


def _cross_entropy(logits: Tensor, is_label: Tensor) -> Tensor:
    """Return what ``F.cross_entropy`` does; that is recorded as thirty operations, this as nine."""
    return -(F.log_softmax(logits, dim=0) * is_label).sum()


class Computation:
    """Gradients and logits of the replicas of one method on one bag.

    Parameters
    ----------
    model
        Copied; the copy's own weights are never used.
    has_own_bags
        Whether each replica sees the bag in a scaling of its own.
    library
        What will multiply float32 matrices; recordings suit it.
    """

    def __init__(
        self, model: nn.Module, *, has_own_bags: bool, library: Library = "default"
    ) -> None:
        self._method = _Method(copy.deepcopy(model)).train()
        self.trained = [n for n, p in model.named_parameters() if p.requires_grad]
        # What is not trained, frozen weights and buffers, may still differ between replicas.
        self.fixed = [n for n, p in model.named_parameters() if not p.requires_grad]
        self.fixed += [n for n, _ in model.named_buffers()]
        device = next(model.parameters()).device
        self._masks = name_dropout(self._method, device)
        self._classes = torch.arange(0, device=device)
        self.has_own_bags, self._has_coords = has_own_bags, False
        self._context: SharedContext | None = None
        own = 0 if has_own_bags else None
        weights = (0,) * (len(self.trained) + len(self.fixed))
        axes = (own, None, None, None, 0, None, *weights)
        grow = (lambda: None) if self._masks is None else self._masks.grow
        resize = self._resized
        self._gradients = Traced(self._gradient, axes, grow, library, resize=resize)
        self._logits = Traced(self._logit, axes, lambda: None, library, resize=resize)

    def begin_epoch(self, context: Context) -> None:
        """Show the loss what ``context`` says of all folds alike."""
        if self._context is not None and self._context.was_epoch_read:
            self._gradients.stay_eager("the loss reads the epoch")
        self._context = SharedContext(context)
        if len(self._classes) != context.n_classes:
            self._classes = torch.arange(context.n_classes, device=self._classes.device)

    def gradients(self, inputs: Inputs, weights: Sequence[Tensor]) -> list[Tensor]:
        """Return the gradient (A, ...) of each trained weight, then the losses (A,).

        Parameters
        ----------
        weights : (A, ...)
            The trained ones, then the fixed ones, in the order of their names here.
        """
        self._set_training(True)
        return self._computed(self._gradients, inputs, weights)

    def logits(self, inputs: Inputs, weights: Sequence[Tensor]) -> Tensor:
        """Return the logits (A, C), without dropout."""
        self._set_training(False)
        return self._computed(self._logits, inputs, weights)[0]

    @property
    def note(self) -> str:
        """Return how gradients are computed, in words for the record."""
        if self._gradients.is_recorded:
            return "gradients agree with those of each run alone; replayed from a recording"
        return f"gradients agree with those of each run alone; eager: {self._gradients.why}"

    @property
    def is_recorded(self) -> bool:
        """Return whether gradients are replayed from a recording."""
        return self._gradients.is_recorded

    def _set_training(self, mode: bool) -> None:
        if self._method.training != mode:  # walking through the modules costs as much as a layer
            self._method.train(mode)

    def _computed(self, traced: Traced, inputs: Inputs, weights: Sequence[Tensor]) -> list[Tensor]:
        x, coords, label, keys = inputs
        self._has_coords = coords is not None
        absent = label  # stands for what is not there and is not read

        def arguments() -> list[Tensor]:
            sequence = absent if self._masks is None else self._masks.sequence
            place = absent if coords is None else coords
            return [x, place, label, self._classes, keys, sequence, *weights]

        return traced(x.shape[1 if self.has_own_bags else 0], len(keys), arguments)

    def _resized(self, arguments: Sequence[Tensor], rows: int) -> list[Tensor]:
        """Return the arguments as they would be for a bag of ``rows`` instances."""
        x, coords, label, classes, key, sequence = arguments[:SHARED]
        axis = 1 if self.has_own_bags else 0
        places = torch.arange(rows, device=x.device) % x.shape[axis]
        if self._has_coords:
            coords = coords[places]
        if self._masks is not None:
            sequence = sequence.repeat(-(-rows // x.shape[axis]))
        x = x.index_select(axis, places)
        return [x, coords, label, classes, key, sequence, *arguments[SHARED:]]

    def _gradient(self, *arguments: Tensor) -> list[Tensor]:
        given, count = list(arguments[SHARED:]), len(self.trained)

        def loss_of(trained: list[Tensor]) -> Tensor:
            weights = [*trained, *given[count:]]
            return self._forward(arguments[:SHARED], weights, is_loss=True)

        gradients, loss = grad_and_value(loss_of)(given[:count])
        return [*gradients, loss]

    def _logit(self, *arguments: Tensor) -> list[Tensor]:
        weights = list(arguments[SHARED:])
        return [self._forward(arguments[:SHARED], weights, is_loss=False)]

    def _forward(
        self, shared: tuple[Tensor, ...], weights: list[Tensor], *, is_loss: bool
    ) -> Tensor:
        x, coords, label, classes, key, sequence = shared
        if self._masks is not None:
            self._masks.start(key, sequence)
        names = (f"model.{name}" for name in (*self.trained, *self.fixed))
        named = dict(zip(names, weights, strict=True))
        bag = Bag(x, coords if self._has_coords else None)
        given = (bag, label if is_loss else None, classes, self._context)
        answer: Tensor = functional_call(self._method, named, given)
        return answer


def computation_name(cell: Cell) -> str:
    """Return what names all that a recording holds fast: the method, its settings, the data set."""
    fixed = (cell.aggregator, cell.code, cell.dataset, cell.view, cell.recipe.epochs)
    return json.dumps([*fixed, cell.parents, cell.args], sort_keys=True, default=str)


_LAST: dict[tuple[Any, ...], Computation] = {}


def shared_computation(
    name: str, model: nn.Module, *, has_own_bags: bool, library: Library = "default"
) -> Computation:
    """Return the computation known by ``name`` in this process, or that of ``model``.

    Only the last one is kept: the stacks of a cell follow one another and share its recordings.
    """
    shapes = tuple((n, value.shape) for n, value in model.state_dict().items())
    key = (name, type(model), shapes, has_own_bags, library)
    if key not in _LAST:
        _LAST.clear()
        _LAST[key] = Computation(model, has_own_bags=has_own_bags, library=library)
    return _LAST[key]

"""A vmapped function run from a recording of its operations.

Eager ``torch.func`` transforms cost more than the arithmetic of a small network. They are recorded
once, with symbolic sizes (``make_fx``), simplified, and replayed. A recording may have been fixed
to the sizes it was made with, so it is used for a size only after it gave the values of the
function itself on the first bag of that size; what does not agree stays as it was.
"""

from __future__ import annotations

import operator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch
from torch.func import vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.node import map_aggregate

from milbench.train.replay import compiled
from milbench.train.simplify import simplify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor
    from torch.fx import Graph, GraphModule, Node

    from milbench.train.matmul import Library

    Function = Callable[..., list[Tensor]]
    Arguments = Callable[[], Sequence[Tensor]]

TOLERANCE = 1e-4  # relative, of all values of an output
ROUNDING = 1e-6  # relative to the largest output: the gradient of a bias before a softmax is 0
RECORDINGS = 2  # a function whose operations depend on the size of the bag gets that many
# Counts of replicas to record with; one that divides no other size stands for the count in the
# graph, and a multiple of it for replicas side by side with something else, such as heads.
MARKERS = (29, 31, 37, 41, 43, 47, 53, 59, 61)
# Counts of instances to record with first: of a bag that is large enough for most methods' top k,
# small enough for their largest bag, and no other size in sight, which would be taken for it.
USUAL = (23, 19, 17, 13, 11, 67, 71, 73)


class Traced:
    """``vmap`` of ``function`` over the axes ``in_dims``, recorded.

    Parameters
    ----------
    function
        Maps tensors to a list of tensors; its operations depend on sizes, never on values.
    in_dims
        For each argument 0 where replicas have their own, None where they share it.
    after_eager
        Called after the function itself was run, and before it is recorded.
    library
        What will multiply float32 matrices.
    resize
        Returns the arguments for a bag of so many instances; what they hold does not matter.
    """

    def __init__(
        self,
        function: Function,
        in_dims: tuple[int | None, ...],
        after_eager: Callable[[], None],
        library: Library = "default",
        *,
        resize: Callable[[Sequence[Tensor], int], list[Tensor]],
    ) -> None:
        self._eager: Function = vmap(function, in_dims=in_dims)
        self._resize = resize
        self._is_usual_recorded = False
        self._after_eager = after_eager
        self._library = library
        self._in_dims = in_dims
        self._recordings: list[Function] = []
        self._room = RECORDINGS
        self.why = "no recording agreed"
        self._of_rows: dict[int, Function] = {}
        self._proven: set[tuple[int, int]] = set()

    def __call__(self, rows: int, count: int, arguments: Arguments) -> list[Tensor]:
        """Return the outputs (count, ...) of ``count`` replicas on a bag of ``rows`` instances.

        Parameters
        ----------
        arguments
            Gives the arguments; asked again after ``after_eager``.
        """
        replay = self._of_rows.get(rows)
        if replay is None or (id(replay), count) not in self._proven:
            return self._first(rows, count, arguments)
        return replay(*arguments())

    def stay_eager(self, why: str) -> None:
        """Forget all recordings and make no more."""
        self.why, self._room = why, 0
        self._recordings.clear()
        self._of_rows.clear()

    @property
    def is_recorded(self) -> bool:
        """Return whether most sizes so far are replayed."""
        replayed = sum(replay is not self._eager for replay in self._of_rows.values())
        return 2 * replayed > len(self._of_rows)

    def _first(self, rows: int, count: int, arguments: Arguments) -> list[Tensor]:
        """Compute the outputs by the function itself, and see which recording agrees."""
        expected = self._eager(*arguments())
        self._after_eager()
        replay = self._agreeing(rows, arguments(), expected) or self._eager
        self._of_rows[rows] = replay
        self._proven.add((id(replay), count))
        return expected

    def _agreeing(
        self, rows: int, arguments: Sequence[Tensor], expected: list[Tensor]
    ) -> Function | None:
        self._record_usual(rows, arguments)
        for replay in self._recordings:
            if _agrees(replay, arguments, expected):
                return replay
        if self._room == 0:
            return None
        self._room -= 1
        try:
            replay = record(self._eager, self._in_dims, arguments, self._library)
        except Exception as error:  # noqa: BLE001  # what cannot be recorded may fail in any way
            lines = str(error).strip().splitlines() or [""]
            self.stay_eager(f"recording fails: {type(error).__name__}: {lines[0][:200]}")
            return None
        self._recordings.append(replay)
        return replay if _agrees(replay, arguments, expected) else None

    def _record_usual(self, rows: int, arguments: Sequence[Tensor]) -> None:
        """Record once with a bag of a usual size, which may serve every other one."""
        if self._is_usual_recorded or self._room == 0:
            return
        self._is_usual_recorded = True
        taken = {size for value in arguments for size in value.shape if size != rows}
        usual = self._resize(arguments, next(size for size in USUAL if size not in taken))
        with suppress(Exception):  # a method may take bags of some sizes only
            self._recordings.append(record(self._eager, self._in_dims, usual, self._library))


def record(
    function: Function,
    in_dims: Sequence[int | None],
    arguments: Sequence[Tensor],
    library: Library = "default",
) -> Function:
    """Return ``function``, a vmapped one, as a replay that holds for any count of replicas."""
    count = _marker(arguments)
    examples = [
        value if axis is None else value[:1].expand(count, *value.shape[1:]).contiguous()
        for value, axis in zip(arguments, in_dims, strict=True)
    ]
    recording: GraphModule = make_fx(function, tracing_mode="symbolic")(*examples)
    simplify(recording.graph, library)
    _free_count(recording.graph, count, list(in_dims).index(0))
    return compiled(recording)


def _marker(arguments: Sequence[Tensor]) -> int:
    taken = {size for value in arguments for size in value.shape if size > 0}
    return next(marker for marker in MARKERS if all(size % marker for size in taken))


def _free_count(graph: Graph, count: int, stacked: int) -> None:
    """Write multiples of the size of argument ``stacked`` for those of the number ``count``."""
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    with graph.inserting_after(inputs[-1]):
        size = graph.call_function(torch.ops.aten.sym_size.int, (inputs[stacked], 0))
    products: dict[int, Node] = {1: size}

    def freed(value: Any) -> Any:
        if not isinstance(value, int) or value <= 0 or value % count:
            return value
        times = value // count
        if times not in products:
            with graph.inserting_after(size):
                products[times] = graph.call_function(operator.mul, (size, times))
        return products[times]

    for node in list(graph.nodes):
        if node is not size and node.op == "call_function":
            node.args = map_aggregate(node.args, freed)


def _agrees(replay: Function, arguments: Sequence[Tensor], expected: list[Tensor]) -> bool:
    try:
        found = replay(*arguments)
    except (RuntimeError, IndexError, ValueError):  # recorded for other sizes
        return False
    scale = max((float(value.double().norm()) for value in expected), default=0.0)
    pairs = zip(found, expected, strict=True)
    return all(_is_near(mine, theirs, scale) for mine, theirs in pairs)


def _is_near(found: Tensor, expected: Tensor, scale: float) -> bool:
    """Return whether two outputs agree; one that is nothing beside the others is rounding."""
    if found.shape != expected.shape:
        return False
    gap = (found - expected).double().norm()
    return bool(gap <= TOLERANCE * expected.double().norm() + ROUNDING * scale + 1e-12)

"""Passes over a recorded graph of tensor operations that leave its values as they are.

``vmap`` writes a view around every operation, most of which lead back to the tensor they came
from. Small networks spend much of a step in such calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.fx.experimental.symbolic_shapes import statically_known_true, sym_eq

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import Graph, Node

    from milbench.train.matmul import Library

ATEN = torch.ops.aten


def simplify(graph: Graph, library: Library = "default") -> None:
    """Drop views that end where they began, and write products of vectors as what they are.

    Parameters
    ----------
    library
        What will multiply matrices. A call of oneDNN costs some 15 microseconds, which products of
        vectors do without; the default library is good at all but outer products.
    """
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        origin = _origin(node) if _is_view(node) else None
        if origin is None and node.target is ATEN.mul.Scalar and node.args[1] == 1:
            origin = node.args[0]
        if origin is not None:
            _replace(graph, node, origin)
        elif node.target is ATEN.bmm.default:
            _without_vectors(graph, node, library)
    graph.eliminate_dead_code()


def _is_view(node: Node) -> bool:
    if str(node.target) == "aten._unsafe_view.default":  # a view, though not declared as one
        return True
    schema = getattr(node.target, "_schema", None)
    if schema is None or schema.is_mutable or len(schema.returns) != 1:
        return False
    alias = schema.returns[0].alias_info
    return alias is not None and not alias.is_write


def _origin(node: Node) -> Node | None:
    """Return the first tensor up the chain of views that has the same elements in the same places.

    Views of one storage with equal sizes, strides and offset are one tensor.
    """
    origin: Node | None = None
    at = node
    while at.op == "call_function" and _is_view(at):
        at = at.all_input_nodes[0]
        if _equal(at.meta["val"], node.meta["val"]):
            origin = at
    return origin


def _equal(first: Tensor, second: Tensor) -> bool:
    if first.dim() != second.dim() or first.dtype != second.dtype:
        return False
    pairs = (
        (first.shape, second.shape),
        (first.stride(), second.stride()),
        ((first.storage_offset(),), (second.storage_offset(),)),
    )
    return all(statically_known_true(sym_eq(a, b)) for a, b in pairs)


def _without_vectors(graph: Graph, node: Node, library: Library) -> None:
    """Replace a batched product (A, M, K) x (A, K, N) of which M, K or N is one."""
    first: Any = node.args[0]
    second: Any = node.args[1]
    (_, rows, inner), columns = first.meta["val"].shape, second.meta["val"].shape[2]
    with graph.inserting_before(node):
        if _is_one(inner):
            product = graph.call_function(torch.mul, (first, second))
        elif library == "default":
            return
        elif _is_one(rows):
            turned = graph.call_function(torch.transpose, (first, 1, 2))
            weighted = graph.call_function(torch.mul, (turned, second))
            product = graph.call_function(torch.sum, (weighted, 1, True))
        elif _is_one(columns):
            turned = graph.call_function(torch.transpose, (second, 1, 2))
            weighted = graph.call_function(torch.mul, (first, turned))
            product = graph.call_function(torch.sum, (weighted, 2, True))
        else:
            return
    product.meta = node.meta
    _replace(graph, node, product)


def _is_one(size: Any) -> bool:
    return statically_known_true(sym_eq(size, 1))


def _replace(graph: Graph, node: Node, by: Node) -> None:
    node.replace_all_uses_with(by)
    graph.erase_node(node)

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

ATEN = torch.ops.aten


def simplify(graph: Graph) -> None:
    """Drop views that end where they began, and write outer products as products."""
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        origin = _origin(node) if _is_view(node) else None
        if origin is None and node.target is ATEN.mul.Scalar and node.args[1] == 1:
            origin = node.args[0]
        if origin is not None:
            _replace(graph, node, origin)
        elif node.target is ATEN.bmm.default:
            _without_outer_product(graph, node)
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


def _without_outer_product(graph: Graph, node: Node) -> None:
    """Replace a batched product over a dimension of one: matrix kernels are slow at it."""
    first: Any = node.args[0]
    if not statically_known_true(sym_eq(first.meta["val"].shape[2], 1)):
        return
    with graph.inserting_before(node):
        product = graph.call_function(torch.mul, node.args)
    product.meta = node.meta
    _replace(graph, node, product)


def _replace(graph: Graph, node: Node, by: Node) -> None:
    node.replace_all_uses_with(by)
    graph.erase_node(node)

"""A recorded graph of tensor operations as one plain Python function.

What ``torch.fx`` itself compiles calls each operation by way of its overload object, which on small
tensors costs as much as the operation. Here operations are called by torch's own bindings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.fx import Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.fx import Graph, GraphModule

ATEN = torch.ops.aten
# The same operation by a shorter way, where it is given no keywords.
SHORTER: dict[Any, Callable[..., Any]] = {
    ATEN.sym_size.int: torch.Tensor.size,
    ATEN.view.default: torch.Tensor.view,
    ATEN.expand.default: torch.Tensor.expand,
    ATEN.transpose.int: torch.transpose,
    ATEN.unsqueeze.default: torch.unsqueeze,
    ATEN.squeeze.dims: torch.squeeze,
    ATEN.bmm.default: torch.bmm,
    ATEN.mm.default: torch.mm,
    ATEN.add.Tensor: torch.add,
    ATEN.sub.Tensor: torch.sub,
    ATEN.mul.Tensor: torch.mul,
    ATEN.neg.default: torch.neg,
    ATEN.relu.default: torch.relu,
    ATEN.tanh.default: torch.tanh,
    ATEN.sigmoid.default: torch.sigmoid,
}


def compiled(recording: GraphModule) -> Callable[..., Any]:
    """Return a function of the inputs of ``recording`` that does what its graph does."""
    names: dict[str, Any] = {}
    last = _last_uses(recording.graph)
    inputs, body = [], []
    for node in recording.graph.nodes:
        if node.op == "placeholder":
            inputs.append(node.name)
        elif node.op == "get_attr":
            names[node.name] = getattr(recording, str(node.target))
        elif node.op == "output":
            body.append(f"return {_text(node.args[0], names)}")
        else:
            body.append(f"{node.name} = {_call(node, names)}")
        # What is not needed any more frees its memory for what comes next.
        freed = [used.name for used in last.get(node, ()) if used.name not in names]
        if freed and node.op == "call_function":
            body.append(f"del {', '.join(freed)}")
    source = "\n    ".join([f"def replay({', '.join(inputs)}):", *body])
    scope = dict(names)
    exec(source, scope)  # noqa: S102  # our own text, made of the names of a graph
    function: Callable[..., Any] = scope["replay"]
    return function


def _last_uses(graph: Graph) -> dict[Node, list[Node]]:
    """Return for each node the values that nobody needs after it."""
    found: dict[Node, Node] = {}
    for node in graph.nodes:
        for used in node.all_input_nodes:
            found[used] = node
    last: dict[Node, list[Node]] = {}
    for used, node in found.items():
        last.setdefault(node, []).append(used)
    return last


def _call(node: Node, names: dict[str, Any]) -> str:
    target: Any = node.target
    short = None if node.kwargs else SHORTER.get(target)
    function = f"{node.name}_op"
    names[function] = short or getattr(target, "_op", target)
    words = [_text(value, names) for value in node.args]
    words += [f"{key}={_text(value, names)}" for key, value in node.kwargs.items()]
    return f"{function}({', '.join(words)})"


def _text(value: Any, names: dict[str, Any]) -> str:
    if isinstance(value, Node):
        return value.name
    if isinstance(value, (list, tuple)):
        inner = ", ".join(_text(one, names) for one in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner},)"
    if value is None or isinstance(value, (bool, int, str)):
        return repr(value)
    name = f"constant_{len(names)}"  # types, devices, and floats that have no text of their own
    names[name] = value
    return name

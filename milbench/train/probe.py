"""Decides whether the runs of a cell are trained side by side, and says why not.

The answer follows from the cell alone, never from a clock or from what is left to do, so that a
resumed suite trains as an uninterrupted one. The bags of the probe are random numbers of the data
set's sizes: no bag and no label is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn

from milbench.bags import Bag, Context
from milbench.seeds import seed
from milbench.train.active import Active
from milbench.train.computation import SharedContext, computation_name, shared_computation
from milbench.train.dropout import name_dropout, step_keys
from milbench.train.flop import step_flop
from milbench.train.loss import default_loss, label_tensor
from milbench.train.replicas import Replicas
from milbench.train.resident import FoldBags
from milbench.train.stacked_optim import cannot_stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from milbench.jobs import Cell
    from milbench.train.computation import Computation
    from milbench.train.resident import Resident

# Above these a step is bound by arithmetic or memory, and processes side by side are faster.
PARAMETERS = 200_000
FLOP = 100e6
TOLERANCE = 1e-4  # of the gradients, relative, in float32
MODELS = 2
EAGER_REPLICAS = 20  # fewer were not faster without a recording (benchmarks/speed/stacked.py)


def cannot_train_stacked(cell: Cell, build: Callable[[], Any], data: Resident, count: int) -> str:
    """Return why the method of ``cell`` is trained run by run, or empty text.

    Parameters
    ----------
    build
        Makes one model, from torch's random numbers.
    count
        Planned runs that share an order of bags.
    """
    reason = cannot_stack(cell.recipe)
    if reason:
        return reason
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed("probe", cell.dataset, cell.method))
        models = [build() for _ in range(MODELS)]
        reason = _structure(models[0])
        if reason:
            return reason
        for model in models:
            model.to(data.device)
        try:
            bags = FoldBags(data, None, getattr(models[0], "prepare", None))
            computed = _computation(cell, models[0], data)
            reason = _size(models[0], bags.typical()) or _numerics(models, computed, cell, data)
        except Exception as error:  # noqa: BLE001  # a method may raise anything under vmap
            lines = str(error).strip().splitlines() or [""]
            return f"vmap fails: {type(error).__name__}: {lines[0][:200]}"
    if not reason and count < EAGER_REPLICAS and not computed.is_recorded:
        return f"{count} runs share an order of bags, too few for a stack ({computed.note})"
    return reason


def _structure(model: Any) -> str:
    if not isinstance(model, nn.Module):
        return "the method is no torch module"
    if hasattr(model, "join"):
        return "a training step of the method joins several bags"
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        return "no parameter to train"
    if len(list(model.named_parameters(remove_duplicate=False))) != len(list(model.parameters())):
        return "layers share weights"
    return ""


class _Probe(NamedTuple):
    """One bag of random numbers, as each model sees it."""

    bags: list[Bag]
    label: Tensor


def _probes(data: Resident, prepare: Callable[[Bag], Bag] | None, *, is_own: bool) -> list[_Probe]:
    """Return bags of random numbers, of five sizes from the smallest to the largest there is.

    More than there are recordings: what needs one for each size is seen here.
    """
    sizes = np.diff(data.offsets)
    by_size = np.argsort(sizes, kind="stable")
    device = data.device
    probes = []
    quantiles = [round(share * (len(by_size) - 1) / 4) for share in range(5)]
    for label, bag in enumerate(by_size[quantiles].tolist()):
        shape = (int(sizes[bag]), *data.x.shape[1:])
        rows = slice(data.offsets[bag], data.offsets[bag + 1])
        coords = None if data.coords is None else data.coords[rows]
        x = torch.randint(0, 256, shape).byte() if data.is_image else torch.randn(shape)
        scales = [1.0 + 0.1 * place for place in range(MODELS)] if is_own else [1] * MODELS
        made = [Bag((x * scale).to(device), coords) for scale in scales]
        made = made if prepare is None else [prepare(one) for one in made]
        probes.append(_Probe(made, label_tensor(_any_label(label, data), device)))
    return probes


def _any_label(number: int, data: Resident) -> int | tuple[int, ...]:
    """Return one of the classes, or a set of labels that is another for the next number."""
    if data.is_multi_label:
        return tuple((number + place) % 2 for place in range(data.n_classes))
    return number % data.n_classes


def _computation(cell: Cell, model: nn.Module, data: Resident) -> Computation:
    has_own = cell.standardise and not data.is_image
    name = computation_name(cell)
    made = shared_computation(name, model, has_own_bags=has_own)
    made.begin_epoch(_context(cell, data))
    return made


def _context(cell: Cell, data: Resident) -> Context:
    return Context(
        n_classes=data.n_classes,
        epochs=cell.recipe.epochs,
        parents=cell.parents,
        is_multi_label=data.is_multi_label,
    )


def _numerics(models: list[nn.Module], computation: Computation, cell: Cell, data: Resident) -> str:
    """Return where stacked gradients differ from those of each model alone, or empty text."""
    is_own = computation.has_own_bags
    replicas = Replicas(models, computation)
    active = Active.of(range(len(models)), data.device)
    context = _context(cell, data)
    keys = step_keys(np.arange(len(models)), 0, 5).to(data.device)  # (5, R)
    prepare = getattr(models[0], "prepare", None)
    for step, probe in enumerate(_probes(data, prepare, is_own=is_own)):
        bag = probe.bags[0]
        if is_own:
            bag = Bag(torch.stack([one.x for one in probe.bags]), bag.coords)
        stacked, _ = replicas.gradients(bag, probe.label, active, keys[step])
        for place, model in enumerate(models):
            mine, reason = _gradients(model, probe, place, context, keys[step, place])
            if reason:
                return reason
            error = _distance([g[place] for g in stacked], mine)
            if not error < TOLERANCE:
                size = len(probe.bags[0])
                return f"stacked gradients differ by {error:.1e} on a bag of {size} instances"
    return ""


def _gradients(
    model: nn.Module, probe: _Probe, place: int, context: Context, key: Tensor
) -> tuple[list[Tensor], str]:
    """Return the gradients of one model alone, or why it cannot be stacked."""
    named = {n: p for n, p in model.named_parameters() if p.requires_grad}
    masks = name_dropout(model, key.device)
    if masks is not None:
        masks.start(key)
    before = {name: value.clone() for name, value in model.named_buffers()}
    model.train()
    loss_of = getattr(model, "loss", default_loss)
    shared: Any = SharedContext(context)
    loss = loss_of(model(probe.bags[place]), probe.label, shared)
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    changed = [n for n, value in model.named_buffers() if not torch.equal(value, before[n])]
    if changed:
        return [], f"the buffer {changed[0]} changes in training"
    idle = [name for name, gradient in zip(named, found, strict=True) if gradient is None]
    if idle:  # alone it stays as it is; in a stack weight decay would move it
        return [], f"the parameter {idle[0]} gets no gradient"
    return [gradient for gradient in found if gradient is not None], ""


def _distance(stacked: list[Tensor], alone: list[Tensor]) -> float:
    pairs = zip(stacked, alone, strict=True)
    gap = sum(float((s - a).double().square().sum()) for s, a in pairs)
    size = sum(float(a.double().square().sum()) for a in alone)
    return float(np.sqrt(gap / max(size, 1e-30)))


def _size(model: nn.Module, typical: Bag) -> str:
    """Return why processes side by side are faster; on a GPU there is one process."""
    if typical.x.device.type != "cpu":
        return ""
    count = sum(p.numel() for p in model.parameters() if p.requires_grad)
    if count >= PARAMETERS:
        return f"{count:,} parameters, at {PARAMETERS:,} or more processes are faster"
    flop = step_flop(model, typical)
    if flop >= FLOP:
        return f"{flop / 1e6:.0f} MFLOP a step, at {FLOP / 1e6:.0f} or more processes are faster"
    return ""

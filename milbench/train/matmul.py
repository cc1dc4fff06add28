"""Which library multiplies large float32 matrices on a CPU: torch's default one, or oneDNN.

Same arithmetic, other speed: on some processors oneDNN's float32 product takes half the time of
the default one. torch uses it when ``set_float32_matmul_precision("medium")`` says so, and on
other processors the same words stand for bfloat16. So the product is tried on random matrices,
once on a machine, and is taken only where it is as exact as float32, and clearly faster.

The verdict is kept in a file, so that all processes and all later runs on a machine agree.
"""

from __future__ import annotations

import json
import logging
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch

from milbench.atomic import write_atomic
from milbench.errors import MilbenchError
from milbench.train.machine import cpu_model, keep_products

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torch import Tensor

    Product = Callable[[Tensor, Tensor], Tensor]

log = logging.getLogger(__name__)

Library = Literal["default", "onednn"]
Asked = Literal["auto", "default", "onednn"]
PRECISION: dict[Library, str] = {"default": "highest", "onednn": "medium"}

ERROR = 2e-6  # relative; float32 has 4e-7 on these shapes, TF32 3e-4, bfloat16 2e-3
MARGIN = 1.2  # times as fast; less is within what a busy machine does to a measurement
# (N, D, M): a bag of N instances in a layer from D to M features. The small one is not timed.
TIMED, SMALL = (640, 1024, 512), (37, 230, 64)
REPEATS = 3
SCHEMA = 1
VERSION = str(torch.__version__)


class Matmul(NamedTuple):
    """Which product training takes: ``library`` in steps of ``flop`` or more, else the default."""

    library: Library = "default"
    flop: float = 0.0


DEFAULT = Matmul()

# From here on no method was slower with oneDNN, whose calls cost about 25 microseconds each
# (docs/decisions/0009-matrix-product-and-precision.md).
LARGE_STEP = 100e6


@dataclass(frozen=True)
class Verdict:
    """What was found out about a machine.

    Parameters
    ----------
    library
        What to take in large steps.
    reason
        Why, in words.
    error
        Of oneDNN's product against float64, relative, the largest of all shapes.
    default_gflops, onednn_gflops
        Speed of one thread, in 10^9 floating-point operations a second.
    torch, cpu
        The machine.
    """

    library: Library
    reason: str
    error: float
    default_gflops: float
    onednn_gflops: float
    torch: str
    cpu: str


def choose(asked: Asked, folder: Path) -> Matmul:
    """Return the product to train with.

    Parameters
    ----------
    asked
        ``auto``: oneDNN in large steps, where the verdict speaks for it; ``default``: never;
        ``onednn``: in every step.
    folder
        Where the verdict is kept.

    Raises
    ------
    MilbenchError
        If oneDNN is asked for and is not as exact as float32 on this machine.
    """
    if asked == "default":
        return DEFAULT
    found = verdict(folder)
    if asked == "auto":
        return Matmul(found.library, LARGE_STEP)
    if not found.error < ERROR:  # as it is when it is no number
        raise MilbenchError(
            f"matmul {asked!r}: on this machine ({found.cpu}) its relative error is "
            f"{found.error:.1e}, expected less than {ERROR:g}, so it is no float32; use auto, or "
            "precision bfloat16 where that is wanted"
        )
    return Matmul("onednn")


@contextmanager
def multiplying(library: Library) -> Iterator[None]:
    """Multiply float32 matrices on the CPU by ``library`` inside, and as before afterwards."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(PRECISION[library])
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def verdict(folder: Path) -> Verdict:
    """Return the verdict on this machine: the one kept in ``folder``, or a new one, kept there.

    A file that is damaged, or tells of another machine, is made anew. A folder that cannot be
    written costs a warning, and the next run its own measurement.
    """
    cpu = cpu_model()
    name = sha256(f"{VERSION}/{cpu}".encode()).hexdigest()[:8]
    path = folder / f"matmul-{name}.json"
    found = _kept(path, cpu)
    if found is not None:
        return found
    found = _new_verdict(cpu)
    earlier = _kept(path, cpu)  # of a process that was faster
    if earlier is not None:
        return earlier
    try:
        write_atomic(path, json.dumps({"schema": SCHEMA, **asdict(found)}, indent=1) + "\n")
    except OSError as error:
        log.warning("%s: the verdict on matrix products cannot be kept: %s", path, error)
    return found


@cache
def _new_verdict(cpu: str) -> Verdict:
    found = judge(measure(_by("default"), _by("onednn")), cpu)
    log.info("matrix products: %s", found.reason)
    return found


def _kept(path: Path, cpu: str) -> Verdict | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        is_ours = content.pop("schema") == SCHEMA
        found = Verdict(**content)
        is_ours &= (found.torch, found.cpu) == (VERSION, cpu)
        is_ours &= isinstance(found.error, float) and (
            found.library == "default" or (found.library == "onednn" and found.error < ERROR)
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None  # absent or damaged: made anew
    return found if is_ours else None


class Measured(NamedTuple):
    """The relative error of a candidate, and the seconds of the default product and of it."""

    error: float
    default: float
    candidate: float
    flop: float


def measure(default: Product, candidate: Product) -> Measured:
    """Compare two products of (A, B) and (B, C) float32 matrices, with one thread.

    The matrices have the shapes and the layouts of a linear layer on a bag: its output, the
    gradient of its weights and the gradient of its input. The shortest of a few times counts.
    """
    keep_products()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        timed, small = _layer(*TIMED), _layer(*SMALL)
        error = max(_error(candidate, pair) for pair in (*timed, *small))
        seconds = [0.0, 0.0]
        for pair in timed:
            for place, best in enumerate(_times((default, candidate), pair)):
                seconds[place] += best
    finally:
        torch.set_num_threads(threads)
    flop = sum(2.0 * a.shape[0] * a.shape[1] * b.shape[1] for a, b in timed)
    return Measured(error, seconds[0], seconds[1], flop)


def _layer(n: int, d: int, m: int) -> list[tuple[Tensor, Tensor]]:
    """Return the factors of the three products of a layer from ``d`` to ``m`` on ``n`` rows."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, generator=draw)
    weight = torch.randn(m, d, generator=draw)
    gradient = torch.randn(n, m, generator=draw)
    return [(x, weight.T), (gradient.T, x), (gradient, weight)]


def _error(product: Product, pair: tuple[Tensor, Tensor]) -> float:
    exact = pair[0].double() @ pair[1].double()
    return float((product(*pair).double() - exact).norm() / exact.norm())


def _times(products: tuple[Product, ...], pair: tuple[Tensor, Tensor]) -> list[float]:
    """Return the shortest time of each product, taken in turns."""
    best = [float("inf")] * len(products)
    for _ in range(REPEATS + 1):  # the first builds its kernels
        for place, product in enumerate(products):
            started = time.perf_counter()
            product(*pair)
            best[place] = min(best[place], time.perf_counter() - started)
    return best


def judge(measured: Measured, cpu: str) -> Verdict:
    """Return the verdict on ``measured``: accuracy first, then speed."""
    gain = measured.default / measured.candidate
    library: Library = "default"
    if not measured.error < ERROR:
        reason = f"oneDNN is no float32 here, its relative error is {measured.error:.1e}"
    elif gain < MARGIN:
        reason = f"oneDNN is {gain:.2f} times as fast as the default, expected {MARGIN:g} or more"
    else:
        library = "onednn"
        reason = f"oneDNN is {gain:.2f} times as fast at a relative error of {measured.error:.1e}"
    return Verdict(
        library=library,
        reason=reason,
        error=measured.error,
        default_gflops=round(measured.flop / measured.default / 1e9, 1),
        onednn_gflops=round(measured.flop / measured.candidate / 1e9, 1),
        torch=VERSION,
        cpu=cpu,
    )


def _by(library: Library) -> Product:
    def product(a: Tensor, b: Tensor) -> Tensor:
        with multiplying(library):
            return a @ b

    return product

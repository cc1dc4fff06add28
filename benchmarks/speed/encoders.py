"""Tiles a second of the encoders, in float32 and in half precision, on a CPU or a GPU.

Weights are random: how fast an encoder is does not depend on what it has learnt. Encoders whose
package is not installed are left out with the reason. Each is warmed up by one batch and then timed
for about ``--seconds``. On a CPU what counts is the time that its cores worked for it, so that
others on a busy machine have no part in the figures: tiles a second of one core. On a GPU it is the
time on the clock::

    python benchmarks/speed/encoders.py resnet18 resnet50 uni --precisions float32 bfloat16
    python benchmarks/speed/encoders.py --device cuda --batch 128

``peak GB`` is that of the GPU; on a CPU it is left out. With ``--bags`` a feature store of bags of
so many tiles is built twice in turn: with batches that end with their bag, as they did once, and
with batches that the next bags fill. ``--side`` is that of a tile::

    python benchmarks/speed/encoders.py random-conv resnet18 --bags 1 --batch 32
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from milbench import LabelledBag
from milbench.errors import MilbenchError
from milbench.features import About, write_features
from milbench.features.encode import Encode
from milbench.memory import keep_freed_memory
from milbench.nn.encoder import NetworkEncoder
from milbench.nn.resnet import ResNet18
from milbench.nn.vgg import VGG19
from milbench.records import Encoder
from milbench.registry import load_registry
from milbench_encoders import ctranspath, imagenet, simclr
from milbench_encoders.hub_vit import HubViT, Tokens
from milbench_encoders.vit import PLAIN, Pooled, TimmViT

if TYPE_CHECKING:
    from collections.abc import Iterator

TILE = 224
ROUNDS = 3
GIGA = 2**30
CNNS: dict[str, Any] = {
    "resnet18": ResNet18,
    "resnet50": imagenet.TruncatedResNet50,
    "vgg19": VGG19,
    "resnet18-simclr": lambda: ResNet18(norm=nn.InstanceNorm2d),
    "ctranspath": ctranspath.swin,
}
LEFT_OUT = ("precomputed", "pixels", "flat-pixels", "resnet18-simclr-transductive", "conch")


def main() -> None:
    """Print one line an encoder and precision."""
    options = _options()
    torch.set_num_threads(options.threads)
    if options.returns_memory:
        print("freed memory is given back to the system")
    elif not options.device.startswith("cuda"):
        keep_freed_memory()  # as the harness does
    print(f"torch {torch.__version__}, {options.device}, {options.threads} threads, {_processor()}")
    print(f"{'encoder':18}{'precision':>10}{'batch':>7}{'tiles/s':>10}{'peak GB':>9}")
    for name in options.encoders:
        try:
            encode = built(name)
        except MilbenchError as error:
            print(f"{name:18}left out: {error}")
            continue
        if options.bags:
            _print_bags(name, encode, options)
            continue
        for precision in options.precisions if hasattr(encode, "to") else ("float32",):
            speed, peak = timed(encode, precision, options)
            print(f"{name:18}{precision:>10}{options.batch:>7}{speed:>10.1f}{peak:>9}", flush=True)


def built(name: str) -> Any:
    """Return the encoder called ``name`` with random weights."""
    record = load_registry().record(Encoder, name)
    if not record.is_trained:
        return record.load()()
    if name in CNNS:
        look = simclr.LOOK if name == "resnet18-simclr" else PLAIN
        return NetworkEncoder(CNNS[name](), look)
    plan = record.load()
    if isinstance(plan, TimmViT):
        return NetworkEncoder(Pooled(plan.network(), plan.pooling), plan.look)
    if isinstance(plan, HubViT):
        return NetworkEncoder(Tokens(plan.network(), plan.pooling), plan.look)
    raise MilbenchError(f"no random weights for {name}")


def timed(encode: Any, precision: str, options: argparse.Namespace) -> tuple[float, str]:
    """Return tiles a second, and the peak of the GPU's memory."""
    is_gpu = options.device.startswith("cuda")
    if hasattr(encode, "to"):
        encode.to(options.device, precision)
    each = getattr(encode, "each", lambda batches: map(encode, batches))
    list(each(_batches(options.batch, 1)))
    if is_gpu:
        torch.cuda.reset_peak_memory_stats()
    clock = time.perf_counter if is_gpu else time.process_time
    count, started = 0, clock()
    for found in each(_batches(options.batch, options.seconds)):
        count += len(found)
    speed = count / (clock() - started)
    return speed, f"{torch.cuda.max_memory_allocated() / GIGA:.1f}" if is_gpu else ""


class BagByBag(Encode):
    """Batches that end with their bag."""

    is_joining = False


def _print_bags(name: str, encode: Any, options: argparse.Namespace) -> None:
    """Print tiles a second of both ways, the better of three rounds of each."""
    if hasattr(encode, "to"):
        encode.to(options.device, "float32")
    ways = {"bag by bag": BagByBag(encode, options.batch), "joined": Encode(encode, options.batch)}
    best = dict.fromkeys(ways, 0.0)
    for _ in range(ROUNDS):
        for way, code in ways.items():
            best[way] = max(best[way], stored(code, options))
    for way, speed in best.items():
        print(f"{name:18}{way:>12}{options.bags:>4} a bag{options.batch:>5}{speed:>10.1f}")


def stored(encode: Encode, options: argparse.Namespace) -> float:
    """Return tiles a second, from tiles in the memory to a feature store on the disk."""
    shape = (options.bags, 3, options.side, options.side)
    tiles = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    count = max(2, options.tiles // options.bags)
    bags = (LabelledBag(id=f"{n}", label=n % 2, images=tiles) for n in range(count))
    clock = time.perf_counter if options.device.startswith("cuda") else time.process_time
    with TemporaryDirectory() as folder:
        started = clock()
        about = About(dataset="bags", classes=("no", "yes"))
        write_features(Path(folder) / "a.h5", bags, encode=encode, about=about)
        return count * options.bags / (clock() - started)


def _batches(size: int, seconds: float) -> Iterator[np.ndarray]:
    """Yield batches of one tile after another until the time is over; one where it is 1 or less."""
    values = np.random.default_rng(0).integers(0, 256, (size, 3, TILE, TILE))
    tiles = values.astype(np.uint8)
    until = time.process_time() + seconds  # of the clock, while a GPU is waited for
    yield tiles
    while seconds > 1 and time.process_time() < until:
        yield tiles


def _processor() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} cores"


def _options() -> argparse.Namespace:
    known = [offer.record.name for offer in load_registry().offers("encoder")]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = [name for name in known if name not in LEFT_OUT]
    parser.add_argument("encoders", nargs="*", default=usual)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--precisions", nargs="+", default=["float32", "bfloat16"], metavar="PRECISION"
    )
    parser.add_argument("--batch", type=int)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--bags", type=int, default=0, metavar="TILES", help="of a bag")
    parser.add_argument("--returns-memory", action="store_true", help="as before it was kept")
    parser.add_argument("--side", type=int, default=TILE, help="of a tile, with --bags")
    parser.add_argument("--tiles", type=int, default=640, help="of all bags, with --bags")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    options.batch = options.batch or (128 if options.device.startswith("cuda") else 8)
    return options


if __name__ == "__main__":
    main()

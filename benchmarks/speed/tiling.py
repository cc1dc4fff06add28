"""Time tiling a slide on one core against all, and its memory on a small against a large slide.

Slides are pyramidal TIFFs of 256-pixel deflate tiles with levels 1, 1/4 and 1/16, tissue all over:
16 different tiles of noise in turn, so that the large slide is written in seconds and still decoded
tile by tile. Each measurement is a process of its own that builds the features of one slide through
tiler ``tissue`` and, in turn, an encoder that takes the mean of each tile (so reading is what is
timed) and ``colour-texture``. One core is ``sched_setaffinity``; in each round both sides come one
after the other. Where others compute too, only the best rounds tell anything; what they do not
change is the share of the work that the one thread does which encodes and writes: where it is less
than half, two cores can be kept busy. Peak memory is that of the process; what imports alone take
is told beside it.

    python benchmarks/speed/tiling.py [--rounds 3] [--small 576] [--large 2304]

Goals: two cores read nearly twice as many tiles; memory does not grow with the slide.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import tifffile
import torch

from milbench import Box, LabelledBag, Regions, Slide
from milbench.features import About, write_features
from milbench_encoders.colour_texture import ColourTexture
from milbench_tilers.tissue import Tissue

if TYPE_CHECKING:
    from collections.abc import Iterator

TILE = 256
KINDS = 16
LEVELS = (1, 4, 16)


def main() -> None:
    """Print tiles a second on one core and on all, and the peak memory for both slides."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", type=int, default=576, help="tiles of the small slide")
    parser.add_argument("--large", type=int, default=2304, help="tiles of the large slide")
    parser.add_argument("--encoders", nargs="+", default=["mean", "colour-texture"])
    parser.add_argument("--measure", nargs=3, metavar=("SLIDE", "ENCODER", "CORES"))
    chosen = parser.parse_args()
    if chosen.measure:
        slide, encoder, cores = chosen.measure
        print(json.dumps(measured(Path(slide), encoder, int(cores))))
        return
    with tempfile.TemporaryDirectory() as name:
        small, large = (
            written(Path(name) / f"{tiles}.tiff", tiles) for tiles in (chosen.small, chosen.large)
        )
        cores = len(os.sched_getaffinity(0))
        for encoder in chosen.encoders:
            throughput(small, encoder, cores, chosen.rounds)
            memory((small, large), encoder, cores)


def written(path: Path, tiles: int) -> Path:
    """Write a square slide of ``tiles`` tiles of 0.5 micrometres a pixel on level 0."""
    side = round(tiles**0.5)
    generator = np.random.default_rng(0)
    kinds = []
    for _ in range(KINDS):
        noise = generator.integers(0, 40, (TILE, TILE, 1), dtype=np.uint8)
        kinds.append(zlib.compress((noise + np.array([180, 80, 130], np.uint8)).tobytes(), 1))

    def encoded(count: int) -> Iterator[bytes]:
        for number in range(count):
            yield kinds[number % KINDS]

    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for level in LEVELS:
            across = max(1, side // level)
            file.write(
                encoded(across * across),
                shape=(across * TILE, across * TILE, 3),
                dtype=np.uint8,
                tile=(TILE, TILE),
                photometric="rgb",
                compression="deflate",
                resolution=(20_000 / level, 20_000 / level),
                resolutionunit="CENTIMETER",
                subfiletype=int(level > 1),
                metadata=None,
            )
    return path


def throughput(slide: Path, encoder: str, cores: int, rounds: int) -> None:
    """Print tiles a second on one core and on all of them, round by round."""
    rates: dict[int, list[float]] = {1: [], cores: []}
    for _ in range(rounds):
        for count, so_far in rates.items():
            found = apart(slide, encoder, count)
            so_far.append(found["tiles"] / found["wall"])
            print(
                f"{encoder}, {count} cores: {found['tiles']} tiles, {so_far[-1]:.0f} a "
                f"second, {1000 * found['cpu'] / found['tiles']:.2f} ms of a core each, "
                f"{found['encoding'] / found['cpu']:.0%} of it where they are encoded"
            )
    ratio = median(many / one for one, many in zip(rates[1], rates[cores], strict=True))
    print(
        f"{encoder}: median ratio {ratio:.2f}, ratio of the best rounds "
        f"{max(rates[cores]) / max(rates[1]):.2f}; load {os.getloadavg()[0]:.1f}"
    )


def memory(slides: tuple[Path, Path], encoder: str, cores: int) -> None:
    """Print the peak memory for a small and a large slide."""
    few, more = (apart(slide, encoder, cores) for slide in slides)
    print(
        f"{encoder}: peak memory {few['peak']:.0f} MiB for {few['tiles']} tiles, "
        f"{more['peak']:.0f} MiB for {more['tiles']} tiles ({more['pixels']:.0f} MiB of pixels); "
        f"{few['before']:.0f} MiB before the first tile"
    )


def apart(slide: Path, encoder: str, cores: int) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--measure", str(slide), encoder, str(cores)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(  # noqa: S603  # ourselves
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measured(path: Path, name: str, cores: int) -> dict[str, float]:
    """Build the features of one slide on so many cores; a second bag is one tile of it."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    torch.set_num_threads(1)
    encode = ColourTexture() if name == "colour-texture" else lambda tiles: tiles.mean((2, 3))
    slide, before = Slide(path), peak()
    start, used, encoding = time.perf_counter(), time.process_time(), time.thread_time()
    tiles = Tissue()(slide, np.random.default_rng(0))
    one = Regions(slide, [Box(0, 0, TILE, TILE)], (TILE, TILE))
    bags = [
        LabelledBag(id="slide", label=0, images=tiles.images, coords=tiles.coords),
        LabelledBag(id="one", label=1, images=one, coords=np.zeros((1, 2))),
    ]
    with tempfile.TemporaryDirectory() as folder:
        about = About(dataset="speed", classes=("no", "yes"), encoder=name)
        write_features(Path(folder) / "a.h5", bags, encode=encode, about=about)
    return {
        "tiles": len(tiles.images),
        "wall": time.perf_counter() - start,
        "cpu": time.process_time() - used,
        "encoding": time.thread_time() - encoding,
        "pixels": float(np.prod(tiles.images.shape)) / 2**20,
        "before": before,
        "peak": peak(),
    }


def peak() -> float:
    """Return the peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

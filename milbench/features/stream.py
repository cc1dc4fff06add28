"""Read the instances of a bag block by block, ahead of the encoder, by as many threads as cores.

At most three blocks are in the memory: one that is encoded, one that waits, one that is read.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench.cores import usable_cores
from milbench.pictures import Regions

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import Future

    from milbench.pictures import Pixels

IN_MEMORY_BLOCK = 1024  # tiles: 616 MB of float32 for 224 x 224 RGB, which fits any device
# Of tiles that are read from a slide: 42 of 256 x 256 RGB. While the last block is encoded nothing
# is left to be read, so a larger one keeps the other cores waiting.
BLOCK_BYTES = 2**23
AHEAD = 2  # blocks


class _Block(NamedTuple):
    """A block that is being read: where its pixels will be, and what is still to come."""

    images: Pixels
    parts: list[Future[None]]

    def wait(self) -> Pixels:
        """Return the pixels when all of them are read."""
        for part in self.parts:
            part.result()
        return self.images


def blocks(
    images: Pixels | Regions, rows: int | None = None, first: int | None = None
) -> Generator[Pixels]:
    """Yield the instances in order, block by block: (n, C, h, w) uint8.

    Instances that are still in their picture are read by threads while the block before them is in
    use, so that reading and encoding overlap.

    Parameters
    ----------
    rows
        Instances of a block; when None, 1024 of those in memory, and 8 MiB of those that are read.
    first
        Instances of the first block, where it completes a batch that others began.

    Raises
    ------
    SlideError
        If an instance cannot be read.
    """
    if isinstance(images, Regions):
        rows = rows or block_rows(images.shape)
        yield from _read_ahead(images, _slices(len(images), rows, first))
        return
    for asked in _slices(len(images), rows or IN_MEMORY_BLOCK, first):
        yield images[asked]


def _slices(total: int, rows: int, first: int | None) -> list[slice]:
    """Return the slices of ``rows`` that make ``total``; the first may have another length."""
    edges = [0, *range(rows if first is None else first, total, rows), total]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def block_rows(shape: tuple[int, ...]) -> int:
    """Return how many instances of (N, C, h, w) one block has that is read from a picture."""
    return min(IN_MEMORY_BLOCK, max(1, BLOCK_BYTES // prod(shape[1:])))


def _read_ahead(images: Regions, slices: list[slice]) -> Generator[Pixels]:
    import torch  # noqa: PLC0415  # what is in the memory is read without it

    threads, of_torch = usable_cores(), torch.get_num_threads()
    # Tiles are resampled by torch, which would start a team of threads for each reader.
    pool = ThreadPoolExecutor(threads, "milbench-read", torch.set_num_threads, (1,))
    coming: deque[_Block] = deque()
    try:
        for asked in slices:
            coming.append(_begin(pool, threads, images, asked))
            if len(coming) == AHEAD:
                yield coming.popleft().wait()
        while coming:
            yield coming.popleft().wait()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(of_torch)  # for threads to come; this one has kept it


def _begin(pool: ThreadPoolExecutor, threads: int, images: Regions, asked: slice) -> _Block:
    """Start to read a block: one part a thread, each into its own rows."""
    first: int = asked.start
    block = np.empty((asked.stop - first, *images.shape[1:]), np.uint8)
    edges = np.linspace(0, len(block), min(threads, len(block)) + 1).astype(int).tolist()

    def fill(start: int, end: int) -> None:
        block[start:end] = images[first + start : first + end]

    return _Block(block, [pool.submit(fill, a, b) for a, b in pairwise(edges)])

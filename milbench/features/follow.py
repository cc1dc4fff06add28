"""Hash the rows of finished bags, and send them to the disk, behind the one who writes them.

A hash costs about as much as reading and checking the rows, and the disk works by itself, so a
thread that follows the writer takes both off its path. It reads what was written, from the memory
in which the system keeps it, so a bag that is given up half-way is never hashed.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

BLOCK_BYTES = 2**18  # fits the second cache of a core beside what the writer has there
SYNC_BYTES = 2**26  # the disk gets so much at once, so that little is left for the end


class Follower:
    """The SHA-256 of parts of a file that grows, in the order in which they are given.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb+", buffering=0)  # one that only reads is not synced everywhere
        self._thread = ThreadPoolExecutor(1, "milbench-hash")
        self._values, self._block = sha256(), memoryview(bytearray(BLOCK_BYTES))
        self._coming: deque[Future[None]] = deque()
        self._unsynced = 0

    def add(self, start: int, size: int) -> None:
        """Hash ``size`` bytes from ``start`` on, which are written and will not change.

        Raises
        ------
        OSError
            If the disk refused what was given before.
        """
        while self._coming and self._coming[0].done():
            self._coming.popleft().result()
        self._coming.append(self._thread.submit(self._hash, start, size))

    def hexdigest(self) -> str:
        """Return the hash of everything that was given.

        Raises
        ------
        OSError
            If the disk refused something of it.
        """
        while self._coming:
            self._coming.popleft().result()
        return self._values.hexdigest()

    def __enter__(self) -> Self:
        """Return the follower itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave undone what was not hashed yet, and close the file."""
        self._thread.shutdown(cancel_futures=True)
        self._file.close()

    def _hash(self, start: int, size: int) -> None:
        self._file.seek(start)
        left = size
        while left and (count := self._file.readinto(self._block[: min(BLOCK_BYTES, left)])):
            self._values.update(self._block[:count])
            left -= count
        self._unsynced += size
        if self._unsynced >= SYNC_BYTES:
            os.fsync(self._file.fileno())
            self._unsynced = 0

"""Let a process keep the memory that it frees and takes again all the time."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

# Of glibc's malloc.h: which setting, and what it is set to.
TRIM_THRESHOLD, KEPT_BYTES = -1, 2**30
MMAP_THRESHOLD, LARGEST_KEPT_BYTES = -3, 2**29


@cache
def keep_freed_memory() -> bool:
    """Let this process use freed memory again instead of giving it back; once a process.

    A step on a large bag frees some tens of MB and takes them again, and so do a fold with its
    standardised copy and a network that encodes one batch after the other. Given back to the system
    each time, memory returns page by page, at a quarter of a microsecond a KiB. Up to 1 GiB is
    kept, in pieces of up to 512 MiB.

    Returns
    -------
    bool
        Whether the C library could be told so; only glibc can.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    settings = ((TRIM_THRESHOLD, KEPT_BYTES), (MMAP_THRESHOLD, LARGEST_KEPT_BYTES))
    return all(mallopt(*setting) == 1 for setting in settings)

"""What a record says about the machine: versions of the libraries and peak memory."""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib.metadata import version

LIBRARIES = ("milbench", "torch", "numpy", "scipy", "scikit-learn", "pandas", "h5py")


@cache
def versions() -> dict[str, str]:
    """Return the version of Python and of every library that a result depends on."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def peak_memory_mb() -> float | None:
    """Return the largest resident memory of this process so far, in MiB; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415  # the module does not exist on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes on macOS, KiB elsewhere
    return round(peak / unit, 1)

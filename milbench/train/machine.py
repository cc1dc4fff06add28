"""The machine: what a record says about it, and how its memory is kept at work."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import torch

LIBRARIES = ("milbench", "torch", "numpy", "scipy", "scikit-learn", "pandas", "h5py")

# Of glibc's malloc.h: which setting, and what it is set to.
TRIM_THRESHOLD, KEPT_BYTES = -1, 2**30
MMAP_THRESHOLD, LARGEST_KEPT_BYTES = -3, 2**27
# As many kernels as oneDNN keeps: one a shape, about 0.7 MB and 1 to 5 ms to build each. Its own
# limit of 1,024 holds the nine products of 113 different bags, and beyond it every one is rebuilt.
KERNELS = 4096


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


@cache
def cpu_model() -> str:
    """Return what names the processor: vendor, model and what it can do."""
    lines = _cpu_lines()
    wanted = ("vendor_id", "model name", "cpu family", "model", "CPU implementer", "CPU part")
    told = [lines[name] for name in wanted if name in lines] or [platform.processor()]
    flags = lines.get("flags", lines.get("Features", ""))
    abilities = sha256(" ".join(sorted(flags.split())).encode()).hexdigest()[:8]
    capability = torch.backends.cpu.get_cpu_capability()
    return " ".join([platform.machine(), *told, capability, abilities])


def _cpu_lines() -> dict[str, str]:
    """Return what Linux says of the first processor; nothing elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition(":") for line in text.strip().split("\n\n")[0].split("\n"))
    return {name.strip(): value.strip() for name, _, value in pairs}


@cache
def keep_freed_memory() -> bool:
    """Let this process use freed memory again instead of giving it back; once a process.

    A step on a large bag frees some tens of MB and takes them again. Given back to the system
    each time, they return page by page. Up to 1 GiB is kept, in pieces of up to 128 MiB.

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


def keep_products() -> None:
    """Let oneDNN keep the kernels of more shapes; has an effect before its first product only."""
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS))

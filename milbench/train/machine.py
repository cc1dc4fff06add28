"""The machine: what a record says about it, and how its kernels are kept."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import torch

LIBRARIES = ("milbench", "torch", "numpy", "scipy", "scikit-learn", "pandas", "h5py")

# oneDNN keeps a kernel for each shape, up to 1,024 by itself: the nine products of a step on 113
# different bags. Beyond that every kernel is built again in every step, 1 to 5 ms each.
FEWEST_KERNELS, MOST_KERNELS = 1024, 4096
KERNEL_BYTES = 700_000


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


def keep_products() -> None:
    """Let oneDNN keep the kernels of more shapes; has an effect before its first product only."""
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(kernels()))


def kernels() -> int:
    """Return how many kernels a process may keep: those of all cores fit a quarter of memory."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not told on this system
        return FEWEST_KERNELS
    wanted = memory // 4 // (os.cpu_count() or 1) // KERNEL_BYTES
    return max(FEWEST_KERNELS, min(MOST_KERNELS, wanted))

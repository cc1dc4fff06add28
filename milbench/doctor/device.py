"""Which device milbench would train on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from milbench.doctor.finding import Finding
from milbench.doctor.packages import installed

if TYPE_CHECKING:
    from collections.abc import Iterator

CPU_BUILD = "+cpu"


def examine() -> Iterator[Finding]:
    """Yield the processor cores that may be used, and the GPUs that torch sees.

    A build of torch for CPUs says so in its version, and is not imported.
    """
    yield Finding("device", "cpu", "ok", f"{_cores()} cores usable")
    build = installed("torch")
    if build is None:
        return
    if build.endswith(CPU_BUILD):
        yield Finding("device", "cuda", "note", f"torch {build} is a build for CPUs")
        return
    try:
        import torch  # noqa: PLC0415  # a second, which a CPU build does without
    except (ImportError, OSError) as error:
        step = "python -m pip install --force-reinstall -c constraints.txt torch"
        yield Finding("device", "cuda", "broken", f"torch cannot be imported: {error}", step)
        return
    if not torch.cuda.is_available():
        yield Finding("device", "cuda", "note", f"torch {build} sees no CUDA device")
    for number in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(number)
        text = f"{found.name}, {found.total_memory / 2**30:.0f} GiB"
        yield Finding("device", f"cuda:{number}", "ok", text)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""What is told of the machine, and how its memory is kept."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from milbench.memory import keep_freed_memory
from milbench.train.machine import cpu_model, keep_products, kernels

IS_GLIBC = platform.libc_ver()[0] == "glibc"

FAULTS = """
import resource, sys
from milbench.memory import keep_freed_memory

import torch
if sys.argv[1] == "kept":
    assert keep_freed_memory()
for _ in range(10):
    torch.ones(10_000_000)  # 40 MB, freed at once
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(10_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_only_glibc_can_be_told():
    """Elsewhere the process is left as it is, without an error."""
    assert keep_freed_memory() == (IS_GLIBC and sys.platform.startswith("linux"))


@pytest.mark.skipif(not IS_GLIBC, reason="another C library keeps memory by its own rules")
def test_freed_memory_is_used_again():
    """Ten arrays of 40 MB, 9,766 pages of 4 KiB each, are new pages without it, and not with it."""
    assert 10 * faults("kept") < faults("given back")


def test_the_count_of_kernels_is_a_default(monkeypatch):
    """What the user has set stays."""
    monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "17")
    keep_products()
    assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == "17"

    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY")
    keep_products()
    assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == str(kernels())


@pytest.mark.parametrize(
    ("gib", "cores", "expected"),
    [(24, 2, 4096), (128, 16, 3067), (16, 8, 1024), (None, 4, 1024)],
)
def test_kernels_of_all_processes_fit_a_quarter_of_memory(gib, cores, expected, monkeypatch):
    """128 GiB for 16 cores: 2 GiB each, 3,067 kernels of 0.7 MB; never fewer than oneDNN's own."""

    def told(name):
        if gib is None:
            raise ValueError(name)
        return {"SC_PHYS_PAGES": gib * 2**18, "SC_PAGE_SIZE": 2**12}[name]

    monkeypatch.setattr(os, "sysconf", told)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)

    assert kernels() == expected


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="only Linux tells it in a file")
def test_the_processor_is_named_as_the_system_names_it():
    """The model is that of the first processor, and the same each time."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]

    assert all(name in cpu_model() for name in named[:1])
    assert cpu_model() == cpu_model()
    assert platform.machine() in cpu_model()
